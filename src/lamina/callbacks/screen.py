"""Where a callback shows something: a notebook, a terminal, or anything that takes lines."""

import multiprocessing
import sys
import threading
from typing import Any, Protocol

from sklearn.callback import CallbackContext

from lamina.callbacks.base import place_of
from lamina.exceptions import MissingExtraError
from lamina.training.callbacks import TrainingProgress

BAR, WIDTH = "█", 20
SECONDS_PER = {"h": 3600, "min": 60, "s": 1}


class Screen(Protocol):
    """Shows the newest content in place of the one before."""

    kind: str
    """What it shows: "lines" and "terminal" take text, "notebook" takes objects."""

    def show(self, content: object) -> None: ...

    def close(self) -> None: ...


class Lines:
    """One text below the other, as for a file or a pipe."""

    kind = "lines"

    def show(self, content: object) -> None:
        print(content, flush=True)

    def close(self) -> None:
        """Nothing is open."""


class Terminal:
    """A text that is overwritten in one write, so that it does not flicker."""

    kind = "terminal"

    def __init__(self, purpose: str) -> None:
        try:
            from rich.live import Live
        except ImportError:
            raise MissingExtraError(
                f"{purpose} in a terminal", "rich", "progress"
            ) from None
        self.live = Live(auto_refresh=False)
        self.live.start()

    def show(self, content: object) -> None:
        from rich.text import Text

        self.live.update(Text(str(content), no_wrap=True), refresh=True)

    def close(self) -> None:
        self.live.stop()


class Notebook:
    """An output of a cell that is replaced."""

    kind = "notebook"

    def __init__(self) -> None:
        self.handle: Any = None

    def show(self, content: object) -> None:
        from IPython.display import display  # pyright: ignore[reportMissingImports]

        if self.handle is None:
            self.handle = display(content, display_id=True)
        else:
            self.handle.update(content)

    def close(self) -> None:
        """The last content stays."""


def screen_for(purpose: str) -> Screen:
    """The screen of this process; threads and other processes print lines."""
    is_main = (
        threading.current_thread() is threading.main_thread()
        and multiprocessing.parent_process() is None
    )
    if not is_main:
        return Lines()
    if _in_notebook():
        return Notebook()
    if sys.stdout.isatty() and _has_blocks():
        return Terminal(purpose)
    return Lines()


def line_of(context: CallbackContext, *, with_bar: bool = False) -> str:
    """Epoch, loss, score and time left."""
    progress: TrainingProgress = context.progress
    n, last = len(progress.epochs), progress.epochs[-1]
    parts = [
        f"epoch {progress.n_before + n} of {progress.n_before + progress.n_epochs}"
    ]
    parts.append(f"loss {last.loss:.4g}")
    if last.score is not None:
        parts.append(f"validation score {last.score:.4g}")
    parts.append(
        f"{_time(progress.seconds)}, at most {_time(progress.seconds_left)} left"
    )
    line = _name_of(context) + ", ".join(parts)
    if not with_bar:
        return line
    n_filled = round(WIDTH * n / progress.n_epochs)
    return f"{BAR * n_filled}{'░' * (WIDTH - n_filled)} {line}"


def _name_of(context: CallbackContext) -> str:
    """What is trained, where a fit trains several networks or is a part of another."""
    task, name = context.parent, context.progress.task_name
    root = task if name == "fit" else task.parent
    names = [] if root.parent is None else [f"{root.estimator_name} {place_of(root)}"]
    if name == "search":
        names.append(f"search {task.task_id + 1} of {root.max_subtasks - 1}")
    elif name == "refit":
        names.append("fit on all samples")
    return "".join(f"{name}: " for name in names)


def _time(seconds: float) -> str:
    for unit, size in SECONDS_PER.items():
        if seconds >= 3 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s"


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def _has_blocks() -> bool:
    """Whether the terminal can show the characters of bars."""
    try:
        BAR.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
