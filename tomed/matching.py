"""Which book is this file? Rules that are each certain on their own, asked in a fixed order.

Pure: the rules ask a ``Shelf`` for candidate sets and never see a database. The chain stops at the first
rule that leaves exactly one book. A rule that leaves several does not guess: the next rules may narrow
them, and if none does, the answer is ``ambiguous``. What is only likely never matches; it is named as a
candidate with its reason. ``docs/matching.md`` tells the order and why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from tomed.errors import Ambiguous, NoMatch
from tomed.model import BookId, Candidate, Clues, Match
from tomed.names import author_keys, mend, name_key, split_extension, title_keys, volume_key, words_key

Hits = dict[BookId, set[str]]
"""Candidate books, each with what the look-up says of it (a source, an extension)."""

LONG = 100
"""Characters from which a name may have lost its middle or its end on the way."""

LONGEST = 512
"""Characters of a name whose parts are looked at."""

TELLING = 20
"""Characters that the beginning of a cut title or name must have to speak for the whole."""

MOST_CANDIDATES = 8


@dataclass(frozen=True, slots=True)
class Facts:
    """What the catalogue says of a book now."""

    title: str
    sort: str
    authors: tuple[str, ...]
    series: str | None
    series_index: float | None
    gone: bool
    path: str


class Shelf(Protocol):
    """The look-ups behind the rules, each answered from an index (``tomed/store/aliases.py``)."""

    def by_uuid(self, uuid: str) -> Hits: ...
    def by_md5(self, md5: str) -> Hits: ...
    def by_path(self, path: str) -> Hits: ...
    def by_name(self, stem: str) -> Hits: ...
    def by_title(self, key: str) -> Hits: ...
    def authors_by_title(self, key: str) -> dict[BookId, list[str]]: ...
    def by_volume(self, key: str) -> Hits: ...
    def by_calibre_id(self, calibre_id: int) -> Hits: ...
    def names_from(self, start: str) -> list[tuple[BookId, str]]: ...
    def linked(self, clues: Clues) -> Hits: ...
    def refused(self, clues: Clues) -> set[BookId]: ...
    def downloaded(self, file_name: str) -> Hits: ...
    def succeeded(self, book_id: BookId) -> BookId: ...
    def facts(self, book_ids: Iterable[BookId]) -> dict[BookId, Facts]: ...
    def names_of(self, book_id: BookId, start: str) -> list[str]: ...
    def titles_of(self, book_id: BookId, start: str) -> list[str]: ...
    def same_bytes(self, book_id: BookId) -> set[BookId]: ...


# What is asked ----------------------------------------------------------------------------------

_UUID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f])")
_MD5 = re.compile(r"[0-9a-f]{32}")
_NUMBERED = re.compile(r"^(?P<rest>.*\S)(?:\s*_(?P<served>[0-9]{1,9})|\s+\((?P<sent>[0-9]{1,9})\))$", re.DOTALL)
_FOLDER = re.compile(r"^(?P<title>.*\S) \((?P<id>[0-9]{1,9})\)$", re.DOTALL)
_COPY = re.compile(
    r"^(?P<rest>.*?\S)(?: ?\((?P<number>[1-9])\)|[ _-]+(?:copy|kopie|copie)(?: ?\(?[0-9]*\)?)?)$",
    re.DOTALL | re.IGNORECASE,
)
_INDEX = re.compile(r"(?<![0-9])(?<![0-9][.,])([0-9]{1,3}(?:\.[0-9]{1,2})?)[巻卷]?$")
_MARKER = re.compile(
    r"(?:(?<![^\W_])(?:volume|vol|v|band|bd|tome|tomo|book|teil|no|part|том|巻)[\s._]*|第|#\s*|[\s_,]|[\s_]-)$",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Question:
    """The clues, taken apart once."""

    clues: Clues
    folders: tuple[str, ...] = ()
    file_name: str = ""
    stem: str = ""
    extension: str = ""
    readable: str = ""
    """The stem, when it is one that a person or program may have written; no file system takes longer ones."""
    key: str = ""
    md5: str = ""
    uuids: tuple[str, ...] = ()
    name_spent: bool = False
    """The name has spoken, for several books: reading it once more in another way would be a guess."""
    title_spent: bool = False
    """So has the title."""
    weak: dict[BookId, Candidate] = field(default_factory=dict)

    @classmethod
    def of(cls, clues: Clues) -> Question:
        """Read the clues; whatever is in them is data."""
        clues = Clues(
            book_uuid=mend(clues.book_uuid).lower(),
            filename=mend(clues.filename[-8192:]),
            partial_md5=mend(clues.partial_md5).strip().lower(),
            identifiers=mend(clues.identifiers[:8192]).lower(),
            title=mend(clues.title[:1024]),
            authors=tuple(mend(author[:1024]) for author in clues.authors[:64]),
            series=mend(clues.series[:1024]),
            series_index=clues.series_index,
        )
        *folders, file_name = clues.filename.rstrip("/").split("/")
        stem, extension = split_extension(file_name)
        uuids = dict.fromkeys(_UUID.findall(clues.identifiers))
        return cls(
            clues=clues,
            folders=tuple(folders[-3:]),
            file_name=file_name,
            stem=stem,
            extension=extension,
            readable=stem if len(stem) <= LONGEST else "",
            key=name_key(stem),
            md5=clues.partial_md5 if _MD5.fullmatch(clues.partial_md5) else "",
            uuids=tuple(uuids)[:16],
        )

    def suspect(self, book_id: BookId, score: float, reason: str) -> None:
        """Note a book that this may be, though nothing certain says so."""
        if book_id not in self.weak or self.weak[book_id].score < score:
            self.weak[book_id] = Candidate(book_id, reason, score)


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


def teaches(matched_by: str) -> bool:
    """Whether a match by this rule makes the file's hash a name of the book for everybody.

    A link is one person's word and counts for that person alone; title and series would say the same
    again of the same bytes.
    """
    return matched_by in ("book_uuid", "download", "uuid", "path", "name", "id")


def _of_library(hits: Hits) -> Hits:
    return {book_id: sources for book_id, sources in hits.items() if "library" in sources}


def _identified(shelf: Shelf, question: Question) -> Hits:
    found: Hits = {}
    for uuid in question.uuids:
        found |= shelf.by_uuid(uuid)
    return found


def _at_path(shelf: Shelf, question: Question) -> Hits:
    return shelf.by_path(path_key(question.clues.filename)) if question.folders else {}


def path_key(path: str) -> str:
    """Key of a path on a device: its file and the folder around it, as ``metadata.calibre`` tells it."""
    return "/".join(name_key(part) for part in mend(path).split("/")[-2:])


def _named(shelf: Shelf, question: Question) -> Hits:
    return _with_extension(shelf.by_name(question.key), question) if question.key else {}


def _with_extension(found: Hits, question: Question) -> Hits:
    """Those that have or had such a format; all, when none has (a device's own conversion)."""
    wanted = {"kepub", "epub"} if question.extension == "kepub" else {question.extension}
    return {book_id: extensions for book_id, extensions in found.items() if extensions & wanted} or found


def _numbered(shelf: Shelf, question: Question) -> Hits:
    """The number Calibre wrote into name or folder, where title and author both agree."""
    return {book_id: {""} for book_id, title, author in _agreements(shelf, question) if title and author}


def _numbered_loosely(shelf: Shelf, question: Question) -> Hits:
    """The same where one of both agrees, and the other does not speak for another book."""
    found: Hits = {}
    for book_id, title, author in _agreements(shelf, question):
        if title or (author and not _is_elsewhere(shelf, question, book_id)):
            found[book_id] = {""}
        else:
            question.suspect(
                book_id, 0.2, "The number in the name is this book's, but neither title nor author agrees."
            )
    return found


def _copied(shelf: Shelf, question: Question) -> Hits:
    """The name without what a file manager or browser adds to a second copy."""
    copy = _COPY.match(question.readable)
    if copy is None:
        return {}
    found = _with_extension(shelf.by_name(name_key(copy["rest"])), question)
    if not copy["number"]:
        return found
    # Behind an author the number counts copies; behind a title it may as well be a volume's.
    people = _people(copy["rest"].rpartition(" - ")[2])
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
        if _is_cut_from(name, question.key)
    }


def _titled(shelf: Shelf, question: Question) -> Hits:
    """Title and authors, of the file's own metadata or read from its name; a told volume must not contradict."""
    found: Hits = {}
    for title, authors in _readings(question):
        # In its own script a title must be ours in that script; an ASCII one may be anybody's spelling.
        told = _person_keys(authors)
        agreements = {
            book_id: _compare(told, map(author_keys, known))
            for book_id, known in shelf.authors_by_title(words_key(title)).items()
        }
        same = [book_id for book_id, agreement in agreements.items() if agreement == SAME]
        for book_id, facts in shelf.facts(same).items():
            if _contradicts_volume(question, facts):
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
    for series, index, authors in _volumes(question):
        for book_id, facts in shelf.facts(shelf.by_volume(volume_key(series, index))).items():
            agreement = compare_authors(authors, facts.authors)
            if agreement in (SAME, UNKNOWN):
                found[book_id] = {""}
            else:
                question.suspect(book_id, 0.4, "It is this volume of a series of that name, but by somebody else.")
    return found


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


def reason(matched_by: str) -> str:
    """What a rule says to a person."""
    return next((says for word, says, _ in RULES if word == matched_by), "")


# What rules share -------------------------------------------------------------------------------

SAME, SHARED, UNKNOWN, OTHER = "same", "shared", "unknown", "other"


def compare_authors(told: Iterable[str], known: Iterable[str]) -> str:
    """How the told authors stand to a book's: SAME when all of them are among them, whatever the order.

    Files often name the first author only, so fewer is the same; one more is not: another edition,
    an adaptation.
    """
    return _compare(_person_keys(told), map(author_keys, known))


def _person_keys(people: Iterable[str]) -> list[frozenset[str]]:
    return [keys for author in people if (keys := author_keys(author)) - {""}]


def _compare(told: list[frozenset[str]], known: Iterable[frozenset[str]]) -> str:
    others = list(known)
    agree = [any(_same_person(one, other) for other in others) for one in told]
    if not agree:
        return UNKNOWN
    return SAME if all(agree) else SHARED if any(agree) else OTHER


_TITLE_ALONE = {
    SHARED: (0.8, "The title agrees, and some of the authors do."),
    UNKNOWN: (0.7, "The title agrees; nothing is known of the author."),
    OTHER: (0.3, "The title agrees, but it is by somebody else."),
}


def _same_person(one: frozenset[str], other: frozenset[str]) -> bool:
    # Two names in scripts of their own must agree there; a spelling counts only against one that is ASCII.
    return bool(one & other) and (len(one) == 1 or len(other) == 1 or one == other)


def _readings(question: Question) -> Iterator[tuple[str, tuple[str, ...]]]:
    """``(title, authors)`` as the file's metadata says, then as its name can be read."""
    clues = question.clues
    if clues.title:
        yield clues.title, tuple(author for name in clues.authors for author in _people(name))
    for stem in _plain_stems(question):
        yield stem, ()
        for left, right in _splits(stem):
            yield left, _people(right)
            yield right, _people(left)
    numbered = None if question.name_spent else _NUMBERED.match(question.readable)
    if numbered:  # another library's number; behind a title it might be a volume's, so only "title - author" is read
        for left, right in _splits(numbered["rest"]):
            yield left, _people(right)


def _plain_stems(question: Question) -> list[str]:
    if question.name_spent or not question.readable:
        return []
    stems = [question.readable]
    if (copy := _COPY.match(question.readable)) and not copy["number"]:
        stems.append(copy["rest"])
    if " " not in question.readable and "_" in question.readable:
        stems.append(question.readable.replace("_", " "))
    return stems


def _splits(text: str) -> Iterator[tuple[str, str]]:
    """``text`` parted at each `` - ``, at most four."""
    parts = text.split(" - ", 4)
    for i in range(1, len(parts)):
        yield " - ".join(parts[:i]), " - ".join(parts[i:])


def _people(text: str) -> tuple[str, ...]:
    """Authors as one string names them. A comma may stand inside a name, so it parts nothing."""
    return tuple(name for name in (part.strip() for part in re.split(r"\s&&?\s|;|\n", text[:1024])) if name)


def _volumes(question: Question) -> Iterator[tuple[str, float, tuple[str, ...]]]:
    """``(series, index, authors)`` as the metadata says, then as the name can be read."""
    clues = question.clues
    authors = tuple(author for name in clues.authors for author in _people(name))
    if clues.series and clues.series_index is not None:
        if authors:
            yield clues.series, clues.series_index, authors
        return
    if question.title_spent or question.name_spent:
        return
    for title in [clues.title] if clues.title and authors else []:
        if parsed := parse_volume(title):
            yield *parsed, authors
    for stem in _plain_stems(question):
        if parsed := parse_volume(stem):
            yield *parsed, authors
        for left, right in _splits(stem):
            for volume, people in ((left, right), (right, left)):
                if parsed := parse_volume(volume):
                    yield *parsed, _people(people)


def parse_volume(text: str) -> tuple[str, float] | None:
    """``("Earthsea", 2.0)`` from ``Earthsea, Vol. 2``, ``Earthsea 02``, ``Earthsea #2``. Four digits are a year."""
    text = text.strip()[-512:]
    number = _INDEX.search(text)
    marker = _MARKER.search(text[: number.start()]) if number else None
    series = text[: marker.start()].strip(" ,_.:-") if marker else ""
    return (series, float(number[1])) if number and words_key(series) else None


def _contradicts_volume(question: Question, facts: Facts) -> bool:
    told = question.clues.series_index
    if told is None or not question.clues.series or not facts.series or facts.series_index is None:
        return False
    return words_key(question.clues.series) == words_key(facts.series) and told != facts.series_index


def _agreements(shelf: Shelf, question: Question) -> Iterator[tuple[BookId, bool, bool]]:
    """``(book, title agrees, author agrees)`` for every number that Calibre may have written."""
    numbered = None if question.name_spent else _NUMBERED.match(question.readable)
    if numbered:
        rest = numbered["rest"]
        key = name_key(rest)
        readings = list(_splits(rest)) or [(rest, "")]
        if rest.startswith("x"):  # what Calibre puts in the place of a first dot
            readings += [(title[1:], people) for title, people in readings]
        for book_id in shelf.by_calibre_id(int(numbered["served"] or numbered["sent"])):
            if len(key) >= LONG and any(_is_cut_from(n, key) for n in shelf.names_of(book_id, key[: LONG // 2])):
                yield book_id, True, True
            else:
                yield book_id, *_agree(shelf, book_id, readings)
    folder = _FOLDER.match(question.folders[-1]) if question.folders else None
    if folder:
        author = question.folders[-2] if len(question.folders) > 1 else ""
        for book_id in shelf.by_calibre_id(int(folder["id"])):
            yield book_id, *_agree(shelf, book_id, [(folder["title"], author), *_splits(question.readable)])


def _agree(shelf: Shelf, book_id: BookId, readings: list[tuple[str, str]]) -> tuple[bool, bool]:
    authors = next((facts.authors for facts in shelf.facts([book_id]).values()), ())
    best = (False, False)
    for title, people in readings:
        if _has_name(shelf, book_id, name_key(title), name_key(people)):
            return True, True
        by_title = any(_begins(known, key) for key in title_keys(title) for known in shelf.titles_of(book_id, key))
        by_author = _begins_authors(people, authors) or bool(
            people and shelf.names_of(book_id, name_key(people) + " - ")
        )
        best = max(best, (by_title, by_author))
    return best


def _has_name(shelf: Shelf, book_id: BookId, title: str, people: str) -> bool:
    """The book has or had a file named so, each half perhaps cut."""
    if not title or not people:
        return False
    start = title if len(title) >= TELLING else f"{title} - "
    return any(
        _begins(known_title, title) and _begins(known_people, people)
        for name in shelf.names_of(book_id, start)
        for known_title, known_people in _splits(name)
    )


def _begins(whole: str, part: str) -> bool:
    """``part`` is ``whole``, or a beginning of it that is long enough to tell."""
    return whole == part != "" or (len(part) >= TELLING and whole.startswith(part))


def _begins_authors(told: str, authors: tuple[str, ...]) -> bool:
    if not authors or not told:
        return False
    if compare_authors(_people(told), authors) == SAME:
        return True
    everybody = " & ".join(authors)
    return any(_begins(whole, key) for whole in title_keys(everybody) for key in title_keys(told))


def _is_elsewhere(shelf: Shelf, question: Question, book_id: BookId) -> bool:
    """Another book has the title that the name tells."""
    numbered = _NUMBERED.match(question.readable)
    rest = numbered["rest"] if numbered else question.readable
    return any(
        other != book_id for left, _ in _splits(rest) for key in title_keys(left) for other in shelf.by_title(key)
    )


def _is_cut_from(whole: str, part: str) -> bool:
    """``part`` is ``whole`` without its middle or its end."""
    return len(whole) > len(part) and _shared_ends(whole, part) >= len(part)


def _shared_ends(whole: str, part: str) -> int:
    """Characters that both have in common at their beginning and, beyond those, at their end."""
    head = next((i for i, (a, b) in enumerate(zip(whole, part, strict=False)) if a != b), min(len(whole), len(part)))
    tail = next(
        (i for i, (a, b) in enumerate(zip(reversed(whole), reversed(part), strict=False)) if a != b),
        min(len(whole), len(part)),
    )
    return head + tail


# Candidates -------------------------------------------------------------------------------------


def _likely(shelf: Shelf, question: Question) -> list[Candidate]:
    """What the rules suspected, and names that begin alike; best first."""
    if len(question.weak) < MOST_CANDIDATES and len(question.key) >= TELLING // 2:
        start = question.key[: max(TELLING // 2, len(question.key) // 2)]
        for book_id, name in shelf.names_from(start):
            shared = _shared_ends(name, question.key) / max(len(name), len(question.key))
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
