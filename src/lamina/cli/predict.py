"""The commands `predict` and `score`: a saved network on new data."""

from typing import Any

import narwhals.stable.v2 as nw

from lamina.cli.choose import source_of
from lamina.cli.models import read_model, require_writable
from lamina.cli.outputs import predictions, write
from lamina.cli.samples import Samples
from lamina.cli.scores import Score, score_of
from lamina.cli.tables import STDIN, name_of, read_table
from lamina.estimators.forecaster import SeriesForecaster
from lamina.exceptions import ParameterError


def predict_file(  # noqa: PLR0913
    model: str,
    data: str,
    output: str | None,
    *,
    proba: bool,
    future: str | None,
    encoding: str,
) -> int:
    """Write the predictions of a network for a file or a folder; returns their number."""
    if output == STDIN:
        output = None
    if output is not None:
        require_writable(output, model, data)
    estimator, note = read_model(model)
    source = source_of(note, estimator, None)
    samples = source.read(data, encoding, with_target=False)
    frame: Any = None
    if future is not None:
        if not isinstance(estimator, SeriesForecaster):
            raise ParameterError(
                "--future has no effect on this network; leave it out."
            )
        frame = nw.to_native(read_table(future, encoding).frame)
    with samples.located(name_of(data)):
        columns = predictions(estimator, samples, proba=proba, future=frame)
    write(columns, output, as_lines=source.kind in ("documents", "parallel texts"))
    return len([*columns.values()][-1])


def score_file(
    model: str, data: str, target: str | None, encoding: str
) -> tuple[Samples, Score]:
    """The samples of a file or a folder, and the score of a network on them."""
    estimator, note = read_model(model)
    source = source_of(note, estimator, target)
    samples = source.read(data, encoding)
    if samples.y is None and estimator.__sklearn_tags__().target_tags.required:
        raise ParameterError("Pass --target, the column of the true values.")
    with samples.located(name_of(data)):
        return samples, score_of(estimator, samples, source.test_name(samples))
