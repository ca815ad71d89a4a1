"""Predictions of an exported estimator, by onnxruntime and without torch."""

import os
from functools import cached_property
from typing import Any

import numpy as np

from lamina.exceptions import MissingExtraError, ParameterError, data_errors
from lamina.onnx.metadata import decode
from lamina.onnx.readers import READERS
from lamina.onnx.samples import Samples

ROWS_AT_ONCE = 1024
"""Samples that are computed together."""
Classes = np.ndarray | list[np.ndarray]


class Predictor:
    """Predictions of an estimator from the file that its `to_onnx` wrote.

    Reads X as the estimator does, and refuses the same data. Needs numpy, narwhals and
    onnxruntime; neither torch nor scikit-learn is imported. Image files need pillow. Sound
    files and sparse matrices are refused, and a forecaster takes arrays and no frames.

    Parameters
    ----------
    path : str or Path
        The file.
    n_threads : int, default=1
        Threads of each operation of onnxruntime; 0 is one for each core.

    Attributes
    ----------
    estimator : str
        The class of the estimator, such as "RNNClassifier".
    form : str
        The form of data that it takes: "table", "series", "image", "audio" or "text".
    classes : ndarray of shape (n_classes,), or a list of them
        The labels, in the order of the columns of `predict_proba`; a list of arrays for
        several outputs. Absent from regressors and forecasters.

    Raises
    ------
    MissingExtraError
        onnxruntime is not installed.
    ParameterError
        The file was not written by `to_onnx`, or by a version with another format.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from lamina import DNNClassifier
    >>> from lamina.onnx import Predictor
    >>> X, y = load_iris(return_X_y=True)
    >>> network = DNNClassifier(max_iter=5, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     network.to_onnx(f"{folder}/iris.onnx")
    ...     predictor = Predictor(f"{folder}/iris.onnx")
    >>> predictor.predict_proba(X).shape
    (150, 3)
    """

    def __init__(self, path: str | os.PathLike[str], *, n_threads: int = 1):
        try:
            import onnxruntime
        except ImportError:
            raise MissingExtraError("Predictor", "onnxruntime", "onnx") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        self._session = onnxruntime.InferenceSession(
            os.fspath(path), options, providers=["CPUExecutionProvider"]
        )
        metadata = decode(self._session.get_modelmeta().custom_metadata_map, path)
        self.estimator: str = metadata["estimator"]
        self.form: str = metadata["form"]
        inputs, self._outputs = metadata["inputs"], metadata["outputs"]
        self._kind: str = self._outputs["kind"]
        self._reader = READERS[inputs["reader"]](self.estimator, inputs)

    @cached_property
    def classes(self) -> Classes:
        """The labels."""
        if "classes" not in self._outputs:
            raise AttributeError(f"A {self.estimator} has no classes.")
        classes = self._outputs["classes"]
        is_list = isinstance(classes, list)
        return [_array(each) for each in classes] if is_list else _array(classes)

    def predict(self, X: Any) -> Any:
        """What `predict` of the estimator gives.

        Parameters
        ----------
        X : array-like, frame or list of n_samples samples
            Samples of the form that `fit` saw.

        Returns
        -------
        y : ndarray of shape (n_samples, ...), or list of n_samples lists
            Labels, numbers, a list of labels for each sample of a tagger, or forecasts of
            shape (n_series, horizon).

        Raises
        ------
        DataError
            A sample or a column cannot be used; it is named.
        """
        return PREDICTIONS[self._kind](self, self._read(X))

    def predict_proba(self, X: Any) -> np.ndarray | list[np.ndarray]:
        """The probability of each label; of classifiers only.

        Parameters
        ----------
        X : array-like, frame or list of n_samples samples
            Samples of the form that `fit` saw.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes), or a list of them
            In the order of `classes`; for several outputs a list with an array for each.

        Raises
        ------
        ParameterError
            The estimator is no classifier.
        DataError
            A sample or a column cannot be used; it is named.
        """
        if self._kind not in ("label", "labels", "indicators"):
            raise ParameterError(
                f"An exported {self.estimator} has no predict_proba, which is of "
                f"classifiers; use predict."
            )
        p = self._stacked(self._read(X), "probabilities").astype(np.float64)
        return self._split(p) if self._kind == "labels" else p

    def _read(self, X: object) -> Samples:
        with data_errors("X"):
            return self._reader.read(X)

    def _parts(
        self, samples: Samples, name: str
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """The row numbers in the order of computation, and the output for each part."""
        rows = np.arange(len(samples))
        if samples.lengths is not None:
            # Samples of similar lengths together, so that little is padded.
            rows = np.argsort(samples.lengths, kind="stable")
        parts = [rows[i : i + ROWS_AT_ONCE] for i in range(0, len(rows), ROWS_AT_ONCE)]
        outputs = [
            np.asarray(self._session.run([name], samples.take(part))[0])
            for part in parts
        ]
        return rows, outputs

    def _stacked(self, samples: Samples, name: str) -> np.ndarray:
        """An output with a row for each sample."""
        rows, parts = self._parts(samples, name)
        values = np.empty_like(parts[0], shape=(len(rows), *parts[0].shape[1:]))
        values[rows] = np.concatenate(parts)
        return values

    def _split(self, values: np.ndarray) -> list[np.ndarray]:
        """The columns of each of several outputs."""
        sizes = [len(classes) for classes in self.classes]
        return np.split(values, np.cumsum(sizes)[:-1], axis=1)

    def _label(self, samples: Samples) -> np.ndarray:
        assert isinstance(self.classes, np.ndarray)
        return self.classes[self._stacked(samples, "logits").argmax(1)]

    def _labels(self, samples: Samples) -> np.ndarray:
        parts = self._split(self._stacked(samples, "logits"))
        columns = zip(self.classes, parts, strict=True)
        return np.stack([classes[part.argmax(1)] for classes, part in columns], 1)

    def _indicators(self, samples: Samples) -> np.ndarray:
        return (self._stacked(samples, "logits") > 0).astype(int)

    def _numbers(self, samples: Samples) -> np.ndarray:
        return self._stacked(samples, "predictions")

    def _tags(self, samples: Samples) -> list[list]:
        assert isinstance(self.classes, np.ndarray)
        order, parts = self._parts(samples, "labels")
        rows = zip(order, (row for part in parts for row in part), strict=True)
        tags: dict[int, list] = {
            int(i): self.classes[row[: samples.lengths[i]]].tolist() for i, row in rows
        }
        return [tags[i] for i in range(len(samples))]

    def _forecasts(self, samples: Samples) -> np.ndarray:
        values = self._stacked(samples, "forecasts")[:, :, 0]
        lower, upper = self._outputs["lower"], self._outputs["upper"]
        if (lower, upper) != (None, None):
            values = np.clip(values, lower, upper)
        return values[0] if samples.is_single else values


def _array(classes: dict[str, Any]) -> np.ndarray:
    return np.array(classes["labels"], dtype=np.dtype(classes["dtype"]))


PREDICTIONS = {
    "label": Predictor._label,
    "labels": Predictor._labels,
    "indicators": Predictor._indicators,
    "numbers": Predictor._numbers,
    "tags": Predictor._tags,
    "forecasts": Predictor._forecasts,
}
"""The method for each kind of output."""
