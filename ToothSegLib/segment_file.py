"""One scan from its file to the files of its result: `toothseg segment`, and each of a batch."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from ToothSegLib.file_names import check_stem, in_utf8, output_stem
from ToothSegLib.loading import loading
from ToothSegLib.progress import Progress, ProgressCallback
from ToothSegLib.volume import Volume

if TYPE_CHECKING:
    from ToothSegLib.models import Bundle
    from ToothSegLib.report import Segmentation

_READ, _COMPUTED = 0.05, 0.8
_FIRST_SIGHT_S = 0.05
_LOOK_UP_S = 0.1


def segment_file(
    source: str | os.PathLike[str],
    outdir: str | os.PathLike[str],
    *,
    bundle: Bundle,
    device: str = "auto",
    precision: str = "auto",
    backend: str = "auto",
    series: str | None = None,
    stl: bool = True,
    picture: bool = True,
    slices: bool = False,
    overwrite: bool = False,
    check: Callable[[Volume], None] | None = None,
    seal: Callable[[Segmentation, Path, Sequence[str]], str] | None = None,
    progress: ProgressCallback | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Segmentation, list[Path]]:
    """Read a scan, run the cascade and write the result's files, whole or not at all.

    Args:
        source: a file, or a folder of DICOM.
        outdir: see `outputs.write_outputs`, as for ``stl``, ``picture``, ``slices`` and
            ``overwrite``.
        bundle: the weights.
        device, precision, backend: as for `cascade.segment`.
        series: which series of a DICOM folder.
        check: called with the volume that was read; what it raises ends the run.
        seal: as for `outputs.write_outputs`, called with the result first.
        progress: called with the fraction done and the stage in words.
        cancelled: asked now and then whether to stop.

    Returns:
        The result and the files written.

    Raises:
        InputError, BundleError, OutputError, Cancelled.
    """
    run = Progress(progress, cancelled)
    stem = output_stem(source)
    check_stem(stem)
    run.stage("reading the scan", 0.0, _READ).update(0.0)
    volume, scan_sha256 = _read(source, series, run)
    from ToothSegLib import cascade
    from ToothSegLib.outputs import write_outputs
    from ToothSegLib.replaceable import check_beforehand

    if check is not None:
        check(volume)
    if not overwrite:
        check_beforehand(Path(outdir), stem, scan_sha256, stl=stl, picture=picture, slices=slices)
    tell = progress or _nobody
    segmentation = cascade.segment(
        volume,
        bundle=bundle,
        device=device,
        precision=precision,
        backend=backend,
        scan_sha256=scan_sha256,
        progress=lambda fraction, stage: tell(_READ + (_COMPUTED - _READ) * fraction, stage),
        cancelled=cancelled,
    )
    segmentation.provenance["source"] = in_utf8(Path(source).name) or stem
    paths = write_outputs(
        segmentation,
        stem,
        outdir,
        stl=stl,
        picture=picture,
        slices_of=volume if slices else None,
        overwrite=overwrite,
        seal=None if seal is None else partial(seal, segmentation),
        progress=lambda fraction, stage: tell(_COMPUTED + (1 - _COMPUTED) * fraction, stage),
        cancelled=cancelled,
    )
    return segmentation, paths


def _read(source: str | os.PathLike[str], series: str | None, run: Progress) -> tuple[Volume, str]:
    """A scan that teeth can be found in, and its checksum.

    While it is unpacked, what is needed next is loaded. Raises Cancelled as soon as ``run`` is.
    """
    from ToothSegLib.scan_checksum import scan_sha256
    from ToothSegLib.volume_io import check_scan, read_volume

    reading: Future[tuple[Volume, str]] = Future()

    def read() -> None:
        try:
            scan = read_volume(source, series=series)
            reading.set_result((scan, scan_sha256(scan)))
        except BaseException as error:
            reading.set_exception(error)

    # Not of a pool, which would wait for a large scan to its end after Ctrl-C too.
    Thread(target=read, daemon=True).start()
    # What is wrong at first sight is told without waiting for large libraries.
    if wait([reading], timeout=_FIRST_SIGHT_S).not_done:
        _load()
    while wait([reading], timeout=_LOOK_UP_S).not_done:
        run.check()
    volume, sha256 = reading.result()
    check_scan(volume, os.fspath(source))
    _load()
    return volume, sha256


def _load() -> None:
    with loading():
        from ToothSegLib import cascade, outputs  # noqa: F401


def _nobody(fraction: float, stage: str) -> None:
    """Tell no one."""
