"""``tomed locate``: JSON in, JSON out, and no input that crashes it."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.locators.books import chapter, epub
from tomed.commands import locate as command
from tomed.locators import BookModel


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book of two paragraphs."""
    path = tmp_path / "book.epub"
    path.write_bytes(epub(chapter("<p>one two three</p><p>four 😀 five</p>")))
    return path


def _run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))


def _said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_one_place(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every way to tell a place, on one line."""
    assert _run(str(book), "--xpointer", "/body/DocFragment/body/p[2]/text().7") == 0
    assert _said(capsys) == [
        {
            "xpointer": "/body[1]/DocFragment[1]/body[1]/p[2]/text()[1].7",
            "cfi": "epubcfi(/6/2!/4/4/1:8)",
            "fraction": 0.833333,
            "section": 0,
            "text": "five",
            "precision": "exact",
        }
    ]
    assert _run(str(book), "--cfi", "epubcfi(/6/2!/4/4/1:8)") == 0
    assert _said(capsys)[0]["xpointer"].endswith("p[2]/text()[1].7")
    assert _run(str(book), "--fraction", "0.5") == 0
    assert _said(capsys)[0]["precision"] == "fraction"


def test_lines(book: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One line out for each line in, in order; a bad one is an error line and disturbs no other."""
    lines = [
        '{"xpointer": "/body/DocFragment/body/p[1]/text().4"}',
        '{"cfi": "epubcfi(/6/2!/4/2/1:8)"}',
        '{"kind": "cfi", "value": "epubcfi(/6/2!/4/2/1:8)", "text": "three"}',
        '{"fraction": 1}',
        "not json", "[]", "{}", '{"fraction": "x"}', '{"fraction": true}', '{"text": 3}', '{"kind": "cfi"}',
        '{"kind": []}', '{"fraction": NaN}', '{"fraction": 1e999}', '{"kind": "page", "value": "3"}', "[" * 50_000,
        '{"cfi": "' + "/" * 70_000,
        '{"xpointer": "\\ud800"}',
        '{"fraction": 0}',
    ]  # fmt: skip
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    assert _run(str(book), "--stdin") == 1
    answers = _said(capsys)
    assert len(answers) == len(lines)
    assert [answer["text"] for answer in answers[:3]] == ["two three four 😀 five"] + ["three four 😀 five"] * 2
    assert all("error" in answer for answer in answers[4:-1])
    assert answers[-1]["precision"] == "fraction"


@pytest.mark.parametrize("content", [None, b"", b"%PDF-1.4"])
def test_no_book(content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no EPUB, or is not there, is one error line."""
    path = tmp_path / "no.epub"
    if content is not None:
        path.write_bytes(content)
    assert _run(str(path), "--fraction", "0") == 1
    assert list(_said(capsys)[0]) == ["error"]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "value", "cfi", "xpointer", "page", "fraction", "text"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON)
def test_any_json_is_answered(wish: object) -> None:
    """Whatever is asked, the answer is a place or a sentence."""
    model = BookModel.open(epub(chapter("<p>one two three</p>")))
    answer = command.answered(model, wish)
    assert json.dumps(answer)
    assert set(answer) in ({"error"}, {"xpointer", "cfi", "fraction", "section", "text", "precision"})
