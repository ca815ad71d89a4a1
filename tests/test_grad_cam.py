"""Grad-CAM against the features and the weights of the last layer."""

import numpy as np
import torch

from lamina import CNNClassifier, CNNRegressor
from lamina.batch import Batch
from lamina.inspection import explain


def test_values_are_features_times_weights_where_nothing_is_pooled():
    X = np.random.default_rng(0).random((40, 6, 5))
    network = CNNRegressor(
        n_filters=4, pooling="none", form="image", max_iter=3, random_state=0
    )
    network.fit(X, X[:, 2, 2])
    attribution = explain(network, X[:3], method="grad_cam")
    scale = X.std() * torch.ones(())
    x = (torch.from_numpy(X[:3]) - X.mean()) / scale
    model = network.network_
    with torch.no_grad():
        h = model.body(Batch(x.float()[:, None])).h
        values = (h @ model.head.out.weight.T)[..., 0] / h.shape[1]
    unit = (attribution.output - attribution.base_value) / values.sum(1).numpy()
    truth = values.reshape(3, 6, 5).numpy() * unit[:, None, None]
    np.testing.assert_allclose(attribution.values, truth, atol=1e-5)
    np.testing.assert_allclose(unit, unit[0], rtol=1e-4)  # the scale of the target


def test_values_sum_up_to_the_difference_from_no_features():
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(5 + i % 9, 3)) for i in range(40)]
    network = CNNClassifier(n_filters=(4, 6), max_iter=3, random_state=0)
    network.fit(X, np.arange(40) % 3)
    attribution = explain(network, X, method="grad_cam", target=1)
    sums = np.array([values.sum() for values in attribution.values])
    difference = attribution.output - attribution.base_value
    np.testing.assert_allclose(sums, difference, atol=1e-5)
    np.testing.assert_allclose(attribution.base_value, attribution.base_value[0])
    assert [v.shape for v in attribution.values] == [x.shape for x in X]


def test_the_map_is_where_the_object_is():
    """Constant images have a constant map except at the border, whatever their size."""
    X = np.zeros((40, 16, 16))
    rng = np.random.default_rng(0)
    for i in range(0, 40, 2):
        row, column = rng.integers(12, size=2)
        X[i, row : row + 4, column : column + 4] = 1
    network = CNNClassifier(n_filters=(8, 8), form="image", max_iter=20, random_state=0)
    network.fit(X, np.arange(40) % 2 == 0)
    image = np.zeros((16, 16))
    image[10:14, 2:6] = 1
    values = explain(network, [image, np.flip(image)], method="grad_cam").values
    for of_image, quadrant in zip(values, [(1, 0), (0, 1)], strict=True):
        halves = of_image.reshape(2, 8, 2, 8).sum((1, 3))
        assert np.unravel_index(halves.argmax(), (2, 2)) == quadrant
