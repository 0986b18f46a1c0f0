"""The house: whoever comes new finds the room, and no room is feared."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.data import ROOT

LONGEST = 500
FEARED = {"util", "utils", "helper", "helpers", "misc", "common", "manager", "stuff"}
SOURCES = [
    path
    for pattern in ("tomed/**/*.py", "bench/*.py", "tests/**/*.py", "plugin/**/*.lua", "web/src/**/*.js", "web/*.mjs")
    for path in sorted(ROOT.glob(pattern))
    if "node_modules" not in path.parts
]


def test_no_file_is_feared():
    """Nothing over 500 lines, and no drawer for what has no name."""
    assert len(SOURCES) > 300
    for path in SOURCES:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= LONGEST, f"{path.relative_to(ROOT)} has {lines} lines: split it by noun"
        assert path.stem not in FEARED, f"{path.relative_to(ROOT)}: what is in it has a name of its own"


def test_every_room_is_on_the_plan():
    """docs/architecture.md names each module and package that lies directly in tomed/."""
    plan = (ROOT / "docs" / "architecture.md").read_text()
    for path in (ROOT / "tomed").iterdir():
        if path.name.startswith("_") or path.name == "static" or not (path.is_dir() or path.suffix == ".py"):
            continue
        assert re.search(rf"`{path.stem}(?:\.py|/)`", plan), f"{path.name} is on no plan"


def public(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Functions, classes and methods that others may call; a method that only says what a Protocol wants is not one."""
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        yield node
        if isinstance(node, ast.ClassDef) and not any("Protocol" in ast.unparse(base) for base in node.bases):
            yield from public(node.body)


def test_whatever_others_may_call_says_what_it_is():
    """Every public function, class and method of tomed has its sentence."""
    for path in sorted((ROOT / "tomed").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree) or path.name == "__init__.py", path.relative_to(ROOT)
        for node in public(tree.body):
            told = ast.get_docstring(node) or (len(node.body) == 1 and isinstance(node, ast.FunctionDef))
            assert told, f"{path.relative_to(ROOT)}:{node.lineno}: {node.name} has no docstring"
