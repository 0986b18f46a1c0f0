"""How many words a book has, from its EPUB: for the pace in words a minute.

A word is a run of letters or digits; where words are not spaced (Chinese, Japanese) two characters are one.
The file is a stranger: nothing is unpacked to disk, and no more is read than a long novel has.
"""

from __future__ import annotations

import html
import re
import zipfile
import zlib
from pathlib import Path

ENTRY_MAX = 16 * 1024 * 1024
BOOK_MAX = 128 * 1024 * 1024

_HIDDEN = re.compile(r"<(script|style|head)\b.*?</\1\s*>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]{0,10000}>")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def words_of_text(text: str) -> int:
    """The words of plain text."""
    unspaced = len(_UNSPACED.findall(text))
    return len(_WORD.findall(_UNSPACED.sub(" ", text))) + unspaced // 2


def words_of_markup(markup: str) -> int:
    """The words a reader of an XHTML file sees."""
    return words_of_text(html.unescape(_TAG.sub(" ", _HIDDEN.sub(" ", markup))))


def words_of(path: Path) -> int | None:
    """The words of an EPUB, None when it can't be read as one."""
    left, words = BOOK_MAX, 0
    try:
        with zipfile.ZipFile(path) as book:
            for entry in book.infolist():
                name = entry.filename.lower()
                if not name.endswith((".xhtml", ".html", ".htm")) or "nav." in name or "toc." in name:
                    continue
                if entry.file_size > ENTRY_MAX or entry.flag_bits & 1:
                    continue
                with book.open(entry) as file:
                    data = file.read(min(ENTRY_MAX, left))
                left -= len(data)
                words += words_of_markup(data.decode("utf-8", "replace"))
                if left <= 0:
                    break
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError):
        return None
    return words
