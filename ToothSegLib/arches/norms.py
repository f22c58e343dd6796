"""What teeth of each type measure: published means, for telling whole teeth from parts."""

from __future__ import annotations

import numpy as np

VOLUMES_MM3 = np.array(
    [0, 480, 390, 520, 440, 430, 830, 690, 640, 215, 255, 420, 370, 400, 840, 690, 700], float
)
"""(17,) volume of the whole tooth by type. Rounded means of segmented dentitions (Open-Full-Jaw,
BodyParts3D), scaled to the former. Thresholds of `cascade`, `joining` and `parting` stand on the
values, not on their ratios alone."""

WIDTHS_MM = np.array(
    [0, 8.5, 6.5, 7.5, 7.0, 7.0, 10.0, 9.0, 8.5, 5.0, 5.5, 7.0, 7.0, 7.0, 11.0, 10.5, 10.0]
)
"""(17,) mesiodistal width of the crown by type (Wheeler's Dental Anatomy)."""

LENGTHS_MM = np.array(
    [0, 23.5, 22, 27, 22.5, 22.5, 20, 19, 17.5, 21.5, 23.5, 27, 22.5, 22.5, 21.5, 20, 18], float
)
"""(17,) from the cusps to the apex by type (Wheeler's Dental Anatomy)."""

TEETH_FOR_SCALE = 5
"""Fewer teeth do not tell how large a patient's teeth are."""

CRUMB_SHARE = 0.15
"""What has less of a tooth's volume is none. On 140 simulated dentitions the smallest tooth, a
lateral incisor, had 0.36. Far less is asked for, so that retained roots stay."""


def is_crumb(volume_mm3: float, kind: int, scale: float) -> bool:
    """Whether a region is too small for a tooth of a type, the patient's volumes over the norms."""
    return volume_mm3 < CRUMB_SHARE * scale * float(VOLUMES_MM3[kind])
