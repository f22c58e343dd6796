"""Where a NIfTI file says that its voxels lie: by qform, by sform, by both or not at all.

ITK takes one of the two without a word, and the patient's axes where there is none (nifti1.h). Of
the one it takes the axes only: the steps along them, and their signs, are pixdim's, whatever the
form says. Nor does it tell that it makes 0 of floats that are no numbers.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.errors import InputError
from ToothSegLib.volume import Volume, corner_indices, side_unknown

# Rounding of the two is far below.
_SAME_MM = 0.1
# Cosine of an angle; ITK reads none above it, but for a few just above it.
_NO_RIGHT_ANGLE = 1e-4
_FLOATS = {16: "f4", 64: "f8"}
_UNIT_MM = {1: 1e3, 3: 1e-3}
_NO_USABLE_FORM = (
    "The file gives a place of its voxels (pixdim, qform, sform) of which nothing can be made, and "
    "another was taken; check left and right, lengths and angles."
)
NO_FORM = side_unknown("it has neither a qform nor an sform")
_RAS_TO_LPS = np.array([[-1.0], [-1.0], [1.0]])


@dataclass(frozen=True)
class NiftiPlace:
    """(4, 4) matrices from (i, j, k, 1) to LPS mm; None for a form that has no code.

    ``floats`` is the type of the voxels in the file, None if they are integers.
    """

    pixdim: NDArray[np.float64]  # (3,) as the file has them
    qform: NDArray[np.float64] | None
    sform: NDArray[np.float64] | None
    floats: np.dtype | None


def read_nifti_place(path: Path) -> NiftiPlace:
    """What a header says of its voxels' place.

    Raises:
        InputError: it is no NIfTI-1 file.
        OSError: it cannot be read.
    """
    with gzip.open(path) if path.name.lower().endswith(".gz") else open(path, "rb") as file:
        header = file.read(348)
    order = "<" if int.from_bytes(header[:4], "little") == 348 else ">"
    if len(header) < 348 or (order == ">" and int.from_bytes(header[:4], "big") != 348):
        raise InputError(
            f"{path} is cut short, or not what its name says; copy or export it again as NIfTI-1"
        )
    pixdim = np.frombuffer(header, order + "f4", 4, offset=76).astype(float)
    codes = np.frombuffer(header, order + "i2", 2, offset=252)
    numbers = np.frombuffer(header, order + "f4", 18, offset=256).astype(float)
    kind = _FLOATS.get(int(np.frombuffer(header, order + "i2", 1, offset=70)[0]))
    to_mm = _UNIT_MM.get(header[123] & 7, 1.0)
    with np.errstate(invalid="ignore"):  # infinite ones
        qform = _from_quaternion(numbers[:6], pixdim) if codes[0] > 0 else None
    sform = np.vstack([numbers[6:].reshape(3, 4), [0, 0, 0, 1]]) if codes[1] > 0 else None
    for matrix in (qform, sform):
        if matrix is not None:
            # Not by a product of matrices: BLAS sets memory aside for the first one, and what the
            # header promises has not been looked at yet.
            matrix[:3] *= _RAS_TO_LPS * to_mm
    return NiftiPlace(pixdim[1:], qform, sform, np.dtype(order + kind) if kind else None)


def check_right_angles(path: Path, place: NiftiPlace) -> None:
    """Say why ITK has refused a file, if its only axes are not at right angles.

    Raises:
        InputError: they are not.
    """
    if place.qform is None and place.sform is not None and _is_tilted(place.sform):
        raise InputError(
            f"{path} has axes that are not at right angles (by its sform, as of a tilted gantry), "
            "which cannot be read in NIfTI; give the DICOM series, or a NRRD file of it"
        )


def in_its_place(place: NiftiPlace, volume: Volume) -> Volume:
    """A volume as ITK gives it, where its file says, with what is to be doubted of that.

    Where ITK's place is that of no form, the voxels go to that of the form, qform before sform.
    """
    forms = [form for form in (place.qform, place.sform) if form is not None]
    if not all(np.isfinite(form).all() for form in forms):
        return replace(volume, doubts=(_NO_USABLE_FORM,))
    corners = corner_indices(volume.shape)
    apart = [_apart(form, volume.index_to_lps, corners) for form in forms]
    if not forms or min(apart) <= _SAME_MM:
        return replace(volume, doubts=_doubts(place, volume))
    form = forms[0]
    if not _has_lengths(form) or _is_tilted(form):
        return replace(volume, doubts=(_NO_USABLE_FORM,))
    lengths = np.linalg.norm(form[:3, :3], axis=0)
    x, y, z = lengths
    a, b, c = form[:3, 3]
    moved = replace(volume, spacing=(x, y, z), origin=(a, b, c), direction=form[:3, :3] / lengths)
    return replace(moved, doubts=_doubts(place, moved))


def _doubts(place: NiftiPlace, volume: Volume) -> tuple[str, ...]:
    """What is to be doubted of the place of a volume; see `Volume.doubts`."""
    if place.qform is None and place.sform is None:
        return (NO_FORM,)
    if place.qform is None or place.sform is None:
        return ()
    corners = corner_indices(volume.shape)
    apart = _apart(place.qform, place.sform, corners)
    if apart <= _SAME_MM:
        return ()
    by_qform = _apart(place.qform, volume.index_to_lps, corners)
    taken = "qform" if by_qform <= _apart(place.sform, volume.index_to_lps, corners) else "sform"
    return (
        f"The file gives two places of its voxels, qform and sform, that are up to {apart:.3g} mm "
        f"apart, and the {taken} was taken; check left and right, lengths and angles.",
    )


def _from_quaternion(
    numbers: NDArray[np.float64], pixdim: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(4, 4) in RAS and the file's unit, of b, c, d and the offset."""
    b, c, d = numbers[:3] / max(1.0, float(np.linalg.norm(numbers[:3])))
    a = np.sqrt(max(0.0, 1 - b * b - c * c - d * d))
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
        [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
        [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ]
    matrix[:3, :3] *= np.abs(pixdim[1:]) * [1, 1, -1 if pixdim[0] < 0 else 1]
    matrix[:3, 3] = numbers[3:]
    return matrix


def _is_tilted(matrix: NDArray[np.float64]) -> bool:
    if not _has_lengths(matrix):
        return False  # ITK has its own words for these
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    i, j, k = (matrix[:3, :3] / lengths).T
    return bool(max(abs((a * b).sum()) for a, b in ((i, j), (j, k), (k, i))) > _NO_RIGHT_ANGLE)


def _has_lengths(matrix: NDArray[np.float64]) -> bool:
    """Whether it is of numbers, and every axis leads somewhere."""
    return bool(np.isfinite(matrix).all() and (np.linalg.norm(matrix[:3, :3], axis=0) > 0).all())


def _apart(
    one: NDArray[np.float64], other: NDArray[np.float64], corners: NDArray[np.float64]
) -> float:
    """The farthest that a corner voxel of the one lies from that of the other, in mm."""
    return float(np.linalg.norm(((one - other) @ corners)[:3], axis=0).max())
