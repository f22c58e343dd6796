"""What the panel remembers; it is saved with the scene."""

from __future__ import annotations

from typing import Annotated, Any

from slicer import vtkMRMLMarkupsROINode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper


@parameterNodeWrapper
class ToothSegParameterNode:
    """The parameters of a run and of the export of its result.

    Not of its data set, nor the notation of the teeth: a scene comes from anybody, and these are
    the user's (see ``ToothSegScene.user_settings``). Nor where files go to: the path of a folder
    may tell who the patient is, and a colleague's is not the user's.

    The words are those of the library (``device``, ``precision``) and of
    ``ToothSegScene.export``; an empty ``bundle`` stands for the default one.
    """

    inputVolume: vtkMRMLScalarVolumeNode
    roi: vtkMRMLMarkupsROINode
    segmentation: vtkMRMLSegmentationNode
    bundle: str = ""
    device: str = "auto"
    precision: str = "auto"
    emptySegments: bool = False
    output: str = "new"
    smoothing: Annotated[float, WithinRange(0.0, 1.0)] = 0.5
    exportFormat: str = "STL"
    exportGrouping: str = "tooth"


def connect_widgets(parameters: Any, ui: Any) -> int:
    """Tie the widgets that carry a parameter's name to it; a tag for ``disconnectGui``.

    Not by ``connectGui``, which does just this but gives no tag (Slicer's issue 7547), so that the
    widgets would stay tied to the parameters of every scene before. What ``disconnectGui`` leaves
    is an observer on the parameter node, one a visit of the module: it brings the widgets in line
    that are tied then, and keeps the parameters: let them be the same object each time.
    """
    named = {widget.property("SlicerParameterName"): widget for widget in vars(ui).values()}
    mapping = {name: widget for name, widget in named.items() if name}
    return int(parameters.connectParametersToGui(mapping))
