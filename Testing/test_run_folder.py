"""The folder of a training: a run that is refused leaves none behind, and takes nothing away."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from learning_fixture import tiny_bundle
from ToothSegLib.disk import atomic
from ToothSegLib.errors import InputError
from ToothSegLib.synthesis.case import Case, save_case
from ToothSegLib.training.finetune_plan import RECORD
from ToothSegLib.training.run_folder import BUNDLE, LOCK_NAME, run_folder


def refused(folder: Path, *files: str) -> None:
    """A run that comes to nothing after having written files."""

    def refuse() -> None:
        with run_folder(folder, resume=False):
            for name in files:
                (folder / name).write_text("")
            raise InputError("no reviewed cases")

    with pytest.raises(InputError, match="no reviewed cases"):
        refuse()


def test_a_folder_made_for_a_refused_run_goes_again(tmp_path: Path) -> None:
    refused(tmp_path / "runs" / "r")
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_or_came_in_stays(tmp_path: Path) -> None:
    refused(tmp_path / "r", "run.json")
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == [LOCK_NAME, "run.json"]
    (tmp_path / "mine").mkdir()
    refused(tmp_path / "mine")
    assert (tmp_path / "mine").is_dir()


class Killed(BaseException):
    """The process is gone."""


def interrupted(patch: pytest.MonkeyPatch, write: Callable[[], object], *, renames: int) -> None:
    """Write, killed after so many renames; what a kill leaves is left, whatever `finally` does."""
    genuine = os.replace

    def replace(source: Path, target: Path) -> None:
        nonlocal renames
        if not renames:
            raise Killed
        renames -= 1
        genuine(source, target)

    with patch.context() as dying:
        dying.setattr(os, "replace", replace)
        dying.setattr(shutil, "rmtree", lambda *_, **__: None)
        dying.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(Killed):
            write()


def hidden(folder: Path) -> set[str]:
    names = {path.name for path in folder.rglob(".*")}
    return names - {LOCK_NAME}


def left_by_a_kill(folder: Path, patch: pytest.MonkeyPatch) -> set[str]:
    """What is left in a run's folder of files and bundles in the making; the names."""
    (folder / "heads").mkdir(parents=True)
    head = Case(np.zeros((2, 2, 2), np.uint8), np.zeros((2, 2, 2), np.uint8), 1.0, (0, 0, 0), {})
    interrupted(patch, lambda: save_case(folder / "heads" / "3.npz", head), renames=0)

    def write_record() -> None:
        with atomic.replacing(folder / RECORD) as file:
            file.write(b"{}")

    interrupted(patch, write_record, renames=0)
    for name in (BUNDLE, "candidate"):
        tiny_bundle(folder / name)
        # Two networks and the card; then the bundle before is moved aside.
        interrupted(patch, lambda name=name: tiny_bundle(folder / name, seed=1), renames=4)  # type: ignore[misc]
    return hidden(folder)


def test_what_a_kill_left_is_cleared_away_and_the_users_own_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = left_by_a_kill(tmp_path, monkeypatch)
    assert sum(name.endswith(".part") for name in left) == 4
    assert sum(name.endswith(".old") for name in left) == 2
    mine = [".mine.part", ".3.npz.0.part", ".bundle.1.old", ".toothseg-mine.part"]
    for name in mine:
        (tmp_path / name).write_text("mine")
        (tmp_path / "heads" / name).write_text("mine")
    (tmp_path / ".mine.old").mkdir()
    (tmp_path / ".mine.old" / "x").write_text("mine")
    kept = {*mine, ".mine.old"}
    # Nobody has begun a training here.
    with run_folder(tmp_path / "heads", resume=False):
        assert hidden(tmp_path) == left | kept
    (tmp_path / RECORD).write_text("{}")
    with run_folder(tmp_path, resume=True):
        assert hidden(tmp_path) == kept
    assert (tmp_path / ".mine.old" / "x").read_text() == "mine"


def test_what_a_kill_before_the_first_record_left_is_cleared_away_too(tmp_path: Path) -> None:
    with run_folder(tmp_path, resume=False):
        (tmp_path / ".toothseg-0123abcd.part").touch()
    with run_folder(tmp_path, resume=False):
        assert not hidden(tmp_path)


def test_a_bundle_of_another_training_is_not_replaced(tmp_path: Path) -> None:
    tiny_bundle(tmp_path / BUNDLE)
    for resume in (False, True):
        with (
            pytest.raises(InputError, match="holds the bundle of another training: name another"),
            run_folder(tmp_path, resume=resume),
        ):
            pass
    (tmp_path / RECORD).write_text("{}")
    with run_folder(tmp_path, resume=True) as there:
        assert there
