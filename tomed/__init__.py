"""tomed: one continuous reading life beside an existing Calibre library."""

__version__ = "0.1.0"

API_VERSION = 1
"""Number of the wire protocol, told by ``/api/v1/health``."""

MIN_PLUGIN = "0.1.0"
"""Oldest plugin this daemon still talks to; an older one is answered 426."""
