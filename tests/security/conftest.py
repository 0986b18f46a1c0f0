"""The browser of the pages' tests, for the tests of this room too."""

from tests.pages.conftest import browser_of

__all__ = ["browser_of"]
