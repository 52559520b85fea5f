"""Nothing half-written is ever found under its final name, whatever happens meanwhile."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import polars as pl
import pytest

from indievalue.errors import IndievalueError
from indievalue.files import new_directory, new_file


def _directory(path: Path) -> AbstractContextManager[Path]:
    return new_directory(path, force=True)


either = pytest.mark.parametrize("new", [new_file, _directory])
New = Callable[[Path], AbstractContextManager[Path]]


def _write(new: AbstractContextManager[Path], text: str, then: Callable[[], None] = lambda: None) -> None:
    with new as beside:
        _fill(beside, text)
        then()


def _raise(accident: BaseException | type[BaseException]) -> None:
    raise accident


def _fill(beside: Path, text: str) -> None:
    (beside / "content" if beside.is_dir() else beside).write_text(text)


def _content(path: Path) -> str:
    return (path / "content" if path.is_dir() else path).read_text()


@either
def test_nothing_has_the_final_name_until_the_block_ends(new: New, tmp_path: Path) -> None:
    with new(tmp_path / "out") as beside:
        _fill(beside, "whole")
        assert not (tmp_path / "out").exists()
    assert _content(tmp_path / "out") == "whole"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


@either
@pytest.mark.parametrize("accident", [KeyError, KeyboardInterrupt, SystemExit])
def test_an_accident_leaves_no_trace(new: New, accident: type[BaseException], tmp_path: Path) -> None:
    with pytest.raises(accident):
        _write(new(tmp_path / "out"), "half", lambda: _raise(accident))
    assert list(tmp_path.iterdir()) == []


@either
def test_the_earlier_content_stays_until_the_new_is_complete(new: New, tmp_path: Path) -> None:
    _write(new(tmp_path / "out"), "first")
    seen: list[str] = []
    _write(new(tmp_path / "out"), "second", lambda: seen.append(_content(tmp_path / "out")))
    assert seen == ["first"]
    with pytest.raises(KeyboardInterrupt):
        _write(new(tmp_path / "out"), "third", lambda: _raise(KeyboardInterrupt))
    assert _content(tmp_path / "out") == "second"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("accident", [OSError("no"), KeyboardInterrupt()])
def test_the_earlier_directory_is_put_back_where_the_new_cannot_take_its_place(
    accident: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.replace

    def fail_for_the_new(self: Path, target: Path) -> Path:
        if self.name.endswith(".partial"):
            raise accident
        return rename(self, target)

    _write(_directory(tmp_path / "out"), "first")
    monkeypatch.setattr(Path, "replace", fail_for_the_new)
    with pytest.raises((IndievalueError, KeyboardInterrupt)):
        _write(_directory(tmp_path / "out"), "second")
    assert _content(tmp_path / "out") == "first"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


@either
def test_missing_parents_are_made(new: New, tmp_path: Path) -> None:
    with new(tmp_path / "a" / "b" / "out") as beside:
        _fill(beside, "whole")
    assert _content(tmp_path / "a" / "b" / "out") == "whole"


@either
@pytest.mark.parametrize("place", ["file/out", "file/deeper/out", "x" * 300])
def test_a_place_that_cannot_be_written_is_told(new: New, place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IndievalueError, match=r"cannot write .*/(out|x+): "), new(tmp_path / place):
        pass


def test_a_directory_that_holds_something_is_replaced_only_with_force(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("dear")
    with (
        pytest.raises(IndievalueError, match=r"exists already; .* --force"),
        new_directory(tmp_path / "out", force=False),
    ):
        pass
    assert (tmp_path / "out" / "mine").read_text() == "dear"
    with new_directory(tmp_path / "out", force=True) as beside:
        _fill(beside, "new")
    assert [entry.name for entry in (tmp_path / "out").iterdir()] == ["content"]


def test_an_empty_directory_is_filled_without_force(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with new_directory(tmp_path / "out", force=False) as beside:
        _fill(beside, "whole")
    assert _content(tmp_path / "out") == "whole"


@pytest.mark.parametrize("force", [False, True])
def test_a_file_is_never_replaced_by_a_directory(force: bool, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("dear")
    with pytest.raises(IndievalueError, match="is a file"), new_directory(tmp_path / "out", force=force):
        pass
    assert (tmp_path / "out").read_text() == "dear"


@pytest.mark.parametrize("place", [".", "..", "../here"])
def test_the_folder_one_is_in_is_never_replaced(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(IndievalueError, match="the folder you are in"), new_directory(Path(place), force=True):
        pass


def test_what_the_disk_tells_polars_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(IndievalueError, match=r"cannot write .*/out: No space left on device$"),
        _directory(tmp_path / "out"),
    ):
        raise pl.exceptions.ComputeError("parquet: underlying IO error: No space left on device (os error 28)")


def test_a_defect_of_ours_is_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(pl.exceptions.ColumnNotFoundError), _directory(tmp_path / "out"):
        pl.DataFrame({"a": [1]}).select("b")
