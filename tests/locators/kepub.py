"""Makes a KEPUB of an EPUB the way Kobo's tools do it: wrappers, and each sentence in a numbered span."""

from __future__ import annotations

import io
import re
import zipfile
from itertools import count
from pathlib import Path

_BODY = re.compile(r"(<body[^>]*>)(.*)(</body>)", re.DOTALL)
_TEXT = re.compile(r">([^<]*[^<\s][^<]*)<")
_SENTENCE = re.compile(r"[^.!?]*[.!?]+[”’\"']*\s*|[^.!?]+")


def kepubified(book: Path) -> bytes:
    """The bytes of the KEPUB."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, _wrapped(data.decode()).encode() if name.endswith(".xhtml") else data)
    return buffer.getvalue()


def _wrapped(markup: str) -> str:
    numbers = count(1)

    def spans(match: re.Match[str]) -> str:
        pieces = (f'<span class="koboSpan" id="kobo.1.{next(numbers)}">{s}</span>' for s in _SENTENCE.findall(match[1]))
        return f">{''.join(pieces)}<"

    def body(match: re.Match[str]) -> str:
        return (
            f'{match[1]}<div id="book-columns"><div id="book-inner">{_TEXT.sub(spans, match[2])}</div></div>{match[3]}'
        )

    return _BODY.sub(body, markup)
