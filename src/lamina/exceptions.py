"""The errors and warnings that lamina raises, all importable from here.

* ``ValueError``

  * ``ParameterError`` (also a ``TypeError``): a constructor parameter is not allowed.
  * ``DataError``: a sample, a column or a target cannot be used; it is named.
  * ``DivergenceError``: the loss stopped being a number.

* ``ImportError``

  * ``MissingExtraError``: an optional package is needed for this form of data.

* ``UserWarning``

  * ``DataWarning``: the data is legal but suspicious; the reading and the remedy are named.
  * ``InterruptedWarning``: training was stopped by the keyboard and kept its state.
"""

import warnings

__all__ = [
    "DataError",
    "DataWarning",
    "DivergenceError",
    "InterruptedWarning",
    "MissingExtraError",
    "ParameterError",
    "warn_of_data",
]


class ParameterError(ValueError, TypeError):
    """A constructor parameter is not allowed, alone or beside another one."""


class DataError(ValueError):
    """A sample, a column or a target cannot be used."""


class DivergenceError(ValueError):
    """The loss stopped being a number."""


class MissingExtraError(ImportError):
    """An optional package is needed, and the message says how to install it."""

    def __init__(self, purpose: str, package: str, extra: str):
        super().__init__(
            f"{purpose} needs the package {package!r}; "
            f"install it with: pip install 'lamina[{extra}]'"
        )


class DataWarning(UserWarning):
    """The data is legal but suspicious, or can be read in more than one way."""


class InterruptedWarning(UserWarning):
    """Training was stopped by the keyboard; the network keeps what it learnt."""


def warn_of_data(message: str) -> None:
    """Issue a `DataWarning` and say how to silence it.

    Python shows a text once for each place; a message must therefore name the column or
    sample, and no number that differs from call to call.
    """
    warnings.warn(
        f"{message} To silence this, filter lamina.exceptions.DataWarning.",
        DataWarning,
        stacklevel=4,
    )
