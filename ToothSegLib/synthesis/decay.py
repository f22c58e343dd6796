"""Teeth that are no longer whole: crowns hollowed out by caries, snapped off or gone but for the
root, and roots that have become shorter."""

from __future__ import annotations

import numpy as np

from ToothSegLib.synthesis.placement import InTooth

_NEGLECTED = 0.12  # of the patients
_SHARE_NEGLECTED, _SHARE_OTHERS = 0.25, 0.012  # of the teeth
_RESORBED = 0.15  # of the patients
_SHARE_RESORBED = 0.4  # of their teeth
_RESORBED_MM = (1.0, 5.0)


def draw_share(rng: np.random.Generator) -> float:
    """Share of a patient's teeth whose crowns are broken down."""
    return _SHARE_NEGLECTED if rng.random() < _NEGLECTED else _SHARE_OTHERS


def break_down(tooth: InTooth, rng: np.random.Generator) -> np.ndarray:
    """(k, j, i) mm to the surface of what is left of a tooth; ``rng`` is the only source of
    chance."""
    crown, width = tooth.form.crown_height, tooth.form.width
    kind = rng.choice(["cavity", "snapped", "root"], p=[0.5, 0.25, 0.25])
    if kind == "cavity":
        at = rng.uniform([-0.5, -0.5, -0.9], [0.5, 0.5, 0.0]) * [width, width, crown]
        radius = rng.uniform(0.2, 0.45) * width
        away = (tooth.mesial - at[0]) ** 2 + (tooth.buccal - at[1]) ** 2
        hole = np.sqrt(away + (tooth.occlusal - at[2]) ** 2) - radius
        return np.maximum(tooth.distance, -hole)
    depth = crown * (rng.uniform(0.2, 0.8) if kind == "snapped" else rng.uniform(0.9, 1.25))
    slope = rng.normal(0.0, 0.35, 2)
    above = tooth.occlusal + depth - slope[0] * tooth.mesial - slope[1] * tooth.buccal
    return np.maximum(tooth.distance, above)


def draw_resorbed(rng: np.random.Generator) -> float:
    """Share of a patient's teeth whose roots have become shorter, as after years of braces."""
    return _SHARE_RESORBED if rng.random() < _RESORBED else 0.0


def shorten(tooth: InTooth, rng: np.random.Generator) -> np.ndarray:
    """(k, j, i) mm to the surface of what is left of a tooth whose root ends bluntly, a few
    millimetres short of its apex; never less than half of the root."""
    length = tooth.form.length
    gone = min(rng.uniform(*_RESORBED_MM), 0.5 * (length - tooth.form.crown_height))
    return np.maximum(tooth.distance, -(tooth.occlusal + length - gone))
