"""The tables of a Calibre ``metadata.db``, described as data and put into SQL here.

Calibre and other programs expect these names of tables, columns, indexes, triggers and views, so
they are facts; the layout is ours. Three schema versions are known, by ``PRAGMA user_version``:

* 25: Calibre before 6.15.
* 26: ``link`` on every table of names.
* 27 (Calibre 9): ``books`` loses ``isbn``, ``lccn`` and ``flags``; ``books_pages_link`` arrives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tomed.demo.schema_rules import DROPPED_IN_27, LINKS, trigger, triggers, views

VERSIONS = (25, 26, 27)
APPLICATION_ID = 0x63616C69  # "cali", since version 27

_KEY = "id INTEGER PRIMARY KEY"
_NAME = "name TEXT NOT NULL COLLATE NOCASE"
_SORT = "sort TEXT COLLATE NOCASE"
_LINK = "link TEXT NOT NULL DEFAULT ''"
_BOOK = "book INTEGER NOT NULL"
_FORMAT = "format TEXT NOT NULL COLLATE NOCASE"

# Tables of names: what a row holds beside its key. A link table leads from books to each of them.
_NAMES = {
    "authors": (_NAME, _SORT, _LINK, "UNIQUE (name)"),
    "publishers": (_NAME, _SORT, "UNIQUE (name)"),
    "series": (_NAME, _SORT, "UNIQUE (name)"),
    "tags": (_NAME, "UNIQUE (name)"),
    "languages": ("lang_code TEXT NOT NULL COLLATE NOCASE", "UNIQUE (lang_code)"),
    "ratings": ("rating INTEGER CHECK (rating > -1 AND rating < 11)", "UNIQUE (rating)"),
}
_ONE_PER_BOOK = ("publishers", "series")

_BOOK_COLUMNS = (
    "id INTEGER PRIMARY KEY AUTOINCREMENT",
    "title TEXT NOT NULL DEFAULT 'Unknown' COLLATE NOCASE",
    _SORT,
    "timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP",
    "pubdate TIMESTAMP DEFAULT CURRENT_TIMESTAMP",
    "series_index REAL NOT NULL DEFAULT 1.0",
    "author_sort TEXT COLLATE NOCASE",
    "isbn TEXT DEFAULT '' COLLATE NOCASE",
    "lccn TEXT DEFAULT '' COLLATE NOCASE",
    "path TEXT NOT NULL DEFAULT ''",
    "flags INTEGER NOT NULL DEFAULT 1",
    "uuid TEXT",
    "has_cover BOOL DEFAULT 0",
    "last_modified TIMESTAMP NOT NULL DEFAULT '2000-01-01 00:00:00+00:00'",
)

_OTHER_TABLES = {
    "data": (_KEY, _BOOK, _FORMAT, "uncompressed_size INTEGER NOT NULL", "name TEXT NOT NULL", "UNIQUE (book, format)"),
    "comments": (_KEY, _BOOK, "text TEXT NOT NULL COLLATE NOCASE", "UNIQUE (book)"),
    "identifiers": (
        _KEY,
        _BOOK,
        "type TEXT NOT NULL DEFAULT 'isbn' COLLATE NOCASE",
        "val TEXT NOT NULL COLLATE NOCASE",
        "UNIQUE (book, type)",
    ),
    "conversion_options": (_KEY, _FORMAT, "book INTEGER", "data BLOB NOT NULL", "UNIQUE (format, book)"),
    "books_plugin_data": (_KEY, _BOOK, "name TEXT NOT NULL", "val TEXT NOT NULL", "UNIQUE (book, name)"),
    "feeds": (_KEY, "title TEXT NOT NULL", "script TEXT NOT NULL", "UNIQUE (title)"),
    "library_id": (_KEY, "uuid TEXT NOT NULL", "UNIQUE (uuid)"),
    "preferences": (_KEY, "key TEXT NOT NULL", "val TEXT NOT NULL", "UNIQUE (key)"),
    "metadata_dirtied": (_KEY, _BOOK, "UNIQUE (book)"),
    "annotations_dirtied": (_KEY, _BOOK, "UNIQUE (book)"),
    "last_read_positions": (
        _KEY,
        _BOOK,
        _FORMAT,
        "user TEXT NOT NULL",
        "device TEXT NOT NULL",
        "cfi TEXT NOT NULL",
        "epoch REAL NOT NULL",
        "pos_frac REAL NOT NULL DEFAULT 0",
        "UNIQUE (user, device, book, format)",
    ),
    "annotations": (
        _KEY,
        _BOOK,
        _FORMAT,
        "user_type TEXT NOT NULL",
        "user TEXT NOT NULL",
        "timestamp REAL NOT NULL",
        "annot_id TEXT NOT NULL",
        "annot_type TEXT NOT NULL",
        "annot_data TEXT NOT NULL",
        "searchable_text TEXT NOT NULL DEFAULT ''",
        "UNIQUE (book, user_type, user, format, annot_type, annot_id)",
    ),
    "custom_columns": (
        "id INTEGER PRIMARY KEY AUTOINCREMENT",
        "label TEXT NOT NULL",
        "name TEXT NOT NULL",
        "datatype TEXT NOT NULL",
        "mark_for_delete BOOL DEFAULT 0 NOT NULL",
        "editable BOOL DEFAULT 1 NOT NULL",
        "display TEXT DEFAULT '{}' NOT NULL",
        "is_multiple BOOL DEFAULT 0 NOT NULL",
        "normalized BOOL NOT NULL",
        "UNIQUE (label)",
    ),
}

_INDEXES = {
    "books_idx": "books (sort COLLATE NOCASE)",
    "authors_idx": "books (author_sort COLLATE NOCASE)",
    "series_idx": "series (name COLLATE NOCASE)",
    "tags_idx": "tags (name COLLATE NOCASE)",
    "publishers_idx": "publishers (name COLLATE NOCASE)",
    "languages_idx": "languages (lang_code COLLATE NOCASE)",
    "data_idx": "data (book)",
    "formats_idx": "data (format)",
    "comments_idx": "comments (book)",
    "custom_columns_idx": "custom_columns (label)",
    "conversion_options_idx_a": "conversion_options (format COLLATE NOCASE)",
    "conversion_options_idx_b": "conversion_options (book)",
    "lrp_idx": "last_read_positions (book)",
    "annot_idx": "annotations (book)",
}


def statements(version: int = 25) -> Iterator[str]:
    """Every statement that makes an empty ``metadata.db`` of schema ``version``, in order."""
    yield _table("books", [c for c in _BOOK_COLUMNS if version < 27 or c.split()[0] not in DROPPED_IN_27])
    for name, columns in _NAMES.items():
        linked = version >= 26 and _LINK not in columns
        yield _table(name, (_KEY, *columns[:-1], *([_LINK] if linked else ()), columns[-1]))
        yield from _link_table(name, LINKS[name])
    for name, columns in _OTHER_TABLES.items():
        yield _table(name, columns)
    for name, on in _INDEXES.items():
        yield f"CREATE INDEX {name} ON {on}"
    yield from _full_text()
    yield from triggers()
    yield from views(version)
    if version >= 27:
        yield from _pages()
        yield f"PRAGMA application_id = {APPLICATION_ID}"
    yield f"PRAGMA user_version = {version}"


def _table(name: str, columns: Iterable[str]) -> str:
    return f"CREATE TABLE {name} (\n    " + ",\n    ".join(columns) + "\n)"


def _link_table(name: str, column: str) -> Iterator[str]:
    table = f"books_{name}_link"
    order = ("item_order INTEGER NOT NULL DEFAULT 0",) if name == "languages" else ()
    unique = "UNIQUE (book)" if name in _ONE_PER_BOOK else f"UNIQUE (book, {column})"
    yield _table(table, (_KEY, _BOOK, f"{column} INTEGER NOT NULL", *order, unique))
    yield f"CREATE INDEX {table}_aidx ON {table} ({column})"
    yield f"CREATE INDEX {table}_bidx ON {table} (book)"


def _full_text() -> Iterator[str]:
    for name, tokens in (("annotations_fts", "unicode61"), ("annotations_fts_stemmed", "porter unicode61")):
        yield (
            f"CREATE VIRTUAL TABLE {name} USING fts5 (searchable_text, content = 'annotations', "
            f"content_rowid = 'id', tokenize = '{tokens} remove_diacritics 2')"
        )
    both = ("annotations_fts", "annotations_fts_stemmed")
    add = [f"INSERT INTO {t} (rowid, searchable_text) VALUES (NEW.id, NEW.searchable_text)" for t in both]
    drop = [
        f"INSERT INTO {t} ({t}, rowid, searchable_text) VALUES ('delete', OLD.id, OLD.searchable_text)" for t in both
    ]
    yield trigger("annotations_fts_insert_trg", "AFTER INSERT ON annotations", *add)
    yield trigger("annotations_fts_delete_trg", "AFTER DELETE ON annotations", *drop)
    yield trigger("annotations_fts_update_trg", "AFTER UPDATE ON annotations", *drop, *add)


def _pages() -> Iterator[str]:
    yield _table(
        "books_pages_link",
        (
            "book INTEGER PRIMARY KEY",
            "pages INTEGER DEFAULT 0 NOT NULL",
            "algorithm INTEGER DEFAULT 0 NOT NULL",
            "format TEXT DEFAULT '' NOT NULL COLLATE NOCASE",
            "format_size INTEGER DEFAULT 0 NOT NULL",
            "timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP",
            "needs_scan INTEGER NOT NULL DEFAULT 0 CHECK (needs_scan IN (0, 1))",
            "FOREIGN KEY (book) REFERENCES books (id) ON DELETE CASCADE",
        ),
    )
    yield "CREATE INDEX books_pages_link_pidx ON books_pages_link (needs_scan)"
    yield trigger(
        "books_pages_link_create_trigger",
        "AFTER INSERT ON books FOR EACH ROW",
        "INSERT INTO books_pages_link (book) VALUES (NEW.id)",
    )
