"""The teeth for other programs and for other parts of Slicer, by Slicer's own machinery.

Surfaces are files in world coordinates (`surface_files.py`). Models, of the same surfaces, and the
label map are nodes, which a parent transform moves as it moves the segmentation or the volume. A
`.seg.nrrd` file holds voxels in the segmentation's own coordinates, as if Slicer had saved the
scene: no file format of Slicer's segmentations carries a transform.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import slicer
import vtk

from ToothSegLib.disk.staging import all_or_nothing
from ToothSegLib.errors import InputError, OutputError
from ToothSegLib.formats.nrrd_voxels import is_whole_nrrd
from ToothSegLib.surfaces import SMOOTHING
from ToothSegLib.teeth import CATEGORIES, TEETH, THIRD_MOLARS, by_fdi
from ToothSegScene.fdi_values import with_fdi_values
from ToothSegScene.hand_drawn import title_of, without_empty
from ToothSegScene.surface_files import (
    FORMATS,
    GROUPINGS,
    check_smoothing,
    export_surfaces,
    teeth_to_export,
)
from ToothSegScene.tooth_meshes import tooth_meshes

__all__ = [
    "FORMATS",
    "GROUPINGS",
    "export_labelmap",
    "export_models",
    "export_segmentation",
    "export_surfaces",
]

_SUFFIX = ".seg.nrrd"


def export_models(
    segmentation_node: slicer.vtkMRMLSegmentationNode, smoothing: float = SMOOTHING
) -> int:
    """One model a tooth, in subject-hierarchy folders by category.

    The surfaces are those of the files (`export_surfaces`), not Slicer's own, which the 3D view
    shows and which are smaller; the models come under the segmentation's parent transform.

    Args:
        segmentation_node: the teeth; not changed, but that a segment which is a tooth by its name
            gets its number.
        smoothing: 0 (steps of voxels) to 1. A tooth keeps its volume.

    Returns:
        The item of the folder that holds the folders of the categories.

    Raises:
        InputError: there are no teeth, or the smoothing is not between 0 and 1.
        OutputError: a tooth can have no surface; nothing is left in the scene.
    """
    check_smoothing(smoothing)
    segment_ids = teeth_to_export(segmentation_node)
    meshes = tooth_meshes(segmentation_node, segment_ids, smoothing)
    scene = segmentation_node.GetScene()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = hierarchy.CreateFolderItem(
        _parent_item(hierarchy, segmentation_node), f"{segmentation_node.GetName()} models"
    )
    models: list[slicer.vtkMRMLModelNode] = []
    try:
        for category in CATEGORIES:
            fdis = [fdi for fdi in segment_ids if by_fdi(fdi).category == category.index]
            if not fdis:
                continue
            item = hierarchy.CreateFolderItem(folder, category.name)
            for fdi in fdis:
                models.append(scene.AddNewNodeByClass("vtkMRMLModelNode"))
                _fill_model(models[-1], segmentation_node, segment_ids[fdi], fdi, meshes[fdi])
                _put_into(hierarchy, item, models[-1])
    except BaseException:
        _remove(scene, [node for model in models for node in (model.GetDisplayNode(), model)])
        _remove_folder(hierarchy, folder)
        raise
    return int(folder)


def export_labelmap(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
) -> slicer.vtkMRMLLabelMapVolumeNode:
    """A label map of FDI numbers on the volume's grid and under its transform.

    Its colour table has the names and colours of the teeth at their FDI numbers. Where segments
    overlap, the tooth with the higher FDI number has the voxel.

    Raises:
        InputError: there are no teeth, or the volume is empty.
        OutputError: Slicer could not make the label map; nothing is left in the scene.
    """
    segment_ids = teeth_to_export(segmentation_node)
    if volume_node is None or volume_node.GetImageData() is None:
        raise InputError("there is no volume whose grid the label map could have: choose one")
    scene = segmentation_node.GetScene()
    labelmap = scene.AddNewNodeByClass(
        "vtkMRMLLabelMapVolumeNode", f"{segmentation_node.GetName()} labels"
    )
    labelmap.CreateDefaultDisplayNodes()
    fdis = sorted(segment_ids)
    ids = vtk.vtkStringArray()
    for fdi in fdis:
        ids.InsertNextValue(segment_ids[fdi])
    if not slicer.vtkSlicerSegmentationsModuleLogic.ExportSegmentsToLabelmapNode(
        segmentation_node, ids, labelmap, volume_node
    ):
        _remove(scene, [_own_colours(labelmap), labelmap.GetDisplayNode(), labelmap])
        raise OutputError("Slicer could not make a label map of the teeth: see the error log")
    # Slicer numbers the segments by their order.
    voxels = slicer.util.arrayFromVolume(labelmap)
    voxels[:] = np.array([0, *fdis], voxels.dtype)[voxels]
    slicer.util.arrayFromVolumeModified(labelmap)
    _fill_colours(_own_colours(labelmap))
    return labelmap


def export_segmentation(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
) -> Path:
    """Write the segmentation, with names, colours, codes and tags, to a `.seg.nrrd` file.

    The label values of teeth are their FDI numbers, whatever they are in the scene.

    Raises:
        InputError: there are no teeth, or the name does not end in `.seg.nrrd`.
        OutputError: the file cannot be written, or is there and must not be replaced.
    """
    teeth_to_export(segmentation_node, every_segment=True)
    target = Path(path)
    if not target.name.endswith(_SUFFIX) or target.name == _SUFFIX:
        raise InputError(f"{target} is no name of a segmentation file: end it in {_SUFFIX}")
    with all_or_nothing(target.parent, overwrite=overwrite) as stage:
        # Not the node's own storage, which would then point to this file.
        storage = slicer.vtkMRMLSegmentationStorageNode()
        storage.SetFileName(str(stage / target.name))
        storage.UseCompressionOn()
        segments = with_fdi_values(without_empty(segmentation_node))
        # On a full disk the writer may fail without a word.
        if not (storage.WriteData(segments) and is_whole_nrrd(stage / target.name)):
            raise OutputError(
                f"cannot write {stage / target.name}: the disk may be full, or the path too long"
            )
    return target


def _remove(scene: slicer.vtkMRMLScene, nodes: list[slicer.vtkMRMLNode | None]) -> None:
    for node in nodes:
        if node is not None and scene.IsNodePresent(node):
            scene.RemoveNode(node)


def _remove_folder(hierarchy: slicer.vtkMRMLSubjectHierarchyNode, folder: int) -> None:
    """Remove a folder whose folders held models that are gone."""
    items = vtk.vtkIdList()
    hierarchy.GetItemChildren(folder, items, True)
    # The deepest first: Slicer's core alone keeps the item of a node that is gone, and would try
    # for ever to remove it with its folder.
    for number in reversed(range(items.GetNumberOfIds())):
        hierarchy.RemoveItem(items.GetId(number), False, False)
    hierarchy.RemoveItem(folder, False, False)


def _parent_item(
    hierarchy: slicer.vtkMRMLSubjectHierarchyNode, node: slicer.vtkMRMLSegmentationNode
) -> int:
    """The item that a node lies in, such as its study; the scene where it lies in none."""
    item = hierarchy.GetItemByDataNode(node)
    return int(hierarchy.GetItemParent(item) if item else hierarchy.GetSceneItemID())


def _put_into(
    hierarchy: slicer.vtkMRMLSubjectHierarchyNode, folder: int, model: slicer.vtkMRMLModelNode
) -> None:
    # Slicer's application makes an item for every new node, its core alone does not.
    item = hierarchy.GetItemByDataNode(model)
    if item:
        hierarchy.SetItemParent(item, folder)
    else:
        hierarchy.CreateItem(folder, model)


def _fill_model(
    model: slicer.vtkMRMLModelNode,
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    segment_id: str,
    fdi: int,
    mesh: vtk.vtkPolyData,
) -> None:
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    model.SetName(title_of(segment, fdi))
    model.SetAndObservePolyData(mesh)
    model.SetAndObserveTransformNodeID(segmentation_node.GetTransformNodeID())
    model.CreateDefaultDisplayNodes()
    model.GetDisplayNode().SetColor(segment.GetColor())


def _own_colours(
    labelmap: slicer.vtkMRMLLabelMapVolumeNode,
) -> slicer.vtkMRMLColorTableNode | None:
    """The colour table that Slicer has made for a label map; None where it has the common one."""
    colours = labelmap.GetDisplayNode().GetColorNode()
    if colours is None or colours.GetType() != slicer.vtkMRMLColorTableNode.User:
        return None
    return colours


def _fill_colours(table: slicer.vtkMRMLColorTableNode) -> None:
    """Names and colours of the adult teeth at their FDI numbers, nothing elsewhere."""
    teeth = {tooth.fdi: tooth for tooth in (*TEETH, *THIRD_MOLARS)}
    size = max(teeth) + 1
    table.SetNumberOfColors(size)
    table.GetLookupTable().SetRange(0, size - 1)
    table.GetLookupTable().SetNumberOfTableValues(size)
    for value in range(size):
        if value in teeth:
            colour = [channel / 255 for channel in teeth[value].colour]
            table.SetColor(value, f"{value} {teeth[value].name}", *colour, 1.0)
        elif hasattr(table, "SetColorDefined"):
            table.SetColor(value, "", 0.0, 0.0, 0.0, 0.0)
            table.SetColorDefined(value, False)
        else:  # Slicer before 5.12
            table.SetColor(value, table.GetNoName(), 0.0, 0.0, 0.0, 0.0)
