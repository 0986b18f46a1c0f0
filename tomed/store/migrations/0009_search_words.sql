-- The words of the search index, to be looked up by how they begin (tomed/store/searches.py). It keeps nothing of its own.
CREATE VIRTUAL TABLE book_words USING fts5vocab ('book_search', 'instance');
