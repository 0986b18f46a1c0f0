"""The clues to a file's book, taken apart: what its name and its metadata can be read as.

Pure, and without an opinion: every reading is offered, ``tomed/matching.py`` asks which of them is a book's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tomed.model import BookId, Candidate, Clues
from tomed.names import mend, name_key, split_extension, words_key

LONGEST = 512
"""Characters of a name whose parts are looked at."""

_UUID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f])")
_MD5 = re.compile(r"[0-9a-f]{32}")
NUMBERED = re.compile(r"^(?P<rest>.*\S)(?:\s*_(?P<served>[0-9]{1,9})|\s+\((?P<sent>[0-9]{1,9})\))$", re.DOTALL)
"""A name with the number that Calibre writes behind it: ``… _42`` (served), ``… (42)`` (sent)."""
FOLDER = re.compile(r"^(?P<title>.*\S) \((?P<id>[0-9]{1,9})\)$", re.DOTALL)
"""A folder of a library: ``Title (42)``."""
COPY = re.compile(
    r"^(?P<rest>.*?\S)(?: ?\((?P<number>[1-9])\)|[ _-]+(?:copy|kopie|copie)(?: ?\(?[0-9]*\)?)?)$",
    re.DOTALL | re.IGNORECASE,
)
"""What a file manager or browser adds to a second copy."""
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


def readings(question: Question) -> Iterator[tuple[str, tuple[str, ...]]]:
    """``(title, authors)`` as the file's metadata says, then as its name can be read."""
    clues = question.clues
    if clues.title:
        yield clues.title, tuple(author for name in clues.authors for author in people_of(name))
    for stem in plain_stems(question):
        yield stem, ()
        for left, right in splits(stem):
            yield left, people_of(right)
            yield right, people_of(left)
    numbered = None if question.name_spent else NUMBERED.match(question.readable)
    if numbered:  # another library's number; behind a title it might be a volume's, so only "title - author" is read
        for left, right in splits(numbered["rest"]):
            yield left, people_of(right)


def plain_stems(question: Question) -> list[str]:
    """The name as it can be read without its roads' additions: as it is, and without a copy's number."""
    if question.name_spent or not question.readable:
        return []
    stems = [question.readable]
    if (copy := COPY.match(question.readable)) and not copy["number"]:
        stems.append(copy["rest"])
    if " " not in question.readable and "_" in question.readable:
        stems.append(question.readable.replace("_", " "))
    return stems


def splits(text: str) -> Iterator[tuple[str, str]]:
    """``text`` parted at each `` - ``, at most four."""
    parts = text.split(" - ", 4)
    for i in range(1, len(parts)):
        yield " - ".join(parts[:i]), " - ".join(parts[i:])


def people_of(text: str) -> tuple[str, ...]:
    """Authors as one string names them. A comma may stand inside a name, so it parts nothing."""
    return tuple(name for name in (part.strip() for part in re.split(r"\s&&?\s|;|\n", text[:1024])) if name)


def volumes(question: Question) -> Iterator[tuple[str, float, tuple[str, ...]]]:
    """``(series, index, authors)`` as the metadata says, then as the name can be read."""
    clues = question.clues
    authors = tuple(author for name in clues.authors for author in people_of(name))
    if clues.series and clues.series_index is not None:
        if authors:
            yield clues.series, clues.series_index, authors
        return
    if question.title_spent or question.name_spent:
        return
    for title in [clues.title] if clues.title and authors else []:
        if parsed := parse_volume(title):
            yield *parsed, authors
    for stem in plain_stems(question):
        if parsed := parse_volume(stem):
            yield *parsed, authors
        for left, right in splits(stem):
            for volume, people in ((left, right), (right, left)):
                if parsed := parse_volume(volume):
                    yield *parsed, people_of(people)


def parse_volume(text: str) -> tuple[str, float] | None:
    """``("Earthsea", 2.0)`` from ``Earthsea, Vol. 2``, ``Earthsea 02``, ``Earthsea #2``. Four digits are a year."""
    text = text.strip()[-512:]
    number = _INDEX.search(text)
    marker = _MARKER.search(text[: number.start()]) if number else None
    series = text[: marker.start()].strip(" ,_.:-") if marker else ""
    return (series, float(number[1])) if number and words_key(series) else None
