"""What every process that the daemon starts for its own work begins with."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.process import BaseProcess

SPAWN = multiprocessing.get_context("spawn")
"""Spawned, not forked: the daemon has threads and open databases that no child may inherit."""


def settle_in() -> None:
    """For the child's first moment: the daemon alone decides when it ends, and it lives no longer than the daemon."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _leave_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(0)
