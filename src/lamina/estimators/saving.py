"""Fitted estimators in files, in pickles and in copies.

What an estimator is made of are its attributes. The network is stored as its tensors, and
built again from the parameters of its fit (`estimators/network.py`). A file and a pickle
hold the same, JSON and arrays of numpy (`lamina.state`). A value that cannot be stored so is
pickled by itself; a file omits it where predictions do not need it, with a warning, and is
refused otherwise.
"""

import copy
import json
import os
import warnings
from collections.abc import Iterable
from typing import Any, ClassVar, Self

import sklearn
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.utils.validation import check_is_fitted

from lamina import archive
from lamina.estimators.fitted import PRIVATE, RUNNING
from lamina.estimators.network import rebuilt, refuse_other_network, taken_apart
from lamina.estimators.parameters import as_built
from lamina.estimators.tensors import as_tensors
from lamina.exceptions import ParameterError, SavedFileError, SavedFileWarning
from lamina.params import declared
from lamina.state import Stored, assembled, dismantled

KIND = "estimator"
"""The kind of the file, in its header."""
OMITTED = "_omitted"
"""The key of the names of attributes that a file omits."""
Path = str | os.PathLike[str]


class Saved(Stored):
    """Mixin: saving, loading, pickling and copying of an estimator."""

    pickles_itself: ClassVar = True

    def save(self, path: Path, *, training_state: bool = False) -> None:
        """Save the fitted estimator in a file, as `lamina.save` does.

        Parameters
        ----------
        path : str or path-like
            The file, which is replaced if it exists.
        training_state : bool, default=False
            Whether to save the state of the optimizer after `partial_fit` as well.
        """
        save(self, path, training_state=training_state)

    @classmethod
    def load(cls, path: Path, classes: Iterable[type] = ()) -> Self:
        """Load an estimator of this class from a file, as `lamina.load` does.

        Parameters
        ----------
        path : str or path-like
            The file.
        classes : iterable of type, default=()
            Classes from outside of lamina that the file contains, beside this one.

        Returns
        -------
        estimator : estimator
            The fitted estimator.

        Raises
        ------
        SavedFileError
            The file contains an estimator of another class, or cannot be read.
        """
        estimator = load(path, (cls, *classes))
        if not isinstance(estimator, cls):
            kind = type(estimator).__name__
            raise SavedFileError(
                f"{os.fspath(path)!r} contains a {kind}, not a {cls.__name__}; use "
                f"{kind}.load or lamina.load."
            )
        return estimator

    def to_state(self) -> dict[str, Any]:
        """What a file contains: all attributes but those that it has to omit."""
        state = _attributes(self)
        if "network_" in state:
            tensors = state["network_"]["tensors"]
            spec, task = state["encoder_"].spec, state["task_"]
            refuse_other_network(as_built(self), spec, task, tensors)
        params = {d.name: d for d in declared(type(self))}
        omitted = []
        for name, value in list(state.items()):
            needed = params[name].use if name in params else name.endswith("_")
            if needed or name in PRIVATE or _is_storable(value):
                continue
            omitted.append(name)
            state.pop(name)
            if name in params:
                state[name] = params[name].default
        _warn_of_omitted(self, omitted)
        return state | {OMITTED: omitted}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        omitted = state.pop(OMITTED)
        new = _restored(cls.__new__(cls), state)
        _warn_of_omitted(new, omitted)
        return new

    def __getstate__(self) -> dict[str, Any]:
        others: list[Any] = []
        tree, arrays = dismantled(_attributes(self), others)
        content = {"content": json.dumps(tree), "arrays": arrays, "others": others}
        return _versions() | content

    def __setstate__(self, state: dict[str, Any]) -> None:
        for key, version in _versions().items():
            if state[key] != version:
                warning = InconsistentVersionWarning(
                    estimator_name=type(self).__name__,
                    current_sklearn_version=f"{version} ({key.split('_')[1]})",
                    original_sklearn_version=state[key],
                )
                warnings.warn(warning, stacklevel=2)
        tree, arrays = json.loads(state["content"]), state["arrays"]
        _restored(self, assembled(tree, arrays, others=state["others"]))

    def __copy__(self) -> Self:
        new = self.__new__(type(self))
        vars(new).update(vars(self))
        return new

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        new = memo[id(self)] = self.__new__(type(self))
        vars(new).update(copy.deepcopy(vars(self), memo))
        return new


def save(estimator: Saved, path: Path, *, training_state: bool = False) -> None:
    """Save a fitted estimator in a file that contains no code.

    The file has everything that predictions, further training and `get_params` need. It is
    written beside `path` first, so that `path` is always the old file or the new one.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator of lamina, or of a class that derives from one.
    path : str or path-like
        The file, which is replaced if it exists.
    training_state : bool, default=False
        Whether to save the state of the optimizer after `partial_fit` as well, with which
        the file is up to three times as large. Without it, `partial_fit` starts with a new
        optimizer after loading.

    Raises
    ------
    NotFittedError
        The estimator is not fitted.
    SavedFileError
        The estimator contains a value that cannot be saved; the message names it.
    OSError
        The file cannot be written.

    Warns
    -----
    SavedFileWarning
        A parameter that only `fit` reads, such as a function as `scoring`, cannot be saved.
        The file has its default.

    Examples
    --------
    >>> import lamina
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> from tempfile import TemporaryDirectory
    >>> X, y = load_iris(return_X_y=True)
    >>> network = lamina.DNNClassifier(max_iter=5, random_state=0).fit(X, y)
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "iris.lamina"
    ...     lamina.save(network, path)
    ...     again = lamina.load(path)
    >>> bool((again.predict_proba(X) == network.predict_proba(X)).all())
    True
    """
    if not isinstance(estimator, Saved):
        raise SavedFileError(
            f"{estimator!r:.200} is not an estimator of lamina. Save each estimator by "
            f"itself, or a pipeline by skops with trusted=lamina.TRUSTED_TYPES."
        )
    check_is_fitted(estimator, "network_")
    stored = copy.copy(estimator)
    if not training_state:
        vars(stored)["_optimizer_state"] = None
    archive.write(path, KIND, *dismantled(stored))


def load(path: Path, classes: Iterable[type] = ()) -> Any:
    """Load a fitted estimator from a file that `save` wrote.

    No code of the file is run, so that a file from a stranger does no harm. The network is
    on the CPU; `device` decides where the next call computes.

    Parameters
    ----------
    path : str or path-like
        The file.
    classes : iterable of type, default=()
        Classes from outside of lamina that the file contains: a class of an estimator with
        a body of the user, or a task or an encoder of the user.

    Returns
    -------
    estimator : estimator
        The fitted estimator.

    Raises
    ------
    SavedFileError
        The file is damaged, was written by a later version of lamina, contains something
        else, or needs a class that is not in `classes`.
    MissingExtraError
        The estimator needs a package that is not installed.

    Warns
    -----
    SavedFileWarning
        The file omits a parameter; see `save`.
    """
    known = tuple(classes)
    for kind in known:
        if not (isinstance(kind, type) and issubclass(kind, Stored)):
            raise ParameterError(
                f"classes has {kind!r}, which is not a class of estimators, tasks or "
                f"encoders; for a body pass the class of its estimator."
            )
    tree, arrays, _ = archive.read(path, KIND)
    try:
        estimator = assembled(tree, arrays, known)
    except SavedFileError as error:
        raise SavedFileError(f"{os.fspath(path)!r}: {error}") from error
    if not isinstance(estimator, Saved) or "network_" not in vars(estimator):
        raise SavedFileError(f"{os.fspath(path)!r} contains no fitted estimator.")
    return estimator


def trusted_types() -> list[str]:
    """The classes of lamina that a file of skops may contain, as skops names them."""
    kinds = [kind for kind in Stored.registry.values() if issubclass(kind, Saved)]
    return sorted(f"{kind.__module__}.{kind.__name__}" for kind in kinds)


def _attributes(estimator: Saved) -> dict[str, Any]:
    """All attributes, with the tensors of the network in place of it."""
    state = {n: v for n, v in vars(estimator).items() if n not in RUNNING}
    if "network_" in state:
        state["network_"] = taken_apart(state["network_"])
        state["_built_with"] = as_tensors(state["_built_with"])
    return as_tensors(state)


def _restored(estimator: Any, state: dict[str, Any]) -> Any:
    """The estimator with these attributes."""
    vars(estimator).update(state)
    if "network_" in state:
        spec, task, parts = estimator.encoder_.spec, estimator.task_, state["network_"]
        estimator.network_ = rebuilt(as_built(estimator), spec, task, parts)
    return estimator


def _is_storable(value: object) -> bool:
    try:
        dismantled(value)
    except SavedFileError:
        return False
    return True


def _warn_of_omitted(estimator: Saved, omitted: list[str]) -> None:
    if omitted:
        names = ", ".join(omitted)
        warnings.warn(
            f"A file cannot contain {names} of {type(estimator).__name__}: after loading, "
            f"parameters have their defaults. Predictions are the same; before another "
            f"fit, set {names} again.",
            SavedFileWarning,
            stacklevel=3,
        )


def _versions() -> dict[str, str]:
    from lamina import __version__

    return {"_lamina_version": __version__, "_sklearn_version": sklearn.__version__}
