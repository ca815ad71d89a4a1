"""How much each column contributed to outputs."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Attribution:
    """What each column of X contributed to an output: the result of `explain`.

    `values.sum(axis=1) + base_value` is `output`, up to a thousandth of the sum of the
    absolute values of the row.

    Attributes
    ----------
    values : ndarray of shape (n_samples, n_features)
        What each column added to the output of a row, in the units of the output.
    base_value : ndarray of shape (n_samples,)
        The output at the baseline.
    output : ndarray of shape (n_samples,)
        The output that is explained.
    feature_names : ndarray of shape (n_features,)
        The columns of X; "x0", "x1" and so on where they have no names.
    output_name : str
        What the output is, such as "logit of 'b'" or "prediction".
    """

    values: np.ndarray
    base_value: np.ndarray
    output: np.ndarray
    feature_names: np.ndarray
    output_name: str

    @property
    def importances(self) -> np.ndarray:
        """(n_features,), the mean over the rows of the absolute values of each column."""
        return np.abs(self.values).mean(0)
