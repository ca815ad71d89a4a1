r"""
Dense networks: many parameters, much data
==========================================

A dense network (DNN) is a stack of layers. Each unit of a layer is connected to all units of
the layer below. One layer computes

.. math:: h = f(W x + b)

where :math:`x` are its inputs, :math:`W` is a matrix of weights, :math:`b` are biases and
:math:`f` is an activation, here :math:`\max(0, \cdot)`. With :math:`f(z) = z` and no further
layer this is the linear model that you know. The text says that a DNN is a model with many
parameters and therefore needs more data. We count the parameters, and then measure the second
half of the sentence on the census of 1994: who earns more than 50,000 dollars?
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from lamina import DNNClassifier
from lamina.datasets import load_adult

plt.style.use("tableau-colorblind10")
X, y = load_adult(return_X_y=True)
X_test, y_test = load_adult(subset="test", return_X_y=True)
X.head(3)

# %%
# The models
# ----------
#
# Two networks are as plain as in a textbook: they see scaled numbers and one embedding for
# each category, and train for a fixed number of epochs. One is small, one is large. A third
# is protected as ``DNNClassifier()`` is by default: it finds the number of epochs on rows
# that it holds out, drops units at random, lets weights decay, and reads each number through
# a piecewise linear function. (By default lamina also averages eight networks, which we leave
# out here to save time.) Beside them stand a linear model and the usual first choice for
# tables, boosted trees.


def plain(*hidden_layer_sizes):
    """A dense network without any protection against overfitting."""
    return DNNClassifier(
        hidden_layer_sizes=hidden_layer_sizes,
        n_members=1,
        numeric_embedding="none",
        dropout=0.0,
        alpha=0.0,
        averaging=0.0,
        max_iter=20,
        random_state=0,
    )


is_category = make_column_selector(dtype_include="category")
columns = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), is_category),
    remainder=StandardScaler(),
)
MODELS = {
    "linear": make_pipeline(columns, LogisticRegression(max_iter=1_000)),
    "small network": plain(8),
    "large network": plain(256, 256),
    "protected network": DNNClassifier(n_members=1, random_state=0),
    "boosted trees": HistGradientBoostingClassifier(random_state=0),
}

# %%
# Parameters counted
# ------------------
#
# A layer with :math:`n` inputs and :math:`m` units has :math:`n m` weights and :math:`m`
# biases. So the number of parameters grows with the product of the widths. This is the large
# network, layer by layer:

network = (
    clone(MODELS["large network"]).set_params(max_iter=1).fit(X[:1_000], y[:1_000])
)
pd.DataFrame(
    [
        {"layer": name, "shape": " x ".join(map(str, p.shape)), "parameters": p.numel()}
        for name, p in network.network_.named_parameters()
    ]
)

# %%
# Score against rows
# ------------------
#
# Each model is trained on 100 to 30,000 rows. Small samples differ by chance, so we draw
# several and average. All models see the same rows, and all are scored on the official test
# rows.

N_DRAWS = {100: 3, 300: 3, 1_000: 2, 3_000: 1, 10_000: 1, 30_000: 1}


def number_of_parameters(model):
    """Trainable numbers of a network or of the linear pipeline; trees have none."""
    if isinstance(model, Pipeline):
        return model[-1].coef_.size + 1
    return getattr(model, "n_parameters_", np.nan)


def measure(name, model, n, draw):
    """Train on n rows; the accuracies on them and on the test rows."""
    rows = np.random.default_rng(draw).permutation(len(X))[:n]
    model = clone(model).fit(X.iloc[rows], y[rows])
    return {
        "model": name,
        "rows": n,
        "parameters": number_of_parameters(model),
        "train": model.score(X.iloc[rows], y[rows]),
        "test": model.score(X_test, y_test),
    }


measured = pd.DataFrame(
    measure(name, model, n, draw)
    for n, n_draws in N_DRAWS.items()
    for draw in range(n_draws)
    for name, model in MODELS.items()
)
means = measured.pivot_table(index="rows", columns="model", values="test")[list(MODELS)]
majority = np.mean(y_test == "<=50K")

fig, ax = plt.subplots(figsize=(8, 4.6), layout="constrained")
STYLES = {"linear": "C3s:", "small network": "C4v-", "large network": "C1o-"}
STYLES |= {"protected network": "C0o-", "boosted trees": "C2^--"}
for name, style in STYLES.items():
    ax.plot(means.index, means[name], style, label=name)
ax.axhline(majority, color="black", linewidth=0.8)
ax.annotate("always the larger class", (30_000, majority), ha="right", va="bottom")
ax.set(xscale="log", xlabel="training rows", ylabel="accuracy on the test rows")
ax.set_xticks(means.index, [f"{n:,}" for n in means.index])
ax.minorticks_off()
_ = ax.legend(frameon=False)

# %%
# The numbers of the figure, and the parameters of each model when it has seen all rows:

of_all = measured[measured["rows"] == max(N_DRAWS)].set_index("model")["parameters"]
means.T.assign(parameters=of_all).round(3)

# %%
# Where it loses
# --------------
#
# The difference to the linear model, in percentage points. Where a number is negative, the
# network is worse than a model that fits in a fraction of a second. With few rows all
# networks are. Rows alone do not save the large plain network: it needs protection as well.

differences = 100 * means.sub(means["linear"], axis=0).drop(columns="linear")
differences.round(1)

# %%
# It memorises
# ------------
#
# The large network has enough parameters to fit any few rows exactly, noise included. Then
# its accuracy on training rows says nothing about new rows. The gap between the two lines
# closes as rows are added, because a network of the same size cannot memorise them all.

fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
for ax, name in zip(axes, ["linear", "large network"], strict=True):
    part = measured[measured["model"] == name].groupby("rows")[["train", "test"]].mean()
    ax.fill_between(part.index, part["test"], part["train"], color="0.9")
    ax.plot(part.index, part["train"], "C1o-", label="training rows")
    ax.plot(part.index, part["test"], "C0s-", label="test rows")
    ax.set(xscale="log", title=name, xlabel="training rows")
    ax.set_xticks([100, 1_000, 10_000], ["100", "1,000", "10,000"])
axes[0].set_ylabel("accuracy")
_ = axes[1].legend(frameon=False)

# %%
# Parameters against rows
# -----------------------
#
# Now the plain network becomes wider at two fixed numbers of rows. The best width is a small
# one in both cases. Further parameters harm a network that nothing keeps from memorising.

WIDTHS = (2, 8, 32, 128)
widths = pd.DataFrame(
    measure(width, plain(width, width), n, draw)
    for n, n_draws in {300: 3, 10_000: 1}.items()
    for draw in range(n_draws)
    for width in WIDTHS
)
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for (n, part), style in zip(widths.groupby("rows"), ["C1o-", "C0s-"], strict=True):
    curve = part.groupby("model")[["parameters", "test"]].mean()
    ax.plot(curve["parameters"], curve["test"], style, label=f"{n:,} rows")
ax.set(xscale="log", xlabel="parameters", ylabel="accuracy on the test rows")
_ = ax.legend(frameon=False)

# %%
# What the text says, and what we measured
# ----------------------------------------
#
# Each claim is checked with the numbers of this run:

few, many = min(N_DRAWS), max(N_DRAWS)
gain = means.loc[many] - means.loc[few]
last = means.loc[many]
checks = {
    "the large network has the most parameters": of_all.idxmax() == "large network",
    "more rows help the protected network more than the linear model": (
        gain["protected network"] > gain["linear"]
    ),
    "few rows: every network is below the linear model": (
        differences.filter(like="network").loc[few].max() < 0
    ),
    "many rows: the protected network is above it": last["protected network"]
    > last["linear"],
    "many rows: the large network is above it": last["large network"] > last["linear"],
    "many rows: no network is above the trees": last.idxmax() == "boosted trees",
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
#    * - A DNN is a model with many parameters.
#      - Yes. The number grows with the product of the widths of its layers.
#      - `Parameters counted`_
#    * - It needs more data.
#      - Yes. With few rows every network loses to the linear model, and more rows help a
#        protected network more than that model.
#      - `Score against rows`_, `Where it loses`_
#    * - With more data it is better.
#      - Partly. It must also be kept from memorising: without protection the large network
#        stays below the linear model. On this table boosted trees are as good or better.
#      - `Where it loses`_, `It memorises`_
#    * - More parameters need more data.
#      - Yes, without protection: wide networks are below narrow ones at both numbers of rows.
#      - `Parameters against rows`_
