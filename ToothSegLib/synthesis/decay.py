"""Teeth that are no longer whole: crowns hollowed out by caries, snapped off or gone but for the
root, and roots that have become shorter."""

from __future__ import annotations

import numpy as np

from ToothSegLib.synthesis.individual import Form

_NEGLECTED = 0.12  # of the patients
_SHARE_NEGLECTED, _SHARE_OTHERS = 0.25, 0.012  # of the teeth
_RESORBED = 0.15  # of the patients
_SHARE_RESORBED = 0.4  # of their teeth
_RESORBED_MM = (1.0, 5.0)


def draw_share(rng: np.random.Generator) -> float:
    """Share of a patient's teeth whose crowns are broken down."""
    return _SHARE_NEGLECTED if rng.random() < _NEGLECTED else _SHARE_OTHERS


def break_down(
    distance: np.ndarray,
    m: np.ndarray,
    b: np.ndarray,
    o: np.ndarray,
    form: Form,
    rng: np.random.Generator,
) -> np.ndarray:
    """What is left of a tooth.

    Args:
        distance: (k, j, i) mm to the surface of the whole tooth, negative inside.
        m, b, o: (k, j, i) coordinates in the tooth's frame, mm.
        form: of the whole tooth.
        rng: the only source of chance.

    Returns:
        (k, j, i) mm to the surface of what is left.
    """
    crown = form.crown_height
    kind = rng.choice(["cavity", "snapped", "root"], p=[0.5, 0.25, 0.25])
    if kind == "cavity":
        at = rng.uniform([-0.5, -0.5, -0.9], [0.5, 0.5, 0.0]) * [form.width, form.width, crown]
        radius = rng.uniform(0.2, 0.45) * form.width
        hole = np.sqrt((m - at[0]) ** 2 + (b - at[1]) ** 2 + (o - at[2]) ** 2) - radius
        return np.maximum(distance, -hole)
    depth = crown * (rng.uniform(0.2, 0.8) if kind == "snapped" else rng.uniform(0.9, 1.25))
    slope = rng.normal(0.0, 0.35, 2)
    return np.maximum(distance, o + depth - slope[0] * m - slope[1] * b)


def draw_resorbed(rng: np.random.Generator) -> float:
    """Share of a patient's teeth whose roots have become shorter, as after years of braces."""
    return _SHARE_RESORBED if rng.random() < _RESORBED else 0.0


def shorten(
    distance: np.ndarray, o: np.ndarray, form: Form, rng: np.random.Generator
) -> np.ndarray:
    """What is left of a tooth whose root ends bluntly, a few millimetres short of its apex.

    Args:
        distance: (k, j, i) mm to the surface of the whole tooth, negative inside.
        o: (k, j, i) place on the tooth's axis, mm, towards the cusps.
        form: of the whole tooth.
        rng: the only source of chance.

    Returns:
        (k, j, i) mm to the surface of what is left; never less than half of the root.
    """
    gone = min(rng.uniform(*_RESORBED_MM), 0.5 * (form.length - form.crown_height))
    return np.maximum(distance, -(o + form.length - gone))
