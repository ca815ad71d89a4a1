"""The errors and warnings that lamina raises, all importable from here.

* ``ValueError``

  * ``ParameterError`` (also a ``TypeError``): a constructor parameter is not allowed.
  * ``DataError`` (also a ``TypeError``): a sample, a column or a target cannot be
    used; it is named.
  * ``DivergenceError``: the loss stopped being a number.

* ``ImportError``

  * ``MissingExtraError``: an optional package is needed for this form of data.

* ``UserWarning``

  * ``DataWarning``: the data is legal but suspicious; the reading and the remedy are named.
  * ``InterruptedWarning``: training was stopped by the keyboard and kept its state.
  * ``PerformanceWarning``: other processes slowed a fit down.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import shorten

from sklearn.exceptions import NotFittedError

__all__ = [
    "DataError",
    "DataWarning",
    "DivergenceError",
    "InterruptedWarning",
    "MissingExtraError",
    "ParameterError",
    "PerformanceWarning",
    "data_errors",
    "warn_of_data",
]


class ParameterError(ValueError, TypeError):
    """A constructor parameter is not allowed, alone or beside another one."""


class DataError(ValueError, TypeError):
    """A sample, a column or a target cannot be used."""


class DivergenceError(ValueError):
    """The loss stopped being a number."""


class PerformanceWarning(UserWarning):
    """Other processes slowed a fit down; the network is the same."""


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


@contextmanager
def data_errors(name: str) -> Iterator[None]:
    """Whatever goes wrong while an argument is read is a `DataError` about it.

    Readers name the sample, the value and the remedy; this is for what they did not
    foresee, and for the messages of other libraries.
    """
    try:
        yield
    except (DataError, ParameterError, MissingExtraError):
        raise
    except NotFittedError:
        raise
    except ValueError as error:
        raise DataError(shorten(str(error), 500)) from error
    except (
        TypeError,
        LookupError,
        AttributeError,
        ArithmeticError,
        RuntimeError,
    ) as error:
        raise DataError(
            f"{name} cannot be read: {error} ({type(error).__name__}). See the class for "
            f"the forms of data that it takes."
        ) from error
