"""What was cut in two by mistake is joined again: crown and root, or the halves of a molar."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ToothSegLib.arches.norms import CRUMB_SHARE, VOLUMES_MM3, WIDTHS_MM
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
    taken = np.zeros(len(regions), bool)
    # Part of an arch does not tell where its middle is; there, any direction counts.
    centre = np.median(middles, axis=0) if np.ptp(middles[:, 0]) > _WHOLE_ARCH_MM else None
    pairs = np.argwhere(np.triu(contact, 1))
    for one, other in pairs[np.argsort(-contact[tuple(pairs.T)], kind="stable")]:
        looks = [_look(regions[index]) for index in (one, other)]
        mean = np.mean(looks, axis=0)
        width = size * float(mean @ WIDTHS_MM[1:])
        alike = np.minimum(*looks).sum() >= _SAME_LOOK
        share = contact[one, other] / min(surface[one], surface[other])
        far = middles[one] - middles[other]
        molars = float(mean[_MOLARS].sum()) > 0.5
        if molars:
            near = np.hypot(*far[:2]) < _CLOSE_MOLARS * width and share >= _TOUCH_MOLARS
        else:
            away = float(np.hypot(*far[:2]))
            if centre is not None:
                away = _along(far, 0.5 * (middles[one] + middles[other]) - centre)
            near = away < _CLOSE_ALONG * width and share >= _TOUCH
        stacked = share >= _TOUCH_STACKED and _are_stacked(regions[one], regions[other], up, size)
        # Each part goes to one tooth only, or it would tie two neighbours together.
        less, more = sorted((one, other), key=lambda index: regions[index].voxels)
        extra = not molars and _is_extra(regions[less], regions[more], size)
        loose = not (taken[less] or taken[more]) and _is_part(regions[less], size)
        split = (
            share >= _TOUCH_MOLARS
            and np.hypot(*far[:2]) < _CLOSE_SPLIT * width
            and _is_split_molar(regions[less], regions[more], size)
        )
        if ((((near and not extra) or stacked) and alike) or split) and loose:
            taken[less] = True
            becomes[becomes == becomes[less]] = becomes[more]
        elif share >= halves_share and not extra and not taken[less]:
            taken[less] = _is_part(regions[less], size)
            becomes[becomes == becomes[other]] = becomes[one]
    return becomes


def _along(far: np.ndarray, place: np.ndarray) -> float:
    """The part of a distance (3,) along the arch, at a place (3,) seen from the arch's middle."""
    outward = place[:2] / max(float(np.hypot(*place[:2])), 1e-6)
    return abs(float(far[:2] @ [-outward[1], outward[0]]))


def _is_part(region: Region, size: float) -> bool:
    """Whether a region is too small for a whole tooth of its look."""
    return region.volume_mm3 < _PART_OF_A_TOOTH * _usual_mm3(_look(region), size)


def _is_extra(less: Region, more: Region, size: float) -> bool:
    """Whether the larger of two regions is a tooth by itself, and the other too much for a part."""
    usual = _usual_mm3(_look(more), size)
    return (
        more.volume_mm3 >= _WHOLE * usual
        and less.volume_mm3 >= CRUMB_SHARE * usual
        and less.volume_mm3 + more.volume_mm3 >= _ONE_AT_MOST * usual
    )


def _are_stacked(one: Region, other: Region, up: np.ndarray, size: float) -> bool:
    """Whether two regions lie one above the other and are no more than a tooth together."""
    gap = one.centroid - other.centroid
    high = abs(float(gap @ up))
    usual = _usual_mm3(0.5 * (_look(one) + _look(other)), size)
    return (
        high > np.sqrt(max(float(gap @ gap) - high**2, 0.0))
        and one.volume_mm3 + other.volume_mm3 < _ONE_AT_MOST * usual
    )


def _is_split_molar(less: Region, more: Region, size: float) -> bool:
    """Whether two regions look like a second molar in two parts of which one passes for a third."""
    looks = _look(less), _look(more)
    mean = 0.5 * (looks[0] + looks[1])
    usual = _usual_mm3(mean, size)
    return (
        float(np.minimum(*looks).sum()) >= _SPLIT_LOOK
        and max(float(mean[jaw].sum()) for jaw in _LAST_MOLARS) > 0.75
        and less.volume_mm3 < _SMALL_PART * usual
        and less.volume_mm3 + more.volume_mm3 < _BOTH_PARTS * usual
    )


def _look(region: Region) -> np.ndarray:
    """(16,) the types' probabilities, of all teeth that it may be."""
    look = region.type_probabilities[1:]
    return look / max(float(look.sum()), 1e-6)


def _usual_mm3(look: np.ndarray, size: float) -> float:
    """Volume of a tooth of that look (16,) in a patient of that size."""
    return size**3 * float(look @ VOLUMES_MM3[1:])


def membership(tooth: np.ndarray, count: int) -> sparse.csr_matrix:
    """(m, count) 0/1: which piece is in which tooth."""
    owned = np.flatnonzero(tooth >= 0)
    ones = np.ones(len(owned), np.int64)
    return sparse.csr_matrix((ones, (owned, tooth[owned])), (len(tooth), count))
