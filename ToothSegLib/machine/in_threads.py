"""One function for many things, in as many threads as the process may use.

It pays for what lets go of Python's lock meanwhile: filters of VTK, packing by zlib, waiting for a
disk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ToothSegLib.machine.capacity import cores

Thing = TypeVar("Thing")
Result = TypeVar("Result")

MOST = 8
"""Threads at once: more would only wait for Python's lock between the filters."""


def in_threads(
    function: Callable[[Thing], Result],
    things: Iterable[Thing],
    done: Callable[[int], None] = lambda count: None,
) -> list[Result]:
    """What the function gives for each of the things, in their order.

    The first error, in that order, comes through once the calls that had begun are over; calls
    that had not begun are not made.

    Args:
        function: called in any thread.
        things: what it is called with.
        done: called in the caller's own thread after each thing, in their order, with how many
            there have been; what it raises comes through like an error of the function.
    """
    count = min(thread_count(), MOST)
    results: list[Result] = []
    if count == 1:
        for thing in things:
            results.append(function(thing))
            done(len(results))
        return results
    with ThreadPoolExecutor(count) as pool:
        for result in pool.map(function, things):  # an error gives up what has not begun
            results.append(result)
            done(len(results))
    return results


def thread_count() -> int:
    """Threads that this process may use: as many as were asked for, else one for each core."""
    return asked_threads() or cores()


def asked_threads() -> int | None:
    """What the environment says, as for all libraries; None if it says nothing."""
    try:
        return max(1, int(os.environ["OMP_NUM_THREADS"]))
    except (KeyError, ValueError):
        return None
