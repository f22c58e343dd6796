"""Errors as one line for the user; the traceback goes to the log alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import qt
import slicer.util

from ToothSegLib.errors import ToothSegError, one_line
from ToothSegLib.progress import ProgressCallback
from ToothSegPanel.notation import told


def sentence(error: BaseException, notation: str = "FDI") -> str:
    """An error's message as a sentence on one line, with its teeth in a notation."""
    message = error.args[0] if len(error.args) == 1 else error
    text = told(message, notation) if isinstance(message, str) else str(error)
    text = one_line(text) or type(error).__name__
    return f"{capitalised(text)}" + ("" if text.endswith((".", "?", "!")) else ".")


def capitalised(text: str) -> str:
    """The text with a capital, unless it begins with a file's or a node's name."""
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first.isalpha() and first.islower() else text


def show_error(error: Exception, doing: str, notation: str = "FDI") -> None:
    """Show an error in one line.

    Args:
        error: one of ours, whose message is for people, or one that nobody foresaw.
        doing: what was tried: "export the surfaces".
        notation: which numbers the reader goes by.
    """
    if isinstance(error, ToothSegError):
        slicer.util.errorDisplay(sentence(error, notation))
        return
    logging.error("ToothSeg could not %s", doing, exc_info=error)
    slicer.util.errorDisplay(
        f"Could not {doing}: {type(error).__name__}: {sentence(error)} "
        "This is a fault of ToothSeg; the details are in Slicer's error log."
    )


@contextmanager
def errors_in_a_line(doing: str, notation: str = "FDI") -> Iterator[None]:
    """Show what goes wrong inside in one line, and go on after it; see `show_error`."""
    try:
        yield
    except Exception as error:
        show_error(error, doing, notation)


@contextmanager
def at_work(doing: str) -> Iterator[None]:
    """`errors_in_a_line` with a clock for the cursor, for what takes seconds.

    The clock is gone before an error is shown.
    """
    with errors_in_a_line(doing), clock():
        yield


@contextmanager
def cancellable(doing: str) -> Iterator[tuple[ProgressCallback, Callable[[], bool]]]:
    """A dialog with a bar and Cancel, for what takes many seconds in steps.

    Qt works at every step, so that Cancel can be clicked; nothing else can be.

    Args:
        doing: what is done, as the title.

    Returns:
        What is to be called with the fraction done, 0-1, and the stage; and what says whether to
        stop.
    """
    dialog = slicer.util.createProgressDialog(
        windowTitle=doing, windowModality=qt.Qt.ApplicationModal, autoClose=False, autoReset=False
    )
    # Left alone it comes with a value above 0: by then the first step has been waited for.
    dialog.show()
    slicer.app.processEvents()

    def progress(fraction: float, stage: str) -> None:
        dialog.labelText = capitalised(stage)
        dialog.value = round(100 * fraction)

    try:
        yield progress, lambda: bool(dialog.wasCanceled)
    finally:
        dialog.close()
        dialog.deleteLater()


@contextmanager
def clock() -> Iterator[None]:
    """A clock for the cursor; never around a question to the user."""
    # Slicer's WaitCursor would work off events, a second click on the button among them.
    qt.QApplication.setOverrideCursor(qt.Qt.WaitCursor)
    try:
        yield
    finally:
        qt.QApplication.restoreOverrideCursor()
