"""Threads give what a plain loop gives, in its order, and their errors come through."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from ToothSegLib.grids.coarsening import blurred
from ToothSegLib.machine.in_threads import in_threads, thread_count
from ToothSegLib.volume import Volume


@pytest.mark.parametrize("count", ["1", "3"])
def test_results_come_in_the_order_of_the_things(
    count: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", count)
    assert in_threads(lambda n: n * n, range(50)) == [n * n for n in range(50)]
    assert in_threads(str, []) == []


def test_things_are_done_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    both = threading.Barrier(2, timeout=30)
    in_threads(lambda _: both.wait(), range(2))


@pytest.mark.parametrize("count", ["1", "2"])
def test_an_error_ends_it(count: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", count)
    done = []

    def fails(n: int) -> None:
        done.append(n)
        if n:
            time.sleep(0.002)  # longer than it takes to hand in the next, which is begun otherwise
        raise ValueError(n)

    with pytest.raises(ValueError, match="^0$"):
        in_threads(fails, range(10_000))
    assert len(done) < 5_000


@pytest.mark.parametrize("count", ["1", "2"])
def test_the_caller_hears_of_each_thing_in_its_own_thread_and_may_end_it(
    count: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", count)
    heard = []

    def hear(number: int) -> None:
        heard.append((number, threading.current_thread() is threading.main_thread()))

    in_threads(abs, range(5), hear)
    assert heard == [(number, True) for number in range(1, 6)]
    begun = []

    def begin(n: int) -> None:
        begun.append(n)
        time.sleep(0.002)

    def enough(number: int) -> None:
        raise ValueError(number)

    with pytest.raises(ValueError, match="^1$"):
        in_threads(begin, range(2_000), enough)
    assert len(begun) < 1_000


@pytest.mark.parametrize("said", ["", "many", "0", "-2"])
def test_a_setting_that_is_no_number_of_threads_does_no_harm(
    said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert thread_count() >= 1


def test_a_blur_in_slabs_is_the_blur_of_the_whole(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = rng.normal(0, 1000, (2, 30, 40)).astype(np.int16)
    volume = Volume(array, (0.4, 0.3, 0.5))
    results = []
    for count in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", count)
        results.append(blurred(volume, 0.6).array)
    assert not np.array_equal(results[0], array)
    np.testing.assert_array_equal(*results)
