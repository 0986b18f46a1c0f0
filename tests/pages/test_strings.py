"""Sentences with numbers in them."""

from __future__ import annotations

from tests.data import ROOT
from tomed.pages.strings import counted, load


def test_a_count_is_written_as_a_person_reads_it():
    """Large counts are grouped, a year is not; one and many have their own words."""
    assert [counted(n) for n in (0, 9, 2026, 9999, 10_308, 1_234_567, "?")] == [
        *("0", "9", "2026", "9999", "10,308", "1,234,567", "?")
    ]
    say = load(ROOT / "web" / "strings")
    assert "12,345 " in say("books.found", count=12_345)
    assert say("books.found", count=1) != say("books.found", count=2).replace("2", "1")
