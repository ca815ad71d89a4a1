"""Changes single bytes of saved estimators, and cuts them: each file is refused, or the same.

    python scripts/reliability/changed_files.py [--changes 2000] [--seed 0]

For each of the golden files of the latest release it draws changes, loads each changed file
under a time limit, and counts the outcomes. A loaded estimator has to predict exactly what
that of the unchanged file does. The exit status is 1 if any outcome is not allowed.
"""

import argparse
import signal
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import lamina
from lamina import archive
from lamina.exceptions import SavedFileError
from lamina.state import assembled
from lamina.testing.fitting import outputs

GOLDEN = Path(__file__).parents[2] / "tests" / "golden" / lamina.__version__
ALLOWED = ("refused", "identical")
SECONDS = 20
"""After these a load counts as one that never ends."""


class NeverEnds(BaseException):
    """The time limit is over."""


def cut(data: bytes, rng: np.random.Generator) -> bytes:
    """The beginning of the file."""
    return data[: rng.integers(len(data))]


def with_changed_byte(data: bytes, rng: np.random.Generator) -> bytes:
    """The file with one other byte."""
    at, change = rng.integers(len(data)), int(rng.integers(1, 256))
    return data[:at] + bytes([data[at] ^ change]) + data[at + 1 :]


def outcome(path: Path, X: Any, expected: np.ndarray) -> str:
    """What comes of loading a file."""
    signal.alarm(SECONDS)
    try:
        network = lamina.load(path)
        same = np.array_equal(outputs(network, X), expected)
        return "identical" if same else "DIFFERENT"
    except SavedFileError:
        return "refused"
    except NeverEnds:
        return "NEVER ENDS"
    except BaseException as error:
        return f"CRASH {type(error).__name__}"
    finally:
        signal.alarm(0)


def run(n_changes: int, seed: int) -> Counter[str]:
    """The number of each outcome."""
    rng, counts = np.random.default_rng(seed), Counter[str]()
    changes: list[Callable[..., bytes]] = [with_changed_byte] * 4 + [cut]
    paths = sorted(GOLDEN.glob("*.lamina"))
    with TemporaryDirectory() as folder:
        changed = Path(folder) / "changed.lamina"
        for i, path in enumerate(paths):
            data = path.read_bytes()
            contents = archive.read(path.with_suffix(".expected"), "expected")[:2]
            X = assembled(*contents)["X"]
            expected = outputs(lamina.load(path), X)
            own = Counter[str]()
            for _ in range(
                i * n_changes // len(paths), (i + 1) * n_changes // len(paths)
            ):
                change = changes[rng.integers(len(changes))]
                changed.write_bytes(change(data, rng))
                own[f"{change.__name__}: {outcome(changed, X, expected)}"] += 1
            print(f"{path.stem:18} {dict(sorted(own.items()))}", flush=True)
            counts += own
    return counts


def main() -> int:
    """Print the outcomes; 1 if one of them is not allowed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=2000, help="in all (2000)")
    parser.add_argument("--seed", type=int, default=0, help="of the changes (0)")
    arguments = parser.parse_args()

    def stop(*_: object) -> None:
        raise NeverEnds

    signal.signal(signal.SIGALRM, stop)
    warnings.simplefilter("ignore")
    counts = run(arguments.changes, arguments.seed)
    print(f"all {dict(sorted(counts.items()))}")
    return int(any(not outcome.endswith(ALLOWED) for outcome in counts))


if __name__ == "__main__":
    sys.exit(main())
