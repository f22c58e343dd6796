"""Forms of teeth made from others: two blended, one stretched and dented."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ToothSegLib.synthesis.individual import Form


@dataclass(frozen=True)
class BlendedForm:
    """Half-way house between two forms: a weighted mean of their distance fields."""

    first: Form
    second: Form
    weight: float

    @property
    def crown_height(self) -> float:
        return self._mix(self.first.crown_height, self.second.crown_height)

    @property
    def width(self) -> float:
        return self._mix(self.first.width, self.second.width)

    @property
    def length(self) -> float:
        return max(self.first.length, self.second.length)

    def field(self, m: np.ndarray, b: np.ndarray, o: np.ndarray) -> np.ndarray:
        """Weighted mean of the two fields at points in mm."""
        return self._mix(self.first.field(m, b, o), self.second.field(m, b, o))

    def _mix(self, a, b):  # type: ignore[no-untyped-def]
        return self.weight * a + (1.0 - self.weight) * b


@dataclass(frozen=True)
class WarpedForm:
    """A form stretched along its axes and gently dented, so that no tooth comes twice.

    ``root_stretch`` lengthens only what lies below the cervix.
    """

    form: Form
    stretch: np.ndarray  # (3,)
    root_stretch: float
    wave: np.ndarray  # (3, 3) amplitudes in mm, row: displaced axis, column: axis it varies along
    phase: np.ndarray  # (3, 3)

    @property
    def crown_height(self) -> float:
        return self.form.crown_height * float(self.stretch[2])

    @property
    def width(self) -> float:
        return self.form.width * float(self.stretch[0])

    @property
    def length(self) -> float:
        crown = self.form.crown_height
        return float(self.stretch[2]) * (crown + (self.form.length - crown) * self.root_stretch)

    def field(self, m: np.ndarray, b: np.ndarray, o: np.ndarray) -> np.ndarray:
        """The inner form's field at the points (mm) that land on these."""
        point = [m, b, o]
        moved = []
        for axis in range(3):
            waves = [
                self.wave[axis, k] * np.sin(point[k] / 3.5 + self.phase[axis, k]) for k in range(3)
            ]
            moved.append((point[axis] + waves[0] + waves[1] + waves[2]) / self.stretch[axis])
        crown = self.form.crown_height
        below = moved[2] + crown
        moved[2] = np.where(below < 0, below / self.root_stretch, below) - crown
        return self.form.field(*moved)
