"""Which patients a network learns from, and which it is judged by."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ToothSegLib.dataset.reviewed import ReviewedCase
from ToothSegLib.errors import InputError


@dataclass(frozen=True)
class Split:
    """Cases to learn from and cases held out; no patient is on both sides."""

    learned: tuple[ReviewedCase, ...]
    held_out: tuple[ReviewedCase, ...]


def split_by_patient(
    cases: Sequence[ReviewedCase],
    seed: int,
    share: float,
    known: Collection[str] = (),
    judged_by: Collection[str] = (),
) -> Split:
    """Hold out patients whose number, drawn from seed and pseudonym alone, is below a share.

    So a case that is added later moves no other one to the other side, but where nobody's number is
    below the share, or everybody's: the lowest is held out then, or the highest is not, and a new
    patient may take that place. From one round of learning to the next that goes on from it, nobody
    changes sides: see ``known`` and ``judged_by``.

    Args:
        cases: all that are reviewed.
        seed: of the draw.
        share: of the patients to hold out, between 0 and 1. At least one is, and at least one
            is not.
        known: checksums, of either kind, of scans that the network has learned from before: their
            patients are never held out.
        judged_by: those of scans that were held out before: their patients are held out again, but
            for one where nobody else is there to learn from.

    Raises:
        InputError: there are fewer than two patients, or all were learned from before.
    """
    patients = sorted({case.patient for case in cases})
    if len(patients) < 2:
        raise InputError(
            f"the reviewed cases are of {len(patients)} patient: learning needs at least one more, "
            "by whom to tell whether it got better"
        )
    seen = {case.patient for case in cases if case.is_among(known)}
    before = {case.patient for case in cases if case.is_among(judged_by)}
    fresh = sorted(
        (p for p in patients if p not in seen), key=lambda p: (p not in before, _number(seed, p))
    )
    if not fresh:
        raise InputError(
            f"the bundle has learned from all {len(patients)} patients before: add reviewed cases "
            "of another one"
        )
    held = [p for p in fresh if p in before or _number(seed, p) < share] or fresh[:1]
    if len(held) == len(patients):
        held = held[:-1]
    return Split(
        tuple(case for case in cases if case.patient not in held),
        tuple(case for case in cases if case.patient in held),
    )


def _number(seed: int, patient: str) -> float:
    """Between 0 and 1, the same on every machine."""
    digest = hashlib.sha256(f"{seed} {patient}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
