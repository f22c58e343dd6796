"""Which tooth a segment's name may mean, in the notations that the module writes.

A number alone is ambiguous: 14 is an upper right premolar by FDI and an upper left molar by the
Universal system. So names in full decide, and numbers alone only where they can mean one thing.
"""

from __future__ import annotations

import re

from ToothSegLib.teeth import ALL_FDI_NUMBERS, by_fdi

_CODES = tuple(map(by_fdi, ALL_FDI_NUMBERS))
_BY_NAME = {code.name: code.fdi for code in _CODES}
_MARK = re.compile(r"(?<!\w)(\d+|[ul][rl][1-8])(?!\w)")
# Palmer's marks in parts, "UR 6" or "upper right 6": the number alone would be another tooth's.
_MARK_IN_PARTS = re.compile(r"\b([ul])(?:pper |ower )?([rl])(?:ight|eft)? ([1-8])\b")
# The name that the Segment Editor gives; its number counts segments.
_UNNAMED = re.compile(r"segment \d+")
# Words beside a tooth's name or number that say no more than it does.
_NO_MORE = ("fdi", "tooth", "wisdom")


def tooth_by_name(name: str, *, numbers_are_fdi: bool) -> int | None:
    """The FDI number of the one tooth that a name can mean, or None.

    Args:
        name: such as "16", "tooth_36", "#36", "UR6", "16 upper right first molar" or, by the
            Universal system, "3 upper right first molar".
        numbers_are_fdi: whether a number of 32 and less, alone, is an FDI number.
    """
    text = _plain(name)
    bare = [word for word in text.split() if word not in _NO_MORE]
    if len(bare) == 1 and bare[0].isdecimal():
        number = int(bare[0])
        certain = numbers_are_fdi or number > len(_CODES) or "fdi" in text.split()
        return number if certain and number in ALL_FDI_NUMBERS else None
    meant = teeth_by_name(name)
    # "Implant at the upper right first molar" speaks of a tooth and is none.
    certain = not _beside_the_name(text)
    return next(iter(meant)) or None if certain and len(meant) == 1 else None


def teeth_by_name(name: str) -> set[int]:
    """FDI numbers of all the teeth that a name may mean; none if it speaks of no tooth.

    A name whose number and words are different teeth means {0}, which is none of them. One that
    names several teeth in words means all of these.
    """
    text = _plain(name)
    words = _in_words(text)
    marks = [] if _UNNAMED.fullmatch(text) else _MARK.findall(text)
    meant = _meanings(marks[0]) if len(marks) == 1 else set()
    if not words:
        return meant
    # Number and words must go together, by whichever system the number is.
    return words if len(words) > 1 or not meant or words & meant else {0}


def _meanings(mark: str) -> set[int]:
    return {
        code.fdi
        for code in _CODES
        if mark in (str(code.fdi), str(code.universal), code.palmer.lower())
    }


def _in_words(text: str) -> set[int]:
    return {fdi for tooth, fdi in _BY_NAME.items() if tooth in text}


def _beside_the_name(text: str) -> list[str]:
    """Words of a name that are neither the tooth's nor its number."""
    for tooth in _BY_NAME:
        text = text.replace(tooth, " ")
    return [word for word in text.split() if word not in _NO_MORE and not _MARK.fullmatch(word)]


def _plain(name: str) -> str:
    """Words and numbers of a name, in whatever script, without what stands between them."""
    words = " ".join(re.findall(r"[^\W_]+", name.lower()))
    return _MARK_IN_PARTS.sub(r"\1\2\3", words)
