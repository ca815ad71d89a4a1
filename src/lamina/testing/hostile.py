"""Generated hostile cases for all estimators: `python -m lamina.testing.hostile --help`.

Each case calls an estimator with valid data of which one part is odd: samples, targets,
weights or a parameter. It passes if predictions have the right length and are finite, and
are equal if the data is equivalent; or if an error of lamina with a message is raised, and
the estimator does not change.
"""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator

import numpy as np

from lamina.testing.contract import all_estimators
from lamina.testing.examples import EXAMPLES, examples_for
from lamina.testing.hostile_bench import METHODS, bench_of, oddities
from lamina.testing.hostile_cases import FAULTS, Case, Outcome, run_case

N_SHOWN = 160
PARTS = {"X": 0.5, "y": 0.2, "weight": 0.1, "parameter": 0.2}
"""The probability with which each part of a call is odd."""


def generated(
    n_cases: int,
    seed: int,
    estimators: dict[str, type],
    part: str | None = None,
) -> Iterator[Case]:
    """Cases drawn from all estimators, examples, mutations and methods.

    If `part` is not None, all cases have it as the odd part.
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
        odd = oddities(bench_of(estimators[name], EXAMPLES[data]), drawn)
        methods = METHODS[drawn]
        yield Case(
            name,
            data,
            drawn,
            odd[int(rng.integers(len(odd)))],
            methods[int(rng.integers(len(methods)))],
            int(rng.integers(2**31)),
        )


def report(outcomes: list[tuple[Case, Outcome]], seconds: float) -> None:
    """Print counts, and each fault once with a case that shows it."""
    kinds = Counter(outcome.kind for _, outcome in outcomes)
    warned = [(c, w) for c, o in outcomes for w in set(o.foreign_warnings)]
    print(f"{len(outcomes)} cases in {seconds:.0f} s: {dict(kinds.most_common())}")
    print(f"{len({str(c) for c, _ in warned})} with warnings of other libraries")
    counts: Counter = Counter()
    first: dict[tuple, tuple[Case, str]] = {}
    for case, outcome in outcomes:
        if outcome.kind in FAULTS:
            error = re.search(r": (\w+): ", outcome.text)
            what = error[1] if error else outcome.text[-40:]
            key = (outcome.kind, outcome.place or case.odd, what)
            counts[key] += 1
            first.setdefault(key, (case, outcome.text))
    for case, text in warned:
        key = ("warning", case.part, text[:60])
        counts[key] += 1
        first.setdefault(key, (case, text))
    for key, count in counts.most_common():
        case, text = first[key]
        print(f"{count:5} {key[0]:10} {key[1]:24} {text[:N_SHOWN]!r}")
        print(f"      --case {str(case)!r}")


def main(arguments: list[str] | None = None) -> int:
    """Run the cases; the exit status is 1 if one of them is a fault."""
    parser = argparse.ArgumentParser(prog="python -m lamina.testing.hostile")
    parser.add_argument("--cases", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--estimator", help="one estimator; all by default")
    parser.add_argument(
        "--part", choices=list(PARTS), help="the odd part; all by default"
    )
    parser.add_argument("--case", help="one case, as printed")
    options = parser.parse_args(arguments)
    estimators = dict(all_estimators())
    if options.case:
        case = Case.parse(options.case)
        data = EXAMPLES[case.data]
        print(run_case(case, bench_of(estimators[case.estimator], data)))
        return 0
    if options.estimator:
        estimators = {options.estimator: estimators[options.estimator]}
    start, outcomes = time.perf_counter(), []
    for case in generated(options.cases, options.seed, estimators, options.part):
        bench = bench_of(estimators[case.estimator], EXAMPLES[case.data])
        outcomes.append((case, run_case(case, bench)))
    report(outcomes, time.perf_counter() - start)
    return int(any(outcome.kind in FAULTS for _, outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
