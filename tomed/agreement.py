"""Whether what is told of a file agrees with what is known of a book: authors, numbers, names that were cut.

Pure. Two facts that agree are certain, one alone is not; the rules of ``tomed/matching.py`` draw that line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tomed.clues import FOLDER, NUMBERED, Question, people_of, splits
from tomed.evidence import Facts, Shelf
from tomed.model import BookId
from tomed.names import author_keys, name_key, title_keys, words_key

LONG = 100
"""Characters from which a name may have lost its middle or its end on the way."""

TELLING = 20
"""Characters that the beginning of a cut title or name must have to speak for the whole."""

SAME, SHARED, UNKNOWN, OTHER = "same", "shared", "unknown", "other"


def compare_authors(told: Iterable[str], known: Iterable[str]) -> str:
    """How the told authors stand to a book's: SAME when all of them are among them, whatever the order.

    Files often name the first author only, so fewer is the same; one more is not: another edition,
    an adaptation.
    """
    return compare_keys(person_keys(told), map(author_keys, known))


def person_keys(people: Iterable[str]) -> list[frozenset[str]]:
    """Each person's keys (``names.author_keys``); who has none is left out."""
    return [keys for author in people if (keys := author_keys(author)) - {""}]


def compare_keys(told: list[frozenset[str]], known: Iterable[frozenset[str]]) -> str:
    """``compare_authors`` of people whose keys are known."""
    others = list(known)
    agree = [any(_same_person(one, other) for other in others) for one in told]
    if not agree:
        return UNKNOWN
    return SAME if all(agree) else SHARED if any(agree) else OTHER


def _same_person(one: frozenset[str], other: frozenset[str]) -> bool:
    # Two names in scripts of their own must agree there; a spelling counts only against one that is ASCII.
    return bool(one & other) and (len(one) == 1 or len(other) == 1 or one == other)


def contradicts_volume(question: Question, facts: Facts) -> bool:
    """Whether the file says it is another volume of the book's own series."""
    told = question.clues.series_index
    if told is None or not question.clues.series or not facts.series or facts.series_index is None:
        return False
    return words_key(question.clues.series) == words_key(facts.series) and told != facts.series_index


def agreements(shelf: Shelf, question: Question) -> Iterator[tuple[BookId, bool, bool]]:
    """``(book, title agrees, author agrees)`` for every number that Calibre may have written."""
    numbered = None if question.name_spent else NUMBERED.match(question.readable)
    if numbered:
        rest = numbered["rest"]
        key = name_key(rest)
        readings = list(splits(rest)) or [(rest, "")]
        if rest.startswith("x"):  # what Calibre puts in the place of a first dot
            readings += [(title[1:], people) for title, people in readings]
        for book_id in shelf.by_calibre_id(int(numbered["served"] or numbered["sent"])):
            if len(key) >= LONG and any(is_cut_from(n, key) for n in shelf.names_of(book_id, key[: LONG // 2])):
                yield book_id, True, True
            else:
                yield book_id, *_agree(shelf, book_id, readings)
    folder = FOLDER.match(question.folders[-1]) if question.folders else None
    if folder:
        author = question.folders[-2] if len(question.folders) > 1 else ""
        for book_id in shelf.by_calibre_id(int(folder["id"])):
            yield book_id, *_agree(shelf, book_id, [(folder["title"], author), *splits(question.readable)])


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
        for known_title, known_people in splits(name)
    )


def _begins(whole: str, part: str) -> bool:
    """``part`` is ``whole``, or a beginning of it that is long enough to tell."""
    return whole == part != "" or (len(part) >= TELLING and whole.startswith(part))


def _begins_authors(told: str, authors: tuple[str, ...]) -> bool:
    if not authors or not told:
        return False
    if compare_authors(people_of(told), authors) == SAME:
        return True
    everybody = " & ".join(authors)
    return any(_begins(whole, key) for whole in title_keys(everybody) for key in title_keys(told))


def is_cut_from(whole: str, part: str) -> bool:
    """``part`` is ``whole`` without its middle or its end."""
    return len(whole) > len(part) and shared_ends(whole, part) >= len(part)


def shared_ends(whole: str, part: str) -> int:
    """Characters that both have in common at their beginning and, beyond those, at their end."""
    head = next((i for i, (a, b) in enumerate(zip(whole, part, strict=False)) if a != b), min(len(whole), len(part)))
    tail = next(
        (i for i, (a, b) in enumerate(zip(reversed(whole), reversed(part), strict=False)) if a != b),
        min(len(whole), len(part)),
    )
    return head + tail
