"""Convolutional networks: the same layers as an nn.Module, a Keras model and a body."""

from functools import partial
from typing import ClassVar

import numpy as np
import torch.nn.functional as F
from torch import nn

from benchmarks.contenders import CONTENDERS as ALL
from benchmarks.problem import EQUAL, Problem, split
from benchmarks.runner import run_suite

CONTENDERS = {name: ALL[name] for name in ALL if name != "scikit-learn"}
MOMENTUM = 0.5
"""Momentum of running statistics, which must converge within a dozen steps."""


class TwoConvolutions(nn.Module):
    """x (B, 1, 28, 28) -> (B, 128): two convolutions, each pooled, and a dense layer."""

    width = 128

    def __init__(self, n_channels: int):
        super().__init__()
        self.first = nn.Conv2d(n_channels, 32, 3, padding=1)
        self.second = nn.Conv2d(32, 64, 3, padding=1)
        self.dense = nn.Linear(64 * 7 * 7, 128)

    def forward(self, x):
        h = F.max_pool2d(F.relu(self.first(x)), 2)
        h = F.max_pool2d(F.relu(self.second(h)), 2)
        return F.relu(self.dense(h.flatten(1)))


class Block(nn.Module):
    """Two convolutions with batch normalisation and a residual connection."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.first = nn.Conv2d(n_in, n_out, 3, 2, 1, bias=False)
        self.second = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.skip = nn.Conv2d(n_in, n_out, 1, 2, bias=False)
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(n_out, momentum=MOMENTUM) for _ in range(2)
        )

    def forward(self, x):
        h = F.relu(self.norms[0](self.first(x)))
        return F.relu(self.norms[1](self.second(h)) + self.skip(x))


class ResNet8(nn.Module):
    """x (B, 3, 32, 32) -> (B, 256)."""

    width = 256

    def __init__(self, n_channels: int):
        super().__init__()
        self.stem = nn.Conv2d(n_channels, 32, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(32, momentum=MOMENTUM)
        self.blocks = nn.Sequential(Block(32, 64), Block(64, 128), Block(128, 256))

    def forward(self, x):
        return self.blocks(F.relu(self.norm(self.stem(x)))).mean((2, 3))


NETWORKS = {"2 conv + 2 dense": TwoConvolutions, "ResNet-8": ResNet8}


def module(network, n_channels):
    body = network(n_channels)
    return nn.Sequential(body, nn.Linear(body.width, 10))


def ours(network, batch_size, n_epochs):
    from lamina.batch import Features
    from lamina.encoders.choose import InputParams
    from lamina.encoders.images.encoder import ImageParams
    from lamina.estimators.classifier import Classifier
    from lamina.nn.body import Body

    class NetworkBody(Body):
        forms: ClassVar = ("image",)
        default_steps: ClassVar = 2_500
        width = network.width

        def __init__(self, spec, params):
            super().__init__(spec, params)
            self.network = network(spec.n_channels)

        def forward(self, batch):
            return Features(self.network(batch.x)[:, None])

    class NetworkClassifier(Classifier, InputParams, ImageParams):
        """A network of this benchmark."""

        body = NetworkBody

    equal = {k: v for k, v in EQUAL.items() if k != "dropout"}
    return NetworkClassifier(batch_size=batch_size, max_iter=n_epochs, **equal)


def keras_two(n_channels, keras):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((n_channels, 28, 28)),
            layers.Permute((2, 3, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10),
        ]
    )


def keras_resnet(n_channels, keras):
    layers = keras.layers

    def conv(h, n, size=3, stride=1):
        return layers.Conv2D(n, size, stride, padding="same", use_bias=False)(h)

    x = keras.Input((n_channels, 32, 32))
    h = layers.Permute((2, 3, 1))(x)
    h = layers.ReLU()(layers.BatchNormalization(momentum=1 - MOMENTUM)(conv(h, 32)))
    for n in (64, 128, 256):
        inner = layers.BatchNormalization(momentum=1 - MOMENTUM)(conv(h, n, stride=2))
        inner = conv(layers.ReLU()(inner), n)
        inner = layers.BatchNormalization(momentum=1 - MOMENTUM)(inner)
        h = layers.ReLU()(layers.Add()([inner, conv(h, n, 1, 2)]))
    return keras.Model(x, layers.Dense(10)(layers.GlobalAveragePooling2D()(h)))


def images(n, n_channels, side):
    """Ten classes: a coarse template each, at a random position, with noise."""
    rng = np.random.default_rng(0)
    coarse = rng.standard_normal((10, n_channels, side // 4, side // 4))
    templates = coarse.repeat(4, 2).repeat(4, 3)
    y = rng.integers(0, 10, n)
    X = np.empty((n, n_channels, side, side), np.float32)
    for i, label in enumerate(y):
        shift = tuple(rng.integers(-3, 4, 2))
        X[i] = np.roll(templates[label], shift, (1, 2))
    X += 1.5 * rng.standard_normal(X.shape).astype(np.float32)
    return X, y


def problem(name: str, n: int, n_epochs: int) -> Problem:
    network, n_channels, side, keras_model = {
        "2 conv + 2 dense": (TwoConvolutions, 1, 28, keras_two),
        "ResNet-8": (ResNet8, 3, 32, keras_resnet),
    }[name]
    X, y = images(n + 1000, n_channels, side)
    return Problem(
        *split(X, y, 1000),
        n_epochs,
        128,
        module=partial(module, network, n_channels),
        keras=partial(keras_model, n_channels),
        ours=partial(ours, network, 128, n_epochs),
    )


CASES = {
    "2 conv + 2 dense": partial(problem, "2 conv + 2 dense", 6_000, 1),
    "ResNet-8": partial(problem, "ResNet-8", 1_536, 1),
}


def main(names: list[str]) -> None:
    run_suite("conv", names or list(CASES), list(CONTENDERS), {})
