"""Why a data set refuses to write: someone else does, or was first, or the text says too much."""

from __future__ import annotations

from ToothSegLib.errors import InputError, OutputError


class Locked(OutputError):
    """Somebody else is writing, or was when the program ended."""


class Outdated(OutputError):
    """There is a newer revision than the one that the changes were made to."""


class Suspicious(InputError):
    """Free text looks as if it told who the patient is; it may be accepted."""
