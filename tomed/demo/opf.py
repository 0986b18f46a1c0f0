"""``metadata.opf``: the copy of a book's metadata that Calibre keeps beside its files, and restores from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from tomed.demo.custom_columns import CustomColumn
from tomed.demo.disk_names import author_sort

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNDEFINED_DATE = datetime(101, 1, 1, tzinfo=UTC)
"""What Calibre writes for a date that nobody knows."""


def moment(at: int | None) -> datetime:
    """Integer ms as a date; ``None`` is Calibre's undefined date."""
    return UNDEFINED_DATE if at is None else _EPOCH + timedelta(milliseconds=at)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the OPF tells of one book. ``custom`` holds (number, column, value)."""

    calibre_id: int
    uuid: str
    title: str
    title_sort: str
    authors: tuple[str, ...]
    author_sort: str
    added_at: int
    published_at: int | None
    languages: tuple[str, ...]
    tags: tuple[str, ...]
    identifiers: Mapping[str, str]
    series: str | None
    series_index: float
    publisher: str | None
    rating: int | None
    comments: str | None
    has_cover: bool
    custom: tuple[tuple[int, CustomColumn, Any], ...] = ()


def write_opf(book: Metadata) -> str:
    """The text of ``metadata.opf``."""
    lines = "\n".join("        " + line for line in (*_elements(book), *_metas(book)))
    cover = '        <reference type="cover" title="Cover" href="cover.jpg"/>\n' if book.has_cover else ""
    return f"""<?xml version='1.0' encoding='utf-8'?>
<package xmlns="http://www.idpf.org/2007/opf" unique-identifier="uuid_id" version="2.0">
    <metadata xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:opf="http://www.idpf.org/2007/opf">
{lines}
    </metadata>
    <guide>
{cover}    </guide>
</package>
"""


def _elements(book: Metadata) -> Iterator[str]:
    yield f'<dc:identifier opf:scheme="calibre" id="calibre_id">{book.calibre_id}</dc:identifier>'
    yield f'<dc:identifier opf:scheme="uuid" id="uuid_id">{escape(book.uuid)}</dc:identifier>'
    yield f"<dc:title>{escape(book.title)}</dc:title>"
    for author in book.authors:
        # Every creator carries the author sort of the whole book: that is how Calibre reads it back.
        file_as = book.author_sort or author_sort(author)
        yield f'<dc:creator opf:file-as={quoteattr(file_as)} opf:role="aut">{escape(author)}</dc:creator>'
    yield f"<dc:date>{moment(book.published_at).isoformat()}</dc:date>"
    if book.comments:
        yield f"<dc:description>{escape(book.comments)}</dc:description>"
    if book.publisher:
        yield f"<dc:publisher>{escape(book.publisher)}</dc:publisher>"
    for scheme, value in book.identifiers.items():
        yield f"<dc:identifier opf:scheme={quoteattr(scheme.upper())}>{escape(value)}</dc:identifier>"
    for language in book.languages or ("und",):
        yield f"<dc:language>{escape(language)}</dc:language>"
    for tag in book.tags:
        yield f"<dc:subject>{escape(tag)}</dc:subject>"


def _metas(book: Metadata) -> Iterator[str]:
    def meta(name: str, content: str) -> str:
        return f"<meta name={quoteattr('calibre:' + name)} content={quoteattr(content)}/>"

    yield meta("author_link_map", json.dumps(dict.fromkeys(book.authors, "")))
    if book.series is not None:
        yield meta("series", book.series)
        yield meta("series_index", f"{book.series_index:g}")
    if book.rating is not None:
        yield meta("rating", str(book.rating))
    yield meta("timestamp", moment(book.added_at).isoformat())
    yield meta("title_sort", book.title_sort)
    for number, column, value in book.custom:
        yield meta(f"user_metadata:#{column.label}", json.dumps(_user_metadata(number, column, value)))


def _user_metadata(number: int, column: CustomColumn, value: Any) -> dict[str, object]:
    extra: object = None
    if column.datatype == "series":
        value, extra = value
    elif column.datatype == "datetime":
        value = {"__class__": "datetime.datetime", "__value__": str(value).replace(" ", "T")}
    elif column.datatype == "bool":
        value = bool(value)
    several = {"cache_to_list": "|", "ui_to_list": ",", "list_to_ui": ", "} if column.is_multiple else {}
    return {
        "table": f"custom_column_{number}",
        "column": "value",
        "datatype": column.datatype,
        "is_multiple": "|" if column.is_multiple else None,
        "kind": "field",
        "name": column.name,
        "search_terms": [f"#{column.label}"],
        "label": column.label,
        "colnum": number,
        "display": dict(column.display),
        "is_custom": True,
        "is_category": column.normalized,
        "link_column": "value",
        "category_sort": "value",
        "is_csp": False,
        "is_editable": True,
        "rec_index": 21 + number,
        "#value#": list(value) if column.is_multiple else value,
        "#extra#": extra,
        "is_multiple2": several,
    }
