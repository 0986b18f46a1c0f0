"""Reads a Calibre library that belongs to somebody else.

``find.py`` finds its folder, ``library.py`` asks short questions, ``watch.py`` tells when it changed.
Nothing here ever writes, and nothing may call ``open()`` on a ``metadata.db``: closing such a file
drops the POSIX locks that SQLite holds on it in this process.
"""
