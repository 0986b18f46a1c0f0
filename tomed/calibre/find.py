"""The library folder that Calibre's own settings name."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

DATABASE = "metadata.db"


def is_library(folder: Path) -> bool:
    """Whether ``folder`` holds a ``metadata.db``. Never raises."""
    try:
        return (folder / DATABASE).is_file()
    except OSError:
        return False


def settings_folders(environ: Mapping[str, str], home: Path, platform: str = sys.platform) -> list[Path]:
    """Where Calibre may keep its settings, the likeliest first."""
    folders = []
    if told := environ.get("CALIBRE_CONFIG_DIRECTORY"):
        folders.append(Path(told))
    if platform == "darwin":
        folders.append(home / "Library" / "Preferences" / "calibre")
    elif platform == "win32":
        folders.append(Path(environ.get("APPDATA") or home / "AppData" / "Roaming") / "calibre")
    else:
        folders.append(Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "calibre")
        folders.append(home / ".var" / "app" / "com.calibre_ebook.calibre" / "config" / "calibre")  # Flatpak
    return folders


def find_library(
    environ: Mapping[str, str] | None = None, home: Path | None = None, platform: str = sys.platform
) -> Path | None:
    """The library in use according to Calibre itself, else ``~/Calibre Library``; None when neither is there."""
    environ = os.environ if environ is None else environ
    home = Path.home() if home is None else home
    named = [_library_path(folder / "global.py.json") for folder in settings_folders(environ, home, platform)]
    for folder in [*named, home / "Calibre Library"]:
        if folder is not None and is_library(folder):
            return folder
    return None


def _library_path(settings: Path) -> Path | None:
    try:
        told = json.loads(settings.read_text("utf-8"))["library_path"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return Path(told).expanduser() if isinstance(told, str) and told else None
