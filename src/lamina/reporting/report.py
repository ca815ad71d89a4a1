"""A report on a fitted estimator: one HTML file that loads nothing."""

from html import escape
from os import PathLike
from pathlib import Path

import numpy as np

from lamina.estimators.base import NeuralEstimator
from lamina.estimators.kinds import entry_of, fitted
from lamina.inputs import DataLike
from lamina.params import at_least, check_value, fraction
from lamina.reporting.attributions import attributions
from lamina.reporting.blocks import Block, Cell, Facts, Paragraph, Section
from lamina.reporting.classification import ClassificationResults
from lamina.reporting.data import described
from lamina.reporting.figures import require_matplotlib
from lamina.reporting.forecasting import ForecastResults
from lamina.reporting.intervals import Score, table_of
from lamina.reporting.language import LanguageResults
from lamina.reporting.network import network, speed, training, versions
from lamina.reporting.page import Page, shown
from lamina.reporting.regression import RegressionResults
from lamina.reporting.results import Options, Results
from lamina.reporting.tagging import TaggingResults
from lamina.reporting.texts import TranscriptionResults, TransductionResults
from lamina.seeding import seed_from
from lamina.tasks.base import Task
from lamina.tasks.forecasting import Forecasting
from lamina.tasks.label_task import LabelTask
from lamina.tasks.language import LanguageModelling
from lamina.tasks.regression import Regression
from lamina.tasks.tagging import Tagging
from lamina.tasks.transcription import Transcription
from lamina.tasks.transduction import Transduction

RESULTS: dict[type[Task], type[Results]] = {
    LabelTask: ClassificationResults,
    Regression: RegressionResults,
    Tagging: TaggingResults,
    Transduction: TransductionResults,
    Transcription: TranscriptionResults,
    LanguageModelling: LanguageResults,
    Forecasting: ForecastResults,
}
"""How the outputs of each task are reported; of any other task only the score is."""


class Report:
    """A report as HTML, the result of :func:`report`.

    A notebook shows it as the value of a cell.

    Attributes
    ----------
    html : str
        The whole document. It refers to no other file and has no script.
    """

    def __init__(self, html: str):
        self.html = html

    def save(self, path: str | PathLike[str]) -> None:
        """Write the report to a file.

        Parameters
        ----------
        path : str or Path
            The file; one that exists is replaced.
        """
        Path(path).write_text(self.html, encoding="utf8")

    def _repr_html_(self) -> str:
        """The document in a frame, so that its style does not affect the notebook."""
        # Without a base, links would lead to the sections of the notebook.
        based = self.html.replace("<head>", '<head><base href="about:srcdoc">', 1)
        return (
            f'<iframe title="Report of lamina" sandbox srcdoc="{escape(based)}" '
            f'style="width: 100%; height: 48rem; border: 0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Report of {len(self.html):,} characters; save it by .save(path)>"


def report(  # noqa: PLR0913
    estimator: NeuralEstimator,
    X_test: DataLike,
    y_test: DataLike | None = None,
    *,
    future: DataLike | None = None,
    title: str | None = None,
    n_examples: int = 8,
    n_explained: int = 100,
    n_resamples: int = 200,
    confidence_level: float = 0.95,
    measure_speed: bool = True,
    random_state: int | np.random.RandomState | None = 0,
) -> Report:
    """Report what a fitted estimator is, and how good it is on test samples.

    The report is one HTML file: data, network, training, scores with confidence intervals,
    confusion matrix or residuals, calibration, attributions, the worst mistakes as the
    pictures, sounds, texts, rows and series that they are, speed and versions. It needs
    the extra `plot`.

    Parameters
    ----------
    estimator : fitted estimator of lamina
        The network.
    X_test : samples of the form that `fit` saw
        Samples that were not in `fit`.
    y_test : targets, default=None
        The targets of X_test, as for `score`. A LanguageModel takes none, and a Forecaster
        without them is tested on the last `horizon` steps of each series of X_test.
    future : array-like or frame, default=None
        The values of `known_columns` at the steps of y_test, as for `Forecaster.score`.
    title : str, default=None
        The heading; None takes the name of the class.
    n_examples : int >= 1, default=8
        The number of worst mistakes, and of examples of written texts and forecasts.
    n_explained : int >= 1, default=100
        Rows of a table over which attributions are averaged.
    n_resamples : int >= 1, default=200
        Resamples of the bootstrap for confidence intervals.
    confidence_level : float in (0, 1), default=0.95
        The level of confidence intervals.
    measure_speed : bool, default=True
        Whether to time predictions, the only part of a report that differs from call to
        call.
    random_state : int, RandomState instance or None, default=0
        Seed of resamples, of examples and of texts that are drawn.

    Returns
    -------
    report : Report
        With the document as `html`, `save(path)`, and the display of a notebook.

    Raises
    ------
    NotFittedError
        The estimator is not fitted.
    ParameterError
        An argument is not allowed, or the estimator is not one of lamina.
    DataError
        X_test or y_test cannot be used, as for `score`.
    MissingExtraError
        matplotlib, or a package that the score needs, is not installed.

    Examples
    --------
    >>> import lamina
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> network = lamina.DNNClassifier(max_iter=10, random_state=0).fit(X[::2], y[::2])
    >>> report = lamina.report(network, X[1::2], y[1::2], n_resamples=20)
    >>> "Confusion matrix" in report.html
    True
    """
    check_value("argument 'n_examples'", n_examples, at_least(1))
    check_value("argument 'n_explained'", n_explained, at_least(1))
    check_value("argument 'n_resamples'", n_resamples, at_least(1))
    check_value("argument 'confidence_level'", confidence_level, fraction(zero=False))
    options = Options(
        n_examples=n_examples,
        n_explained=n_explained,
        n_resamples=n_resamples,
        confidence_level=confidence_level,
        seed=seed_from(random_state),
        measure_speed=measure_speed,
    )
    takes = (
        "report takes fitted estimators of lamina, such as the last step of a pipeline"
    )
    estimator = fitted(estimator, NeuralEstimator, takes)
    require_matplotlib()
    kind = entry_of(RESULTS, estimator.task_) or Results
    results = kind(estimator, X_test, y_test, future, options)
    return Report(_page(results, title).html())


def _page(results: Results, title: str | None) -> Page:
    estimator = results.estimator
    name, n = type(estimator).__name__, len(results)
    scores = results.scores()
    lead = (
        f"A network for {estimator.form_} data with {shown(estimator.n_parameters_)} "
        f"trained values, tested on {shown(n)} {results.unit}."
    )
    headline = Facts(_headline(scores[0], results.options.confidence_level))
    sections = [
        Section("Scores", [table_of(scores), results.intervals.note(results.unit)]),
        *results.details(),
        _mistakes(results),
        *attributions(results),
        Section(
            "Data", described(estimator.schema_, results.plain) + results.targets()
        ),
        network(estimator),
        training(estimator),
        *([speed(results)] if results.options.measure_speed else []),
        versions(),
    ]
    return Page(
        title or name,
        lead,
        headline,
        sections,
    )


def _headline(score: Score, level: float) -> list[tuple[str, Cell]]:
    pairs: list[tuple[str, Cell]] = [(score.name, score.value)]
    if score.interval is not None:
        low, high = map(shown, score.interval)
        pairs.append((f"{level:.0%} interval, {score.method}", f"{low} to {high}"))
    return pairs


def _mistakes(results: Results) -> Section:
    rows = results.mistakes()
    block: Block = Paragraph("There are none to show.")
    if rows:
        block = results.gallery(rows)
    return Section("Worst mistakes", [block])
