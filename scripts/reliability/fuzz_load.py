"""Loads files with arbitrary contents: each is refused by name, or is an estimator.

    python scripts/reliability/fuzz_load.py [--seconds 300] [--seed 0]

Hashes are made to agree, so that the contents are read and not only compared: values of the
JSON of golden files are replaced, removed, doubled or moved, and their arrays likewise. With
the package atheris the changes are those that reach new branches of lamina, otherwise they
are drawn at random. An error that `lamina.load` does not document, a load of more than
20 seconds, or more than 2 GB of memory, end the run and leave the file.
"""

import argparse
import os
import random
import sys
import time
import warnings
from collections import Counter
from contextlib import nullcontext
from copy import deepcopy
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

try:
    import atheris
except ImportError:
    atheris = None

with atheris.instrument_imports(["lamina"]) if atheris else nullcontext():
    import lamina
    from lamina import archive, load
    from lamina.exceptions import MissingExtraError, SavedFileError
    from lamina.foreign import FOREIGN
    from lamina.state import READERS, SEQUENCES, Stored

GOLDEN = Path(__file__).parents[2] / "tests" / "golden" / lamina.__version__
FOLDER = Path(mkdtemp())
CHANGED = FOLDER / "changed.lamina"
VALUES: list[Any] = [
    *(None, True, -1, 0, 1, 7, 10**9, 10**30, 0.5, 1e300, "", "x", "<f8", "__class__"),
    *([], [0], {}, {"dict": []}, {"tuple": []}, [[]], {"same": 0}, {"other": 0}),
]
counts: Counter[str] = Counter()


class Draws:
    """Choices by the bytes of atheris."""

    def __init__(self, data: bytes):
        self.bytes = atheris.FuzzedDataProvider(data)

    def choice(self, values: list[Any]) -> Any:
        """One of the values."""
        return values[self.bytes.ConsumeIntInRange(0, len(values) - 1)]

    def random(self) -> float:
        """A number from 0 to 1."""
        return self.bytes.ConsumeProbability()


def places(tree: Any) -> list[tuple[Any, Any]]:
    """The containers of a tree of JSON, with the keys of their values."""
    keys = tree if isinstance(tree, dict) else range(len(tree))
    inner = [v for v in (tree[k] for k in keys) if isinstance(v, dict | list)]
    return [(tree, k) for k in keys] + [p for v in inner for p in places(v)]


def any_value(draws: Any, known: list[tuple[Any, Any]]) -> Any:
    """A value of JSON, often one of the file."""
    kind = draws.random()
    container, key = draws.choice(known)
    if kind < 0.4:
        return deepcopy(container[key])
    if kind < 0.6:
        tag = draws.choice([*READERS, *SEQUENCES, *FOREIGN])
        return {tag: deepcopy(draws.choice([container[key], *VALUES]))}
    if kind < 0.7:
        return {"object": [draws.choice([*Stored.registry]), []]}
    return deepcopy(draws.choice(VALUES))


def change(tree: Any, arrays: dict[str, Any], draws: Any) -> None:
    """Change one place of a tree, or an array."""
    known = places(tree)
    container, key = draws.choice(known)
    kind = draws.random()
    if kind < 0.1 and arrays:
        other = arrays[draws.choice([*arrays])]
        others = [other, other.ravel()[:0], other.ravel()[:1]]
        arrays[draws.choice([*arrays])] = draws.choice(others)
    elif kind < 0.2 and isinstance(container, list):
        del container[key]
    elif kind < 0.3 and isinstance(container, list):
        container.insert(key, deepcopy(container[key]))
    elif kind < 0.4 and isinstance(container, dict):
        container[draws.choice([*READERS, *FOREIGN])] = container.pop(key)
    else:
        container[key] = any_value(draws, known)


@cache
def originals() -> list[Any]:
    """The contents of the golden files."""
    paths = sorted(GOLDEN.glob("*.lamina"))
    return [archive.read(path, "estimator")[:2] for path in paths]


def load_changed(draws: Any) -> None:
    """Load a changed file; an error that is not documented is raised."""
    tree, arrays = deepcopy(draws.choice(originals()))
    for _ in range(draws.choice([1, 1, 2, 5])):
        change(tree, arrays, draws)
    archive.write(CHANGED, "estimator", tree, arrays)
    try:
        load(CHANGED)
        counts["loaded"] += 1
    except SavedFileError:
        counts["refused"] += 1
    except MissingExtraError:
        counts["needs an extra"] += 1
    if counts.total() % 500 == 0:
        print(f"{counts.total()} files: {dict(counts)}", flush=True)


def main() -> None:
    """Load changed files for some time, and print the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=300, help="of time (300)")
    parser.add_argument("--seed", type=int, default=0, help="of the changes (0)")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"The file that is loaded is {CHANGED}", flush=True)
    os.fsync = lambda _: None  # most of the time of a small file
    draws, end = random.Random(arguments.seed), time.monotonic() + arguments.seconds
    if atheris is not None:
        corpus = FOLDER / "corpus"
        corpus.mkdir()
        for i in range(200):  # shorter data would always make the first choice
            (corpus / str(i)).write_bytes(draws.randbytes(256))
        limits = [f"-max_total_time={arguments.seconds}", "-timeout=20"]
        limits += [
            "-rss_limit_mb=2048",
            f"-seed={arguments.seed + 1}",
            "-len_control=0",
        ]
        arguments = [sys.argv[0], str(corpus), *limits]
        atheris.Setup(arguments, lambda data: load_changed(Draws(data)))
        atheris.Fuzz()
    while time.monotonic() < end:
        load_changed(draws)
    print(f"{counts.total()} files: {dict(counts)}")


if __name__ == "__main__":
    main()
