"""ITK's remarks and those of the C libraries below it, kept from the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock


class _Quiet:
    """Nothing on the process's stderr, which belongs to all threads, until the last one leaves."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._before = ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                with ExitStack() as before:
                    before.enter_context(_no_warnings())
                    before.enter_context(_silent_stderr())
                    self._before = before.pop_all()
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._before.close()


itk_quiet = _Quiet()
"""To be entered, from any thread, while ITK is at work."""


@contextmanager
def _no_warnings() -> Iterator[None]:
    import SimpleITK as sitk

    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.GlobalWarningDisplayOff()
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Send the process's stderr nowhere: the C libraries below ITK write to it themselves."""
    try:
        saved = os.dup(2)
    except OSError:  # a process with a window has none
        yield
        return
    try:
        sys.stderr.flush()
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
