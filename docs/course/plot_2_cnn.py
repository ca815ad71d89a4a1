"""
Convolutional networks: local features, fewer parameters
========================================================

A picture has many pixels, and a unit that is connected to all of them has as many weights. A
convolutional network (CNN) looks at a small window instead, and moves it over the picture
with the same few weights everywhere. The text says that convolution extracts local features
and pooling reduces them, that this takes fewer parameters and overfits less than full
connection, and that it serves to recognise images and speech. We first do both operations by
hand, and then measure each part of the sentence on pictures of clothes and on recordings of
digits.
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle
from scipy.signal import correlate2d
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from lamina import CNNClassifier, DNNClassifier
from lamina.datasets import load_fashion, load_spoken_digits
from lamina.inspection import FeatureMapDisplay, FilterDisplay

plt.style.use("tableau-colorblind10")
fashion = load_fashion()
X, y, names = fashion.data, fashion.target, fashion.target_names
test = load_fashion(subset="test", return_X_y=True)

# %%
# Convolution and pooling are arithmetic
# --------------------------------------
#
# A filter is a small matrix of weights :math:`w`. At each place :math:`(i, j)` of the picture
# :math:`x` it is multiplied with the pixels of a window, and the products are added:
#
# .. math:: h_{ij} = \sum_{a,b} w_{ab} \, x_{i+a,\,j+b}
#
# This filter is large where the picture is brighter on the left than on the right. Max
# pooling then keeps the greatest of each 2 x 2 pixels: a quarter of the numbers, and it no
# longer matters in which of the four the feature was.

picture = X[y == names.index("trouser")][0] / 255
weights = np.array([[1, 0, -1]] * 3)
edges = correlate2d(picture, weights, mode="valid")
pooled = edges.reshape(13, 2, 13, 2).max(axis=(1, 3))
row, column = np.unravel_index(edges.argmax(), edges.shape)
window = picture[row : row + 3, column : column + 3]

fig, axes = plt.subplots(1, 5, figsize=(11, 2.8), layout="constrained")
titles = "picture, 28 x 28", "window", "filter", "convolved, 26 x 26", "pooled, 13 x 13"
panels = picture, window, weights, edges, pooled
for ax, title, values in zip(axes, titles, panels, strict=True):
    limit = 3 if values.min() < 0 else 1.4
    ax.imshow(values, cmap="PuOr", vmin=-limit, vmax=limit)
    ax.set_title(title, fontsize=11)
    ax.set(xticks=[], yticks=[])
    for (i, j), value in np.ndenumerate(values) if values.size == 9 else ():
        ax.text(j, i, f"{value:.1f}", ha="center", va="center", fontsize=11)
for ax, side in ((axes[0], 3), (axes[3], 1)):
    corner = (column - 0.5, row - 0.5)
    ax.add_patch(Rectangle(corner, side, side, fill=False, linewidth=2))
_ = axes[2].set_xlabel(f"sum of the products: {edges[row, column]:.1f}", fontsize=11)

# %%
# Parameters counted
# ------------------
#
# A convolution from :math:`C` to :math:`D` channels with windows of :math:`k \times k` pixels
# has :math:`k^2 C D + D` parameters, whatever the size of the picture. A full connection
# between the same numbers of inputs and outputs has :math:`P^2 C D + P D` for :math:`P`
# pixels:

n_filters, n_pixels = 16, 28 * 28
print(f"convolution:     {3**2 * n_filters + n_filters:>12,}")
print(f"full connection: {n_pixels**2 * n_filters + n_pixels * n_filters:>12,}")

# %%
# Whole networks are closer, because a DNN has fewer units than that. These two are used in
# all that follows; their numbers of parameters are in the next table.

as_rows = FunctionTransformer(lambda pictures: pictures.reshape(len(pictures), -1))
dense = DNNClassifier(hidden_layer_sizes=(128, 128), n_members=1, batch_size=64)
convolutional = CNNClassifier(n_filters=(16, 32, 64), batch_size=64)
NETWORKS = {
    "DNN": make_pipeline(as_rows, dense),
    "CNN": make_pipeline("passthrough", convolutional),
}

# %%
# Train and test accuracy
# -----------------------
#
# Both networks are trained on 1,000 and on 6,000 pictures now. The figures for 10,000 and
# 60,000 pictures take longer. They are means of three seeds, measured before with the same
# networks on a larger test set, by ``python -m benchmarks course``.

EPOCHS = {1_000: {"DNN": 30, "CNN": 30}, 6_000: {"DNN": 30, "CNN": 10}}
fitted, now = {}, []
for n, epochs in EPOCHS.items():
    rows = np.random.default_rng(0).permutation(len(X))[:n]
    for name, network in NETWORKS.items():
        network[-1].set_params(max_iter=epochs[name], random_state=0)
        fitted[name] = clone(network).fit(X[rows], y[rows])
        accuracies = (fitted[name].score(*part) for part in ((X[rows], y[rows]), test))
        now.append((name, n, fitted[name][-1].n_parameters_, *accuracies))

figures = ["network", "pictures", "parameters", "train", "test"]
stored = json.loads(Path("measured.json").read_text())
print("10,000 and 60,000 pictures were measured on:", stored["machine"])
rows = [pd.DataFrame(now, columns=figures), pd.DataFrame(stored["fashion"])]
scores = pd.concat(rows).groupby(["network", "pictures"])[figures[2:]].mean()
scores["gap"] = scores["train"] - scores["test"]
scores.round(3)

# %%
# The distance of the two lines is what a network has memorised. It also depends on the number
# of epochs: a network that is trained for long on few pictures fits all of them, with
# convolution or without. The lower lines are the fair comparison.

fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
for ax, name in zip(axes, NETWORKS, strict=True):
    part = scores.loc[name, ["train", "test"]]
    part.plot(ax=ax, logx=True, title=name, style=["C1o-", "C0s-"], legend=False)
    ax.set_xticks(part.index, [f"{n:,}" for n in part.index], rotation=40)
    ax.set(xlabel="training pictures", ylabel="accuracy")
    ax.minorticks_off()
_ = axes[1].legend(["training pictures", "test pictures"], frameon=False)

# %%
# What a shift does
# -----------------
#
# The same filter everywhere should not care where a thing is. We move the test pictures to
# each of the four sides and ask the networks that saw 6,000 pictures, all of them in the
# centre.


def shifted(pictures, n, axis):
    """The pictures moved by n pixels, with black where nothing moved in."""
    padded = np.pad(pictures, ((0, 0), (4, 4), (4, 4)))
    return np.roll(padded, n, axis)[:, 4:-4, 4:-4]


sides = [(sign, axis) for sign in (-1, 1) for axis in (1, 2)]
shifts = pd.DataFrame(columns=list(NETWORKS), index=range(5), dtype=float)
for n in shifts.index:
    moved = [shifted(test[0], sign * n, axis) for sign, axis in sides]
    for name, network in fitted.items():
        shifts.loc[n, name] = np.mean([network.score(m, test[1]) for m in moved])

fig, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
shifts.plot(ax=ax, style=["C1o-", "C0s-"], xticks=range(5))
ax.set(xlabel="shift in pixels", ylabel="accuracy on the test pictures")
_ = ax.legend(frameon=False)

# %%
# A shift costs the CNN less, but it costs. ``augmentation="shift"`` lets it see moved pictures
# in training.
#
# Filters and feature maps
# ------------------------
#
# The filters are learnt. Here are those of the first convolution, and what comes out of it
# (the "stem") and of each stage for one picture. The maps become smaller, and show less of the
# picture and more of what the classes are told apart by. A dark cell is small.

cnn = fitted["CNN"][-1]
boot = test[0][test[1] == names.index("ankle boot")][0]
layers = "stem", "stages.0", "stages.1", "stages.2"
fig, axes = plt.subplots(5, figsize=(9, 9), layout="constrained")
FilterDisplay.from_estimator(cnn, n_filters=8, ax=axes[0])
for ax, layer in zip(axes[1:], layers, strict=True):
    FeatureMapDisplay.from_estimator(cnn, boot, layer=layer, n_maps=5, ax=ax)

# %%
# Speech
# ------
#
# The same network reads recordings. A sound becomes a spectrogram, a picture of frequencies
# over time, and the filters move along the time.

recognizer = clone(convolutional).set_params(sampling_rate=8_000, max_iter=20)
recognizer.fit(*load_spoken_digits(return_X_y=True))
recognised = recognizer.score(*load_spoken_digits(subset="test", return_X_y=True))
print(f"recordings that are recognised: {recognised:.2f} (by chance: 0.10)")

# %%
# What the text says, and what we measured
# ----------------------------------------
#
# Each claim is checked with the numbers of this page:

size, accuracy, gap = (scores[k].unstack(0) for k in ("parameters", "test", "gap"))
lost = shifts.loc[0] - shifts
checks = {
    "the CNN has fewer parameters": (size["CNN"] < size["DNN"]).all(),
    "it is always better on test pictures": (accuracy["CNN"] > accuracy["DNN"]).all(),
    "it always memorises less": (gap["CNN"] < gap["DNN"]).all(),
    "a shift by 1 pixel costs it less": lost.loc[1, "CNN"] < lost.loc[1, "DNN"],
    "a shift by 4 pixels costs it less": lost.loc[4, "CNN"] < lost.loc[4, "DNN"],
    "most recordings are recognised": recognised > 0.5,
}
for claim, holds in checks.items():
    print("yes" if holds else "no ", claim)

# %%
# .. list-table:: Claims
#    :header-rows: 1
#    :widths: 30 50 20
#
#    * - The text says
#      - We measured
#      - Where
#    * - Convolution extracts local features.
#      - Yes. Each number of a map comes from one window, and the first maps show outlines.
#      - `Convolution and pooling are arithmetic`_, `Filters and feature maps`_
#    * - Pooling reduces.
#      - Yes. The maps shrink from stage to stage, and shifts cost less than in a DNN.
#      - `Filters and feature maps`_, `What a shift does`_
#    * - It takes fewer parameters.
#      - Yes. Layer by layer far fewer; whole networks by a smaller factor.
#      - `Parameters counted`_, `Train and test accuracy`_
#    * - It overfits less.
#      - Partly. It is better on test pictures, but memorises few pictures as well.
#      - `Train and test accuracy`_
#    * - It recognises images and speech.
#      - Yes. One network for pictures and recordings.
#      - `Train and test accuracy`_, `Speech`_
