-- How files find their books, beyond names.

-- Nobody asks for all aliases of a book, and this index held every name a second time.
DROP INDEX aliases_book;

-- Partial MD5 of the library's own files, remembered until path, size or time of change differ.
-- The hashes themselves stay in aliases for ever; this table only saves reading a file twice.
CREATE TABLE fingerprints (
    library_id  INTEGER NOT NULL REFERENCES libraries (id) ON DELETE CASCADE,
    path        TEXT NOT NULL,               -- inside the library
    size        INTEGER NOT NULL,
    mtime_ns    INTEGER NOT NULL,
    book_id     INTEGER NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    partial_md5 TEXT NOT NULL,               -- empty when the file could not be read
    seen_at     INTEGER NOT NULL,
    PRIMARY KEY (library_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX fingerprints_book ON fingerprints (book_id);

-- What a user's device took from us, by the name we gave: decides between books whose files share one name.
CREATE TABLE downloads (
    user_id  INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name_key TEXT NOT NULL,                  -- folded by tomed/names.py, with its extension
    book_id  INTEGER NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    at       INTEGER NOT NULL,
    PRIMARY KEY (user_id, name_key, book_id)
) STRICT, WITHOUT ROWID;

-- "This file is not that book": a placing that a person took back is not made again by a rule.
CREATE TABLE refusals (
    document_id INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    book_id     INTEGER NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    at          INTEGER NOT NULL,
    PRIMARY KEY (document_id, book_id)
) STRICT, WITHOUT ROWID;

-- "My history with this book belongs to that one": followed while Calibre no longer lists the first
-- (merged, or deleted and added again), so that files which name the old one find the new one.
CREATE TABLE successions (
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    book_id      INTEGER NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    successor_id INTEGER NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    at           INTEGER NOT NULL,
    PRIMARY KEY (user_id, book_id)
) STRICT, WITHOUT ROWID;

-- A document by its hash or its name, for one user.
CREATE INDEX documents_user_md5 ON documents (user_id, partial_md5) WHERE partial_md5 <> '';
CREATE INDEX documents_user_file ON documents (user_id, filename) WHERE filename <> '';
