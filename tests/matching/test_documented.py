"""What docs/matching.md promises is tested by what it names."""

from __future__ import annotations

import re

from tests.data import ROOT


def test_every_named_test_is_there() -> None:
    """The table of a library's life names tests that exist; none of its rows goes without."""
    text = (ROOT / "docs/matching.md").read_text("utf-8")
    table = text.partition("## The life of a library")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| event")]
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests/calibre").glob("test_*.py"))
    assert len(rows) > 20
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, row
        for name in named:
            assert f"def {name}(" in tests, name
