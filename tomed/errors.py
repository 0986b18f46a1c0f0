"""Errors in the field's words: a code for programs, a sentence for a person.

A code is a word and never an HTTP number; ``tomed/api/problem.py`` alone knows
which status a code means on the wire.
"""

from __future__ import annotations

from typing import Any


class TomedError(Exception):
    """What tomed foresaw. ``code`` is stable, ``message`` says what to do, ``details`` is data for clients."""

    code = "internal"

    def __init__(self, message: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        if code is not None:
            self.code = code


class Invalid(TomedError):
    """The request or the input is not of the form that is asked for."""

    code = "invalid"


class NotFound(TomedError):
    """There is no such thing, or it is not this user's to see."""

    code = "not_found"


class Unauthorized(TomedError):
    """No token, or one that is unknown or revoked."""

    code = "unauthorized"


class Forbidden(TomedError):
    """Known, but not allowed to."""

    code = "forbidden"


class Conflict(TomedError):
    """The wish contradicts what is there already."""

    code = "conflict"


class NoMatch(TomedError):
    """No book of the library is certainly meant; ``details['candidates']`` may hold guesses, best first."""

    code = "no_match"


class Ambiguous(TomedError):
    """More than one book is meant with equal right; ``details['candidates']`` names them."""

    code = "ambiguous"


class LibraryMissing(TomedError):
    """The library's folder or its ``metadata.db`` is not there (unplugged, not mounted, moved)."""

    code = "library_missing"


class LibraryLocked(TomedError):
    """Another program holds ``metadata.db``; trying again later is enough."""

    code = "library_locked"


class LibraryUnreadable(TomedError):
    """``metadata.db`` is there but is no database that we can read."""

    code = "library_unreadable"


class StoreError(TomedError):
    """Our own database can't be opened or written (full disk, wrong rights, newer schema)."""

    code = "store"


class ConfigError(TomedError):
    """The configuration has faults; ``message`` lists all of them, each with its mend."""

    code = "config"
