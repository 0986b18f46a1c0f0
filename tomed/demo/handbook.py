"""The handbook: EPUB volumes of a series, made from the files in ``handbook/``.

``handbook/volumes.toml`` names the volumes; each has a folder of chapters ``NN-name.md``:

* ``1-first-evening``: what tomed is, the first link, the library stays untouched, several readers
* ``2-your-e-reader``: the plugin, what it does, places, bringing books, without network
* ``3-in-the-browser``: the library as a page, the reader, saving, away from home, books you do not trust
* ``4-the-numbers``: what counts, the day's border, streaks and goals, estimates, export
* ``5-when-something-is-wrong``: the inbox, nothing arrives, missing libraries, lost places, keeping it safe
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid5

from tomed.demo import drawing, markdown
from tomed.demo.calibre_library import DEFAULT_AT, LibraryBook
from tomed.demo.epub import Chapter, Epub, epub_bytes

SOURCES = Path(__file__).parent / "handbook"
DEMO = UUID("6f0d6b1e-8a39-4c55-9d5e-746f6d656400")
"""The name space of every uuid of the demo, so that a book is the same book wherever the demo is made."""

_HOUR_MS = 3_600_000
_NUMERALS = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII")

_CSS = """\
body { line-height: 1.45; margin: 0 4%; }
h1 { font-size: 1.5em; margin: 2em 0 1em; text-align: left; }
h2 { font-size: 1.15em; margin: 1.6em 0 0.5em; }
p { margin: 0; text-indent: 1.3em; }
h1 + p, h2 + p, ul + p, ol + p, table + p, pre + p { text-indent: 0; }
ul, ol, table, pre { margin: 0.9em 0; }
li { margin: 0.25em 0; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #999; padding: 0.25em 0.6em 0.25em 0; text-align: left; vertical-align: top; }
pre { white-space: pre-wrap; font-size: 0.9em; padding: 0.5em 0.8em; border-left: 0.2em solid #999; }
code { font-family: monospace; }
.cover { text-align: center; }
.cover img { max-width: 100%; max-height: 100%; }
"""


def volumes(sources: Path = SOURCES) -> Iterator[LibraryBook]:
    """Every volume as a book for a library, its EPUB and cover made."""
    told = tomllib.loads((sources / "volumes.toml").read_text(encoding="utf-8"))
    for volume in told["volume"]:
        uuid = str(uuid5(DEMO, volume["folder"]))
        index = float(volume["index"])
        cover = drawing.cover(
            volume["title"],
            told["author"],
            ground=tuple(volume["ground"]),
            numeral=_NUMERALS[int(index)],
        )
        epub = Epub(
            volume["title"],
            [Chapter(*markdown.chapter(path.read_text(encoding="utf-8"))) for path in chapter_files(volume, sources)],
            (told["author"],),
            language=told["language"],
            uuid=uuid,
            identifiers=(f"calibre:{uuid}",),
            series=told["series"],
            series_index=index,
            description=volume["description"],
            publisher="tomed",
            css=_CSS,
            cover=cover,
        )
        yield LibraryBook(
            volume["title"],
            (told["author"],),
            files={"EPUB": epub_bytes(epub)},
            series=told["series"],
            series_index=index,
            tags=tuple(volume["tags"]),
            publisher="tomed",
            comments=f"<p>{volume['description']}</p>",
            cover=cover,
            uuid=uuid,
            added_at=DEFAULT_AT + round(index * _HOUR_MS),
            published_at=DEFAULT_AT,
        )


def chapter_files(volume: dict[str, str], sources: Path = SOURCES) -> list[Path]:
    """The sources of a volume's chapters, in order."""
    return sorted((sources / volume["folder"]).glob("[0-9][0-9]-*.md"))
