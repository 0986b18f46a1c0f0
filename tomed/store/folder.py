"""The data folder, held by one process at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tomed.errors import StoreError


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the data folder for this process: two daemons would answer from different mirrors.

    Raises:
        StoreError: another process holds it, or it can't be written.
    """
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(data / "tomed.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as err:
        raise StoreError(
            f"The data folder {data} can't be written: {err.strerror}. Choose another with --data."
        ) from err
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise StoreError(
                f"Another tomed is using the data folder {data}. Stop it, or choose another --data."
            ) from err
        yield
    finally:
        os.close(descriptor)
