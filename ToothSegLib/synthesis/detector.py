"""From path lengths through matter to what a detector makes of them, in millimetres of water."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ToothSegLib.synthesis.materials import WATER
from ToothSegLib.synthesis.scanner import Scanner

# Wide enough for the darkest ray, and for one that noise made brighter than air.
_WATER_MM = np.linspace(-100.0, 1500.0, 3201)
_USUAL_WATER_MM = 100.0
_SCATTER_MM = 60.0


class Detector:
    """One scanner's detector; its pixels keep their gain errors from projection to projection."""

    def __init__(self, scanner: Scanner, rng: np.random.Generator) -> None:
        self._scanner = scanner
        self._rng = rng
        self._gain = 1.0 + scanner.gain_error * rng.standard_normal(scanner.detector)
        water = np.multiply.outer(_WATER_MM, WATER.attenuation(scanner.energies_kev))
        self._water_log = -np.log(np.exp(-water) @ scanner.shares)

    def expose(self, integrals: NDArray) -> NDArray[np.float32]:
        """Take projections.

        Args:
            integrals: (projections, rows, columns, energies) line integrals of attenuation.

        Returns:
            (projections, rows, columns) thickness of water, mm, that would have let as much
            through. Noise is that of the signal in units of one mean photon (compound Poisson
            noise of an integrating detector is a few per cent stronger: Whiting et al., Medical
            Physics 33, 2006). Beam hardening by water is undone (Herman, Physics in Medicine and
            Biology 24, 1979), unless the scanner does without.
        """
        scanner = self._scanner
        light = np.exp(-np.asarray(integrals, np.float64)) @ scanner.shares
        light = ndimage.gaussian_filter(light, (0, *(scanner.blur_mm / scanner.pixel_mm,) * 2))
        if scanner.scatter > 0:
            light += scanner.scatter * _spread(light, _SCATTER_MM / scanner.pixel_mm)
        if scanner.photons > 0:
            # A ray that no photon came through is stored as one photon's.
            counts = np.maximum(self._rng.poisson(light * scanner.photons), 1)
            light = counts / scanner.photons
        return self._as_water(-np.log(light * self._gain)).astype(np.float32)

    def _as_water(self, darkness: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._scanner.water_correction:
            return np.asarray(np.interp(darkness, self._water_log, _WATER_MM))
        usual = np.interp(_USUAL_WATER_MM, _WATER_MM, self._water_log)
        return np.asarray(darkness * (_USUAL_WATER_MM / usual))


def _spread(light: NDArray[np.float64], pixels: float) -> NDArray[np.float64]:
    """Each projection's light, smoothed by a pyramid of about that base."""
    size = (1, *(max(1, round(pixels / 2)),) * 2)
    once = ndimage.uniform_filter(light, size, mode="nearest")
    return np.asarray(ndimage.uniform_filter(once, size, mode="nearest"))
