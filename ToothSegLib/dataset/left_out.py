"""Labels of another data set that are no whole tooth: they become background, and may not unseen.

Jaws, canals and sinuses are background rightly. But where somebody says that labels were reviewed,
what is background is learned as no tooth: a tooth whose name is misspelt would be unlearned, one
whose pulp has a label of its own be learned as hollow, one with a crown without it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from ToothSegLib.command_line import command_line
from ToothSegLib.errors import InputError

_TEETH = (
    "tooth", "teeth", "incisor", "canine", "cuspid", "bicuspid", "premolar", "molar", "wisdom",
    "deciduous", "supernumerary", "dentition",
)  # fmt: skip
_PARTS = ("crown", "bridge", "pontic", "pulp", "root", "enamel", "dentin", "dentine", "cementum")
_WORDS = tuple(form for word in (*_TEETH, *_PARTS) for form in (word, f"{word}s"))
# "Molr" and "Insicor" are meant for teeth; "malar" and "mouth" are other words.
_ALIKE = 0.82
_SHORTEST = 4
# An implant is none, wherever it stands; nor are these, though some are called by a tooth, or as
# if by one: "Alveolar Ridge" is no misspelt bridge, "lateral" goes with walls too.
_NONE = (
    "implant", "implants", "abutment", "socket", "nerve", "fossa", "ridge", "ridges", "sinus",
    "sinuses", "wall", "walls", "border", "borders",
)  # fmt: skip
# Milk teeth too, and extra ones as some number them.
_NUMBER = re.compile(r"[1-4][1-8]|[5-8][1-5]|9[1-9]")
_PLACED = re.compile(r"(upper|lower|maxillary|mandibular) .*\b(first|second|third|central|lateral)")


def speaks_of_a_tooth(name: str) -> bool:
    """Whether the name of a label that is no whole tooth speaks of a tooth, or of a part of one.

    >>> [speaks_of_a_tooth(name) for name in ("Second Molr", "pulp of 36", "51", "Lower Jawbone")]
    [True, True, True, False]
    """
    words = re.findall(r"[^\W\d_]+", name.lower())
    if any(word in _NONE for word in words):
        return False
    long = [word for word in words if len(word) >= _SHORTEST]
    if any(get_close_matches(word, _WORDS, 1, _ALIKE) for word in long):
        return True
    # "51", "T36" and "3.6" stand for nothing else; "vertebra 11" does.
    bare = len("".join(words)) <= 1 and _NUMBER.fullmatch("".join(re.findall(r"\d", name)))
    return bool(bare) or _PLACED.search(" ".join(words)) is not None


def check_background(left_out: Collection[str], background: Collection[str]) -> None:
    """Refuse names that are said to be background and are none of a data set's.

    Args:
        left_out: names of its labels that are no tooth.
        background: those of which somebody says so.

    Raises:
        InputError: as said.
    """
    unknown = sorted(set(background) - set(left_out))
    if unknown:
        have = ", ".join(map(repr, left_out)) or "no label"
        raise InputError(
            f"--background {unknown[0]!r:.100}: no label that is left out has that name; those "
            f"are {have:.300}"
        )


def check_no_tooth_is_left_out(left_out: Mapping[str, int], file: str) -> None:
    """Refuse labels that count as reviewed although what is left out of them may be teeth.

    Args:
        left_out: values that the file holds and that become background, by name.
        file: what to call it.

    Raises:
        InputError: a name among them speaks of a tooth.
    """
    doubtful = {name: value for name, value in left_out.items() if speaks_of_a_tooth(name)}
    if not doubtful:
        return
    shown = ", ".join(f"{value} ({name!r:.60})" for name, value in doubtful.items())
    options = " ".join(command_line("--background", name) for name in doubtful)
    raise InputError(
        f"{file} holds {shown:.400}, which would be learned as no tooth: rename what is a whole "
        "tooth to its FDI number ('tooth_37') in the file of names, give what is a part of one "
        f"that tooth's value, or say that they are no teeth by {options:.400}; or take the labels "
        "without --approved"
    )
