"""Teeth as words, in the notation that the reader has chosen."""

from __future__ import annotations

from collections.abc import Iterable

from ToothSegLib.teeth import by_fdi
from ToothSegLib.tooth_words import ToothWords
from ToothSegScene.user_settings import recall, remember

NOTATIONS = ("FDI", "Universal", "Palmer")


class Reader:
    """Whoever sits before the panel, whichever scene is open."""

    @property
    def notation(self) -> str:
        """One of `NOTATIONS`: the one that they have chosen last, FDI at first."""
        chosen = recall("notation")
        return chosen if chosen in NOTATIONS else NOTATIONS[0]

    @notation.setter
    def notation(self, name: str) -> None:
        remember("notation", name)


def number(fdi: int, notation: str) -> str:
    """A tooth's number: "16", "3" or "UR6". ValueError for no such notation."""
    code = by_fdi(fdi)
    if notation == "FDI":
        return str(code.fdi)
    if notation == "Universal":
        return str(code.universal)
    if notation == "Palmer":
        return code.palmer
    raise ValueError(f"no notation {notation!r}: choose one of {', '.join(NOTATIONS)}")


def numbers(teeth: Iterable[int], notation: str) -> str:
    """Several teeth, separated by commas, in the order given."""
    return ", ".join(number(fdi, notation) for fdi in teeth)


def told(text: str, notation: str) -> str:
    """A text as it is to be read: one that keeps its teeth, with their numbers in a notation."""
    return text.by(lambda fdi: _if_tooth(fdi, notation)) if isinstance(text, ToothWords) else text


def _if_tooth(fdi: int, notation: str) -> str:
    try:
        return number(fdi, notation)
    except KeyError:  # what was entered, and is the number of no tooth
        return str(fdi)


def title(fdi: int, notation: str) -> str:
    """Number and name: "16 upper right first molar"."""
    return f"{number(fdi, notation)} {by_fdi(fdi).name}"
