"""Cone-beam scanners: what a device does, and some that differ as devices do."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.errors import InputError

Beam = tuple[tuple[int, float], ...]
"""Photon energies, keV, each with its share of the signal behind nothing but air."""

# Spectra of SpekPy 2.5 (Poludniowski et al., Medical Physics 48, 2021), anode at 12 degrees,
# weighted by energy and by what 0.6 mm of caesium iodide absorbs; each energy is shared among its
# two neighbours here. Behind 0-160 mm of water they attenuate water within 1.5 %, enamel, dentine
# and bone within 7 % as the whole spectrum does; 1 mm of amalgam 9 % less.
KV90: Beam = ((40, 0.18), (50, 0.25), (60, 0.38), (80, 0.19))  # 2.5 mm Al + 0.3 mm Cu
KV90_SOFT: Beam = ((30, 0.17), (40, 0.34), (60, 0.38), (80, 0.11))  # 3 mm Al
KV120: Beam = ((40, 0.25), (60, 0.45), (80, 0.21), (100, 0.09))  # 10 mm Al


@dataclass(frozen=True)
class Scanner:
    """One device and protocol.

    Attributes:
        name: as it is chosen by.
        beam: at most four energies.
        field_mm: diameter and height of the cylinder that is seen.
        voxel_mm: of the picture; a detector pixel is one voxel wide at the axis.
        projections: in one turn, whole or short.
        short_scan: half a turn and the fan, with Parker's weights, instead of a whole turn.
        source_to_axis_mm, source_to_detector_mm: sizes of the gantry.
        photons: that a pixel counts behind air in one projection; 0 for no noise at all.
        scatter: what is left of scattered light, as a share of the light around.
        blur_mm: standard deviation of focal spot and scintillator, on the detector.
        gain_error: standard deviation of the pixels' gain that calibration leaves; makes rings.
        hann: where the reconstruction's Hann window reaches zero, as a share of Nyquist's
            frequency; 0 for the bare ramp.
        water_correction: of beam hardening; without it, water is 0 HU at 100 mm only.
        texture: how much the density of trabecular bone varies, standard deviation.
        white: the highest value stored, HU.
        at_tooth: the field is centred on some tooth instead of the whole dentition.
    """

    name: str = "standard"
    beam: Beam = KV90
    field_mm: tuple[float, float] = (88.0, 64.0)
    voxel_mm: float = 0.4
    projections: int = 360
    short_scan: bool = False
    source_to_axis_mm: float = 500.0
    source_to_detector_mm: float = 700.0
    photons: float = 20_000.0
    scatter: float = 0.03
    blur_mm: float = 0.35
    gain_error: float = 0.002
    hann: float = 0.9
    water_correction: bool = True
    texture: float = 0.3
    white: int = 3071
    at_tooth: bool = False

    def __post_init__(self) -> None:
        radius = self.field_mm[0] / 2
        wrong = {
            "beam": not 1 <= len(self.beam) <= 4,
            "field_mm": min(self.field_mm) <= 0 or radius >= 0.8 * self.source_to_axis_mm,
            "voxel_mm": self.voxel_mm <= 0,
            "projections": self.projections < 12,
            "source_to_detector_mm": self.source_to_detector_mm < self.source_to_axis_mm + radius,
            "photons": self.photons < 0,
            "scatter": self.scatter < 0,
            "hann": not 0 <= self.hann <= 1,
        }
        for name, bad in wrong.items():
            if bad:
                raise InputError(f"scanner {self.name!r}: {name} = {getattr(self, name)} cannot be")

    @property
    def energies_kev(self) -> tuple[int, ...]:
        """Energies of the beam."""
        return tuple(energy for energy, _ in self.beam)

    @property
    def shares(self) -> NDArray[np.float64]:
        """Shares of the signal, summing to one."""
        shares = np.array([share for _, share in self.beam])
        return np.asarray(shares / shares.sum())

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels of the picture (k, j, i), each even."""
        across, along = (2 * max(1, round(mm / self.voxel_mm / 2)) for mm in self.field_mm)
        return along, across, across

    @property
    def pixel_mm(self) -> float:
        """Of the detector."""
        return self.voxel_mm * self.source_to_detector_mm / self.source_to_axis_mm

    @property
    def fan_rad(self) -> float:
        """Half the angle under which the source sees the field."""
        return math.asin(self.field_mm[0] / 2 / self.source_to_axis_mm)

    @property
    def detector(self) -> tuple[int, int]:
        """Pixels (rows, columns), so that every ray through the field is caught and two more."""
        near = self.source_to_axis_mm - self.field_mm[0] / 2
        width = 2 * self.source_to_detector_mm * math.tan(self.fan_rad)
        height = self.field_mm[1] * self.source_to_detector_mm / near
        rows, columns = (2 * math.ceil(mm / self.pixel_mm / 2) + 4 for mm in (height, width))
        return rows, columns

    def angles_deg(self, first_deg: float) -> NDArray[np.float64]:
        """(projections,) angles of the gantry, from the first one on."""
        steps = np.arange(self.projections)
        if not self.short_scan:
            return np.asarray(first_deg + 360.0 * steps / self.projections)
        arc = 180.0 + 2 * math.degrees(self.fan_rad) + 4.0
        return np.asarray(first_deg + arc * steps / (self.projections - 1))


SCANNERS = {
    scanner.name: scanner
    for scanner in (
        Scanner(),
        Scanner("clean", photons=200_000, scatter=0.0, gain_error=0.0),
        Scanner("low-dose", photons=3_000, projections=240, hann=0.7),
        Scanner("small-field", KV90, (50.0, 50.0), 0.25, 450, photons=8_000, at_tooth=True),
        Scanner("short", short_scan=True, projections=300, scatter=0.08, gain_error=0.004),
        Scanner("soft-beam", KV90_SOFT, scatter=0.10, water_correction=False),
        Scanner("hard-beam", KV120, (110.0, 80.0), photons=10_000, white=4095),
        Scanner("coarse", KV120, (110.0, 80.0), 0.6, 200, photons=15_000, hann=0.6),
    )
}
"""Devices and protocols to choose from, by name."""


def find_scanner(name: str) -> Scanner:
    """The scanner of that name.

    Raises:
        InputError: there is none.
    """
    if name not in SCANNERS:
        raise InputError(f"no scanner is called {name!r}; choose from {', '.join(SCANNERS)}")
    return SCANNERS[name]
