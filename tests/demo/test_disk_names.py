"""Names on disk and for sorting."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.calibredb import run_calibre
from tomed.demo.disk_names import author_sort, file_name, folder_name, title_sort

NAMES = [
    ("The Prophet", "Khalil Gibran"),
    ("Straße nach Ærø", "Émile Žižek-Ångström"),
    ('A/B: What? <Yes> | No* "quoted" \\ back+', "C. #1; D%20E"),
    ("...And Then", "."),
    (".hidden", "T.S. Eliot."),
    ("Ends with dots...", "Nul"),
    ("  spaced  out  ", "con"),
    ("Tab\tand\nline", "Jr., Martin"),
    ("An Exceedingly Long Title That Goes On " * 4, "A Rather Long Author Name " * 5),
    ("2.5 Volumes: v.2", "Łukasz Þór Đorđe"),
    ("100% & 'more'", "Œuvre Ø"),
]


@pytest.mark.calibre
def test_latin_names_are_spelled_as_calibre_spells_them(tmp_path: Path) -> None:
    """For Latin script the folder, the file and both sort keys are what Calibre itself computes."""
    script = tmp_path / "ask.py"
    script.write_text(_ASK)
    told = run_calibre("calibre-debug", str(script), json.dumps(NAMES)).stdout
    theirs = json.loads(told.splitlines()[-1])
    ours = [[folder_name(7, t, a), file_name(t, a), title_sort(t), author_sort(a)] for t, a in NAMES]
    assert ours == theirs


_ASK = """
import json, sys
from types import SimpleNamespace
from calibre.db.backend import DB
from calibre.ebooks.metadata import author_to_author_sort, title_sort
limit = SimpleNamespace(PATH_LIMIT=DB.PATH_LIMIT)
print(json.dumps([[DB.construct_path_name(limit, 7, t, a), DB.construct_file_name(limit, 7, t, a, 4), title_sort(t),
    author_to_author_sort(a)] for t, a in json.loads(sys.argv[-1])]))
"""


@given(st.text(max_size=300), st.text(max_size=300), st.integers(1, 10**9))
def test_any_name_is_a_safe_path(title: str, author: str, book_id: int) -> None:
    """Two components, ASCII, no way up, no sign that a file system refuses, short enough for every one."""
    path = folder_name(book_id, title, author)
    folder, book = path.split("/")
    name = file_name(title, author)
    for part in (folder, book, name):
        assert part.isascii()
        assert 0 < len(part) <= 110
        assert part not in (".", "..")
        assert not set(part) & set('\\/:*?"<>|+\0\n')
    assert book.endswith(f" ({book_id})")
    assert not folder.endswith((".", " "))


def test_scripts_are_spelled_so_that_a_person_may_guess() -> None:
    """Letters get their sound; ideographs their code point, which is at least the same every time."""
    assert folder_name(1, "Ночь", "Лев Толстой").startswith("Lev Tolstoi/Noch")
    assert folder_name(2, "の", "星") == "661f/no (2)"
