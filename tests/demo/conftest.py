"""The fixtures of the demo's tests."""

from tests.libraries import library, shared_library

__all__ = ["library", "shared_library"]
