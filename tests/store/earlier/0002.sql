-- Rows for the tables that migration 2 made.
INSERT INTO holdings (library_id, calibre_id, book_id, uuid, last_modified, digest, path)
    VALUES (1, 11, 1, 'b-1', 'm', x'04', 'Ada/First');
INSERT INTO custom_columns (library_id, ordinal, label, name, datatype, is_multiple)
    VALUES (1, 0, 'shelf', 'S', 'text', 1);
INSERT INTO custom_values (book_id, json)
    VALUES (1, '[]');
