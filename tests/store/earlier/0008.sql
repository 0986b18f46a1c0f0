INSERT INTO measured (book_id, size, mtime_ns, waiting_to) VALUES (1, 4096, 1700000000000000000, 1);
