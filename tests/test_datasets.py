import csv
import gzip
import hashlib
import importlib.util
import inspect
import io
import os
import sys
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from lamina import datasets
from lamina.datasets import audio, images, source, store, tables
from lamina.exceptions import DataError, MissingExtraError, ParameterError

ROOT = Path(__file__).parents[1]
RAW = Path(os.environ.get("LAMINA_DATA") or ROOT.parent / "shared" / "data")
BUNDLED = sorted(n for n in datasets.__all__ if n.startswith("load_"))
BUNDLED.remove("load_folder")  # tests/test_folders.py
LOADERS = [getattr(datasets, n) for n in BUNDLED]
FETCHERS = [getattr(datasets, n) for n in datasets.__all__ if n.startswith("fetch_")]
WITH_SPLIT = [f for f in LOADERS if f is not datasets.load_diamonds]
N_SAMPLES = {
    "load_adult": (32_561, 16_281),
    "load_basic_motions": (40, 40),
    "load_fashion": (6_000, 1_000),
    "load_gun_point": (50, 150),
    "load_italy_power": (67, 1_029),
    "load_japanese_vowels": (270, 370),
    "load_sentiment": (3_780, 420),
    "load_spoken_digits": (300, 300),
    "fetch_bible": (28_051, 3_026),
    "fetch_brown": (51_606, 5_734),
    "fetch_emoji": (3_003, 783),
    "fetch_fashion": (60_000, 10_000),
    "fetch_flights": (281_373, 55_403),
    "fetch_spoken_digits": (2_700, 300),
}
SERIES = {
    "JapaneseVowels": datasets.load_japanese_vowels,
    "BasicMotions": datasets.load_basic_motions,
    "GunPoint": datasets.load_gun_point,
    "ItalyPowerDemand": datasets.load_italy_power,
}


def named(function):
    return function.__name__


def raw_file(*parts):
    path = RAW.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the raw data are absent: {path}")
    return path


@pytest.fixture
def raw(monkeypatch):
    raw_file("README.md")
    monkeypatch.setenv("LAMINA_DATA", str(RAW))


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("nothing may be downloaded here")

    monkeypatch.setattr("socket.socket.connect", refuse)


def read_ts(path):
    """Steps and labels of a .ts file, read line by line."""
    lines = iter(path.read_text().splitlines())
    while next(lines) != "@data":
        pass
    samples = [line.split(":") for line in lines]
    series = [
        [[float(channel[t]) for channel in channels] for t in range(len(channels[0]))]
        for channels in ([c.split(",") for c in fields[:-1]] for fields in samples)
    ]
    return series, [fields[-1] for fields in samples]


def read_idx(name):
    data = gzip.decompress(raw_file("fashion_mnist", name).read_bytes())
    shape = np.frombuffer(data, ">i4", count=data[3], offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def read_digits():
    waves = {}
    with tarfile.open(raw_file("spoken_digits", "recordings.tar.gz")) as archive:
        for member in archive:
            if member.name.endswith(".wav"):
                file = io.BytesIO(archive.extractfile(member).read())
                waves[Path(member.name).stem] = wavfile.read(file)
    return waves


def test_the_bundled_files_are_small():
    assert sum(path.stat().st_size for path in store.FILES.iterdir()) < 12e6


def test_every_bundled_file_has_its_licence_stated():
    page = (store.FILES / "LICENCES.md").read_text()
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    listed = {name for line in headings for name in line[3:].split(", ") if "." in name}
    assert listed == {p.name for p in store.FILES.iterdir()} - {"LICENCES.md"}


def test_every_function_is_in_the_table():
    rows = {line.split(" ")[0].rstrip("*") for line in datasets.__doc__.splitlines()}
    assert set(datasets.__all__) <= rows
    assert datasets.__all__ == sorted(datasets.__all__)


def test_the_script_makes_the_bundled_files(tmp_path, monkeypatch):
    raw_file("README.md")
    path = ROOT / "scripts" / "make_datasets.py"
    spec = importlib.util.spec_from_file_location("make_datasets", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "FILES", tmp_path)
    script.series(RAW)
    script.sentiment(RAW)
    for made in tmp_path.glob("*.npz"):
        with np.load(made) as new, np.load(store.FILES / made.name) as old:
            assert sorted(new) == sorted(old)
            assert all(np.array_equal(new[key], old[key]) for key in new)
    made, bundled = (f / "sentiment.tsv.gz" for f in (tmp_path, store.FILES))
    assert gzip.decompress(made.read_bytes()) == gzip.decompress(bundled.read_bytes())


@pytest.mark.parametrize("load", WITH_SPLIT, ids=named)
def test_train_and_test_together_are_all(load):
    counts = tuple(len(load(subset=s).target) for s in ("train", "test"))
    assert counts == N_SAMPLES[load.__name__]
    train, test, both = (load(subset=s).target for s in ("train", "test", "all"))
    np.testing.assert_array_equal(np.concatenate([train, test]), both)


@pytest.mark.parametrize("load", LOADERS, ids=named)
def test_the_pair_is_the_bunch(load):
    X, y = load(return_X_y=True)
    bunch = load()
    assert len(X) == len(y) == len(bunch.data)
    assert type(X) is type(bunch.data)
    np.testing.assert_array_equal(y, bunch.target)


@pytest.mark.parametrize("load", WITH_SPLIT, ids=named)
def test_an_unknown_subset_is_refused(load):
    with pytest.raises(ParameterError, match=r"subset must be one of .*'validation'"):
        load(subset="validation")


@pytest.mark.parametrize("function", [*LOADERS, *FETCHERS], ids=named)
def test_arguments_are_by_keyword_and_documented(function):
    parameters = inspect.signature(function).parameters
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters.values())
    assert all(f"\n    {name} : " in function.__doc__ for name in parameters)


@pytest.mark.parametrize("subset", ["train", "test"])
@pytest.mark.parametrize("name", SERIES)
def test_series_are_those_of_the_archive(name, subset):
    series, labels = read_ts(raw_file("series", name, f"{name}_{subset.upper()}.ts"))
    bunch = SERIES[name](subset=subset)
    assert bunch.target.tolist() == labels
    assert len(bunch.data) == len(series)
    for sample, expected in zip(bunch.data, series, strict=True):
        assert sample.dtype == np.float32
        steps = sample if sample.ndim == 2 else sample[:, None]
        np.testing.assert_allclose(steps, expected, rtol=1e-6, atol=1e-7)


def test_shapes_of_series():
    vowels = datasets.load_japanese_vowels(subset="all").data
    lengths = [len(x) for x in vowels]
    assert (min(lengths), max(lengths)) == (7, 29)
    assert {x.shape[1] for x in vowels} == {12}
    assert datasets.load_basic_motions().data.shape == (40, 100, 6)
    assert datasets.load_gun_point().data.shape == (50, 150)
    assert datasets.load_italy_power().data.shape == (67, 24)


@pytest.mark.parametrize(("subset", "part"), [("train", "train"), ("test", "t10k")])
def test_fashion_is_the_first_of_each_class(subset, part):
    pictures = read_idx(f"{part}-images-idx3-ubyte.gz")
    labels = read_idx(f"{part}-labels-idx1-ubyte.gz")
    seen, kept = Counter(), []
    for i, label in enumerate(labels.tolist()):
        if seen[label] < len(labels) // 100:
            kept.append(i)
        seen[label] += 1
    fashion = datasets.load_fashion(subset=subset)
    assert fashion.data.dtype == np.uint8
    np.testing.assert_array_equal(fashion.data, pictures[kept])
    np.testing.assert_array_equal(fashion.target, labels[kept])
    assert len(set(np.bincount(fashion.target))) == 1


def test_spoken_digits_are_the_recordings():
    digits = datasets.load_spoken_digits(subset="all")
    waves = read_digits()
    names = sorted(name for name in waves if int(name.split("_")[2]) < 10)
    names.sort(key=lambda name: int(name.split("_")[2]) < 5)
    assert len(names) == len(digits.data)
    for i, name in enumerate(names):
        rate, wave = waves[name]
        assert rate == digits.sampling_rate
        assert name.startswith(f"{digits.target[i]}_{digits.speaker[i]}_")
        np.testing.assert_array_equal(digits.data[i] * 32768, wave)


def test_spoken_digits_are_balanced():
    digits = datasets.load_spoken_digits()
    pairs = Counter(zip(digits.target.tolist(), digits.speaker.tolist(), strict=True))
    assert len(pairs) == 60
    assert set(pairs.values()) == {5}
    assert {wave.dtype for wave in digits.data} == {np.dtype(np.float32)}
    assert max(np.abs(wave).max() for wave in digits.data) <= 1


@pytest.mark.parametrize(("subset", "end"), [("train", "data"), ("test", "test")])
def test_adult_is_the_census(subset, end):
    text = raw_file("tables", f"adult.{end}").read_text()
    rows = [r for r in csv.reader(io.StringIO(text), skipinitialspace=True) if r]
    rows = [row for row in rows if len(row) == 15]
    data, target = datasets.load_adult(subset=subset, return_X_y=True)
    assert target.tolist() == [row[-1].rstrip(".") for row in rows]
    for k, name in enumerate(data):
        columns = [
            "?" if isna else str(v)
            for v, isna in zip(data[name], data[name].isna(), strict=True)
        ]
        assert columns == [row[k] for row in rows]


def test_adult_has_the_same_categories_in_both_parts():
    train, test = (datasets.load_adult(subset=s).data for s in ("train", "test"))
    assert (train.dtypes == test.dtypes).all()
    assert sum(dtype == "category" for dtype in train.dtypes) == 8


def test_diamonds_are_all_there_and_ordered():
    diamonds = datasets.load_diamonds()
    with gzip.open(raw_file("tables", "diamonds.csv.gz"), "rt") as file:
        rows = list(csv.DictReader(file))
    assert diamonds.target.tolist() == [float(row["price"]) for row in rows]
    for name in diamonds.data:
        column, values = diamonds.data[name].tolist(), [row[name] for row in rows]
        assert column == (
            values if name in tables.WORST_TO_BEST else [*map(float, values)]
        )
    assert all(diamonds.data[name].cat.ordered for name in tables.WORST_TO_BEST)


def test_sentiment_is_that_of_the_tweets():
    path = raw_file("text", "hutto_ICWSM_2014.tar.gz")
    with tarfile.open(path) as archive:
        file = archive.extractfile("hutto_ICWSM_2014/tweets_GroundTruth.txt")
        lines = file.read().decode().split("\r\n")
    rows = [line.split("\t") for line in lines if line]
    bunch = datasets.load_sentiment(subset="test")
    assert bunch.data == [text for _, _, text in rows[::10]]
    assert bunch.target.tolist() == [float(rating) for _, rating, _ in rows[::10]]


@pytest.mark.slow
@pytest.mark.parametrize("fetch", FETCHERS, ids=named)
def test_fetched_train_and_test_together_are_all(fetch, raw):
    parts = [fetch(subset=s) for s in ("train", "test", "all")]
    train, test, both = (part.target for part in parts)
    assert (len(train), len(test)) == N_SAMPLES[fetch.__name__]
    assert [len(part.data) for part in parts] == [len(train), len(test), len(both)]
    assert type(train) is type(both)
    if isinstance(both, list):
        assert train + test == both
    else:
        np.testing.assert_array_equal(np.concatenate([train, test]), both)


def test_fetched_fashion_begins_with_the_bundled_one(raw):
    X, y = datasets.fetch_fashion(subset="test", return_X_y=True)
    bundled = datasets.load_fashion(subset="test")
    np.testing.assert_array_equal(X[:500], bundled.data[:500])
    np.testing.assert_array_equal(y, read_idx("t10k-labels-idx1-ubyte.gz"))


def test_fetched_digits_test_is_the_bundled_one(raw):
    fetched = datasets.fetch_spoken_digits(subset="test")
    bundled = datasets.load_spoken_digits(subset="test")
    np.testing.assert_array_equal(fetched.target, bundled.target)
    np.testing.assert_array_equal(fetched.speaker, bundled.speaker)
    for sample, expected in zip(fetched.data, bundled.data, strict=True):
        np.testing.assert_array_equal(sample, expected)


def test_digits_as_paths_lie_in_the_users_cache(raw, tmp_path, monkeypatch):
    monkeypatch.setattr(audio, "cache", lambda: tmp_path)
    digits = datasets.fetch_spoken_digits(subset="test", as_paths=True)
    assert [path.name for path in digits.data] == digits.name
    assert all(path.is_relative_to(tmp_path) for path in digits.data)
    rate, wave = wavfile.read(digits.data[7])
    assert rate == digits.sampling_rate
    again = datasets.fetch_spoken_digits(subset="test")
    np.testing.assert_array_equal(again.data[7] * 32768, wave)
    folder = digits.data[0].parent
    before = folder.stat().st_mtime_ns
    datasets.fetch_spoken_digits(subset="test", as_paths=True)
    assert folder.stat().st_mtime_ns == before
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("change", ["other", "shorter", "missing", "pipe"])
def test_unpacked_digits_are_compared_with_the_archive(
    change, raw, tmp_path, monkeypatch
):
    monkeypatch.setattr(audio, "cache", lambda: tmp_path)
    path = datasets.fetch_spoken_digits(as_paths=True).data[3]
    data = path.read_bytes()
    path.unlink()
    if change == "pipe":
        os.mkfifo(path)
    elif change != "missing":
        end = bytes([data[-1] ^ 1]) if change == "other" else b""
        path.write_bytes(data[:-1] + end)
    with pytest.raises(
        DataError, match=f"{path.name} is not the file.*Remove the fold"
    ):
        datasets.fetch_spoken_digits(as_paths=True)


def test_flights_keep_time_apart(raw):
    train, test = (datasets.fetch_flights(subset=s) for s in ("train", "test"))
    assert sorted(set(train.data["month"])) == list(range(1, 11))
    assert sorted(set(test.data["month"])) == [11, 12]
    assert "arr_delay" not in train.data
    assert np.isnan(train.target).sum() + np.isnan(test.target).sum() == 9_430


def test_brown_has_a_tag_for_each_word(raw):
    X, y = datasets.fetch_brown(subset="test", return_X_y=True)
    assert X[0][:3] == ["The", "Fulton", "County"]
    assert y[0][:3] == ["at", "np-tl", "nn-tl"]
    assert [len(words) for words in X] == [len(tags) for tags in y]


def test_bible_keeps_a_chapter_together(raw):
    train, test = (datasets.fetch_bible(subset=s).reference for s in ("train", "test"))
    chapters = [{r.rpartition(":")[0] for r in part} for part in (train, test)]
    assert not chapters[0] & chapters[1]
    assert test[0] == "Genesis 1:1"


def test_emoji_keep_colours_of_skin_together(raw):
    train, test = (datasets.fetch_emoji(subset=s) for s in ("train", "test"))
    assert not set(train.base) & set(test.base)
    assert test.data.shape == (783, 64, 64, 4)
    assert test.data.dtype == np.uint8
    assert len(test.group) == len(test.target)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A source of a few bytes, under a temporary LAMINA_DATA."""
    monkeypatch.setenv("LAMINA_DATA", str(tmp_path))
    (tmp_path / "folder").mkdir()
    return source.Source(
        "folder", "name", hashlib.sha256(b"right").hexdigest(), "https://home.invalid"
    )


def test_a_file_with_the_right_contents_is_used(small, tmp_path):
    path = tmp_path / "folder" / "name"
    path.write_bytes(b"right")
    assert source.find(small) == path


def test_a_twin_is_used(tmp_path, monkeypatch, small):
    path = tmp_path / "folder" / "name"
    path.write_bytes(b"right")
    twin = source.Source("folder", "name", "0" * 64, "", None, (small.sha256,))
    assert source.find(twin) == path


def test_a_file_with_other_contents_is_named(small, tmp_path):
    (tmp_path / "folder" / "name").write_bytes(b"wrong")
    with pytest.raises(DataError, match=r"name does not have .* SHA-256 .*home"):
        source.find(small)


def test_a_file_without_an_address_says_where_to_put_it(small, monkeypatch):
    with pytest.raises(DataError, match=r"home\.invalid.*\$LAMINA_DATA/folder/name"):
        source.find(small)
    monkeypatch.delenv("LAMINA_DATA")
    with pytest.raises(DataError, match=r"LAMINA_DATA \(which is None\)"):
        source.find(small)


def test_what_is_missing_is_downloaded_under_lamina_data(monkeypatch, tmp_path):
    pooch = pytest.importorskip("pooch")
    calls = []
    monkeypatch.setenv("LAMINA_DATA", str(tmp_path))
    monkeypatch.setattr(pooch, "retrieve", lambda *args: calls.append(args) or args[2])
    source.find(tables.FLIGHTS)
    expected = f"sha256:{tables.FLIGHTS.sha256}"
    assert calls == [
        (tables.FLIGHTS.url, expected, "flights.csv.zip", tmp_path / "tables")
    ]


def test_what_is_missing_is_downloaded_to_the_cache_otherwise(monkeypatch, tmp_path):
    pooch = pytest.importorskip("pooch")
    calls = []
    monkeypatch.delenv("LAMINA_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / name)
    monkeypatch.setattr(pooch, "retrieve", lambda *args: calls.append(args) or args[2])
    source.find(images.FASHION_SOURCES[0])
    assert calls[0][3] == tmp_path / "lamina" / "fashion_mnist"


def test_a_failed_download_says_what_to_do(monkeypatch, tmp_path):
    pooch = pytest.importorskip("pooch")

    def fail(*args):
        raise ConnectionError("no route")

    monkeypatch.setenv("LAMINA_DATA", str(tmp_path))
    monkeypatch.setattr(pooch, "retrieve", fail)
    with pytest.raises(DataError, match=r"no route\. Put it at \$LAMINA_DATA/tables"):
        source.find(tables.FLIGHTS)


@pytest.mark.parametrize(
    ("package", "extra", "function"),
    [
        ("pandas", "datasets", datasets.load_adult),
        ("pandas", "datasets", datasets.load_diamonds),
        ("pandas", "datasets", datasets.fetch_flights),
        ("pooch", "datasets", datasets.fetch_fashion),
        ("PIL", "image", datasets.fetch_emoji),
    ],
)
def test_a_missing_package_is_named(package, extra, function, monkeypatch):
    monkeypatch.delenv("LAMINA_DATA", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'lamina\[{extra}\]'"):
        function()
