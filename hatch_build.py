"""Builds the web assets into the package, so that an installed wheel needs no node.

An sdist carries the built files and builds without npm. ``TOMED_SKIP_WEB=1`` leaves them out,
``TOMED_REQUIRE_WEB=1`` makes their absence an error. An editable install builds nothing: ``make setup`` does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebAssets(BuildHookInterface):  # type: ignore[type-arg]
    """hatchling's custom hook."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build ``web/`` into ``tomed/static``, unless it is there already and can't be built."""
        root = Path(self.root)
        built = root / "tomed" / "static"
        if version == "editable" or os.environ.get("TOMED_SKIP_WEB") == "1":
            return
        npm = shutil.which("npm")
        if npm and (root / "web" / "package-lock.json").is_file() and not self._is_from_sdist(root):
            subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=root / "web", check=True)
            subprocess.run([npm, "run", "build"], cwd=root / "web", check=True, env={**os.environ, "OUT": str(built)})
        elif not (built / "manifest.json").is_file():
            if os.environ.get("TOMED_REQUIRE_WEB") == "1":
                raise RuntimeError("npm is needed to build the web reader, or set TOMED_SKIP_WEB=1 to go without it.")
            self.app.display_warning("npm was not found: this build has no web reader.")

    @staticmethod
    def _is_from_sdist(root: Path) -> bool:
        """An unpacked sdist has its metadata beside it and its assets inside."""
        return (root / "PKG-INFO").is_file() and (root / "tomed" / "static" / "manifest.json").is_file()
