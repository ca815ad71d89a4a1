"""Words that do not come back, each with the one to use instead.

`python tests/test_words.py` lists where they occur in all files.
"""

import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SUFFIXES = {".md", ".py"}
# Files without these words, by the beginning of their path; ("",) stands for all files.
CLEAN = ("",)

PHRASES = {
    r"(?<!negative_)slopes?": "gradient",
    r"WORTH_\w+": "MIN_MACS_... or the quantity that is compared",
    r"looks_far": "long_range",
    r"judge_of_texts": "is_language_model",
    r"InAnyOrder": "IndependentSamples",
    r"InOrder": "PredictionBatches",
    r"PictureReader": "ConvolutionalBody",
    r"Listener": "SpeechBody",
    r"Shortening": "StridedConv",
    r"(?:an?|the|its|each|whose)\s+shares?": "rate, fraction or weight",
    r"felt": "measurable",
    r"dear": "has a high call overhead",
    r"(?:into|in)\s+(?:its|their)\s+stride": "start-up time",
    r"hangs?\s+on|hung\s+on": "depends on",
    r"knows?\s+(?:no|nothing|of|only)": "what happens: raises, ignores, accepts",
    r"(?:is|are)\s+(?:its|their)\s+own\s+affair": "thread-local, independent",
    r"rides?\s+along": "is appended",
    r"ends?\s+anywhere": "varies widely",
    r"must\s+not\s+show": "must not affect",
    r"(?:its|their)\s+like": "similar",
    r"whoever": "a user, a caller, code that",
    r"what\s+is\s+left": "the rest",
    r"in\s+good\s+order": "correctly, sorted",
    r"goes\s+on|go\s+on|went\s+on|going\s+on": "continues, resumes",
    r"speaks?|speaking": "mentions, states",
    r"by\s+heart": "memorises",
    r"hand(?:s|ed)?\s+(?:it\s+)?back": "returns",
    r"loud\s+or\s+right": "refused or exact",
    r"rules?\s+of\s+the\s+house": "rules",
}
IDENTIFIERS = {
    r"(?:\w*_)?turned": "T",
    r"knows": "has_numpy_view",
    r"work": "n_macs",
    r"alone": "uses_numpy_blas",
    r"ahead": "alpha, or the number of steps",
    r"behind": "beta",
    r"Chain": "LinearChainCRF",
    r"Independent": "SoftmaxLabels",
    r"asks?|asked|tells|told": "query, or attention_rnn and output_rnn",
    r"Ask|Asks": "Query",
    r"fresh": "resets_state, or what is new",
    r"owners": "sample_index",
    r"(?:\w*_)?taken": "prefetched, or the name of the rows",
    r"picked|pick": "selected, select",
    r"(?:\w*_)?room(?:_\w*)?": "buffer or budget",
    r"USUAL": "SEASONAL_BASELINE",
    r"middle": "median or centre",
    r"filled": "forward_fill",
    r"Choices": "AlternativeTargets",
    r"Borrowed": "PretrainedEncoder",
    r"reporter": "callback_data",
    r"found": "the name of the thing",
    r"go_on": "resume",
    r"once": "single_epoch",
    r"done|ended": "progress, stop, or the name of the result",
    r"(?:\w*_)?shares?": "rate, fraction or weight",
    r"strata": "stratify_by",
    r"weigh": "target_weights",
    r"merit": "score",
    r"aside": "warm_up",
}


FOLDERS = ("src", "docs", "tests", "benchmarks", "examples", "scripts")


def pattern_of(word):
    """The word between borders; "_" is one, so that parts of identifiers count."""
    return re.compile(rf"(?<![A-Za-z])(?:{word})(?![A-Za-z])", re.IGNORECASE)


def pages(prefixes):
    paths = [*ROOT.glob("*.md"), *(p for f in FOLDERS for p in (ROOT / f).rglob("*"))]
    for path in sorted(paths):
        name = path.relative_to(ROOT).as_posix()
        listed = path.suffix in SUFFIXES and name.startswith(prefixes)
        if listed and path != Path(__file__):
            text = path.read_text(encoding="utf8")
            yield name, unreleased(text) if path.stem == "CHANGELOG" else text


def unreleased(changelog):
    """What stands before the first release; what was released stays as it is."""
    return re.split(r"^## \[\d", changelog, maxsplit=1, flags=re.MULTILINE)[0]


def identifiers(name, text):
    """(line, identifier) in Python, and in code between backticks."""
    for number, line in enumerate(text.splitlines(), 1):
        for code in re.findall(r"`([^`]+)`", line):
            yield from ((number, word) for word in re.findall(r"[A-Za-z_]\w*", code))
    if name.endswith(".py"):
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NAME:
                yield token.start[0], token.string


def occurrences(name, text):
    for word, instead in PHRASES.items():
        for match in pattern_of(word).finditer(text):
            number = text.count("\n", 0, match.start()) + 1
            yield number, match[0], instead
    for number, identifier in identifiers(name, text):
        for word, instead in IDENTIFIERS.items():
            if re.fullmatch(word, identifier) and not identifier.startswith("test_"):
                yield number, f"`{identifier}`", instead


def listed(prefixes):
    return [
        f"{name}:{number}: {' '.join(seen.split())} (instead: {instead})"
        for name, text in pages(prefixes)
        for number, seen, instead in sorted(set(occurrences(name, text)))
    ]


@pytest.mark.parametrize(
    ("name", "text", "n"),
    [
        ("a.md", "its slope, and the\nshare of", 2),
        ("a.md", "negative_slope, not found, they share `found_at`", 0),
        ("a.py", "found = 1  # nothing found", 1),
        ("a.py", '"""Where `room` is left."""', 1),
    ],
)
def test_words_are_recognised(name, text, n):
    assert len(list(occurrences(name, text))) == n


def test_these_words_are_not_used():
    remaining = listed(CLEAN)
    assert not remaining, "\n".join(remaining)


if __name__ == "__main__":
    print("\n".join(listed(("",))))
