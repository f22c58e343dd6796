"""What is known of a case: where it comes from, who did what to which tooth, and what is checked.

Review states are those of the Slicer module: "predicted" (nobody has looked), "approved",
"corrected"; "missing" for a tooth that a reader has declared missing; and "lost" for one that went
while something else was drawn, of which nobody has said that it is missing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ToothSegLib.errors import InputError
from ToothSegLib.teeth import LOWER_ARCH, UPPER_ARCH
from ToothSegLib.volume import Volume

PREDICTED, APPROVED, CORRECTED = "predicted", "approved", "corrected"
MISSING, LOST = "missing", "lost"
REVIEW_STATES = (PREDICTED, APPROVED, CORRECTED, MISSING, LOST)
NOT_THERE = (MISSING, LOST)

REVIEW_ORDER = (*UPPER_ARCH, *LOWER_ARCH)
"""The 32 teeth as a reader goes along the arches, from the patient's right to the left."""

_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?")
# Windows keeps these for devices, whatever follows the first dot.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """The scan as it came in: what tells it from all others, and where it lies.

    Args:
        voxels_sha256: of shape, type and voxels; see `voxels.voxels_sha256`.
        dtype: NumPy's name, such as "int16".
        shape: voxels along (k, j, i).
        spacing_mm, origin_lps, direction: as `Volume` has them, to the last bit.
    """

    voxels_sha256: str
    dtype: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_lps: tuple[float, float, float]
    direction: tuple[tuple[float, float, float], ...]

    def placed(self, array: np.ndarray) -> Volume:
        """An array of the scan's shape in the scan's place."""
        return Volume(array, self.spacing_mm, self.origin_lps, np.array(self.direction))


@dataclass(frozen=True)
class Region:
    """A part of a scan: its first voxel, and how many there are, along i, j and k."""

    first: tuple[int, int, int]
    size: tuple[int, int, int]

    @classmethod
    def of(cls, value: Any) -> Region:
        """From values read of JSON. Raises InputError if they are none."""
        if not isinstance(value, Mapping):
            raise InputError("its 'region' is not a set of named values")
        return cls(_counts(value.get("first"), 0), _counts(value.get("size"), 1))

    def as_lists(self) -> dict[str, list[int]]:
        """As JSON has it, and the provenance of a result."""
        return {"first": list(self.first), "size": list(self.size)}


def _counts(value: Any, least: int) -> tuple[int, int, int]:
    usable = isinstance(value, list | tuple) and len(value) == 3
    if not usable or any(type(part) is not int or not least <= part < 10**6 for part in value):
        raise InputError(f"its 'region' holds {value!r:.40}, not three numbers of voxels")
    first, second, third = value
    return first, second, third


@dataclass(frozen=True)
class Prediction:
    """What made the first labels.

    Args:
        bundle: its name.
        weights: the checksum of each of its networks.
        region: the part of the scan that it saw, where that was not the whole.
    """

    bundle: str
    weights: Mapping[str, str]
    region: Region | None = None

    @classmethod
    def from_provenance(cls, provenance: Mapping[str, Any]) -> Prediction | None:
        """Of `Segmentation.provenance`; None where that names no bundle.

        Raises:
            InputError: the provenance is damaged.
        """
        if provenance.get("bundle") is None:
            return None
        name, weights = provenance["bundle"], provenance.get("weights", {})
        if not (
            isinstance(name, str)
            and isinstance(weights, Mapping)
            and all(isinstance(word, str) for pair in weights.items() for word in pair)
        ):
            raise InputError(f"the provenance names no bundle that can be recorded: {name!r}")
        region = provenance.get("region")
        return cls(name, dict(weights), None if region is None else Region.of(region))

    @property
    def provenance(self) -> dict[str, Any]:
        """What `from_provenance` reads; without a region where the whole scan was seen."""
        region = {} if self.region is None else {"region": self.region.as_lists()}
        return {"bundle": self.bundle, "weights": dict(self.weights), **region}


@dataclass(frozen=True)
class Change:
    """What was done to one tooth, such as 36, "smoothed"."""

    fdi: int
    what: str


@dataclass(frozen=True)
class Revision:
    """One state of the labels: who saved it, when (UTC, ISO 8601), and what had been changed.

    Number 0 is a case without labels yet; its ``labels_sha256`` is None.
    """

    number: int
    who: str
    when: str
    labels_sha256: str | None
    changes: tuple[Change, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class CaseRecord:
    """All of `case.json`.

    Args:
        id: the name of the case's folder.
        source: the scan.
        image_sha256: of the file image.nrrd.
        prediction: the bundle that predicted, if one did.
        patient: a pseudonym that cases of one patient share, so that they stay on one side of a
            split; None for a patient with this case alone.
        teeth: FDI numbers in the labels, ascending.
        review: state by FDI number, of every tooth of the labels and of those missing or lost.
        history: every revision, oldest first.
        doubts: why the scan's place may be another one, as `Volume.doubts` has it.
    """

    id: str
    source: Source
    image_sha256: str
    history: tuple[Revision, ...]
    prediction: Prediction | None = None
    patient: str | None = None
    teeth: tuple[int, ...] = ()
    review: Mapping[int, str] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()

    @property
    def revision(self) -> int:
        """The number of the newest revision; 0 where there are no labels yet."""
        return self.history[-1].number

    @property
    def waiting(self) -> list[int]:
        """The teeth that somebody has still to judge, those lost too, along the arches."""
        waiting = {fdi for fdi in self.teeth if self.review.get(fdi, PREDICTED) == PREDICTED}
        waiting |= {fdi for fdi, state in self.review.items() if state == LOST}
        return [fdi for fdi in REVIEW_ORDER if fdi in waiting]

    @property
    def next_tooth(self) -> int | None:
        """The first tooth that nobody has reviewed, along the arches; None if there is none."""
        return next(iter(self.waiting), None)

    @property
    def reviewed(self) -> bool:
        """Whether there are labels, every tooth of them has been reviewed, and none got lost.

        Labels without teeth may be a program's that found none: somebody has looked where teeth
        are declared missing.
        """
        return self.revision > 0 and bool(self.review) and self.next_tooth is None


def check_id(case_id: str) -> str:
    """A case's name that is a folder's name on every system.

    Raises:
        InputError: it is not.
    """
    if not _ID.fullmatch(case_id) or _RESERVED.fullmatch(case_id):
        raise InputError(
            f"{case_id!r} is no name for a case: use up to 100 letters, digits, '-', '_' and '.'"
        )
    return case_id


def check_who(who: str) -> None:
    """Raise InputError if nobody is named, or in characters that cannot be written."""
    if not who.strip():
        raise InputError("nobody is named who saves this: give a name, best initials")
    check_characters("the name", who)


def check_characters(what: str, text: str) -> None:
    """Refuse a text that no file in UTF-8 can hold, as of bytes in another encoding.

    Args:
        what: what it is, in words.

    Raises:
        InputError: as said.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{what} {text!r:.120} holds {text[error.start]!r}, which UTF-8 does not have: type "
            "it without accents, or in a terminal that writes UTF-8"
        ) from None


def composed(text: str) -> str:
    """A text as Unicode's NFC has it: some systems write an e with two dots as two characters."""
    return unicodedata.normalize("NFC", text)


def patient_key(pseudonym: str | None) -> str:
    """What pseudonyms have in common that are one and the same but for capitals and spaces."""
    return name_key(pseudonym or "")


def name_key(name: str) -> str:
    """What spellings of one name have in common."""
    return " ".join(composed(name).split()).casefold()


def full_review(review: Mapping[int, str], teeth: Iterable[int]) -> dict[int, str]:
    """The review states of a label map, ascending; teeth that are not mentioned are "predicted".

    Raises:
        InputError: a state is none, or does not go with the teeth that are there.
    """
    teeth = set(teeth)
    problem = next(review_problems(review, teeth), None)
    if problem:
        raise InputError(f"the review cannot be recorded: {problem}")
    return dict(sorted({**dict.fromkeys(teeth, PREDICTED), **review}.items()))


def approved_review(teeth: Iterable[int]) -> dict[int, str]:
    """The review of labels that somebody approves as they are; of a jaw without teeth as well."""
    return dict.fromkeys(teeth, APPROVED) or dict.fromkeys(REVIEW_ORDER, MISSING)


def review_problems(review: Mapping[int, str], teeth: set[int]) -> Iterator[str]:
    """In words, what of a review does not go with the teeth that are there."""
    for fdi, state in sorted(review.items()):
        if fdi not in REVIEW_ORDER:
            yield f"there is no tooth {fdi}; FDI numbers are 11-18, 21-28, 31-38 and 41-48"
        elif state not in REVIEW_STATES:
            yield f"tooth {fdi} is {state!r}, which is none of {', '.join(REVIEW_STATES)}"
        elif state in NOT_THERE and fdi in teeth:
            yield f"tooth {fdi} is declared {state}, but the labels hold it"
        elif state not in NOT_THERE and fdi not in teeth:
            yield f"tooth {fdi} is {state}, but the labels do not hold it"
