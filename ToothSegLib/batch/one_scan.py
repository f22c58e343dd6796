"""One scan of a batch, the same function in a process of this machine and on a cluster."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from ToothSegLib.batch.entry import Entry, Status, Task
from ToothSegLib.batch.folder import called_off
from ToothSegLib.batch.record import (
    RECORD_NAME,
    WHAT_TO_DO,
    Stored,
    read_stored,
    remember_place,
    write_record,
)
from ToothSegLib.dataset.voxels import source_of, storable
from ToothSegLib.disk.atomic import PART_PREFIX
from ToothSegLib.disk.checksum import file_sha256
from ToothSegLib.disk.file_names import output_stem
from ToothSegLib.disk.moving import alone_in, tidy
from ToothSegLib.disk.output_folder import new_folder
from ToothSegLib.errors import BundleError, Cancelled, InputError, OutputError, in_words
from ToothSegLib.models import Bundle, load_bundle
from ToothSegLib.progress import ProgressCallback
from ToothSegLib.report import URGENCIES, Segmentation
from ToothSegLib.results.replaceable import WHAT_TO_DO as WHAT_A_RUN_SAYS
from ToothSegLib.results.replaceable import check_places, in_the_way
from ToothSegLib.segment_file import segment_file
from ToothSegLib.teeth import ALL_FDI_NUMBERS
from ToothSegLib.volume import Volume

_MOST_LABELS = len({0, *ALL_FDI_NUMBERS})


class NotAScan(InputError):
    """It is a label map."""


class EditedByHand(OutputError):
    """Where a result would have to be made anew lies somebody's work."""


def segment_one(task: Task, progress: ProgressCallback | None = None) -> Entry:
    """Segment a scan, unless its result is there already; whatever goes wrong is in the entry.

    Raises:
        Cancelled: the task was called off (see `Task.run`); nothing was written.
    """
    known = Entry.of(task.scan)
    try:
        known = replace(known, sha256=file_sha256(*task.scan.files, check=lambda: _check(task)))
        return _made(task, known, progress)
    except Cancelled:
        raise
    except Exception as error:
        _check(task)  # a stage that has been swept away is no error of the scan's
        _, message, code = in_words(error)
        if code == 1:
            message += "; toothseg segment --debug on this scan tells more"
        status: Status = "left out" if isinstance(error, NotAScan) else "failed"
        return replace(known, status=status, error=" ".join(message.split()), code=code)


def _made(task: Task, known: Entry, progress: ProgressCallback | None) -> Entry:
    """The entry of a result that is there and stays, or else of one that is made now."""
    assert known.sha256 is not None
    target = Path(task.out, task.scan.name)
    _end_remains(target)
    stored = read_stored(target, task, known.sha256)
    if stored is not None and _is_kept(stored):
        return _kept(task, target, known, stored)
    if stored is None:
        former = _kept_under_former_name(task, known)
        if former is not None:
            return former
    _check_edited(stored)
    _check_own_files(stored, target, task)
    bundle = load_bundle(task.options.model)
    if bundle.identity != task.weights:
        raise BundleError(
            f"the weights of bundle {bundle.name!r} here, or how large they see teeth, are not "
            "those of the batch"
        )
    return _segmented(task, known, stored, bundle, progress)


def _kept_under_former_name(task: Task, known: Entry) -> Entry | None:
    """The entry of a result that stays where an earlier batch put it; None if there is none."""
    assert known.sha256 is not None
    if task.scan.former_name is None:
        return None
    former = Path(task.out, task.scan.former_name)
    _end_remains(former)
    earlier = read_stored(former, task, known.sha256)
    # A copy beside it has the same bytes.
    if earlier is None or earlier.entry.source != known.source or not _is_kept(earlier):
        return None
    return _kept(task, former, known, earlier)


def _segmented(
    task: Task,
    known: Entry,
    stored: Stored | None,
    bundle: Bundle,
    progress: ProgressCallback | None,
) -> Entry:
    """The entry of a result that is made now.

    Args:
        task: what to do.
        known: its entry so far.
        stored: the result that this one is to replace.
        bundle: the weights.
        progress: as for `segment_file`.
    """
    options, target = task.options, Path(task.out, task.scan.name)
    started = time.perf_counter()
    voxels_sha256 = ""
    entry = known

    def look(volume: Volume) -> None:
        nonlocal voxels_sha256
        _check_grey_values(volume)
        voxels_sha256 = source_of(storable(volume)).voxels_sha256

    def seal(result: Segmentation, stage: Path, names: Sequence[str]) -> str:
        nonlocal entry
        if stored is not None:  # it may have been corrected while the networks ran
            _check_edited(read_stored(target, task, str(known.sha256)))
            _check_own_files(stored, target, task, names)
        entry = _done(known, bundle, result, time.perf_counter() - started)
        write_record(stage, task, entry, [stage / name for name in names], voxels_sha256)
        return RECORD_NAME

    with _place(task, target) as folder:
        segment_file(
            task.scan.path,
            folder,
            bundle=bundle,
            device=options.device,
            series=task.scan.series,
            stl=options.stl,
            picture=options.picture,
            slices=options.slices,
            # The record tells what was edited; without one the report must, see `replaceable`.
            overwrite=stored is not None,
            check=look,
            seal=seal,
            progress=progress,
            cancelled=lambda: called_off(task.run),
        )
    return entry


def _done(known: Entry, bundle: Bundle, result: Segmentation, seconds: float) -> Entry:
    """The entry of a scan that was segmented."""
    counts = Counter(finding.urgency for finding in result.findings)
    return replace(
        known,
        status="done",
        bundle=bundle.name,
        teeth=tuple(sorted(tooth.fdi for tooth in result.teeth)),
        findings={urgency: counts[urgency] for urgency in URGENCIES},
        seconds=round(seconds, 3),
        code=0,
    )


def _check_edited(stored: Stored | None) -> None:
    """Refuse to replace what somebody has changed. Raises EditedByHand."""
    if stored is not None and stored.edited:
        raise EditedByHand(
            f"its earlier result was edited by hand ({', '.join(stored.edited)}) and is not "
            f"replaced: {WHAT_TO_DO}"
        )


def _check_own_files(
    stored: Stored | None, target: Path, task: Task, names: Sequence[str] = ()
) -> None:
    """Refuse to replace or take away files that somebody has put beside a result.

    Args:
        stored: the result; without one the files are told by their report, see `replaceable`.
        names: of what is to be written, where that is known.

    Raises:
        EditedByHand: the file is named.
        OutputError: a folder is where a file should go, or the other way round.
    """
    if stored is None:
        return
    options, stem = task.options, output_stem(task.scan.path)
    wanted = {"stl": options.stl, "picture": options.picture, "slices": options.slices}
    check_places(target, stem, **wanted)
    names = [*names, *in_the_way(target, stem, **wanted)]
    for name in names:
        if name not in stored.files and os.path.lexists(target / name):
            raise EditedByHand(
                f"{target / name} is no file of its earlier result and is not replaced: move it "
                "elsewhere"
            )


def _is_kept(stored: Stored) -> bool:
    """Whether a result stays as it is.

    Raises:
        EditedByHand: it would, but lacks files, without which nothing can be done with it.
    """
    if stored.same and stored.edited and stored.lacking:
        verb = "is" if len(stored.lacking) == 1 else "are"
        raise EditedByHand(
            f"its result was edited by hand ({', '.join(stored.edited)}), and "
            f"{', '.join(stored.lacking)} {verb} missing or cut off: {WHAT_TO_DO}"
        )
    return stored.same and (stored.whole or bool(stored.edited))


def _kept(task: Task, target: Path, known: Entry, stored: Stored) -> Entry:
    """The entry of a result that stays as it is."""
    if not stored.edited:  # of the others not even the record is written anew
        remember_place(target, task)  # the scan may have been moved since
    told = (
        f"edited by hand since ({', '.join(stored.edited)}), and kept as it is: {WHAT_TO_DO}"
        if stored.edited
        else None
    )
    return replace(
        stored.entry,
        name=target.name,
        source=known.source,
        series=known.series,
        status="kept",
        error=told,
    )


def _end_remains(target: Path) -> None:
    """End what a run that was killed has begun in a result's folder. Raises OutputError."""
    if not target.is_dir():
        return
    try:
        with alone_in(target):
            tidy(target, ours=True)  # the output folder is locked
            for part in target.glob(f"{PART_PREFIX}*.part"):
                part.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write to {target}: {error.strerror or error}") from error


@contextmanager
def _place(task: Task, target: Path) -> Iterator[Path]:
    """Where to write. A folder that is not there yet comes to be by one rename, with all in it.

    One that is there may hold a reader's own files: only the result's are replaced, all at once
    and together with the record that vouches for them. Until then they stay, and so does it.
    """
    if target.exists():
        try:
            yield target
        except OutputError as error:
            # A batch has no --overwrite.
            raise OutputError(str(error).replace(WHAT_A_RUN_SAYS, WHAT_TO_DO)) from error
        return
    stage = None
    try:
        stage = new_folder(Path(task.run), "tmp")
        yield stage
        _check(task)
        with suppress(OSError):  # a share may know no rights
            stage.chmod(Path(task.run).stat().st_mode)
        os.rename(stage, target)
    except OutputError as error:
        # The user knows nothing of the hidden folder.
        raise OutputError(str(error).replace(str(stage), str(target))) from error
    except OSError as error:
        raise OutputError(f"cannot write to {target}: {error.strerror or error}") from error
    finally:
        if stage is not None:
            shutil.rmtree(stage, ignore_errors=True)
        if called_off(task.run):  # what was written after that has made the folder again
            with suppress(OSError):
                os.rmdir(task.run)


def _check(task: Task) -> None:
    if called_off(task.run):
        raise Cancelled("cancelled; nothing was written")


def _check_grey_values(volume: Volume) -> None:
    """Refuse label maps that are not named like one: FDI numbers alone, or a mask.

    Raises:
        NotAScan: as said.
    """
    values: set[float] = set()
    for layer in volume.array:  # of a scan the first ones will do
        values.update(np.unique(layer).tolist())
        if len(values) > _MOST_LABELS:
            return
    if len(values) == 2 or values <= {0, *ALL_FDI_NUMBERS}:
        raise NotAScan("it holds a label map, not grey values")
