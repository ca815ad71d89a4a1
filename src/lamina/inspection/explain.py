"""Explanations: what each part of a sample contributed to an output."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch
from lamina.bodies.convolutional import ConvolutionalBody
from lamina.estimators.base import NeuralEstimator
from lamina.estimators.kinds import fitted
from lamina.exceptions import AttributionWarning, ParameterError
from lamina.inputs import DataLike, Indexable
from lamina.inspection.attribution import Attribution
from lamina.inspection.grad_cam import grad_cam
from lamina.inspection.gradients import TOLERANCE, integrated_gradients
from lamina.inspection.grids import AudioLines, ImageLines, SeriesLines
from lamina.inspection.lines import Contributions, Explained, Lines
from lamina.inspection.occlusion import occlusion
from lamina.inspection.tables import TableLines
from lamina.inspection.targets import Target, target_of
from lamina.inspection.texts import TextLines
from lamina.nn.model import Model
from lamina.params import at_least, check_value, one_of
from lamina.tasks.base import PooledTask

LINES: dict[str, Callable[..., Lines]] = {
    "table": TableLines,
    "series": SeriesLines,
    "image": ImageLines,
    "audio": AudioLines,
    "text": TextLines,
}
"""For each form of data, the lines from baselines to samples."""
Method = Callable[[Explained, Batch, int | None], Contributions]
METHODS: dict[str, Method] = {
    "integrated_gradients": integrated_gradients,
    "occlusion": occlusion,
    "grad_cam": grad_cam,
}
USED = {
    "auto": {"baseline", "n_steps"},
    "integrated_gradients": {"baseline", "n_steps"},
    "occlusion": {"baseline", "patch_size"},
    "grad_cam": set(),
}
"""The arguments that have an effect, by method."""
MethodName = Literal["auto", "integrated_gradients", "occlusion", "grad_cam"]


def explain(  # noqa: PLR0913
    estimator: NeuralEstimator,
    X: DataLike,
    *,
    method: MethodName = "auto",
    baseline: DataLike | None = None,
    n_steps: int | Literal["auto"] = "auto",
    patch_size: int | Literal["auto"] = "auto",
    target: object = None,
) -> Attribution:
    """Explain outputs of a fitted network by the parts of samples.

    These are the columns of a table, the words of a text, the steps of a series, the pixels of
    an image, the frames and mel bands of a recording. A sample is compared with a baseline.

    Parameters
    ----------
    estimator : fitted classifier or regressor
        The network; the combined output of its members is explained.
    X : array-like, frame, sparse matrix or list of n_samples samples
        The samples to explain, of the form that `fit` saw.
    method : {"auto", "integrated_gradients", "occlusion", "grad_cam"}, default="auto"
        How outputs are explained. "integrated_gradients" (Sundararajan et al. 2017) sums up
        the gradient of the output along a line from the baseline to the sample, and its
        values sum up to the difference of the outputs. "occlusion" replaces one patch after
        the other by the baseline. "grad_cam" (Selvaraju et al. 2017) reads the last
        convolutional layer of a CNN, for images, series and recordings. "auto" is
        "integrated_gradients", and "occlusion" if the values do not sum up with 2,048 steps;
        `method` of the attribution says which it was.
    baseline : samples, default=None
        Samples to compare with, of as many steps as those of X; the values are means over
        them (expected gradients), in a time that is proportional to their number. None
        compares with one average sample. Of a table it has numbers at their mean (median,
        where outliers dominate), not missing, and categories weighted by their frequency in
        `fit`; of series, images and recordings the mean of each channel or mel band; of
        texts unknown words.
    n_steps : int >= 1 or "auto", default="auto"
        Steps of the lines of integrated gradients. "auto" starts with 32, and doubles them
        up to 2,048 for samples whose values do not sum up to the output.
    patch_size : int >= 1 or "auto", default="auto"
        What occlusion replaces together: steps of a channel, pixels along each side, frames
        and mel bands, or words. "auto" is a twentieth of the steps of a series, an eighth of
        each side of an image or a spectrogram, and one word. Of tables it is one column.
    target : label, int or tuple, default=None
        The output to explain: of a classifier a label, of several outputs
        `(output, label)`; of a regressor the position of the output. None takes the
        second of two labels, the predicted one of more labels, and a single output.

    Returns
    -------
    attribution : Attribution
        `values` with the shape of the samples, `base_value`, `output`, `method` and what
        pictures need. The unit is that of `predict` for a regressor, and of
        `decision_function` for a classifier: the log odds of a label if there are two, the
        logit of a label if there are more.

    Raises
    ------
    ParameterError
        An argument is not allowed or has no effect, or the estimator is no fitted classifier
        or regressor.
    DataError
        X or the baseline is not of the form that `fit` saw.

    Warns
    -----
    AttributionWarning
        The values of a sample and the base value differ from the output by more than a
        thousandth of the sum of the absolute values: it takes more steps.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from lamina import DNNClassifier
    >>> from lamina.inspection import explain
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> network = DNNClassifier(max_iter=20, random_state=0).fit(X, y)
    >>> attribution = explain(network, X, target=0)
    >>> attribution.values.shape
    (150, 4)
    >>> attribution.feature_names[attribution.importances.argmax()]
    'petal length (cm)'
    """
    numbers = {"n_steps": n_steps, "patch_size": patch_size}
    network = _checked(estimator)
    _check(network, method, numbers, baseline)
    chosen = target_of(network, target)
    plain = network._plain(X)
    lines = LINES[network.form_](network, X, plain, baseline)
    samples = _Samples(network, plain, lines, chosen)
    name = "integrated_gradients" if method == "auto" else method
    rows = samples.explained(name, patch_size if method == "occlusion" else n_steps)
    gaps = np.array([row[3] for row in rows])
    if method == "auto" and n_steps == "auto" and (gaps > 0).any():
        name = "occlusion"
        rows = samples.explained(name, patch_size)
    else:
        _warn_of_gaps(gaps)
    return _attribution(network.form_, name, rows, lines, chosen.name)


def _attribution(
    form: str, method: str, rows: list[tuple], lines: Lines, output_name: str
) -> Attribution:
    values = [row[0] for row in rows]
    return Attribution(
        form=form,
        method=method,
        values=np.stack(values) if form in {"table", "image"} else values,
        base_value=np.array([row[1] for row in rows]),
        output=np.array([row[2] for row in rows]),
        output_name=output_name,
        feature_names=lines.feature_names,
        samples=lines.samples(),
    )


@dataclass
class _Samples:
    """Samples to explain, as the encoder read them."""

    estimator: NeuralEstimator
    plain: Indexable
    lines: Lines
    target: Target

    def explained(
        self, method: str, number: int | str
    ) -> list[tuple[np.ndarray, float, float, float]]:
        """For each sample its values, both outputs, and by how much the values miss them."""
        size = None if number == "auto" else int(number)

        @torch.inference_mode(False)
        @torch.no_grad()
        def query(model: Model, batch: Batch) -> list[tuple]:
            explained = Explained(model, self.estimator.task_, self.target, self.lines)
            results = {}
            for rows, part in self.lines.parts(batch):
                result = METHODS[method](explained, part, size)
                for row, values in zip(
                    rows.tolist(), self._of(result, part), strict=True
                ):
                    arranged = self.lines.arranged(values[0], int(batch.target[row]))
                    results[row] = arranged.copy(), *values[1:]
            return [results[row] for row in range(len(results))]

        return self.estimator._outputs_of_plain(self.plain, query, target=RowNumbers())

    def _of(self, result: Contributions, batch: Batch) -> Iterator[tuple]:
        """The parts of a result that belong to each sample of a batch."""
        ends = (result.base_value, result.output, result.gap)
        values = result.values.reshape(-1, *self.lines.shape(batch)).numpy()
        return zip(values, *(end.tolist() for end in ends), strict=True)


class RowNumbers:
    """Targets of which each is the number of its sample."""

    def __getitem__(self, rows: Tensor) -> Tensor:
        return rows


def _checked(estimator: object) -> NeuralEstimator:
    """The estimator, if it is a fitted one with an output for each sample."""
    takes = (
        "explain takes fitted classifiers and regressors of lamina, which have an output "
        "for each sample"
    )
    network = fitted(estimator, NeuralEstimator, takes)
    if not isinstance(network.task_, PooledTask):
        raise ParameterError(f"{takes}; this is a {type(network).__name__}.")
    return network


def _check(
    estimator: NeuralEstimator,
    method: str,
    numbers: Mapping[str, object],
    baseline: DataLike | None,
) -> None:
    check_value("argument 'method'", method, one_of("auto", *METHODS))
    for name, number in numbers.items():
        check_value(f"argument {name!r}", number, at_least(1), one_of("auto"))
    given = {name for name, number in numbers.items() if number != "auto"}
    given |= set() if baseline is None else {"baseline"}
    for name in sorted(given - USED[method]):
        raise ParameterError(
            f"The argument {name!r} has no effect with method={method!r}; leave it out."
        )
    if method == "grad_cam":
        _check_grad_cam(estimator)


def _check_grad_cam(estimator: NeuralEstimator) -> None:
    is_convolutional = isinstance(estimator.network_.body, ConvolutionalBody)
    if not is_convolutional or estimator.form_ == "text":
        raise ParameterError(
            f"method='grad_cam' takes CNNClassifier and CNNRegressor, fitted on images, "
            f"series or recordings; this is a {type(estimator).__name__} fitted on "
            f"{estimator.form_} data. Use 'integrated_gradients' or 'occlusion'."
        )


def _warn_of_gaps(gaps: np.ndarray) -> None:
    if (gaps > 0).any():
        row = int(gaps.argmax())
        warnings.warn(
            f"The values of {(gaps > 0).sum()} row(s), such as row {row}, and base_value do "
            f"not sum up to the output: the difference is more than {TOLERANCE:g} of the sum "
            f"of the absolute values. Raise n_steps, or pass n_steps='auto'.",
            AttributionWarning,
            stacklevel=3,
        )
