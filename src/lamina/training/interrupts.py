"""Ctrl-C in training is raised between two steps, where nothing is half done."""

import signal
import threading
from types import FrameType
from typing import Self


class Interrupts:
    """A context in which the first Ctrl-C waits for `check`; a second one is raised at once.

    Python raises `KeyboardInterrupt` between any two instructions: also where it is lost,
    or where a context manager ends, which then leaves a setting of torch changed. Outside
    of the main thread, or where a program handles SIGINT itself, nothing is changed.
    """

    is_pending = False
    """Whether a Ctrl-C waits, or was raised by `check`."""

    def __enter__(self) -> Self:
        in_main = threading.current_thread() is threading.main_thread()
        usual = signal.default_int_handler
        self.is_active = in_main and signal.getsignal(signal.SIGINT) is usual
        if self.is_active:
            signal.signal(signal.SIGINT, self._wait)
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_active:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if there was a Ctrl-C."""
        if self.is_pending:
            raise KeyboardInterrupt

    def _wait(self, number: int, frame: FrameType | None) -> None:
        if self.is_pending:
            signal.default_int_handler(number, frame)
        self.is_pending = True
