"""Locks between processes that the kernel drops when their holder dies, however it dies: `flock` on a file.

A lock belongs to the open file, so a child that inherits the file holds the lock too, until the last of them has ended.
That is how one can tell that no process of a database is left.
"""

import errno
import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from hub.errors import Unusable

if sys.platform == "win32":
    raise Unusable("The embedded PostgreSQL needs Linux or macOS; on Windows set HUB_DATABASE_URL.")

import fcntl


class FileLock:
    """One open lock file, without a lock at first; closing it lets go of whatever it held."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def take(self, *, shared: bool = False) -> bool:
        """Whether the lock could be had at once; taking it in another mode exchanges the one that is held."""
        try:
            fcntl.flock(self.descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as reason:
            if reason.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise Unusable(f"The file system of {self.path.parent} has no file locks; use another directory.") from None
        return True

    def take_within(self, seconds: float, *, shared: bool = False) -> bool:
        """Whether the lock could be had in that time."""
        deadline = time.monotonic() + seconds
        while not self.take(shared=shared):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def close(self) -> None:
        """Let go. A child that inherited the file keeps the lock."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
