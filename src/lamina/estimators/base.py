"""The base of all estimators: how one is fitted, and how its network predicts."""

from collections.abc import Callable
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.utils.validation import check_is_fitted

from lamina.constructor import refuse_unknown
from lamina.docstrings import SITE
from lamina.encoders.base import Encoder, Samples
from lamina.encoders.choose import ENCODERS
from lamina.estimators.auto import with_defaults
from lamina.estimators.data import read_targets, read_weight
from lamina.estimators.fitted import FittedNetwork
from lamina.estimators.fitting import Fitting
from lamina.estimators.memory import memory_errors
from lamina.estimators.saving import Saved
from lamina.estimators.transfer import TransferParams
from lamina.estimators.validation import Validation
from lamina.exceptions import ParameterError, data_errors
from lamina.inputs import DataLike, Indexable
from lamina.nn.body import Body, Defaults
from lamina.nn.model import Model
from lamina.params import Use, check_params
from lamina.process import default_settings
from lamina.tasks.base import Classes, Task
from lamina.training.callbacks import with_callbacks
from lamina.training.loader import PredictionBatches, RowIndexed
from lamina.training.params import TrainerParams
from lamina.training.precision import device_of, on_device
from lamina.training.prediction import Query, outputs_of

Measure = Callable[[Any, Any, np.ndarray | None], float]
"""Plain targets, outputs and weights (n,) -> a score."""


class NeuralEstimator(
    CallbackSupportMixin,
    Saved,
    BaseEstimator,
    FittedNetwork,
    TransferParams,
    TrainerParams,
):
    """Abstract. A public class names its `body` and its `task`."""

    body: ClassVar[type[Body]] = Body
    task: ClassVar[type[Task]] = Task
    encoders: ClassVar[dict[str, type]] = ENCODERS
    """The encoder of each form of data, of those that the body takes."""
    _doc_link_module: ClassVar[str] = "lamina"
    _doc_link_template: ClassVar[str] = f"{SITE}/api/lamina.{{estimator_name}}.html"

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        names_body = cls.body is not Body and issubclass(cls.body, Body)
        if names_body and cls.__doc__:
            cls.__doc__ = with_defaults(cls.__doc__, cls)

    @classmethod
    def defaults(cls, form: str) -> Defaults:
        """What "auto" stands for with data of this form."""
        n_steps = cls.task.default_steps
        return cls.body.defaults(form) if n_steps is None else Defaults(n_steps)

    @with_callbacks
    def fit(  # noqa: PLR0913, PLR0917
        self,
        X: DataLike,
        y: DataLike | None = None,
        sample_weight: ArrayLike | None = None,
        X_val: DataLike | None = None,
        y_val: DataLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        validation_groups: ArrayLike | None = None,
    ) -> Self:
        """Train a network on samples X and targets y.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples samples
            The training samples; see the class for the forms of data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample's loss; 2 counts the sample twice, 0 leaves it out.
        X_val, y_val : as X and y, default=None
            Validation samples. They are scored after each epoch, and with
            `early_stopping` they decide when to stop and which epoch to keep.
        sample_weight_val : array-like of shape (n_validation_samples,), default=None
            Weights of the validation samples in the score.
        validation_groups : array-like of shape (n_samples,), default=None
            With `early_stopping`, all samples of a group are held out or none is, so that
            no validation sample is related to a training sample.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        ParameterError, DataError
            A parameter or a sample cannot be used; the estimator stays as it was.
        DivergenceError
            The loss or a weight became NaN or too large; the epochs before are kept if
            there are some.
        KeyboardInterrupt
            Training was interrupted; the epochs until then are kept if there are some.
        """
        resumes = self.warm_start and "network_" in vars(self)
        given = Validation(X_val, y_val, sample_weight_val, validation_groups)
        Fitting(self, resumes=resumes).run(X, y, sample_weight, given)
        return self

    def _continue(
        self,
        X: DataLike,
        y: DataLike | None,
        sample_weight: ArrayLike | None,
        classes: Classes | None,
    ) -> Self:
        """Train for one more epoch: the `partial_fit` of every estimator."""
        if (
            self.early_stopping is True
            or self.warm_start
            or self.checkpoint is not None
        ):
            raise ParameterError(
                "partial_fit takes no validation samples, always continues training and "
                "saves nothing: it does not support early_stopping=True, warm_start=True or "
                "checkpoint=; use fit."
            )
        resumes = "network_" in vars(self)
        fitting = Fitting(self, resumes=resumes, single_epoch=True, classes=classes)
        fitting.run(X, y, sample_weight, Validation())
        return self

    @classmethod
    def forms(cls) -> tuple[str, ...]:
        """The forms of data that the estimator takes."""
        return tuple(form for form in cls.body.forms if form in cls.encoders)

    def fitted_from(self, encoder: Encoder, task: Task, X: Indexable) -> dict[str, Any]:
        """Fitted attributes that only some estimators have; X are the plain samples."""
        del encoder, task, X
        return {}

    def _plain(self, X: DataLike) -> Any:
        """X in the plain form of the fitted encoder, which checks it."""
        if "network_" not in vars(self):
            check_is_fitted(self, "network_")
        with data_errors("X"):
            return self.encoder_.read(X)

    def _outputs(
        self, X: DataLike, query: Query | None = None, y: DataLike | None = None
    ) -> Any:
        """What `query(model, batch)` returns of samples X; None is the task's `predict`.

        With y the batches have targets.
        """
        plain = self._plain(X)
        targets = None
        if y is not None:
            with data_errors("y"):
                targets = self.task_.read(y, plain)
        return self._outputs_of_plain(plain, query, targets)

    def _outputs_of_plain(
        self,
        plain: Indexable,
        query: Query | None = None,
        y: DataLike | None = None,
        target: RowIndexed | None = None,
    ) -> Any:
        params = check_params(self, only=Use.AT_ONCE)
        self.task_.configure_prediction(params)
        device, network = device_of(params.device), self.network_
        with default_settings(), memory_errors(params), on_device(network, device):
            samples = self.encoder_.encode(plain)
            if y is not None:
                target = self.task_.encode(y)
                self.task_.check_fit(target, samples, network.body)
            chosen: Query = self.task_.predict if query is None else query
            return params.outputs_of(network, samples, chosen, target)

    def outputs_of(
        self,
        model: Model,
        samples: Samples,
        query: Query,
        target: RowIndexed | None = None,
    ) -> Any:
        """What `query(model, batch)` returns of encoded samples."""
        device, n_members = device_of(self.device).type, model.body.n_members
        batches = PredictionBatches(samples, model.n_weights, target, device, n_members)
        return outputs_of(model, query, batches, self)

    def _score(
        self, X: DataLike, y: DataLike | None, sample_weight: ArrayLike | None
    ) -> float:
        """The task's score of the outputs for X."""
        check_is_fitted(self, "network_")
        return self._score_by(self.task_.score, X, y, sample_weight)

    def _score_by(
        self,
        measure: Measure,
        X: DataLike,
        y: DataLike | None,
        sample_weight: ArrayLike | None,
    ) -> float:
        """The outputs for X, scored by a measure of the task."""
        plain = self._plain(X)
        with data_errors("y"):
            targets = read_targets(type(self).__name__, self.task_, y, plain)
        weight = read_weight(sample_weight, len(plain))
        return measure(targets, self._outputs_of_plain(plain), weight)

    def set_params(self, **params: object) -> Self:
        """Set parameters of the estimator.

        Parameters
        ----------
        **params : dict
            Parameters of the class, and `name__parameter` of an estimator that is the
            parameter `name`.

        Returns
        -------
        self : estimator
            The estimator.

        Raises
        ------
        ParameterError
            The estimator has no such parameter.
        """
        names = self.get_params(deep=False)
        refuse_unknown(
            type(self).__name__, (name.partition("__")[0] for name in params), names
        )
        return super().set_params(**params)

    def to_onnx(self, path: str | PathLike[str]) -> None:
        """Write the fitted network to a file in the format ONNX.

        The graph takes the values of X as they are: scaling, missing values, categories
        and vocabularies are part of it. `lamina.onnx.Predictor` reads the file without
        torch.

        Parameters
        ----------
        path : str or Path
            The file; one that exists is replaced as a whole.

        Raises
        ------
        ParameterError
            A part of the estimator cannot be exported, such as a body from outside of
            lamina or a task that generates texts; nothing is written.
        MissingExtraError
            The package onnx is not installed.
        """
        check_is_fitted(self, "network_")
        from lamina.onnx.export import export

        export(self, path)

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        """The parameters that are not at their defaults, and the form of data."""
        text = super().__repr__(N_CHAR_MAX)
        return (
            f"{text}  # fitted on {self.form_} data" if "form_" in vars(self) else text
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = "table" in self.body.forms
        tags.input_tags.allow_nan = "table" in self.body.forms or (
            "series" in self.forms()
        )
        tags.input_tags.three_d_array = "series" in self.body.forms
        tags.target_tags.multi_output = True
        tags.target_tags.required = self.task.requires_y
        return tags
