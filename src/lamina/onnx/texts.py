"""Inputs of a graph for texts: tokens, their characters, and their n-grams.

The functions are as in `inputs.py`.
"""

from dataclasses import replace
from typing import Any

from lamina.batch import UNKNOWN
from lamina.encoders.texts.encoder import BagEncoder, TextEncoder
from lamina.encoders.texts.tokens import TokenEncoder
from lamina.exceptions import ParameterError
from lamina.onnx.bags import bag_input
from lamina.onnx.graph import FLOAT, INT64, STRING, Graph, GraphBatch
from lamina.vocabulary import Vocabulary

Metadata = dict[str, Any]


def lengths_input(graph: Graph) -> str:
    """The input of the real steps (B,) of each sample."""
    return graph.input("lengths", INT64, ["batch"])


def no_channels(graph: Graph, codes: str) -> str:
    """(B, 0), for a table whose columns are all embedded."""
    return graph.cast(graph.add("Slice", codes, *map(graph.ints, (0, 0, 1))), FLOAT)


def encoded(graph: Graph, texts: str, known: dict[str, int], default: int) -> str:
    """The integer of each text."""
    for text in known:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ParameterError(
                f"The text {text!r} cannot be exported to ONNX: {error}. Repair it, and "
                f"call fit again."
            ) from None
    return graph.add(
        "LabelEncoder",
        texts,
        keys_strings=list(known),
        values_int64s=list(known.values()),
        default_int64=default,
    )


def text_input(graph: Graph, encoder: TextEncoder) -> tuple[GraphBatch, Metadata]:
    """Tokens in their order, and their n-grams if the network reads them."""
    assert encoder.schema is not None
    batch, has_bags = _token_ids(graph, encoder.vocabulary), encoder.ngrams is not None
    if encoder.ngrams is not None:
        batch = replace(batch, bags=(bag_input(graph, encoder.ngrams, 0),))
    unit = encoder.schema.unit
    return batch, {"reader": "text", "unit": unit, "has_bags": has_bags}


def bags_input(graph: Graph, encoder: BagEncoder) -> tuple[GraphBatch, Metadata]:
    """N-grams without the order of tokens."""
    assert encoder.schema is not None
    bag = bag_input(graph, encoder.ngrams, 0)
    batch = GraphBatch(no_channels(graph, bag[0]), bags=(bag,))
    return batch, {"reader": "bags", "unit": encoder.schema.unit}


def _token_ids(graph: Graph, vocabulary: Vocabulary) -> GraphBatch:
    tokens = graph.input("tokens", STRING, ["batch", "steps"])
    x = encoded(graph, tokens, vocabulary.ids or {"": UNKNOWN}, default=UNKNOWN)
    return GraphBatch(x, lengths=lengths_input(graph))


def tokens_input(graph: Graph, encoder: TokenEncoder) -> tuple[GraphBatch, Metadata]:
    """Tokens of a tagger, with their characters if the network reads them."""
    if not encoder.char_features:
        batch = _token_ids(graph, encoder.words)
        return batch, {"reader": "text", "unit": "token", "has_bags": False}
    codes = graph.input("token_index", INT64, ["batch", "steps"])
    words = graph.input("words", STRING, ["tokens"])
    letters = graph.input("characters", STRING, ["tokens", "width"])
    word_ids = encoded(graph, words, encoder.words.ids or {"": UNKNOWN}, UNKNOWN)
    x = graph.add("Gather", word_ids, codes)
    spelled = {token: i for i, token in enumerate(encoder.characters.tokens)}
    # "" is the padding; the unknown character has no text of its own.
    spelled = {"": spelled.pop("<pad>")} | spelled
    spellings = encoded(graph, letters, spelled, UNKNOWN)
    batch = GraphBatch(x, codes, lengths_input(graph), spellings)
    return batch, {"reader": "spelled"}
