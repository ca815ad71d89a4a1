"""A part of speech for each word: also of words that are new, or that have two.

The sentences come from a small grammar, so that the page needs no corpus. Some words are
nouns in one place and verbs in another ("walks"), and the test has words that training never
saw, which only their endings give away.
"""

import numpy as np

from lamina import SequenceTagger

STEMS = [
    "glim",
    "brav",
    "dorn",
    "flask",
    "trell",
    "smov",
    "pank",
    "wist",
    "crel",
    "gorm",
    "shab",
    "plin",
]
WORDS = {
    "DET": ["the", "a", "every", "no"],
    "NOUN": ["walks", "plans", "dogs", "ships", "cities", "{}ness", "{}tion"],
    "VERB": ["walks", "plans", "sees", "ships", "likes", "{}izes", "{}ifies"],
    "ADJ": ["old", "green", "quiet", "{}ous", "{}ful"],
    "ADV": ["often", "never", "{}ly"],
    "NAME": ["Ada", "Carl", "{}"],
    "PUNCT": ["."],
}
PHRASES = [["DET", "NOUN"], ["DET", "ADJ", "NOUN"], ["NAME"], ["ADJ", "NOUN"]]
ENDS = [[], ["ADV"]]


def sentences(n, stems, rng):
    """Words, and their parts of speech."""
    X, y = [], []
    for _ in range(n):
        subject, thing = (PHRASES[i] for i in rng.integers(len(PHRASES), size=2))
        labels = [*subject, "VERB", *thing, *ENDS[rng.integers(2)], "PUNCT"]
        X.append([word(label, stems, rng) for label in labels])
        y.append(labels)
    return X, y


def word(label, stems, rng):
    """A word of this kind, perhaps with a stem of its own."""
    stem = rng.choice(stems)
    pattern = str(rng.choice(WORDS[label]))
    return pattern.format(stem.capitalize() if label == "NAME" else stem)


def main():
    rng = np.random.default_rng(0)
    X, y = sentences(400, STEMS[:8], rng)
    new, truth = sentences(100, STEMS[8:], rng)
    for crf in (True, False):
        tagger = SequenceTagger(crf=crf, hidden_size=32, max_iter=10, random_state=0)
        accuracy = tagger.fit(X, y).score(new, truth)
        print(f"crf={crf}: {accuracy:.3f} of the words of 100 new sentences are right")
    print()
    tagger = SequenceTagger(hidden_size=32, max_iter=10, random_state=0).fit(X, y)
    labels, p = tagger.predict(new[:4]), tagger.predict_proba(new[:4])
    for words, found, rows in zip(new, labels, p, strict=False):
        print("  ".join(f"{w}/{label}" for w, label in zip(words, found, strict=True)))
        unsure = rows.max(axis=1).argmin()
        share = rows[unsure].max()
        print(
            f"    least sure of {words[unsure]!r}: {share:.2f} for its likeliest label"
        )


if __name__ == "__main__":
    main()
