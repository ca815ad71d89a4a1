"""Settings of torch and numpy during a call, which restores those of the user.

A call of `fit` or `predict` computes with the default settings of torch and numpy, and
restores the user's values at its end. Most settings are thread-local. The `Setting`s here
are global: the first call that needs another value saves that of the user, and the last one
restores it.

torch's number of threads is thread-local, but a thread that uses torch for the first time
inherits the number that was set last by any thread. `THREADS` corrects that.

After a fork the threads of OpenMP do not exist, and an operator that waits for them never
returns. So a forked child computes on one thread.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from threadpoolctl import LibController, ThreadpoolController

T = TypeVar("T")
MATMUL_PRECISIONS = ("highest", "high", "medium")
"""The strictest first."""
AUTOCAST_DEVICES = ("cpu", "cuda")


class Setting(Generic[T]):
    """A global setting, with the value that each thread needs at the moment.

    If threads need different values at the same time, the first of these by `order` is
    set, so that no thread computes less exactly than it needs.
    """

    def __init__(
        self,
        read: Callable[[], T],
        write: Callable[[T], object],
        order: Callable[[T], Any],
    ):
        self.read, self.write, self.order = read, write, order
        self.lock = threading.RLock()
        self.needed: dict[int, T] = {}

    def at(self, value: T) -> "Need[T]":
        """A context in which the setting is this value, or one before it by `order`."""
        return Need(self, value)

    def is_users(self, value: T) -> bool:
        """Whether the user has set this value, and no call has changed it."""
        with self.lock:
            return not self.needed and self.read() == value

    def need(self, thread: int, value: T | None) -> T | None:
        """Set the value that a thread needs, None for any; return the previous one."""
        with self.lock:
            outer = self.needed.pop(thread, None)
            now = self.read()
            is_first = outer is None and not self.needed
            if is_first or now != self.given:  # or the user has set it since
                self.users = now
            if value is not None:
                self.needed[thread] = value
            self.given = self._chosen()
            if self.given != now:
                self.write(self.given)
        return outer

    def forget_other_threads(self) -> None:
        """Restore the user's value in a forked child, which has no other threads."""
        self.lock = threading.RLock()
        if self.needed:
            self.needed.clear()
            self.write(self.users)

    def _chosen(self) -> T:
        values = self.needed.values()
        return min(values, key=self.order) if values else self.users


class Need(Generic[T]):
    """A context in which this thread needs a value; a class is faster than a generator."""

    def __init__(self, setting: Setting[T], value: T):
        self.setting, self.value = setting, value

    def __enter__(self) -> None:
        self.thread = threading.get_ident()
        self.outer = self.setting.need(self.thread, self.value)

    def __exit__(self, *_: object) -> None:
        self.setting.need(self.thread, self.outer)


def _blas_threads() -> list[int]:
    return [library.num_threads for library in _blas_libraries()]


def _set_blas_threads(counts: list[int]) -> None:
    for library, count in zip(_blas_libraries(), counts, strict=True):
        library.set_num_threads(count)


@cache
def _blas_libraries() -> list[LibController]:
    return ThreadpoolController().select(user_api="blas").lib_controllers


DTYPE = Setting(torch.get_default_dtype, torch.set_default_dtype, str)
MATMUL = Setting(
    torch.get_float32_matmul_precision,
    torch.set_float32_matmul_precision,
    MATMUL_PRECISIONS.index,
)
TF32 = Setting(
    lambda: torch.backends.cudnn.allow_tf32,
    lambda allowed: setattr(torch.backends.cudnn, "allow_tf32", allowed),
    bool,
)
"""Whether cuDNN rounds the numbers of convolutions and recurrent layers to 10 bits."""
BLAS = Setting(_blas_threads, _set_blas_threads, lambda counts: counts)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """A context in which numpy's BLAS uses one thread."""
    with BLAS.at([1] * len(_blas_libraries())):
        yield


_torch_alone: ContextVar[bool] = ContextVar("numpy computes nothing", default=False)


@contextmanager
def torch_alone() -> Iterator[None]:
    """A context in which torch computes everything, for steps that are captured."""
    token = _torch_alone.set(True)
    try:
        yield
    finally:
        _torch_alone.reset(token)


def numpy_computes(device: torch.device) -> bool:
    """Whether numpy may compute in the memory of torch's tensors on this device."""
    return device.type == "cpu" and not _torch_alone.get()


class Inherited(threading.local):
    """torch's number of threads at a thread's first call of lamina, seen and corrected."""

    seen = own = 0


class Threads:
    """torch's number of threads, while calls change it and without these changes."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.n_calls = self.users = 0
        self.inherited = Inherited()
        self.forked = False

    def at(self, n: int) -> AbstractContextManager[None]:
        """A context in which torch computes on `n` threads in this thread."""
        before = torch.get_num_threads()
        return nullcontext() if n == before else self._changed(n, before)

    @contextmanager
    def _changed(self, n: int, before: int) -> Iterator[None]:
        with self.lock:
            if not self.n_calls:
                self.users = before
            self.n_calls += 1
        torch.set_num_threads(n)
        try:
            yield
        finally:
            torch.set_num_threads(before)
            with self.lock:
                self.n_calls -= 1

    def own(self) -> int:
        """The number of this thread, without the changes by calls in other threads."""
        if self.forked:
            return 1
        now, inherited = torch.get_num_threads(), self.inherited
        if not inherited.seen:
            with self.lock:
                inherited.seen, inherited.own = now, self.users if self.n_calls else now
        return inherited.own if now == inherited.seen else now

    def after_fork(self) -> None:
        """Have the child compute on one thread, the only one that exists."""
        self.lock = threading.RLock()
        self.forked = True


THREADS = Threads()


def default_settings() -> AbstractContextManager[object]:
    """A context in which torch and numpy have their default settings in this thread.

    The number of threads and the use of deterministic algorithms are not changed.
    """
    defaults = np.errstate(all="warn", under="ignore")
    changes = _changes()
    return _all_of([defaults, *changes]) if changes else defaults


@contextmanager
def _all_of(contexts: list[AbstractContextManager[Any]]) -> Iterator[None]:
    with ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        yield


def _changes() -> list[AbstractContextManager[Any]]:
    """The contexts that are needed; usually none, which makes single rows faster."""
    changes, own = [], THREADS.own()
    if own != torch.get_num_threads():
        changes.append(THREADS.at(own))
    if not DTYPE.is_users(torch.float32):
        changes.append(DTYPE.at(torch.float32))
    if torch.empty(()).device.type != "cpu":
        changes.append(torch.device("cpu"))
    if torch.is_inference_mode_enabled():
        changes.append(torch.inference_mode(mode=False))
    if not torch.is_grad_enabled() or torch.is_inference_mode_enabled():
        changes.append(torch.enable_grad())
    changes += [
        torch.autocast(device, enabled=False)
        for device in AUTOCAST_DEVICES
        if torch.is_autocast_enabled(device)
    ]
    return changes


def _after_fork() -> None:
    for setting in (DTYPE, MATMUL, TF32, BLAS):
        setting.forget_other_threads()
    THREADS.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
