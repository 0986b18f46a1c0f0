"""Ten thousand books: all names of all roads and all bytes, before and after a fifth was renamed and all rewritten.

Right means: the one book that has or had this name or these bytes, or ``ambiguous`` with all of them.
The names come from the functions that ``test_road_names.py`` holds to what the programs themselves wrote.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.calibredb import run_calibre
from tests.matching.sidecar import NOW, entry
from tomed import names
from tomed.errors import Ambiguous, NoMatch
from tomed.fingerprints import Fingerprints
from tomed.model import BookId, Clues, Entry, Format
from tomed.resolving import resolve
from tomed.store import aliases, mirror
from tomed.store.db import Store

BOOKS = 10_000
FIRST = 5_001
"""The first of Calibre's numbers: not those that the sidecar counts by."""
TWINS = 150
"""Pairs with the same title, author and bytes: nothing can tell a file of one from a file of the other."""
TWIN_OF = {FIRST + BOOKS - TWINS + n: FIRST + n for n in range(TWINS)}
RENAMED = BOOKS // 5

_WORDS = """winter river lamp C++ salt A.B. paper's moon 50% o_o #1 glass & fire: “north” Straße nächte Ångström зима
 река 星 の 物語 ليل نجم 海 stone? Lost/Found garden house sea night crown road ash iron wolf … last first green"""
_PEOPLE = """Ada Quill, Bram Oduya, Mira Vance, Jürgen Groß, Лев Ткач, 月 野, Émile Žižek, Ursula Le-Guin, Kei Arai,
 Zoë O'Neil, Ann Smith, Tomás Nuñez, Ada Brown, Bram Vance, Mira Ткач, Ann Žižek, Jürgen Quill, Kei 野"""
_CYCLES = (
    "Lamplighters",
    "The Exceedingly Long Chronicle of the Northern Marches and Their Keepers",
    "Earth",
    "星の物語",
)


def catalogue(dice: random.Random) -> list[Entry]:
    """Titles of many scripts, signs and lengths; a third are volumes, which differ by their number alone."""
    words, people = _WORDS.split(), [name.strip() for name in _PEOPLE.split(",")]
    books: list[Entry] = []
    for number in range(FIRST, FIRST + BOOKS):
        if number in TWIN_OF:
            twin = books[TWIN_OF[number] - FIRST]
            books.append(made(number, twin.title, [name for name, _ in twin.authors]))
            continue
        authors = dice.sample(people, dice.choice((1, 1, 1, 2, 3)))
        if dice.random() < 0.3:
            title = f"{dice.choice(_CYCLES)}, Vol. {number % 60 + 1}"
        else:
            article = dice.choice(("", "", "The ", "A "))
            title = article + " ".join(dice.sample(words, dice.randint(1, 5)))
        books.append(made(number, title, authors))
    return books


def made(number: int, title: str, authors: list[str]) -> Entry:
    first, _, rest = title.partition(" ")
    sort = f"{rest}, {first}" if first in ("The", "A") and rest else title
    return entry(title, *authors, calibre_id=number, sort=sort)


def road_names(one: Entry) -> Iterator[str]:
    """The name that each road gives the book's file."""
    people = tuple(name for name, _ in one.authors)
    everybody = " & ".join(people)
    yield one.formats[0].name
    yield names.sent(one.sort, everybody, one.author_sort, one.calibre_id, "epub")
    yield names.saved(one.sort, everybody)
    yield names.opds(everybody, one.title)
    yield names.web(one.title, people[0])


def served_name(one: Entry) -> str:
    """The content server's, which carries the number."""
    return names.served(one.title, " & ".join(name for name, _ in one.authors), one.calibre_id)


def epub(title: str, identifier: str) -> bytes:
    """A tiny EPUB: its metadata is most of it."""
    opf = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="2.0"><metadata '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title>'
        f"<dc:identifier>{identifier}</dc:identifier></metadata><manifest><item id='t' href='t.xhtml' "
        "media-type='application/xhtml+xml'/></manifest><spine><itemref idref='t'/></spine></package>"
    )
    container = "<container><rootfiles><rootfile full-path='c.opf'/></rootfiles></container>"
    return zipped(
        {"mimetype": "application/epub+zip", "META-INF/container.xml": container, "c.opf": opf, "t.xhtml": "<p/>"}
    )


def zipped(parts: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return out.getvalue()


def rewritten(data: bytes, title: str, uuid: str) -> bytes:
    """What Calibre does when it sends or polishes: the same book with its metadata and uuid written in anew."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    inside = f"<dc:title>{title}</dc:title><dc:identifier>calibre:{uuid}</dc:identifier>"
    parts["c.opf"] = (
        parts["c.opf"].replace("<metadata ", "<metadata\n", 1).replace("<dc:title>", inside + "<dc:title>", 1)
    )
    return zipped(parts)


def koreader_md5(data: bytes) -> str:
    """KOReader's fingerprint of a file below 4 KiB: its two samples."""
    assert len(data) < 4096
    return hashlib.md5(data[:2048], usedforsecurity=False).hexdigest()


class Household:
    """The sidecar over a library of these books, and what each name and hash must be answered with."""

    def __init__(self, store: Store, library: Path) -> None:
        self.store = store
        self.library = library
        self.keys: dict[int, BookId] = {}
        self.by_name: dict[tuple[str, str], set[BookId]] = defaultdict(set)
        self.by_md5: dict[str, set[BookId]] = defaultdict(set)

    async def index(self, books: Iterable[Entry]) -> None:
        """As the indexer writes them."""
        items = [mirror.Item(one, "book", mirror.digest(one, "book")) for one in books]

        def work(connection: mirror.Connection) -> None:
            row = mirror.register(connection, str(self.library), "Library", None, [str(self.library)])
            written, _ = mirror.put(connection, row.id, items, NOW)
            aliases.remember_names(connection, written, NOW)
            self.keys |= {one.calibre_id: book_id for book_id, one in written}

        await self.store.write_long(work)
        for item in items:
            one = item.entry
            people = tuple(name for name, _ in one.authors)
            files = tuple((form.format, form.name) for form in one.formats)
            named = names.Named(one.title, one.sort, people, one.author_sort, files, one.path, one.calibre_id)
            for key in {(names.name_key(name), "epub") for name in road_names(one)}:
                self.by_name[key].add(self.keys[one.calibre_id])
            for _, key, extension in names.roads(named):
                self.by_name[key, extension].add(self.keys[one.calibre_id])

    async def write(self, files: dict[int, bytes], books: dict[int, Entry]) -> None:
        """The library's files, and the daemon's look at them."""
        for number, data in files.items():
            one = books[number]
            path = self.library / one.path / f"{one.formats[0].name}.epub"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            self.by_md5[koreader_md5(data)].add(self.keys[number])
        await Fingerprints(self.store, lambda: NOW).catch_up(rest=0)

    def answer(self, **clues: str) -> set[BookId]:
        """The certain book, or all that are meant with equal right; nothing for ``no_match``."""
        try:
            return {self.store.read(lambda c: resolve(c, Clues(**clues))).book_id}  # type: ignore[arg-type]
        except Ambiguous as err:
            return {candidate.book_id for candidate in err.details["candidates"]}
        except NoMatch:
            return set()

    def check_names(self, books: Iterable[Entry]) -> tuple[int, int]:
        """Every road's name of these books; how many were one book's and how many were several's."""
        unique = shared = 0
        for one in books:
            for name in dict.fromkeys(road_names(one)):
                owners = self.by_name[names.name_key(name), "epub"]
                assert self.answer(filename=f"/mnt/onboard/{name}.epub") == owners, (name, owners)
                unique, shared = unique + (len(owners) == 1), shared + (len(owners) > 1)
            assert self.answer(filename=served_name(one).replace("/", "_") + ".epub") == {self.keys[one.calibre_id]}
        return unique, shared

    def check_bytes(self, files: dict[int, bytes]) -> tuple[int, int]:
        """All these files under names that say nothing."""
        unique = shared = 0
        for data in files.values():
            md5 = koreader_md5(data)
            assert self.answer(filename="download.epub", partial_md5=md5) == self.by_md5[md5]
            unique, shared = unique + (len(self.by_md5[md5]) == 1), shared + (len(self.by_md5[md5]) > 1)
        return unique, shared


@pytest.mark.timeout(600)
async def test_ten_thousand_books(tmp_path: Path) -> None:
    """All unambiguous names and bytes right, none wrong, every ambiguous one says so: old and new ones alike."""
    dice = random.Random(7)
    store = Store.open(tmp_path / "data" / "tomed.db")
    home = Household(store, tmp_path / "library")
    first = {one.calibre_id: one for one in catalogue(dice)}
    await home.index(first.values())
    old = {
        number: epub(names.words_key(one.title), f"isbn:{TWIN_OF.get(number, number)}") for number, one in first.items()
    }
    await home.write(old, first)
    unique, shared = home.check_names(first.values())
    assert unique > 3 * BOOKS
    assert shared > 2 * TWINS
    assert home.check_bytes(old) == (BOOKS - 2 * TWINS, 2 * TWINS)

    second = first | {number: renamed(first, number, dice) for number in dice.sample(sorted(first), RENAMED)}
    await home.index(one for number, one in second.items() if one is not first[number])
    new = {number: rewritten(old[number], names.words_key(one.title), one.uuid) for number, one in second.items()}
    await home.write(new, second)
    assert not {koreader_md5(data) for data in new.values()} & {koreader_md5(data) for data in old.values()}
    home.check_names(first.values())
    home.check_names(one for number, one in second.items() if one is not first[number])
    assert home.check_bytes(old) == (BOOKS - 2 * TWINS, 2 * TWINS)
    assert home.check_bytes(new) == (BOOKS, 0)
    for number, one in second.items():
        assert home.answer(filename="x.epub", identifiers=f"isbn:1\ncalibre:{one.uuid}") == {home.keys[number]}
    store.close()


def renamed(books: dict[int, Entry], number: int, dice: random.Random) -> Entry:
    """Another title, and its file and folder with it; for every second one a title and author that another book has."""
    if number % 2:
        other = books[dice.choice(sorted(books))]
        return made(number, other.title, [name for name, _ in other.authors])
    return made(number, f"Renamed {number}", ["Somebody Else"])


BY_CALIBRE = """
import json, sys
from calibre.db.backend import DB
from calibre.devices.utils import create_upload_path
from calibre.ebooks.metadata import authors_to_sort_string, authors_to_string, title_sort
from calibre.ebooks.metadata.book.base import Metadata
from calibre.library.save_to_disk import DEFAULT_SEND_TEMPLATE, config, get_path_components
from calibre.utils.filenames import ascii_filename, sanitize_file_name

def names(number, title, authors):
    metadata = Metadata(title, authors)
    metadata.title_sort, metadata.author_sort = title_sort(title), authors_to_sort_string(authors)
    metadata.application_id = metadata.id = number
    path = create_upload_path(
        metadata, "book.epub", DEFAULT_SEND_TEMPLATE, ascii_filename, prefix_path="/mnt/onboard", maxlen=250
    )
    saved = get_path_components(config().parse(), metadata, number, 980)
    served = f"{title[:30]} - {authors_to_string(authors)[:30]}_{number}.epub"
    return {
        "sort": metadata.title_sort,
        "author_sort": metadata.author_sort,
        "path": DB.construct_path_name(DB, number, title, authors[0]),
        "disk": DB.construct_file_name(DB, number, title, authors[0], 5),
        "sent": "/".join(path) if isinstance(path, list) else path,
        "saved": saved[-1] + ".epub",
        "served": [sanitize_file_name(served), ascii_filename(served)],
    }

with open(sys.argv[-2], encoding="utf-8") as file:
    asked = json.load(file)
with open(sys.argv[-1], "w", encoding="utf-8") as file:
    json.dump([names(*one) for one in asked], file)
"""
"""Calibre's own functions: those that write its files, send them to devices, save them, and name its downloads."""


@pytest.mark.calibre
@pytest.mark.timeout(600)
async def test_names_that_calibre_itself_gives(tmp_path: Path) -> None:
    """Ten thousand books named by Calibre's code: on disk, sent, saved, served. Each finds its book, or all of them."""
    books = catalogue(random.Random(11))
    script, asked, told = tmp_path / "names.py", tmp_path / "asked.json", tmp_path / "told.json"
    script.write_text(BY_CALIBRE, "utf-8")
    asked.write_text(json.dumps([(b.calibre_id, b.title, [name for name, _ in b.authors]) for b in books]), "utf-8")
    run_calibre("calibre-debug", str(script), "--", str(asked), str(told))
    by_calibre = json.loads(told.read_text("utf-8"))

    store = Store.open(tmp_path / "data" / "tomed.db")
    home = Household(store, tmp_path / "library")
    await home.index(
        replace(
            one, sort=says["sort"], author_sort=says["author_sort"], path=says["path"],
            formats=(Format("EPUB", says["disk"], 1000),),
        )
        for one, says in zip(books, by_calibre, strict=True)
    )  # fmt: skip
    for one, says in zip(books, by_calibre, strict=True):
        for name in (says["disk"] + ".epub", says["sent"], says["saved"]):
            home.by_name[keyed(name)].add(home.keys[one.calibre_id])
    ambiguous = 0
    for one, says in zip(books, by_calibre, strict=True):
        for name in (says["disk"] + ".epub", says["sent"], says["saved"]):
            owners = home.by_name[keyed(name)]
            assert home.answer(filename=name) == owners, name
            ambiguous += len(owners) > 1
        for name in says["served"]:
            assert home.answer(filename=name) == {home.keys[one.calibre_id]}, name
    assert 2 * TWINS < ambiguous < BOOKS
    store.close()


def keyed(name: str) -> tuple[str, str]:
    """A file name as the look-ups compare it."""
    stem, extension = names.split_extension(name.rpartition("/")[2])
    return names.name_key(stem), extension
