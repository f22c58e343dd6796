"""Large libraries loaded and left without Python's garbage collector in between.

They define some hundred thousand things that live as long as the process. Looking through all of
them again and again while they come, and once more at the end, takes longer than some stages of a
run.
"""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """The collector rests within, where libraries are imported."""
    rested = not gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not rested:
            gc.enable()


def leave_at_once() -> None:
    """See to it that what is there at the end of the process just goes with it."""
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
