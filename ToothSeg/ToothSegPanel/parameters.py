"""What the panel remembers; it is saved with the scene."""

from __future__ import annotations

from typing import Annotated

from slicer import vtkMRMLMarkupsROINode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper


@parameterNodeWrapper
class ToothSegParameterNode:
    """The parameters of a run, of the result's display and of its export.

    The words are those of the library (``device``, ``precision``), of `notation.NOTATIONS` and of
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
    notation: str = "FDI"
    smoothing: Annotated[float, WithinRange(0.0, 1.0)] = 0.5
    exportFolder: str = ""
    exportFormat: str = "STL"
    exportGrouping: str = "tooth"
