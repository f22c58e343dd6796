"""Cores of teeth and of implants, and what is found among them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import ToothSegLib.separation.implants as implants
from ToothSegLib.arches.regions import Region
from ToothSegLib.separation.cores import Core, Part
from ToothSegLib.teeth import N_TYPES
from ToothSegLib.volume import Volume

NOTHING = np.zeros((2, 2, 2))


def steady(least: float, middle: float, peak: float) -> Core:
    """A core whose brightness rises evenly from its darkest part to its middle."""
    part = Part(*np.linspace(least, middle, 5).tolist())
    return Core(part, part, peak, middle)


TOOTH, SCREW = steady(1.0, 1.2, 1.8), steady(5.0, 5.1, 5.4)


def told(
    patch: pytest.MonkeyPatch,
    *cores: Core,
    end: float = 6.0,
    prostheses: Sequence[float] | None = None,
    cut: Sequence[int] = (),
    small: Sequence[int] = (),
    small_mm3: float = 60.0,
    lower: Sequence[int] = (),
) -> str:
    """A letter for each core: I, an implant; ?, may be; A, is among them; -, a tooth; ., a crumb.

    Args:
        patch: puts the cores in the place of what would be measured.
        cores: of a region each.
        end: of the scan's scale.
        prostheses: what the networks say of each; None if they say nothing.
        cut: which of them the field of view cuts.
        small: which of them are too small for teeth.
        small_mm3: how large these are.
        lower: which of them look like lower teeth; all others like upper ones.
    """
    patch.setattr(implants, "measure_cores", lambda *_: (list(cores), end))
    up, upper_tooth, lower_tooth = np.array([0.0, 0.0, 1.0]), np.zeros(N_TYPES), np.zeros(N_TYPES)
    upper_tooth[1:9], lower_tooth[9:] = 1 / 8, 1 / 8
    regions = [
        Region(
            label=n,
            voxels=9,
            volume_mm3=small_mm3 if n in small else 500.0,
            centroid=np.zeros(3),
            axis=up,
            type_probabilities=lower_tooth if n in lower else upper_tooth,
            confidence=0.9,
            prosthesis=said,
            cut=n in cut,
        )
        for n, said in enumerate(prostheses or [None] * len(cores))
    ]
    volume = Volume(NOTHING, (1.0,) * 3, (0.0,) * 3, np.eye(3))
    found = implants.find_implants(NOTHING.astype(int), regions, volume, volume)
    letters = ["-"] * len(cores)
    for letter, those in (
        ("I", found.sure),
        ("?", found.doubtful),
        (".", found.crumbs),
        ("A", found.among),
    ):
        for region in those:
            letters[region.label] = letter
    return "".join(letters)
