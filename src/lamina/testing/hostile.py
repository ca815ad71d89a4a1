"""Generated hostile cases over all estimators: `python -m lamina.testing.hostile --help`.

Each case hands an estimator good data in which one thing is odd: samples, targets, weights
or a parameter. It passes if the answer has the right length and is finite, and equal where
the data means the same; or if it is refused by an error of lamina with a message, which
leaves the estimator as it was.
"""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator

import numpy as np

from lamina.testing.contract import all_estimators
from lamina.testing.examples import examples_for
from lamina.testing.hostile_bench import METHODS, bench_of, oddities
from lamina.testing.hostile_cases import FAULTS, Case, Outcome, run_case

N_SHOWN = 160
PARTS = {"X": 0.5, "y": 0.2, "weight": 0.1, "parameter": 0.2}
"""How often each part of a call is the odd one."""


def generated(
    n_cases: int, seed: int, estimators: dict[str, type], part: str | None = None
) -> Iterator[Case]:
    """Cases that are drawn from all estimators, data, odd things and methods.

    Of the parts of a call only `part` is odd, if it is not None.
    """
    rng = np.random.default_rng(seed)
    pairs = [
        (name, data.name)
        for name, cls in estimators.items()
        for data in examples_for(cls())
    ]
    for _ in range(n_cases):
        name, data = pairs[int(rng.integers(len(pairs)))]
        drawn = part or str(rng.choice(list(PARTS), p=list(PARTS.values())))
        odd = oddities(bench_of(estimators[name], data), drawn)
        methods = METHODS[drawn]
        yield Case(
            name,
            data,
            drawn,
            odd[int(rng.integers(len(odd)))],
            methods[int(rng.integers(len(methods)))],
            int(rng.integers(2**31)),
        )


def report(found: list[tuple[Case, Outcome]], seconds: float) -> None:
    """Print counts, and each fault once with a case that shows it."""
    kinds = Counter(outcome.kind for _, outcome in found)
    warned = [(c, w) for c, o in found for w in set(o.foreign_warnings)]
    print(f"{len(found)} cases in {seconds:.0f} s: {dict(kinds.most_common())}")
    print(f"{len({str(c) for c, _ in warned})} with warnings of other libraries")
    seen: Counter = Counter()
    first: dict[tuple, tuple[Case, str]] = {}
    for case, outcome in found:
        if outcome.kind in FAULTS:
            error = re.search(r": (\w+): ", outcome.text)
            what = error[1] if error else outcome.text[-40:]
            key = (outcome.kind, outcome.place or case.odd, what)
            seen[key] += 1
            first.setdefault(key, (case, outcome.text))
    for case, text in warned:
        key = ("warning", case.part, text[:60])
        seen[key] += 1
        first.setdefault(key, (case, text))
    for key, count in seen.most_common():
        case, text = first[key]
        print(f"{count:5} {key[0]:10} {key[1]:24} {text[:N_SHOWN]!r}")
        print(f"      --case {str(case)!r}")


def main(arguments: list[str] | None = None) -> int:
    """Run the cases; the exit status is 1 if one of them shows a fault."""
    parser = argparse.ArgumentParser(prog="python -m lamina.testing.hostile")
    parser.add_argument("--cases", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--estimator", help="one estimator; all if it is left out")
    parser.add_argument(
        "--part", choices=list(PARTS), help="what is odd; all by default"
    )
    parser.add_argument("--case", help="one case, as it was printed")
    options = parser.parse_args(arguments)
    estimators = dict(all_estimators())
    if options.case:
        case = Case.parse(options.case)
        print(run_case(case, bench_of(estimators[case.estimator], case.data)))
        return 0
    if options.estimator:
        estimators = {options.estimator: estimators[options.estimator]}
    start, found = time.perf_counter(), []
    for case in generated(options.cases, options.seed, estimators, options.part):
        bench = bench_of(estimators[case.estimator], case.data)
        found.append((case, run_case(case, bench)))
    report(found, time.perf_counter() - start)
    return int(any(outcome.kind in FAULTS for _, outcome in found))


if __name__ == "__main__":
    sys.exit(main())
