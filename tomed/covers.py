"""Small cover images, made once from the library's ``cover.jpg`` and kept in the data folder.

A cover comes from a stranger's file. It is looked at before it is decoded (kind, pixels, bytes),
decoded one at a time in a thread of its own, and what can't be shown becomes a plain typographic
picture that is remembered like any other, so that a broken file costs its fault only once.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import tempfile
import time
import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tomed.files import File

SIZES = {"thumb": (240, 360), "large": (600, 900)}
"""Greatest width and height, in pixels, of each size that can be asked for."""

TOUCH_S = 3600

JPEG, SVG = "image/jpeg", "image/svg+xml"
SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The Content-Security-Policy to send with a placeholder."""


@dataclass(frozen=True, slots=True)
class Cover:
    """A picture on disk, ready to be sent."""

    path: Path
    content_type: str


class Covers:
    """The cache of small covers. ``limit_bytes`` bounds what it keeps; the longest unused go first."""

    def __init__(self, folder: Path, *, limit_bytes: int = 512 << 20) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tomed-covers")
        self._underway: dict[str, asyncio.Future[Cover]] = {}
        self._added = limit_bytes  # the first picture made looks at what an earlier run left

    async def get(
        self, book_uuid: str, source: File | None, size: str, *, title: str = "", authors: Sequence[str] = ()
    ) -> Cover:
        """The cover of a book in a size of ``SIZES``; a placeholder with its title when there is no usable one.

        ``source`` is the library's picture; it is read again when its time or length changed.
        """
        stamp = _stamp(source, title, authors)
        name = f"{hashlib.sha256(book_uuid.encode()).hexdigest()[:24]}-{size}-{stamp}"
        waiting = self._underway.get(name)
        if waiting is None:
            loop = asyncio.get_running_loop()
            work = (name, source.path if source else None, SIZES[size], title, tuple(authors))
            waiting = self._underway[name] = loop.run_in_executor(self._pool, self._make, *work)
            waiting.add_done_callback(lambda _: self._underway.pop(name, None))
        return await asyncio.shield(waiting)

    def close(self) -> None:
        """Let the picture that is being made end, and stop."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _make(
        self, name: str, source: Path | None, box: tuple[int, int], title: str, authors: tuple[str, ...]
    ) -> Cover:
        room = self.folder / name[:2]
        for suffix, kind in ((".jpg", JPEG), (".svg", SVG)):
            path = room / (name + suffix)
            if path.is_file():
                _touch(path)
                return Cover(path, kind)
        room.mkdir(parents=True, exist_ok=True)
        from tomed import thumbnails  # Pillow: memory that a daemon without readers of its pages can do without

        picture = thumbnails.shrink(source, box) if source else None
        if picture is not None:
            path, kind, content = room / (name + ".jpg"), JPEG, picture
        else:
            path, kind, content = room / (name + ".svg"), SVG, placeholder(title, authors).encode()
        _write(path, content)
        self._added += len(content)
        if self._added > self.limit_bytes // 10:
            self._added = 0
            _evict(self.folder, self.limit_bytes, keep=path)
        return Cover(path, kind)


def placeholder(title: str, authors: Sequence[str] = ()) -> str:
    """A typographic cover as SVG: title and authors as text on a quiet ground, chosen by the title."""
    tone = hashlib.sha256(title.encode("utf-8", "replace")).digest()[0] * 360 // 256
    lines = _wrap(_plain(title) or "?", 13, 6)
    rows = "".join(
        f'<text x="24" y="{92 + 34 * i}" font-size="27">{escape(line)}</text>' for i, line in enumerate(lines)
    )
    by = "".join(
        f'<text x="24" y="{328 - 20 * i}" font-size="15">{escape(line)}</text>'
        for i, line in enumerate(reversed(_wrap(_plain(", ".join(authors)), 24, 2)))
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 360" width="240" height="360">'
        f'<rect width="240" height="360" fill="hsl({tone},18%,90%)"/>'
        f'<rect x="24" y="40" width="48" height="3" fill="hsl({tone},35%,35%)"/>'
        f'<g fill="#1c1b19" font-family="Georgia,serif">{rows}{by}</g></svg>'
    )


def _plain(text: str) -> str:
    """Without control characters and lone surrogates, which XML does not allow."""
    return "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text[:300])


def _wrap(text: str, width: int, most: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += " " + word
        else:
            lines.append(word if len(word) <= width else word[: width - 1] + "…")
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][: width - 1] + "…"]
    return lines


def _stamp(source: File | None, title: str, authors: Sequence[str]) -> str:
    if source is not None:
        return f"{source.modified_ns:x}-{source.size:x}"
    said = "\0".join((title, *authors)).encode("utf-8", "replace")
    return "none-" + hashlib.sha256(said).hexdigest()[:12]


def _write(path: Path, content: bytes) -> None:
    """All or nothing: a reader never meets half a picture."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        Path(draft).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(draft).unlink()
        raise


def _touch(path: Path) -> None:
    """Note that a picture was wanted, now and then; its time of change stays, for browsers compare that."""
    with contextlib.suppress(OSError):
        status = path.stat()
        if time.time() - status.st_atime > TOUCH_S:
            os.utime(path, ns=(time.time_ns(), status.st_mtime_ns))


def _evict(folder: Path, limit_bytes: int, *, keep: Path) -> None:
    """Drop the longest unused pictures until nine tenths of the limit are kept."""
    found = []
    for path in folder.glob("??/*"):
        with contextlib.suppress(OSError):
            status = path.stat()
            found.append((max(status.st_atime, status.st_mtime), status.st_size, path))
    total = sum(size for _, size, _ in found)
    if total <= limit_bytes:
        return
    for _, size, path in sorted(found):
        if total <= limit_bytes * 9 // 10:
            break
        if path != keep:
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size
