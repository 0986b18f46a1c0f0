-- The sidecar: everything tomed knows that Calibre does not, and a mirror of the catalogue that it does.
-- Times are integer milliseconds since the epoch (UTC), durations whole seconds, fractions 0..1.

-- People and what they sign in with ------------------------------------------------------------

CREATE TABLE users (
    id               INTEGER PRIMARY KEY,
    name             TEXT NOT NULL COLLATE NOCASE UNIQUE,
    password_hash    TEXT,
    is_admin         INTEGER NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1)),
    time_zone        TEXT NOT NULL DEFAULT 'UTC',
    day_start_minute INTEGER NOT NULL DEFAULT 240 CHECK (day_start_minute BETWEEN 0 AND 1439),
    week_start       INTEGER NOT NULL DEFAULT 1 CHECK (week_start BETWEEN 1 AND 7),
    idle_cap_s       INTEGER NOT NULL DEFAULT 600,
    settings         TEXT NOT NULL DEFAULT '{}',
    created_at       INTEGER NOT NULL
) STRICT;

CREATE TABLE devices (
    id              INTEGER PRIMARY KEY,
    user_id         INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id       TEXT NOT NULL,              -- made once by the device itself, never its model name
    name            TEXT NOT NULL,
    model           TEXT NOT NULL DEFAULT '',
    koreader        TEXT NOT NULL DEFAULT '',
    plugin          TEXT NOT NULL DEFAULT '',
    clock_offset_ms INTEGER NOT NULL DEFAULT 0, -- server time minus device time at the last sync
    last_seen_at    INTEGER NOT NULL,
    UNIQUE (user_id, client_id)
) STRICT;

CREATE TABLE tokens (
    id           INTEGER PRIMARY KEY,
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind         TEXT NOT NULL CHECK (kind IN ('device', 'web')),
    name         TEXT NOT NULL,
    hash         BLOB NOT NULL UNIQUE,          -- SHA-256; the token itself is never kept
    device_id    INTEGER REFERENCES devices (id) ON DELETE SET NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;
CREATE INDEX tokens_user ON tokens (user_id, kind);

-- Links that work once: the first sign-in, an invitation.
CREATE TABLE invitations (
    hash       BLOB PRIMARY KEY,
    purpose    TEXT NOT NULL CHECK (purpose IN ('first', 'user')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT, WITHOUT ROWID;

-- The catalogue, mirrored ------------------------------------------------------------------------

CREATE TABLE libraries (
    id         INTEGER PRIMARY KEY,
    path       TEXT NOT NULL UNIQUE,
    uuid       TEXT,                            -- Calibre's library_id; two folders may share one
    name       TEXT NOT NULL,
    indexed_at INTEGER,
    stamp      TEXT                             -- what metadata.db looked like when it was last read
) STRICT;

CREATE TABLE series (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    sort TEXT NOT NULL
) STRICT;
CREATE INDEX series_sort ON series (sort COLLATE NOCASE);

-- A book is one row for ever, keyed by our own integer: Calibre's ids are re-used after a restore,
-- its uuid is not. Nothing is deleted when a book vanishes; gone_at says since when.
CREATE TABLE books (
    id               INTEGER PRIMARY KEY,
    uuid             TEXT NOT NULL UNIQUE,
    library_id       INTEGER REFERENCES libraries (id),
    calibre_id       INTEGER,
    title            TEXT NOT NULL,
    sort             TEXT NOT NULL,
    author_sort      TEXT NOT NULL DEFAULT '',
    series_id        INTEGER REFERENCES series (id),
    series_index     REAL,
    path             TEXT NOT NULL DEFAULT '',  -- folder inside the library, as Calibre keeps it
    has_cover        INTEGER NOT NULL DEFAULT 0 CHECK (has_cover IN (0, 1)),
    kind             TEXT NOT NULL DEFAULT 'book',
    languages        TEXT NOT NULL DEFAULT '',  -- comma separated ISO 639 codes
    added_at         INTEGER NOT NULL DEFAULT 0,
    published_at     INTEGER,
    last_modified    TEXT NOT NULL DEFAULT '',  -- Calibre's own string, for comparing only
    last_modified_at INTEGER NOT NULL DEFAULT 0,
    seen_at          INTEGER NOT NULL,
    gone_at          INTEGER
) STRICT;
CREATE INDEX books_library ON books (library_id, calibre_id);
CREATE INDEX books_series ON books (series_id, series_index);
CREATE INDEX books_sort ON books (sort COLLATE NOCASE) WHERE gone_at IS NULL;
CREATE INDEX books_added ON books (added_at) WHERE gone_at IS NULL;

CREATE TABLE formats (
    book_id     INTEGER NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    format      TEXT NOT NULL,                  -- upper case
    name        TEXT NOT NULL,                  -- file name without extension, Calibre's data.name
    size        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (book_id, format)
) STRICT, WITHOUT ROWID;

CREATE TABLE authors (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    sort TEXT NOT NULL
) STRICT;
CREATE INDEX authors_sort ON authors (sort COLLATE NOCASE);

CREATE TABLE book_authors (
    book_id   INTEGER NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    ordinal   INTEGER NOT NULL,
    author_id INTEGER NOT NULL REFERENCES authors (id),
    PRIMARY KEY (book_id, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX book_authors_author ON book_authors (author_id, book_id);

CREATE TABLE tags (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE book_tags (
    book_id INTEGER NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    tag_id  INTEGER NOT NULL REFERENCES tags (id),
    PRIMARY KEY (book_id, tag_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX book_tags_tag ON book_tags (tag_id, book_id);

CREATE TABLE identifiers (
    book_id INTEGER NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    scheme  TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (book_id, scheme)
) STRICT, WITHOUT ROWID;

-- Descriptions are long and rarely asked for: apart, so that a list reads few pages.
CREATE TABLE descriptions (
    book_id INTEGER PRIMARY KEY REFERENCES books (id) ON DELETE CASCADE,
    html    TEXT NOT NULL
) STRICT;

-- Names that never expire: every name by which a file of a book may come back.
CREATE TABLE aliases (
    kind    TEXT NOT NULL,                      -- name, title, md5, uuid, path, download, calibre_id
    value   TEXT NOT NULL,                      -- folded by tomed/names.py
    book_id INTEGER NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    source  TEXT NOT NULL DEFAULT '',           -- which road gave the name
    PRIMARY KEY (kind, value, book_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_book ON aliases (book_id);

-- Reading ----------------------------------------------------------------------------------------

-- A file as one user's devices tell of it. book_id stays NULL until a rule or a person places it.
CREATE TABLE documents (
    id          INTEGER PRIMARY KEY,
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    fingerprint TEXT NOT NULL,                  -- folded clues, so that the same file is the same row
    book_uuid   TEXT NOT NULL DEFAULT '',
    filename    TEXT NOT NULL DEFAULT '',
    partial_md5 TEXT NOT NULL DEFAULT '',
    identifiers TEXT NOT NULL DEFAULT '',
    title       TEXT NOT NULL DEFAULT '',
    authors     TEXT NOT NULL DEFAULT '[]',     -- JSON list
    book_id     INTEGER REFERENCES books (id),
    matched_by  TEXT,
    matched_at  INTEGER,
    ignored_at  INTEGER,                        -- "not from this library"
    first_at    INTEGER NOT NULL,
    last_at     INTEGER NOT NULL,
    UNIQUE (user_id, fingerprint)
) STRICT;
CREATE INDEX documents_unmatched ON documents (user_id, last_at) WHERE book_id IS NULL;
CREATE INDEX documents_book ON documents (book_id);
CREATE INDEX documents_md5 ON documents (partial_md5) WHERE partial_md5 <> '';

-- What has been acknowledged; sending an event twice finds it here.
CREATE TABLE receipts (
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    event_id    TEXT NOT NULL,
    type        TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, event_id)
) STRICT, WITHOUT ROWID;

-- The position log: append-only, one line an event. Which line counts is tomed/positions.py's rule.
CREATE TABLE positions (
    id            INTEGER PRIMARY KEY,
    user_id       INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    event_id      TEXT NOT NULL,
    book_id       INTEGER REFERENCES books (id),
    document_id   INTEGER REFERENCES documents (id),
    device_id     INTEGER REFERENCES devices (id) ON DELETE SET NULL,
    source        TEXT NOT NULL DEFAULT 'position' CHECK (source IN ('position', 'session', 'restore')),
    at            INTEGER NOT NULL,             -- corrected by the device's clock offset
    client_at     INTEGER NOT NULL,             -- as the device said it
    received_at   INTEGER NOT NULL,
    fraction      REAL NOT NULL CHECK (fraction BETWEEN 0 AND 1),
    locator_kind  TEXT CHECK (locator_kind IN ('xpointer', 'cfi', 'page')),
    locator_value TEXT,
    text          TEXT NOT NULL DEFAULT '',
    format        TEXT NOT NULL DEFAULT '',     -- which file of the book the locator is of, if told
    precision     TEXT NOT NULL DEFAULT 'fraction'
) STRICT;
CREATE INDEX positions_book ON positions (user_id, book_id, at);
CREATE INDEX positions_finished ON positions (user_id, book_id, at) WHERE fraction >= 0.99;
CREATE INDEX positions_document ON positions (document_id) WHERE document_id IS NOT NULL;

CREATE TABLE sessions (
    id             INTEGER PRIMARY KEY,
    user_id        INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    event_id       TEXT NOT NULL,
    book_id        INTEGER REFERENCES books (id),
    document_id    INTEGER REFERENCES documents (id),
    device_id      INTEGER REFERENCES devices (id) ON DELETE SET NULL,
    source         TEXT NOT NULL DEFAULT 'device',  -- device, web, manual, history
    started_at     INTEGER NOT NULL,
    ended_at       INTEGER NOT NULL CHECK (ended_at >= started_at),
    client_offset_ms INTEGER NOT NULL DEFAULT 0,    -- added to the device's clock to get the times above
    received_at    INTEGER NOT NULL,
    active_s       INTEGER NOT NULL CHECK (active_s >= 0),
    pages_turned   INTEGER NOT NULL DEFAULT 0 CHECK (pages_turned >= 0),
    start_fraction REAL CHECK (start_fraction BETWEEN 0 AND 1),
    end_fraction   REAL CHECK (end_fraction BETWEEN 0 AND 1),
    total_pages    INTEGER NOT NULL DEFAULT 0,  -- of the layout that the pages below are counted in
    page_times     TEXT NOT NULL DEFAULT '[]',  -- JSON: [[page, seconds after started_at, active seconds], …]
    deleted_at     INTEGER,
    UNIQUE (user_id, event_id)
) STRICT;
CREATE INDEX sessions_time ON sessions (user_id, started_at);
CREATE INDEX sessions_book ON sessions (user_id, book_id, started_at);
CREATE INDEX sessions_document ON sessions (document_id) WHERE document_id IS NOT NULL;

-- What a person said about a book's status or rating, append-only like the positions.
CREATE TABLE verdicts (
    id          INTEGER PRIMARY KEY,
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    event_id    TEXT NOT NULL,
    book_id     INTEGER REFERENCES books (id),
    document_id INTEGER REFERENCES documents (id),
    device_id   INTEGER REFERENCES devices (id) ON DELETE SET NULL,
    at          INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    status      TEXT CHECK (status IN ('new', 'reading', 'complete', 'abandoned')),
    rating      INTEGER CHECK (rating BETWEEN 0 AND 10),  -- half stars; 0 clears it, NULL says nothing
    UNIQUE (user_id, event_id)
) STRICT;
CREATE INDEX verdicts_book ON verdicts (user_id, book_id, at);

-- Where each user stands in each book: computed from the logs above at every write, never edited.
CREATE TABLE readings (
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    book_id     INTEGER NOT NULL REFERENCES books (id),
    status      TEXT NOT NULL,
    fraction    REAL NOT NULL DEFAULT 0,
    position_id INTEGER REFERENCES positions (id),
    rating      INTEGER,
    started_at  INTEGER,
    finished_at INTEGER,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (user_id, book_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX readings_updated ON readings (user_id, updated_at);
