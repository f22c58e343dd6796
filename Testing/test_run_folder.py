"""The folder of a fine-tuning: a run that is refused leaves none behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from ToothSegLib.errors import InputError
from ToothSegLib.training.run_folder import LOCK_NAME, run_folder


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
