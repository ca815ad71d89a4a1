"""What series to forecast are, and how much of them is looked at."""

from collections.abc import Hashable, Sequence
from typing import Annotated, Literal

from lamina.params import Params, Rule, Use, at_least


def column_name() -> Rule:
    """The label of a column, or of a level of pandas' index."""
    return Rule(
        "str, int or tuple",
        lambda v: isinstance(v, str | int | tuple) and not isinstance(v, bool),
    )


def column_names() -> Rule:
    """Labels of columns."""
    return Rule(
        "list or tuple of labels",
        lambda v: (
            isinstance(v, list | tuple)
            and all(isinstance(c, str | int | tuple) for c in v)
        ),
    )


class HistoryParams(Params):
    """What the series are, and how much of them is looked at."""

    horizon: Annotated[int, at_least(1), Use.FROZEN, "Steps that are forecast."] = 12
    season: Annotated[
        int | Literal["auto"],
        at_least(1),
        Use.FROZEN,
        """Steps after which the series resemble themselves, 1 if they do not. "auto" takes
        the strongest season, if noise would hardly show one: of hours 24 or 168, of
        months 12 and the like where there are stamps, and otherwise any up to 200 that
        the series cover four times.""",
    ] = "auto"
    window: Annotated[
        int | Literal["auto"],
        at_least(2),
        Use.FROZEN,
        """Steps that are looked at one by one, the last ones; of those before, what is
        usual in a season is kept. "auto" is the horizon and a season, and at least 24.""",
    ] = "auto"
    id_column: Annotated[
        Hashable | None,
        column_name(),
        Use.FROZEN,
        """Of a frame with a row for each step: the column, or level of the index, that
        says which series a row belongs to.""",
    ] = None
    time_column: Annotated[
        Hashable | None,
        column_name(),
        Use.FROZEN,
        """Of a frame: the column, or level of the index, with the time of each row. None
        takes dates, periods or increasing integers in pandas' index, and otherwise the
        rows as they come.""",
    ] = None
    value_column: Annotated[
        Hashable | None,
        column_name(),
        Use.FROZEN,
        "Of a frame: what is forecast; None if only one column is left.",
    ] = None
    known_columns: Annotated[
        Sequence[Hashable],
        column_names(),
        Use.FROZEN,
        """Other columns whose future is known, such as holidays and prices: names, or for
        arrays their numbers from 1 on. `predict` then needs their next `horizon` values
        as `future`.""",
    ] = ()
