"""The command line: python -m benchmarks tables [options]; --help lists them."""

import argparse

from benchmarks.tables import grid, report, sets
from benchmarks.tables.contenders import CONTENDERS
from benchmarks.tables.process import Limits


def main(arguments: list[str]) -> None:
    """Compute what is not stored, and print the comparison."""
    run(arguments)


def run(arguments: list[str]) -> report.Results:
    """The results of a comparison, which are computed where missing, and printed."""
    options = parsed(arguments)
    names = options.sets or sets.names(options.half)
    if not options.report:
        limits = Limits(options.threads, options.limit)
        settings = grid.Settings(options.part, limits, options.disturbed)
        grid.run(names, options.contenders, options.seeds, settings)
    results = report.stored_results(options.contenders, options.seeds, options.part)
    report.show(results, names)
    return results


def parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks tables")
    add = parser.add_argument
    add("--sets", nargs="+", choices=list(sets.TABLES), metavar="NAME")
    add(
        "--half",
        nargs="+",
        choices=("choosing", "final", "noisy"),
        default=["choosing"],
        help="the tables; the final half is looked at once, after all choices",
    )
    peers = [name for name in CONTENDERS if name != "before"]
    add("--contenders", nargs="+", choices=list(CONTENDERS), default=peers)
    add("--seeds", nargs="+", type=int, default=[0, 1, 2])
    add(
        "--part",
        choices=("test", "validation"),
        default="test",
        help="score on the test part, or on a fifth of the training part, for tuning",
    )
    limits = Limits()
    add("--threads", type=int, default=limits.threads)
    add("--limit", type=int, default=limits.seconds, help="processor seconds of a cell")
    add("--disturbed", action="store_true", help="note that other work runs beside")
    add("--report", action="store_true", help="print what is stored, compute nothing")
    return parser.parse_args(arguments)
