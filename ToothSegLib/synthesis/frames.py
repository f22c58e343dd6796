"""Where a tooth stands: its origin in the mouth and its mesial, buccal and occlusal directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from ToothSegLib.teeth import LOWER_ARCH, UPPER_ARCH


@dataclass(frozen=True)
class Slot:
    """A place in an arch. ``frame`` columns are mesial, buccal and occlusal, in LPS."""

    fdi: int
    origin: np.ndarray  # (3,) LPS mm, top of the crown
    frame: np.ndarray  # (3, 3)

    def moved(self, shift: np.ndarray, turn: np.ndarray) -> Slot:
        """The slot shifted (mm) and turned (rotation vector, rad), both in its own frame."""
        rotation = Rotation.from_rotvec(turn).as_matrix()
        return Slot(self.fdi, self.origin + self.frame @ shift, self.frame @ rotation)


def arch_frames(crowns: dict[int, np.ndarray]) -> dict[int, Slot]:
    """Slots of one arch from the middles of its crowns (LPS mm), standing upright.

    The mesiodistal direction is the arch's tangent, the buccal one points out of the arch. Teeth
    of the right side get right-handed frames in the upper jaw, left-handed ones in the lower, and
    the left side the mirror image, so that one form serves all four quadrants.
    """
    upper = min(crowns) < 30
    order = [fdi for fdi in (UPPER_ARCH if upper else LOWER_ARCH) if fdi in crowns]
    line = np.array([crowns[fdi][:2] for fdi in order])
    tangents = np.gradient(line, axis=0) if len(order) > 1 else np.array([[1.0, 0.0]])
    occlusal = np.array([0.0, 0.0, -1.0 if upper else 1.0])
    slots = {}
    for fdi, tangent in zip(order, tangents, strict=True):
        # The order runs from the patient's right to the left: mesial is forward along it on the
        # right side and backward on the left.
        right = fdi // 10 in (1, 4)
        along = np.array([*(tangent / np.linalg.norm(tangent)), 0.0])
        outward = np.array([along[1], -along[0], 0.0])
        mesial = along if right else -along
        frame = np.stack([mesial, outward, occlusal], axis=1)
        slots[fdi] = Slot(fdi, np.asarray(crowns[fdi], dtype=float), frame)
    return slots
