"""Stages, fractions and cancellation of a long run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ToothSegLib.errors import Cancelled

ProgressCallback = Callable[[float, str], None]
"""Takes the fraction done, 0-1, and the stage in words."""


class Progress:
    """One fraction out of nested stages, and the place where a run is told to stop.

    >>> seen = []
    >>> run = Progress(lambda fraction, stage: seen.append((fraction, stage)))
    >>> run.stage("reading", 0.0, 0.5).stage("slices", 0.0, 0.5).update(1.0)
    >>> seen
    [(0.25, 'slices')]
    """

    def __init__(
        self,
        callback: ProgressCallback | None = None,
        cancelled: Callable[[], bool] | None = None,
        *,
        name: str = "",
        start: float = 0.0,
        end: float = 1.0,
    ) -> None:
        self._callback = callback
        self._cancelled = cancelled
        self.name = name
        self._start = start
        self._end = end

    def stage(self, name: str, start: float, end: float) -> Progress:
        """A part of this stage, from ``start`` to ``end`` as fractions of it."""
        return Progress(
            self._callback,
            self._cancelled,
            name=name,
            start=self._at(start),
            end=self._at(end),
        )

    def update(self, fraction: float) -> None:
        """Report that this stage is done by ``fraction``. Raises Cancelled if asked to stop."""
        self.check()
        if self._callback is not None:
            self._callback(self._at(fraction), self.name)

    def check(self) -> None:
        """Raise Cancelled if the run was asked to stop."""
        if self._cancelled is not None and self._cancelled():
            raise Cancelled("cancelled; nothing was written")

    def _at(self, fraction: float) -> float:
        return self._start + (self._end - self._start) * min(max(fraction, 0.0), 1.0)


@contextmanager
def timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    """Add the seconds that the block takes to those of a stage."""
    started = time.perf_counter()
    try:
        yield
    finally:
        timings[stage] = timings.get(stage, 0.0) + time.perf_counter() - started
