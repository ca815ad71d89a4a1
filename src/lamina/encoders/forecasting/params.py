"""The parameters of series to forecast."""

from collections.abc import Hashable, Sequence
from typing import Annotated, Literal

from lamina.encoders.names import column_name, column_names
from lamina.params import Params, Use, at_least

MAX_STEPS = 1_000_000
"""The longest horizon, season and window: more than the seconds of ten days."""


class HistoryParams(Params):
    """The columns, the season and the windows of series to forecast."""

    horizon: Annotated[
        int, at_least(1, MAX_STEPS), Use.FROZEN, "Steps to forecast."
    ] = 12
    season: Annotated[
        int | Literal["auto"],
        at_least(1, MAX_STEPS),
        Use.FROZEN,
        """The period of the series in steps, 1 if they have none. "auto" takes the
        strongest significant season: with time stamps, first those of the calendar (such
        as 24 or 168 of hours, 12 of months), and otherwise any period up to 200 that the
        series contain four times.""",
    ] = "auto"
    window: Annotated[
        int | Literal["auto"],
        at_least(2, MAX_STEPS),
        Use.FROZEN,
        """Last steps of a series that the network reads; the steps before contribute by
        the mean course of a season. "auto" is the horizon plus a season, at least 24.""",
    ] = "auto"
    id_column: Annotated[
        Hashable | None,
        column_name(),
        Use.FROZEN,
        """Column of a frame with a row for each step, or level of its index, that names
        the series of the row.""",
    ] = None
    time_column: Annotated[
        Hashable | None,
        column_name(),
        Use.FROZEN,
        """Column of a frame, or level of its index, with the time of each row. None uses
        dates, periods or increasing integers in pandas' index, and otherwise the order of
        the rows.""",
    ] = None
    value_column: Annotated[
        Hashable | None,
        column_name(),
        Use.FROZEN,
        "Column of a frame to forecast; None if there is one column beside id and time.",
    ] = None
    known_columns: Annotated[
        Sequence[Hashable],
        column_names(),
        Use.FROZEN,
        """Other columns whose future is known, such as holidays and prices: their names,
        or in arrays their positions from 1. `predict` then requires their next `horizon`
        values as `future`.""",
    ] = ()
