-- Reading statistics: KOReader's page rows, what a person corrected, and numbers derived from all of it.
--
-- A *work* is what is read: books.id, or minus documents.id while its file waits to be placed (0: not even that).

-- One page on one screen, as KOReader's statistics keep it. Times are epoch seconds here, as there.
CREATE TABLE page_rows (
    document_id INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    device_id   INTEGER NOT NULL,               -- devices.id; 0: a file that nobody gave a device
    start_time  INTEGER NOT NULL,
    page        INTEGER NOT NULL,
    duration    INTEGER NOT NULL,
    total_pages INTEGER NOT NULL,
    PRIMARY KEY (document_id, device_id, start_time, page)
) STRICT, WITHOUT ROWID;

-- The words of KOReader's book table, kept for giving them back in an export.
CREATE TABLE history_books (
    document_id  INTEGER PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    series       TEXT NOT NULL DEFAULT '',
    series_index REAL,
    language     TEXT NOT NULL DEFAULT '',
    pages        INTEGER NOT NULL DEFAULT 0,
    highlights   INTEGER NOT NULL DEFAULT 0,
    notes        INTEGER NOT NULL DEFAULT 0,
    last_open    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- How far a history was taken in, for going on after a break: per user and device.
CREATE TABLE history_marks (
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_id  INTEGER NOT NULL,
    start_time INTEGER NOT NULL,                -- the latest start among all rows taken in, matched or not
    rows       INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (user_id, device_id)
) STRICT, WITHOUT ROWID;

-- "This was no reading", or "it was this sitting": holds for whatever is told of that time again.
CREATE TABLE corrections (
    id          INTEGER PRIMARY KEY,
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    book_id     INTEGER REFERENCES books (id),
    document_id INTEGER REFERENCES documents (id) ON DELETE CASCADE,
    device_id   INTEGER NOT NULL,
    source      TEXT NOT NULL,
    from_at     INTEGER NOT NULL,               -- the time it speaks for, ms
    to_at       INTEGER NOT NULL,
    started_at  INTEGER,                        -- the sitting that it was; NULL: none
    ended_at    INTEGER,
    active_s    INTEGER,
    pages       INTEGER,
    created_at  INTEGER NOT NULL,
    CHECK (started_at IS NULL OR (ended_at >= started_at AND active_s >= 0 AND pages >= 0))
) STRICT;
CREATE INDEX corrections_user ON corrections (user_id);
CREATE INDEX corrections_book ON corrections (book_id) WHERE book_id IS NOT NULL;
CREATE INDEX corrections_document ON corrections (document_id) WHERE document_id IS NOT NULL;

-- Words of a book, where they have been counted.
CREATE TABLE word_counts (
    book_id INTEGER PRIMARY KEY REFERENCES books (id) ON DELETE CASCADE,
    words   INTEGER NOT NULL,
    stamp   TEXT NOT NULL DEFAULT ''            -- which file they were counted in
) STRICT;

-- Time spent in another zone than at home.
CREATE TABLE stays (
    id        INTEGER PRIMARY KEY,
    user_id   INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    from_at   INTEGER NOT NULL,
    to_at     INTEGER NOT NULL CHECK (to_at > from_at),
    time_zone TEXT NOT NULL
) STRICT;
CREATE INDEX stays_user ON stays (user_id);

CREATE TABLE goals (
    id         INTEGER PRIMARY KEY,
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    measure    TEXT NOT NULL CHECK (measure IN ('minutes', 'pages', 'books')),
    period     TEXT NOT NULL CHECK (period IN ('day', 'week', 'month', 'year')),
    target     INTEGER NOT NULL CHECK (target > 0),
    created_at INTEGER NOT NULL,
    UNIQUE (user_id, measure, period)
) STRICT;

-- Derived: made anew for a work whenever anything it rests on changes, and never written by hand. -----------------

-- The sittings that count, reconciled from all sources (tomed/statistics/reconcile.py).
CREATE TABLE sittings (
    user_id        INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key            TEXT NOT NULL,
    work_id        INTEGER NOT NULL,
    document_id    INTEGER NOT NULL,
    device_id      INTEGER NOT NULL,
    source         TEXT NOT NULL,
    format         TEXT NOT NULL,
    day            INTEGER NOT NULL,            -- the reading day it began on
    started_at     INTEGER NOT NULL,
    ended_at       INTEGER NOT NULL,
    active_s       INTEGER NOT NULL,
    pages          INTEGER NOT NULL,
    start_fraction REAL,
    end_fraction   REAL,
    session_ids    TEXT NOT NULL,               -- JSON list of the sessions it is made of
    PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX sittings_time ON sittings (user_id, started_at);
CREATE INDEX sittings_length ON sittings (user_id, active_s, started_at);
CREATE INDEX sittings_work ON sittings (user_id, work_id, started_at);

-- Everything that can be added up: seconds, pages and sessions of each hour of the clock of each reading day.
CREATE TABLE reading_cells (
    user_id   INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    work_id   INTEGER NOT NULL,
    day       INTEGER NOT NULL,                 -- ordinal of datetime.date
    hour      INTEGER NOT NULL CHECK (hour BETWEEN 0 AND 23),
    device_id INTEGER NOT NULL,
    source    TEXT NOT NULL,
    format    TEXT NOT NULL,
    active_s  INTEGER NOT NULL,
    pages     INTEGER NOT NULL,
    sessions  INTEGER NOT NULL,
    PRIMARY KEY (user_id, work_id, day, hour, device_id, source, format)
) STRICT, WITHOUT ROWID;
CREATE INDEX reading_cells_day ON reading_cells (user_id, day, hour, work_id, active_s, pages, sessions);

CREATE TABLE day_totals (
    user_id  INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    day      INTEGER NOT NULL,
    active_s INTEGER NOT NULL,
    pages    INTEGER NOT NULL,
    sessions INTEGER NOT NULL,
    hours    BLOB NOT NULL,                     -- 24 unsigned 32-bit numbers: seconds by hour of the clock
    PRIMARY KEY (user_id, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE work_totals (
    user_id  INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    work_id  INTEGER NOT NULL,
    active_s INTEGER NOT NULL,
    pages    INTEGER NOT NULL,
    sessions INTEGER NOT NULL,
    days     INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    unit     INTEGER NOT NULL,                  -- pages of the book in its own unit, 0 while unknown
    PRIMARY KEY (user_id, work_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX work_totals_time ON work_totals (user_id, active_s);

CREATE TABLE finishes (
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    book_id     INTEGER NOT NULL REFERENCES books (id),
    finished_at INTEGER NOT NULL,
    day         INTEGER NOT NULL,
    PRIMARY KEY (user_id, book_id, finished_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX finishes_day ON finishes (user_id, day);

-- What has to be made anew before the next answer.
CREATE TABLE stale_works (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    work_id INTEGER NOT NULL,
    mark    INTEGER NOT NULL DEFAULT 0,         -- another one each time, so that a change meanwhile is seen
    PRIMARY KEY (user_id, work_id)
) STRICT, WITHOUT ROWID;

-- Counts every change of the derived tables, so that an answer can be kept until something changed.
CREATE TABLE statistics_versions (
    user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    version INTEGER NOT NULL
) STRICT;

-- Triggers, not calls: whoever writes a sitting or places a file can't forget the statistics.
CREATE TRIGGER statistics_session_told AFTER INSERT ON sessions BEGIN
    INSERT INTO stale_works (user_id, work_id) VALUES (NEW.user_id, coalesce(NEW.book_id, -NEW.document_id, 0)) ON CONFLICT DO UPDATE SET mark = mark + 1;
END;
CREATE TRIGGER statistics_session_changed AFTER UPDATE ON sessions BEGIN
    INSERT INTO stale_works (user_id, work_id) VALUES (OLD.user_id, coalesce(OLD.book_id, -OLD.document_id, 0)) ON CONFLICT DO UPDATE SET mark = mark + 1;
    INSERT INTO stale_works (user_id, work_id) VALUES (NEW.user_id, coalesce(NEW.book_id, -NEW.document_id, 0)) ON CONFLICT DO UPDATE SET mark = mark + 1;
END;
-- A session without a file that moves to another book (merged in Calibre) takes the corrections of its time along.
CREATE TRIGGER statistics_correction_moved AFTER UPDATE OF book_id ON sessions
WHEN OLD.book_id IS NOT NULL AND NEW.book_id IS NOT NULL AND OLD.book_id <> NEW.book_id BEGIN
    UPDATE corrections SET book_id = NEW.book_id WHERE user_id = NEW.user_id AND book_id = OLD.book_id
        AND (NEW.started_at + NEW.ended_at) / 2 BETWEEN from_at AND to_at;
END;
CREATE TRIGGER statistics_session_removed AFTER DELETE ON sessions BEGIN
    INSERT INTO stale_works (user_id, work_id) SELECT OLD.user_id, coalesce(OLD.book_id, -OLD.document_id, 0)
        WHERE EXISTS (SELECT 1 FROM users WHERE id = OLD.user_id) ON CONFLICT DO UPDATE SET mark = mark + 1;
END;

-- Files with the same hash are read as one, so placing one concerns its siblings.
CREATE TRIGGER statistics_document_placed AFTER UPDATE OF book_id ON documents
WHEN OLD.book_id IS NOT NEW.book_id BEGIN
    INSERT INTO stale_works (user_id, work_id) SELECT NEW.user_id, work.id
        FROM (SELECT -NEW.id AS id UNION SELECT OLD.book_id UNION SELECT NEW.book_id) AS work WHERE work.id IS NOT NULL
        ON CONFLICT DO UPDATE SET mark = mark + 1;
    INSERT INTO stale_works (user_id, work_id) SELECT s.user_id, -s.id FROM documents s
        WHERE s.partial_md5 <> '' AND s.partial_md5 = NEW.partial_md5 AND s.user_id = NEW.user_id
        ON CONFLICT DO UPDATE SET mark = mark + 1;
END;
CREATE TRIGGER statistics_document_told AFTER INSERT ON documents WHEN NEW.partial_md5 <> '' BEGIN
    INSERT INTO stale_works (user_id, work_id) SELECT s.user_id, coalesce(s.book_id, -s.id) FROM documents s
        WHERE s.partial_md5 <> '' AND s.partial_md5 = NEW.partial_md5 AND s.user_id = NEW.user_id AND s.id <> NEW.id
        ON CONFLICT DO UPDATE SET mark = mark + 1;
END;
CREATE TRIGGER statistics_document_removed AFTER DELETE ON documents BEGIN
    INSERT INTO stale_works (user_id, work_id) SELECT OLD.user_id, coalesce(OLD.book_id, -OLD.id)
        WHERE EXISTS (SELECT 1 FROM users WHERE id = OLD.user_id) ON CONFLICT DO UPDATE SET mark = mark + 1;
END;

CREATE TRIGGER statistics_reading_told AFTER INSERT ON readings WHEN NEW.finished_at IS NOT NULL BEGIN
    INSERT INTO stale_works (user_id, work_id) VALUES (NEW.user_id, NEW.book_id) ON CONFLICT DO UPDATE SET mark = mark + 1;
END;
CREATE TRIGGER statistics_reading_changed AFTER UPDATE OF finished_at, status ON readings
WHEN OLD.finished_at IS NOT NEW.finished_at OR OLD.status IS NOT NEW.status BEGIN
    INSERT INTO stale_works (user_id, work_id) VALUES (NEW.user_id, NEW.book_id) ON CONFLICT DO UPDATE SET mark = mark + 1;
END;
CREATE TRIGGER statistics_reading_removed AFTER DELETE ON readings WHEN OLD.finished_at IS NOT NULL BEGIN
    INSERT INTO stale_works (user_id, work_id) SELECT OLD.user_id, OLD.book_id
        WHERE EXISTS (SELECT 1 FROM users WHERE id = OLD.user_id) ON CONFLICT DO UPDATE SET mark = mark + 1;
END;
CREATE TRIGGER statistics_verdict_told AFTER INSERT ON verdicts WHEN NEW.book_id IS NOT NULL BEGIN
    INSERT INTO stale_works (user_id, work_id) VALUES (NEW.user_id, NEW.book_id) ON CONFLICT DO UPDATE SET mark = mark + 1;
END;
CREATE TRIGGER statistics_verdict_moved AFTER UPDATE OF book_id ON verdicts BEGIN
    INSERT INTO stale_works (user_id, work_id) SELECT NEW.user_id, work.id
        FROM (SELECT OLD.book_id AS id UNION SELECT NEW.book_id) AS work WHERE work.id IS NOT NULL ON CONFLICT DO UPDATE SET mark = mark + 1;
END;

-- Another zone or day start puts every sitting on other days.
CREATE TRIGGER statistics_clock_changed AFTER UPDATE OF time_zone, day_start_minute ON users
WHEN OLD.time_zone <> NEW.time_zone OR OLD.day_start_minute <> NEW.day_start_minute BEGIN
    INSERT INTO stale_works (user_id, work_id) SELECT NEW.id, work_id FROM work_totals WHERE user_id = NEW.id ON CONFLICT DO UPDATE SET mark = mark + 1;
    INSERT INTO stale_works (user_id, work_id) SELECT NEW.id, book_id FROM finishes WHERE user_id = NEW.id ON CONFLICT DO UPDATE SET mark = mark + 1;
END;
CREATE TRIGGER statistics_stay_told AFTER INSERT ON stays BEGIN
    INSERT INTO stale_works (user_id, work_id) SELECT NEW.user_id, work_id FROM work_totals WHERE user_id = NEW.user_id
        AND last_at > NEW.from_at - 93600000 AND first_at < NEW.to_at + 93600000 ON CONFLICT DO UPDATE SET mark = mark + 1;
    INSERT INTO stale_works (user_id, work_id) SELECT NEW.user_id, book_id FROM finishes WHERE user_id = NEW.user_id ON CONFLICT DO UPDATE SET mark = mark + 1;
END;
CREATE TRIGGER statistics_stay_removed AFTER DELETE ON stays
WHEN EXISTS (SELECT 1 FROM users WHERE id = OLD.user_id) BEGIN
    INSERT INTO stale_works (user_id, work_id) SELECT OLD.user_id, work_id FROM work_totals WHERE user_id = OLD.user_id
        AND last_at > OLD.from_at - 93600000 AND first_at < OLD.to_at + 93600000 ON CONFLICT DO UPDATE SET mark = mark + 1;
    INSERT INTO stale_works (user_id, work_id) SELECT OLD.user_id, book_id FROM finishes WHERE user_id = OLD.user_id ON CONFLICT DO UPDATE SET mark = mark + 1;
END;

-- What was read before these tables were there.
INSERT INTO stale_works (user_id, work_id) SELECT DISTINCT user_id, coalesce(book_id, -document_id, 0) FROM sessions WHERE TRUE
    ON CONFLICT DO UPDATE SET mark = mark + 1;
INSERT INTO stale_works (user_id, work_id) SELECT user_id, book_id FROM readings WHERE finished_at IS NOT NULL ON CONFLICT DO UPDATE SET mark = mark + 1;
