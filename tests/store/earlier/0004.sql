-- Rows for the tables that migration 4 made.
INSERT INTO page_rows (document_id, device_id, start_time, page, duration, total_pages)
    VALUES (1, 1, 1767225600, 1, 40, 200), (1, 1, 1767225640, 2, 30, 200);
INSERT INTO history_books (document_id, pages, last_open)
    VALUES (1, 200, 1767225640);
INSERT INTO history_marks (user_id, device_id, start_time, rows, at)
    VALUES (1, 1, 1767225640, 2, 1767225600000);
INSERT INTO corrections (user_id, book_id, device_id, source, from_at, to_at, created_at)
    VALUES (1, 1, 1, 'device', 1767225600000, 1767225600000 + 1000, 1767225600000);
INSERT INTO word_counts (book_id, words)
    VALUES (1, 90000);
INSERT INTO stays (user_id, from_at, to_at, time_zone)
    VALUES (1, 1767225600000, 1767225600000 + 1000, 'Asia/Tokyo');
INSERT INTO goals (user_id, measure, period, target, created_at)
    VALUES (1, 'minutes', 'day', 30, 1767225600000);
