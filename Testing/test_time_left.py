"""Seconds left: none without ground, then true, smooth, and honest when nothing moves."""

from __future__ import annotations

import pytest

from ToothSegLib.jobs.time_left import TimeLeft


def test_nothing_is_said_without_ground() -> None:
    left = TimeLeft()
    assert left.at(0.0) is None
    left.tell(0.0, 0.0)
    left.tell(0.5, 1.0)
    assert left.at(1.0) is None, "a second tells little"
    left = TimeLeft()
    left.tell(0.0, 0.0)
    left.tell(0.01, 10.0)
    assert left.at(10.0) is None, "a hundredth tells little"


@pytest.mark.parametrize("seconds", [20.0, 300.0])
def test_a_steady_run_is_told_truly(seconds: float) -> None:
    left = TimeLeft()
    for step in range(101):
        now = seconds * step / 100
        left.tell(step / 100, now)
        told = left.at(now)
        assert told is None or told == pytest.approx(seconds - now, abs=0.02 * seconds)
    assert told == pytest.approx(0.0, abs=0.02 * seconds)


def test_a_change_of_pace_makes_no_jump() -> None:
    left = TimeLeft()
    left.tell(0.0, 0.0)
    left.tell(0.5, 10.0)
    before = left.at(10.0)
    left.tell(0.9, 10.1)
    after = left.at(10.1)
    assert before == pytest.approx(10.0)
    assert after == pytest.approx(9.7, abs=0.3)


def test_a_run_that_stands_still_does_not_pretend_to_end() -> None:
    left = TimeLeft()
    left.tell(0.0, 0.0)
    left.tell(0.5, 10.0)
    told = [left.at(10.0 + step) for step in range(60)]
    assert min(value for value in told if value is not None) > 5.0
    assert told[-1] is not None
    assert told[-1] > 30.0


def test_a_start_from_the_beginning_forgets_the_first_try() -> None:
    left = TimeLeft()
    left.tell(0.0, 0.0)
    left.tell(0.3, 3.0)
    assert left.at(3.0) == pytest.approx(7.0)
    left.tell(0.0, 4.0)
    assert left.at(4.0) is None
    left.tell(0.1, 14.0)
    assert left.at(14.0) == pytest.approx(90.0)
