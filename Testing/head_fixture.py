"""A head too small for more than a few teeth."""

from __future__ import annotations

import numpy as np

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.case import Case


def head_of_three_teeth() -> Case:
    """Teeth 14 on the patient's right, 26 and 38 on the left, in a block of soft tissue."""
    labels = np.zeros((20, 24, 28), np.uint8)
    labels[8:12, 8:12, 3:6] = 14
    labels[8:12, 8:12, 22:25] = 26
    labels[3:5, 14:16, 20:23] = 38
    tissue = np.where(labels > 0, tissues.DENTINE, tissues.SOFT).astype(np.uint8)
    return Case(tissue, labels, 1.0, (-13.5, 14.0, -11.5), {14: (-9.5, 23.5, -2.0)})
