"""The inbox: files without a book, and a person's word about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.matching.sidecar import NOW, Sidecar, entry
from tomed import inbox, reading
from tomed.errors import Conflict, NotFound
from tomed.model import BookId, Clues, PositionEntry, Session
from tomed.resolving import resolve
from tomed.store import aliases, documents, events, readings

MD5 = "0123456789abcdef0123456789abcdef"
FILE = Clues(filename="unknown.epub", partial_md5=MD5, title="Unknown Thing")


@pytest.fixture
def sidecar(tmp_path: Path) -> Sidecar:
    return Sidecar(tmp_path)


@pytest.fixture
def ann(sidecar: Sidecar) -> int:
    return sidecar.person("ann")


@pytest.fixture
def book(sidecar: Sidecar) -> BookId:
    return sidecar.put(entry("Salt Roads", "Ada Quill"))[0]


def read(sidecar: Sidecar, user_id: int, clues: Clues, fraction: float, name: str = "e") -> None:
    """A sitting in this file, told by a device."""
    at = NOW + int(fraction * 1000)
    told = reading.SessionTold(
        id=f"{name}-{user_id}-{fraction}", at=at, clues=clues, started_at=at - 60_000, ended_at=at, active_s=60,
        pages_turned=3, start_fraction=0.0, end_fraction=fraction,
    )  # fmt: skip
    with sidecar.connection:
        (result,) = reading.record(sidecar.connection, resolve, reading.Reporter(user_id), [told], NOW + 10_000)
    assert result.result == "accepted", result


def where(sidecar: Sidecar, user_id: int, book: BookId) -> float | None:
    found = readings.find(sidecar.connection, user_id, book)
    return found.position.fraction if found and found.position else None


def only(sidecar: Sidecar, user_id: int, **which: bool) -> inbox.Waiting:
    (waiting,) = inbox.unmatched(sidecar.connection, user_id, **which).items
    return waiting


def test_waiting_files_with_what_waits_in_them(sidecar: Sidecar, ann: int, book: BookId) -> None:
    """A file no rule places is listed with its events, its time and its place; a placed one is not."""
    read(sidecar, ann, FILE, 0.2)
    read(sidecar, ann, FILE, 0.3)
    read(sidecar, ann, Clues(filename="Salt Roads - Ada Quill.epub"), 0.5)
    page = inbox.unmatched(sidecar.connection, ann)
    waiting = only(sidecar, ann)
    assert (page.total, waiting.clues) == (1, FILE)
    assert (waiting.sessions, waiting.positions, waiting.verdicts, waiting.active_s) == (2, 2, 0, 120)
    assert waiting.fraction == 0.3
    assert not waiting.silenced


def test_one_person_never_sees_anothers(sidecar: Sidecar, ann: int, book: BookId) -> None:
    """Files, links and silences are each person's own; another's file does not exist."""
    ben = sidecar.person("ben")
    read(sidecar, ann, FILE, 0.2)
    waiting = only(sidecar, ann)
    assert inbox.unmatched(sidecar.connection, ben).items == ()
    for act in (
        lambda: inbox.link(sidecar.connection, ben, waiting.id, book, NOW),
        lambda: inbox.unlink(sidecar.connection, ben, waiting.id, NOW),
        lambda: inbox.silence(sidecar.connection, ben, waiting.id, NOW),
    ):
        with pytest.raises(NotFound):
            act()
    inbox.link(sidecar.connection, ann, waiting.id, book, NOW)
    read(sidecar, ben, FILE, 0.4)
    assert only(sidecar, ben).clues == FILE, "what ann said of her file says nothing of ben's"


def test_link_moves_the_history_in_and_unlink_out(sidecar: Sidecar, ann: int, book: BookId) -> None:
    """The whole waiting history follows a link, and leaves with it; the book's own reading is as before."""
    read(sidecar, ann, Clues(filename="Salt Roads - Ada Quill.epub"), 0.1)
    read(sidecar, ann, FILE, 0.6)
    waiting = only(sidecar, ann)
    inbox.link(sidecar.connection, ann, waiting.id, book, NOW)
    assert where(sidecar, ann, book) == 0.6
    assert inbox.unmatched(sidecar.connection, ann).total == 0
    inbox.unlink(sidecar.connection, ann, waiting.id, NOW)
    assert where(sidecar, ann, book) == 0.1
    assert only(sidecar, ann).sessions == 1
    with pytest.raises(Conflict):
        inbox.unlink(sidecar.connection, ann, waiting.id, NOW)


def test_a_link_holds_for_the_same_bytes(sidecar: Sidecar, ann: int, book: BookId) -> None:
    """A copy under another name, before or after the link, is the same file."""
    copy, later = (Clues(filename=name, partial_md5=MD5) for name in ("copy.epub", "later.epub"))
    read(sidecar, ann, FILE, 0.2)
    read(sidecar, ann, copy, 0.3)
    inbox.link(sidecar.connection, ann, inbox.unmatched(sidecar.connection, ann).items[-1].id, book, NOW)
    assert inbox.unmatched(sidecar.connection, ann).total == 0
    read(sidecar, ann, later, 0.4)
    assert where(sidecar, ann, book) == 0.4
    assert sidecar.ask("later.epub", partial_md5=MD5, user_id=ann) == ("link", book)
    assert sidecar.ask("later.epub", partial_md5=MD5)[0] == "no_match"


def test_a_no_is_not_overruled(sidecar: Sidecar, ann: int, book: BookId) -> None:
    """What a person took back, no rule places again: not by name, not by a learned hash, not for a copy."""
    clues = Clues(filename="Salt Roads - Ada Quill.epub", partial_md5=MD5)
    read(sidecar, ann, clues, 0.2)
    aliases.learn_hash(sidecar.connection, MD5, book, "name")
    (document,) = [documents.find(sidecar.connection, ann, clues)]
    assert document is not None
    assert document.book_id == book
    inbox.unlink(sidecar.connection, ann, document.id, NOW)
    assert sidecar.ask(clues.filename, partial_md5=MD5, user_id=ann) == ("no_match", [])
    assert sidecar.ask("copy.epub", partial_md5=MD5, user_id=ann) == ("no_match", [])
    assert sidecar.ask("copy.epub", partial_md5=MD5) == ("no_match", []), "the hash it taught is forgotten"
    assert reading.find_waiting(sidecar.connection, resolve) == []
    read(sidecar, ann, clues, 0.3)
    assert only(sidecar, ann).sessions == 2
    inbox.link(sidecar.connection, ann, document.id, book, NOW)
    assert sidecar.ask(clues.filename, partial_md5=MD5, user_id=ann) == ("link", book), "a yes takes the no back"


def test_a_sure_match_teaches_the_hash(sidecar: Sidecar, ann: int, book: BookId) -> None:
    """A file that its name placed is found again when the device renames it, for all; a linked one for its reader."""
    read(sidecar, ann, Clues(filename="Salt Roads - Ada Quill.epub", partial_md5=MD5), 0.2)
    assert sidecar.ask("renamed.epub", partial_md5=MD5) == ("md5", book)
    linked = Clues(filename="odd.epub", partial_md5="e" * 32)
    read(sidecar, ann, linked, 0.3)
    inbox.link(sidecar.connection, ann, only(sidecar, ann).id, book, NOW)
    assert sidecar.ask("renamed again.epub", partial_md5="e" * 32)[0] == "no_match"
    assert sidecar.ask("renamed again.epub", partial_md5="e" * 32, user_id=ann) == ("link", book)


def test_silence(sidecar: Sidecar, ann: int, book: BookId) -> None:
    """ "Not from this library": out of the list, events go on being kept, and it can be heard again."""
    read(sidecar, ann, FILE, 0.2)
    waiting = only(sidecar, ann)
    inbox.silence(sidecar.connection, ann, waiting.id, NOW)
    read(sidecar, ann, FILE, 0.3)
    assert inbox.unmatched(sidecar.connection, ann).total == 0
    assert only(sidecar, ann, silenced=True).sessions == 2
    inbox.silence(sidecar.connection, ann, waiting.id, None)
    assert only(sidecar, ann).sessions == 2
    inbox.link(sidecar.connection, ann, waiting.id, book, NOW)
    with pytest.raises(Conflict):
        inbox.silence(sidecar.connection, ann, waiting.id, NOW)


def test_candidates(sidecar: Sidecar, ann: int, book: BookId) -> None:
    """The list offers what a file may be, each with its reason."""
    read(sidecar, ann, Clues(filename="x.epub", title="Salt Roads"), 0.2)
    (candidate,) = inbox.candidates(sidecar.connection, resolve, ann, only(sidecar, ann))
    assert candidate.book_id == book
    assert "title" in candidate.reason


def test_unknown_book(sidecar: Sidecar, ann: int) -> None:
    """A link to a book that does not exist is refused."""
    read(sidecar, ann, FILE, 0.2)
    with pytest.raises(NotFound):
        inbox.link(sidecar.connection, ann, only(sidecar, ann).id, BookId(999), NOW)


def test_move_history(sidecar: Sidecar, ann: int) -> None:
    """Deleted and added again: the page knows the orphan, offers the new book, and files find it from then on."""
    uuid = "11111111-1111-4111-8111-111111111111"
    (old,) = sidecar.put(entry("Salt Roads", "Ada Quill", calibre_id=1, uuid=uuid))
    read(sidecar, ann, Clues(book_uuid=uuid, filename="mine.epub"), 0.4)
    sidecar.lose(old)
    other, new = sidecar.put(
        entry("Salt Roads", "Somebody", calibre_id=3, file="elsewhere"), entry("Salt Roads", "Ada Quill", calibre_id=2)
    )
    (orphan,) = inbox.orphans(sidecar.connection, ann)
    assert orphan.book_id == old
    assert [candidate.book_id for candidate in orphan.successors] == [new, other]
    inbox.move_history(sidecar.connection, ann, old, new, NOW)
    assert where(sidecar, ann, new) == 0.4
    assert inbox.orphans(sidecar.connection, ann) == []
    assert sidecar.ask("mine.epub", book_uuid=uuid, user_id=ann) == ("book_uuid", new)
    assert sidecar.ask("mine.epub", book_uuid=uuid) == ("book_uuid", old), "one person's word"
    sidecar.put(entry("Salt Roads", "Ada Quill", calibre_id=1, uuid=uuid))  # undeleted in Calibre
    assert sidecar.ask("mine.epub", book_uuid=uuid, user_id=ann) == ("book_uuid", old)
    with pytest.raises(Conflict):
        inbox.move_history(sidecar.connection, ann, old, old, NOW)
    with pytest.raises(NotFound):
        inbox.move_history(sidecar.connection, ann, old, BookId(999), NOW)


def test_moving_back_and_forth(sidecar: Sidecar, ann: int) -> None:
    """Histories moved to and fro leave no circle."""
    a, b = sidecar.put(entry("Salt Roads", "Ada Quill", calibre_id=1), entry("Paper", "Ada Quill", calibre_id=2))
    inbox.move_history(sidecar.connection, ann, a, b, NOW)
    inbox.move_history(sidecar.connection, ann, b, a, NOW)
    sidecar.lose(a, b)
    assert sidecar.ask("Paper - Ada Quill.epub", user_id=ann) == ("name", a)
    assert sidecar.ask("Salt Roads - Ada Quill.epub", user_id=ann) == ("name", a)


def test_a_list_of_many(sidecar: Sidecar, ann: int) -> None:
    """Pages of the inbox, the last read first."""
    for n in range(7):
        document = documents.note(sidecar.connection, ann, Clues(filename=f"{n}.epub"), NOW + n)
        origin = events.Origin(ann, f"p{n}", NOW, None, document.id)
        events.add_position(sidecar.connection, origin, PositionEntry(f"p{n}", NOW + n, 0.5), NOW)
        session = Session(0, NOW, NOW + 1, 1, 0, None, None)
        events.add_session(sidecar.connection, events.Origin(ann, f"s{n}", NOW, None, document.id), session)
    page = inbox.unmatched(sidecar.connection, ann, page=2, per_page=3)
    assert page.total == 7
    assert [waiting.clues.filename for waiting in page.items] == ["3.epub", "2.epub", "1.epub"]
