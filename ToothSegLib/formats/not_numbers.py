"""Voxels that are no numbers: NaN or infinite."""

from __future__ import annotations

import numpy as np

from ToothSegLib.errors import InputError


class NotNumbers:
    """Counts them in the bytes of a file, piece by piece.

    Args:
        kind: type of the voxels, a float.
        skip: bytes before the first voxel.
    """

    def __init__(self, kind: np.dtype, skip: int) -> None:
        self.count = 0
        self._kind, self._skip, self._rest = kind, skip, b""

    def look_at(self, piece: bytes) -> None:
        """The next bytes, of any number."""
        skipped = min(self._skip, len(piece))
        self._skip -= skipped
        data = self._rest + piece[skipped:]
        values = np.frombuffer(data, self._kind, len(data) // self._kind.itemsize)
        self.count += values.size - int(np.isfinite(values).sum())
        self._rest = data[values.nbytes :]


def not_numbers(name: str, bad: int, voxels: int) -> InputError:
    """The refusal of a volume of which so many voxels are no numbers."""
    return InputError(
        f"{name} has {bad} of {voxels} voxels that are not numbers (NaN or infinite); replace them "
        "by the value of air (numpy.nan_to_num) and save it again"
    )
