"""The losses and validation scores of a fit, by epoch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from lamina.estimators.base import NeuralEstimator
from lamina.estimators.kinds import fitted
from lamina.inspection.axes import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

LOSS, SCORE = "C0", "C1"
"""The colours of the two curves and of their axes."""


class HistoryDisplay:
    """Training loss and validation score of each epoch.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    loss_curve : array-like of shape (n_epochs,)
        The training loss of each epoch.
    validation_scores : array-like of shape (n_scored_epochs,), default=None
        The score on validation samples after each epoch; None without validation. Where a
        search chose the number of epochs, these are the epochs of the search, which are
        more than those of the fit after it.
    score_name : str, default="validation score"
        What the score is, for the axis.
    name : str, default=None
        What was fitted, for the title.
    seconds : float, default=None
        How long the fit took, for the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the loss.
    score_ax_ : matplotlib Axes or None
        The axes with the score, whose scale is on the right.
    figure_ : matplotlib Figure
        The figure of the axes.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from lamina import DNNClassifier
    >>> from lamina.inspection import HistoryDisplay
    >>> network = DNNClassifier(max_iter=5).fit(*load_iris(return_X_y=True))
    >>> HistoryDisplay.from_estimator(network).ax_.get_xlabel()
    'epoch'
    """

    ax_: "Axes"
    score_ax_: "Axes | None"
    figure_: "Figure | SubFigure"

    def __init__(
        self,
        loss_curve: Sequence[float],
        *,
        validation_scores: Sequence[float] | None = None,
        score_name: str = "validation score",
        name: str | None = None,
        seconds: float | None = None,
    ):
        self.loss_curve, self.validation_scores = loss_curve, validation_scores
        self.score_name, self.name, self.seconds = score_name, name, seconds

    @classmethod
    def from_estimator(
        cls,
        estimator: NeuralEstimator,
        *,
        seconds: float | None = None,
        ax: "Axes | None" = None,
    ) -> Self:
        """Plot the losses and scores of a fitted estimator.

        Parameters
        ----------
        estimator : fitted estimator
            Any estimator of lamina.
        seconds : float, default=None
            How long the fit took, for the title; estimators do not store it.
        ax : matplotlib Axes, default=None
            Where to plot.

        Returns
        -------
        display : HistoryDisplay
            The display.
        """
        takes = "HistoryDisplay takes fitted estimators of lamina"
        network = fitted(estimator, NeuralEstimator, takes)
        display = cls(
            network.loss_curve_,
            validation_scores=network.validation_scores_,
            score_name=_score_name(network),
            name=type(network).__name__,
            seconds=seconds,
        )
        return display.plot(ax=ax)

    @property
    def best_epoch_(self) -> int | None:
        """The epoch with the greatest score, counted from 1; the last one of equal ones."""
        if self.validation_scores is None:
            return None
        scores = np.nan_to_num(self.validation_scores, nan=-np.inf)
        return len(scores) - int(scores[::-1].argmax())

    def plot(self, *, ax: "Axes | None" = None) -> Self:
        """Plot the curves, and mark the epoch with the greatest score.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; None makes a new figure.

        Returns
        -------
        display : HistoryDisplay
            The display, with `ax_`, `score_ax_` and `figure_`.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        """
        ax = new_axes(ax, (6.4, 4.0))
        self.ax_, self.score_ax_, self.figure_ = ax, None, ax.figure
        losses = self.loss_curve
        epochs = range(1, len(losses) + 1)
        ax.plot(epochs, losses, LOSS, label="training loss", marker=_marker(losses))
        ax.set_xlabel("epoch")
        ax.set_ylabel("training loss", color=LOSS)
        ax.tick_params(axis="y", colors=LOSS)
        ax.set_ylim(bottom=min(0.0, *losses))
        ax.locator_params(axis="x", integer=True)
        if self.validation_scores is not None:
            self._plot_scores(ax, self.validation_scores)
        title = [] if self.name is None else [self.name, f"{len(losses)} epochs"]
        title += [] if self.seconds is None else [f"{self.seconds:.3g} s"]
        ax.set_title(", ".join(title), fontsize="medium")
        return self

    def _plot_scores(self, ax: "Axes", scores: Sequence[float]) -> None:
        right = self.score_ax_ = ax.twinx()
        best = self.best_epoch_
        assert best is not None
        is_search = _is_search(self.loss_curve, scores) and len(self.loss_curve) == best
        epochs = range(1, len(scores) + 1)
        right.plot(epochs, scores, SCORE, marker=_marker(scores))
        right.plot(best, scores[best - 1], "o", color=SCORE)
        right.set_ylabel(self.score_name, color=SCORE)
        right.tick_params(axis="y", colors=SCORE)
        words = "chosen: {} epochs" if is_search else "best score: epoch {}"
        ax.axvline(best, color="0.4", linestyle="--", linewidth=1)
        is_late = best > len(scores) / 2
        ax.annotate(
            words.format(best),
            (best, 0.03),  # below the curves of most fits
            xycoords=("data", "axes fraction"),
            xytext=(-4 if is_late else 4, 0),
            textcoords="offset points",
            ha="right" if is_late else "left",
            color="0.3",
            fontsize="small",
        )


def _is_search(losses: Sequence[float], scores: Sequence[float] | None) -> bool:
    """Whether the scores are those of a search for the number of epochs."""
    return scores is not None and len(scores) > len(losses)


def _score_name(estimator: NeuralEstimator) -> str:
    """What the validation samples are scored by, as far as the estimator says it."""
    scoring = estimator.scoring
    if scoring is None and _is_search(
        estimator.loss_curve_, estimator.validation_scores_
    ):
        scoring = "loss"
    if not isinstance(scoring, str):
        return "validation score"
    return "minus the validation loss" if scoring == "loss" else f"validation {scoring}"


def _marker(values: Sequence[float]) -> str:
    """A line through a single point cannot be seen."""
    return "o" if len(values) == 1 else ""
