"""A tooth's form as an implicit function, from published dimensions alone.

A tooth lives in its own frame, in millimetres: m mesial, b buccal, o occlusal, with the origin at
the middle of the crown on the level of its highest cusp; the root points to negative o. In this
frame left and right teeth are the same, so a form never knows its side.

Dimensions are the means of Wheeler's Dental Anatomy; every tooth drawn from them varies by about
7 % (standard deviation), its roots more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# By type: crown height, root length, mesiodistal and buccolingual crown width, in mm
DIMENSIONS: dict[int, tuple[float, float, float, float]] = {
    1: (10.5, 13.0, 8.5, 7.0),
    2: (9.0, 13.0, 6.5, 6.0),
    3: (10.0, 17.0, 7.5, 8.0),
    4: (8.5, 14.0, 7.0, 9.0),
    5: (8.5, 14.0, 7.0, 9.0),
    6: (7.5, 13.0, 10.0, 11.0),
    7: (7.0, 11.8, 9.0, 11.0),
    8: (6.5, 10.5, 8.5, 10.0),
    9: (9.0, 12.5, 5.0, 6.0),
    10: (9.5, 14.0, 5.5, 6.5),
    11: (11.0, 16.0, 7.0, 7.5),
    12: (8.5, 14.0, 7.0, 7.5),
    13: (8.0, 14.5, 7.0, 8.0),
    14: (7.5, 14.0, 11.0, 10.5),
    15: (7.0, 13.0, 10.5, 10.0),
    16: (7.0, 11.0, 10.0, 9.5),
}

# How far the crown leans outwards per mm of height: upper front teeth point forward, lower
# molars lean towards the tongue.
_LABIAL_LEAN: dict[int, float] = {
    1: 0.40, 2: 0.36, 3: 0.22, 4: 0.08, 5: 0.05, 6: -0.06, 7: -0.08, 8: -0.10,
    9: 0.25, 10: 0.20, 11: 0.06, 12: -0.08, 13: -0.16, 14: -0.26, 15: -0.32, 16: -0.34,
}  # fmt: skip

# Share of its radius that a root loses on the way to its apex, where it is not half of it. With
# these a tooth has about the mean volume of segmented dentitions (`norms.VOLUMES_MM3`).
_TAPER: dict[int, float] = {
    2: 0.15, 3: 0.65, 4: 0.7, 5: 0.75, 6: 0.65, 7: 0.6,
    11: 0.8, 12: 0.75, 13: 0.7, 14: 0.65, 15: 0.7,
}  # fmt: skip


@dataclass(frozen=True)
class Root:
    """One root: where it leaves the trunk, where its apex lies, and how thick it is (mm)."""

    start: tuple[float, float]
    apex: tuple[float, float]
    radius: tuple[float, float]
    length: float
    bend: tuple[float, float]
    taper: float = 0.5  # share of the radius that is lost on the way to the apex


@dataclass(frozen=True)
class Neck:
    """Where a given crown ends: its widths there, and how much of the crown lies below, in mm."""

    width: float
    depth: float
    hidden: float


@dataclass(frozen=True)
class ToothForm:
    """Parameters of one tooth; `field` evaluates it. All lengths in mm."""

    tooth_type: int
    crown_height: float
    width: float
    depth: float
    squareness: float
    cervix: tuple[float, float]
    trunk: float
    roots: tuple[Root, ...]
    cusp_height: float
    wear: float
    cusp_phase: float
    lean: tuple[float, float]

    @property
    def length(self) -> float:
        """Distance from the highest cusp to the furthest apex, mm."""
        return self.crown_height + self.trunk + max(root.length for root in self.roots)

    def field(self, m: np.ndarray, b: np.ndarray, o: np.ndarray) -> np.ndarray:
        """Implicit function at points (mm), negative inside, about a distance near the surface."""
        # Teeth stand inclined in the arch: the further up, the further along m and b.
        level = o + 0.5 * self.crown_height
        m, b = m - self.lean[0] * level, b - self.lean[1] * level
        return smooth_minimum(self._crown(m, b, o), self.roots_field(m, b, o), 0.6)

    def _crown(self, m: np.ndarray, b: np.ndarray, o: np.ndarray) -> np.ndarray:
        level = np.clip((o + self.crown_height) / self.crown_height, 0.0, 1.0)
        half_m, half_b = self._profile(level)
        power = self.squareness
        ratio = (np.abs(m / half_m) ** power + np.abs(b / half_b) ** power) ** (1.0 / power)
        side = (ratio - 1.0) * np.minimum(half_m, half_b)
        top = o - self._occlusal_surface(m, b)
        bottom = -(o + self.crown_height + 0.5)
        return np.maximum(np.maximum(side, top), bottom)

    def _profile(self, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Half widths along m and b at a level from the cervix (0) to the cusp (1)."""
        half_m, half_b = 0.5 * self.width, 0.5 * self.depth
        neck_m, neck_b = self.cervix
        kind = _kind(self.tooth_type)
        knots, along_m, along_b = {
            "incisor": ((0, 0.3, 0.75, 1), (neck_m, 0.85, 1.0, 0.93), (neck_b, 0.9, 0.42, 0.16)),
            "canine": ((0, 0.35, 0.65, 1), (neck_m, 0.9, 1.0, 0.2), (neck_b, 1.0, 0.62, 0.16)),
            "premolar": ((0, 0.35, 0.65, 1), (neck_m, 0.91, 1.0, 0.66), (neck_b, 1.0, 0.92, 0.5)),
            "molar": ((0, 0.35, 0.7, 1), (neck_m, 0.95, 1.0, 0.84), (neck_b, 1.0, 0.95, 0.72)),
        }[kind]
        return half_m * np.interp(level, knots, along_m), half_b * np.interp(level, knots, along_b)

    def _occlusal_surface(self, m: np.ndarray, b: np.ndarray) -> np.ndarray:
        u, v = 2.0 * m / self.width, 2.0 * b / self.depth
        kind = _kind(self.tooth_type)
        if kind == "incisor":
            valley = 0.15 * u**2 + 0.05
        elif kind == "canine":
            valley = 0.5 * np.abs(u)
        elif kind == "premolar":
            # The lingual cusp is lower than the buccal one.
            valley = np.cos(np.pi * np.clip(v, -1, 1) * 0.95) * 0.5 + 0.5 - 0.3 * v * (v < 0)
        else:
            waves = np.cos(np.pi * np.clip(v, -1, 1) * 0.95) + np.cos(
                2.0 * np.pi * np.clip(0.5 * u + 0.5 * self.cusp_phase, -1, 1)
            )
            valley = 0.3 * waves + 0.4
        return -self.wear - self.cusp_height * np.clip(valley, 0.0, 1.3)

    def roots_field(self, m: np.ndarray, b: np.ndarray, o: np.ndarray) -> np.ndarray:
        """As `field`, of trunk and roots alone, upright."""
        depth = -(o + self.crown_height)
        neck_m, neck_b = self.cervix[0] * 0.5 * self.width, self.cervix[1] * 0.5 * self.depth
        # The trunk between the neck and the furcation, then one tapering tube a root.
        ratio = np.sqrt((m / neck_m) ** 2 + (b / neck_b) ** 2)
        trunk = np.maximum(
            (ratio - 1.0) * min(neck_m, neck_b),
            np.abs(depth - 0.5 * self.trunk) - 0.5 * self.trunk - 0.4,
        )
        body = trunk
        for root in self.roots:
            t = np.clip((depth - self.trunk + 1.5) / (root.length + 1.5), 0.0, 1.0)
            arc = t * (1.0 - t) * 4.0
            centre_m = root.start[0] + (root.apex[0] - root.start[0]) * t + root.bend[0] * arc
            centre_b = root.start[1] + (root.apex[1] - root.start[1]) * t + root.bend[1] * arc
            shrink = np.maximum((1.0 - root.taper * t) * np.sqrt(1.0 - t**6), 0.05)
            radius_m, radius_b = root.radius[0] * shrink, root.radius[1] * shrink
            ratio = np.sqrt(((m - centre_m) / radius_m) ** 2 + ((b - centre_b) / radius_b) ** 2)
            tube = (ratio - 1.0) * np.minimum(radius_m, radius_b)
            end = np.maximum(depth - self.trunk - root.length, self.trunk - 1.5 - depth)
            body = smooth_minimum(body, np.maximum(tube, end), 0.5)
        return body


def draw_form(
    tooth_type: int,
    rng: np.random.Generator,
    crown: tuple[float, float, float] | None = None,
    neck: Neck | None = None,
) -> ToothForm:
    """One tooth of the given type (1-16), drawn from the published means and their spread.

    Args:
        tooth_type: 1-16.
        rng: the only source of chance.
        crown: height, width and depth (mm) of a crown that is there already and asks for a root.
        neck: of that crown.

    Raises:
        KeyError: the type is not one of 1-16.
    """
    height, root, width, depth = DIMENSIONS[tooth_type]
    scale = rng.normal(1.0, 0.05)
    height, width, depth = (x * scale * rng.normal(1.0, 0.05) for x in (height, width, depth))
    # Measured on scans, roots come out shorter than in the textbook.
    root *= scale * float(np.clip(rng.normal(0.93, 0.13), 0.55, 1.3))
    kind = _kind(tooth_type)
    cervix_m = {"incisor": 0.74, "canine": 0.74, "premolar": 0.72, "molar": 0.82}[kind]
    cervix_b = {"incisor": 0.88, "canine": 0.92, "premolar": 0.88, "molar": 0.88}[kind]
    cervix = (cervix_m * rng.normal(1, 0.04), cervix_b * rng.normal(1, 0.03))
    if crown is not None and neck is not None:
        height, width, depth = crown
        root += neck.hidden
        # Below the gum a crown goes on narrowing towards its cervix.
        narrower = 1.0 - 0.04 * min(neck.hidden, 2.5)
        cervix = (
            float(np.clip(narrower * neck.width / width, 0.5, 0.9)),
            float(np.clip(narrower * neck.depth / depth, 0.6, 0.97)),
        )
    cusp = {"incisor": 0.6, "canine": 3.0, "premolar": 2.2, "molar": 2.0}[kind]
    wear = max(0.0, rng.normal(0.0, 0.4))
    trunk, roots = _draw_roots(tooth_type, width, depth, cervix, root, rng)
    # From above, premolars are oval, molars and incisors have corners.
    squarest = 2.6 if kind == "premolar" else 3.4
    return ToothForm(
        tooth_type=tooth_type,
        crown_height=height,
        width=width,
        depth=depth,
        squareness=rng.uniform(2.1, squarest),
        cervix=cervix,
        trunk=trunk,
        roots=roots,
        cusp_height=cusp * rng.uniform(0.4, 1.2),
        wear=wear,
        cusp_phase=rng.uniform(-0.2, 0.2),
        lean=(rng.normal(0.08, 0.06), rng.normal(_LABIAL_LEAN[tooth_type], 0.1)),
    )


def _draw_roots(
    tooth_type: int,
    width: float,
    depth: float,
    cervix: tuple[float, float],
    length: float,
    rng: np.random.Generator,
) -> tuple[float, tuple[Root, ...]]:
    neck_m, neck_b = 0.5 * width * cervix[0], 0.5 * depth * cervix[1]
    position, upper = (tooth_type - 1) % 8 + 1, tooth_type <= 8

    def root(m: float, b: float, rm: float, rb: float, spread: float, factor: float) -> Root:
        """A root leaving the trunk at fractions (m, b) of the neck, spreading outwards."""
        own = length * factor * rng.normal(1.0, 0.06)
        apex = (
            neck_m * m * spread - 0.05 * own + rng.normal(0, 0.5),
            neck_b * b * spread + rng.normal(0, 0.5),
        )
        bend = (rng.normal(0.0, 0.6), rng.normal(0.0, 0.5))
        taper = _TAPER.get(tooth_type, 0.5)
        return Root((neck_m * m, neck_b * b), apex, (neck_m * rm, neck_b * rb), own, bend, taper)

    spread = rng.uniform(0.6, 1.6)
    if position >= 6:
        trunk = rng.uniform(2.5, 4.5) if position < 8 else rng.uniform(3.0, 8.0)
        below = max(length - trunk, 3.0) / length
        if upper:
            return trunk, (
                root(0.5, 0.45, 0.45, 0.42, spread, below),
                root(-0.5, 0.42, 0.42, 0.36, spread, below * 0.95),
                root(-0.05, -0.5, 0.5, 0.42, spread * 1.2, below * 1.05),
            )
        return trunk, (
            root(0.52, 0.0, 0.42, 0.8, spread, below),
            root(-0.52, 0.0, 0.42, 0.72, spread, below * 0.95),
        )
    if position == 4 and upper and rng.random() < 0.6:
        trunk = rng.uniform(3.0, 9.0)
        below = max(length - trunk, 3.0) / length
        return trunk, (
            root(0.0, 0.5, 0.7, 0.38, spread, below),
            root(0.0, -0.5, 0.7, 0.38, spread, below * 0.97),
        )
    trunk = 1.0
    return trunk, (root(0.0, 0.0, 0.98, 0.98, 1.0, (length - trunk) / length),)


def _kind(tooth_type: int) -> str:
    position = (tooth_type - 1) % 8 + 1
    return (
        "incisor"
        if position <= 2
        else "canine"
        if position == 3
        else ("premolar" if position <= 5 else "molar")
    )


def smooth_minimum(a: np.ndarray, b: np.ndarray, radius: float) -> np.ndarray:
    """Union of two implicit bodies with a fillet (Quilez's polynomial smooth minimum)."""
    h = np.clip(0.5 + 0.5 * (b - a) / radius, 0.0, 1.0)
    return b + (a - b) * h - radius * h * (1.0 - h)
