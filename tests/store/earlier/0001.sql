-- Rows for the tables that migration 1 made.
INSERT INTO users (id, name, password_hash, is_admin, created_at)
    VALUES (1, 'ann', 'h', 1, 1767225600000), (2, 'bo', NULL, 0, 1767225600000);
INSERT INTO devices (id, user_id, client_id, name, last_seen_at)
    VALUES (1, 1, 'd1', 'Kobo', 1767225600000), (2, 2, 'd2', 'Kindle', 1767225600000);
INSERT INTO tokens (user_id, kind, name, hash, device_id, created_at)
    VALUES (1, 'device', 'Kobo', x'0102', 1, 1767225600000);
INSERT INTO invitations (hash, purpose, created_at, expires_at)
    VALUES (x'03', 'user', 1767225600000, 1767225600000 + 1);
INSERT INTO libraries (id, path, uuid, name, stamp)
    VALUES (1, '/old/library', 'u', 'Old', 's');
INSERT INTO series (id, name, sort)
    VALUES (1, 'The Lamplighters', 'Lamplighters, The');
INSERT INTO books (id, uuid, library_id, calibre_id, title, sort, series_id, series_index, seen_at)
    VALUES (1, 'b-1', 1, 11, 'First Light', 'First Light', 1, 1.5, 1767225600000), (2, 'b-2', 1, 12, 'Ночь', 'Ночь', NULL, NULL, 1767225600000);
INSERT INTO formats (book_id, format, name, size)
    VALUES (1, 'EPUB', 'First Light', 1000);
INSERT INTO authors (id, name, sort)
    VALUES (1, 'Ada Lantern', 'Lantern, Ada');
INSERT INTO book_authors (book_id, ordinal, author_id)
    VALUES (1, 0, 1);
INSERT INTO tags (id, name)
    VALUES (1, 'Fantasy');
INSERT INTO book_tags (book_id, tag_id)
    VALUES (1, 1);
INSERT INTO identifiers (book_id, scheme, value)
    VALUES (1, 'isbn', '9780306406157');
INSERT INTO descriptions (book_id, html)
    VALUES (1, '<p>Lamps.</p>');
INSERT INTO aliases (kind, value, book_id, source)
    VALUES ('md5', 'feed', 1, 'file');
INSERT INTO documents (id, user_id, fingerprint, filename, partial_md5, first_at, last_at, book_id)
    VALUES (1, 1, 'f1', 'first light.epub', 'feed', 1767225600000, 1767225600000, 1), (2, 1, 'f2', 'unknown.epub', 'beef', 1767225600000, 1767225600000, NULL);
INSERT INTO receipts (user_id, event_id, type, received_at)
    VALUES (1, 'e1', 'session', 1767225600000), (1, 'e2', 'position', 1767225600000);
INSERT INTO positions (id, user_id, event_id, book_id, document_id, device_id, at, client_at, received_at, fraction, locator_kind, locator_value)
    VALUES (1, 1, 'e2', 1, 1, 1, 1767225600000, 1767225600000, 1767225600000, 0.25, 'xpointer', '/body/DocFragment[1]');
INSERT INTO sessions (id, user_id, event_id, book_id, document_id, device_id, started_at, ended_at, received_at, active_s, pages_turned, end_fraction)
    VALUES (1, 1, 'e1', 1, 1, 1, 1767225600000, 1767225600000 + 1800000, 1767225600000, 1700, 30, 0.25), (2, 1, 'e3', NULL, 2, 1, 1767225600000 + 90000000, 1767225600000 + 91000000, 1767225600000, 900, 12, 0.5);
INSERT INTO verdicts (user_id, event_id, book_id, at, received_at, status, rating)
    VALUES (1, 'e4', 1, 1767225600000, 1767225600000, 'complete', 8);
INSERT INTO readings (user_id, book_id, status, fraction, position_id, rating, finished_at, updated_at)
    VALUES (1, 1, 'complete', 1, 1, 8, 1767225600000, 1767225600000);
