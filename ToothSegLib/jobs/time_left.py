"""How long a run will still take, as far as that can be known."""

from __future__ import annotations

import math

_LEAST_SECONDS = 2.0
_LEAST_DONE = 0.05
_SETTLING_S = 4.0


class TimeLeft:
    """Seconds left, from how long the part that is done took.

    There is no number before there is ground for one. From then on it counts down with the clock
    and follows the estimate gently, so that it does not jump; when no news comes it rises, for a
    run that stands still is not about to end.

    >>> left = TimeLeft()
    >>> left.tell(0.0, now=0.0)
    >>> left.at(now=1.0) is None
    True
    >>> left.tell(0.25, now=5.0)
    >>> left.at(now=5.0)
    15.0
    """

    def __init__(self) -> None:
        self._start: tuple[float, float] | None = None  # time and fraction
        self._fraction = 0.0
        self._shown: tuple[float, float] | None = None  # time and seconds left

    def tell(self, fraction: float, now: float) -> None:
        """The fraction done, 0-1, at a time in seconds; a lower one means a start afresh."""
        if self._start is None or fraction < self._fraction:
            self._start = (now, fraction)
            self._shown = None
        self._fraction = fraction

    def at(self, now: float) -> float | None:
        """Seconds left at a time, or None."""
        if self._start is None:
            return None
        spent = now - self._start[0]
        done = self._fraction - self._start[1]
        if spent < _LEAST_SECONDS or done < _LEAST_DONE:
            return None
        estimate = spent * (1.0 - self._fraction) / done
        if self._shown is not None:
            since = now - self._shown[0]
            expected = max(self._shown[1] - since, 0.0)
            estimate = expected + (estimate - expected) * (1.0 - math.exp(-since / _SETTLING_S))
        self._shown = (now, estimate)
        return estimate
