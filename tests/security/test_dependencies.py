"""What tomed stands on: few packages, each with a reason and a licence that lets people share it."""

from __future__ import annotations

import importlib.metadata
import json
import re
import tomllib

from tests.data import ROOT

FREE = re.compile(r"MIT|BSD|Apache|Artistic|PSF|Python Software Foundation|MPL|HPND|zlib|Unlicense|ISC|any-OSI", re.I)
NOT_FREE = re.compile(r"proprietary|AGPL|Affero", re.I)


def words(requirement: str) -> str:
    return re.split(r"[<>=!~ \[;]", requirement)[0]


def test_every_dependency_has_its_reason():
    """The table of docs/architecture.md names each package that running needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    table = (ROOT / "docs" / "architecture.md").read_text()
    for requirement in project["dependencies"]:
        assert re.search(rf"^\|[^|]*\b{re.escape(words(requirement))}\b", table, re.M), requirement


def test_every_dependency_is_free():
    """By what the installed package says of itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for requirement in project["dependencies"]:
        told = importlib.metadata.metadata(words(requirement))
        licence = " ".join(
            [told.get("License-Expression") or "", told.get("License") or "", *(told.get_all("Classifier") or [])]
        )
        assert FREE.search(licence), (requirement, licence)
        assert not NOT_FREE.search(licence), requirement


def test_versions_are_pinned_and_name_no_address():
    """Development takes the same versions everywhere, from whatever registry a machine has."""
    lock = (ROOT / "requirements-dev.lock").read_text()
    assert re.search(r"^aiohttp==", lock, re.M)
    assert "://" not in re.sub(r"^\s*#.*$", "", lock, flags=re.M)
    packages = json.loads((ROOT / "web" / "package-lock.json").read_text())["packages"]
    assert not [name for name, entry in packages.items() if "resolved" in entry and "://" in entry["resolved"]]
