"""The documents name only what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.data import ROOT

DOCUMENTS = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CHANGELOG.md"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_named_test_exists(document: Path):
    """Who reads that a test proves something finds that test."""
    for name, function in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?", document.read_text()):
        assert (ROOT / name).is_file(), name
        if function:
            assert re.search(rf"^ *(?:async )?def {function}\(", (ROOT / name).read_text(), re.M), f"{name}::{function}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path):
    """Pictures and pages beside it."""
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", document.read_text()):
        assert (document.parent / target).exists(), target


def test_security_has_a_proof_in_every_line():
    """No line of the table without a test."""
    table = (ROOT / "docs" / "security.md").read_text().split("| ASVS |")[1]
    lines = [line for line in table.splitlines()[2:] if line.startswith("|")]
    assert len(lines) > 25
    for line in lines:
        assert "`tests/" in line.rsplit("|", 2)[1], line
