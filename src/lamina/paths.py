"""Parameters that are paths of files, and files that are opened only if they are regular."""

import os
import stat
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Any

from lamina.params import Rule


def file_name() -> Rule:
    """A path that a file can have."""

    def accepts(v: Any) -> bool:
        if not isinstance(v, str | os.PathLike):
            return False
        with suppress(TypeError, ValueError):  # an unpaired surrogate
            name = os.fsencode(v)
            return Path(os.fsdecode(name)).name != "" and b"\0" not in name
        return False

    return Rule("str or path of a file", accepts)


def open_regular(
    path: str | os.PathLike[str], refusal: type[Exception] = OSError
) -> BufferedReader:
    """A file, opened for reading; a folder, a pipe and a device raise `refusal`."""
    # Opening a FIFO would wait for a writer.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise refusal(f"{os.fspath(path)!r} is not a regular file.")
    return os.fdopen(handle, "rb")
