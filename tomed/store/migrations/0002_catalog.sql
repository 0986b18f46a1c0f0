-- What the mirrored catalogue needs beside its first tables: several libraries, fast lists, search.

-- Which library holds which book, and what its row looked like when it was last read. A book may be
-- held by several libraries; books.library_id is its home, the one whose words are shown. The row
-- goes when that library no longer lists the book; the book itself never does.
CREATE TABLE holdings (
    library_id    INTEGER NOT NULL REFERENCES libraries (id) ON DELETE CASCADE,
    calibre_id    INTEGER NOT NULL,
    book_id       INTEGER NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    uuid          TEXT NOT NULL,              -- as this library writes it, for comparing only
    last_modified TEXT NOT NULL,              -- Calibre's own string, for comparing only
    digest        BLOB NOT NULL,              -- of all that was read: a mere touch rewrites nothing
    path          TEXT NOT NULL,              -- folder of the book in this library
    PRIMARY KEY (library_id, calibre_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX holdings_book ON holdings (book_id);

-- How the books were read (rules for kinds, version of the reading code): another value reads all again.
ALTER TABLE libraries ADD COLUMN reading TEXT NOT NULL DEFAULT '';

-- Folded keys (tomed/folding.py): order and comparison without case and accents, "Vol. 2" before "Vol. 10".
ALTER TABLE books ADD COLUMN sort_key TEXT NOT NULL DEFAULT '';
ALTER TABLE books ADD COLUMN author_key TEXT NOT NULL DEFAULT '';
ALTER TABLE books ADD COLUMN series_key TEXT NOT NULL DEFAULT '';
ALTER TABLE books ADD COLUMN publisher TEXT;
-- The parts that lists show (authors, tags, formats, identifiers, custom columns) once more as JSON:
-- a book is then one row to read. The tables remain what filters use. Empty: read the tables.
ALTER TABLE books ADD COLUMN card TEXT NOT NULL DEFAULT '';

DROP INDEX books_sort;
DROP INDEX books_added;
DROP INDEX books_series;
CREATE INDEX books_by_title ON books (sort_key, id) WHERE gone_at IS NULL;
CREATE INDEX books_by_author ON books (author_key, sort_key, id) WHERE gone_at IS NULL;
CREATE INDEX books_by_series ON books (series_key, series_index, sort_key, id) WHERE gone_at IS NULL;
CREATE INDEX books_by_added ON books (added_at DESC, id DESC) WHERE gone_at IS NULL;
CREATE INDEX books_series ON books (series_id, series_index);
CREATE INDEX books_gone ON books (id) WHERE gone_at IS NOT NULL;
CREATE INDEX books_kind ON books (kind, sort_key, id) WHERE gone_at IS NULL;

ALTER TABLE series ADD COLUMN key TEXT NOT NULL DEFAULT '';
ALTER TABLE series ADD COLUMN sort_key TEXT NOT NULL DEFAULT '';
ALTER TABLE series ADD COLUMN books INTEGER NOT NULL DEFAULT 0;  -- living ones; see catalog_counts
DROP INDEX series_sort;
CREATE INDEX series_list ON series (sort_key, id) WHERE books > 0;
CREATE INDEX series_key ON series (key);

ALTER TABLE authors ADD COLUMN key TEXT NOT NULL DEFAULT '';
CREATE INDEX authors_key ON authors (key);
ALTER TABLE tags ADD COLUMN key TEXT NOT NULL DEFAULT '';
CREATE INDEX tags_key ON tags (key);

-- Counts that every page shows. mirror.py counts new books itself, once a batch (a trigger on INSERT makes each
-- insert twice as dear); what happens to them later the database counts.
CREATE TABLE catalog_counts (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO catalog_counts (name, value) SELECT 'books', count(*) FROM books WHERE gone_at IS NULL;
INSERT INTO catalog_counts (name, value) VALUES ('series', 0);

CREATE TRIGGER books_change AFTER UPDATE OF gone_at, series_id ON books
WHEN (old.gone_at IS NULL) <> (new.gone_at IS NULL) OR old.series_id IS NOT new.series_id BEGIN
    UPDATE catalog_counts SET value = value + (new.gone_at IS NULL) - (old.gone_at IS NULL) WHERE name = 'books';
    UPDATE series SET books = books - 1 WHERE id = old.series_id AND old.gone_at IS NULL;
    UPDATE series SET books = books + 1 WHERE id = new.series_id AND new.gone_at IS NULL;
END;
CREATE TRIGGER books_leave AFTER DELETE ON books WHEN old.gone_at IS NULL BEGIN
    UPDATE catalog_counts SET value = value - 1 WHERE name = 'books';
    UPDATE series SET books = books - 1 WHERE id = old.series_id;
END;
CREATE TRIGGER series_fill AFTER UPDATE OF books ON series WHEN (old.books > 0) <> (new.books > 0) BEGIN
    UPDATE catalog_counts SET value = value + (new.books > 0) - (old.books > 0) WHERE name = 'series';
END;
UPDATE series SET books = (SELECT count(*) FROM books WHERE series_id = series.id AND gone_at IS NULL);

-- Words of the living books. The text is folded and split by tomed/folding.py, in the index as in the question.
CREATE VIRTUAL TABLE book_search USING fts5 (
    title, authors, series, tags,
    content = '', contentless_delete = 1, 
    tokenize = 'unicode61 remove_diacritics 2'
);

-- Calibre's custom columns: what they are, per library, and their values, per book.
CREATE TABLE custom_columns (
    library_id  INTEGER NOT NULL REFERENCES libraries (id) ON DELETE CASCADE,
    ordinal     INTEGER NOT NULL,
    label       TEXT NOT NULL,                -- without Calibre's #
    name        TEXT NOT NULL,
    datatype    TEXT NOT NULL,
    is_multiple INTEGER NOT NULL CHECK (is_multiple IN (0, 1)),
    PRIMARY KEY (library_id, label)
) STRICT, WITHOUT ROWID;

CREATE TABLE custom_values (
    book_id INTEGER PRIMARY KEY REFERENCES books (id) ON DELETE CASCADE,
    json    TEXT NOT NULL                     -- label to value
) STRICT;
