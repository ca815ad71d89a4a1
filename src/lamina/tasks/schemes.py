"""Schemes that mark entities by the labels of steps, and which labels they allow.

========  ===========================================================================
"bio"     "B-kind" begins an entity, "I-kind" continues it, "O" is outside (IOB2)
"bioes"   also "E-kind" ends an entity, and "S-kind" is one of a single step (IOBES)
========  ===========================================================================
"""

from collections.abc import Sequence

import numpy as np

from lamina.exceptions import DataError
from lamina.nn.crf import Allowed
from lamina.tasks.step_labels import Label

PREFIXES = {"bio": "BI", "bioes": "BIES"}
"""The prefixes of the labels of each scheme, beside "O"."""
MUST_CONTINUE = {"bio": "", "bioes": "BI"}
"""Prefixes after which an entity has to continue."""


def misfit(labels: Sequence[Label], scheme: str) -> Label | None:
    """The first label that does not belong to the scheme; None if all do."""
    return next((x for x in labels if not _fits(x, PREFIXES[scheme])), None)


def scheme_of(labels: Sequence[Label]) -> str | None:
    """The scheme to which these labels belong; None if to none.

    None also for labels without "B-kind" (IO), and for BIOES labels with which no sample of
    one step could be labelled.
    """
    for scheme in PREFIXES:
        if misfit(labels, scheme) is None and can_label(labels, scheme):
            return scheme
    return None


def can_label(labels: Sequence[Label], scheme: str) -> bool:
    """Whether labels of the scheme allow a labelling of any number of steps."""
    single_step = "OB" if scheme == "bio" else "OS"
    prefixes = {str(label)[0] for label in labels}
    return bool(prefixes & set(single_step)) and bool(prefixes & set("BS"))


def require_scheme(labels: Sequence[Label], scheme: str) -> None:
    """Raise `DataError` unless all labels belong to the scheme."""
    wrong = misfit(labels, scheme)
    if wrong is not None or not can_label(labels, scheme):
        raise DataError(
            f"scheme={scheme!r} does not fit the labels of y, such as "
            f"{wrong or labels[0]!r}; they have to be 'O', or one of "
            f"{', '.join(PREFIXES[scheme])} with '-' and a kind, and some have to be "
            f"allowed for a sample of one step. Pass scheme=None."
        )


def allowed_by(scheme: str, labels: list[str]) -> Allowed:
    """Which labels the scheme allows where, for labels that belong to it."""
    prefixes = np.array([label[0] for label in labels])
    kinds = np.array([label[2:] for label in labels], dtype=object)
    inside, continues = np.isin(prefixes, ["B", "I"]), np.isin(prefixes, ["I", "E"])
    must_continue = np.isin(prefixes, list(MUST_CONTINUE[scheme]))
    same_kind = kinds[:, None] == kinds
    continuations = inside[:, None] & continues & same_kind
    restricted = must_continue[:, None] | continues
    return Allowed(
        start=~continues, transitions=continuations | ~restricted, end=~must_continue
    )


def violation(
    allowed: Allowed, labels: list[str], flat: np.ndarray, lengths: np.ndarray
) -> str | None:
    """The first label of y at a step where it is not allowed, in words; None if there is none.

    `flat` (total,) holds the label indices of all samples, concatenated.
    """
    ends = np.cumsum(lengths)
    starts = ends - lengths
    follows = np.ones(len(flat), dtype=bool)
    follows[1:] = allowed.transitions[flat[:-1], flat[1:]]
    follows[starts] = allowed.start[flat[starts]]
    may_end = np.ones(len(flat), dtype=bool)
    may_end[ends - 1] = allowed.end[flat[ends - 1]]
    is_forbidden = ~(follows & may_end)
    if not is_forbidden.any():
        return None
    first = int(is_forbidden.argmax())
    sample = int(np.searchsorted(ends, first, side="right"))
    t = first - int(starts[sample])
    name = f"y[{sample}][{t}] is {labels[flat[first]]!r}"
    if follows[first]:
        return f"{name} at the end, where its entity is not complete"
    if t == 0:
        return f"{name} at the start, where there is no entity to continue"
    return f"{name} after {labels[flat[first - 1]]!r}"


def _fits(label: Label, prefixes: str) -> bool:
    if not isinstance(label, str):
        return False
    return label == "O" or (len(label) > 2 and label[0] in prefixes and label[1] == "-")
