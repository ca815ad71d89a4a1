"""Files of JSON and arrays: what was written is read, and anything else is refused."""

import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from safetensors.numpy import save_file

from lamina import archive
from lamina.exceptions import SavedFileError

TREE = {"dict": [["a", 1], ["b", "text"]]}
ARRAYS = {"0": np.arange(6.0).reshape(2, 3), "1": np.zeros((0, 2), np.uint8)}
on_files = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.lamina"
    archive.write(path, "thing", TREE, ARRAYS)
    return path


def refused(path, message=None, kind="thing"):
    with pytest.raises(SavedFileError, match=message) as caught:
        archive.read(path, kind)
    assert str(path) in str(caught.value)


def with_header(path, header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def test_what_was_written_is_read(path):
    tree, arrays, versions = archive.read(path, "thing")
    assert tree == TREE
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
    assert versions["numpy"] == np.__version__


@on_files
@given(
    npst.arrays(
        st.sampled_from(["?", "u1", "i1", "<i2", "<i4", "<i8", "<f2", "<f4", "<f8"]),
        npst.array_shapes(min_dims=0, min_side=0),
    )
)
def test_any_array_is_read_bit_for_bit(tmp_path, array):
    archive.write(tmp_path / "b", "thing", None, {"x": array})
    actual = archive.read(tmp_path / "b", "thing")[1]["x"]
    assert (actual.dtype, actual.shape) == (array.dtype, array.shape)
    assert actual.tobytes() == array.tobytes()


@on_files
@given(st.data())
def test_a_changed_byte_is_refused_or_changes_nothing(path, data):
    contents = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(contents) - 1))
    contents[at] ^= data.draw(st.integers(1, 255))
    changed = path.with_name("changed")
    changed.write_bytes(contents)
    try:
        tree, arrays, _ = archive.read(changed, "thing")
    except SavedFileError:
        return
    assert tree == TREE
    assert {n: a.tobytes() for n, a in arrays.items()} == {
        n: a.tobytes() for n, a in ARRAYS.items()
    }


@on_files
@given(st.data())
def test_a_cut_or_extended_file_is_refused(path, data):
    contents = path.read_bytes()
    n = data.draw(st.integers(0, len(contents) - 1))
    other = path.with_name("other")
    other.write_bytes(contents[:n])
    refused(other)
    other.write_bytes(contents + data.draw(st.binary(min_size=1)))
    refused(other)


@on_files
@given(st.binary())
def test_any_bytes_are_refused(tmp_path, contents):
    (tmp_path / "any").write_bytes(contents)
    refused(tmp_path / "any")


def test_a_header_that_claims_a_terabyte_is_refused(path):
    path.write_bytes((10**12).to_bytes(8, "little") + b"{}")
    refused(path)
    claim = {"dtype": "F64", "shape": [10**11], "data_offsets": [0, 8 * 10**11]}
    with_header(path, {"0": claim})
    refused(path)
    with_header(path, b"[" * 100_000)
    refused(path)


def test_a_pickle_and_a_zip_are_named(path):
    path.write_bytes(pickle.dumps(os.getpid))
    refused(path, "looks like a pickle")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("data.pkl", pickle.dumps(os.getpid))
    refused(path, "looks like a pickle")


def test_a_file_without_our_header_is_refused(path):
    save_file(dict(ARRAYS), path)
    refused(path)
    save_file(dict(ARRAYS), path, {"lamina": "{}", "sha256": "0"})
    refused(path, "SHA-256")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")
def test_a_fifo_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    refused(tmp_path / "fifo", "not a regular file")


def test_a_folder_and_an_absent_file_are_errors_of_the_system(tmp_path):
    with pytest.raises((OSError, SavedFileError)):
        archive.read(tmp_path, "thing")
    with pytest.raises(FileNotFoundError):
        archive.read(tmp_path / "absent", "thing")
    with pytest.raises(OSError):
        archive.write(tmp_path / "absent" / "a", "thing", None, {})


def test_a_later_format_and_another_kind_are_named(path, monkeypatch):
    refused(path, "contains 'thing' and not 'checkpoint'", "checkpoint")
    monkeypatch.setattr(archive, "FORMAT", archive.FORMAT + 1)
    archive.write(path, "thing", TREE, ARRAYS)
    monkeypatch.undo()
    refused(path, "update lamina")


def test_a_note_changes_nothing_else(path):
    before = archive.read(path, "thing")
    archive.annotate(path, "thing", {"target": "y"})
    assert archive.header(path, "thing")["note"] == {"target": "y"}
    after = archive.read(path, "thing")
    assert (after[0], after[2]) == (before[0], before[2])
    assert all((after[1][k] == before[1][k]).all() for k in before[1])
    archive.annotate(path, "thing", None)
    assert archive.header(path, "thing")["note"] is None


def test_a_failed_write_leaves_the_old_file_and_no_other(path, monkeypatch):
    before = path.read_bytes()

    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space"):
        archive.write(path, "thing", None, {})
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.skipif(os.name != "posix", reason="needs file modes")
def test_others_may_read_a_file_as_any_new_file(path):
    (path.parent / "plain").write_bytes(b"")
    assert path.stat().st_mode == (path.parent / "plain").stat().st_mode


KILLED = """
import os, signal, sys
from lamina import archive
os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
archive.write(sys.argv[1], "thing", None, {})
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_kill_before_the_rename_leaves_the_old_file(path):
    before = path.read_bytes()
    process = subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    assert process.returncode == -signal.SIGKILL
    assert path.read_bytes() == before


def write_often(path, number):
    for _ in range(20):
        archive.write(path, "thing", number, {"x": np.full(10_000, number)})


def test_two_processes_that_write_leave_a_whole_file(path):
    context = multiprocessing.get_context("fork" if os.name == "posix" else "spawn")
    writers = [context.Process(target=write_often, args=(path, n)) for n in (1, 2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        tree, arrays, _ = archive.read(path, "thing")
        if tree != TREE:
            assert (arrays["x"] == tree).all()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert [p.name for p in path.parent.iterdir()] == [path.name]
