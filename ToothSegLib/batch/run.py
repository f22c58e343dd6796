"""A batch from its folder to its manifest."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ToothSegLib.batch import cluster, pool
from ToothSegLib.batch.entry import Entry, Options, Task
from ToothSegLib.batch.folder import working_folder
from ToothSegLib.batch.manifest import Manifest
from ToothSegLib.batch.one_scan import segment_one
from ToothSegLib.batch.scans import Found, find_scans
from ToothSegLib.compute.devices import choose_device
from ToothSegLib.errors import Cancelled, InputError
from ToothSegLib.machine.capacity import cores, free_memory_gib
from ToothSegLib.models import load_bundle
from ToothSegLib.progress import ProgressCallback

# What a large scan takes (see docs/speed.md), and the fewest threads that use a process well.
MEMORY_A_JOB_GIB = 3.0
THREADS_A_JOB = 2
# On a graphics device one scan computes while another one is read or drawn.
JOBS_A_DEVICE = 2


@dataclass(frozen=True)
class BatchResult:
    """What came of a batch.

    Args:
        entries: one a scan, in the scans' order, one for each folder that cannot be read, and one
            for each that looked like a scan and was left out.
        manifest: where the entries are written.
    """

    entries: list[Entry]
    manifest: Path

    @property
    def exit_code(self) -> int:
        """0 if all scans are done, otherwise 1 if a fault of the program is among the failures,
        else 2."""
        codes = {entry.code for entry in self.entries if entry.status == "failed"}
        return 0 if not codes else 1 if 1 in codes else 2


def run_batch(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: Options,
    *,
    jobs: int | None = None,
    dask: str | None = None,
    progress: ProgressCallback | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> BatchResult:
    """Segment every scan below a folder, each into its own folder; those that are done are kept.

    Args:
        folder: see `scans.find_scans`.
        out: output folder; it is made if it is not there.
        options: how.
        jobs: how many scans at a time on this machine; as its processors and memory allow if None.
        dask: address of a Dask scheduler whose workers do it instead.
        progress: called with the fraction of all scans and what is in work.
        cancelled: asked now and then whether to stop.

    Raises:
        InputError: no folder, no scans in it, no such device, no Dask or no cluster, or a number
            of jobs for a cluster.
        BundleError: the bundle is missing or damaged.
        OutputError: the output folder is in use or cannot be written to.
        Cancelled: as asked; what is done is whole and in the manifest.
    """
    stop = cancelled or (lambda: False)
    if dask is not None:
        if jobs is not None:
            raise InputError(
                f"--jobs {jobs} with --dask: a cluster does as many scans at a time as it has "
                "workers; start more of them with 'dask worker --nworkers'"
            )
        cluster.check_installed()  # before anything is written
    else:
        choose_device(options.device)  # once, instead of an error a scan
    bundle = load_bundle(options.model)
    bundle.verify()  # once, instead of an error a scan
    if progress is not None:
        progress(0.0, "looking for scans")
    found = find_scans(Path(folder), Path(out), check=lambda: _check(stop))
    if not found.scans:
        raise InputError(f"there are no scans in {folder}" + _only(found))
    jobs = jobs or (1 if dask else default_jobs(options.device))
    with working_folder(Path(os.path.abspath(out))) as run:
        weights = bundle.identity
        tasks = [Task(scan, str(run.parent), str(run), options, weights) for scan in found.scans]
        left_out = [
            Entry("", source, status="left out", error=why)
            for source, why in found.left_out.items()
        ]
        failed = [
            Entry("", source, status="failed", error=why, code=InputError.exit_code)
            for source, why in found.unreadable.items()
        ]
        manifest = Manifest(run, [*map(Entry.of, found.scans), *failed, *left_out])
        manifest.write()
        told = _Told(len(tasks), progress)
        if dask is None:
            threads = max(1, cores() // min(jobs, len(tasks)))
            entries = pool.work_here(tasks, jobs, threads, told.tell, stop, segment_one)
        else:
            entries = cluster.work_on_cluster(tasks, dask, told.tell, stop, segment_one)
        try:
            with closing(entries):
                for entry in entries:
                    manifest.update(entry)
                    told.done(entry)
        finally:
            manifest.write()
    return BatchResult(manifest.entries, manifest.path)


def default_jobs(device: str) -> int:
    """How many scans at a time this machine bears.

    Raises:
        InputError: there is no such device.
    """
    free = free_memory_gib()
    by_memory = 1 if free is None else int(free // MEMORY_A_JOB_GIB)
    on_processor = choose_device(device) == "cpu"
    by_device = cores() // THREADS_A_JOB if on_processor else JOBS_A_DEVICE
    return max(1, min(by_memory, by_device))


class _Told:
    """One fraction and one line from the progress of several scans."""

    def __init__(self, total: int, progress: ProgressCallback | None) -> None:
        self._total = total
        self._progress = progress
        self._done = 0
        self._in_work: dict[str, float] = {}

    def tell(self, task: Task, fraction: float, stage: str) -> None:
        """A scan is at a stage."""
        name = task.scan.name
        self._in_work[name] = fraction
        if self._progress is not None:
            share = (self._done + sum(self._in_work.values())) / self._total
            self._progress(share, f"{self._done} of {self._total} done, {name}: {stage}")

    def done(self, entry: Entry) -> None:
        """A scan has come to its end."""
        self._done += 1
        self._in_work.pop(entry.name, None)
        if self._progress is not None:
            share = (self._done + sum(self._in_work.values())) / self._total
            self._progress(share, f"{self._done} of {self._total} done")


def _check(stop: Callable[[], bool]) -> None:
    if stop():
        raise Cancelled("cancelled; nothing was written")


def _only(found: Found) -> str:
    count = len(found.left_out)
    words = f", only {count} that are no scans, such as label maps" if count else ""
    if found.unreadable:
        source, why = next(iter(found.unreadable.items()))
        words += f"; {source}: {why}"
    return words
