"""The fitted attributes, each declared once, and how `fit` sets them."""

from typing import Annotated, Any

import numpy as np
from sklearn.base import BaseEstimator

from lamina.docstrings import Fitted
from lamina.encoders.base import Encoder
from lamina.nn.model import Model
from lamina.schema import Schema

PRIVATE = ("_built_with", "_weights", "_optimizer_state")
"""Attributes of a fit that are not public: the parameters of its network, the sum of the
sample weights, and what `partial_fit` continues from."""
RUNNING = (
    "_callback_fit_ctx",
    "_parent_callback_ctx",
    "_skl_callbacks_to_teardown",
)
"""Attributes that scikit-learn sets while callbacks run, which may save the estimator."""


class FittedNetwork(Fitted):
    """Fitted attributes of every estimator."""

    form_: Annotated[
        str,
        "str",
        'The form of data that X was read as: "table", "series", "image", "audio", "text".',
    ]
    schema_: Annotated[
        Schema,
        "Schema",
        "What `fit` learnt about the form of X; later samples are checked against it.",
    ]
    loss_curve_: Annotated[
        list[float], "list of float", "Mean training loss of each epoch."
    ]
    validation_scores_: Annotated[
        list[float] | None,
        "list of float or None",
        "Score on the validation samples after each epoch, as `scoring` says.",
    ]
    best_loss_: Annotated[float, "float", "The lowest of `loss_curve_`."]
    best_validation_score_: Annotated[
        float | None, "float or None", "The highest of `validation_scores_`."
    ]
    n_iter_: Annotated[int, "int", "Epochs trained."]
    n_parameters_: Annotated[int, "int", "Trainable values of the network."]
    network_: Annotated[Model, "torch.nn.Module", "The network."]
    encoder_: Annotated[Encoder, "Encoder", "Turns samples into tensors."]
    task_: Annotated[Any, "Task", "Turns features of the network into outputs."]


class FittedColumns(Fitted):
    """Fitted attributes of estimators that take tables or series."""

    n_features_in_: Annotated[
        int,
        "int",
        """Columns of a table or of a 2-D X, channels of longer samples; absent for texts,
        images and files.""",
    ]
    feature_names_in_: Annotated[
        np.ndarray,
        "ndarray of shape (`n_features_in_`,)",
        "Names of the columns of a frame, where all are strings.",
    ]


class FittedLabels(Fitted):
    """Fitted attributes of classifiers and taggers."""

    classes_: Annotated[
        np.ndarray | Any,
        "ndarray of shape (n_classes,), or a list of them",
        "The labels, sorted; a list of arrays for several outputs.",
    ]


def publish(estimator: BaseEstimator, fitted: dict[str, object]) -> None:
    """Replace all fitted attributes by new ones, in a single assignment."""
    params = estimator.get_params(deep=False)
    kept = {
        name: value
        for name, value in vars(estimator).items()
        if name in params or name.startswith("_skl") or not _is_fitted(name)
    }
    # A single assignment, so that an interrupt leaves either the old ones or the new ones.
    estimator.__dict__ = kept | fitted


def _is_fitted(name: str) -> bool:
    return name.endswith("_") and not name.startswith("__")
