"""The command `fit`: from a file or a folder to a network in a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from lamina.cli.choose import Roles, source_for
from lamina.cli.console import INTERRUPTED, Output
from lamina.cli.models import refuse_other_file, require_writable, write_model
from lamina.cli.parameters import estimator_class
from lamina.cli.progress import EpochProgress
from lamina.cli.recognition import read_new
from lamina.cli.samples import Part, Samples, Source
from lamina.cli.schemas import lines_of_schema, schema_before_fit
from lamina.cli.scores import measure_of, score_of
from lamina.cli.tables import name_of
from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import ParameterError


@dataclass
class Request:
    """What `lamina fit` is to do."""

    path: str
    saved: str
    roles: Roles
    params: dict[str, Any]
    test: str
    seed: int
    encoding: str


class Fit:
    """A call of `lamina fit`."""

    def __init__(self, request: Request, output: Output):
        self.request, self.output = request, output

    def run(self) -> None:
        """Read, hold out, train, save and score."""
        request, output = self.request, self.output
        require_writable(request.saved, request.path)
        refuse_other_file(request.saved)
        source, samples = self._read()
        estimator = self._estimator(source, samples)
        part = self._part(source, samples, estimator)
        is_interrupted = self._train(estimator, part.train)
        write_model(request.saved, estimator, source, None)
        size = Path(request.saved).stat().st_size
        epochs = f"{estimator.n_iter_} epoch{'s' * (estimator.n_iter_ > 1)}"
        output.say(
            f"Saved {request.saved!r} after {epochs} ({size / 1e6:.1f} MB).", "green"
        )
        if part.test is not None:
            with part.test.located(name_of(self._tested())):
                score = score_of(estimator, part.test, part.name)
            write_model(request.saved, estimator, source, score)
            if not output.quiet:
                output.result(str(score))
        if is_interrupted:
            raise typer.Exit(INTERRUPTED)

    def _read(self) -> tuple[Source, Samples]:
        request, output = self.request, self.output
        source = source_for(request.path, request.roles)
        source, samples = read_new(source, request.path, request.encoding)
        for line in samples.how:
            output.say(line)
        output.say(f"Read as {source.words}.")
        return source, samples

    def _estimator(self, source: Source, samples: Samples) -> NeuralEstimator:
        """The estimator with its parameters, after a check of parameters and samples."""
        request, output = self.request, self.output
        name, why = source.estimator(samples)
        chosen = name
        if request.roles.estimator is not None:
            name, why = request.roles.estimator, "--estimator names it"
        kind = estimator_class(name)
        given = request.params
        own = {n: v for n, v in source.parameters().items() if v is not None}
        for parameter in sorted(own.keys() & given.keys()):
            raise ParameterError(
                f"--param {parameter} follows from the options of the command; leave it out."
            )
        defaults = source.defaults() if kind is estimator_class(chosen) else {}
        estimator = kind(**(defaults | given | own))
        output.say(f"Estimator: {name}, because {why}.")
        if why == samples.why and "numbers" in why and name.startswith("DNN"):
            other = {"C": "DNNRegressor", "R": "DNNClassifier"}[name[3]]
            output.say(f"  Otherwise pass --estimator {other}.")
        with samples.located(name_of(request.path)):
            schema = schema_before_fit(estimator, samples)
        for line in lines_of_schema(schema):
            output.say(f"  {line}")
        return estimator

    def _tested(self) -> str:
        """The path of the samples for the test."""
        is_file = fraction_of(self.request.test) is None
        return self.request.test if is_file else self.request.path

    def _part(
        self, source: Source, samples: Samples, estimator: NeuralEstimator
    ) -> Part:
        request = self.request
        fraction = fraction_of(request.test)
        if fraction == 0:
            return Part(samples, None)
        measure_of(estimator)  # refuses an estimator that has none before it is trained
        if fraction is None:
            test = source.read(request.test, request.encoding)
            return Part(samples, test, f"{source.test_name(test)} of {request.test!r}")
        part = source.split(samples, fraction, request.seed)
        self.output.say(f"Test: {part.name}.")
        return part

    def _train(self, estimator: NeuralEstimator, samples: Samples) -> bool:
        """Fit the estimator; returns whether it was interrupted and has a network."""
        request, output = self.request, self.output
        if not output.quiet:
            estimator.set_callbacks(EpochProgress(output.err))
        try:
            with samples.located(name_of(request.path)):
                if samples.y is None:
                    estimator.fit(samples.X)
                else:
                    estimator.fit(samples.X, samples.y)
        except KeyboardInterrupt:
            if "network_" not in vars(estimator):
                raise
            return True
        return False


def fraction_of(test: str) -> float | None:
    """The fraction that --test is; None for a file."""
    try:
        fraction = float(test)
    except ValueError:
        return None
    if not 0 <= fraction < 1:
        raise ParameterError(
            f"--test {test} has to be from 0 on and below 1, or a file."
        )
    return fraction
