"""The reader's pure modules under node: which moves are saved, from where a book opens, how a sitting is counted."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.chromium import missing


def test_pure_modules() -> None:
    """node's own test runner has the cases."""
    node = shutil.which("node")
    if node is None:
        missing("node is not installed (20 or newer)")
    file = Path(__file__).parent / "pure.test.mjs"
    done = subprocess.run([str(node), "--test", str(file)], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
