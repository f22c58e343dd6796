"""Where the slices or frames of a DICOM volume lie, from what their headers say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.errors import InputError
from ToothSegLib.formats.dicom_frames import Frame, Numbers
from ToothSegLib.volume import side_unknown

# As parts of the distance between slices: how far a slice may lie from its place in an even row,
# and how much nearer or further than usual two neighbours may be. Positions of slices 0.075 mm
# apart that are rounded to hundredths are 0.07 off; a missing slice moves all beyond it by one.
_ASTRAY, _UNEVEN = 0.25, 0.3
# And this far beside the row of the others: a tilt shifts all of them alike.
_BESIDE = 0.5
# Headers that are rounded differ by less: directions, and voxel sizes in parts of them.
_SAME = {"orientation": (0.0, 1e-3), "pixel_spacing": (1e-3, 0.0)}
_NO_RIGHT_ANGLE = 1e-2
_WORDS = {
    "orientation": "orientation (ImageOrientationPatient)",
    "pixel_spacing": "voxel size (PixelSpacing)",
}


@dataclass(frozen=True)
class Place:
    """The geometry of a `Volume`.

    Args:
        order: (n,) which slice or frame comes first, next, ...
        spacing, origin, direction, doubts: as `Volume` has them.
    """

    order: NDArray[np.intp]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    direction: NDArray[np.float64]
    doubts: tuple[str, ...] = ()


def place_slices(name: Path, frames: Sequence[Frame]) -> Place:
    """Slices that have files of their own, or frames, as one stack along their common normal.

    Args:
        name: of the folder or the file.
        frames: two or more.

    Raises:
        InputError: something is not said that must be, the slices do not go together, or some are
            missing or lie double.
    """
    first = frames[0]
    if any(frame.pixel_spacing is None for frame in frames):
        other = any(frame.detector_spacing for frame in frames)
        hint = " (ImagerPixelSpacing is the size at the detector)" if other else ""
        raise InputError(
            f"{name} has no voxel size: PixelSpacing (0028,0030) is missing{hint}; export it again "
            "with it"
        )
    for what in ("orientation", "pixel_spacing"):
        _check_alike(name, frames, what)
    assert first.pixel_spacing is not None
    doubts = []
    if first.orientation is None:
        doubts.append("it does not give the direction of its axes (ImageOrientationPatient)")
    across, down = _axes(name, first.orientation or (1, 0, 0, 0, 1, 0))
    normal = np.cross(across, down)
    if all(frame.has_own_position and frame.position is not None for frame in frames):
        origins = np.array([frame.position for frame in frames], float)
        order, step = _stack(name, frames, origins, normal)
        _check_row(name, [frames[index].name for index in order], origins[order], step)
        origin = origins[order[0]]
    elif any(frame.has_own_position for frame in frames):
        nowhere = next(f.name for f in frames if f.position is None or not f.has_own_position)
        raise InputError(
            f"{name} does not say where {nowhere} lies: ImagePositionPatient (0020,0032) is "
            "missing; export it again with it"
        )
    else:
        order, step = np.arange(len(frames)), normal * _between(name, first)
        step = -step if _is_backwards(first) else step
        origin = np.array(first.position or (0, 0, 0), float)
        doubts.append("it does not give the place of each frame (ImagePositionPatient)")
        if _is_backwards(first):
            doubts[-1] += (
                ", and its SpacingBetweenSlices (0018,0088) is negative, so its frames are taken "
                "to go backwards"
            )
    distance = float(np.linalg.norm(step))
    # A tilted gantry shifts each slice along the last.
    direction = np.column_stack([across, down, step / distance])
    rows, columns = first.pixel_spacing
    x, y, z = (float(mm) for mm in origin)
    sentences = tuple(side_unknown(doubt) for doubt in doubts)
    return Place(order, (columns, rows, distance), (x, y, z), direction, sentences)


def _check_alike(name: Path, frames: Sequence[Frame], what: str) -> None:
    """Refuse slices under one geometry that have another."""
    first: Numbers | None = getattr(frames[0], what)
    parts, amount = _SAME[what]
    for frame in frames[1:]:
        other: Numbers | None = getattr(frame, what)
        if first is None and other is None:
            continue
        if first is None or other is None or not np.allclose(first, other, parts, amount):
            raise InputError(
                f"{name}: {frame.name} has another {_WORDS[what]} than {frames[0].name}; give the "
                "slices of one series alone, or export it again"
            )


def _axes(name: Path, orientation: Numbers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Unit directions along a row and down a column."""
    across, down = np.reshape(np.asarray(orientation, float), (2, 3))
    lengths = np.linalg.norm(across), np.linalg.norm(down)
    if not np.allclose([*lengths, across @ down], [1, 1, 0], atol=_NO_RIGHT_ANGLE):
        raise InputError(
            f"{name} has axes that are no directions at right angles (ImageOrientationPatient is "
            f"{' '.join(f'{part:g}' for part in orientation)}); export it again"
        )
    return across / lengths[0], down / lengths[1]


def _between(name: Path, frame: Frame) -> float:
    """mm from frame to frame, where no frame has a position of its own."""
    between = frame.between_slices and (abs(frame.between_slices[0]),)
    for distance in (between, frame.thickness):
        if distance is not None and math.isnan(distance[0]):
            break  # the other one may be another distance
        if distance is not None and distance[0] > 0:
            return distance[0]
    raise InputError(
        f"{name} has no voxel size along its frames: SpacingBetweenSlices (0018,0088) and "
        "SliceThickness (0018,0050) are missing or no numbers; export it again with one of them"
    )


def _is_backwards(frame: Frame) -> bool:
    """Whether frames follow each other against their normal, as nuclear medicine writes it."""
    return frame.between_slices is not None and frame.between_slices[0] < 0


def _stack(
    name: Path,
    frames: Sequence[Frame],
    origins: NDArray[np.float64],
    normal: NDArray[np.float64],
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The slices' order, and (3,) mm from one to the next.

    Refuses slices that are missing or lie double.
    """
    heights = origins @ normal
    order = np.arange(len(origins))
    if not (np.diff(heights) < 0).all():  # frames from top to bottom stay as they are
        order = np.argsort(heights, kind="stable")
    heights = heights[order]
    gaps = np.abs(np.diff(heights))
    names = [frames[index].name for index in order.tolist()]
    if gaps.max() == 0:
        raise InputError(
            f"{name} has all its {len(names)} slices at one place (ImagePositionPatient is the "
            "same in all); export it again with the place of each"
        )
    pair = int(np.argmin(gaps))
    if gaps[pair] < _UNEVEN * np.median(gaps[gaps > gaps.max() / 100]):
        raise InputError(
            f"{name} has slices that lie double: {names[pair]} and {names[pair + 1]} are "
            f"{gaps[pair]:.3g} mm apart (ImagePositionPatient); take copies out of the folder, or "
            "export the whole series again"
        )
    numbers = np.arange(len(heights))
    slope, start = np.polyfit(numbers, heights, 1)
    usual = abs(slope)
    astray = np.abs(heights - start - slope * numbers).max()
    if astray > _ASTRAY * usual or np.abs(gaps - usual).max() > _UNEVEN * usual:
        widest = int(np.argmax(gaps))
        raise InputError(
            f"{name} has slices that are missing: they are {gaps.min():.3g} to {gaps.max():.3g} mm "
            f"apart, the most between {names[widest]} and {names[widest + 1]}; export the whole "
            "series again"
        )
    return order, (origins[order[-1]] - origins[order[0]]) / (len(origins) - 1)


def _check_row(
    name: Path, names: Sequence[str], origins: NDArray[np.float64], step: NDArray[np.float64]
) -> None:
    """Refuse slices that lie beside the others; heights have been looked at."""
    distance = np.linalg.norm(step)
    astray = origins - origins[0] - np.arange(len(origins))[:, None] * step
    along = astray @ step / distance
    beside = np.linalg.norm(astray - along[:, None] * step / distance, axis=1)
    worst = int(np.argmax(beside))
    if beside[worst] > _BESIDE * distance:
        raise InputError(
            f"{name}: {names[worst]} lies {beside[worst]:.3g} mm beside the row of the others "
            "(ImagePositionPatient); give the slices of one series alone, or export it again"
        )
