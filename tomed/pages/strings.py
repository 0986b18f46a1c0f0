"""The sentences of the pages: one TOML file a language, so that a translation is one new file.

A key is ``table.name``. A sentence may have places in braces; one that counts is a table of ``one``
and ``other``, chosen by ``count``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

LANGUAGE = "en"

Say = Callable[..., str]


def load(folder: Path, language: str = LANGUAGE) -> Say:
    """Read ``folder/LANGUAGE.toml``; the answer turns a key and its values into a sentence.

    A key that does not exist raises KeyError: a missing sentence is a fault of ours and shows in the tests.
    """
    tables = tomllib.loads((folder / f"{language}.toml").read_text("utf-8"))
    sentences = {f"{table}.{name}": value for table, entries in tables.items() for name, value in entries.items()}

    def say(key: str, /, **values: object) -> str:
        sentence = sentences[key]
        if isinstance(sentence, dict):
            sentence = sentence["one" if values.get("count") == 1 else "other"]
        if "count" in values:
            values["count"] = counted(values["count"])
        return sentence.format_map(values) if values else str(sentence)

    return say


def counted(count: object) -> str:
    """A count as a person reads it: 9, 2026, 10,308; what is no number stays as it is."""
    return f"{count:,}" if isinstance(count, int) and abs(count) >= 10_000 else str(count)
