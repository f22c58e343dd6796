"""Cone-beam projection and reconstruction by the Reconstruction Toolkit (Rit et al., 2014).

The toolkit turns its gantry about its own y axis, with the source on +z at angle 0: patient left is
its x, superior its y, anterior its z. Everything here takes and gives the patient's LPS axes.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ToothSegLib.errors import InputError
from ToothSegLib.progress import Progress
from ToothSegLib.synthesis.scanner import Scanner
from ToothSegLib.volume import Volume

_FROM_LPS = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
# Of the detector's width, over which data cut off at an edge fall to nothing for the ramp filter.
_CONTINUED = 0.3
_AT_ONCE = 12


def toolkit() -> tuple[Any, Any]:
    """ITK and its module RTK.

    Raises:
        InputError: they are not installed.
    """
    with warnings.catch_warnings():
        # SWIG's types have no __module__, which Python 3.12 and later speak of on import.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            import itk
            from itk import RTK

            RTK.JosephForwardProjectionImageFilter  # noqa: B018 - loads what is loaded lazily
        except (ImportError, AttributeError) as error:
            raise InputError(
                "simulation by physics needs the Reconstruction Toolkit, which is not installed; "
                "add the extra 'physics': pip install '.[physics]' in ToothSeg's folder, or "
                "pip install itk-rtk"
            ) from error
    return itk, RTK


class Projector:
    """Takes line integrals through a head, all energies in one pass (Joseph, 1982)."""

    def __init__(self, attenuation: NDArray[np.float32], place: Volume, scanner: Scanner) -> None:
        """Hold a head.

        Args:
            attenuation: (k, j, i, energies) 1/mm.
            place: a volume on the same grid; only its place is used.
            scanner: whose geometry the rays follow.
        """
        self._itk, self._rtk = toolkit()
        self._scanner = scanner
        energies = attenuation.shape[-1]
        pixel = self._itk.F if energies == 1 else self._itk.Vector[self._itk.F, energies]
        self._type = self._itk.Image[pixel, 3]
        self._head = self._image(attenuation)
        self._head.SetSpacing(place.spacing)
        self._head.SetOrigin((_FROM_LPS @ place.origin).tolist())
        direction = np.ascontiguousarray(_FROM_LPS @ place.direction)
        self._head.SetDirection(self._itk.matrix_from_array(direction))

    def project(self, angles_deg: ArrayLike) -> NDArray[np.float32]:
        """(angles, rows, columns, energies) line integrals."""
        angles = np.asarray(angles_deg, float)
        energies = self._itk.array_view_from_image(self._head).shape[3:]
        empty = np.zeros((len(angles), *self._scanner.detector, *(energies or (1,))), np.float32)
        joseph = self._rtk.JosephForwardProjectionImageFilter[self._type, self._type].New()
        joseph.SetGeometry(_orbit(self._rtk, self._scanner, angles))
        joseph.SetInput(0, _on_detector(self._image(empty), self._scanner))
        joseph.SetInput(1, self._head)
        joseph.Update()
        return np.asarray(self._itk.array_from_image(joseph.GetOutput())).reshape(empty.shape)

    def _image(self, array: NDArray) -> Any:
        flat = array[..., 0] if array.shape[-1] == 1 else array
        return self._itk.image_from_array(np.ascontiguousarray(flat, np.float32), ttype=self._type)


def reconstruct(
    projections: NDArray[np.float32],
    angles_deg: NDArray[np.float64],
    scanner: Scanner,
    progress: Progress,
) -> NDArray[np.float32]:
    """Filtered back-projection (Feldkamp, Davis and Kress, 1984).

    Args:
        projections: (angles, rows, columns) of line integrals in mm of anything.
        angles_deg: of the gantry.
        scanner: its geometry, its grid and its filter.
        progress: asked to go on every few projections.

    Returns:
        (k, j, i) of the scanner's shape, axes along LPS, centred on the axis of rotation; the unit
        is that of the projections per mm.
    """
    itk, rtk = toolkit()
    kind = itk.Image[itk.F, 3]
    image = _on_detector(itk.image_from_array(projections), scanner)
    whole = _orbit(rtk, scanner, angles_deg)
    if scanner.short_scan:
        parker = rtk.ParkerShortScanImageFilter[kind].New(image, Geometry=whole)
        parker.Update()
        image = parker.GetOutput()
    weighted = rtk.FDKWeightProjectionFilter[kind].New(image, Geometry=whole)
    weighted.Update()
    weights = np.asarray(itk.array_from_image(weighted.GetOutput()))
    across, along = scanner.shape[2], scanner.shape[0]
    sum_ = itk.image_from_array(np.zeros((across, along, across), np.float32))
    sum_.SetSpacing([scanner.voxel_mm] * 3)
    sum_.SetOrigin([-(n - 1) / 2 * scanner.voxel_mm for n in (across, along, across)])
    for first in range(0, len(angles_deg), _AT_ONCE):
        progress.update(first / len(angles_deg))
        part = slice(first, first + _AT_ONCE)
        ramp = rtk.FFTRampImageFilter[kind, kind, itk.D].New(
            _on_detector(itk.image_from_array(_continued(weights[part])), scanner)
        )
        ramp.SetHannCutFrequency(scanner.hann)
        back = rtk.FDKBackProjectionImageFilter[kind, kind].New()
        back.SetGeometry(_orbit(rtk, scanner, angles_deg[part]))
        back.SetInput(0, sum_)
        back.SetInput(1, ramp.GetOutput())
        back.Update()
        sum_ = back.GetOutput()
        sum_.DisconnectPipeline()
    progress.update(1.0)
    # (anterior, superior, left) to (superior, posterior, left).
    return np.ascontiguousarray(np.asarray(itk.array_from_image(sum_)).swapaxes(0, 1)[:, ::-1])


def _orbit(rtk: Any, scanner: Scanner, angles_deg: ArrayLike) -> Any:
    geometry = rtk.ThreeDCircularProjectionGeometry.New()
    for angle in np.asarray(angles_deg, float).tolist():
        geometry.AddProjection(scanner.source_to_axis_mm, scanner.source_to_detector_mm, angle)
    return geometry


def _on_detector(image: Any, scanner: Scanner) -> Any:
    """The image with pixels of the detector, centred on the ray through the axis."""
    columns, rows, _ = image.GetLargestPossibleRegion().GetSize()
    image.SetSpacing([scanner.pixel_mm, scanner.pixel_mm, 1.0])
    image.SetOrigin([-(n - 1) / 2 * scanner.pixel_mm for n in (columns, rows)] + [0.0])
    return image


def _continued(rays: NDArray[np.float32]) -> NDArray[np.float32]:
    """Projections on a wider detector, on whose new columns the rays of the old edge die away.

    The toolkit's own continuation mirrors the data, which adds matter beyond a head that is not cut
    off at all, and makes everything denser by some per cent.
    """
    wide = round(_CONTINUED * rays.shape[2])
    fall = np.cos(np.linspace(0.0, np.pi / 2, wide, dtype=np.float32)) ** 2
    return np.concatenate([rays[..., :1] * fall[::-1], rays, rays[..., -1:] * fall], axis=2)
