"""Collects the plugin's strings for translators: ``python plugin/strings.py`` writes ``l10n/tomesync.pot``."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent / "tomesync.koplugin"
POT = ROOT / "l10n" / "tomesync.pot"
HEADER = """# Strings of TomeSync, the KOReader plugin of tomed.
msgid ""
msgstr ""
"Project-Id-Version: tomed\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""
_CALL = re.compile(r"""(?<![\w.])_\(\s*(?:"((?:[^"\\]|\\.)*)"|\[\[(.*?)\]\])\s*\)""", re.DOTALL)


def collect(root: Path = ROOT) -> str:
    """The template: every string inside ``_()`` with the files it comes from, in the order of files and lines."""
    places: dict[str, list[str]] = {}
    for path in sorted(root.rglob("*.lua")):
        text = path.read_text("utf-8")
        for found in _CALL.finditer(text):
            plain, long = found[1], found[2]
            message = (
                plain if plain is not None else long.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            )
            line = text.count("\n", 0, found.start()) + 1
            places.setdefault(message, []).append(f"{path.relative_to(root).as_posix()}:{line}")
    entries = [f'#: {" ".join(where)}\nmsgid "{message}"\nmsgstr ""\n' for message, where in places.items()]
    return "\n".join([HEADER, *entries])


if __name__ == "__main__":
    POT.parent.mkdir(exist_ok=True)
    POT.write_text(collect(), "utf-8")
