"""What holds for every catalogue: a name that one book has finds it, a shared one guesses nothing."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.matching.sidecar import Sidecar, entry
from tomed import names
from tomed.model import Entry

_WORDS = (
    "Salt salt The A Vol. 1 2 10 1984 Moon-rail C C++ C# Nächte Na\u0308chte Зима река 星 の 物語 海 ليل 📚 … ? ?? % _"
    " A/B O'Hara “x” - & (2) .hidden Straße STRASSE Ｆｕｌｌ"
)
WORDS = st.sampled_from(_WORDS.split())
TITLES = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)
PEOPLE = st.sampled_from(["Ada Quill", "Quill, Ada", "Bram Oduya", "月野 海", "Jürgen Groß", "Ann Jr.", "Unknown"])
BOOKS = st.tuples(
    TITLES,
    st.lists(PEOPLE, min_size=1, max_size=3, unique=True),
    st.sets(st.sampled_from(["EPUB", "PDF", "AZW3"]), min_size=1, max_size=2),
)


def entries(books: list[tuple[str, list[str], set[str]]]) -> list[Entry]:
    return [
        entry(title, *people, calibre_id=number, sort=_sort(title), formats=tuple(sorted(formats)))
        for number, (title, people, formats) in enumerate(books, 101)
    ]


def _sort(title: str) -> str:
    first, _, rest = title.partition(" ")
    return f"{rest}, {first}" if first in ("The", "A") and rest else title


def road_names(one: Entry) -> set[str]:
    """Names of every road, by the functions that stand for the programs."""
    people = tuple(name for name, _ in one.authors)
    everybody = " & ".join(people)
    found = set()
    for format_ in one.formats:
        stems = {
            format_.name,
            names.sent(one.sort, everybody, one.author_sort, one.calibre_id, format_.format.lower()),
            names.saved(one.sort, everybody),
            names.opds(everybody, one.title),
            names.web(one.title, people[0]),
        }
        found |= {f"{stem}.{format_.format.lower()}" for stem in stems if names.name_key(stem)}
    return found


def named(one: Entry) -> names.Named:
    people = tuple(name for name, _ in one.authors)
    files = tuple((format_.format, format_.name) for format_ in one.formats)
    return names.Named(one.title, one.sort, people, one.author_sort, files, one.path, one.calibre_id)


def keyed(name: str) -> tuple[str, str]:
    stem, extension = names.split_extension(name)
    return names.name_key(stem), extension


def check(sidecar: Sidecar, owners: dict[tuple[str, str], set[int]], asked: set[str]) -> None:
    for name in asked:
        word, found = sidecar.ask(name)
        of = owners[keyed(name)]
        assert (found in of and len(of) == 1) if word == "name" else (word, found) == ("ambiguous", of), (name, word)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(BOOKS, min_size=1, max_size=12), st.data())
def test_every_name_finds_its_book_for_ever(books: list[tuple[str, list[str], set[str]]], data: st.DataObject) -> None:
    """Whatever the titles: each name of each road finds its one owner or names all of them, also after renames."""
    with tempfile.TemporaryDirectory() as folder:
        sidecar = Sidecar(Path(folder))
        now = entries(books)
        ids = sidecar.put(*now)
        owners: dict[tuple[str, str], set[int]] = defaultdict(set)
        asked: set[str] = set()

        def own(book_id: int, one: Entry) -> None:
            for name in road_names(one):
                asked.add(name)
                owners[keyed(name)].add(book_id)
            for _, key, extension in names.roads(named(one)):
                owners[key, extension].add(book_id)

        for book_id, one in zip(ids, now, strict=True):
            own(book_id, one)
        check(sidecar, owners, asked)
        changed = [data.draw(BOOKS) if data.draw(st.booleans()) else book for book in books]
        again = entries(changed)
        assert sidecar.put(*again) == ids
        for book_id, one in zip(ids, again, strict=True):
            own(book_id, one)
        check(sidecar, owners, asked)
        sidecar.connection.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(BOOKS, min_size=2, max_size=12), st.data())
def test_numbers_and_metadata_are_never_wrong(
    books: list[tuple[str, list[str], set[str]]], data: st.DataObject
) -> None:
    """The content server's name finds its own book; title and authors find one that has them, or say ambiguous."""
    with tempfile.TemporaryDirectory() as folder:
        sidecar = Sidecar(Path(folder))
        all_entries = entries(books)
        ids = sidecar.put(*all_entries)
        for book_id, one in zip(ids, all_entries, strict=True):
            people = tuple(name for name, _ in one.authors)
            word, found = sidecar.ask(names.served(one.title, " & ".join(people), one.calibre_id) + ".epub")
            assert found == book_id or word in ("ambiguous", "no_match"), (word, found)
            if names.words_key(one.title):
                assert found == book_id
            word, found = sidecar.ask("x.bin", title=one.title, authors=people)
            alike = {b for b, other in zip(ids, all_entries, strict=True) if _same_title(one.title, other)}
            assert found in alike or (word == "ambiguous" and book_id in found <= alike)  # type: ignore[operator]
        sidecar.connection.close()


def _same_title(title: str, other: Entry) -> bool:
    return names.words_key(title) in names.title_keys(other.title, other.sort)


@given(st.text(max_size=300))
def test_keys_are_stable(text: str) -> None:
    """A key of a key is that key; a name key holds no slash, and no lone surrogate reaches the database."""
    key = names.name_key(text)
    assert names.name_key(key) == key
    assert "/" not in key
    key.encode()
    names.words_key(text).encode()


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200), st.integers(1, 260))
def test_cuts_keep_their_limits(text: str, longest: int) -> None:
    """What is cut for a device never exceeds its limit."""
    longest = max(longest, 16)
    assert len(names.limit(text, longest).encode()) <= longest
    assert len(names.opds("", text).encode()) <= 240
