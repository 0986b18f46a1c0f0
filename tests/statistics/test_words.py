"""Words of a book, for the pace in words a minute."""

from __future__ import annotations

import asyncio
import zipfile
from pathlib import Path

import pytest

from tests.data import shared
from tests.statistics.conftest import Shelf
from tomed.files import File
from tomed.model import BookId
from tomed.reporting import Query
from tomed.wordcount import words_of, words_of_markup, words_of_text


def test_words_are_what_a_reader_sees() -> None:
    """Markup, scripts and comments are no words; an apostrophe parts none; two characters of Japanese are one."""
    assert words_of_text("It's a well-known truth, 42 times.") == 6
    assert words_of_markup("<html><head><title>No</title></head><body><p>One&nbsp;two<br/>three<!-- no --></p>") == 3
    assert words_of_markup("<p>a</p><script>var no = 1;</script><p>b</p>") == 2
    assert words_of_text("草枕を読む") == 2


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 but not really", b"no zip at all"])
def test_a_broken_file_has_no_words(tmp_path: Path, content: bytes) -> None:
    """What can't be read is not known; it is no error."""
    path = tmp_path / "x.epub"
    path.write_bytes(content)
    assert words_of(path) is None
    assert words_of(tmp_path / "missing.epub") is None


def test_a_bomb_is_left_alone(tmp_path: Path) -> None:
    """An entry larger than any chapter is not unpacked."""
    path = tmp_path / "bomb.epub"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("a.xhtml", b"<p>" + b"word " * 4_000_000)
        book.writestr("b.xhtml", "<p>two words</p>")
    assert words_of(path) == 2


@pytest.mark.shared
def test_a_real_novel() -> None:
    """Pride and Prejudice has some 122,000 words."""
    path = next(shared("calibre-library").glob("Jane Austen/*/*.epub"))
    words = words_of(path)
    assert words is not None
    assert 115_000 < words < 132_000


async def test_the_pace_in_words(shelf: Shelf, tmp_path: Path) -> None:
    """Once a book's words are counted, its pace is told in words as well: half a book's words in its time."""
    path = tmp_path / "emma.epub"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("a.xhtml", "<p>" + "word " * 30_000)
    shelf.execute(
        "INSERT INTO documents (user_id, fingerprint, filename, partial_md5, book_id, first_at, last_at)"
        " VALUES (1, 'f', 'emma.epub', 'm', 4, 0, 0)"
    )
    for day in range(3):
        for page in range(10):
            start = 1_790_000_000 + day * 86_400 + page * 60
            shelf.execute("INSERT INTO page_rows VALUES (1, 0, ?, ?, 60, 100)", start, day * 10 + page + 1)
    shelf.execute("INSERT INTO stale_works (user_id, work_id) VALUES (1, 4)")
    (before,) = (await shelf.reporting.report(shelf.user(), Query())).paces
    assert before.pages is not None
    assert before.words is None

    async def find(book_id: BookId) -> File | None:
        return File.at(path) if book_id == 4 else None

    await shelf.reporting.count_words(find)
    (after,) = (await shelf.reporting.report(shelf.user(), Query())).paces
    assert after.words is not None
    assert after.words.middle == pytest.approx(300)
    await asyncio.wait_for(shelf.reporting.count_words(find), 30)
