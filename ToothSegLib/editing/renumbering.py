"""Corrections of numbers: which tooth gets which number, as a mapping from old to new.

Every function takes the numbers that are in use and gives the teeth that change, and only those.
None of them lets two teeth end up with one number; joining teeth is `corrections.merge`. A run
numbers no third molars, but a tooth that it took for a second one may be a third.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ToothSegLib.errors import InputError
from ToothSegLib.teeth import ALL_FDI_NUMBERS, FDI_NUMBERS, QUADRANT_NAMES
from ToothSegLib.tooth_words import Teeth, ToothWords

_LAST_POSITION = 8


def renumber(present: Collection[int], fdi: int, new: int) -> dict[int, int]:
    """One tooth gets another number.

    Args:
        present: FDI numbers in use.
        fdi: the tooth.
        new: its new number, not in use.

    Raises:
        InputError: there is no such tooth, ``new`` is the number of no tooth, or it is taken.
    """
    check_present(present, fdi)
    check_number(new)
    if new == fdi:
        raise _refused("the tooth is number {} already: choose another number", fdi)
    if new in present:
        raise _refused("number {} is taken: swap {} and {}, or merge them", new, fdi, new)
    return {fdi: new}


def swap(present: Collection[int], a: int, b: int) -> dict[int, int]:
    """Two teeth exchange their numbers.

    Raises:
        InputError: either tooth is not there, or they are one and the same.
    """
    if a == b:
        raise _refused("{} cannot be swapped with itself: choose two teeth", a)
    for fdi, other in ((a, b), (b, a)):
        if fdi not in present:
            check_number(fdi)
            raise _refused("there is no tooth {} to swap with: renumber {} to {}", fdi, other, fdi)
    return {a: b, b: a}


def shift_quadrant(present: Collection[int], quadrant: int, step: int) -> dict[int, int]:
    """All teeth of a quadrant move by one place.

    Args:
        present: FDI numbers in use.
        quadrant: 1-4.
        step: +1 distally (14 becomes 15), -1 mesially (15 becomes 14).

    Raises:
        InputError: no such quadrant or step, no teeth in it, or one has no place to move to.
    """
    if quadrant not in (1, 2, 3, 4):
        raise InputError(f"quadrant {quadrant} does not exist: choose 1, 2, 3 or 4")
    if step not in (-1, 1):
        raise InputError(f"a quadrant moves by one place, not by {step}: choose +1 or -1")
    teeth = sorted(fdi for fdi in present if fdi // 10 == quadrant)
    if not teeth:
        raise InputError(
            f"there are no teeth in quadrant {quadrant} ({QUADRANT_NAMES[quadrant - 1]})"
        )
    return _shifted(present, teeth, step)


def renumber_from(present: Collection[int], fdi: int, new: int) -> dict[int, int]:
    """A tooth and all those distal to it in its quadrant move by the same number of places.

    Gaps between them stay: with 13, 15 and 16 there, 13 to 14 gives 14, 16 and 17.

    Raises:
        InputError: there is no such tooth, ``new`` is in another quadrant, or one of the teeth
            would leave the row or come upon a tooth that does not move.
    """
    check_present(present, fdi)
    check_number(new)
    if new == fdi:
        raise _refused("the tooth is number {} already: choose another number", fdi)
    if new // 10 != fdi // 10:
        raise _refused(
            "{} is not in the quadrant of {}: a row moves within its quadrant; renumber or "
            "swap single teeth across the midline",
            new,
            fdi,
        )
    teeth = sorted(other for other in present if fdi <= other and other // 10 == fdi // 10)
    return _shifted(present, teeth, new - fdi)


def to_merge(present: Collection[int], keep: int, others: Iterable[int]) -> list[int]:
    """The numbers that are given up when teeth become one, each once.

    Raises:
        InputError: one of the teeth is not there, or there is nothing but ``keep`` to merge.
    """
    given_up = sorted(set(others) - {keep})
    if not given_up:
        raise _refused("{} alone cannot be merged: choose two teeth or more", keep)
    check_present(present, keep, *given_up)
    return given_up


def check_present(present: Collection[int], *teeth: int) -> None:
    """Refuse, with an `InputError`, teeth that are not among those present."""
    for fdi in teeth:
        if fdi not in present:
            check_number(fdi)
            raise _refused("there is no tooth {} in this segmentation: choose one that is", fdi)


def check_free(present: Collection[int], fdi: int) -> None:
    """Refuse, with an `InputError`, a number that is taken or that no tooth has."""
    check_number(fdi)
    if fdi in present:
        raise _refused("number {} is taken: choose one that is free", fdi)


def check_number(fdi: int) -> None:
    """Refuse, with an `InputError`, what is no FDI number of an adult tooth."""
    _check_among(ALL_FDI_NUMBERS, fdi)


def check_expected(fdi: int) -> None:
    """Refuse, with an `InputError`, what is none of the 28 teeth that everybody is to have."""
    _check_among(FDI_NUMBERS, fdi)


def check_mapping(present: Iterable[int], mapping: Mapping[int, int]) -> None:
    """Refuse, with an `InputError`, a mapping by which two teeth would get one number."""
    taken: dict[int, int] = {}
    for fdi in sorted(present):
        new = mapping.get(fdi, fdi)
        if new in taken:
            raise _refused(
                "{} and {} would both become {}: swap them, or merge them", taken[new], fdi, new
            )
        taken[new] = fdi


def _check_among(numbers: Collection[int], fdi: int) -> None:
    if fdi in numbers:
        return
    last = max(number % 10 for number in numbers)
    ends = [10 * quadrant + place for quadrant in (1, 2, 3, 4) for place in (1, last)]
    which = f"{{}} is none of the {len(numbers)} teeth"
    raise _refused(f"{which}: choose {{}}-{{}}, {{}}-{{}}, {{}}-{{}} or {{}}-{{}}", fdi, *ends)


def _refused(template: str, *teeth: Teeth) -> InputError:
    return InputError(ToothWords(template, *teeth))


def _shifted(present: Collection[int], teeth: list[int], step: int) -> dict[int, int]:
    off = [fdi for fdi in teeth if not 1 <= fdi % 10 + step <= _LAST_POSITION]
    if off:
        raise _refused(
            f"{{}} would leave the row, which has the places 1 to {_LAST_POSITION}: renumber or "
            "delete first what is there",
            off,
        )
    blocked = [fdi + step for fdi in teeth if fdi + step in present and fdi + step not in teeth]
    if blocked:
        raise _refused(
            "number {} is taken by a tooth that does not move: swap, merge or delete first", blocked
        )
    return {fdi: fdi + step for fdi in teeth}
