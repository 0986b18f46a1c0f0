"""The names a book's file goes by: one for every road to a device, and the folding that compares them.

Pure. Each road writes the name in its own way:

=============  =====================================================================  ====================
road           name                                                                   written by
=============  =====================================================================  ====================
``disk``       as in the library: a plain copy, Syncthing, our own downloads          Calibre (``data.name``)
``sent``       ``title sort - all authors``, ASCII; by wireless `` (id)`` is added    send to device
``saved``      the same, in its own script                                            save to disk
``served``     ``title[:30] - authors[:30]_id``                                       content server
``opds``       ``authors - title``, cut at 240 bytes                                  KOReader's OPDS client
``web``        ``title - first author``, in ASCII and in its own script               Calibre-Web
=============  =====================================================================  ====================

``served`` (and a wireless `` (id)``) is not kept as a name: its number leads to the book and the rest is
compared then (``tomed/matching.py``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from tomed.folding import fold, remembered
from tomed.spelling import spell, spell_for_web

_EXTENSIONS = (
    "azw azw1 azw3 azw4 cb7 cbc cbr cbt cbz chm djv djvu doc docx epub fb2 fbz htm html htmlz kepub kfx lit lrf"
    " mobi odt original_epub pdb pdf prc rar rb rtf snb tpz txt txtz xps zip"
)
EXTENSIONS = frozenset(_EXTENSIONS.split())
"""What may follow the last dot of a book's file; anything else after a dot belongs to the name."""

LONGEST_PATH = 250
"""What Calibre lets the whole path on a device be long."""

LONGEST_COMPONENT = 254
"""Bytes of one folder or file name, as Calibre cuts it."""

_DOUBLE = {("kepub", "epub"): "kepub", ("fb2", "zip"): "fb2", ("htmlz", "zip"): "htmlz", ("txt", "zip"): "txt"}
_REPLACED = re.compile('[\\\\/:*?"<>|+\x00-\x1f\x7f\ufffd]')
_CALIBRE_REPLACED = re.compile('[\\\\|?*<":>+/\x00-\x1f]')
_KOREADER_REPLACED = re.compile('[\\\\/:*?"<>|]')
_SURROGATE = re.compile("[\ud800-\udfff]")
_PLAIN = re.compile(r"[A-Za-z0-9(][A-Za-z0-9 ,.;'&()!|-]{,119}")
_BREAK = re.compile(r"\r?\n|\t")
_SPACE = re.compile(r"\s")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Named:
    """What a book's names are made of, as Calibre keeps it."""

    title: str
    sort: str
    authors: tuple[str, ...]
    author_sort: str
    files: tuple[tuple[str, str], ...]
    """``(format, name)`` of each file: ``("EPUB", "Dune - Frank Herbert")``."""
    path: str = ""
    """Folder inside the library: ``Frank Herbert/Dune (42)``."""
    calibre_id: int = 0


# Folding ----------------------------------------------------------------------------------------


def mend(text: str) -> str:
    """``text`` without lone surrogates, which no database takes; they become the replacement character."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def split_extension(name: str) -> tuple[str, str]:
    """``("Dune", "epub")`` from ``Dune.epub``; ``.kepub.epub`` is one ending, an unknown one belongs to the name."""
    stem, dot, extension = name.rpartition(".")
    extension = extension.lower()
    if not dot or not stem or extension not in EXTENSIONS:
        return name, ""
    inner_stem, _, inner = stem.rpartition(".")
    double = _DOUBLE.get((inner.lower(), extension))
    return (inner_stem, double) if double and inner_stem else (stem, extension)


def name_key(stem: str) -> str:
    """Key of a file name without extension: only what file systems themselves blur is blurred.

    That is case, composed and decomposed letters, white space, and the signs that one road keeps and
    another replaces by ``_``. The result has no ``/``.
    """
    if not stem.isascii():
        stem = unicodedata.normalize("NFC", mend(stem))
    return " ".join(_REPLACED.sub("_", stem).casefold().split()).rstrip(". ")


@remembered(4096)
def words_key(text: str) -> str:
    """Key of a title or a person: words without case, accents and punctuation. Signs alone stay as they are."""
    text = mend(text)
    return " ".join(_WORD.findall(fold(text))) or " ".join(text.split())


@remembered(8192)
def author_keys(author: str) -> frozenset[str]:
    """Keys of a person in any usual writing: ``Le Guin, Ursula K.`` and ``Ursula K. Le Guin`` share one.

    In a script of its own there are two, that script and its ASCII spelling.
    """
    own = " ".join(sorted(words_key(author).split()))
    return (
        frozenset((own,)) if author.isascii() else frozenset((own, " ".join(sorted(words_key(spell(author)).split()))))
    )


def title_keys(*titles: str) -> set[str]:
    """Keys under which a title may be asked for: its own script and its ASCII spelling."""
    keys: set[str] = set()
    for title in titles:
        keys.add(words_key(title))
        if not title.isascii():
            keys.add(words_key(spell(title)))
    keys.discard("")
    return keys


def volume_key(series: str, index: float) -> str:
    """Key of one volume of a series: ``("Earthsea", 1.5)`` → ``earthsea/1.5``. Empty without a series."""
    key = words_key(series)
    return f"{key}/{index:.12g}" if key else ""


# The roads --------------------------------------------------------------------------------------


def roads(book: Named) -> Iterator[tuple[str, str, str]]:
    """Every ``(road, key, extension)`` a file of this book may come back under; the extension in lower case."""
    if not book.files:
        return
    authors = book.authors or ("Unknown",)
    everybody = authors_text(authors)
    sort = book.sort or book.title
    stems: dict[str, str] = {}
    for road, stem in _stems(book, sort, authors, everybody):
        stems.setdefault(stem, road)
    keys: dict[str, str] = {}
    for stem, road in stems.items():
        keys.setdefault(name_key(stem), road)
    is_long = _is_long(book)
    for format_, disk in book.files:
        extension = format_.lower()
        own = {name_key(disk): "disk"}
        if is_long:
            name = sent(sort, everybody, book.author_sort or everybody, book.calibre_id, extension)
            own.setdefault(name_key(name), "sent")
        for key, road in (own | keys).items():
            if key:
                yield road, key, extension


def _stems(book: Named, sort: str, authors: tuple[str, ...], everybody: str) -> Iterator[tuple[str, str]]:
    """Names that no format changes."""
    title, author = book.title, authors[0]
    text = f"{sort}|{title}|{everybody}"
    if (
        _PLAIN.fullmatch(text)
        and text.count("|") == 2
        and ".." not in text
        and not text.endswith(".")
        and not author.endswith(".")
    ):
        # Nothing to replace and nothing to cut, as in most books.
        yield "sent", f"{sort} - {everybody}"
        yield "opds", f"{everybody} - {title}"
        yield "web", f"{title} - {author}"
    else:
        yield "sent", _sent_short(sort, everybody)
        dialect = _dialect(book)
        if dialect is not None:
            yield "sent", dialect
        yield "saved", saved(sort, everybody)
        yield "opds", opds(everybody, title)
        yield "web", web(title, author)
        if not (title.isascii() and author.isascii()):
            yield "web", web(spell_for_web(title), spell_for_web(author))
    if len(authors) > 1:  # a feed that lists authors apart: KOReader keeps the last one
        yield "opds", opds(authors[-1], title)


def _is_long(book: Named) -> bool:
    """Near Calibre's limits folder and extension have a say in how a name is cut; a spelling may be thrice as long."""
    letters = len(book.sort or book.title) + len(book.author_sort) + sum(map(len, book.authors))
    return letters > (180 if book.title.isascii() else 60)


def authors_text(authors: Sequence[str]) -> str:
    """Authors as Calibre joins them; its content server writes an ampersand inside a name double."""
    return " & ".join(authors)


def sent(title_sort: str, authors: str, author_sort: str, calibre_id: int, extension: str) -> str:
    """Stem of a file that Calibre sent to a device by its default template."""
    name = ascii_name(_formatted(title_sort, authors))
    components = [c for c in (ascii_name(_one_line(author_sort)), name) if c]
    components = shorten(components, LONGEST_PATH - len(str(calibre_id)) - 1, has_extension=False)
    components[-1] = _at_end(ascii_name(f"{components[-1]}.{extension}"))
    components = shorten([c.rstrip(".").strip() or "x" for c in components], LONGEST_PATH, has_extension=True)
    return components[-1].rpartition(".")[0]


def _sent_short(title_sort: str, authors: str) -> str:
    """The same where nothing has to be cut."""
    name = ascii_name(_formatted(title_sort, authors))
    return _at_end(name.replace("..", "_"))


def _at_end(name: str) -> str:
    return "x" + name[1:] if name.startswith((".", "_")) else name


def _formatted(title_sort: str, authors: str) -> str:
    return _one_line(f"{title_sort} - {authors}")


def _one_line(text: str) -> str:
    """As Calibre's templates write a value: white space of any kind is one space."""
    return " ".join(text.split())


def saved(title_sort: str, authors: str) -> str:
    """Stem of a file that "save to disk" wrote by its default template."""
    return limit(file_name(_formatted(title_sort, authors)), LONGEST_COMPONENT)


def served(title: str, authors: str, calibre_id: int) -> str:
    """Stem of a download from Calibre's content server, in its own script."""
    return f"{title[:30]} - {authors[:30]}_{calibre_id}"


def opds(authors: str, title: str) -> str:
    """Stem of a download by KOReader's OPDS client."""
    name = f"{authors} - {title}" if authors else title
    name = _BREAK.sub(" ", _KOREADER_REPLACED.sub("_", name))
    return _head(name, 240)


def web(title: str, author: str) -> str:
    """Stem of a download from Calibre-Web."""
    name = f"{title} - {author}"
    if name.endswith("."):
        name = name[:-1] + "_"
    return _head(name.replace("/", "_").replace(":", "_").strip("\0"), 128).strip()


def _head(text: str, longest: int) -> str:
    """The first ``longest`` bytes, no character broken."""
    if len(text) * 4 <= longest:
        return text
    return mend(text).encode()[:longest].decode(errors="ignore")


def _dialect(book: Named) -> str | None:
    """The ``sent`` name spelled as this Calibre spells, seen in its folder names, when that is not our spelling."""
    author_folder, _, title_folder = book.path.partition("/")
    title_folder = title_folder.rpartition(" (")[0]
    if (
        not title_folder
        or not author_folder
        or (book.title.isascii() and book.authors[:1] and book.authors[0].isascii())
    ):
        return None
    if (
        not _WORD.search(title_folder)
        or len(title_folder) > 80
        or book.sort not in ("", book.title)
        or len(book.authors) != 1
    ):
        return None
    if title_folder == ascii_name(book.title.lstrip()) and author_folder == ascii_name(book.authors[0]):
        return None
    return f"{title_folder} - {author_folder}"


# How Calibre makes a name safe and short ----------------------------------------------------------


def ascii_name(text: str) -> str:
    """``text`` as Calibre writes it into an ASCII file name."""
    return file_name(spell(text).replace("?", "_"))


def file_name(text: str) -> str:
    """``text`` as Calibre makes a name that every file system takes."""
    name = _SPACE.sub(" ", _CALIBRE_REPLACED.sub("_", text)).strip()
    if "." not in name:
        return name
    stem, extension = _splitext(name)
    name = ("_" if stem and not stem.strip(".") else stem.replace("..", "_")) + extension
    if name.endswith((".", " ")):
        name = name[:-1] + "_"
    return "_" + name[1:] if name.startswith(".") else name


def _splitext(name: str) -> tuple[str, str]:
    """Like ``os.path.splitext``: leading dots belong to the name."""
    stem, dot, extension = name.rpartition(".")
    return (stem, dot + extension) if stem.strip(".") else (name, "")


def limit(text: str, longest: int) -> str:
    """``text`` with its middle taken out until it has at most ``longest`` bytes."""
    if len(text) * 4 <= longest:
        return text
    while (size := len(mend(text).encode())) > longest:
        shorter = _without_middle(text, max(2, (size - longest) // 2))
        text = shorter if shorter != text else text[:-2]
    return text


def _without_middle(text: str, by: int) -> str:
    if len(text) < by or (half := (len(text) - by) // 2) <= 0:
        return text
    return text[:half] + text[-half:]


def shorten(components: Iterable[str], longest: int, *, has_extension: bool, more: int = 0) -> list[str]:
    """Path components shortened in their middles, each by its share, until the path has ``longest`` characters."""
    parts = [limit(c, LONGEST_COMPONENT) for c in components]
    whole = sum(map(len, parts)) + len(parts) - 1
    extra = whole - (longest - more)
    if extra < 1:
        return parts
    short = []
    for number, part in enumerate(parts):
        by = ceil(len(part) / whole * extra)
        is_last = number == len(parts) - 1
        if by > len(part):
            cut = part[0] if is_last else ""
        elif has_extension and is_last:
            stem, extension = _splitext(part)
            cut = _without_middle(stem, by) + ("" if extension == "." else extension)
            if cut.startswith("."):
                cut = part[0] + cut
        else:
            cut = _without_middle(part, by)
        short.append(cut.strip() or part.strip()[:1] or "x")
    if len("/".join(short)) > longest:
        return shorten(short, longest, has_extension=has_extension, more=more + 2)
    return short
