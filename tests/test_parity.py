"""DNN estimators against scikit-learn's MLP: same weights, same steps, same losses."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris, make_regression
from sklearn.neural_network import MLPClassifier, MLPRegressor

from lamina import DNNClassifier, DNNRegressor

EPOCHS = 20
SAME = {
    "hidden_layer_sizes": (12, 7),
    "alpha": 0.0,
    "shuffle": False,
    "n_iter_no_change": 10_000,
    "warm_start": True,
    "random_state": 0,
}
OURS = {
    "dropout": 0.0,
    "optimizer": "adam",
    "schedule": "constant",
    "averaging": 0.0,
    "n_members": 1,
    "numeric_embedding": "none",
    "max_grad_norm": None,
    "precision": "float32",
    "device": "cpu",
}
STILL = {"max_iter": 1, "learning_rate_init": 1e-12}


def started(ours, theirs, X, y, z):
    """Both estimators, built but not yet trained, with the weights of scikit-learn's.

    z is y as scikit-learn's network should see it; it also gets X as ours encodes it.
    """
    ours.set_params(**STILL, batch_size=len(X)).fit(X, y)
    encoded = (
        ours.encoder_.encode(ours.encoder_.read(X)).take(torch.arange(len(X))).x.numpy()
    )
    encoded = encoded.astype(np.float64)
    theirs.set_params(**STILL, batch_size=len(X))
    with pytest.warns(UserWarning, match="Maximum iterations"):
        theirs.fit(encoded, z)
    layers = [m for m in ours.network_.modules() if isinstance(m, torch.nn.Linear)]
    assert len(layers) == len(theirs.coefs_)
    with torch.no_grad():
        for layer, w, b in zip(layers, theirs.coefs_, theirs.intercepts_, strict=True):
            layer.weight.copy_(torch.tensor(w.T))
            layer.bias.copy_(torch.tensor(b))
    return encoded


def trained(ours, theirs, X, y, z, *, rate=0.01):
    encoded = started(ours, theirs, X, y, z)
    for network in (ours, theirs):
        network.set_params(max_iter=EPOCHS, learning_rate_init=rate)
    ours.fit(X, y)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        theirs.fit(encoded, z)
    curves = [np.array(n.loss_curve_[-EPOCHS:]) for n in (ours, theirs)]
    assert curves[1][-1] < 0.9 * curves[1][0]
    return encoded, *curves


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
def test_a_classifier_takes_the_steps_of_scikit_learns(activation):
    X, y = load_iris(return_X_y=True)
    ours = DNNClassifier(activation=activation, **SAME, **OURS)
    theirs = MLPClassifier(activation=activation, **SAME)
    encoded, a, b = trained(ours, theirs, X, y, y)
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(encoded), atol=1e-3
    )


@pytest.mark.parametrize("n_targets", [1, 2])
def test_a_regressor_takes_the_steps_of_scikit_learns(n_targets):
    X, y = make_regression(80, 5, n_targets=n_targets, random_state=0)
    z = (y - y.mean(0)) / y.std(0)
    ours, theirs = DNNRegressor(**SAME, **OURS), MLPRegressor(**SAME)
    encoded, a, b = trained(ours, theirs, X, y, z)
    # scikit-learn minimises half of the squared error; Adam's steps are the same.
    np.testing.assert_allclose(a, 2 * b, rtol=1e-4, atol=1e-4)
    predicted = theirs.predict(encoded) * y.std(0) + y.mean(0)
    np.testing.assert_allclose(ours.predict(X), predicted, atol=1e-3 * y.std())


def test_stochastic_descent_with_momentum_takes_the_steps_of_scikit_learns():
    X, y = load_iris(return_X_y=True)
    rule = {"momentum": 0.8, "nesterovs_momentum": False}
    ours = DNNClassifier(**SAME, **(OURS | {"optimizer": "sgd"} | rule))
    theirs = MLPClassifier(solver="sgd", **SAME, **rule)
    _, a, b = trained(ours, theirs, X, y, y, rate=0.1)
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_weight_decay_of_adam_is_a_penalty_on_weights_and_not_on_biases():
    X, y = load_iris(return_X_y=True)
    alpha = 0.05
    penalty = {"alpha": alpha}
    # scikit-learn divides the penalty by the number of samples, and its default is L2.
    ours = DNNClassifier(**(SAME | penalty), **OURS)
    theirs = MLPClassifier(**(SAME | {"alpha": alpha * len(X)}))
    encoded, _, _ = trained(ours, theirs, X, y, y)
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(encoded), atol=1e-3
    )
