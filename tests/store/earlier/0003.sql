-- Rows for the tables that migration 3 made.
INSERT INTO fingerprints (library_id, path, size, mtime_ns, book_id, partial_md5, seen_at)
    VALUES (1, 'Ada/First/x.epub', 1000, 5, 1, 'feed', 1767225600000);
INSERT INTO downloads (user_id, name_key, book_id, at)
    VALUES (1, 'first light.epub', 1, 1767225600000);
INSERT INTO refusals (document_id, book_id, at)
    VALUES (2, 2, 1767225600000);
INSERT INTO successions (user_id, book_id, successor_id, at)
    VALUES (1, 2, 1, 1767225600000);
