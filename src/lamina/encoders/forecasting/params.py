"""What series to forecast are, and how much of them is looked at."""

from collections.abc import Hashable
from typing import Annotated

from lamina.encoders.names import column_name, column_names
from lamina.params import Params, Use, at_least, none, one_of


class HistoryParams(Params):
    """What the series are, and how much of them is looked at."""

    horizon: Annotated[int, at_least(1), Use.FROZEN, "Steps that are forecast."] = 12
    season: Annotated[
        int | str,
        at_least(1),
        one_of("auto"),
        Use.FROZEN,
        """Steps after which the series resemble themselves, 1 if they do not. "auto" takes
        the strongest season, if noise would hardly show one: of hours 24 or 168, of
        months 12 and the like where there are stamps, and otherwise any up to 200 that
        the series cover four times.""",
    ] = "auto"
    window: Annotated[
        int | str,
        at_least(2),
        one_of("auto"),
        Use.FROZEN,
        """Steps that are looked at one by one, the last ones; of those before, what is
        usual in a season is kept. "auto" is the horizon and a season, and at least 24.""",
    ] = "auto"
    id_column: Annotated[
        Hashable,
        column_name(),
        none(),
        Use.FROZEN,
        """Of a frame with a row for each step: the column, or level of the index, that
        says which series a row belongs to.""",
    ] = None
    time_column: Annotated[
        Hashable,
        column_name(),
        none(),
        Use.FROZEN,
        """Of a frame: the column, or level of the index, with the time of each row. None
        takes dates, periods or increasing integers in pandas' index, and otherwise the
        rows as they come.""",
    ] = None
    value_column: Annotated[
        Hashable,
        column_name(),
        none(),
        Use.FROZEN,
        "Of a frame: what is forecast; None if only one column is left.",
    ] = None
    known_columns: Annotated[
        list | tuple,
        column_names(),
        Use.FROZEN,
        """Other columns whose future is known, such as holidays and prices: names, or for
        arrays their numbers from 1 on. `predict` then needs their next `horizon` values
        as `future`.""",
    ] = ()
