"""The container of an EPUB: which chapter files there are, in which order, and their bytes.

Everything is bounded, because books are hostile: nothing is unpacked to disk, no name leaves the archive, no entry is
read further than a limit, and the archive is not kept open.
"""

from __future__ import annotations

import io
import posixpath
import urllib.parse
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tomed.errors import Invalid
from tomed.locators import markup

MOST_ENTRIES = 65_535
MOST_ITEMS = 20_000
LARGEST_FILE = 12 << 20
"""Bytes of one unpacked chapter; a longer one has no model, only a section."""
LARGEST_PACKAGE = 8 << 20

_XHTML = "application/xhtml+xml"
_NCX = "application/x-dtbncx+xml"


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a file's bytes lie in the archive."""

    offset: int
    packed: int
    size: int
    method: int


@dataclass(frozen=True, slots=True)
class Item:
    """A usable item of the spine: what foliate-js calls a section, and the engine at least one DocFragment."""

    step: int
    """The CFI step of its ``itemref`` below ``spine``."""
    id: str
    """The id of the ``itemref``, often empty."""
    href: str
    """Its name in the archive."""
    media_type: str
    linear: bool = True

    @property
    def is_text(self) -> bool:
        """True for a chapter of which there can be a tree."""
        return self.media_type == _XHTML


@dataclass(slots=True)
class Package:
    """An opened EPUB."""

    source: Path | bytes
    items: list[Item] = field(default_factory=list)
    spine_step: int = 6
    entries: dict[str, Entry] = field(default_factory=dict)
    contents: str = ""
    """Name of the navigation document, or else of the NCX; empty when there is neither."""

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None when it isn't there, can't be unpacked, or is larger than any chapter."""
        entry = self.entries.get(name)
        if entry is None or entry.size > LARGEST_FILE or entry.packed > LARGEST_FILE:
            return None
        try:
            with _opened(self.source) as file:
                return _unpacked(file, entry)
        except (OSError, zlib.error, ValueError):
            return None

    def number_of_step(self, step: int, identity: str = "") -> int | None:
        """The index of the item at a CFI step below ``spine``; when its id contradicts, the only item with that id."""
        named = [index for index, item in enumerate(self.items) if identity and item.id == identity]
        at = next((index for index, item in enumerate(self.items) if item.step == step), None)
        if len(named) == 1 and at not in named:
            return named[0]
        return at


def open_package(source: Path | bytes) -> Package:
    """Read container, package document and spine.

    Raises:
        Invalid: it is no EPUB that could be read; the sentence says what is wrong.
    """
    try:
        with _opened(source) as file, zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            if len(infos) > MOST_ENTRIES:
                raise Invalid(f"The file holds {len(infos)} entries, more than any book.")
            # Of duplicate names the last one counts, as for zipfile itself.
            entries = {i.filename: Entry(i.header_offset, i.compress_size, i.file_size, _method(i)) for i in infos}
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as err:
        raise Invalid(f"The file is no EPUB that can be opened: {err}.") from err
    package = Package(source, entries=entries)
    name = _package_name(package)
    _read_spine(package, name)
    # Only what may be read again is kept: chapters, style sheets, the table of contents.
    wanted = {item.href for item in package.items} | {package.contents}
    package.entries = {n: e for n, e in entries.items() if n in wanted or n.lower().endswith(".css")}
    return package


def resolved(base: str, href: str) -> str:
    """The name in the archive that an address in the file ``base`` means; empty when it leaves the archive."""
    path = urllib.parse.unquote(href.partition("#")[0].partition("?")[0])
    if "://" in path or path.startswith("/"):
        return ""
    name = posixpath.normpath(posixpath.join(posixpath.dirname(base), path))
    return "" if name.startswith("..") or name == "." else name


def _opened(source: Path | bytes) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _method(info: zipfile.ZipInfo) -> int:
    return -1 if info.flag_bits & 1 else info.compress_type  # encrypted: there, but not to be read


def _unpacked(file: BinaryIO, entry: Entry) -> bytes:
    file.seek(entry.offset)
    header = file.read(30)
    if header[:4] != b"PK\x03\x04" or entry.method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("no readable entry")
    file.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), io.SEEK_CUR)
    packed = file.read(entry.packed)
    if entry.method == zipfile.ZIP_STORED:
        return packed
    data = zlib.decompressobj(-15).decompress(packed, LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise ValueError("larger than it says")
    return data


def _document(package: Package, name: str, what: str) -> str:
    entry = package.entries.get(name)
    if entry is None:
        raise Invalid(f"The EPUB has no {what} ({name}).")
    data = package.read(name) if entry.size <= LARGEST_PACKAGE else None
    if data is None:
        raise Invalid(f"The EPUB's {what} can't be read.")
    return markup.decode(data)[0]


def _package_name(package: Package) -> str:
    source = _document(package, "META-INF/container.xml", "container")
    for token in markup.tokens(source):
        if token.kind is markup.Kind.OPEN and token.name == "rootfile":
            attributes = markup.attributes(source, token)
            if attributes.get("media-type", "application/oebps-package+xml") == "application/oebps-package+xml":
                return resolved("", urllib.parse.quote(attributes.get("full-path", ""))) or _nowhere()
    return _nowhere()


def _nowhere() -> str:
    raise Invalid("The EPUB's container names no package document.")


def _read_spine(package: Package, name: str) -> None:
    """Count elements of the package document as a CFI does and note the spine's usable items."""
    source = _document(package, name, "package document")
    manifest: dict[str, tuple[str, str]] = {}
    navigation: str | None = None
    ncx: str | None = None
    references: list[tuple[int, dict[str, str]]] = []
    stack: list[str] = []
    below_package = below_spine = 0
    found = False
    for token in markup.tokens(source):
        if token.kind is markup.Kind.CLOSE and token.name in stack:
            while stack.pop() != token.name:
                pass
        elif token.kind is markup.Kind.OPEN and not token.name.startswith("?"):
            if stack == ["package"]:
                below_package += 1
                if token.name == "spine" and not found:
                    found, package.spine_step = True, below_package * 2
            elif stack == ["package", "manifest"] and token.name == "item" and len(manifest) < MOST_ITEMS:
                attributes = markup.attributes(source, token)
                href, media_type = attributes.get("href", ""), attributes.get("media-type", "")
                manifest.setdefault(attributes.get("id", ""), (href, media_type))
                if "nav" in attributes.get("properties", "").split():
                    navigation = navigation or href
                elif media_type == _NCX:
                    ncx = ncx or href
            elif stack == ["package", "spine"]:
                below_spine += 1
                if token.name == "itemref":
                    references.append((below_spine * 2, markup.attributes(source, token)))
            if not token.closed and len(stack) < 64:
                stack.append(token.name)
    if not found:
        raise Invalid("The EPUB's package document has no spine.")
    if len(references) > MOST_ITEMS:
        raise Invalid(f"The EPUB's spine has {len(references)} items, more than any book.")
    for step, reference in references:
        href, media_type = manifest.get(reference.get("idref", ""), ("", ""))
        if href and reference.get("idref"):
            linear = reference.get("linear") != "no"
            package.items.append(Item(step, reference.get("id", ""), resolved(name, href), media_type, linear))
    if not package.items:
        raise Invalid("The EPUB's spine is empty.")
    package.contents = resolved(name, navigation or ncx or "")
