"""What the ways out of a data set have in common, whatever the other side's layout.

An export is a folder that is there whole or not at all.
"""

from __future__ import annotations

import logging
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.label_codes import to_values
from ToothSegLib.dataset.privacy import suspicious_text
from ToothSegLib.dataset.reviewed import newest_reviewed
from ToothSegLib.disk.output_folder import is_empty, is_litter
from ToothSegLib.errors import InputError, OutputError, ToothSegError
from ToothSegLib.grids.axis_order import forward
from ToothSegLib.machine.owner import has_ended, owner
from ToothSegLib.volume_io import write_volume

log = logging.getLogger(__name__)

ENDING = ".nrrd"


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder to write an export to, which takes the place of ``out`` once it is whole.

    Raises:
        OutputError: ``out`` holds something, or cannot be made.
    """
    out = Path(os.path.abspath(out))
    stage = None
    try:
        if out.exists() and (not out.is_dir() or not is_empty(out)):
            raise OutputError(f"{out} is there already: name a new folder for the export")
        out.parent.mkdir(parents=True, exist_ok=True)
        prefix = f".{out.name}-"
        for left in out.parent.glob(f"{prefix}*.part"):
            if has_ended(left.name.removeprefix(prefix)):
                shutil.rmtree(left, ignore_errors=True)
        stage = out.parent / f"{prefix}{owner()}-{uuid.uuid4().hex}.part"
        stage.mkdir()
        yield stage
        if out.exists():  # empty; Windows renames over no folder
            for left in filter(is_litter, out.iterdir()):
                left.unlink()
            out.rmdir()
        os.rename(stage, out)
    except ToothSegError as error:
        raise type(error)(str(error).replace(str(stage), str(out))) from error
    except OSError as error:
        raise OutputError(f"cannot write to {out}: {error.strerror or error}") from error
    finally:
        if stage is not None:
            shutil.rmtree(stage, ignore_errors=True)


@dataclass(frozen=True)
class Outgoing:
    """A case of an export, and the revision that goes; 0 for a scan without labels."""

    case: DatasetCase
    revision: int

    @property
    def id(self) -> str:
        """The name of the case."""
        return self.case.id


def chosen_cases(dataset: Dataset, *, reviewed_only: bool) -> list[Outgoing]:
    """The cases of an export, with their newest revisions.

    There is a warning for each name that was accepted for the data set and leaves it now.

    Args:
        reviewed_only: what learning takes, and no more: the newest reviewed revisions.

    Raises:
        InputError: there are none, or one is damaged.
    """
    found = dataset.cases()
    if reviewed_only:
        cases = [Outgoing(taken.case, taken.revision) for taken in newest_reviewed(found)]
    else:
        cases = [Outgoing(case, case.revision) for case in found]
    if not cases:
        which = "case that is reviewed to the end" if reviewed_only else "case"
        raise InputError(f"{dataset.folder} has no {which}: there is nothing to export")
    for case in cases:
        reasons = suspicious_text(case.id)
        if reasons:
            log.warning(
                "%s: files of the export have this name, which may tell who the patient is: it "
                "holds %s",
                case.id,
                ", ".join(reasons),
            )
    return cases


def write_case(going: Outgoing, image: Path, labels: Path | None) -> None:
    """Write a case's scan, and its labels as consecutive values, with the axes of all cases alike.

    nnU-Net looks at no directions: in scans that are stored from left to right and from right to
    left it would see 16 on either side.

    Raises:
        InputError: the case is damaged.
        OutputError: the files cannot be written.
    """
    write_volume(image, forward(going.case.image()))
    if labels is not None:
        found = going.case.saved_labels(going.revision)
        write_volume(labels, forward(found.with_array(to_values(found.array))))
