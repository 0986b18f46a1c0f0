-- In which version of its EPUB a book's places were measured (positions.canonical), so that a changed file is noticed.
-- waiting_to: places of the log up to this id were measured in an earlier version and are looked at again.
CREATE TABLE measured (
    book_id    INTEGER PRIMARY KEY REFERENCES books (id) ON DELETE CASCADE,
    size       INTEGER NOT NULL,
    mtime_ns   INTEGER NOT NULL,
    waiting_to INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX measured_waiting ON measured (book_id) WHERE waiting_to > 0;
-- Nobody knows in which version earlier places were measured: in none that there is.
INSERT INTO measured (book_id, size, mtime_ns)
SELECT DISTINCT book_id, -1, -1 FROM positions WHERE canonical IS NOT NULL AND book_id IS NOT NULL;
