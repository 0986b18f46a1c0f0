"""Where the large test data lies: ``TOMED_TEST_DATA``, or ``shared/data`` beside the project.

The project never contains it. Without it the tests that want it are skipped with a reason; in CI
its absence is a failure, so that a green run there has really seen it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def folder() -> Path:
    """The data folder, whether it exists or not."""
    told = os.environ.get("TOMED_TEST_DATA")
    return Path(told) if told else ROOT.parent / "shared" / "data"


def shared(name: str) -> Path:
    """The file or folder ``name`` of the test data; skips the test (fails it in CI) when it is not there."""
    path = folder() / name
    if not path.exists():
        reason = f"test data {name!r} not found: set TOMED_TEST_DATA to the folder that has it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path
