"""The file that makes a folder a data set, and the folders in it that are cases."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ToothSegLib.dataset.revisions import revision_numbers
from ToothSegLib.dataset.stage import PREFIX
from ToothSegLib.disk.atomic import replacing
from ToothSegLib.errors import NOT_JSON, InputError

MARKER = "dataset.json"
FORMAT = "toothseg-dataset"
FORMAT_VERSION = 1


def write_marker(folder: Path) -> None:
    """Make an existing folder a data set. Raises OutputError."""
    content = {"format": FORMAT, "format_version": FORMAT_VERSION}
    with replacing(folder / MARKER) as file:
        file.write((json.dumps(content, indent=2) + "\n").encode())


def marker_problem(folder: Path) -> str | None:
    """Why a folder is no data set that this version can read, in words, or None."""
    path = folder / MARKER
    if not os.path.isdir(folder):
        return f"there is no folder {folder}"
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return f"{folder} is no data set: it has no {MARKER}"
    except OSError as error:
        return f"{path} cannot be read: {error.strerror or error}"
    except NOT_JSON:
        return f"{path} is not JSON"
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return f"{folder} is no data set: the format in {MARKER} is not {FORMAT!r}"
    if content.get("format_version") != FORMAT_VERSION:
        return (
            f"{folder} is a data set of version {content.get('format_version')!r:.40}; this "
            f"version of ToothSeg reads {FORMAT_VERSION}"
        )
    return None


def case_names(folder: Path) -> list[str]:
    """Names of the cases in a data set's folder, sound or not. InputError if it is gone.

    A case is a folder with revisions. Whatever else lies there, such as the folders of a storage
    system or a case that is still being copied, is left alone.
    """
    shown = [name for name in folder_names(folder) if not name.startswith(".")]
    return [name for name in shown if revision_numbers(folder / name)]


def folder_names(folder: Path) -> list[str]:
    """Names of all folders in a data set's but the stages of its own. InputError if it is gone."""
    try:
        return sorted(
            name
            for name in os.listdir(folder)
            if not name.startswith(PREFIX) and os.path.isdir(folder / name)
        )
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror or error}") from error
