-- Each place of the log on the one scale of docs/locators.md (share of the book's text before it), computed beside the
-- reader's own fraction once the book's file can be read. NULL in canonical_precision: not looked at yet; NULL in
-- canonical alone: looked at, but the book's file can't be read.
ALTER TABLE positions ADD COLUMN canonical REAL CHECK (canonical BETWEEN 0 AND 1);
ALTER TABLE positions ADD COLUMN canonical_precision TEXT;
ALTER TABLE positions ADD COLUMN chapter TEXT NOT NULL DEFAULT '';
CREATE INDEX positions_unscaled ON positions (book_id, at) WHERE canonical_precision IS NULL AND book_id IS NOT NULL;
