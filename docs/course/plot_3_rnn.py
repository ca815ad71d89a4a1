r"""
Recurrent networks: from sequence to sequence
=============================================

A recurrent network (RNN) reads a sequence step by step and keeps a state. The text says that
its output at one moment is its input at the next:

.. math:: h_t = \tanh(W x_t + U h_{t-1} + b)

The same :math:`W`, :math:`U` and :math:`b` serve all steps, so that sequences can have any
length. The text also says that RNNs take and give sequences, for speech, language modelling,
translation and the description of images. We train small versions in seconds, on data that
ship with lamina; the end of the page shows what longer training reaches.
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import lamina
from lamina.datasets import load_fashion, load_sentiment
from lamina.inspection import AttentionDisplay

plt.style.use("tableau-colorblind10")
rng = np.random.default_rng(0)

# %%
# A language model
# ----------------
#
# A language model reads a text and gives, at each step, the probability of the next
# character. We train a plain RNN on tweets. ``score`` is minus the number of bits that it
# needs for a character; a model that ignores what came before needs the entropy of the
# frequencies of characters.

tweets, tweets_test = load_sentiment().data, load_sentiment(subset="test").data
model = lamina.LanguageModel(
    cell="rnn", unit="char", hidden_size=128, max_iter=6, random_state=0
).fit(tweets)
frequencies = pd.Series(list("".join(tweets))).value_counts(normalize=True)
entropy = -(frequencies * np.log2(frequencies)).sum()
bits = -model.score(tweets_test)
print(f"bits per character: {bits:.2f} (by frequencies alone: {entropy:.2f})")
beginnings = ["i love", "this is", "my"]
written = model.generate(beginnings, max_length=60, temperature=0.6, random_state=0)
print(*(a + b for a, b in zip(beginnings, written, strict=True)), sep="\n")

# %%
# A few seconds teach which letters follow each other and short words, but no sentence.
#
# Unrolled, step by step
# ----------------------
#
# This is the recurrence in numpy, with the weights of the fitted network. First the inputs
# are given. Then the character that is most probable becomes the input of the next step. So
# there are two loops: the state :math:`h` goes from step to step, and so does the output.

network = {name: w.numpy() for name, w in model.network_.state_dict().items()}
recurrent = "body.layers.0.directions.0."
W, U = (network[recurrent + name] for name in ("weight_ih_l0", "weight_hh_l0"))
b = network[recurrent + "bias_ih_l0"] + network[recurrent + "bias_hh_l0"]
units = list(model.vocabulary_)
begin, embedding = network["body.embed.weight"][2], network["body.embed.weight"][3:]

given, n_written = "thank you for ", 10
inputs, states, outputs, h, x = ["begin"], [], [], np.zeros(len(U)), begin
for t in range(len(given) + n_written):
    h = np.tanh(W @ x + U @ h + b)
    scores = embedding @ h / np.sqrt(len(h)) + network["head.bias"]
    best = units[scores.argmax()]
    following = given[t] if t < len(given) else best
    x = embedding[units.index(following)]
    states.append(h)
    outputs.append(best)
    inputs.append(following)

by_hand = "".join(outputs[len(given) :])
by_lamina = model.generate(given, max_length=n_written, temperature=0)
print(f"by hand: {given}{by_hand}\nlamina:  {given}{by_lamina}")

# %%
# Each column of the figure is a step: its input below, its state, and its output above. To
# the right of the line the model writes, and each input is the output of the column before.

fig, ax = plt.subplots(figsize=(10, 4.6), layout="constrained")
image = ax.imshow(
    np.transpose(states)[:24], cmap="PuOr", vmin=-1, vmax=1, aspect="auto"
)
steps = range(len(states))
above = ax.secondary_xaxis("top")
above.set_xticks(steps, [c.replace(" ", "␣") for c in outputs], fontsize=12)
above.set_xlabel("output: the most probable next character")
ax.set_xticks(steps, [c.replace(" ", "␣") for c in inputs[:-1]], fontsize=12)
ax.axvline(len(given) + 0.5, color="black", linewidth=2)
ax.set(xlabel="input", ylabel="24 of the numbers of the state", yticks=[])
_ = fig.colorbar(image, label="value", pad=0.01)

# %%
# A tagger: a label for each step
# -------------------------------
#
# We delete the spaces of tweets, and ask for each character whether a space followed it.
# Readers of Chinese do that. The network reads in both directions.


def without_spaces(texts):
    """The characters of each text, and whether a space followed: "yes" or "no"."""
    words = [text.split() for text in texts]
    labels = [list("".join("n" * (len(w) - 1) + "y" for w in line)) for line in words]
    return [list("".join(line)) for line in words], labels


joined, labels = without_spaces(tweets_test[:200])
tagger = lamina.SequenceTagger(cell="gru", hidden_size=64, n_layers=1, crf=False)
tagger.set_params(char_features=False, max_iter=5, random_state=0)
tagger.fit(*without_spaces(tweets[:1_500]))
always_no = np.mean([label == "n" for line in labels for label in line])
by_tagger = tagger.score(joined, labels)
print(f"characters that are right: {by_tagger:.3f} (always no: {always_no:.3f})")
for line, tags in zip(joined[:3], tagger.predict(joined[:3]), strict=True):
    print(*(c + " " * (tag == "y") for c, tag in zip(line, tags, strict=True)), sep="")

# %%
# A translator: another sequence
# ------------------------------
#
# One network reads a date as people write it, and another one writes it as YYYY-MM-DD. Dark
# cells are what it attended to when it wrote the character of the row.

FORMATS = ["%d %B %Y", "%B %d, %Y", "%a %d %b %Y"]
days = pd.Timestamp(1950, 1, 1) + pd.to_timedelta(rng.permutation(36_500)[:2_400], "D")
texts = [day.strftime(rng.choice(FORMATS)) for day in days]
iso = list(days.strftime("%Y-%m-%d"))
translator = lamina.Translator(
    unit="char", hidden_size=48, decoder_size=96, max_iter=15, random_state=0
).fit(texts[:2_000], iso[:2_000])
predicted = translator.predict(texts[2_000:])
dates = np.mean(np.array(predicted) == iso[2_000:])
print(f"unseen dates that are wholly right: {dates:.2f}")

_ = AttentionDisplay.from_estimator(translator, texts[2_000])

# %%
# A captioner: from a picture to a sequence
# -----------------------------------------
#
# A convolutional network reads two clothes side by side, and a recurrent one writes what they
# are. The test has other clothes than the training. Titles are its captions, right or wrong.


def pairs(subset, n):
    """Pictures of two clothes, and what they show."""
    clothes = load_fashion(subset=subset)
    names = np.array(clothes.target_names)[clothes.target]
    known = np.isin(names, ["trouser", "pullover", "sandal", "bag"])
    left, right = rng.choice(np.flatnonzero(known), (2, n))
    pictures = np.concatenate([clothes.data[left], clothes.data[right]], axis=2)
    return pictures, [f"a {a} beside a {b}" for a, b in names[np.c_[left, right]]]


captioner = lamina.ImageCaptioner(
    n_filters=(8, 16, 32), decoder_size=64, max_iter=6, random_state=0
).fit(*pairs("train", 1_200))
pictures, truth = pairs("test", 200)
written = captioner.predict(pictures)
captions = np.mean(np.array(written) == truth)
print(f"captions that are wholly right: {captions:.2f} (by chance: {1 / 16:.2f})")
fig, axes = plt.subplots(1, 3, figsize=(9, 2), layout="constrained")
for ax, picture, caption in zip(axes, pictures, written, strict=False):
    ax.imshow(picture, cmap="gray")
    ax.set_title(caption, fontsize=11)
    ax.axis("off")

# %%
# Longer training
# ---------------
#
# More data and more time give more. These figures were stored before: the Brown corpus, the
# Bible in English and Spanish, emoji, and strings of spoken digits, one seed each.

stored = json.loads(Path("../../benchmarks/results/sequences.json").read_text())
LONGER = {
    "tags": ("accuracy", "crfsuite"),
    "language": ("bits per character", "xz -9e"),
    "translation": ("BLEU", "PyTorch tutorial"),
    "captions": ("BLEU", "nearest picture"),
    "digits": ("word error rate", "plain PyTorch"),
}
rows = [
    (what, *(stored[case]["figures"][k][what] for k in ("lamina", other)), other)
    for case, (what, other) in LONGER.items()
]
longer = pd.DataFrame(rows, LONGER, ["figure", "lamina", "baseline", "which baseline"])
longer["seconds of training"] = [stored[case]["seconds"] for case in LONGER]
print(*{stored[case]["machine"] for case in LONGER}, sep="\n")
longer.round(3)

# %%
# What the text says, and what we measured
# ----------------------------------------
#
# Each claim is checked with the numbers of this run:

bleu, errors = longer.loc["translation", "lamina"], longer.loc["digits", "lamina"]
checks = {
    "the loop by hand writes what the network writes": by_hand == by_lamina,
    "the language model uses what came before": bits < entropy - 1,
    "the tagger is better than one answer for all": by_tagger > always_no,
    "most dates are right": dates > 0.5,
    "most captions are right": captions > 0.5,
    "most words of the spoken digits are right": errors < 0.5,
    "the translation of the Bible is good (a BLEU of 20)": bleu > 20,
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
#    * - The output at one moment is the input at the next.
#      - Yes. The loop by hand writes what the network writes.
#      - `Unrolled, step by step`_
#    * - An RNN models language.
#      - Yes. In seconds it learns more about spelling than about meaning.
#      - `A language model`_, `Longer training`_
#    * - It takes a sequence and gives one.
#      - Yes. It finds most spaces from the characters alone.
#      - `A tagger: a label for each step`_
#    * - It translates.
#      - Partly. Dates, yes; of the Bible only a little after five minutes of training.
#      - `A translator: another sequence`_, `Longer training`_
#    * - It describes images.
#      - Partly. Four clothes, yes; emoji hardly better than the caption of the nearest one.
#      - `A captioner: from a picture to a sequence`_, `Longer training`_
#    * - It recognises speech.
#      - Yes, strings of digits by one network for all speakers.
#      - `Longer training`_
