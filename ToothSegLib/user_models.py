"""The user's own bundles, and which of them took the place of the default one.

They lie in a folder of the user's, never in the package: `$TOOTHSEG_HOME`, or else where programs
keep their data on this system. `promoted.json` there lists what was promoted, the newest last;
it is the default until it is rolled back.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ToothSegLib.disk.atomic import replacing
from ToothSegLib.errors import UNSOUND_JSON, BundleError, OutputError

HOME_VARIABLE = "TOOTHSEG_HOME"
_FORMAT = 1


@dataclass(frozen=True)
class Promotion:
    """A bundle that became the default: its name, when (UTC, ISO 8601), and on what grounds."""

    name: str
    when: str
    grounds: Mapping[str, Any] = field(default_factory=dict)


def user_folder() -> Path:
    """Where ToothSeg keeps what is the user's; it need not exist.

    Raises:
        BundleError: no folder is named, and none is known to be the user's home.
    """
    chosen = os.environ.get(HOME_VARIABLE)
    if chosen:
        return Path(chosen)
    try:
        return _by_system()
    except RuntimeError:  # as of a user of a container that its list of users lacks
        raise BundleError(
            f"no home folder is known: set {HOME_VARIABLE} to a folder for bundles and figures"
        ) from None


def _by_system() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "ToothSeg"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "ToothSeg"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "toothseg"


def user_models_folder() -> Path:
    """The folder of the bundles that the user has promoted at some time.

    Raises:
        BundleError: as of `user_folder`.
    """
    return user_folder() / "Models"


def promotions() -> tuple[Promotion, ...]:
    """What was promoted and not rolled back, oldest first.

    A folder that cannot be, such as one below HOME=/dev/null, holds no list; nor is there one where
    no home folder is known.

    Raises:
        BundleError: the list is there and cannot be read.
    """
    try:
        path = _list()
    except BundleError:
        return ()
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise BundleError(
            f"cannot read {path}: {error.strerror or error}; let this user read it, or set "
            f"{HOME_VARIABLE} to another folder"
        ) from error
    except ValueError as error:
        raise BundleError(
            f"cannot read {path}: {error}; remove it, or set {HOME_VARIABLE} to another folder"
        ) from error
    try:
        content = json.loads(text)
        if content["format"] != _FORMAT:
            raise ValueError(f"its format is {content['format']!r}")
        return tuple(_promotion(entry) for entry in content["promoted"])
    except UNSOUND_JSON as error:
        raise BundleError(
            f"{path} is no list of promoted bundles ({error}): remove it, and the bundle that came "
            "with ToothSeg is the default again"
        ) from None


def record(promoted: tuple[Promotion, ...]) -> None:
    """Replace the list. Raises OutputError, or BundleError as of `user_folder`."""
    path = _list()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {path.parent}: {error.strerror or error}") from error
    entries = [{"name": p.name, "when": p.when, "grounds": dict(p.grounds)} for p in promoted]
    with replacing(path) as file:
        text = json.dumps({"format": _FORMAT, "promoted": entries}, indent=2, ensure_ascii=False)
        file.write((text + "\n").encode())


def _promotion(entry: Any) -> Promotion:
    if not isinstance(entry["name"], str) or not isinstance(entry["when"], str):
        raise ValueError("an entry names no bundle")
    return Promotion(entry["name"], entry["when"], dict(entry.get("grounds", {})))


def _list() -> Path:
    return user_models_folder() / "promoted.json"
