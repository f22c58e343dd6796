"""A time to wait, as people say it."""

from __future__ import annotations


def time_left(seconds: float | None) -> str:
    """ "about 40 s left", "about 3 min left"; coarse, since an estimate jumps. "" if unknown."""
    if seconds is None:
        return ""
    if seconds < 5:
        return "a few seconds left"
    if seconds < 55:
        return f"about {5 * round(seconds / 5)} s left"
    if seconds < 5400:
        return f"about {max(1, round(seconds / 60))} min left"
    return f"about {seconds / 3600:.0f} h left"
