"""Files of word vectors are read as they are, and what is wrong with one is named."""

import gzip
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.encoders.texts.vector_file import MAX_BYTES, VectorFile
from lamina.exceptions import ParameterError

VALUES = st.floats(width=32, allow_nan=False, allow_infinity=False)
SPACES = " \t\n\r\x0b\x0c"
WORDS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=SPACES), min_size=1
).filter(lambda word: "\ufeff" not in word)
CONTENTS = st.integers(1, 5).flatmap(
    lambda width: st.dictionaries(
        WORDS, st.lists(VALUES, min_size=width, max_size=width), min_size=1
    )
)


def read(path):
    file = VectorFile(path)
    return {line.word: file.vector(line).tolist() for line in file}


def text_of(vectors, *, header=False, end="\n"):
    """The text of a file, as GloVe writes it, or with the header of word2vec."""
    rows = [" ".join([word, *map(repr, values)]) for word, values in vectors.items()]
    width = len(next(iter(vectors.values())))
    rows = [f"{len(vectors)} {width}"] * header + rows
    return "".join(row + end for row in rows)


@given(CONTENTS, st.booleans(), st.sampled_from(["\n", " \n", "\r\n"]))
def test_what_was_written_is_read(tmp_path_factory, vectors, compresses, end):
    folder = tmp_path_factory.mktemp("vectors")
    # Without a header a first line of two whole numbers is one.
    text = text_of(vectors, header=True, end=end).encode()
    path = folder / "a.vec"
    path.write_bytes(gzip.compress(text) if compresses else text)
    assert read(path) == vectors


@pytest.mark.parametrize("beginning", ["", "\ufeff", "3 2\n", "\ufeff3 2\n"])
def test_a_header_and_a_byte_order_mark_are_optional(tmp_path, beginning):
    path = tmp_path / "a.txt"
    path.write_text(f"{beginning}the 0.5 -1\n\n. . . 1e-3 2\nnaïve 3 4", "utf8")
    expected = {"the": [0.5, -1], ". . .": [0.001, 2], "naïve": [3, 4]}
    for word, values in read(str(path)).items():
        np.testing.assert_array_equal(np.float32(expected.pop(word)), values)
    assert not expected


def test_a_file_of_numpy_is_read(tmp_path):
    values = np.random.default_rng(0).normal(size=(4, 3)).astype("f4")
    table = np.column_stack([list("abcd"), values.astype(object)])
    np.savetxt(tmp_path / "a.txt", table, "%s")
    assert list(read(tmp_path / "a.txt").values()) == values.tolist()


HOSTILE = {
    "no numbers": (b"word\n", "line 1, .*has not the one or more values"),
    "a longer line": (b"a 1 2\nb 1 2 3\n", "line 2, .*has not the 2 values"),
    "a shorter line": (b"a 1 2\nb 1\n", "line 2, .*has not the 2 values"),
    "other header": (b"2 3\na 1 2\nb 1 2\n", "line 2, .*has not the 3 values"),
    "a line lacks": (
        b"3 2\na 1 2\nb 1 2\n",
        "says that 3 words follow.* 2; .*complete",
    ),
    "header alone": (b"3 2\n", "says that 3 words follow, and there are 0"),
    "a text": (b"It was a dark night.\n", "line 1 has other values than numbers"),
    "NaN": (b"a 1 2\nb nan 2\n", "the vector of 'b', in line 2, .*NaN"),
    "infinite": (b"a 1 inf\n", "the vector of 'a', in line 1, .*infinite"),
    "too large": (b"a 1 1e39\n", "the vector of 'a', in line 1, .*too large"),
    "Latin-1": ("a 1 2\nnaïve 1 2\n".encode("latin-1"), "line 2 is not UTF-8"),
    "binary": (b"1 4\nword " + np.full(4, -1.5, "<f4").tobytes(), "line 2"),
    "empty": (b"", "it is empty"),
    "cut gzip": (gzip.compress(b"a 1 2\n" * 99)[:-9], "cannot be read"),
    "false gzip": (b"\x1f\x8b\x08 no", "cannot be read"),
    "one line": (b"a" * (MAX_BYTES + 1), "line 1 has 1,048,576 bytes"),
    "expanding": (gzip.compress(bytes(1 << 26)), "line 1 has 1,048,576 bytes"),
    "no width": (b"2 0\na\nb\n", "line 2"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_wrong_with_a_file_is_named(tmp_path, name):
    contents, message = HOSTILE[name]
    path = tmp_path / "a.vec"
    path.write_bytes(contents)
    with pytest.raises(ParameterError, match=rf"(?s)word_vectors=.*a\.vec.*{message}"):
        read(path)


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(ParameterError, match=r"absent.*cannot be read: .*No such file"):
        read(tmp_path / "absent.vec")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ParameterError, match="not a regular file"):
            read(path)


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from(
            [b"a", b" ", b"\n", b"1", b"2", b"-.5", b"nan", b"\xff", b"\x1f\x8b"]
        )
    )
)
def test_any_file_is_read_or_refused(tmp_path_factory, parts):
    path = tmp_path_factory.mktemp("vectors") / "a.vec"
    path.write_bytes(b"".join(parts))
    try:
        vectors = read(path)
    except ParameterError:
        return
    assert len({len(values) for values in vectors.values()}) == 1
    assert np.isfinite(list(vectors.values())).all()
