"""FDI numbers to the consecutive label values that nnU-Net and MONAI learn from, and back.

Values 1-28 are the class indices of `teeth`, 29-32 the third molars. All 32 are named in every
export, so that data sets exported at different times go together. On the way in a label is a tooth
if its name is an FDI number and no more ("tooth_36"), or a tooth's name with or without a number
that goes with it ("Lower Left First Molar", as ToothFairy has it); see `tooth_names`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.dataset.voxels import values_in
from ToothSegLib.errors import InputError
from ToothSegLib.teeth import ALL_FDI_NUMBERS, TEETH, THIRD_MOLARS
from ToothSegLib.tooth_names import teeth_by_name, tooth_by_name

CODED_TEETH = (*TEETH, *THIRD_MOLARS)
"""Label value n is the tooth at n - 1."""

BACKGROUND = "background"
NAMES = {BACKGROUND: 0} | {
    f"{tooth.fdi} {tooth.name}": value for value, tooth in enumerate(CODED_TEETH, start=1)
}
"""Label values by name, in the order of the values."""

UNLABELLED = -1
"""In the place of an FDI number: what nobody has labelled, nnU-Net's reserved label `ignore`."""

_IGNORE = "ignore"
_MOST_VALUES = 2**16
_NUMBER = re.compile(r"\d+")
_ONLY_UNIVERSAL = frozenset(range(1, len(CODED_TEETH) + 1)).difference(ALL_FDI_NUMBERS)


def to_values(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """FDI numbers, nothing else, to label values of the same shape."""
    table = np.zeros(256, np.uint8)
    for value, tooth in enumerate(CODED_TEETH, start=1):
        table[tooth.fdi] = value
    return table[labels]


def fdi_by_value(names: Mapping[str, int]) -> tuple[dict[int, int], dict[str, int]]:
    """What the label values of somebody's data set mean.

    Args:
        names: label values by name.

    Returns:
        FDI number by label value, 0 for background and for what is no tooth, `UNLABELLED` for what
        may be one or not; and, by name, the values of labels that are no tooth.

    Raises:
        InputError: none is a tooth, two are the same, two names of one value mean different things,
            one is another tooth by its number than by its words, or the numbers are those of the
            Universal system.
    """
    _check_no_universal_numbers(names)
    teeth, others = {0: 0}, {}
    named = {0: BACKGROUND}
    for name, value in names.items():
        fdi = _tooth_of(name)
        if fdi is None and name.lower() != BACKGROUND:
            others[name] = value
        meaning = fdi or (UNLABELLED if name.lower() == _IGNORE else 0)
        if teeth.setdefault(value, meaning) != meaning:
            raise InputError(
                f"the labels {named[value]!r:.60} and {name!r:.60} have the same value, {value}: "
                "give one of them a value of its own, also in the files"
            )
        named.setdefault(value, name)
    found = [fdi for fdi in teeth.values() if fdi > 0]
    if not found:
        raise InputError(
            f"none of the labels is a tooth ({', '.join(names):.200}): their names must be FDI "
            "numbers, such as 'tooth_36', or a tooth's name, such as 'lower left first molar'"
        )
    if len(set(found)) < len(found):
        twice = next(fdi for fdi in found if found.count(fdi) > 1)
        raise InputError(f"two of the labels are tooth {twice}: {', '.join(names):.200}")
    return teeth, others


def to_fdi(
    values: NDArray, teeth: Mapping[int, int], name: str, *, reviewed: bool = False
) -> NDArray[np.uint8]:
    """Label values to FDI numbers of the same shape.

    Args:
        teeth: FDI number by label value, as from `fdi_by_value`.
        name: what to call the file in an error.
        reviewed: somebody says that the labels are right, so there must be some everywhere: what is
            unlabelled would be learned as no tooth. Otherwise it becomes background.

    Raises:
        InputError: a value is not among them, or is unlabelled in what is reviewed.
    """
    there = values_in(values)
    strange = [value for value in there if value not in teeth or not 0 <= value < _MOST_VALUES]
    if strange:
        raise InputError(
            f"{name} holds the label {strange[0]:g}, which the data set gives no name: name it "
            "there, or set it to 0"
        )
    unlabelled = [value for value in there if teeth[value] == UNLABELLED]
    if reviewed and unlabelled:
        raise InputError(
            f"{name} holds the label {unlabelled[0]:g}, which is '{_IGNORE}': voxels that nobody "
            "labelled; take it without --approved, and review it to the end"
        )
    table = np.zeros(int(there[-1]) + 1, np.uint8)
    for value in there:
        table[int(value)] = max(teeth[value], 0)
    # Some write labels as floats.
    return table[values if values.dtype.kind in "iu" else values.astype(np.uint16)]


def _tooth_of(name: str) -> int | None:
    if teeth_by_name(name) == {0}:
        raise InputError(
            f"the label {name!r:.100} is another tooth by its number than by its words: correct it"
        )
    for text in (name, _parted(name)):
        fdi = tooth_by_name(text, numbers_are_fdi=True)
        if fdi is not None:
            return fdi
    return None


def _parted(name: str) -> str:
    """A name in words and numbers alone: "fdi 36" of "FDI36" or "fdi-36"."""
    return " ".join(re.findall(r"[^\W\d_]+|\d+", name.lower()))


def _check_no_universal_numbers(names: Mapping[str, int]) -> None:
    """Raise InputError where names that differ in their numbers alone count as Universal does.

    Its 11-18, 21-28, 31 and 32 are FDI numbers of other teeth; the rest of 1-32 are none.
    """
    by_pattern = defaultdict(list)
    for name in names:
        numbers = _NUMBER.findall(name)
        if len(numbers) == 1:
            by_pattern[_NUMBER.sub("", _parted(name))].append((int(numbers[0]), name))
    for alike in by_pattern.values():
        # Where a name says the tooth in words, its number does not matter.
        teeth = [name for _, name in alike if _tooth_of(name)]
        telling = [name for number, name in alike if number in _ONLY_UNIVERSAL]
        if teeth and telling and not _tooth_of(telling[0]):
            raise InputError(
                f"the labels {telling[0]!r:.60} and {teeth[0]!r:.60} look like Universal tooth "
                "numbers: rename them to FDI numbers"
            )
