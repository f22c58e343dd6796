"""Work in a thread of its own, which nobody has to wait for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def in_background(work: Callable[[], T]) -> Future[T]:
    """Begin with something; what it gives, or raises, is in the future that is given back.

    Not of a pool, which would wait for the end of the work when the process is to end, after
    Ctrl-C too.
    """
    coming: Future[T] = Future()

    def run() -> None:
        try:
            coming.set_result(work())
        except BaseException as error:
            coming.set_exception(error)

    Thread(target=run, daemon=True).start()
    return coming
