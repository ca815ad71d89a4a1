"""A language model learns to rhyme on, and tells how likely a text is.

The corpus is made up by a small grammar, so that the page runs in seconds and the number
of bits that a perfect model needs is known: compare `score` with it.
"""

import itertools

import numpy as np

from lamina import LanguageModel

WHO = ["the old baker", "a grey cat", "my sister", "the night train"]
DOES = ["sings", "sleeps", "waits", "wanders"]
WHERE = ["under the bridge", "by the sea", "in the rain", "behind the mill"]
EACH_VERSE = [
    f"{who} {does} {where}.\n"
    for who, does, where in itertools.product(WHO, DOES, WHERE)
]


def poems(n: int, seed: int) -> list[str]:
    """Poems of four verses, all as likely as one another."""
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(EACH_VERSE, 4)) for _ in range(n)]


def main() -> None:
    """Learn, judge, write."""
    train, test = poems(300, seed=0), poems(40, seed=1)
    model = LanguageModel(hidden_size=64, max_time=20, random_state=0).fit(train)
    needed = 4 * len(test) * np.log2(len(EACH_VERSE)) / sum(len(t) + 1 for t in test)
    print(f"bits per character on new poems: {-model.score(test):.3f}")
    print(f"a model that knew the grammar:   {needed:.3f}")
    print("\nwritten by the model:\n" + model.generate("my sister", random_state=0))
    for text in ("a grey cat waits by the sea.\n", "a grey sea waits by the cat.\n"):
        (log_p,) = model.score_samples([text]) / np.log(2)
        print(f"{log_p:8.1f} bits: {text!r}")
    print("\nas it is drawn:", end=" ")
    for piece in model.generate("the night", stop="\n", random_state=1, stream=True):
        print(piece, end="", flush=True)
    print()


if __name__ == "__main__":
    main()
