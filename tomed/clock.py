"""Time as the wire writes it and as the store keeps it.

The wire: RFC 3339 in UTC with ``Z``, milliseconds only when there are any.
The store: integer milliseconds since the epoch.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tomed.errors import Invalid

Clock = Callable[[], int]
"""Answers "now" in integer ms; handed to whoever needs the time, so that a test can own it."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def now_ms() -> int:
    """The wall clock, integer ms."""
    return time.time_ns() // 1_000_000


def parse_at(text: object, name: str = "at") -> int:
    """Read an RFC 3339 time with its zone; integer ms.

    Raises:
        Invalid: no text, no zone, or no such date. ``name`` is the field the sentence speaks of.
    """
    if not isinstance(text, str) or not _RFC3339.fullmatch(text):
        raise Invalid(f"{name} must be a time like 2026-05-24T14:30:00Z, with its zone.")
    try:
        moment = datetime.fromisoformat(text.upper().replace(" ", "T"))
        return (moment - _EPOCH) // _MS
    except (ValueError, OverflowError) as err:
        raise Invalid(f"{name} is not a date that exists: {text}") from err


def format_at(at: int) -> str:
    """Write integer ms as RFC 3339 UTC with ``Z``."""
    moment = _EPOCH + timedelta(milliseconds=at)
    return moment.isoformat(timespec="milliseconds" if at % 1000 else "seconds")[:-6] + "Z"


def format_compact(at: int) -> str:
    """Write integer ms for the name of a file: 20260524T143000.250Z."""
    return (_EPOCH + timedelta(milliseconds=at)).strftime("%Y%m%dT%H%M%S") + f".{at % 1000:03}Z"
