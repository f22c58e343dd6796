"""The dental arches as a template, and the pose that lays it over a patient's teeth.

The template holds the place of every tooth's centre in the dentition's own frame: x to the
patient's left, y backwards, z up, the midline at x = 0, the bite at z = 0. For an upright head
these are the axes of LPS, so that one rotation, never a reflection, takes the template to the
scan: left and right cannot swap.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import numpy as np
from scipy.spatial.transform import Rotation

from ToothSegLib.teeth import LOWER_ARCH, UPPER_ARCH, by_fdi

SLOTS_PER_ARCH = 16
SLOT_FDI = np.array([UPPER_ARCH, LOWER_ARCH])
"""(2, 16): the FDI number of each slot; each arch from the patient's right to the left."""

SLOT_TYPES = np.array([[by_fdi(int(fdi)).type for fdi in arch] for arch in SLOT_FDI])
"""(2, 16): the type 1-16 of each slot."""

# Centres of gravity of whole teeth (crown and root), positions 1-8 of the left side, mm. Rounded
# means of a statistical crown model of 135 people (3D-Teeth-Reconstruction-from-Five-Intra-oral-
# Images) and of two whole-tooth mesh sets (Open-Full-Jaw, BodyParts3D).
_LEFT_PLACES = np.array(
    [
        [(4.2, 0.0, 8.5), (10.6, 2.7, 8.8), (15.6, 7.5, 8.8), (18.3, 13.8, 7.5),
         (20.9, 20.2, 7.0), (23.0, 28.5, 7.0), (24.2, 37.5, 7.5), (25.0, 45.5, 9.0)],
        [(2.7, 1.3, -8.8), (7.4, 2.3, -8.8), (12.3, 5.5, -9.8), (16.5, 11.2, -8.8),
         (19.6, 17.5, -8.3), (22.8, 26.0, -7.8), (26.0, 36.2, -7.0), (30.0, 45.0, -6.0)],
    ]
)  # fmt: skip
_MIRROR = np.array([-1.0, 1.0, 1.0])
TEMPLATE = np.concatenate([_LEFT_PLACES[:, ::-1] * _MIRROR, _LEFT_PLACES], axis=1)
"""(2, 16, 3): the place of each slot, upper arch first, mm in the dentition's frame."""

PLACE_SD_MM = np.array([3.0, 6.0, 5.0])
"""How far a tooth strays from its place: across, along the midline, and up."""

# The head's tilt, radians; the jaws' size; and the lower jaw's place under the upper one, mm
# (opening the mouth moves it down and back).
_TILT_SD = 0.35
_SCALE_SD = 0.08
_JAW_SHIFT_SD_MM = np.array([1.5, 4.0, 7.0])
_FIT_SD_MM = 3.0
# Tails of how far teeth stray from their places, as `heavy_tailed` takes them.
_STRAY = {"freedom": 4.0, "power": 2.5}
# Where the midline is tried: so far beyond the teeth, in such steps.
_BEYOND_MM, _ACROSS_STEP_MM = 30.0, 3.0
_MOST_POSES = 8


@dataclass
class Pose:
    """Takes template points to LPS: ``scale * rotation @ (point + jaw shift) + translation``."""

    rotation: np.ndarray  # (3, 3), proper
    translation: np.ndarray  # (3,) LPS mm
    scale: float = 1.0
    jaw_shift: np.ndarray = field(default_factory=lambda: np.zeros(3))  # of the lower arch

    def places(self) -> np.ndarray:
        """(2, 16, 3): the template with the lower arch moved by the jaw shift, template frame."""
        return TEMPLATE + np.stack([np.zeros(3), self.jaw_shift])[:, None]

    def to_template(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) LPS mm to the dentition's frame."""
        return (points - self.translation) @ self.rotation / self.scale

    def to_lps(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) in the dentition's frame to LPS mm."""
        return self.scale * points @ self.rotation.T + self.translation

    def log_prior(self) -> float:
        """How plausible the pose is before any tooth is seen; 0 is an upright average head."""
        cosine = (np.trace(self.rotation) - 1) / 2
        tilt = np.arccos(np.clip(cosine, -1, 1)) / _TILT_SD
        scale = np.log(self.scale) / _SCALE_SD
        shift = self.jaw_shift / _JAW_SHIFT_SD_MM
        return float(-0.5 * (tilt**2 + scale**2 + shift @ shift))


def place_log_likelihood(offsets: np.ndarray) -> np.ndarray:
    """(..., 3) mm from the place to the tooth -> (...); heavy tails, for teeth strayed far."""
    return heavy_tailed(((offsets / PLACE_SD_MM) ** 2).sum(axis=-1), **_STRAY)


def heavy_tailed(squares: np.ndarray, freedom: float, power: float) -> np.ndarray:
    """Log-likelihood of squared distances, in squared standard deviations; not normalised.

    It falls off as a power, like Student's t, so that a few teeth far off decide little.

    Args:
        squares: of any shape.
        freedom: degrees of freedom; the fewer, the sooner the tails begin.
        power: the more, the faster they fall.
    """
    return -power * np.log1p(squares / freedom)


def fit_pose(
    centroids: np.ndarray, arches: np.ndarray, slots: np.ndarray, start: Pose, rounds: int = 3
) -> Pose:
    """The most probable pose for teeth whose slots are taken as known.

    Weighted orthogonal Procrustes (Kabsch 1976) with a prior towards the upright head, which
    adds a multiple of the identity to the covariance (the matrix von Mises-Fisher prior);
    re-weighted so that strayed teeth pull little.

    Args:
        centroids: (n, 3) LPS mm, n >= 1.
        arches, slots: (n,) indices into ``TEMPLATE``.
        start: where to begin.
    """
    pose = start
    upright = _FIT_SD_MM**2 / (2 * _TILT_SD**2) * np.eye(3)
    lower = arches == 1
    for _ in range(rounds):
        targets = pose.places()[arches, slots]
        residuals = pose.to_template(centroids) - targets
        weights = 1 / (1 + (residuals**2).sum(axis=1) / (4 * _FIT_SD_MM**2))
        share = weights / weights.sum()
        centre, target_centre = share @ centroids, share @ targets
        points, targets = centroids - centre, targets - target_centre
        covariance = (weights[:, None] * points).T @ targets
        u, _, vt = np.linalg.svd(covariance + upright)
        handed = np.diag([1.0, 1.0, np.linalg.det(u @ vt)])
        rotation = u @ handed @ vt
        stiffness = _FIT_SD_MM**2 / _SCALE_SD**2
        scale = (np.trace(rotation.T @ covariance) + stiffness) / (
            weights @ (targets**2).sum(axis=1) + stiffness
        )
        scale = float(np.clip(scale, 0.75, 1.3))
        pose = Pose(rotation, centre - scale * rotation @ target_centre, scale, pose.jaw_shift)
        if lower.any() and not lower.all():
            bare = pose.to_template(centroids[lower]) - TEMPLATE[1, slots[lower]]
            pull = _FIT_SD_MM**2 / _JAW_SHIFT_SD_MM**2
            pose.jaw_shift = weights[lower] @ bare / (weights[lower].sum() + pull)
    return pose


def candidate_poses(centroids: np.ndarray, slot_log_likelihood: np.ndarray) -> list[Pose]:
    """At most eight poses worth refining, best first, from a coarse search.

    Heads are tried upright and turned about each axis; for each, the midline is tried at every
    place across the teeth, as a scan may hold one side only. Every region takes its best slot
    without regard to the others; poses that lead to the same slots count once.

    Args:
        centroids: (n, 3) LPS mm, n >= 1.
        slot_log_likelihood: (n, 2, 16), how well a region's look fits each slot.
    """
    n = len(centroids)
    places = TEMPLATE.reshape(-1, 3)
    looks = slot_log_likelihood.reshape(n, -1)
    chances = np.exp(looks - looks.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    expected = chances @ places
    found: list[tuple[float, Pose, bytes]] = []
    turns = (-0.6, -0.3, 0.0, 0.3, 0.6)
    tilts = (-0.45, 0.0, 0.45)
    for angles in product(tilts, tilts, turns):
        rotation = Rotation.from_rotvec(angles).as_matrix()
        points = centroids @ rotation
        # Depth and height do not depend on the side, so the types alone place them.
        centre = np.median(points - expected, axis=0)
        # From the middle, so that a mirrored scan is tried in the mirrored places.
        low, high = points[:, 0].min(), points[:, 0].max()
        most = int(((high - low) / 2 + _BEYOND_MM) / _ACROSS_STEP_MM)
        steps = (low + high) / 2 + _ACROSS_STEP_MM * np.arange(-most, most + 1)
        across = (points[:, 0, None] - places[:, 0])[None] - steps[:, None, None]
        rest = (points[:, None, 1:] - centre[1:]) - places[:, 1:]
        squares = (across / PLACE_SD_MM[0]) ** 2 + ((rest / PLACE_SD_MM[1:]) ** 2).sum(axis=-1)
        fits = looks + heavy_tailed(squares, **_STRAY)
        scores = fits.max(axis=2).sum(axis=1)
        for index in np.argsort(-scores, kind="stable")[:3]:
            translation = rotation @ np.array([steps[index], *centre[1:]])
            pose = Pose(rotation, translation)
            chosen = fits[index].argmax(axis=1).astype(np.int8).tobytes()
            found.append((float(scores[index]) + pose.log_prior(), pose, chosen))
    found.sort(key=lambda entry: -entry[0])
    distinct: dict[bytes, Pose] = {}
    for _, pose, chosen in found:
        distinct.setdefault(chosen, pose)
    return list(distinct.values())[:_MOST_POSES]


def order_along_arch(points: np.ndarray, arch: int, pose: Pose) -> np.ndarray:
    """Indices that sort template-frame points (n, 3) from the right end of an arch to the left."""
    line = pose.places()[arch, :, :2]
    ends = 2 * line[[0, -1]] - line[[1, -2]]
    line = np.vstack([ends[:1], line, ends[1:]])
    knots = np.arange(len(line))
    fine = np.linspace(0, len(line) - 1, 20 * len(line))
    curve = np.stack([np.interp(fine, knots, line[:, axis]) for axis in range(2)], axis=1)
    squares = ((points[:, None, :2] - curve) ** 2).sum(axis=-1)
    return np.argsort(squares.argmin(axis=1), kind="stable")
