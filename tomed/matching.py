"""Which book is this file? Rules that are each certain on their own, asked in a fixed order.

Pure: the rules ask a ``Shelf`` for candidate sets and never see a database. The chain stops at the first
rule that leaves exactly one book. A rule that leaves several does not guess: the next rules may narrow
them, and if none does, the answer is ``ambiguous``. What is only likely never matches; it is named as a
candidate with its reason. ``docs/matching.md`` tells the order and why.
"""

from __future__ import annotations

from collections.abc import Callable

from tomed.agreement import (
    LONG,
    OTHER,
    SAME,
    SHARED,
    TELLING,
    UNKNOWN,
    agreements,
    compare_authors,
    compare_keys,
    contradicts_volume,
    is_cut_from,
    person_keys,
    shared_ends,
)
from tomed.clues import COPY, NUMBERED, Question, people_of, readings, splits, volumes
from tomed.errors import Ambiguous, NoMatch
from tomed.evidence import Hits, Shelf, path_key
from tomed.model import BookId, Candidate, Clues, Match
from tomed.names import author_keys, name_key, title_keys, volume_key, words_key

MOST_CANDIDATES = 8


# The chain --------------------------------------------------------------------------------------


def identify(shelf: Shelf, clues: Clues) -> Match:
    """The one book that these clues name with certainty, and the rule that says so.

    Raises:
        Ambiguous: several books with equal right; ``details["candidates"]`` has them all.
        NoMatch: nothing certain; ``details["candidates"]`` has what is likely, best first.
    """
    question = Question.of(clues)
    pool: list[BookId] = []
    words = ""
    refused: set[BookId] | None = None
    for word, says, rule in RULES:
        found = rule(shelf, question)
        if pool:
            found = {book_id: found[book_id] for book_id in found if book_id in pool}
        if not found:
            continue
        if refused is None:
            refused = shelf.refused(question.clues)
        left = _living(shelf, [book_id for book_id in found if book_id not in refused])
        if len(left) == 1:
            return Match(shelf.succeeded(left[0]), word)
        if left:
            pool, words = left, says
            question.name_spent = question.name_spent or word == "name"
            question.title_spent = question.title_spent or word == "title"
    if pool:
        candidates = [Candidate(book_id, words, 1.0) for book_id in sorted(pool)]
        raise Ambiguous(f"{len(pool)} books of the library are meant with equal right.", candidates=candidates)
    raise NoMatch("No book of the library is certainly this file.", candidates=_likely(shelf, question))


def _living(shelf: Shelf, book_ids: list[BookId]) -> list[BookId]:
    """A book that Calibre no longer lists yields to those it does: deleted and added again, or merged."""
    if len(book_ids) < 2:
        return book_ids
    facts = shelf.facts(book_ids)
    living = [book_id for book_id in book_ids if book_id in facts and not facts[book_id].gone]
    return living or book_ids


def reason(matched_by: str) -> str:
    """What a rule says to a person."""
    return next((says for word, says, _ in RULES if word == matched_by), "")


def teaches(matched_by: str) -> bool:
    """Whether a match by this rule makes the file's hash a name of the book for everybody.

    A link is one person's word and counts for that person alone; title and series would say the same
    again of the same bytes.
    """
    return matched_by in ("book_uuid", "download", "uuid", "path", "name", "id")


# The rules, strongest first ---------------------------------------------------------------------


def _told(shelf: Shelf, question: Question) -> Hits:
    return shelf.by_uuid(question.clues.book_uuid) if question.clues.book_uuid else {}


def _linked(shelf: Shelf, question: Question) -> Hits:
    return shelf.linked(question.clues)


def _downloaded(shelf: Shelf, question: Question) -> Hits:
    if not question.file_name:
        return {}
    found = shelf.downloaded(question.file_name)
    if found and question.md5:
        # The record knows the name that we gave, not the bytes that carry it now.
        owners = _of_library(shelf.by_md5(question.md5))
        if owners and not owners.keys() & found.keys():
            return {}
    return found


def _hashed(shelf: Shelf, question: Question) -> Hits:
    if not question.md5:
        return {}
    found = shelf.by_md5(question.md5)
    ours = _of_library(found)
    if ours or not found:
        return ours
    # What a device taught is only as strong as the rule that taught it: it yields to a uuid or a name that
    # says otherwise now.
    for rule in (_identified, _named):
        others = rule(shelf, question)
        if others and not others.keys() & found.keys():
            return {}
    return found


def _of_library(hits: Hits) -> Hits:
    return {book_id: sources for book_id, sources in hits.items() if "library" in sources}


def _identified(shelf: Shelf, question: Question) -> Hits:
    found: Hits = {}
    for uuid in question.uuids:
        found |= shelf.by_uuid(uuid)
    return found


def _at_path(shelf: Shelf, question: Question) -> Hits:
    return shelf.by_path(path_key(question.clues.filename)) if question.folders else {}


def _named(shelf: Shelf, question: Question) -> Hits:
    return _with_extension(shelf.by_name(question.key), question) if question.key else {}


def _with_extension(found: Hits, question: Question) -> Hits:
    """Those that have or had such a format; all, when none has (a device's own conversion)."""
    wanted = {"kepub", "epub"} if question.extension == "kepub" else {question.extension}
    return {book_id: extensions for book_id, extensions in found.items() if extensions & wanted} or found


def _numbered(shelf: Shelf, question: Question) -> Hits:
    """The number Calibre wrote into name or folder, where title and author both agree."""
    return {book_id: {""} for book_id, title, author in agreements(shelf, question) if title and author}


def _numbered_loosely(shelf: Shelf, question: Question) -> Hits:
    """The same where one of both agrees, and the other does not speak for another book."""
    found: Hits = {}
    for book_id, title, author in agreements(shelf, question):
        if title or (author and not _is_elsewhere(shelf, question, book_id)):
            found[book_id] = {""}
        else:
            question.suspect(
                book_id, 0.2, "The number in the name is this book's, but neither title nor author agrees."
            )
    return found


def _copied(shelf: Shelf, question: Question) -> Hits:
    """The name without what a file manager or browser adds to a second copy."""
    copy = COPY.match(question.readable)
    if copy is None:
        return {}
    found = _with_extension(shelf.by_name(name_key(copy["rest"])), question)
    if not copy["number"]:
        return found
    # Behind an author the number counts copies; behind a title it may as well be a volume's.
    people = people_of(copy["rest"].rpartition(" - ")[2])
    for book_id, facts in shelf.facts(found).items():
        if compare_authors(people, facts.authors) != SAME:
            question.suspect(book_id, 0.6, "The name is its own, but for a number that may count copies or volumes.")
            del found[book_id]
    return found


def _cut(shelf: Shelf, question: Question) -> Hits:
    """A long name that lost its middle (Calibre) or its end (KOReader, Calibre-Web) on the way."""
    if len(question.key) < LONG:
        return {}
    return {
        book_id: {""}
        for book_id, name in shelf.names_from(question.key[: LONG // 2])
        if is_cut_from(name, question.key)
    }


_TITLE_ALONE = {
    SHARED: (0.8, "The title agrees, and some of the authors do."),
    UNKNOWN: (0.7, "The title agrees; nothing is known of the author."),
    OTHER: (0.3, "The title agrees, but it is by somebody else."),
}


def _titled(shelf: Shelf, question: Question) -> Hits:
    """Title and authors, of the file's own metadata or read from its name; a told volume must not contradict."""
    found: Hits = {}
    for title, authors in readings(question):
        # In its own script a title must be ours in that script; an ASCII one may be anybody's spelling.
        told = person_keys(authors)
        agreements = {
            book_id: compare_keys(told, map(author_keys, known))
            for book_id, known in shelf.authors_by_title(words_key(title)).items()
        }
        same = [book_id for book_id, agreement in agreements.items() if agreement == SAME]
        for book_id, facts in shelf.facts(same).items():
            if contradicts_volume(question, facts):
                question.suspect(book_id, 0.5, "The title agrees, but it is another volume of the series.")
            else:
                found[book_id] = {""}
        for book_id, agreement in agreements.items():
            if agreement != SAME:
                question.suspect(book_id, *_TITLE_ALONE[agreement])
    return found


def _in_series(shelf: Shelf, question: Question) -> Hits:
    """Series and volume number. The number is authoritative: no other volume is ever taken instead."""
    found: Hits = {}
    for series, index, authors in volumes(question):
        for book_id, facts in shelf.facts(shelf.by_volume(volume_key(series, index))).items():
            agreement = compare_authors(authors, facts.authors)
            if agreement in (SAME, UNKNOWN):
                found[book_id] = {""}
            else:
                question.suspect(book_id, 0.4, "It is this volume of a series of that name, but by somebody else.")
    return found


def _is_elsewhere(shelf: Shelf, question: Question, book_id: BookId) -> bool:
    """Another book has the title that the name tells."""
    numbered = NUMBERED.match(question.readable)
    rest = numbered["rest"] if numbered else question.readable
    return any(
        other != book_id for left, _ in splits(rest) for key in title_keys(left) for other in shelf.by_title(key)
    )


RULES: tuple[tuple[str, str, Callable[[Shelf, Question], Hits]], ...] = (
    ("book_uuid", "The device says so.", _told),
    ("link", "You linked this file to it.", _linked),
    ("download", "You downloaded it under this name.", _downloaded),
    ("md5", "It has a file with the same bytes.", _hashed),
    ("uuid", "Its uuid stands inside the file.", _identified),
    ("path", "A device has it at this path.", _at_path),
    ("name", "A file of it has or had this name.", _named),
    ("id", "Number, title and author in the name agree.", _numbered),
    ("name", "A file of it has or had this name.", _copied),
    ("name", "A file of it has a longer name with the same ends.", _cut),
    ("id", "The number in the name is its, and title or author agrees.", _numbered_loosely),
    ("title", "Title and author agree.", _titled),
    ("series", "Series and volume number agree.", _in_series),
)
"""``matched_by``, what it says to a person, and the rule."""


# Candidates -------------------------------------------------------------------------------------


def _likely(shelf: Shelf, question: Question) -> list[Candidate]:
    """What the rules suspected, and names that begin alike; best first."""
    if len(question.weak) < MOST_CANDIDATES and len(question.key) >= TELLING // 2:
        start = question.key[: max(TELLING // 2, len(question.key) // 2)]
        for book_id, name in shelf.names_from(start):
            shared = shared_ends(name, question.key) / max(len(name), len(question.key))
            question.suspect(book_id, round(min(shared, 1.0) * 0.6, 3), "The names begin alike.")
    refused = shelf.refused(question.clues) if question.weak else set()
    ranked = sorted(
        (c for c in question.weak.values() if c.book_id not in refused), key=lambda c: (-c.score, c.book_id)
    )
    return ranked[:MOST_CANDIDATES]


def successors(shelf: Shelf, book_id: BookId) -> list[Candidate]:
    """Living books that may continue one that Calibre no longer lists, best first."""
    own = shelf.facts([book_id]).get(book_id)
    if own is None:
        return []
    ranked: list[Candidate] = []
    same_bytes = shelf.same_bytes(book_id)
    alike = {other for key in title_keys(own.title) for other in shelf.by_title(key)} | same_bytes
    for other, facts in shelf.facts(sorted(alike - {book_id})).items():
        if facts.gone:
            continue
        if other in same_bytes:
            ranked.append(Candidate(other, "It has a file with the same bytes.", 1.0))
        elif compare_authors(own.authors, facts.authors) == SAME:
            ranked.append(Candidate(other, "It has the same title and author.", 0.9))
        else:
            ranked.append(Candidate(other, "It has the same title.", 0.4))
    return sorted(ranked, key=lambda c: (-c.score, c.book_id))[:MOST_CANDIDATES]
