-- How many living books an author or a tag has, kept as it is kept of series: a page of names then walks no links.
-- mirror.py counts the links that it writes itself, once a batch; what happens to them later the database counts.
ALTER TABLE authors ADD COLUMN books INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tags ADD COLUMN books INTEGER NOT NULL DEFAULT 0;
UPDATE authors SET books = (SELECT count(DISTINCT l.book_id) FROM book_authors l JOIN books b ON b.id = l.book_id
    WHERE l.author_id = authors.id AND b.gone_at IS NULL);
UPDATE tags SET books = (SELECT count(*) FROM book_tags l JOIN books b ON b.id = l.book_id
    WHERE l.tag_id = tags.id AND b.gone_at IS NULL);
INSERT INTO catalog_counts (name, value) SELECT 'authors', count(*) FROM authors WHERE books > 0;
INSERT INTO catalog_counts (name, value) SELECT 'tags', count(*) FROM tags WHERE books > 0;

DROP INDEX authors_sort;
CREATE INDEX authors_list ON authors (sort COLLATE NOCASE, id) WHERE books > 0;
CREATE INDEX tags_list ON tags (key, id) WHERE books > 0;

CREATE TRIGGER authors_fill AFTER UPDATE OF books ON authors WHEN (old.books > 0) <> (new.books > 0) BEGIN
    UPDATE catalog_counts SET value = value + (new.books > 0) - (old.books > 0) WHERE name = 'authors';
END;
CREATE TRIGGER tags_fill AFTER UPDATE OF books ON tags WHEN (old.books > 0) <> (new.books > 0) BEGIN
    UPDATE catalog_counts SET value = value + (new.books > 0) - (old.books > 0) WHERE name = 'tags';
END;

CREATE TRIGGER books_rename AFTER UPDATE OF gone_at ON books
WHEN (old.gone_at IS NULL) <> (new.gone_at IS NULL) BEGIN
    UPDATE authors SET books = books + (new.gone_at IS NULL) - (old.gone_at IS NULL)
        WHERE id IN (SELECT author_id FROM book_authors WHERE book_id = new.id);
    UPDATE tags SET books = books + (new.gone_at IS NULL) - (old.gone_at IS NULL)
        WHERE id IN (SELECT tag_id FROM book_tags WHERE book_id = new.id);
END;
CREATE TRIGGER books_unname BEFORE DELETE ON books WHEN old.gone_at IS NULL BEGIN
    UPDATE authors SET books = books - 1 WHERE id IN (SELECT author_id FROM book_authors WHERE book_id = old.id);
    UPDATE tags SET books = books - 1 WHERE id IN (SELECT tag_id FROM book_tags WHERE book_id = old.id);
END;
CREATE TRIGGER book_authors_leave AFTER DELETE ON book_authors
WHEN EXISTS (SELECT 1 FROM books WHERE id = old.book_id AND gone_at IS NULL)
    AND NOT EXISTS (SELECT 1 FROM book_authors WHERE book_id = old.book_id AND author_id = old.author_id) BEGIN
    UPDATE authors SET books = books - 1 WHERE id = old.author_id;
END;
CREATE TRIGGER book_tags_leave AFTER DELETE ON book_tags
WHEN EXISTS (SELECT 1 FROM books WHERE id = old.book_id AND gone_at IS NULL) BEGIN
    UPDATE tags SET books = books - 1 WHERE id = old.tag_id;
END;

-- Moves with every write to the search index: what was found by words (store/searches.py) is true until then.
INSERT INTO catalog_counts (name, value) VALUES ('mark', 0);
