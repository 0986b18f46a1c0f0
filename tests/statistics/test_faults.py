"""``docs/statistics.md`` names the tests that guard against each known fault: they are there."""

from __future__ import annotations

import re

from tests.data import ROOT

FAULTS = ["15", "21", *(str(number) for number in range(42, 54)), "S1", "S2", "S3", "S4"]


def test_every_fault_has_its_tests() -> None:
    """A line for each known fault, and only tests that exist, one of which says the fault's number."""
    table = (ROOT / "docs" / "statistics.md").read_text().split("## Faults that reading statistics are known for")[1]
    lines = {line.split("|")[1].strip(): line for line in table.splitlines() if line.count("|") == 5}
    assert [name for name in lines if re.fullmatch(r"S?\d+", name)] == FAULTS
    sources = "\n".join(path.read_text() for path in (ROOT / "tests" / "statistics").glob("test_*.py"))
    for fault in FAULTS:
        named = re.findall(r"`(test_\w+)`", lines[fault])
        assert named, fault
        docstrings = [re.search(rf'def {test}\(.*?"""(.*?)"""', sources, re.DOTALL) for test in named]
        assert all(docstrings), (fault, named)
        numbers = [re.findall(r"S?\d+", found.group(1).split(":")[0]) for found in docstrings if found]
        assert any(fault in said for said in numbers), (fault, named)
