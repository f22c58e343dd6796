"""What was cut in two by mistake is joined again: crown and root, or the halves of a molar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ToothSegLib.arches.norms import CRUMB_SHARE, WIDTHS_MM
from ToothSegLib.arches.patient_size import look_of, usual_mm3
from ToothSegLib.arches.regions import Region
from ToothSegLib.separation.pieces import Pieces

# Parts of one tooth look the same (overlap of their type probabilities), touch, and vote for
# middles that lie less than a tooth's width apart: along the arch for front teeth, whose long
# roots lean, and in any direction for molars, whose row bends.
_SAME_LOOK = 0.5
_CLOSE_ALONG, _TOUCH = 0.4, 0.06
_CLOSE_MOLARS, _TOUCH_MOLARS = 0.52, 0.12
# Or they lie one above the other, crown and root, as neighbours never do. A third molar deep in the
# jaw may look much like the second, but the two together are larger than one.
_TOUCH_STACKED, _ONE_AT_MOST = 0.03, 1.5
# Where one of two is a whole tooth by itself and both together are more than one, what is no crumb
# is an extra tooth, as behind the incisors. Molars vary too much for that: one of a simulated head,
# cut in two, has 1.4 and 0.3 of what is usual.
_WHOLE = 1.0
# A second molar in two: the large part may look like a third molar, the small one, wedged between
# it and the first molar, like a second. A bud of a third molar is as small, but looks like one.
_SPLIT_LOOK, _CLOSE_SPLIT, _SMALL_PART, _BOTH_PARTS = 0.2, 0.62, 0.45, 1.85
_PART_OF_A_TOOTH = 1.2  # of the norm; whole teeth of a large patient are larger than that
_UPRIGHT = np.array([0.0, 0.0, 1.0])
_WHOLE_ARCH_MM = 35.0  # from side to side; half an arch is no wider than 30
_MOLARS = np.isin(np.arange(1, 17), (6, 7, 8, 14, 15, 16))
_LAST_MOLARS = (slice(6, 8), slice(14, 16))  # of the upper and of the lower jaw, by type - 1


@dataclass(frozen=True)
class _Patient:
    """What bears on all pairs of regions.

    Attributes:
        size: of the patient's teeth over the norms, in length.
        up: (3,) the head's own direction upwards, a unit vector in LPS.
        centre: (3,) mm, the middle of a whole arch; None of a part of one, which does not tell it.
    """

    size: float
    up: np.ndarray
    centre: np.ndarray | None

    def usual_mm3(self, look: np.ndarray) -> float:
        """Volume of a tooth of that look (16,)."""
        return self.size**3 * usual_mm3(look)


@dataclass(frozen=True)
class _Signs:
    """What speaks for two regions being one tooth, and what against it.

    Attributes:
        share: of the smaller one's surface, where the two touch.
        alike: they look the same.
        near: they touch, and their middles are too close to each other for two teeth.
        stacked: one lies above the other, and together they are no more than a tooth.
        split: a second molar in two parts, of which one passes for a third molar.
        extra: one is a tooth by itself, and the other too much for a part of it.
        small: the smaller is too small for a whole tooth of its look.
    """

    share: float
    alike: bool
    near: bool
    stacked: bool
    split: bool
    extra: bool
    small: bool

    def are_parts(self) -> bool:
        """Whether the smaller is a part of the larger one."""
        close = self.stacked or (self.near and not self.extra)
        return self.small and (self.split or (close and self.alike))

    def are_halves(self, least_share: float) -> bool:
        """Whether contact alone, from a share of the surface on, says that they are one."""
        return self.share >= least_share and not self.extra


def join_parts(
    pieces: Pieces,
    tooth: np.ndarray,
    regions: list[Region],
    middles: np.ndarray,
    halves_share: float,
    size: float = 1.0,
    up: np.ndarray = _UPRIGHT,
) -> np.ndarray:
    """(t,) the tooth that each tooth becomes when those cut in two are joined.

    Args:
        pieces, tooth: as from ``_absorb``.
        regions: of each of the t teeth.
        middles: (t, 3) mm, where each tooth's middle is.
        halves_share: from this share of the smaller one's surface on, contact alone joins.
        size: of the patient's teeth over the norms, in length.
        up: (3,) the head's own direction upwards, a unit vector in LPS.
    """
    member = membership(tooth, len(regions))
    contact = (member.T @ pieces.contact @ member).toarray()
    # A face between two pieces of one tooth counts twice in the diagonal, once from each side.
    surface = member.T @ pieces.surface - contact.diagonal()
    becomes = np.arange(len(regions))
    # Each part goes to one tooth only, or it would tie two neighbours together.
    taken = np.zeros(len(regions), bool)
    # Part of an arch does not tell where its middle is; there, any direction counts.
    centre = np.median(middles, axis=0) if np.ptp(middles[:, 0]) > _WHOLE_ARCH_MM else None
    patient = _Patient(size, up, centre)
    pairs = np.argwhere(np.triu(contact, 1))
    for one, other in pairs[np.argsort(-contact[tuple(pairs.T)], kind="stable")]:
        less, more = sorted((one, other), key=lambda index: regions[index].voxels)
        share = contact[one, other] / min(surface[one], surface[other])
        signs = _signs(regions[less], regions[more], middles[[less, more]], share, patient)
        if signs.are_parts() and not (taken[less] or taken[more]):
            taken[less] = True
            becomes[becomes == becomes[less]] = becomes[more]
        elif signs.are_halves(halves_share) and not taken[less]:
            taken[less] = signs.small
            becomes[becomes == becomes[other]] = becomes[one]
    return becomes


def _signs(
    less: Region, more: Region, middles: np.ndarray, share: float, patient: _Patient
) -> _Signs:
    """Of the smaller and the larger of two regions.

    Args:
        less, more: the regions.
        middles: (2, 3) mm, theirs.
        share: of the smaller surface, where they touch.
        patient: whose teeth they are.
    """
    looks = look_of(less), look_of(more)
    mean = np.mean(looks, axis=0)
    width = patient.size * float(mean @ WIDTHS_MM[1:])
    molars = float(mean[_MOLARS].sum()) > 0.5
    far = middles[0] - middles[1]
    away = float(np.hypot(*far[:2]))
    if molars:
        near = away < _CLOSE_MOLARS * width and share >= _TOUCH_MOLARS
    else:
        along = away
        if patient.centre is not None:
            along = _along(far, 0.5 * (middles[0] + middles[1]) - patient.centre)
        near = along < _CLOSE_ALONG * width and share >= _TOUCH
    return _Signs(
        share=share,
        alike=bool(np.minimum(*looks).sum() >= _SAME_LOOK),
        near=near,
        stacked=share >= _TOUCH_STACKED and _are_stacked(less, more, patient),
        split=share >= _TOUCH_MOLARS
        and away < _CLOSE_SPLIT * width
        and _is_split_molar(less, more, patient),
        extra=not molars and _is_extra(less, more, patient),
        small=less.volume_mm3 < _PART_OF_A_TOOTH * patient.usual_mm3(looks[0]),
    )


def _along(far: np.ndarray, place: np.ndarray) -> float:
    """The part of a distance (3,) along the arch, at a place (3,) seen from the arch's middle."""
    outward = place[:2] / max(float(np.hypot(*place[:2])), 1e-6)
    return abs(float(far[:2] @ [-outward[1], outward[0]]))


def _is_extra(less: Region, more: Region, patient: _Patient) -> bool:
    """Whether the larger of two regions is a tooth by itself, and the other too much for a part."""
    usual = patient.usual_mm3(look_of(more))
    return (
        more.volume_mm3 >= _WHOLE * usual
        and less.volume_mm3 >= CRUMB_SHARE * usual
        and less.volume_mm3 + more.volume_mm3 >= _ONE_AT_MOST * usual
    )


def _are_stacked(one: Region, other: Region, patient: _Patient) -> bool:
    """Whether two regions lie one above the other and are no more than a tooth together."""
    gap = one.centroid - other.centroid
    high = abs(float(gap @ patient.up))
    usual = patient.usual_mm3(0.5 * (look_of(one) + look_of(other)))
    return (
        high > np.sqrt(max(float(gap @ gap) - high**2, 0.0))
        and one.volume_mm3 + other.volume_mm3 < _ONE_AT_MOST * usual
    )


def _is_split_molar(less: Region, more: Region, patient: _Patient) -> bool:
    """Whether two regions look like a second molar in two parts of which one passes for a third."""
    looks = look_of(less), look_of(more)
    mean = 0.5 * (looks[0] + looks[1])
    usual = patient.usual_mm3(mean)
    return (
        float(np.minimum(*looks).sum()) >= _SPLIT_LOOK
        and max(float(mean[jaw].sum()) for jaw in _LAST_MOLARS) > 0.75
        and less.volume_mm3 < _SMALL_PART * usual
        and less.volume_mm3 + more.volume_mm3 < _BOTH_PARTS * usual
    )


def membership(tooth: np.ndarray, count: int) -> sparse.csr_matrix:
    """(m, count) 0/1: which piece is in which tooth."""
    owned = np.flatnonzero(tooth >= 0)
    ones = np.ones(len(owned), np.int64)
    return sparse.csr_matrix((ones, (owned, tooth[owned])), (len(tooth), count))
