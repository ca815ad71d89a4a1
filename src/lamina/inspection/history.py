"""The losses and validation scores of a fit, by epoch."""

from typing import TYPE_CHECKING

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from lamina.exceptions import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_history(estimator: BaseEstimator, ax: "Axes | None" = None) -> "Axes":
    """Plot the training loss of each epoch and, if there is one, the validation score.

    Parameters
    ----------
    estimator : fitted estimator
        Any estimator of lamina.
    ax : matplotlib Axes, default=None
        Where to plot; None makes a new figure.

    Returns
    -------
    ax : matplotlib Axes
        The axes; the score has its own axis on the right.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from lamina import DNNClassifier
    >>> from lamina.inspection import plot_history
    >>> network = DNNClassifier(max_iter=5).fit(*load_iris(return_X_y=True))
    >>> plot_history(network).get_xlabel()
    'epoch'
    """
    check_is_fitted(estimator)
    try:
        from matplotlib import pyplot
    except ImportError:
        raise MissingExtraError("Plotting", "matplotlib", "plot") from None
    if ax is None:
        _, ax = pyplot.subplots()
    epochs = range(1, estimator.n_iter_ + 1)
    lines = ax.plot(epochs, estimator.loss_curve_, color="C0", label="training loss")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.set_ylim(bottom=min(0, *estimator.loss_curve_))
    if estimator.validation_scores_ is not None:
        right = ax.twinx()
        scores = estimator.validation_scores_
        lines += right.plot(epochs, scores, color="C1", label="validation score")
        right.set_ylabel("score")
    ax.legend(handles=lines, loc="center right")
    ax.set_title(type(estimator).__name__)
    return ax
