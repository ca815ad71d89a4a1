"""The epochs of fits as runs of TensorBoard."""

from dataclasses import dataclass
from itertools import count
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from sklearn.callback import CallbackContext

from lamina.callbacks.base import EpochCallback, Metrics
from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import MissingExtraError


@dataclass
class TensorBoardRun:
    """The event file of one fit."""

    folder: Path
    writer: Any
    metrics: Metrics


class TensorBoard(EpochCallback[TensorBoardRun]):
    """Writes the loss and the validation score of each epoch for TensorBoard.

    Each fit has its own folder in `log_dir`, named by the estimator and a number, also the
    fits of a search; `partial_fit` and `warm_start` continue in the folder of the fit
    before. What a search for the number of epochs trains is in "search_1/loss" and so on.
    Needs the package tensorboard (`pip install 'lamina[tensorboard]'`).

    Parameters
    ----------
    log_dir : str or path-like
        The folder that `tensorboard --logdir` is called with.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.datasets import load_iris
    >>> from lamina import DNNClassifier
    >>> from lamina.callbacks import TensorBoard
    >>> network = DNNClassifier(max_iter=2, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     _ = network.set_callbacks(TensorBoard(folder)).fit(
    ...         *load_iris(return_X_y=True)
    ...     )
    ...     [path.name for path in Path(folder).iterdir()]
    ['DNNClassifier-1']
    """

    def __init__(self, log_dir: str | PathLike[str]):
        super().__init__()
        self.log_dir = fspath(log_dir)

    def begin(
        self,
        estimator: NeuralEstimator,
        context: CallbackContext,
        before: TensorBoardRun | None,
    ) -> TensorBoardRun:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            name = "tensorboard"
            raise MissingExtraError("TensorBoard", name, name) from None
        folder = self._new_folder(context) if before is None else before.folder
        writer = SummaryWriter(folder)
        if before is None:
            params = estimator.get_params(deep=False).items()
            text = "".join(f"    {name}={value!r}\n" for name, value in params)
            writer.add_text("parameters", text)
        return TensorBoardRun(folder, writer, Metrics())

    def epoch(
        self, run: TensorBoardRun, estimator: NeuralEstimator, context: CallbackContext
    ) -> None:
        del estimator
        for name, value, number in run.metrics.new(context):
            run.writer.add_scalar(name, value, number)
        run.writer.flush()

    def close(self, run: TensorBoardRun) -> None:
        run.writer.close()

    def _new_folder(self, context: CallbackContext) -> Path:
        """A folder that no other fit has, also none that begins at the same time."""
        root = Path(self.log_dir)
        root.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            folder = root / f"{context.estimator_name}-{number}"
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
        raise AssertionError
