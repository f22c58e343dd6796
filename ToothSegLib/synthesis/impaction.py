"""Teeth that never came through: canines above all, then second premolars and central incisors.

An impacted canine is one of the commonest reasons for a cone-beam CT. It lies in the jaw beside or
across the roots of its neighbours, its crown in a dark sac, and it has its number all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ToothSegLib.synthesis.frames import Slot
from ToothSegLib.synthesis.individual import Form

_SHARE = 0.2  # of the heads that have any
_SECOND = 0.3  # of these, with one more
# How often which position is meant; upper canines, about twice in a hundred people, are far ahead.
_CHANCES = {
    13: 5, 23: 5, 33: 1.5, 43: 1.5, 35: 1, 45: 1, 15: 1, 25: 1, 11: 1, 21: 1, 14: 0.5, 24: 0.5,
}  # fmt: skip
_TRIES = 150
_LINGUAL = 2 / 3  # of them, to the palate or the tongue
# How far from its place in the row any of it may be, along that place's axes.
_LABIAL_MM, _LINGUAL_MM, _DEEPER_MM = 2.5, 14.0, 7.0
_MIDDLE = 0.45  # of a tooth's length, about which it leans
_CLEARANCE_MM = 0.1
# Of a tooth's width: the radius of a capsule about its axis at the crown and at the apex.
_CROWN_RADIUS, _APEX_RADIUS = 0.47, 0.2
_SAMPLES = 14


def draw_impacted(
    slots: Mapping[int, Slot],
    forms: Mapping[int, Form],
    present: set[int],
    rng: np.random.Generator,
) -> dict[int, Slot]:
    """Which of the teeth lie in the bone, and where.

    Args:
        slots: where every tooth would stand in its row.
        forms: of the teeth.
        present: FDI numbers of the teeth that there are.
        rng: the only source of chance.

    Returns:
        The place of each impacted tooth by FDI number; empty for most heads. A tooth that finds no
        room beside the others is left in its row.
    """
    if rng.random() >= _SHARE:
        return {}
    candidates = [fdi for fdi in _CHANCES if fdi in present and fdi in slots]
    wanted = min(1 + int(rng.random() < _SECOND), len(candidates))
    if not wanted:
        return {}
    chances = np.array([_CHANCES[fdi] for fdi in candidates])
    picked = rng.choice(candidates, wanted, replace=False, p=chances / chances.sum())
    places = {fdi: slot for fdi, slot in slots.items() if fdi in present}
    buried: dict[int, Slot] = {}
    for fdi in picked.tolist():
        others = [_capsule(place, forms[n]) for n, place in places.items() if n != fdi]
        for _ in range(_TRIES):
            place = _draw_place(slots[fdi], forms[fdi], rng)
            if not _in_jaw(place, slots[fdi], forms[fdi]):
                continue
            if all(_apart(_capsule(place, forms[fdi]), other) for other in others):
                places[fdi] = buried[fdi] = place
                break
    return buried


def _draw_place(slot: Slot, form: Form, rng: np.random.Generator) -> Slot:
    """Deeper than in the row, to the palate or tongue mostly, leaning about its middle."""
    aside = rng.uniform(1.0, 7.0) if rng.random() < _LINGUAL else -rng.uniform(0.0, 2.5)
    shift = np.array([rng.normal(0.0, 3.0), -aside, -form.crown_height * rng.uniform(0.6, 1.4)])
    # The crown leans to the midline mostly, up to lying flat.
    leaning = np.deg2rad([rng.normal(0.0, 15.0), rng.normal(25.0, 30.0), rng.normal(0.0, 40.0)])
    middle = np.array([0.0, 0.0, -_MIDDLE * form.length])
    turned = slot.moved(middle + shift, leaning)
    return replace(turned, origin=turned.origin - turned.frame @ middle)


def _in_jaw(place: Slot, slot: Slot, form: Form) -> bool:
    """Whether it lies where the jaw is, as seen from the place in the row."""
    points = (_capsule(place, form)[0] - slot.origin) @ slot.frame
    deepest = -(form.length + _DEEPER_MM)
    return bool(
        (points[:, 1] < _LABIAL_MM).all()
        and (points[:, 1] > -_LINGUAL_MM).all()
        and (points[:, 2] < -0.4 * form.crown_height).all()
        and (points[:, 2] > deepest).all()
    )


def _capsule(slot: Slot, form: Form) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 3) along a tooth's axis, LPS mm, and how thick it is there."""
    along = np.linspace(0.08, 1.0, _SAMPLES)
    points = slot.origin - form.length * along[:, None] * slot.frame[:, 2]
    below = np.clip((form.length * along - form.crown_height) / form.length, 0.0, 1.0)
    ease = below / max(float(below.max()), 1e-6)
    return points, form.width * (_CROWN_RADIUS + (_APEX_RADIUS - _CROWN_RADIUS) * ease)


def _apart(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> bool:
    away = np.linalg.norm(one[0][:, None] - other[0][None], axis=-1)
    return bool((away - one[1][:, None] - other[1][None]).min() > _CLEARANCE_MM)
