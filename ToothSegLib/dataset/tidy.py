"""What a program that ended in the middle has left in a data set, and where the work stopped."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ToothSegLib.command_line import command_line
from ToothSegLib.dataset import stage
from ToothSegLib.dataset.lock import Lock, held, read_lock
from ToothSegLib.dataset.marker import case_names
from ToothSegLib.dataset.record import CaseRecord
from ToothSegLib.dataset.refusals import Locked
from ToothSegLib.dataset.revisions import copy_newest_up, is_up_to_date, own_record
from ToothSegLib.errors import InputError, ToothSegError

_TIDYING = "tidying up"


def tidy(folder: Path) -> list[str]:
    """Clear away stages that were left over, and bring the copies beside revisions up to date.

    Locks stay: they are broken on request only. What somebody is writing at this moment stays too.

    Returns:
        A line for each case where a save was broken off: its newest revision, and the tooth to go
        on with; and for each that cannot be read, for it is left out of everything.

    Raises:
        InputError: the folder cannot be read.
    """
    stage.clear(folder)
    lines = []
    for name in case_names(folder):
        case = folder / name
        gone, behind = stage.clear(case), not is_up_to_date(case)
        lock = read_lock(case)
        if behind:
            # What cannot be tidied, for want of rights or with a damaged record, can still be
            # read, or is told by `checks`.
            with suppress(ToothSegError):
                _catch_up(case, lock)
        try:
            record = own_record(case)
        except InputError as error:
            check = command_line("toothseg", "dataset", "check", str(folder))
            lines.append(f"{name} is left out: {error}; {check} tells more")
            continue
        if gone or behind or (lock is not None and lock.process == "ended"):
            lines.append(_where(record, lock))
    return lines


def _catch_up(folder: Path, lock: Lock | None) -> None:
    if lock is not None and lock.process == "ended":
        # Nobody can write before that lock is broken, so it does for ours.
        copy_newest_up(folder, lock)
        return
    with suppress(Locked), held(folder, _TIDYING) as own:
        copy_newest_up(folder, own)


def _where(record: CaseRecord, lock: Lock | None) -> str:
    line = f"{record.id}: a save was broken off; its newest revision is {record.revision}"
    if record.next_tooth is not None:
        line += f", go on with tooth {record.next_tooth}"
    if lock is not None:
        line += f"; locked by {lock} (toothseg dataset unlock)"
    return line
