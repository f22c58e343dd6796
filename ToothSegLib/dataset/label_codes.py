"""FDI numbers to the consecutive label values that nnU-Net and MONAI learn from, and back.

Values 1-28 are the class indices of `teeth`, 29-32 the third molars. All 32 are named in every
export, so that data sets exported at different times go together. On the way in a label is a tooth
if its name holds an FDI number on its own ("tooth_36", "36 lower left first molar") or a tooth's
name ("Lower Left First Molar", as ToothFairy has it).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.dataset.record import REVIEW_ORDER
from ToothSegLib.dataset.voxels import values_in
from ToothSegLib.errors import InputError
from ToothSegLib.teeth import TEETH, THIRD_MOLARS

CODED_TEETH = (*TEETH, *THIRD_MOLARS)
"""Label value n is the tooth at n - 1."""

BACKGROUND = "background"
NAMES = {BACKGROUND: 0} | {
    f"{tooth.fdi} {tooth.name}": value for value, tooth in enumerate(CODED_TEETH, start=1)
}
"""Label values by name, in the order of the values."""

_MOST_VALUES = 2**16
_NUMBER = re.compile(r"(?<!\d)(\d+)(?!\d)")
_BY_NAME = {tooth.name: tooth.fdi for tooth in CODED_TEETH}


def to_values(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """FDI numbers, nothing else, to label values of the same shape."""
    table = np.zeros(256, np.uint8)
    for value, tooth in enumerate(CODED_TEETH, start=1):
        table[tooth.fdi] = value
    return table[labels]


def fdi_by_value(names: Mapping[str, int]) -> tuple[dict[int, int], list[str]]:
    """What the label values of somebody's data set mean.

    Args:
        names: label values by name.

    Returns:
        FDI number by label value, 0 for background and for what is no tooth; and the names of
        labels that are no tooth.

    Raises:
        InputError: none is a tooth, or two are the same.
    """
    teeth, others = {0: 0}, []
    for name, value in names.items():
        fdi = _tooth_of(name)
        if fdi is None and name.lower() != BACKGROUND:
            others.append(name)
        teeth[value] = fdi or 0
    found = [fdi for fdi in teeth.values() if fdi]
    if not found:
        raise InputError(
            f"none of the labels is a tooth ({', '.join(names):.200}): their names must hold FDI "
            "numbers, such as 'tooth_36'"
        )
    if len(set(found)) < len(found):
        twice = next(fdi for fdi in found if found.count(fdi) > 1)
        raise InputError(f"two of the labels are tooth {twice}: {', '.join(names):.200}")
    return teeth, others


def to_fdi(values: NDArray, teeth: Mapping[int, int], name: str) -> NDArray[np.uint8]:
    """Label values to FDI numbers of the same shape.

    Args:
        teeth: FDI number by label value, as from `fdi_by_value`.
        name: what to call the file in an error.

    Raises:
        InputError: a value is not among them.
    """
    there = values_in(values)
    strange = [value for value in there if value not in teeth or not 0 <= value < _MOST_VALUES]
    if strange:
        raise InputError(f"{name} holds the label {strange[0]:g}, which the data set gives no name")
    table = np.zeros(int(there[-1]) + 1, np.uint8)
    for value in there:
        table[int(value)] = teeth[value]
    # Some write labels as floats.
    return table[values if values.dtype.kind in "iu" else values.astype(np.uint16)]


def _tooth_of(name: str) -> int | None:
    numbers = [int(number) for number in _NUMBER.findall(name)]
    if len(numbers) == 1 and numbers[0] in REVIEW_ORDER:
        return numbers[0]
    words = " ".join(re.findall("[a-z]+", name.lower()))
    return next((fdi for tooth, fdi in _BY_NAME.items() if tooth in words), None)
