"""Asks before something is written that may tell who the patient is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import slicer.util

from ToothSegLib.dataset.privacy import suspicious_text
from ToothSegLib.errors import InputError


class Declined(InputError):
    """The user would rather write nothing."""


def ask(text: str) -> bool:
    """Ask the user by a dialog; whether they go on."""
    return bool(slicer.util.confirmOkCancelDisplay(text, windowTitle="May this be written?"))


class PrivacyQuestion:
    """Asks about each text once; what the user has accepted stays so as long as Slicer runs.

    Args:
        ask: shows a text and tells whether the user goes on.
    """

    def __init__(self, ask: Callable[[str], bool] = ask) -> None:
        self._ask = ask
        self._accepted: set[str] = set()

    def check(self, written: Mapping[str, str], in_scene: Mapping[str, str]) -> None:
        """Let the user decide whether a case is written, where there is anything to decide.

        Args:
            written: texts that go into the data set, by what they are.
            in_scene: names that do not, but are often the same as what people write in notes.

        Raises:
            Declined: they would rather not.
        """
        found = _found(written, "It would be written.")
        found |= _found(in_scene, "It stays in the scene and is not written.", set(found))
        new = [line for line in found.values() if line not in self._accepted]
        if not new:
            return
        lines = "\n".join(f"\N{BULLET} {line}" for line in new)
        if not self._ask(
            f"This may tell who the patient is:\n\n{lines}\n\nTags of the DICOM files and names of "
            "files are never written. OK goes on; Cancel writes nothing, so that you can change it."
        ):
            raise Declined("nothing was written: change what may tell who the patient is")
        self._accepted.update(new)


def looks_suspicious(texts: Mapping[str, str]) -> bool:
    """Whether any of the texts may tell who the patient is."""
    return any(suspicious_text(text) for text in texts.values())


def _found(texts: Mapping[str, str], fate: str, known: set[str] | None = None) -> dict[str, str]:
    """Text -> a line about it, of those that look like a patient's; no two for the same reason."""
    told: set[str] = {reason for text in known or () for reason in suspicious_text(text)}
    lines = {}
    for what, text in texts.items():
        reasons = [reason for reason in suspicious_text(text) if reason not in told]
        if reasons:
            told.update(reasons)
            lines[text] = (
                f"{what} \N{LEFT DOUBLE QUOTATION MARK}{text:.80}"
                f"\N{RIGHT DOUBLE QUOTATION MARK} holds {', '.join(reasons)}. {fate}"
            )
    return lines
