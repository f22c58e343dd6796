"""Work in a thread of its own, which nobody has to wait for."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import NoReturn, TypeVar

T = TypeVar("T")

_at_work: set[Future] = set()


def in_background(work: Callable[[], T]) -> Future[T]:
    """Begin with something; what it gives, or raises, is in the future that is given back.

    Not of a pool, which would wait for the end of the work when the process is to end, after
    Ctrl-C too.
    """
    coming: Future[T] = Future()
    _at_work.add(coming)

    def run() -> None:
        try:
            coming.set_result(work())
        except BaseException as error:
            coming.set_exception(error)
        finally:
            _at_work.discard(coming)

    Thread(target=run, daemon=True).start()
    return coming


def leave(code: int) -> NoReturn:
    """End the process with an exit code, whatever is still at work.

    A thread that comes back from a library's own code while Python takes itself down ends in a
    crash, and one that has a pool of threads is waited for. So where something is at work the
    process goes at once, its temporary files with it.
    """
    if not _at_work:
        sys.exit(code)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)
