"""What goes wrong, in words.

Every error that a user can cause is one of these. The message is a single line that says what is
wrong, with the offending value, and what to do about it; the command line prints it and leaves
with ``exit_code``, and never shows a traceback for it.
"""

from __future__ import annotations

import os

# What `json.loads` raises of what is no JSON: its own errors and those of a wrong encoding are
# ValueErrors, and brackets within brackets within brackets end in the other.
NOT_JSON = (ValueError, RecursionError)
UNSOUND_JSON = (*NOT_JSON, LookupError, TypeError, AttributeError)
"""The same, and what comes of taking out of other JSON what is not in it."""


class ToothSegError(Exception):
    """Base of all errors that ToothSeg raises on purpose."""

    exit_code = 2


class InputError(ToothSegError):
    """The scan, or an option given with it, cannot be used."""


class BundleError(InputError):
    """A bundle of weights is missing, damaged or of the wrong kind."""


class OutputError(ToothSegError):
    """A result cannot be written."""


class Cancelled(ToothSegError):
    """The user stopped the run; nothing is left behind."""

    # 128 + SIGINT, what a shell gives for a command stopped by Ctrl-C.
    exit_code = 130


def in_words(error: Exception) -> tuple[str, str, int]:
    """For a process that tells another one: kind (a class of this file), message, exit code."""
    if isinstance(error, ToothSegError):
        names = (kind.__name__ for kind in type(error).__mro__)
        return next(name for name in names if name in globals()), str(error), error.exit_code
    if isinstance(error, MemoryError):
        message = "not enough memory: close other programs, or crop the scan to the jaws"
        return "InputError", message, 2
    if isinstance(error, OSError) and error.strerror and _is_name(error.filename):
        # As of a path in a folder that may not be entered, or of a share that is gone.
        name = os.fsdecode(error.filename)
        message = f"{name} cannot be used: {error.strerror}; check the path and who may use it"
        return "InputError", message, 2
    if isinstance(error, ImportError) and error.name and not error.name.startswith("ToothSegLib"):
        message = f"the Python package {error.name!r} is missing or damaged: install it again"
        return "ToothSegError", message, 2
    cause = f"{type(error).__name__}: {error}"
    return "ToothSegError", f"this should not happen ({cause:.200})", 1


def one_line(said: BaseException | str) -> str:
    """What was said on a single line; of an error that says nothing, its kind."""
    words = " ".join(str(said).split())
    return words or ("" if isinstance(said, str) else type(said).__name__)


def _is_name(filename: object) -> bool:
    return isinstance(filename, str | bytes | os.PathLike) and bool(os.fspath(filename))
