"""Lines that a folder is entered into, and the folder that is taken out again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ToothSegLib.errors import InputError


def folder_in(line: Any) -> str:
    """What a ctkPathLineEdit holds; "" for no folder, which as a path would be the current one."""
    return str(line.currentPath).strip()


def needed_folder(line: Any, reason: str) -> str:
    """What it holds; InputError with the reason where that is nothing."""
    folder = folder_in(line)
    if not folder:
        raise InputError(reason)
    return folder


def on_change(line: Any, changed: Callable[[], None]) -> None:
    """Call ``changed`` whenever the text of a ctkPathLineEdit is another one.

    It tells of an emptied line only that it is not valid any more: its signal of a new path is for
    what its validator takes, and "" is not among that.
    """
    line.connect("currentPathChanged(QString)", lambda path: changed())
    line.connect("validInputChanged(bool)", lambda valid: None if valid else changed())
