"""The parts of a book that every list shows, as one small JSON text in the book's own row."""

from __future__ import annotations

from typing import Self

import msgspec

from tomed.model import Entry, Format


class Card(msgspec.Struct, array_like=True):
    """Authors, tags, languages, identifiers, formats. Derived: the tables beside it say the same."""

    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    identifiers: dict[str, str] = {}
    formats: tuple[tuple[str, str, int], ...] = ()

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The card of what a library says."""
        return cls(
            tuple(name for name, _ in entry.authors),
            entry.tags,
            entry.languages,
            dict(entry.identifiers),
            tuple((f.format, f.name, f.size) for f in entry.formats),
        )

    def made_formats(self) -> tuple[Format, ...]:
        """The formats as the model has them."""
        return tuple([Format(*parts) for parts in self.formats])


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Card)


def pack(card: Card) -> str:
    """As the column ``books.card`` keeps it."""
    return _encoder.encode(card).decode()


def unpack(text: str) -> Card:
    """The card again."""
    return _decoder.decode(text)


def with_size(text: str, format: str, size: int) -> str:
    """The card ``text`` with another size (bytes) of one format."""
    card = unpack(text)
    card.formats = tuple((form, name, size if form == format else known) for form, name, known in card.formats)
    return pack(card)
