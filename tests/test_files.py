"""Nothing half-written is ever found under its final name, whatever happens meanwhile."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import polars as pl
import pytest

from commands import PROGRAM, run_here
from indievalue.errors import IndievalueError
from indievalue.files import new_directory, new_file, only_writer


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


# --- other processes --------------------------------------------------------------------------------------


def _write_in_another_process(path: Path, new: str) -> subprocess.Popen[str]:
    """A process that has begun to write ``path``, and waits."""
    program = (
        "import sys; from pathlib import Path; from indievalue.files import new_file, new_directory\n"
        f"with {new} as beside:\n"
        "    (beside / 'big' if beside.is_dir() else beside).write_text('half')\n"
        "    print('begun', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


in_either = pytest.mark.parametrize(
    ("new", "written"),
    [
        (new_file, "new_file(Path(sys.argv[1]))"),
        (_directory, "new_directory(Path(sys.argv[1]), force=True)"),
    ],
)


@in_either
def test_what_a_killed_process_has_left_is_removed_by_the_next(new: New, written: str, tmp_path: Path) -> None:
    process = _write_in_another_process(tmp_path / "out", written)
    process.kill()
    process.communicate()
    (left,) = tmp_path.iterdir()
    assert left.name.endswith(".partial")
    _write(new(tmp_path / "another"), "whole")
    assert left.exists(), "it belongs to another output"
    _write(new(tmp_path / "out"), "whole")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["another", "out"]


@in_either
def test_what_a_living_process_writes_is_left_alone(new: New, written: str, tmp_path: Path) -> None:
    process = _write_in_another_process(tmp_path / "out", written)
    _write(new(tmp_path / "out"), "first")
    assert len(list(tmp_path.iterdir())) == 2
    process.communicate()
    assert process.returncode == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_an_earlier_directory_that_lost_its_name_gets_it_back(tmp_path: Path) -> None:
    """Killed between the two renames of a replacement, a process leaves no directory of that name."""
    left = tmp_path / ".out.0123abcd.earlier"
    left.mkdir()
    (left / "content").write_text("dear")
    with (
        pytest.raises(IndievalueError, match="exists already"),
        new_directory(tmp_path / "out", force=False),
    ):
        pass
    assert _content(tmp_path / "out") == "dear"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_what_appears_meanwhile_is_replaced_only_with_force(tmp_path: Path) -> None:
    with pytest.raises(IndievalueError, match=r"out exists already"), new_directory(tmp_path / "out", force=False):
        _write(new_directory(tmp_path / "out", force=False), "first")
    assert _content(tmp_path / "out") == "first"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_one_process_at_a_time_makes_an_output(tmp_path: Path) -> None:
    with only_writer(tmp_path / "out"):
        with (
            pytest.raises(IndievalueError, match=r"another process is at work in .*/out"),
            only_writer(tmp_path / "out"),
        ):
            pass
        with only_writer(tmp_path / "another"):
            pass
    with only_writer(tmp_path / "out"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_who_is_at_work_is_told_and_a_killed_process_lets_go(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from indievalue.files import only_writer\n"
        "with only_writer(Path(sys.argv[1])):\n"
        "    print('begun', flush=True); sys.stdin.read()"
    )
    out = tmp_path / "deep" / "er" / "out"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    said = rf"\(process {process.pid} on \S+, since \d{{4}}-\d\d-\d\d \d\d:\d\d UTC\); .* another --answers$"
    with pytest.raises(IndievalueError, match=said), only_writer(out, "--answers"):
        pass
    process.kill()
    process.communicate()
    with only_writer(out):
        pass
    with only_writer(tmp_path / "new" / "out"):
        pass
    assert not (tmp_path / "new").exists(), "nothing was written, so that no folder is left"


def test_of_two_commands_with_one_out_the_second_fails_at_once(tmp_path: Path) -> None:
    out, lock = tmp_path / "catalog", tmp_path / ".catalog.lock"
    words = ["catalog", "synthetic:50000", "--text", "--out", str(out)]
    first = subprocess.Popen([*PROGRAM, *words], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (lock.exists() and lock.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    first.send_signal(signal.SIGSTOP)  # it takes its time
    second = run_here("catalog", "synthetic:50", "--out", out)
    first.kill()
    first.communicate()
    assert second.returncode == 1
    assert f"(process {first.pid} on" in second.stderr
    failed = run_here("catalog", "absent.csv", "--out", out)
    assert failed.returncode == 1
    assert list(tmp_path.iterdir()) == [], "none has left anything behind"


@pytest.mark.parametrize(("mask", "file", "folder"), [(0o077, 0o600, 0o700), (0o022, 0o644, 0o755), (0, 0o666, 0o777)])
def test_the_umask_decides_who_may_read(mask: int, file: int, folder: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        _write(new_file(tmp_path / "file"), "open")
        _write(new_file(tmp_path / "mine", private=True), "private")
        _write(_directory(tmp_path / "folder"), "open")
    finally:
        os.umask(before)
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in tmp_path.iterdir()}
    assert modes == {"file": file, "mine": 0o600, "folder": folder}
