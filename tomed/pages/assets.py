"""``/assets/``: files whose name tells their content, so that a browser may keep them for ever.

The reader's are built into ``static_dir/assets`` with a ``manifest.json`` (``reader.js`` -> ``assets/reader-HASH.js``)
and ``.br`` and ``.gz`` siblings. ``site.css`` is served as it is written: a bundler would make it shorter by words
that an e-reader's browser does not know, and the pages look right without any build.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from aiohttp import hdrs, web

from tomed.errors import NotFound

FOREVER = "public, max-age=31536000, immutable"

TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
    ".bcmap": "application/octet-stream",
}


_HASHED = re.compile(r"-(?:[0-9A-Z]{8}|[0-9a-f]{10})\.\w+$|^[\w.]+-\d+(?:\.\d+)+/")


@dataclass(frozen=True, slots=True)
class Kept:
    """A small file held in memory."""

    content: bytes
    zipped: bytes
    content_type: str


class Assets:
    """Where the assets are and what they are called today."""

    def __init__(self, static: Path, plain: tuple[Path, ...] = ()) -> None:
        self.static = static.resolve()
        self.manifest: dict[str, str] = {}
        """Plain name to ``assets/HASHED``, as the build wrote it, and the files served as they are."""
        self._kept: dict[str, Kept] = {}
        with contextlib.suppress(FileNotFoundError):
            self.manifest.update(json.loads((self.static / "manifest.json").read_text("utf-8")))
        for path in plain:
            with contextlib.suppress(FileNotFoundError):
                self._keep(path.name, path.read_bytes())

    def _keep(self, name: str, content: bytes) -> None:
        stem, _, suffix = name.rpartition(".")
        hashed = f"{stem}-{hashlib.sha256(content).hexdigest()[:10]}.{suffix}"
        self.manifest[name] = f"assets/{hashed}"
        self._kept[hashed] = Kept(content, gzip.compress(content, 9, mtime=0), _type(name))

    def path(self, name: str) -> str:
        """The address of the file that is called ``name`` in the sources, without our prefix."""
        return "/" + self.manifest.get(name, f"assets/{name}")

    def has(self, name: str) -> bool:
        """Whether ``name`` was built (the reader may not have been)."""
        return name in self.manifest

    def answer(self, request: web.Request, name: str) -> web.StreamResponse:
        """The file of a request. Raises NotFound for what is none of them, however it is written."""
        headers = {
            "Cache-Control": FOREVER if _hashed(name) else "no-cache",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        kept = self._kept.get(name)
        if kept is not None:
            headers["Vary"] = "Accept-Encoding"
            zipped = "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
            if zipped:
                headers["Content-Encoding"] = "gzip"
            body = kept.zipped if zipped else kept.content
            return web.Response(body=body, content_type=kept.content_type, charset="utf-8", headers=headers)
        folder = self.static / "assets"
        path = (folder / name).resolve() if "\0" not in name else folder
        if not path.is_relative_to(folder) or path.suffix in (".br", ".gz") or not path.is_file():
            raise NotFound("There is no such file.")
        headers["Content-Type"] = _type(path.name)
        return web.FileResponse(path, headers=headers)  # sends the .br or .gz sibling to who takes it


def _hashed(name: str) -> bool:
    """Whether the content behind a name can never change: the file carries a hash, or its folder a version."""
    return _HASHED.search(name) is not None


def _type(name: str) -> str:
    suffix = "." + name.rpartition(".")[2]
    return TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
