"""The errors and warnings that lamina raises, all importable from here.

* ``ValueError``

  * ``ParameterError`` (also a ``TypeError``): a constructor parameter is not allowed.
  * ``DataError`` (also a ``TypeError``): a sample, a column or a target cannot be
    used; it is named.
  * ``DivergenceError``: the loss or a weight became NaN or too large.
  * ``SavedFileError``: a file cannot be loaded, or a value cannot be saved.

* ``ImportError``

  * ``MissingExtraError``: an optional package is needed for this form of data.

* ``UserWarning``

  * ``DataWarning``: the data is valid but suspicious; the message says how it was read, and
    the remedy.
  * ``AttributionWarning``: the values of an explanation do not sum up to the output.
  * ``CheckpointWarning``: a checkpoint could not be written, or is not resumed exactly.
  * ``InterruptedWarning``: training was interrupted and its state was kept.
  * ``PerformanceWarning``: other processes, or too little memory, slowed a fit down.
  * ``SavedFileWarning``: a parameter that only `fit` reads is not in a saved file.
"""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import shorten

__all__ = [
    "AttributionWarning",
    "CheckpointWarning",
    "DataError",
    "DataWarning",
    "DivergenceError",
    "InterruptedWarning",
    "MissingExtraError",
    "ParameterError",
    "PerformanceWarning",
    "SavedFileError",
    "SavedFileWarning",
    "data_errors",
    "warn_of_data",
]

HOW_TO_SILENCE = "To silence this, filter lamina.exceptions.DataWarning."
"""The end of each `DataWarning`."""


class ParameterError(ValueError, TypeError):
    """A constructor parameter is not allowed, by itself or with the value of another."""


class DataError(ValueError, TypeError):
    """A sample, a column or a target cannot be used."""


class DivergenceError(ValueError):
    """The loss or a weight became NaN or too large."""


class SavedFileError(ValueError):
    """A file cannot be loaded, or an object holds a value that cannot be saved."""


class SavedFileWarning(UserWarning):
    """A parameter that only `fit` reads is not in a saved file."""


class PerformanceWarning(UserWarning):
    """Other processes, or too little memory, slowed a fit down."""


class MissingExtraError(ImportError):
    """An optional package is needed, and the message says how to install it."""

    def __init__(self, purpose: str, package: str, extra: str):
        super().__init__(
            f"{purpose} needs the package {package!r}; "
            f"install it with: pip install 'lamina[{extra}]'"
        )


class DataWarning(UserWarning):
    """The data is valid but suspicious, or can be read in more than one way."""


class AttributionWarning(UserWarning):
    """The values of an explanation do not sum up to the output: it takes more steps."""


class CheckpointWarning(UserWarning):
    """A checkpoint could not be written, or a fit is not resumed exactly from one."""


class InterruptedWarning(UserWarning):
    """Training was interrupted; the network of the last epoch is kept."""


def warn_of_data(message: str) -> None:
    """Issue a `DataWarning` and say how to silence it.

    Python shows a text once for each line of code; a message must therefore name the column
    or sample, and contain no number that differs from call to call.
    """
    warnings.warn(
        f"{message} {HOW_TO_SILENCE}",
        DataWarning,
        stacklevel=4,
    )


@contextmanager
def data_errors(name: str) -> Iterator[None]:
    """Turn any other exception while an argument is read into a `DataError`.

    Readers raise errors that name the sample, the value and the remedy. This converts
    unexpected exceptions and those of other libraries.
    """
    try:
        yield
    except (DataError, ParameterError, MissingExtraError):
        raise
    except ValueError as error:
        # Not imported, because `lamina.onnx` does not need scikit-learn.
        sklearn = sys.modules.get("sklearn.exceptions")
        if sklearn is not None and isinstance(error, sklearn.NotFittedError):
            raise
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
