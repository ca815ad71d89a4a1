"""Schemes that mark entities by the labels of steps, and what they allow to follow what.

========  ===========================================================================
"bio"     "B-kind" begins an entity, "I-kind" continues it, "O" is outside (IOB2)
"bioes"   as well: "E-kind" ends an entity, "S-kind" is one of a single step (IOBES)
========  ===========================================================================
"""

import numpy as np

from lamina.exceptions import DataError
from lamina.nn.crf import Allowed

PREFIXES = {"bio": "BI", "bioes": "BIES"}
"""What the labels of each scheme begin with, other than "O"."""
MUST_CONTINUE = {"bio": "", "bioes": "BI"}
"""After these the entity is not over."""


def misfit(labels: list, scheme: str) -> object | None:
    """The first label that is not one of the scheme; None if all are."""
    return next((x for x in labels if not _fits(x, PREFIXES[scheme])), None)


def scheme_of(labels: list) -> str | None:
    """The scheme that these labels are of; None if they are of none.

    Labels without a "B-kind" (IO), and BIOES labels of which none can stand alone, say
    too little about what is allowed.
    """
    for scheme in PREFIXES:
        if misfit(labels, scheme) is None and can_label(labels, scheme):
            return scheme
    return None


def can_label(labels: list, scheme: str) -> bool:
    """Whether the scheme allows some labelling for any number of steps."""
    alone = "OB" if scheme == "bio" else "OS"
    prefixes = {label[0] for label in labels}
    return bool(prefixes & set(alone)) and bool(prefixes & set("BS"))


def require_scheme(labels: list, scheme: str) -> None:
    """Raise `DataError` unless these are labels of the scheme."""
    wrong = misfit(labels, scheme)
    if wrong is not None or not can_label(labels, scheme):
        raise DataError(
            f"scheme={scheme!r} does not fit the labels of y, such as "
            f"{wrong or labels[0]!r}; they have to be 'O', or one of "
            f"{', '.join(PREFIXES[scheme])} with '-' and a kind, and some have to stand "
            f"alone. Pass scheme=None."
        )


def allowed_by(scheme: str, labels: list[str]) -> Allowed:
    """What the scheme allows of labels that fit it."""
    prefixes = np.array([label[0] for label in labels])
    kinds = np.array([label[2:] for label in labels], dtype=object)
    inside, continues = np.isin(prefixes, ["B", "I"]), np.isin(prefixes, ["I", "E"])
    must_continue = np.isin(prefixes, list(MUST_CONTINUE[scheme]))
    same_kind = kinds[:, None] == kinds
    goes_on = inside[:, None] & continues & same_kind
    restricted = must_continue[:, None] | continues
    return Allowed(
        start=~continues, transitions=goes_on | ~restricted, end=~must_continue
    )


def violation(
    allowed: Allowed, labels: list[str], flat: np.ndarray, lengths: np.ndarray
) -> str | None:
    """The first label of y that is not allowed where it is, in words; None if all are.

    `flat` holds the numbers of the labels of all samples end to end.
    """
    ends = np.cumsum(lengths)
    starts = ends - lengths
    follows = np.ones(len(flat), dtype=bool)
    follows[1:] = allowed.transitions[flat[:-1], flat[1:]]
    follows[starts] = allowed.start[flat[starts]]
    is_over = np.ones(len(flat), dtype=bool)
    is_over[ends - 1] = allowed.end[flat[ends - 1]]
    bad = ~(follows & is_over)
    if not bad.any():
        return None
    place = int(bad.argmax())
    sample = int(np.searchsorted(ends, place, side="right"))
    t = place - int(starts[sample])
    name = f"y[{sample}][{t}] is {labels[flat[place]]!r}"
    if follows[place]:
        return f"{name} at the end, where its entity is not over"
    if t == 0:
        return f"{name} at the start, where there is no entity to continue"
    return f"{name} after {labels[flat[place - 1]]!r}"


def _fits(label: object, prefixes: str) -> bool:
    if not isinstance(label, str):
        return False
    return label == "O" or (len(label) > 2 and label[0] in prefixes and label[1] == "-")
