"""The triggers and views of a Calibre ``metadata.db``; ``schema.py`` has its tables.

Calibre keeps its foreign keys by triggers. They and the views call functions that only Calibre (and
``calibre_library.py``) registers: ``title_sort``, ``uuid4``, ``books_list_filter``, ``sortconcat``, ``concat``.
"""

from __future__ import annotations

from collections.abc import Iterator

LINKS = {
    "authors": "author",
    "publishers": "publisher",
    "series": "series",
    "tags": "tag",
    "languages": "lang_code",
    "ratings": "rating",
}
"""Per table of names: the column of ``books_NAME_link`` that points to it."""

DROPPED_IN_27 = ("isbn", "lccn", "flags")
"""Columns of ``books`` that are gone since schema 27."""

# What goes when a book goes, beside its links.
_OF_A_BOOK = (
    "data",
    "last_read_positions",
    "annotations",
    "comments",
    "conversion_options",
    "books_plugin_data",
    "identifiers",
)


def trigger(name: str, when: str, *actions: str) -> str:
    """``CREATE TRIGGER`` with its actions, each a statement without its semicolon."""
    return f"CREATE TRIGGER {name} {when} BEGIN\n" + "".join(f"    {action};\n" for action in actions) + "END"


def guard(name: str, when: str, **targets: str) -> str:
    """A trigger that refuses a row whose ``column`` has no row in its ``table`` (Calibre's foreign keys)."""
    tests = " ".join(
        f"WHEN NOT EXISTS (SELECT 1 FROM {table} WHERE id = NEW.{column}) "
        f"THEN RAISE(ABORT, 'Foreign key violation: {column} not in {table}')"
        for column, table in targets.items()
    )
    return trigger(name, f"BEFORE {when}", f"SELECT CASE {tests} END")


def triggers() -> Iterator[str]:
    """Every trigger of the tables that all libraries have."""
    yield trigger(
        "books_insert_trg",
        "AFTER INSERT ON books",
        "UPDATE books SET sort = title_sort(NEW.title), uuid = uuid4() WHERE id = NEW.id",
    )
    yield trigger(
        "books_update_trg",
        "AFTER UPDATE ON books",
        "UPDATE books SET sort = title_sort(NEW.title) WHERE id = NEW.id AND OLD.title <> NEW.title",
    )
    gone = [f"books_{name}_link" for name in LINKS] + list(_OF_A_BOOK)
    yield trigger(
        "books_delete_trg", "AFTER DELETE ON books", *(f"DELETE FROM {table} WHERE book = OLD.id" for table in gone)
    )
    for event in ("insert", "update"):
        yield trigger(
            f"series_{event}_trg",
            f"AFTER {event.upper()} ON series",
            "UPDATE series SET sort = title_sort(NEW.name) WHERE id = NEW.id",
        )
    for table, short in (
        ("annotations", "annot"),
        ("comments", "comments"),
        ("data", "data"),
        ("last_read_positions", "lrp"),
    ):
        yield guard(f"fkc_{short}_insert", f"INSERT ON {table}", book="books")
        yield guard(f"fkc_{short}_update", f"UPDATE OF book ON {table}", book="books")
    for name, column in LINKS.items():
        link = f"books_{name}_link"
        # Calibre's own name for the languages' one says "delete"; programs that drop it look for that.
        insert = "fkc_delete_on_languages_link" if name == "languages" else f"fkc_insert_{link}"
        yield guard(insert, f"INSERT ON {link}", book="books", **{column: name})
        yield guard(f"fkc_update_{link}_a", f"UPDATE OF book ON {link}", book="books")
        yield guard(f"fkc_update_{link}_b", f"UPDATE OF {column} ON {link}", **{column: name})
        if name != "ratings":
            yield trigger(
                f"fkc_delete_on_{name}",
                f"BEFORE DELETE ON {name}",
                f"SELECT CASE WHEN EXISTS (SELECT 1 FROM {link} WHERE {column} = OLD.id) "
                f"THEN RAISE(ABORT, 'Foreign key violation: {name} is still referenced') END",
            )


def views(version: int) -> Iterator[str]:
    """``meta`` and the views behind Calibre's tag browser."""
    yield _meta(version)
    shown = {
        "authors": "sort",
        "publishers": "name",
        "ratings": "rating",
        "series": "(title_sort(name))",
        "tags": "name",
    }
    for name, sort in shown.items():
        value = "rating" if name == "ratings" else "name"
        for filtered in (False, True):
            yield tag_browser(name, f"books_{name}_link", LINKS[name], value, sort, filtered=filtered)


def _meta(version: int) -> str:
    def linked(table: str, value: str) -> str:
        link = f"SELECT {LINKS[table]} FROM books_{table}_link WHERE book = books.id"
        return f"(SELECT {value} FROM {table} WHERE {table}.id IN ({link}))"

    columns = [
        "id",
        "title",
        "(SELECT sortconcat(l.id, name) FROM books_authors_link AS l JOIN authors ON author = authors.id "
        "WHERE book = books.id) AS authors",
        linked("publishers", "name") + " AS publisher",
        linked("ratings", "rating") + " AS rating",
        "timestamp",
        "(SELECT MAX(uncompressed_size) FROM data WHERE book = books.id) AS size",
        linked("tags", "concat(name)") + " AS tags",
        "(SELECT text FROM comments WHERE book = books.id) AS comments",
        linked("series", "name") + " AS series",
        "series_index",
        "sort",
        "author_sort",
        "(SELECT concat(format) FROM data WHERE data.book = books.id) AS formats",
        "isbn",
        "path",
        "lccn",
        "pubdate",
        "flags",
        "uuid",
    ]
    kept = [c for c in columns if version < 27 or c not in DROPPED_IN_27]
    return "CREATE VIEW meta AS SELECT\n    " + ",\n    ".join(kept) + "\nFROM books"


def tag_browser(table: str, link: str, column: str, value: str, sort: str, *, filtered: bool) -> str:
    """The view behind one category of Calibre's tag browser; ``filtered`` counts only books that are shown."""
    name = f"tag_browser_filtered_{table}" if filtered else f"tag_browser_{table}"
    shown, rated = (" AND books_list_filter(book)", " AND books_list_filter(r.book)") if filtered else ("", "")
    return (
        f"CREATE VIEW {name} AS SELECT\n    id,\n    {value},\n"
        f"    (SELECT COUNT(*) FROM {link} WHERE {column} = {table}.id{shown}) AS count,\n"
        f"    (SELECT AVG(ratings.rating) FROM {link} AS l JOIN books_ratings_link AS r ON r.book = l.book "
        f"JOIN ratings ON ratings.id = r.rating\n     WHERE l.{column} = {table}.id AND ratings.rating <> 0{rated}) "
        f"AS avg_rating,\n    {sort} AS sort\nFROM {table}"
    )
