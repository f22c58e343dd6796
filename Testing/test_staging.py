"""Several files at once, or none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ToothSegLib.disk import atomic, moving
from ToothSegLib.disk.staging import all_or_nothing
from ToothSegLib.errors import Cancelled, OutputError


def names_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def write(stage: Path, *names: str) -> None:
    for name in names:
        (stage / name).write_text("new")


def test_files_move_up_at_the_end(tmp_path: Path) -> None:
    with all_or_nothing(tmp_path) as stage:
        write(stage, "a", "b")
        assert not (tmp_path / "a").exists()
    assert names_in(tmp_path) == ["a", "b"]


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (OSError(28, "No space left"), OutputError),
        (Cancelled("stop"), Cancelled),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_nothing_is_left_of_what_was_broken_off(
    tmp_path: Path, error: BaseException, seen: type[BaseException]
) -> None:
    def broken_off() -> None:
        with all_or_nothing(tmp_path) as stage:
            write(stage, "a")
            raise error

    with pytest.raises(seen):
        broken_off()
    assert names_in(tmp_path) == []


def test_files_that_are_there_are_named(tmp_path: Path) -> None:
    write(tmp_path, "a", "b")
    (tmp_path / "a").write_text("mine")
    with (
        pytest.raises(OutputError, match=r"a exists \(and 1 more\)"),
        all_or_nothing(tmp_path) as stage,
    ):
        write(stage, "a", "b", "c")
    assert names_in(tmp_path) == ["a", "b"]
    assert (tmp_path / "a").read_text() == "mine"


def test_files_are_replaced_if_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    (tmp_path / "other").write_text("mine")
    with all_or_nothing(tmp_path, overwrite=True) as stage:
        write(stage, "a", "b")
    assert {name: (tmp_path / name).read_text() for name in names_in(tmp_path)} == {
        "a": "new",
        "b": "new",
        "other": "mine",
    }


def test_rivals_go_and_nothing_else_does(tmp_path: Path) -> None:
    write(tmp_path, "a", "b", "other")
    with all_or_nothing(tmp_path, overwrite=True, rivals=["a", "b", "c"]) as stage:
        write(stage, "a", "d")
    assert names_in(tmp_path) == ["a", "d", "other"]


def test_rivals_stay_if_they_must_and_are_named(tmp_path: Path) -> None:
    write(tmp_path, *"abcdefg")
    with (
        pytest.raises(
            OutputError, match=r"g exists; .*another export \(a, b, c, d \(and 2 more\)\): choose"
        ),
        all_or_nothing(tmp_path, rivals=["a", "b", "c", "d", "e", "f", "g", "h"]) as stage,
    ):
        write(stage, "g")
    with (
        pytest.raises(OutputError, match=r"holds files of another export \(b\): choose"),
        all_or_nothing(tmp_path, rivals=["b"]) as stage,
    ):
        write(stage, "x")
    assert names_in(tmp_path) == [*"abcdefg"]


def test_a_folder_is_no_rival_and_names_are_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    write(tmp_path, "B")
    # As on Windows and macOS.
    monkeypatch.setattr(os.path, "isfile", lambda path: Path(path).name.lower() == "b")
    with all_or_nothing(tmp_path, rivals=["a", "b"]) as stage:
        write(stage, "x")
    assert names_in(tmp_path) == ["B", "a", "x"]


def refuse_to_move_to(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def fail(source: Path, target: Path) -> None:
        if Path(target) == place:
            raise PermissionError(13, "Permission denied")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    monkeypatch.setattr(atomic, "_PATIENCE_S", 0.1)


def test_rivals_come_back_if_a_move_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("mine")
    refuse_to_move_to(tmp_path / "b", monkeypatch)
    with (
        pytest.raises(OutputError, match="Permission denied"),
        all_or_nothing(tmp_path, overwrite=True, rivals=["a"]) as stage,
    ):
        write(stage, "b")
    assert names_in(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "mine"


@pytest.mark.parametrize(
    ("platform", "what"), [("win32", ".* has it open, close it"), ("linux", "see that you may")]
)
def test_a_move_that_fails_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, what: str
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    (tmp_path / "a").write_text("mine")
    refuse_to_move_to(tmp_path / "b", monkeypatch)
    with (
        pytest.raises(OutputError, match=f"/b: Permission denied; {what}"),
        all_or_nothing(tmp_path, overwrite=True) as stage,
    ):
        write(stage, "a", "b")
    assert names_in(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "mine"


def refuse_moves(
    monkeypatch: pytest.MonkeyPatch, first: int, count: int, *, full: bool = False
) -> None:
    """So many moves fail, as while a program that looks for viruses holds the files.

    With ``full`` the first fails as on a full disk, for which nobody waits.
    """
    replace, calls = os.replace, iter(range(1000))

    def held(source: Path, target: Path) -> None:
        number = next(calls)
        if full and number == first:
            raise OSError(28, "No space left")
        if first <= number < first + count:
            raise PermissionError(13, "sharing violation", str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", held)


def replace_three(folder: Path) -> None:
    with all_or_nothing(folder, overwrite=True, rivals=["rival"]) as stage:
        write(stage, *"abc")


def four_old_files(folder: Path) -> dict[str, str]:
    for name in ("a", "b", "c", "rival"):
        (folder / name).write_text(f"old {name}")
    return texts(folder)


def texts(folder: Path) -> dict[str, str]:
    return {name: (folder / name).read_text() for name in names_in(folder)}


def test_undoing_a_move_waits_for_who_holds_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = four_old_files(tmp_path)
    # Four aside, one in its place; then three of the undoing.
    refuse_moves(monkeypatch, 5, 4, full=True)
    with pytest.raises(OutputError, match="cannot write .*b: No space left$"):
        replace_three(tmp_path)
    assert texts(tmp_path) == before


@pytest.mark.parametrize("first", range(7))
def test_a_move_waits_for_who_holds_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    four_old_files(tmp_path)
    refuse_moves(monkeypatch, first, 2)
    replace_three(tmp_path)
    assert texts(tmp_path) == dict.fromkeys("abc", "new")


def test_a_file_written_alone_waits_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_moves(monkeypatch, 0, 2)
    with atomic.replacing(tmp_path / "a") as file:
        file.write(b"new")
    assert texts(tmp_path) == {"a": "new"}


@pytest.mark.skipif(os.name != "posix", reason="locks on folders are of Unix")
@pytest.mark.parametrize("undone", range(6))
def test_a_move_that_cannot_be_undone_is_ended_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undone: int
) -> None:
    monkeypatch.setattr(atomic, "_PATIENCE_S", 0)
    four_old_files(tmp_path)
    with monkeypatch.context() as held:
        replace, calls = os.replace, iter(range(1000))

        def replaced(source: Path, target: Path) -> None:
            # Six moves of seven; the last one fails, and all after some that are undone.
            if (number := next(calls)) == 6 or number > 6 + undone:
                raise PermissionError(13, "sharing violation", str(target))
            replace(source, target)

        held.setattr(os, "replace", replaced)
        with pytest.raises(OutputError, match="nor put back .* run it again") as caught:
            replace_three(tmp_path)
        (hidden,) = tmp_path.glob(".toothseg-*")
        assert hidden.name in str(caught.value)
        # What cannot be ended stays, and is told.
        with pytest.raises(OutputError, match=f"cannot end in .*{hidden.name}"):
            replace_three(tmp_path)
        assert hidden.is_dir()
    with moving.stage_in(tmp_path):
        pass
    assert texts(tmp_path) == dict.fromkeys("abc", "new")


def test_a_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with (
        pytest.raises(OutputError, match="a is a folder"),
        all_or_nothing(tmp_path, overwrite=True) as stage,
    ):
        write(stage, "a")
    assert names_in(tmp_path) == ["a"]


def test_errors_name_the_folder_and_not_the_hidden_one(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught, all_or_nothing(tmp_path) as stage:
        raise OutputError(f"cannot write {stage / 'a'}")
    assert str(caught.value) == f"cannot write {tmp_path / 'a'}"


@pytest.mark.parametrize(
    ("name", "words"),
    [("missing", "there is no folder"), ("file", "is a file"), ("x" * 300, "there is no folder")],
)
def test_folders_that_are_none(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=words), all_or_nothing(tmp_path / name):
        pytest.fail("the block must not run")
    assert names_in(tmp_path) == ["file"]
