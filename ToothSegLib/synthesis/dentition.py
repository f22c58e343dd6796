"""A dentition: which teeth there are, of what form, and where each stands."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ToothSegLib.synthesis.drift import draw_closed, draw_extractions, leaning_into
from ToothSegLib.synthesis.frames import Slot, arch_frames
from ToothSegLib.synthesis.impaction import draw_impacted
from ToothSegLib.synthesis.individual import Form, Individual
from ToothSegLib.synthesis.tooth_form import draw_form
from ToothSegLib.synthesis.varied_forms import BlendedForm, WarpedForm
from ToothSegLib.teeth import ALL_FDI_NUMBERS, LOWER_ARCH, UPPER_ARCH, type_of

_FEWEST_PLACES = 26
# Front and back teeth of a jaw lean in or out together, by so much more or less than usual.
_GROUPS = [(upper, front) for upper in (True, False) for front in (True, False)]
_LEANING_DEG = 8.0
# Standard deviation of a patient's root length, far more than people differ.
_ROOT_LENGTH = 0.18


@dataclass(frozen=True)
class PlacedTooth:
    """One tooth in the mouth.

    Attributes:
        slot: its place in the row, which shapes the jaw whether it stands there or not.
        form: what it looks like.
        present: it is there at all.
        buried: where it lies instead, if it never came through.
        closed: how much of its place the neighbours have closed, 0 to 1.
    """

    slot: Slot
    form: Form
    present: bool = True
    buried: Slot | None = None
    closed: float = 0.0

    @property
    def place(self) -> Slot:
        """Where it is."""
        return self.buried or self.slot

    @property
    def fdi(self) -> int:
        return self.slot.fdi

    def to_lps(self, m: float, b: float, o: float) -> np.ndarray:
        """LPS mm of a point in the frame of the tooth's place in the row."""
        return self.slot.origin + self.slot.frame @ np.array([m, b, o])


@dataclass(frozen=True)
class Dentition:
    """All places of both arches, absent teeth included: they shape the jaw as well."""

    teeth: tuple[PlacedTooth, ...]
    opening: float  # mm between the jaws, added to the closed bite

    def arch(self, upper: bool) -> list[PlacedTooth]:
        """The teeth of one jaw from the patient's right to the left."""
        order = UPPER_ARCH if upper else LOWER_ARCH
        by_fdi = {tooth.fdi: tooth for tooth in self.teeth}
        return [by_fdi[fdi] for fdi in order if fdi in by_fdi]


def draw_dentition(
    rng: np.random.Generator,
    individuals: Sequence[Individual] = (),
    *,
    in_place: float = 0.35,
    real_forms: bool = False,
    ordinary: bool = False,
    absent: Collection[int] | None = None,
) -> Dentition:
    """Draw a dentition; forms and places come from ``individuals`` and from published dimensions.

    Args:
        rng: the only source of chance.
        individuals: meshes to mix in; without any, everything is procedural.
        in_place: how often the places of the teeth are those of an individual.
        real_forms: take every form that an individual has, and blend none.
        ordinary: a bite and an order of teeth as most adults have them, with a few teeth missing
            at most; by default anything goes, far past what is common.
        absent: the FDI numbers of the teeth that are missing, instead of chance.
    """
    donor = individuals[int(rng.integers(len(individuals)))] if individuals else None
    mesh_share = float(rng.choice([0.0, 0.5, 1.0], p=[0.3, 0.3, 0.4])) if donor else 0.0
    if real_forms:
        mesh_share = 1.0
    forms = {
        fdi: _vary(_draw_one(fdi, rng, donor, mesh_share, real_forms), rng, real=mesh_share > 0)
        for fdi in ALL_FDI_NUMBERS
    }
    bury, drift, roots = rng.spawn(3)
    if not ordinary:
        forms = _of_one_patient(forms, roots)
    places = _places_of(donor, forms) if donor and rng.random() < in_place else {}
    # Arches with more than a few places missing would not shape a jaw.
    drawn = len(places) < _FEWEST_PLACES
    before = copy.deepcopy(rng)
    slots = _draw_arches(forms, rng) if drawn else places
    opening = float(rng.choice([0.3, rng.uniform(0.5, 3.0), rng.uniform(3, 14)], p=[0.3, 0.4, 0.3]))
    disorder = float(rng.choice([0.6, 1.0, 2.0], p=[0.4, 0.4, 0.2]))
    lost = _draw_absent(rng)
    leaning = dict.fromkeys(_GROUPS, 0.0)
    if ordinary:
        opening, disorder = float(rng.uniform(0.3, 3.0)), 0.6
        lost = _draw_absent(rng, few=True)
    else:
        leaning = {group: float(rng.normal(0.0, _LEANING_DEG)) for group in _GROUPS}
    if absent is not None:
        lost = set(absent)
    closed: dict[int, float] = {}
    if drawn and not ordinary:
        taken_out = set() if absent is not None else draw_extractions(lost, drift)
        lost |= taken_out
        closed = draw_closed(lost, taken_out, drift)
        slots = _draw_arches(forms, before, closed)
    teeth = []
    for fdi, slot in slots.items():
        upper = fdi < 30
        if not upper:
            slot = replace(slot, origin=slot.origin - np.array([0.0, 0.0, opening]))
        third = fdi % 10 == 8
        shift = rng.normal(0.0, 0.35, 3) * disorder
        turn = rng.normal(0.0, 1.0, 3) * np.deg2rad([4.0, 3.5, 5.0]) * disorder
        turn[0] += np.deg2rad(leaning[upper, fdi % 10 <= 3])
        turn[1] += leaning_into(fdi, closed, drift)
        if third and not ordinary and rng.random() < 0.4:
            # Impacted: deep in the bone and leaning on the second molar.
            shift = shift + np.array([-1.0, 0.0, -rng.uniform(2.0, 7.0)])
            turn = turn + np.array([0.0, rng.choice([-1, 1]) * rng.uniform(0.2, 1.3), 0.0])
        place = slot.moved(shift, turn)
        share = closed.get(fdi, 0.0)
        teeth.append(PlacedTooth(place, forms[fdi], fdi not in lost, closed=share))
    if not ordinary:
        teeth = _bury(teeth, bury)
    return Dentition(tuple(teeth), opening)


def _bury(teeth: list[PlacedTooth], rng: np.random.Generator) -> list[PlacedTooth]:
    buried = draw_impacted(
        {tooth.fdi: tooth.slot for tooth in teeth},
        {tooth.fdi: tooth.form for tooth in teeth},
        {tooth.fdi for tooth in teeth if tooth.present},
        rng,
    )
    return [replace(tooth, buried=buried.get(tooth.fdi)) for tooth in teeth]


def _draw_one(
    fdi: int,
    rng: np.random.Generator,
    donor: Individual | None,
    mesh_share: float,
    unblended: bool,
) -> Form:
    procedural = draw_form(type_of(fdi), rng)
    if donor is None or rng.random() >= mesh_share:
        return procedural
    candidates = [f for f in donor.forms if type_of(f) == type_of(fdi)]
    if not candidates:
        return procedural
    # The own side mostly; the other side is the same form mirrored.
    others = [f for f in candidates if f != fdi]
    own = fdi in candidates and (not others or rng.random() < 0.7)
    mesh = donor.forms[fdi if own else others[0]]
    weight = 1.0 if unblended else float(rng.choice([1.0, rng.uniform(0.4, 0.9)]))
    return mesh if weight == 1.0 else BlendedForm(mesh, procedural, weight)


def _vary(form: Form, rng: np.random.Generator, real: bool) -> WarpedForm:
    spread = 0.07 if real else 0.03
    size = rng.normal(1.0, spread)
    return WarpedForm(
        form=form,
        stretch=np.clip(size * rng.normal(1.0, spread, 3), 0.75, 1.3),
        root_stretch=float(np.clip(rng.normal(1.0, 0.12), 0.65, 1.35)),
        wave=rng.normal(0.0, 0.12, (3, 3)),
        phase=rng.uniform(0, 2 * np.pi, (3, 3)),
    )


def _of_one_patient(
    forms: dict[int, WarpedForm], rng: np.random.Generator
) -> dict[int, WarpedForm]:
    """The forms with all roots longer or shorter than most people's. A network that knows how long
    roots are draws them past the end that it sees."""
    length = float(np.clip(rng.normal(1.0, _ROOT_LENGTH), 0.6, 1.4))
    return {
        fdi: replace(form, root_stretch=float(np.clip(form.root_stretch * length, 0.5, 1.5)))
        for fdi, form in forms.items()
    }


def _draw_absent(rng: np.random.Generator, few: bool = False) -> set[int]:
    absent = {fdi for fdi in (18, 28, 38, 48) if rng.random() < 0.55}
    everyone = [fdi for fdi in ALL_FDI_NUMBERS if fdi % 10 != 8]
    shares = [0.6, 0.4, 0.0, 0.0, 0.0] if few else [0.45, 0.32, 0.14, 0.06, 0.03]
    kind = rng.choice(["full", "some", "many", "one jaw", "none"], p=shares)
    if kind == "some":
        absent |= set(rng.choice(everyone, int(rng.integers(1, 5)), replace=False).tolist())
    elif kind == "many":
        absent |= set(rng.choice(everyone, int(rng.integers(5, 15)), replace=False).tolist())
    elif kind == "one jaw":
        upper = rng.random() < 0.5
        absent |= {fdi for fdi in ALL_FDI_NUMBERS if (fdi < 30) == upper}
    elif kind == "none":
        absent |= {*ALL_FDI_NUMBERS}
    return absent


def _places_of(donor: Individual, forms: dict[int, WarpedForm]) -> dict[int, Slot]:
    """The donor's places; a place that the donor lacks mirrors the other side's, or is left out."""
    slots = dict(donor.slots)
    for fdi in forms:
        twin = 10 * (2, 1, 4, 3)[fdi // 10 - 1] + fdi % 10
        if fdi not in slots and twin in slots:
            flip = np.array([-1.0, 1.0, 1.0])
            origin, frame = slots[twin].origin * flip, slots[twin].frame * flip[:, None]
            slots[fdi] = Slot(fdi, origin, frame)
    return {fdi: slots[fdi] for fdi in forms if fdi in slots}


def _draw_arches(
    forms: dict[int, WarpedForm],
    rng: np.random.Generator,
    closed: Mapping[int, float] | None = None,
) -> dict[int, Slot]:
    """Crowns side by side along two arches of the form y = depth * |x / half width| ** power.

    The places in ``closed`` are narrower by that share of their width.
    """
    widths = {fdi: form.width * (1.0 - (closed or {}).get(fdi, 0.0)) for fdi, form in forms.items()}
    half_width = rng.normal(28.2, 2.2)
    power = rng.uniform(1.9, 2.9)
    overjet, overbite = rng.normal(2.3, 0.8), rng.normal(2.0, 1.0)
    spacing = max(-0.35, rng.normal(0.0, 0.25))
    slots: dict[int, Slot] = {}
    for upper in (True, False):
        order = UPPER_ARCH if upper else LOWER_ARCH
        crowns: dict[int, np.ndarray] = {}
        width = half_width if upper else half_width - rng.normal(2.2, 0.6)
        back = 0.0 if upper else overjet
        for side in (-1.0, 1.0):
            places = [fdi for fdi in order if (fdi // 10 in (1, 4)) == (side < 0)]
            places.sort(key=lambda fdi: fdi % 10)
            steps = np.cumsum([widths[fdi] + spacing for fdi in places])
            middles = steps - 0.5 * np.array([widths[fdi] for fdi in places])
            x, y = _along_arch(middles, width, power)
            for k, fdi in enumerate(places):
                # The bite closes with a curve: front teeth overlap, molars meet.
                front = np.exp(-(((fdi % 10) / 3.0) ** 2))
                height = (-1.0 if upper else 1.0) * (0.5 * overbite * front + 0.4)
                crowns[fdi] = np.array([side * x[k], y[k] + back, height])
        slots.update(arch_frames(crowns))
    return slots


def _along_arch(
    distances: np.ndarray, half_width: float, power: float
) -> tuple[np.ndarray, np.ndarray]:
    """Points at the given path lengths (mm) from the midline on one half of an arch."""
    depth = 40.0
    x = np.linspace(0.0, half_width * 1.12, 400)
    for _ in range(8):
        # Choose the depth so that the second molar, the seventh tooth, stands at the half width.
        y = depth * (x / half_width) ** power
        path = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
        reached = float(np.interp(distances[6], path, x))
        depth = float(np.clip(depth * (1.0 + 0.8 * (reached / half_width - 1.0)), 22.0, 60.0))
    y = depth * (x / half_width) ** power
    path = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    return np.interp(distances, path, x), np.interp(distances, path, y)
