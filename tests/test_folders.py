"""A folder of class folders becomes paths and labels."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lamina import CNNClassifier
from lamina.datasets import load_folder
from lamina.exceptions import DataError, DataWarning


def fill(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


@pytest.mark.parametrize("suffix", ["PNG", "jpeg", "wav", "FLAC"])
def test_files_are_sorted_by_class_and_path(suffix, tmp_path):
    names = [f"b/2.{suffix}", f"b/1.{suffix}", f"a/z.{suffix}", f"a/deep/er/y.{suffix}"]
    fill(tmp_path, *names, ".hidden/1.png", "b/.DS_Store", "b/.cache/x.png")
    bunch = load_folder(tmp_path)
    assert bunch.data == [tmp_path / name for name in sorted(names)]
    assert bunch.target.tolist() == ["a", "a", "b", "b"]
    assert (bunch.target_names, bunch.n_skipped) == (["a", "b"], 0)
    X, y = load_folder(str(tmp_path), return_X_y=True)
    assert bunch.data == X
    np.testing.assert_array_equal(y, bunch.target)


def test_other_files_are_counted(tmp_path):
    fill(tmp_path, "a/1.png", "a/Thumbs.db", "a/x/notes.txt", "b/1.png", "README")
    with pytest.warns(DataWarning, match="2 files below"):
        bunch = load_folder(tmp_path)
    assert (len(bunch.data), bunch.n_skipped) == (2, 2)


@pytest.mark.parametrize(
    ("names", "match"),
    [
        ([], "contains no folders"),
        (["notes.txt"], "contains no folders"),
        (["1.png"], r"1\.png' is not in a class folder"),
        (["a/1.png", "1.png"], r"1\.png' is not in a class folder"),
        (
            ["a/1.png", "b/.keep"],
            "class 'b' in .* contains no images and no recordings",
        ),
        (["a/1.png", "b/notes.txt"], "class 'b' in .* contains no images"),
        (
            ["a/1.png", "b/1.wav"],
            r"images and of recordings, such as .*png' and .*wav'",
        ),
    ],
)
def test_folders_that_hold_no_classes_are_refused(names, match, tmp_path):
    fill(tmp_path, *names)
    with pytest.raises(DataError, match=match):
        load_folder(tmp_path)


def test_the_parts_of_a_data_set_are_not_taken_for_classes(tmp_path):
    names = [f"{part}/{c}/1.png" for part in ("train", "test") for c in ("cat", "dog")]
    fill(tmp_path, *names)
    with pytest.warns(DataWarning, match="'test', 'train' are read as the classes"):
        bunch = load_folder(tmp_path)
    assert bunch.target_names == ["test", "train"]
    assert load_folder(tmp_path / "train").target_names == ["cat", "dog"]


@pytest.mark.parametrize("name", ["absent", "file.png", "a\0b", "x" * 300, ""])
def test_what_is_no_folder_is_refused(name, tmp_path):
    fill(tmp_path, "file.png")
    with pytest.raises(DataError, match="folder"):
        load_folder(tmp_path / name)


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    fill(tmp_path, "a/1.png")

    def deny(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", deny)
    with pytest.raises(DataError, match=r"cannot be read: .*Permission denied"):
        load_folder(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="links and pipes are of Unix")
def test_links_are_followed_and_circles_refused(tmp_path):
    fill(tmp_path, "data/a/1.png", "elsewhere/2.png")
    data = tmp_path / "data"
    (data / "b").symlink_to(tmp_path / "elsewhere")
    (data / "a" / "more").symlink_to(tmp_path / "elsewhere")
    names = [str(p.relative_to(data)) for p in load_folder(data).data]
    assert names == ["a/1.png", "a/more/2.png", "b/2.png"]
    (data / "a" / "circle").symlink_to(data / "a")
    with pytest.raises(
        DataError, match="circle' is a symbolic link to one of its parents"
    ):
        load_folder(data)


@pytest.mark.skipif(os.name != "posix", reason="links and pipes are of Unix")
@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_what_is_no_file_is_refused(kind, tmp_path):
    fill(tmp_path, "a/1.png")
    path = tmp_path / "a" / "2.png"
    os.mkfifo(path) if kind == "pipe" else path.symlink_to("absent")
    with pytest.raises(DataError, match=r"2\.png' is neither a file nor a folder"):
        load_folder(tmp_path)


def test_a_network_learns_from_a_folder(tmp_path):
    rng = np.random.default_rng(0)
    for label, bright in (("dark", 0), ("light", 120)):
        (tmp_path / label).mkdir()
        for i in range(10):
            pixels = rng.integers(0, 60, (8, 8), dtype=np.uint8) + np.uint8(bright)
            Image.fromarray(pixels).save(tmp_path / label / f"{i}.png")
    X, y = load_folder(tmp_path, return_X_y=True)
    network = CNNClassifier(n_filters=(4,), max_iter=40, random_state=0).fit(X, y)
    assert network.score(X, y) == 1.0
    assert network.classes_.tolist() == ["dark", "light"]
