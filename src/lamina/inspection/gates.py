"""The gates and states of a recurrent layer over the steps of a sample."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from torch import Tensor

from lamina.encoders.texts.documents import DocumentEncoder
from lamina.estimators.base import NeuralEstimator
from lamina.inputs import DataLike
from lamina.inspection.axes import grid, label_steps
from lamina.inspection.layers import RECURRENT, body_of, layer_named, run_layer
from lamina.inspection.recurrence import GATES, recurrence
from lamina.inspection.samples import Sample, Series, samples_of, single
from lamina.nn.recurrent import RecurrentLayer
from lamina.params import check_value, one_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MEMORY = ("forget gate", "update gate")
"""The gates that keep the state, by which units are ordered."""
DIRECTIONS = ("forward", "backward")
MAX_NAMED = 60
"""Steps that are named on the axis."""


class GateDisplay:
    """Heat maps of the gates and states, a row for each unit and a column for each step.

    Above them is the sample, standardised if it is a series; below them are the tokens of a
    text. Units are in the order of
    the mean of their forget gate (LSTM) or update gate (GRU): those that keep their state
    longest are at the top. It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    values : dict of str to ndarray of shape (n_steps, n_units)
        "input gate", "forget gate", "output gate", "cell state" and "hidden state" of an
        LSTM; "reset gate", "update gate" and "hidden state" of a GRU; "hidden state" of a
        plain RNN.
    sample : Sample, default=None
        The sample that is drawn above; None for a text.
    step_names : list of n_steps str, default=None
        The tokens; None numbers the steps.
    title : str, default=""
        The title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes around the grid.
    axes_ : ndarray of matplotlib Axes
        The axes of the sample, if there is one, and then those of `values`.
    figure_ : matplotlib Figure
        The figure of the axes.

    Examples
    --------
    >>> import numpy as np
    >>> from lamina import RNNClassifier
    >>> from lamina.inspection import GateDisplay
    >>> X = np.random.default_rng(0).normal(size=(40, 12, 1))
    >>> network = RNNClassifier(hidden_size=8, max_iter=1).fit(X, X[:, 0, 0] > 0)
    >>> display = GateDisplay.from_estimator(network, X[0])
    >>> display.values["forget gate"].shape
    (12, 8)
    """

    ax_: "Axes"
    axes_: np.ndarray
    figure_: "Figure | SubFigure"

    def __init__(
        self,
        values: Mapping[str, np.ndarray],
        *,
        sample: Sample | None = None,
        step_names: Sequence[str] | None = None,
        title: str = "",
    ):
        self.values, self.sample = values, sample
        self.step_names, self.title = step_names, title

    @classmethod
    def from_estimator(
        cls,
        estimator: NeuralEstimator,
        sample: DataLike,
        *,
        layer: str | None = None,
        direction: Literal["forward", "backward"] = "forward",
        ax: "Axes | None" = None,
    ) -> Self:
        """Compute the gates and states for one sample, and plot them.

        Parameters
        ----------
        estimator : fitted estimator with recurrent layers
            Such as RNNClassifier, RNNRegressor, SequenceTagger, LanguageModel, Forecaster,
            Translator or SpeechRecognizer.
        sample : ndarray, str, list of tokens or path
            One sample of the form that `fit` saw.
        layer : str, default=None
            The layer: "layers.0", "layers.1" and so on of most networks. None takes the
            first one.
        direction : {"forward", "backward"}, default="forward"
            Which half of a bidirectional layer. The backward one starts at the last step.
        ax : matplotlib Axes, default=None
            Where to plot.

        Returns
        -------
        display : GateDisplay
            The display, with `values`.

        Raises
        ------
        ParameterError
            The network has no recurrent layer, no layer of this name, or reads forward only.
        """
        layer = layer_named(estimator, RECURRENT, layer, "a recurrent network")
        module = body_of(estimator).get_submodule(layer)
        assert isinstance(module, RecurrentLayer)
        allowed = DIRECTIONS[: len(module.directions)]
        check_value("argument 'direction'", direction, one_of(*allowed))
        x, inputs, _ = run_layer(estimator, sample, layer)
        stride = -(-len(x) // len(inputs))
        inputs = inputs[: -(-len(x) // stride)]
        is_backward = direction == "backward"
        rnn = module.directions[DIRECTIONS.index(direction)]
        values = recurrence(rnn, inputs.flip(0) if is_backward else inputs)
        if is_backward:
            values = {name: v.flip(0) for name, v in values.items()}
        return cls(
            {name: v.numpy() for name, v in values.items()},
            sample=_drawn(estimator, sample, x),
            step_names=_names_of_steps(estimator, sample),
            title=f"{type(rnn).__name__}, {layer}, {direction}",
        ).plot(ax=ax)

    def plot(self, *, ax: "Axes | None" = None) -> Self:
        """Plot the heat maps.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot, divided into rows; None makes a new figure.

        Returns
        -------
        display : GateDisplay
            The display, with `ax_`, `axes_` and `figure_`.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        ParameterError
            `ax` cannot be divided.
        """
        n_before = int(self.sample is not None)
        n = n_before + len(self.values)
        width = min(max(0.16 * len(next(iter(self.values.values()))), 6.4), 14)
        self.ax_, self.axes_ = grid(ax, n, 1, (width, 1.35), self.title)
        self.figure_ = self.ax_.figure
        if self.sample is not None:
            self.sample.draw(self.axes_[0])
            self.axes_[0].set(xlabel="", xticklabels=[])
        order = self._order()
        for each, (name, v) in zip(
            self.axes_[n_before:], self.values.items(), strict=True
        ):
            self._plot_values(each, name, v[:, order])
            if each is not self.axes_[-1]:
                each.set_xticklabels([])
        self._name_steps(self.axes_[-1])
        return self

    def _order(self) -> np.ndarray:
        """The units, those that keep their state longest first."""
        means = [v.mean(0) for name, v in self.values.items() if name in MEMORY]
        n_units = next(iter(self.values.values())).shape[1]
        return np.argsort(-means[0], kind="stable") if means else np.arange(n_units)

    def _plot_values(self, ax: "Axes", name: str, values: np.ndarray) -> None:
        if name in GATES:
            limits, colours = (0.0, 1.0), "viridis"
        else:
            largest = float(np.abs(values).max())
            limits, colours = (-largest, largest), "RdBu_r"
        image = ax.imshow(
            values.T,
            aspect="auto",
            cmap=colours,
            vmin=limits[0],
            vmax=limits[1],
            interpolation="nearest",
        )
        ax.set_ylabel(name.replace(" ", "\n"))
        ax.set_yticks([])
        bar = ax.figure.colorbar(image, ax=ax, pad=0.01, aspect=8)
        bar.ax.tick_params(labelsize="x-small")

    def _name_steps(self, ax: "Axes") -> None:
        if self.step_names is None or len(self.step_names) > MAX_NAMED:
            ax.set_xlabel("step")
        else:
            label_steps(ax, self.step_names)


def _drawn(estimator: NeuralEstimator, sample: object, x: Tensor) -> Sample | None:
    """What is drawn above; x (T, C) is what the network reads."""
    if estimator.form_ == "series":
        return Series(x.numpy())
    if estimator.form_ == "audio":
        return samples_of(estimator, single(sample), [0])[0]
    return None


def _names_of_steps(estimator: NeuralEstimator, sample: object) -> list[str] | None:
    """The units of a text that the network reads; None for other data."""
    if estimator.form_ != "text":
        return None
    encoder: Any = estimator.encoder_
    (read,) = encoder.read(single(sample))
    if isinstance(read, list):
        return read
    pieces = encoder.codec.pieces(encoder.codec.token_ids(read))
    is_document = isinstance(encoder, DocumentEncoder)
    return ["<begin>", *pieces] if is_document else [*pieces, "<end>"]
