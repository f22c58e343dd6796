"""The files of a result: written to a folder whole, or not at all.

    <stem>-labels.nrrd   uint8 FDI numbers on the source grid
    <stem>.seg.nrrd      the same with names, colours and codes, for 3D Slicer
    <stem>-report.json   teeth, findings, timings, versions
    <stem>.png           a picture of the numbered teeth
    <stem>-slices.png    slices of the scan with the teeth outlined, if asked for
    stl/<FDI>_<name>.stl one closed surface a tooth, LPS mm; in <stem>-stl/ instead, if surfaces of
                         another scan are in stl/

Everything is made in a hidden folder beside its place and moved when all of it is there. Files of
an earlier run of the same scan are replaced, unless they were changed since; its surfaces and
pictures without a successor are taken away; nothing else in the folder is touched.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from ToothSegLib.disk.atomic import replacing
from ToothSegLib.disk.checksum import file_sha256
from ToothSegLib.disk.moving import alone_in, move_alone, stage_in
from ToothSegLib.disk.output_folder import check_folder
from ToothSegLib.drawing.offscreen import NoDrawing, write_png
from ToothSegLib.drawing.picture import teeth_picture
from ToothSegLib.errors import OutputError
from ToothSegLib.formats.nrrd_io import write_same_nrrd
from ToothSegLib.formats.slicer_header import segmentation_header
from ToothSegLib.machine.in_threads import in_threads
from ToothSegLib.meshes.mesh_names import mesh_stem, stl_name
from ToothSegLib.progress import Progress, ProgressCallback
from ToothSegLib.report import SCAN_SHA256, Finding, Segmentation, to_json
from ToothSegLib.results.earlier_outputs import (
    REPORT_ENDING,
    STL_FOLDER,
    stale_files,
    surface_folder,
)
from ToothSegLib.results.replaceable import check_replaceable
from ToothSegLib.surfaces import Surface, tooth_surfaces, write_stl
from ToothSegLib.volume import Volume

_COMPRESSION_LEVEL = 1  # fast


def write_outputs(
    segmentation: Segmentation,
    stem: str,
    outdir: str | os.PathLike[str],
    *,
    stl: bool = True,
    picture: bool = True,
    slices_of: Volume | None = None,
    overwrite: bool = False,
    seal: Callable[[Path, Sequence[str]], str] | None = None,
    progress: ProgressCallback | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[Path]:
    """Write a segmentation's files.

    Args:
        segmentation: where no picture can be drawn, a finding that says so is added to it.
        stem: beginning of the files' names, see `file_names.output_stem`.
        outdir: the folder; it is made if it is not there.
        stl: write surfaces.
        picture: draw the picture.
        slices_of: the scan, to draw slices of it too.
        overwrite: replace and take away whatever has the names of such files; otherwise only what
            an earlier run on the same scan wrote and nobody has changed, see `replaceable`.
        seal: called when all files are made and before anything in the folder is changed, with
            where they are and their names. It writes one more file there, which comes into the
            folder together with the others, and gives its name; what it raises ends the run.
        progress: called with the fraction done and the stage.
        cancelled: asked between files whether to stop.

    Returns:
        The files written.

    Raises:
        OutputError: the folder or a file cannot be written, or is there and must not be replaced.
        Cancelled: as asked; the folder is as it was.
    """
    folder = Path(outdir)
    run = Progress(progress, cancelled)
    check_folder(folder)
    with _stage(folder) as stage:
        names = _make_files(segmentation, stem, stage, run, stl, picture, slices_of)
        run.check()
        # Alone, for another run may put surfaces there in this moment.
        with alone_in(folder):
            surfaces = surface_folder(folder, stem)
            names = _put_surfaces(stage, names, surfaces)
            _write_report(segmentation, stem, stage, names)
            stale = stale_files(folder, stem, names, surfaces if stl else None)
            if not overwrite:
                scan_sha256 = segmentation.provenance.get(SCAN_SHA256)
                check_replaceable(folder, stem, [*names, *stale], scan_sha256)
            if seal is not None:
                names.append(seal(stage, names))
            move_alone(stage, folder, names, stale)
            _remove_empty(folder, stale)
    return [folder / name for name in names]


def _make_files(
    segmentation: Segmentation,
    stem: str,
    stage: Path,
    run: Progress,
    stl: bool,
    picture: bool,
    slices_of: Volume | None,
) -> list[str]:
    """Write all files but the report to the stage; their names, relative to it."""
    labels = segmentation.labels
    run.stage("making surfaces", 0.0, 0.5).update(0.0)
    surfaces = tooth_surfaces(labels) if stl or picture else {}

    run.stage("writing and drawing", 0.5, 0.98).update(0.0)
    title = str(segmentation.provenance.get("source", stem))
    names = [f"{stem}-labels.nrrd", f"{stem}.seg.nrrd"]
    headers = {stage / names[0]: None, stage / names[1]: segmentation_header(labels)}

    def write() -> list[str]:
        write_same_nrrd(headers, labels, _COMPRESSION_LEVEL)
        return names + (_write_surfaces(stage, surfaces, run) if stl and surfaces else [])

    # Drawing takes little more than one core; it stays in the thread that may have windows.
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        pictures = []
        try:
            if picture:
                urgent = sum(finding.urgency == "high" for finding in segmentation.findings)
                write_png(stage / f"{stem}.png", teeth_picture(surfaces, title, urgent))
                pictures.append(f"{stem}.png")
            if slices_of is not None:
                # Asked for seldom, and slow to load.
                from ToothSegLib.drawing.slices import slice_picture

                write_png(stage / f"{stem}-slices.png", slice_picture(slices_of, labels, title))
                pictures.append(f"{stem}-slices.png")
        except NoDrawing as error:
            segmentation.findings.append(Finding("no-picture", "low", str(error)))
        names = writing.result() + pictures
    run.stage("writing the report", 0.98, 1.0).update(0.0)
    return names


def _put_surfaces(stage: Path, names: list[str], surfaces: str) -> list[str]:
    """Give the staged folder of surfaces its name; the names of all files with it."""
    if surfaces == STL_FOLDER or not (stage / STL_FOLDER).is_dir():
        return names
    os.rename(stage / STL_FOLDER, stage / surfaces)
    old = f"{STL_FOLDER}/"
    return [surfaces + name[len(STL_FOLDER) :] if name.startswith(old) else name for name in names]


def _write_report(segmentation: Segmentation, stem: str, stage: Path, names: list[str]) -> None:
    """Write the report, which tells of the other files, and add its name to theirs."""
    report = f"{stem}{REPORT_ENDING}"
    checksums = dict(zip(names, in_threads(lambda name: file_sha256(stage / name), names)))
    with replacing(stage / report) as file:
        file.write(to_json(segmentation, names, checksums).encode())
    names.append(report)


def _remove_empty(folder: Path, gone: list[str]) -> None:
    """Take away the folders of surfaces that have none any more."""
    for name in {os.path.dirname(name) for name in gone} - {""}:
        with suppress(OSError):
            (folder / name).rmdir()


def _write_surfaces(stage: Path, surfaces: dict[int, Surface], run: Progress) -> list[str]:
    """Write a file a tooth; their names, relative to the stage."""
    (stage / STL_FOLDER).mkdir()

    def write(fdi: int) -> str:
        run.check()
        name = f"{STL_FOLDER}/{stl_name(fdi)}"
        write_stl(stage / name, surfaces[fdi], mesh_stem(fdi))
        return name

    return in_threads(write, surfaces)


@contextmanager
def _stage(folder: Path) -> Iterator[Path]:
    """A hidden folder inside the output folder, and so on the same disk; gone at the end.

    Folders that had to be made for it go too, if nothing has come into them.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    stage = None
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with stage_in(folder) as stage:
                yield stage
        finally:
            for path in made:
                with suppress(OSError):
                    path.rmdir()
    except OutputError as error:
        # The user knows nothing of the hidden folder.
        raise OutputError(str(error).replace(str(stage), str(folder))) from error
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
