"""One scan from its file to the files of its result: `toothseg segment`, and each of a batch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import wait
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ToothSegLib.compute.loading import load_networks, loading
from ToothSegLib.disk.file_names import check_stem, in_utf8, output_stem
from ToothSegLib.machine.background import in_background
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
    # Its checksum tells the scan's own results from another's. In a new folder there are none, and
    # the cascade reckons it while the networks run.
    summed = not overwrite and os.path.isdir(outdir)
    volume, scan_sha256 = _read(source, series, run, _needed(device, backend, picture), summed)
    from ToothSegLib import cascade
    from ToothSegLib.results.outputs import write_outputs
    from ToothSegLib.results.replaceable import check_beforehand

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
    # Writing needs much memory; the scan goes first, unless it is drawn.
    to_draw = volume if slices else None
    del volume
    paths = write_outputs(
        segmentation,
        stem,
        outdir,
        stl=stl,
        picture=picture,
        slices_of=to_draw,
        overwrite=overwrite,
        seal=None if seal is None else partial(seal, segmentation),
        progress=lambda fraction, stage: tell(_COMPUTED + (1 - _COMPUTED) * fraction, stage),
        cancelled=cancelled,
    )
    return segmentation, paths


def _read(
    source: str | os.PathLike[str],
    series: str | None,
    run: Progress,
    needed: Iterator[Callable[[], object]],
    summed: bool,
) -> tuple[Volume, str | None]:
    """A scan that teeth can be found in, and its checksum if it is to be ``summed``.

    While it is unpacked, what is needed next is loaded. Raises Cancelled as soon as ``run`` is.
    """
    from ToothSegLib.formats.scan_checksum import scan_sha256
    from ToothSegLib.volume_io import check_scan, read_volume

    def read() -> tuple[Volume, str | None]:
        scan = read_volume(source, series=series)
        return scan, scan_sha256(scan) if summed else None

    reading = in_background(read)
    # What is wrong at first sight is told without waiting for large libraries, and what is wrong
    # further on waits for one of them at most.
    wait([reading], timeout=_FIRST_SIGHT_S)
    for load in needed:
        if reading.done():
            break
        run.check()
        with loading(), suppress(Exception):  # told where it is needed
            load()
    while wait([reading], timeout=_LOOK_UP_S).not_done:
        run.check()
    volume, sha256 = reading.result()
    check_scan(volume, os.fspath(source))
    with loading():
        _load_own()
    return volume, sha256


def _needed(device: str, backend: str, picture: bool) -> Iterator[Callable[[], object]]:
    """What loads the libraries that a run needs, one after the other."""
    yield _load_own
    yield _load_itk
    if picture:
        yield _load_drawing
    yield partial(load_networks, device, backend)


def _load_own() -> None:
    # First what the reader's thread may load meanwhile: two threads that load the parts of a
    # library in different orders can get in each other's way.
    from scipy import ndimage  # noqa: F401

    from ToothSegLib import cascade  # noqa: F401
    from ToothSegLib.results import outputs  # noqa: F401


def _load_itk() -> None:
    import SimpleITK  # noqa: F401


def _load_drawing() -> None:
    import vtkmodules.vtkRenderingFreeType
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401


def _nobody(fraction: float, stage: str) -> None:
    """Tell no one."""
