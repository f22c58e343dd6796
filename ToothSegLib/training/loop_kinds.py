"""Kinds of scans that a bundle may be bad at, for the trial of the whole loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from scipy import ndimage

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.compose import Wish, make_case
from ToothSegLib.synthesis.pictures import ORDINARY
from ToothSegLib.synthesis.scans import simulate_scan
from ToothSegLib.teeth import LOWER_ARCH, UPPER_ARCH
from ToothSegLib.volume import Volume

ScanMaker = Callable[[int], tuple[Volume, Volume]]
"""Takes a seed; gives a scan and its true labels."""

# What iodine makes as bright as compact bone; fat takes up little and becomes as other tissues are.
_STAINED = {
    tissues.SOFT: tissues.CORTICAL,
    tissues.MUSCLE: tissues.CORTICAL,
    tissues.PULP: tissues.CORTICAL,
    tissues.LIGAMENT: tissues.CORTICAL,
    tissues.FAT: tissues.SOFT,
}


def stained_scan(seed: int) -> tuple[Volume, Volume]:
    """An anatomist's specimen steeped in iodine, in a decent picture of an ordinary bite.

    Everything soft is then as bright as bone, pulps and the gaps about roots too (diceCT: Gignac et
    al., Journal of Anatomy 2016). No picture that the networks learn from turns that order round.
    """
    case = make_case(seed, ordinary=True)
    becomes = np.arange(tissues.COUNT, dtype=np.uint8)
    becomes[list(_STAINED)] = list(_STAINED.values())
    # What is known between the voxels would show the gaps about roots as they are in others.
    case = replace(case, tissue=becomes[case.tissue], detail=None)
    return simulate_scan(case, seed, strength=ORDINARY)


def crowned_scan(seed: int) -> tuple[Volume, Volume]:
    """An ordinary bite with a metal crown on every tooth, in a picture as poor as they come."""
    case = make_case(seed, ordinary=True, wish=Wish(crowned=(*UPPER_ARCH, *LOWER_ARCH)))
    return simulate_scan(case, seed, strength=1.0)


def moved_scan(seed: int) -> tuple[Volume, Volume]:
    """A patient who came forward by 4 to 6 mm before the scanner was half way round.

    What it had seen till then shows through the rest as a second head. The labels are those of the
    head as it stayed.
    """
    scan, labels = simulate_scan(make_case(seed, ordinary=True), seed, strength=ORDINARY)
    rng = np.random.default_rng([seed, 3])
    forward, before = rng.uniform(4.0, 6.0) / scan.spacing[1], rng.uniform(0.4, 0.48)
    seen = scan.array.astype(np.float32)
    earlier = ndimage.shift(seen, (0.0, forward, 0.0), order=1, mode="nearest")
    both = (1.0 - before) * seen + before * earlier
    return scan.with_array(both.round().astype(scan.array.dtype)), labels


KINDS: Mapping[str, ScanMaker] = {
    "moved": moved_scan,
    "stained": stained_scan,
    "crowned": crowned_scan,
}
