"""What the networks say of prostheses, beside the brightness of cores."""

from __future__ import annotations

import numpy as np
import pytest

import ToothSegLib.implants as implants
from ToothSegLib.cores import Core, Part
from ToothSegLib.regions import Region
from ToothSegLib.teeth import N_TYPES
from ToothSegLib.volume import Volume

NOTHING = np.zeros((2, 2, 2))


def steady(least: float, middle: float, peak: float) -> Core:
    """A core whose brightness rises evenly from its darkest part to its middle."""
    part = Part(*np.linspace(least, middle, 5).tolist())
    return Core(part, part, peak)


TOOTH, SCREW, FADING = steady(1.0, 1.2, 1.8), steady(5.0, 5.1, 5.4), steady(1.2, 2.0, 4.0)
TEETH = [(TOOTH, 0.01)] * 3


def told(patch: pytest.MonkeyPatch, *those: tuple[Core, float], end: float = 6.0) -> str:
    """A letter for each core: I for an implant, ? for what may be one, - for a tooth."""
    patch.setattr(implants, "measure_cores", lambda *_: ([core for core, _ in those], end))
    up, types = np.array([0.0, 0.0, 1.0]), np.full(N_TYPES, 1 / N_TYPES)
    regions = [
        Region(n, 9, 9.0, np.zeros(3), up, types, 0.9, prosthesis)
        for n, (_, prosthesis) in enumerate(those)
    ]
    volume = Volume(NOTHING, (1.0,) * 3, (0.0,) * 3, np.eye(3))
    found = implants.find_implants(NOTHING.astype(int), regions, volume, volume)
    sure, doubtful = ({region.label for region in part} for part in (found.sure, found.doubtful))
    return "".join("I" if n in sure else "?" if n in doubtful else "-" for n in range(len(those)))


@pytest.mark.parametrize(
    ("core", "prosthesis", "letter"),
    [
        (SCREW, 0.6, "I"),
        (SCREW, 0.11, "I"),
        (SCREW, 0.02, "?"),
        (FADING, 0.6, "?"),
        (FADING, 0.1, "?"),
        (FADING, 0.01, "-"),
        (TOOTH, 0.3, "?"),
        (TOOTH, 0.1, "-"),
    ],
)
def test_beside_teeth_two_witnesses_must_agree(
    core: Core, prosthesis: float, letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(monkeypatch, *TEETH, (core, prosthesis)) == f"---{letter}"


def test_without_teeth_less_is_enough_for_an_implant(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, *[(SCREW, 0.07)] * 4) == "IIII"
    assert told(monkeypatch, *TEETH, (SCREW, 0.07)) == "---?"


def test_in_a_small_view_with_little_bone_teeth_stay_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    # Everything is bright in units of what is beside it, and even, as dentine is.
    bright = steady(2.2, 2.25, 3.6)
    assert told(monkeypatch, *[(bright, 0.01)] * 8) == 8 * "-"
    assert told(monkeypatch, *[(bright, 0.4)] * 8) == 8 * "I"


def test_an_implant_in_a_small_view_is_told_by_its_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bright = steady(2.2, 2.25, 3.6)
    assert told(monkeypatch, *[(bright, 0.01)] * 4, (SCREW, 0.5)) == "----I"
