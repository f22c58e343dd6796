"""Where the shipped weights and the sample are."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource_path(*parts: str) -> Path:
    """Path of a file or folder of ``Resources/``; it need not exist.

    An installed package carries its own copy; a checkout, Slicer's extension and an editable
    install have the folder beside the package.
    """
    installed = _PACKAGE / "Resources"
    root = installed if installed.is_dir() else _PACKAGE.parent / "Resources"
    return root.joinpath(*parts)
