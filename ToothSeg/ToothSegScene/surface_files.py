"""Surfaces of the teeth as files: STL or OBJ, one a tooth, one a category, or all in one.

The surfaces are those of the command line (`tooth_meshes.py`). Slicer writes the files, from a copy
of the segmentation in a scene of its own. So names, smoothing and representations of the
segmentation that the reader sees stay as they are, and every file gets the name that the command
line would give it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import slicer
import vtk

from ToothSegLib.disk.staging import all_or_nothing
from ToothSegLib.errors import InputError, OutputError
from ToothSegLib.meshes.mesh_names import mesh_stem
from ToothSegLib.meshes.obj_names import name_teeth
from ToothSegLib.progress import Progress, ProgressCallback
from ToothSegLib.teeth import LOWER_ARCH, UPPER_ARCH, by_fdi
from ToothSegScene.hand_drawn import left_out_in_words, number_by_name
from ToothSegScene.run_place import mirrored_in_words
from ToothSegScene.segments import teeth_of
from ToothSegScene.tooth_meshes import SURFACE, tooth_meshes
from ToothSegScene.transforms import is_mirrored_at

_ENDINGS = {"STL": (".stl",), "OBJ": (".obj", ".mtl")}
FORMATS = tuple(_ENDINGS)
GROUPINGS = ("tooth", "category", "all")


def export_surfaces(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    folder: str | os.PathLike[str],
    *,
    smoothing: float = 0.5,
    format: str = "STL",
    grouping: str = "tooth",
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[Path]:
    """Write closed surfaces of the teeth in LPS millimetres, all of them or none.

    A parent transform of the segmentation, linear or not, is applied: the files are in world
    coordinates. OBJ files have a group a tooth, named like its STL file, and come with an
    `.mtl` file of the teeth's colours.

    Args:
        segmentation_node: the teeth; not changed, but that a segment which is a tooth by its name
            gets its number.
        folder: an existing folder.
        smoothing: 0 (steps of voxels) to 1; 0.5 as on the command line. A tooth keeps its volume.
        format: "STL" or "OBJ".
        grouping: "tooth" (`11_upper_right_central_incisor.stl` ...), "category"
            (`upper_incisors.stl` ...) or "all" (`teeth.stl`).
        overwrite: replace files of the same names, and take away those that another export in
            this format has left and this one does not write, for they may be of other teeth or of
            another patient; otherwise both are an error.
        progress: called with the fraction done and the stage.
        cancelled: asked after each tooth and between files whether to stop.

    Returns:
        The files written.

    Raises:
        InputError: an option is none of these, there are no teeth, or a transform mirrors them.
        OutputError: a tooth can have no surface, or the folder or a file cannot be written, or is
            there and must not be replaced or taken away.
        Cancelled: as asked; the folder is as it was.
    """
    _check_options(smoothing, format, grouping)
    run = Progress(progress, cancelled)
    # Before anything is read: a dialog lets Qt work, and a run may end and overwrite the teeth.
    making = run.stage("making surfaces", 0.0, 0.6)
    making.update(0.0)
    segment_ids = teeth_to_export(segmentation_node)
    _check_not_mirrored(segmentation_node)
    written: list[str] = []
    rivals = [stem + ending for stem in _STEMS for ending in _ENDINGS[format]]
    with (
        all_or_nothing(folder, overwrite=overwrite, rivals=rivals) as stage,
        _copy_of_surfaces(segmentation_node, segment_ids, smoothing, making) as copy,
    ):
        groups = _groups(sorted(segment_ids), grouping)
        writing = run.stage("writing surfaces", 0.6, 1.0)
        for number, (stem, fdis) in enumerate(groups.items()):
            writing.update(number / len(groups))
            teeth = {fdi: segment_ids[fdi] for fdi in fdis}
            written += _write(copy, teeth, stage, stem, format)
        writing.check()
    return [Path(folder) / name for name in written]


def teeth_to_export(
    segmentation_node: slicer.vtkMRMLSegmentationNode, *, every_segment: bool = False
) -> dict[int, str]:
    """FDI number -> id of the segment, at least one.

    Segments that are teeth by their names get their numbers; what is left out is logged.

    Args:
        segmentation_node: the teeth.
        every_segment: whether segments without a number are exported with them.

    Raises:
        InputError: there are no teeth, or they have been mirrored since they were numbered.
    """
    number_by_name(segmentation_node, every_segment=every_segment)
    segment_ids = teeth_of(segmentation_node)
    if not segment_ids:
        left_out = left_out_in_words(segmentation_node)
        raise InputError(
            f"there are no teeth to export: segment the teeth first. {left_out}".strip(" .")
        )
    mirrored = mirrored_in_words(segmentation_node)
    if mirrored:
        raise InputError(mirrored.rstrip("."))
    return segment_ids


def _check_options(smoothing: float, format: str, grouping: str) -> None:
    if format not in FORMATS:
        raise InputError(f"{format!r} is no format of surfaces: choose {' or '.join(FORMATS)}")
    if grouping not in GROUPINGS:
        raise InputError(f"{grouping!r} is no way to group: choose one of {', '.join(GROUPINGS)}")
    check_smoothing(smoothing)


def check_smoothing(smoothing: float) -> None:
    """Raise InputError for a smoothing that is not between 0 and 1."""
    if not 0 <= smoothing <= 1:
        raise InputError(f"the smoothing factor {smoothing} is not between 0 and 1")


def _check_not_mirrored(node: slicer.vtkMRMLSegmentationNode) -> None:
    """A mirrored 11 has the shape of a 21, and its surface is inside out."""
    bounds = np.zeros(6)
    node.GetSegmentation().GetBounds(bounds)
    if is_mirrored_at(node, bounds.reshape(3, 2).mean(axis=1)):
        parent = node.GetParentTransformNode()
        above = ", with what is above it," if parent.GetParentTransformNode() else ""
        raise InputError(
            f"the transform {parent.GetName()}{above} mirrors the teeth, right to left: take the "
            "segmentation out of it to export"
        )


def _groups(fdis: list[int], grouping: str) -> dict[str, list[int]]:
    """Teeth by the name of their file, without its ending."""
    if grouping == "all":
        return {"teeth": fdis}
    if grouping == "tooth":
        return {mesh_stem(fdi): [fdi] for fdi in fdis}
    groups: dict[str, list[int]] = {}
    for fdi in fdis:
        groups.setdefault(by_fdi(fdi).category_name.replace(" ", "_"), []).append(fdi)
    return groups


# Of every file that an export can write, without its ending.
_STEMS = [stem for way in GROUPINGS for stem in _groups([*UPPER_ARCH, *LOWER_ARCH], way)]


@contextmanager
def _copy_of_surfaces(
    node: slicer.vtkMRMLSegmentationNode,
    segment_ids: dict[int, str],
    smoothing: float,
    making: Progress,
) -> Iterator[slicer.vtkMRMLSegmentationNode]:
    """A segmentation of the same teeth as surfaces, in world coordinates, in its own scene."""
    scene = slicer.vtkMRMLScene()
    copy = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    copy.CreateDefaultDisplayNodes()
    parent = node.GetParentTransformNode()
    if parent is not None:
        to_world = vtk.vtkGeneralTransform()
        parent.GetTransformToWorld(to_world)
        transform = scene.AddNewNodeByClass("vtkMRMLTransformNode")
        transform.SetAndObserveTransformToParent(to_world)
        copy.SetAndObserveTransformNodeID(transform.GetID())

    segmentation = copy.GetSegmentation()
    segmentation.SetSourceRepresentationName(SURFACE)
    surfaces = tooth_meshes(
        node, segment_ids, smoothing, lambda count: making.update(count / len(segment_ids))
    )
    for fdi, segment_id in segment_ids.items():
        segment = slicer.vtkSegment()
        segment.SetName(str(fdi))
        segment.SetColor([value / 255 for value in by_fdi(fdi).colour])
        segment.AddRepresentation(SURFACE, surfaces[fdi])
        segmentation.AddSegment(segment, segment_id)
    try:
        yield copy
    finally:
        scene.Clear(1)


def _write(
    copy: slicer.vtkMRMLSegmentationNode,
    segment_ids: dict[int, str],
    stage: Path,
    stem: str,
    format: str,
) -> list[str]:
    """Let Slicer write some teeth to one file; the names of what it wrote, found whole."""
    # Slicer names a merged file after the node.
    copy.SetName(stem)
    ids = vtk.vtkStringArray()
    for segment_id in segment_ids.values():
        ids.InsertNextValue(segment_id)
    slicer.vtkSlicerSegmentationsModuleLogic.ExportSegmentsClosedSurfaceRepresentationToFiles(
        str(stage), copy, ids, format, True, 1.0, True
    )
    segmentation = copy.GetSegmentation()
    triangles = {
        fdi: int(segmentation.GetSegment(name).GetRepresentation(SURFACE).GetNumberOfPolys())
        for fdi, name in segment_ids.items()
    }
    names = [stem + ending for ending in _ENDINGS[format]]
    # Slicer's writers do not tell of a disk that is full.
    if not _whole(stage / names[0], sum(triangles.values())) or not all(
        (stage / name).is_file() and (stage / name).stat().st_size for name in names
    ):
        raise OutputError(
            f"cannot write {stage / names[0]}: the disk may be full, or the path too long"
        )
    if format == "OBJ":
        name_teeth(stage / names[0], triangles)
    return names


def _whole(path: Path, triangles: int) -> bool:
    """Whether a binary STL or an OBJ file is there with all of its triangles."""
    if not path.is_file():
        return False
    if path.suffix == ".stl":
        return path.stat().st_size == 84 + 50 * triangles
    text = path.read_bytes()
    return text.count(b"\nf ") == triangles and text.endswith(b"\n")
