"""How the teeth are seen: visibility, opacity, and bringing one into the middle of every view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import slicer
import slicer.util

from ToothSegScene.nodes import as_one_change, nodes_of_class
from ToothSegScene.segments import REPORT, VOLUME, teeth_of


@dataclass(frozen=True)
class Look:
    """The display of a tooth's segment: RGB 0-255, and opacity 0-1 in 3D."""

    colour: tuple[int, int, int]
    visible: bool
    opacity: float


def looks_of(segmentation_node: Any) -> dict[int, Look]:
    """FDI number -> look, of the teeth that are there."""
    display = _display_node(segmentation_node)
    segmentation = segmentation_node.GetSegmentation()
    looks = {}
    for fdi, segment_id in teeth_of(segmentation_node).items():
        red, green, blue = segmentation.GetSegment(segment_id).GetColor()
        looks[fdi] = Look(
            colour=(round(255 * red), round(255 * green), round(255 * blue)),
            visible=bool(display.GetSegmentVisibility(segment_id)),
            opacity=float(display.GetSegmentOpacity3D(segment_id)),
        )
    return looks


def set_visible(segmentation_node: Any, teeth: Iterable[int], visible: bool) -> None:
    """Show or hide teeth in all views; those that are not there are passed over."""
    display = _display_node(segmentation_node)
    with as_one_change(segmentation_node, display):
        for segment_id in _ids(segmentation_node, teeth):
            display.SetSegmentVisibility(segment_id, visible)


def set_opacity(segmentation_node: Any, teeth: Iterable[int], opacity: float) -> None:
    """Set the opacity 0-1 of teeth in all views; those that are not there are passed over."""
    display = _display_node(segmentation_node)
    with as_one_change(segmentation_node, display):
        for segment_id in _ids(segmentation_node, teeth):
            display.SetSegmentOpacity(segment_id, opacity)


def show_in_3d(segmentation_node: Any) -> None:
    """Make the surfaces, unless they are there, and show them."""
    segmentation_node.CreateClosedSurfaceRepresentation()
    _display_node(segmentation_node).SetVisibility3D(True)


def has_surfaces(segmentation_node: Any) -> bool:
    """Whether surfaces have been made of the teeth, for the 3D views."""
    return bool(segmentation_node.GetSegmentation().ContainsRepresentation("Closed surface"))


def bring_forward(segmentation_node: Any) -> None:
    """Show a result alone: hide the other ones, and put its scan into the slice views.

    The views are left alone where one of them shows the scan. Segmentations that no run has made
    stay as they are.
    """
    _hide_results(segmentation_node.GetScene(), but=segmentation_node)
    _display_node(segmentation_node)
    segmentation_node.SetDisplayVisibility(True)
    put_into_slices(segmentation_node.GetNodeReference(VOLUME))


def show_scan_alone(volume_node: Any) -> None:
    """Hide all results, and put a scan that has none into the slice views."""
    _hide_results(volume_node.GetScene())
    put_into_slices(volume_node)


def put_into_slices(volume_node: Any) -> None:
    """Show a scan in all slice views unless one shows it: teeth over another would mislead.

    Nothing happens where it is None.
    """
    if volume_node is not None and not is_in_slices(volume_node):
        show_in_slices(volume_node)


def is_in_slices(volume_node: Any) -> bool:
    """Whether a slice view of the layout shows a volume, alone or over another one."""
    return volume_node.GetID() in _shown_in_slices(volume_node.GetScene())


def other_scan_in_words(segmentation_node: Any, volume_node: Any) -> str:
    """That the slice views show another scan than that of a result; "" where they do not.

    Args:
        segmentation_node: the result.
        volume_node: its scan, or None where that is not known.
    """
    if volume_node is None or is_in_slices(volume_node):
        return ""
    shown = map(volume_node.GetScene().GetNodeByID, _shown_in_slices(volume_node.GetScene()))
    names = [str(node.GetName()) for node in shown if node is not None]
    if not names:
        return ""  # empty views mislead nobody
    return (
        f"The slice views show {' and '.join(names)}, not {volume_node.GetName()}, the scan of "
        f"{segmentation_node.GetName()}: click on a tooth to see that one."
    )


def _shown_in_slices(scene: Any) -> list[str]:
    """Ids of the volumes in the slice views, each once; of hidden views where the layout has none.

    A view that the layout does not have keeps its volume, and nobody sees it.
    """
    views = [
        (slicer.vtkMRMLSliceLogic.GetSliceNode(layers), layers)
        for layers in nodes_of_class(scene, "vtkMRMLSliceCompositeNode")
    ]
    mapped = [layers for view, layers in views if view is not None and view.IsMappedInLayout()]
    ids = []
    for layers in mapped or [layers for _, layers in views]:
        ids.append(layers.GetBackgroundVolumeID())
        if layers.GetForegroundOpacity() > 0:
            ids.append(layers.GetForegroundVolumeID())
    return list(dict.fromkeys(filter(None, ids)))


def show_in_slices(volume_node: Any) -> None:
    """Show a volume in all slice views, whole."""
    slicer.util.setSliceViewerLayers(background=volume_node)
    slicer.util.resetSliceViews()


def centre_in_3d(segmentation_node: Any) -> None:
    """Turn the 3D views to the middle of the segments; a scan may lie far from where they look."""
    bounds = [0.0] * 6
    segmentation_node.GetRASBounds(bounds)
    if all(first <= last for first, last in zip(bounds[::2], bounds[1::2])):
        centre = [(first + last) / 2 for first, last in zip(bounds[::2], bounds[1::2])]
        _look_at(segmentation_node.GetScene(), centre)


def bring_into_view(segmentation_node: Any, teeth: Iterable[int], volume_node: Any) -> None:
    """Make teeth visible and centre the slice views and the 3D views on the first of them.

    Nothing happens where none of the teeth is there.

    Args:
        segmentation_node: the result.
        teeth: FDI numbers.
        volume_node: its scan, which comes into the slice views if none shows it; None if unknown.
    """
    ids = _ids(segmentation_node, teeth)
    if not ids:
        return
    set_visible(segmentation_node, teeth, True)
    show_in_3d(segmentation_node)
    put_into_slices(volume_node)
    centre_views(segmentation_node.GetScene(), segmentation_node.GetSegmentCenterRAS(ids[0]))


def centre_views(scene: Any, centre: Sequence[float]) -> None:
    """Centre the slice views and the 3D views on a point, in world RAS mm."""
    for node in nodes_of_class(scene, "vtkMRMLSliceNode"):
        node.JumpSliceByCentering(*centre)
    _look_at(scene, centre)


def _look_at(scene: Any, centre: Sequence[float]) -> None:
    """Move all cameras to a point in RAS mm; the direction and the distance of the look stay."""
    for camera in nodes_of_class(scene, "vtkMRMLCameraNode"):
        shift = [to - at for to, at in zip(centre, camera.GetFocalPoint())]
        camera.SetPosition(*(at + by for at, by in zip(camera.GetPosition(), shift)))
        camera.SetFocalPoint(*centre)
        camera.ResetClippingRange()


def _hide_results(scene: Any, but: Any = None) -> None:
    for node in nodes_of_class(scene, "vtkMRMLSegmentationNode"):
        if node is not but and node.GetAttribute(REPORT):
            node.SetDisplayVisibility(False)


def _ids(segmentation_node: Any, teeth: Iterable[int]) -> list[str]:
    there = teeth_of(segmentation_node)
    return [there[fdi] for fdi in teeth if fdi in there]


def _display_node(segmentation_node: Any) -> Any:
    if segmentation_node.GetDisplayNode() is None:
        segmentation_node.CreateDefaultDisplayNodes()
    return segmentation_node.GetDisplayNode()
