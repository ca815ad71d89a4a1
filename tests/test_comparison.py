"""Where two texts differ."""

from hypothesis import given
from hypothesis import strategies as st

from lamina.reporting.comparison import compare_labels, compare_texts

TEXTS = st.text("ab \n中", max_size=12)


@given(TEXTS, TEXTS)
def test_spans_make_up_the_texts_and_others_are_equal(reference, output):
    both = compare_texts(reference, output)
    for spans, text in ((both.reference, reference), (both.output, output)):
        assert "".join(span.text for span in spans) == text
    same = [
        "".join("".join(s.text for s in spans if not s.differs).split())
        for spans in (both.reference, both.output)
    ]
    assert same[0] == same[1]
    if reference == output:
        assert not any(span.differs for span in both.output)


def test_the_word_that_differs_is_marked():
    both = compare_texts("the cat sat", "the dog sat")
    assert [s.text for s in both.reference if s.differs] == ["cat"]
    assert [s.text for s in both.output if s.differs] == ["dog"]


def test_labels_are_compared_step_by_step():
    both = compare_labels(["x", "y"], ["x", "z"], ["a", "b"])
    assert [(s.above, s.text, s.differs) for s in both.output] == [
        ("a", "x", False),
        ("b", "z", True),
    ]
