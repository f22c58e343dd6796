from __future__ import annotations

import pytest

from ToothSegLib.errors import Cancelled
from ToothSegLib.progress import Progress


def test_nested_stages_become_one_fraction() -> None:
    seen: list[tuple[float, str]] = []
    run = Progress(lambda fraction, stage: seen.append((round(fraction, 6), stage)))
    network = run.stage("network", 0.2, 0.8)
    network.update(0.0)
    network.stage("tiles", 0.5, 1.0).update(0.5)
    network.update(1.0)
    assert seen == [(0.2, "network"), (0.65, "tiles"), (0.8, "network")]


def test_a_fraction_stays_within_its_stage() -> None:
    seen: list[float] = []
    stage = Progress(lambda fraction, _: seen.append(fraction)).stage("", 0.25, 0.75)
    stage.update(-1)
    stage.update(7)
    assert seen == [0.25, 0.75]


def test_a_cancelled_run_stops_at_the_next_report() -> None:
    seen: list[float] = []
    stop = False
    stage = Progress(lambda fraction, _: seen.append(fraction), lambda: stop).stage("tiles", 0, 1)
    stage.update(0.5)
    stop = True
    with pytest.raises(Cancelled):
        stage.update(0.6)
    with pytest.raises(Cancelled):
        stage.check()
    assert seen == [0.5]
    assert Cancelled.exit_code == 130


def test_nobody_needs_to_listen() -> None:
    stage = Progress().stage("alone", 0, 1)
    stage.update(0.5)
    stage.check()
