"""One labelled scan, prepared and turned: what the article learns from and looks at."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.errors import InputError
from ToothSegLib.training.preparation import (
    PAD_MULTIPLE,
    TURN_DEGREES,
    TURNS,
    category_splitter,
    fdi_to_class,
    normalise,
    pad_to_multiple,
    turn,
    turn_angles,
)


@dataclass(frozen=True, eq=False)
class TurnedScan:
    """A scan at one angle: (z, y, x) grey values 0..1 and tooth categories 0-8.

    With a mask, the image is zero outside it.
    """

    degrees: float
    image: NDArray[np.float32]
    categories: NDArray[np.uint8]
    mask: NDArray[np.bool_] | None = None

    @property
    def teeth(self) -> NDArray[np.bool_]:
        """Where there is tooth."""
        return self.categories > 0

    def masked(self, mask: NDArray[np.bool_]) -> TurnedScan:
        """The same scan with nothing outside a mask."""
        return replace(self, image=np.where(mask, self.image, np.float32(0)), mask=mask)


def turned_scans(
    image: NDArray,
    labels: NDArray,
    *,
    turns: int = TURNS,
    degrees: float = TURN_DEGREES,
    multiple: int = PAD_MULTIPLE,
) -> list[TurnedScan]:
    """The scan as it is, and turned: ten volumes as the article prepares them.

    Args:
        image: (z, y, x) grey values on the working grid.
        labels: (z, y, x) FDI numbers, 0 elsewhere; third molars count as background.

    Raises:
        InputError: the shapes differ, or there are no teeth, or either holds impossible values.
    """
    if image.shape != labels.shape or image.ndim != 3:
        raise InputError(
            f"the image has {image.shape} voxels and its labels {labels.shape}: "
            "give the labels of this image"
        )
    categories = category_splitter(fdi_to_class(labels))
    if not categories.any():
        raise InputError("the labels hold none of the 28 teeth: there is nothing to learn")
    ready = normalise(pad_to_multiple(image, multiple))
    categories = pad_to_multiple(categories, multiple, 0)
    return [
        TurnedScan(angle, turn(ready, angle), turn(categories, angle, labels=True))
        for angle in turn_angles(turns, degrees)
    ]
