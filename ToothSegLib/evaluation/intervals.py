"""How sure a figure over several patients is, when there are few of them.

Every figure here is a pooled one, such as a mean over all teeth of all patients. What each patient
adds to it is its pseudo-value, from the figure with and without that patient (jackknife: Tukey,
Annals of Mathematical Statistics 1958); Student's t gives the interval. Where patients weigh the
same, this is the t interval of their differences. `Testing/benchmarks/interval_coverage.py`
measures how often it leaves the truth out: with ten patients or fewer a bootstrap does so far more
often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

FEWEST = 6
"""Patients that an interval takes. Were better and worse equally likely, all of five would change
the same way once in sixteen times, more often than the 5 % that an interval may be wrong."""

_LEVEL = 0.95
_DIGITS = 12  # what is beyond them is left by sums of floating-point numbers


def interval(whole: float, without: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of a figure by patients.

    Args:
        whole: the figure over all patients.
        without: the same with each of them left out, two at least.

    Returns:
        Its ends, or None where the figure is no number without one of the patients.
    """
    patients = len(without)
    pseudo = patients * whole - (patients - 1) * np.asarray(without, float)
    if not math.isfinite(whole) or not np.isfinite(pseudo).all():
        return None
    half = float(stats.t.ppf((1 + _LEVEL) / 2, patients - 1) * stats.sem(pseudo))
    return round(whole - half, _DIGITS), round(whole + half, _DIGITS)
