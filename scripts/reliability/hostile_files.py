"""Fit and predict on files as a stranger may send them: `python hostile_files.py --help`.

Each trial writes one file of `lamina.testing.hostile_files` and passes it, beside valid ones,
to `fit` or to `predict`; or it replaces a valid file after its header was read. It is correct
if a `DataError` names the sample, or if the predictions are finite and those of the whole
file. All else is a fault: another error, a wrong answer, a process that was started, and a
worker that dies, takes too long or needs more memory than the limits of the estimator state.
The exit status is 1 if there is a fault.
"""

import argparse
import multiprocessing
import os
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

OUTCOMES = (
    "refused",
    "accepted",
    "wrong answer",
    "other error",
    "crashed",
    "hung",
    "over budget",
    "process started",
)
CORRECT = ("refused", "accepted")
FORMS = ("image", "audio")
LIMIT, DEFAULT_LIMIT = 4_000_000, 50_000_000
"""Pixels or samples that are allowed in half of the trials, and in the others."""
BYTES_EACH, BYTES_MORE = {"image": 16, "audio": 32}, 300 << 20
"""The budget: as documented for each pixel or sample, and a constant for the libraries."""
CPU_SECONDS, WALL_SECONDS = 60, 300
PROGRAMS = ("gs", "gswin32c", "gswin64c", "djpeg", "cjpeg", "ffmpeg", "sox", "convert")


@dataclass(frozen=True)
class Trial:
    """One call with one hostile file."""

    form: str
    kind: str
    method: str
    as_bytes: bool
    default_limit: bool
    seed: int


def trials(n: int, seed: int) -> list[Trial]:
    """`n` trials; every kind occurs equally often."""
    from lamina.testing.hostile_files import KINDS

    rng = np.random.default_rng(seed)
    kinds = [(form, kind) for form in FORMS for kind in (*KINDS[form], "replaced")]
    drawn = []
    for i in range(n):
        form, kind = kinds[i % len(kinds)]
        method = (
            "predict" if kind == "replaced" else str(rng.choice(["fit", "predict"]))
        )
        by_bytes = bool(rng.random() < 0.25) and kind != "replaced"
        default = bool(rng.random() < 0.5)
        drawn.append(
            Trial(form, kind, method, by_bytes, default, int(rng.integers(2**31)))
        )
    return drawn


def estimator_of(form: str, default_limit: bool) -> Any:
    """An unfitted network that reads files of this form."""
    from lamina import CNNClassifier

    params = {"n_filters": 2, "max_iter": 1, "random_state": 0, "form": form}
    if form == "image":
        params["image_size"] = 8
    if not default_limit:
        params["max_pixels" if form == "image" else "max_samples"] = LIMIT
    return CNNClassifier(**params)


class Bench:
    """Valid files, and networks that were fitted on them, in the worker."""

    def __init__(self, folder: Path):
        from lamina.testing.hostile_files import KINDS, SUFFIXES
        from lamina.testing.hostile_images import valid_image
        from lamina.testing.hostile_sounds import valid_sound

        self.folder, self.kinds, self.suffixes = folder, KINDS, SUFFIXES
        self.valid = {"image": valid_image, "audio": valid_sound}
        self.files: dict[str, list[Path]] = {}
        self.fitted = {}
        for form in FORMS:
            data = [self.valid[form](np.random.default_rng(i)) for i in range(6)]
            self.files[form] = [folder / f"{form}{i}{SUFFIXES[form]}" for i in range(6)]
            for path, contents in zip(self.files[form], data, strict=True):
                path.write_bytes(contents)
            for default in (False, True):
                network = estimator_of(form, default)
                y = ["a", "b"] * 3
                self.fitted[form, default] = network.fit(self.files[form], y)

    def run(self, trial: Trial) -> tuple[str, str]:
        """The outcome of a trial, and what was said."""
        from lamina.exceptions import DataError

        path = self.folder / f"{trial.seed}{self.suffixes[trial.form]}"
        try:
            return self._answer(trial, path)
        except DataError as error:
            is_named = str(error).startswith("Sample 2 ") or "X holds" in str(error)
            return ("refused" if is_named else "other error"), str(error)
        except Exception as error:
            return "other error", f"{type(error).__name__}: {error}"
        finally:
            for made in self.folder.glob(f"{trial.seed}*"):
                made.rmdir() if made.is_dir() and not made.is_symlink() else made.unlink()

    def _answer(self, trial: Trial, path: Path) -> tuple[str, str]:
        rng, truth = np.random.default_rng(trial.seed), None
        if trial.kind == "replaced":
            path.write_bytes(self.valid[trial.form](rng))
        else:
            truth = self.kinds[trial.form][trial.kind](path, rng).truth
        sample = path
        if trial.as_bytes and path.is_file() and path.stat().st_size < 1 << 30:
            sample = path.read_bytes()
        before = self.files[trial.form][:2]
        network = self.fitted[trial.form, trial.default_limit]
        if trial.kind == "replaced":
            return self._replaced(trial, path, rng)
        if trial.method == "fit":
            network = estimator_of(trial.form, trial.default_limit)
            network.fit([*before, sample, *self.files[trial.form][2:5]], [*"ababab"])
        p = network.predict_proba([*before, sample])
        if not np.isfinite(p).all() or p.shape != (3, 2):
            return "wrong answer", repr(p)
        if truth is not None and not np.allclose(
            p[2], network.predict_proba([truth])[0]
        ):
            return "wrong answer", "a file of which a part is missing was read"
        return "accepted", ""

    def _replaced(
        self, trial: Trial, path: Path, rng: np.random.Generator
    ) -> tuple[str, str]:
        """Predict for a file that is replaced between its header and its contents."""
        network = self.fitted[trial.form, trial.default_limit]
        kinds = list(self.kinds[trial.form])
        kind = kinds[int(rng.integers(len(kinds)))]
        encoder = network.encoder_
        read = encoder.read

        def read_and_replace(X: object) -> Any:
            plain = read(X)
            path.unlink()
            self.kinds[trial.form][kind](path, rng)
            return plain

        encoder.read = read_and_replace
        try:
            network.predict([*self.files[trial.form][:2], path])
        finally:
            del encoder.read
        return "wrong answer", f"the file was replaced ({kind}), and was read"


def run_trials(connection: Connection, folder: Path) -> None:
    """Run the trials that arrive, each with its peak of memory and what it started."""
    started: list[str] = []
    events = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork")
    sys.addaudithook(
        lambda event, _: started.append(event) if event in events else None
    )
    warnings.simplefilter("ignore")
    bench = Bench(folder)
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
    connection.send("ready")
    while (trial := connection.recv()) is not None:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(usage.ru_utime + usage.ru_stime) + CPU_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        Path("/proc/self/clear_refs").write_text("5")
        before = _memory("VmRSS")
        outcome, text = bench.run(trial)
        used = _memory("VmHWM") - before
        limit = DEFAULT_LIMIT if trial.default_limit else LIMIT
        budget = BYTES_EACH[trial.form] * limit + BYTES_MORE
        if used > budget:
            outcome, text = "over budget", f"{used >> 20} MB: {outcome} {text}"
        if started or (folder / "started").exists():
            outcome, text = "process started", f"{started} {text}"
            started.clear()
            (folder / "started").unlink(missing_ok=True)
        connection.send((outcome, text, used))


def _memory(name: str) -> int:
    """A quantity of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name))


class Worker:
    """A process that is started again after it has died or was stopped."""

    def __init__(self, folder: Path):
        self.folder, self.process = folder, None

    def run(self, trial: Trial) -> tuple[str, str, int]:
        if self.process is None:
            context = multiprocessing.get_context("spawn")
            self.connection, theirs = context.Pipe()
            self.process = context.Process(
                target=run_trials, args=(theirs, self.folder)
            )
            self.process.start()
            theirs.close()
            self.connection.recv()
        self.connection.send(trial)
        try:
            if self.connection.poll(WALL_SECONDS):
                return self.connection.recv()
            outcome = "hung"
        except EOFError:
            self.process.join()
            outcome = "hung" if self.process.exitcode == -24 else "crashed"  # SIGXCPU
        text = f"exit code {self.process.exitcode}"
        self.stop()
        return outcome, text, 0

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None


def planted(folder: Path) -> None:
    """Programs on the path that leave a mark when they run."""
    programs = folder / "programs"
    programs.mkdir()
    for name in PROGRAMS:
        program = programs / name
        program.write_text(f"#!/bin/sh\n: > {folder / 'started'}\nexit 1\n")
        program.chmod(0o755)
    os.environ["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"


def report(
    outcomes: dict[tuple[str, str], Counter], peaks: dict, seconds: float
) -> None:
    """Print a line of totals for each kind."""
    width = max(len(f"{form}: {kind}") for form, kind in outcomes)
    print(" " * width, *(f"{name:>15}" for name in OUTCOMES), f"{'peak MB':>9}")
    for (form, kind), counts in outcomes.items():
        numbers = (f"{counts[name]:15}" for name in OUTCOMES)
        print(f"{form}: {kind}".ljust(width), *numbers, f"{peaks[form, kind] >> 20:9}")
    total = sum(outcomes.values(), Counter())
    print("all".ljust(width), *(f"{total[name]:15}" for name in OUTCOMES))
    print(f"{total.total()} files in {seconds:.0f} s")


def main() -> int:
    """Run the trials; the exit status is 1 if one of them is a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", help="one kind of fault; all by default")
    options = parser.parse_args()
    outcomes: dict[tuple[str, str], Counter] = defaultdict(Counter)
    peaks: dict[tuple[str, str], int] = defaultdict(int)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        planted(Path(name))
        worker = Worker(Path(name))
        for trial in trials(options.files, options.seed):
            if options.kind in (None, trial.kind):
                outcome, text, used = worker.run(trial)
                key = trial.form, trial.kind
                outcomes[key][outcome] += 1
                peaks[key] = max(peaks[key], used)
                if outcome not in CORRECT:
                    print(f"{outcome}: {trial}\n  {text[:300]}", flush=True)
        worker.stop()
    report(outcomes, peaks, time.perf_counter() - start)
    return int(any(set(counts) - set(CORRECT) for counts in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
