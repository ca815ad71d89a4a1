"""The command `lamina`: each kind of data, its errors and exit codes, and its help."""

import csv
import datetime
import json
import re
import shlex
import signal
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from typer.testing import CliRunner

import lamina
from lamina.cli.app import app
from lamina.datasets import load_sentiment, load_spoken_digits

COMMANDS = ("fit", "predict", "score", "report", "info", "export", "serve")
QUICK = "--param max_iter=2"
RNG = np.random.default_rng(0)


def run(line, code=0, stdin=None):
    """The standard output of a command, which ends with this exit code."""
    result = CliRunner().invoke(app, shlex.split(line), input=stdin)
    assert result.exit_code == code, result.output
    return result.output


def error(line, code=1, stdin=None):
    """The error of a command that fails, without a traceback."""
    output = run(line, code, stdin)
    assert "Traceback" not in output
    assert output.count("Error: ") == 1
    return output[output.index("Error: ") :].rstrip()


def write_tables():
    n = 60
    species = np.array(["Adelie", "Gentoo"])[np.arange(n) % 2]
    weight = np.where(species == "Gentoo", 5000.0, 3700.0) + RNG.normal(0, 90, n)
    frame = pd.DataFrame(
        {
            "species": species,
            "island": RNG.choice(["Dream", "Biscoe"], n),
            "bill": np.where(species == "Gentoo", 47.0, 38.0) + RNG.normal(0, 1, n),
            "weight": weight.round(1),
        }
    )
    frame.to_csv("penguins.csv", index=False)
    frame.drop(columns="species")[:5].to_csv("new.csv", index=False)
    texts, ratings = load_sentiment(return_X_y=True)
    tweets = {"id": range(50), "tweet": texts[:50], "rating": ratings[:50]}
    pd.DataFrame(tweets).to_csv("tweets.csv", index=False)
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(d) for d in range(40)]
    rows = [
        (shop, day, level + 5 * (day.weekday() == 6) + RNG.normal())
        for shop, level in (("north", 10), ("south", 20))
        for day in days
    ]
    RNG.shuffle(rows)
    sales = pd.DataFrame(rows, columns=["shop", "day", "sold"])
    sales["sold"] = sales["sold"].astype(float)
    sales.to_csv("sales.csv", index=False)


def write_folders(folder):
    from PIL import Image

    for label, level in (("dark", 40), ("light", 200)):
        for i in range(10):
            file = folder / "pictures" / label / f"{i}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            pixels = RNG.normal(level, 20, (16, 16)).clip(0, 255).astype("uint8")
            Image.fromarray(pixels).save(file)
            letter = folder / "letters" / label / f"{i}.txt"
            letter.parent.mkdir(parents=True, exist_ok=True)
            letter.write_text(f"a {label} day, number {i}")
    captions = [
        f"{label}/{i}.png,a {label} picture {i}"
        for label in ("dark", "light")
        for i in range(10)
    ]
    (folder / "captions.csv").write_text(
        "file,caption\n" + "\n".join(f"pictures/{c}" for c in captions)
    )
    (folder / "names.conll").write_text(
        "Ann NP\nsings VB\n\nTom NP\nlaughs VB\nloudly RB\n\n" * 10
    )
    (folder / "new-pictures").mkdir()
    Image.new("L", (16, 16), 30).save(folder / "new-pictures" / "a.png")


def write_recordings(folder):
    import soundfile

    waveforms, digits = load_spoken_digits(return_X_y=True)
    for i in range(0, len(digits), 15):
        file = folder / "recordings" / str(digits[i]) / f"{i}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, np.asarray(waveforms[i]), 8000)


def write_texts(folder):
    words = {"un": "one", "deux": "two", "trois": "three", "quatre": "four"}
    french = [" ".join(RNG.choice(list(words), 1 + i % 3)) for i in range(40)]
    english = [" ".join(words[w] for w in line.split()) for line in french]
    (folder / "french.txt").write_text("\n".join(french) + "\n")
    (folder / "english.txt").write_text("\n".join(english) + "\n")
    (folder / "rhymes.txt").write_text("one for sorrow\ntwo for joy\n" * 30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files that the examples of the help name."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_tables()
        write_folders(folder)
        write_recordings(folder)
        write_texts(folder)
        run(f"fit penguins.csv --target species -o first.lamina {QUICK}")
    return folder


@pytest.fixture(autouse=True)
def in_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def examples():
    for command in COMMANDS:
        text = run(f"{command} --help")
        lines = re.findall(r"^ +lamina (.+)$", text, re.MULTILINE)
        assert lines, command
        yield from lines


@pytest.mark.slow
def test_every_example_of_the_help_runs(monkeypatch):
    served = []
    fake = types.SimpleNamespace(serve=lambda *args, **kwargs: served.append(kwargs))
    monkeypatch.setitem(sys.modules, "lamina.serving", fake)
    saved = types.SimpleNamespace(save=lambda path: Path(path).touch())
    monkeypatch.setattr(lamina, "report", lambda *_: saved, raising=False)
    for example in examples():
        line, _, file = example.partition(" < ")
        line += f" {QUICK}" if line.startswith("fit ") else ""
        run(line, stdin=Path(file).read_text() if file else None)
    assert served[0] == {"host": "127.0.0.1", "port": 8000, "title": None}
    assert served[1] == {"host": "0.0.0.0", "port": 8080, "title": "Penguins"}


def test_the_score_of_the_test_part_is_true():
    out = run(f"fit penguins.csv --target species -o p.lamina {QUICK} --test 0.25")
    score, n, majority = re.search(
        r"accuracy (\S+) on (\d+) held-out rows \(majority class (\S+)\)", out
    ).groups()
    facts = json.loads(run("info p.lamina --json"))
    assert (int(n), float(majority)) == (15, 0.5333)
    assert facts["score"]["score"] == pytest.approx(float(score), abs=1e-4)
    assert facts["labels"] == ["Adelie", "Gentoo"]
    assert (facts["target"], facts["data"]) == ("species", "table")
    assert facts["versions"]["lamina"] == lamina.__version__


def test_predictions_are_those_of_python():
    network, frame = lamina.load("first.lamina"), pd.read_csv("new.csv")
    run("predict first.lamina new.csv --proba -o p.csv")
    written = pd.read_csv("p.csv")
    assert written["prediction"].tolist() == network.predict(frame).tolist()
    np.testing.assert_allclose(
        written[["probability_Adelie", "probability_Gentoo"]],
        network.predict_proba(frame),
        rtol=1e-12,
    )
    run("predict first.lamina new.csv --proba -o p.parquet")
    assert pl.read_parquet("p.parquet").rows() == pl.read_csv("p.csv").rows()
    out = run("predict first.lamina -", stdin=Path("new.csv").read_text())
    lines = csv.DictReader(out.splitlines())
    assert [line["prediction"] for line in lines] == written["prediction"].tolist()


def test_score_is_that_of_python():
    frame = pd.read_csv("penguins.csv")
    X, y = frame.drop(columns="species"), frame["species"]
    expected = lamina.load("first.lamina").score(X, y)
    result = json.loads(run("score first.lamina penguins.csv --json"))
    assert result["score"] == expected
    assert (result["baseline_score"], result["n"]) == (0.5, 60)


def test_a_network_of_python_is_used():
    frame = pd.read_csv("penguins.csv")
    X, y = frame[["bill", "weight"]], frame["species"]
    lamina.DNNClassifier(max_iter=1, random_state=0).fit(X, y).save("python.lamina")
    frame[["bill", "weight", "species"]].to_csv("three.csv", index=False)
    assert "Pass --target" in error("score python.lamina three.csv")
    assert "accuracy" in run("score python.lamina three.csv --target species")
    assert json.loads(run("info python.lamina --json"))["score"] is None


@pytest.mark.parametrize(
    ("values", "estimator"),
    [
        (["a", "b"], "DNNClassifier"),
        ([True, False], "DNNClassifier"),
        ([1, 2], "DNNClassifier"),
        ([1.5, 2.5], "DNNRegressor"),
        (range(11), "DNNRegressor"),
    ],
)
def test_the_target_chooses_classifier_or_regressor(values, estimator, tmp_path):
    n, values = 44, list(values)
    frame = pd.DataFrame({"x": RNG.normal(size=n), "y": (values * n)[:n]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    out = run(f"fit {tmp_path}/a.csv --target y -o {tmp_path}/a.lamina {QUICK}")
    assert f"Estimator: {estimator}, because 'y'" in out
    assert type(lamina.load(tmp_path / "a.lamina")).__name__ == estimator


def test_rows_without_a_target_are_left_out_with_a_message(tmp_path):
    frame = pd.read_csv("penguins.csv")
    frame.loc[[3, 5], "species"] = None
    frame.to_csv(tmp_path / "gaps.csv", index=False)
    out = run(
        f"fit {tmp_path}/gaps.csv --target species -o {tmp_path}/g.lamina {QUICK}"
    )
    assert "2 rows have no 'species' and are left out, such as line 5" in out
    assert "58 rows" in run(f"score {tmp_path}/g.lamina {tmp_path}/gaps.csv")


def test_a_small_table_and_test_files(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,a\n2,b\n")
    assert "too few" in error(f"fit {tmp_path}/a.csv --target y -o {tmp_path}/a.lamina")
    run(f"fit {tmp_path}/a.csv --target y -o {tmp_path}/a.lamina --test 0 {QUICK}")
    out = run(
        f"fit penguins.csv --target species -o {tmp_path}/b.lamina "
        f"--test penguins.csv {QUICK}"
    )
    assert "on 60 rows of 'penguins.csv'" in out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("fit absent.csv --target y -o a.lamina", ["'absent.csv' does not exist"]),
        ("fit penguin.csv --target y -o a.lamina", ["Did you mean 'penguins.csv'?"]),
        ("fit picture -o a.lamina", ["Did you mean 'pictures'?"]),
        ("predict first.lamin new.csv", ["Did you mean 'first.lamina'?"]),
        ("fit pictures/dark -o a.lamina", ["is not in a class folder"]),
        ("fit penguins.csv -o a.lamina", ["--target"]),
        ("fit penguins.csv --target specie -o a.lamina", ["did you mean 'species'?"]),
        ("fit penguins.csv --target species -o no/a.lamina", ["folder 'no'"]),
        (
            "fit penguins.csv --target species -o a.lamina --param dropuot=1",
            ["'dropuot'", "Did you mean 'dropout'?"],
        ),
        (
            "fit penguins.csv --target species -o a.lamina --param dropout=2",
            ["dropout", "2"],
        ),
        ("fit penguins.csv --target species -o a.lamina --param x", ["NAME=VALUE"]),
        (
            "fit penguins.csv --target species -o a.lamina --estimator DNNClasifier",
            ["'DNNClassifier'"],
        ),
        ("fit penguins.csv --target species -o a.lamina --time bill", ["--horizon"]),
        ("fit pictures --target y -o a.lamina", ["--target", "folders"]),
        ("fit pictures -o a.lamina --id x", ["--id has no effect"]),
        ("fit french.txt --target no.txt -o a.lamina", ["'no.txt' is not a file"]),
        ("fit penguins.csv --target species -o a.lamina --test 1.5", ["--test 1.5"]),
        ("predict penguins.csv new.csv", ["penguins.csv", "not a file of lamina"]),
        ("predict first.lamina tweets.csv", ["'tweets.csv'", "tweet"]),
        ("predict first.lamina new.csv -o a.doc", [".csv"]),
        ("predict first.lamina new.csv -o new.csv", ["would replace 'new.csv'"]),
        ("fit penguins.csv --target species -o penguins.csv", ["would replace"]),
        ("fit penguins.csv --target species -o new.csv", ["is no network"]),
        (
            "fit sales.csv --target sold --horizon 7 --time day -o a.lamina",
            ["'shop' has texts", "--id"],
        ),
        (
            "fit pictures -o a.lamina --estimator DNNClassifier",
            ["pictures"],
        ),
        ("score first.lamina new.csv", ["no column 'species'"]),
    ],
)
def test_an_error_names_what_where_and_the_remedy(line, words, in_folder):
    message = error(line)
    assert [word for word in words if word not in message] == []
    assert not (in_folder / "a.lamina").exists()


def test_exit_codes_of_wrong_options():
    assert "No such option" in run("fit --colour red", code=2)
    assert "Missing option" in run("fit penguins.csv", code=2)
    assert lamina.__version__ in run("--version")


def test_debug_shows_the_traceback():
    result = CliRunner().invoke(app, ["info", "penguins.csv", "--debug"])
    assert result.exit_code == 1
    assert "Traceback" in result.output


def test_a_value_is_named_by_its_line(tmp_path):
    lines = Path("penguins.csv").read_text().splitlines()
    header = lines[0].removeprefix("species,")
    bad = [header, *(line.split(",", 1)[1] for line in lines[1:4]), "Dream,x,1"]
    (tmp_path / "bad.csv").write_text("\n".join(bad))
    assert "line 5" in error(f"predict first.lamina {tmp_path}/bad.csv")


def test_quiet_prints_nothing():
    line = f"fit penguins.csv --target species -o q.lamina {QUICK} --quiet"
    assert run(line) == ""


def test_a_series_has_one_label(tmp_path):
    frame = pd.DataFrame({"id": [1, 1, 2, 2], "t": [0, 1, 0, 1], "x": [1.0, 2, 3, 4]})
    frame["y"] = ["a", "b", "a", "a"]
    frame.to_csv(tmp_path / "s.csv", index=False)
    line = f"fit {tmp_path}/s.csv --id id --time t --target y -o {tmp_path}/s.lamina"
    assert "Series 1 has several values of 'y'" in error(line)


def test_series_of_a_long_table_are_classified(tmp_path):
    rows = [
        (f"r{i}", t, np.sin(t * (1 + i % 2)), "fast" if i % 2 else "slow")
        for t in range(8)
        for i in range(20)
    ]
    frame = pd.DataFrame(rows, columns=["id", "t", "x", "y"])
    frame.to_csv(tmp_path / "s.csv", index=False)
    line = f"fit {tmp_path}/s.csv --id id --time t --target y -o {tmp_path}/s.lamina"
    assert "on 4 held-out series" in run(f"{line} --param max_iter=3")
    run(f"predict {tmp_path}/s.lamina {tmp_path}/s.csv -o {tmp_path}/p.csv")
    written = pd.read_csv(tmp_path / "p.csv")
    assert written["id"].tolist() == [f"r{i}" for i in range(20)]
    X = frame.drop(columns="y")
    expected = lamina.load(tmp_path / "s.lamina").predict(X)
    assert written["prediction"].tolist() == expected.tolist()


def test_the_last_steps_of_series_are_not_learnt(tmp_path):
    out = run(
        f"fit sales.csv --id shop --time day --target sold --horizon 7 "
        f"-o {tmp_path}/s.lamina {QUICK}"
    )
    assert "on the last 7 steps of 2 series (last value " in out
    network, frame = lamina.load(tmp_path / "s.lamina"), pd.read_csv("sales.csv")
    frame = frame.sort_values("day")
    held_back = frame.groupby("shop").tail(7).index
    (tmp_path / "early.csv").write_text(frame.drop(held_back).to_csv(index=False))
    expected = network.predict(pd.read_csv(tmp_path / "early.csv"))["sold"]
    # What the network continues by itself are the series that it learnt.
    np.testing.assert_allclose(
        np.sort(network.predict()["sold"]), np.sort(expected), rtol=1e-5
    )


def test_an_interrupt_before_the_first_epoch_saves_nothing(monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(lamina.DNNClassifier, "fit", interrupted)
    line = f"fit penguins.csv --target species -o {tmp_path}/a.lamina"
    assert error(line, code=130) == "Error: interrupted."
    assert list(tmp_path.iterdir()) == []


def process(*arguments, **options):
    command = [sys.executable, "-m", "lamina", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


@pytest.mark.slow
def test_ctrl_c_saves_the_network_of_the_epochs_until_then(tmp_path):
    saved = tmp_path / "a.lamina"
    endless = ["max_iter=1000000", "n_iter_no_change=1000000"]
    options = [part for value in endless for part in ("--param", value)]
    fit = ["fit", "penguins.csv", "--target", "species", "-o", str(saved), *options]
    with process(*fit) as running:
        assert running.stderr.readline().startswith("epoch ")
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=120)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    assert "interrupted" in err
    assert "accuracy" in out
    assert [p.name for p in tmp_path.iterdir()] == ["a.lamina"]
    assert lamina.load(saved).n_iter_ > 1


@pytest.mark.slow
def test_exit_codes_of_the_process():
    for arguments, code in (
        (["--version"], 0),
        (["info", "absent.lamina"], 1),
        (["info"], 2),
    ):
        with process(*arguments) as running:
            _, err = running.communicate(timeout=120)
        assert running.returncode == code, err
        assert "Traceback" not in err


def test_ctrl_c_is_how_a_server_ends(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    fake = types.SimpleNamespace(serve=interrupted)
    monkeypatch.setitem(sys.modules, "lamina.serving", fake)
    run("serve first.lamina")


def test_a_shell_completes_commands_and_options():
    for words, expected in (
        ("lamina exp", "export"),
        ("lamina fit --hor", "--horizon"),
    ):
        variables = {
            "_LAMINA_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(words.count(" ")),
        }
        result = CliRunner().invoke(app, [], prog_name="lamina", env=variables)
        assert result.output.split() == [expected]


def test_help_does_not_import_torch():
    code = (
        "import sys; sys.modules['torch'] = None; sys.argv = ['lamina', 'fit', '--help'];"
        "from lamina.cli import main; main()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_missing_extra_is_named():
    code = (
        "import sys; sys.modules['typer'] = None; from lamina.cli import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "pip install 'lamina[cli]'" in result.stderr
