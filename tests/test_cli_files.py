"""Kinds of data of the command that name files, or tokens, beside their targets."""

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import lamina
from lamina.cli.app import app
from lamina.tasks.similarity import chrf

RNG = np.random.default_rng(0)
QUICK = "--param max_iter=2"


def run(line, code=0):
    """The output of a command, which ends with this exit code."""
    result = CliRunner().invoke(app, shlex.split(line))
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(autouse=True)
def pictures(tmp_path, monkeypatch):
    """Pictures of two brightnesses in a folder, which is not the working directory."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    rows = []
    for i in range(20):
        name, level = ("dark", 40) if i % 2 else ("light", 200)
        pixels = RNG.normal(level, 20, (16, 16)).clip(0, 255).astype("uint8")
        Image.fromarray(pixels).save(folder / "images" / f"{i}.png")
        rows.append((f"images/{i}.png", f"a {name} picture {i}", name, level / 7 + i))
    frame = pd.DataFrame(rows, columns=["file", "caption", "kind", "level"])
    frame.to_csv(folder / "table.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return frame


@pytest.mark.parametrize(
    ("target", "estimator"),
    [
        ("caption", "ImageCaptioner"),
        ("kind", "CNNClassifier"),
        ("level", "CNNRegressor"),
    ],
)
def test_the_target_of_pictures_chooses_the_estimator(target, estimator, pictures):
    others = "".join(f" --ignore {c}" for c in pictures.columns[1:] if c != target)
    out = run(f"fit data/table.csv --target {target} -o a.lamina {QUICK}{others}")
    assert f"Estimator: {estimator}, because 'file' has the paths of images" in out
    network = lamina.load("a.lamina")
    assert type(network).__name__ == estimator
    X = [Path("data") / name for name in pictures["file"]]
    expected = network.predict(X)
    run("predict a.lamina data/table.csv -o p.csv")
    written = pd.read_csv("p.csv")["prediction"].fillna("").tolist()
    assert written == pytest.approx(list(expected))
    run("predict a.lamina data/images -o f.csv")
    by_file = pd.read_csv("f.csv").set_index("file")["prediction"].fillna("")
    assert [by_file[str(file)] for file in X] == pytest.approx(list(expected))


def test_captions_are_scored_beside_the_most_frequent_one(pictures):
    run(f"fit data/table.csv --target caption -o a.lamina {QUICK} --test 0")
    X = [Path("data") / name for name in pictures["file"]]
    y = pictures["caption"].tolist()
    score = lamina.load("a.lamina").score(X, y)
    constant = chrf([y[0]] * 20, [[text] for text in y], None)
    out = run("score a.lamina data/table.csv")
    assert f"chrF {score:.4g} on 20 rows" in out
    assert f"(most frequent caption {constant:.4g})" in out


def test_a_network_of_python_is_scored(pictures):
    X = [Path("data") / name for name in pictures["file"]]
    network = lamina.ImageCaptioner(max_iter=1, random_state=0)
    network.fit(X, pictures["caption"].tolist()).save("a.lamina")
    assert "chrF" in run("score a.lamina data/table.csv --target caption")


def test_a_file_that_is_absent_is_named_with_its_line():
    Path("data/images/3.png").unlink()
    out = run(f"fit data/table.csv --target kind -o a.lamina {QUICK}", 1)
    assert "'data/table.csv', line 5: the file 'data/images/3.png'" in out


def test_a_file_that_is_damaged_is_named_once():
    Path("data/images/3.png").write_bytes(b"no picture")
    out = run(f"fit data/table.csv --target kind -o a.lamina {QUICK}", 1)
    assert "Line 5 cannot be read" in out or "line 5 cannot be read" in out


def test_recordings_with_texts_are_transcribed(tmp_path):
    import soundfile

    from lamina.datasets import load_spoken_digits

    waveforms, digits = load_spoken_digits(return_X_y=True)
    rows = []
    for i, (sound, digit) in enumerate(zip(waveforms[:12], digits, strict=False)):
        soundfile.write(tmp_path / f"{i}.wav", np.asarray(sound), 8000)
        rows.append((f"{i}.wav", f"no {digit}{i}"))
    frame = pd.DataFrame(rows, columns=["recording", "words"])
    frame.to_csv("said.csv", index=False)
    out = run(f"fit said.csv --target words -o a.lamina {QUICK} --test said.csv")
    assert "Estimator: SpeechRecognizer" in out
    files = [tmp_path / name for name in frame["recording"]]
    score = lamina.load("a.lamina").score(files, frame["words"].tolist())
    assert f"1 - word error rate {score:.4g} on 12 rows" in out


SENTENCES = "Ann NP\nsings VB\n\nTom NP\nlaughs VB\nloudly RB\n"


def test_tagged_sentences_are_learnt_and_scored():
    Path("a.conll").write_text(f"-DOCSTART- O\n\n{SENTENCES}\n" * 10)
    out = run("fit a.conll -o a.lamina --param max_iter=3")
    assert "Estimator: SequenceTagger, because each token has one of 3 labels" in out
    assert "on 4 held-out sentences (most frequent label " in out
    network = lamina.load("a.lamina")
    X = [["Ann", "sings"], ["Tom", "laughs", "loudly"]] * 10
    y = [["NP", "VB"], ["NP", "VB", "RB"]] * 10
    out = run("score a.lamina a.conll")
    assert f"accuracy of labels {network.score(X, y):.4g} on 20 sentences" in out
    assert "(most frequent label 0.4)" in out
    Path("new.txt").write_text("Ann sings\nTom laughs loudly\n")
    expected = [" ".join(labels) for labels in network.predict(X[:2])]
    for data in ("new.txt", "a.conll"):
        run(f"predict a.lamina {data} -o p.csv")
        written = pd.read_csv("p.csv")
        assert written["text"].tolist()[:2] == ["Ann sings", "Tom laughs loudly"]
        assert written["prediction"].tolist()[:2] == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ann NP\nsings\n", "line 2 has 1 fields, and the first token has 2"),
        ("Ann\nsings\n", "line 1 has 1 fields"),
        ("\n\n", "has no tokens"),
    ],
)
def test_a_line_that_is_not_tagged_is_named(text, words):
    Path("a.conll").write_text(text)
    assert words in run("fit a.conll -o a.lamina", 1)


def test_known_columns_of_a_table_are_in_its_report(tmp_path):
    days = pd.date_range("2024-01-01", periods=80)
    frame = pd.DataFrame({"day": days, "closed": (days.day_of_week == 6) * 1.0})
    frame["sold"] = 10 - 5 * frame["closed"] + RNG.normal(0, 0.1, 80)
    frame.to_csv("sales.csv", index=False)
    known = """--param "known_columns=('closed',)" """
    run(
        "fit sales.csv --target sold --time day --horizon 7 -o a.lamina "
        f"{known} {QUICK}"
    )
    run("report a.lamina sales.csv -o a.html")
    assert "Errors by horizon" in Path("a.html").read_text()


def test_a_horizon_longer_than_the_series_is_refused():
    Path("a.csv").write_text("t,y\n" + "".join(f"{i},{i}\n" for i in range(20)))
    out = run("fit a.csv --target y --time t --horizon 30 -o a.lamina", 1)
    assert "the longest series has 20" in out
