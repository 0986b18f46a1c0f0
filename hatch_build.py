"""Build hook: the web reader goes into the wheel and the sdist, built, so that installing needs no node.

* `TOMED_SKIP_WEB=1` leaves it out; the pages say then that the reader is missing.
* `TOMED_REQUIRE_WEB=1` makes a wheel without it an error (for releases).
* An editable install builds nothing: `make setup` does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebBuild(BuildHookInterface[Any]):
    """Runs `npm ci` and `npm run build` in web/, into tomed/static."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files; `version` is `editable` for editable installs."""
        root = Path(self.root)
        manifest = root / "tomed" / "static" / "manifest.json"
        required = os.environ.get("TOMED_REQUIRE_WEB") == "1"
        if version == "editable" or (os.environ.get("TOMED_SKIP_WEB") == "1" and not required):
            return
        if manifest.exists() and not (root / ".git").exists():
            return  # an sdist carries the built files
        npm = shutil.which("npm")
        if npm is None:
            self._without(manifest, required)
            return
        # a checkout keeps its linters; anywhere else they are not wanted
        lean = [] if (root / ".git").exists() else ["--omit=dev"]
        for command in ([npm, "ci", "--no-audit", "--no-fund", *lean], [npm, "run", "build"]):
            try:
                subprocess.run(command, cwd=root / "web", check=True, env={**os.environ, "OUT": str(manifest.parent)})
            except subprocess.CalledProcessError as err:
                if required:
                    raise RuntimeError(f"building the web reader failed: {' '.join(command[1:])}") from err
                self.app.display_warning(f"building the web reader failed: {err}")
                self._without(manifest, required)
                return

    def _without(self, manifest: Path, required: bool) -> None:
        """No npm, or it failed: what was built before will do, else there is no reader."""
        if manifest.exists():
            self.app.display_warning("the web reader that was built before is packed")
        elif required:
            raise RuntimeError("npm (with node 20 or newer) is needed to build the web reader: TOMED_REQUIRE_WEB=1")
        else:
            self.app.display_warning("npm not found: packing tomed without its web reader")
