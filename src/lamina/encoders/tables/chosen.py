"""What parameters say of the columns of a table: which hold categories, which texts."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from lamina.exceptions import DataError
from lamina.state import Stored

Choice = Sequence[Hashable] | None


@dataclass(frozen=True)
class Chosen:
    """What the parameters say of a column."""

    is_category: bool = False
    is_text: bool | None = None
    """None where the values decide."""
    token_unit: str = "auto"


@dataclass(frozen=True)
class ChosenColumns(Stored):
    """The parameters that choose columns: by names, by positions, or by a mask."""

    categorical_features: Choice = None
    text_features: Choice = None
    token_unit: str = "auto"

    @property
    def are_chosen(self) -> bool:
        """Whether a parameter chooses columns."""
        return self.categorical_features is not None or self.text_features is not None

    def of(self, names: list, are_labels: bool) -> list[Chosen]:
        """What is chosen of each column; `are_labels` says whether columns have names."""
        categories = self._chosen("categorical_features", names, are_labels) or set()
        texts = self._chosen("text_features", names, are_labels)
        both = categories & (texts or set())
        if both:
            raise DataError(
                f"Column {names[min(both)]!r} is in categorical_features and in "
                f"text_features; leave it out of one of them."
            )
        return [
            Chosen(
                i in categories, None if texts is None else i in texts, self.token_unit
            )
            for i in range(len(names))
        ]

    def _chosen(self, parameter: str, names: list, are_labels: bool) -> set[int] | None:
        """The positions that a parameter chooses."""
        choice = getattr(self, parameter)
        if choice is None:
            return None
        selected = list(choice)
        if selected and all(isinstance(c, bool | np.bool_) for c in selected):
            if len(selected) != len(names):
                raise DataError(
                    f"{parameter} has {len(selected)} values for {len(names)} columns; "
                    f"pass one for each."
                )
            return {i for i, is_chosen in enumerate(selected) if is_chosen}
        positions = set()
        for column in selected:
            if column in names:
                positions.add(names.index(column))
            elif isinstance(column, int | np.integer) and 0 <= column < len(names):
                positions.add(int(column))
            else:
                columns = names if are_labels else f"0 to {len(names) - 1}"
                raise DataError(
                    f"{parameter} has {column!r}, which is not a column of X ({columns})."
                )
        return positions
