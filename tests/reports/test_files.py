from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reports.files import MANIFEST, remove_leftovers, replace_file, written_before

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the last step fails, the old file is as it was and no temporary one is left."""
    page = tmp_path / "page.html"
    replace_file(page, "old")

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.replace", refuse)
    with pytest.raises(PermissionError):
        replace_file(page, "new")
    assert page.read_text() == "old"
    assert list(tmp_path.iterdir()) == [page]


def test_only_what_was_listed_before_and_is_not_written_now_is_removed(tmp_path: Path) -> None:
    """Files that were never listed stay, and so do those that are written again."""
    for name in ("index.html", "old.html", "mine.html"):
        (tmp_path / name).write_text("")
    remove_leftovers(tmp_path, {"index.html": "", "old.html": "a"})
    assert written_before(tmp_path) == {"index.html": "", "old.html": "a"}
    remove_leftovers(tmp_path, {"index.html": "b"})
    assert sorted(path.name for path in tmp_path.iterdir()) == [MANIFEST, "index.html", "mine.html"]
    assert json.loads((tmp_path / MANIFEST).read_text()) == {"index.html": "b"}


def test_a_file_that_somebody_removed_was_not_written_before(tmp_path: Path) -> None:
    """What is listed and gone is written anew, whatever its state."""
    remove_leftovers(tmp_path, {"index.html": "a"})
    assert written_before(tmp_path) == {}


def test_a_list_of_names_alone_is_an_earlier_report(tmp_path: Path) -> None:
    """The list of an earlier harness has no states; its files are removed all the same."""
    (tmp_path / "old.html").write_text("")
    (tmp_path / MANIFEST).write_text('["old.html"]')
    assert written_before(tmp_path) == {"old.html": ""}
    remove_leftovers(tmp_path, {})
    assert not (tmp_path / "old.html").exists()


@pytest.mark.parametrize(
    "content",
    ["", "{", "5", "[5]", '["../outside.html"]', '{"../outside.html": ""}', '{"a.html": 5}', '["..", "."]', "\xff"],
    ids=[
        "empty",
        "cut off",
        "no list",
        "no names",
        "a file elsewhere",
        "so too with states",
        "no state",
        "folders",
        "no text",
    ],
)
def test_a_list_that_is_not_ours_removes_nothing(tmp_path: Path, content: str) -> None:
    """Whatever stands in it, only files of the folder itself can go, and the report is written all the same."""
    folder = tmp_path / "report"
    folder.mkdir()
    (tmp_path / "outside.html").write_text("")
    (folder / MANIFEST).write_text(content, encoding="latin-1")
    remove_leftovers(folder, {"index.html": ""})
    assert (tmp_path / "outside.html").exists()
    assert json.loads((folder / MANIFEST).read_text()) == {"index.html": ""}
