"""Reading and writing of files, behind ``slicer.util.loadVolume``, ``saveNode``, ``saveScene``...

What differs from desktop Slicer: only the kinds of file in ``CoreIOManager.loadNodes`` are known.
They go through the same logics and storage nodes as in Slicer; a loaded volume is not shown, and a
failure is told by the return value alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_TYPES = {
    ".mrb": "SceneFile",
    ".mrml": "SceneFile",
    ".seg.nrrd": "SegmentationFile",
    ".seg.vtm": "SegmentationFile",
    ".mrk.json": "MarkupsFile",
    ".fcsv": "MarkupsFile",
    ".ctbl": "ColorTableFile",
    ".h5": "TransformFile",
    ".tfm": "TransformFile",
    ".stl": "ModelFile",
    ".obj": "ModelFile",
    ".vtk": "ModelFile",
    ".vtp": "ModelFile",
    ".ply": "ModelFile",
}

# The bits of vtkSlicerVolumesLogic's loading options.
_VOLUME_OPTIONS = {
    "labelmap": 1,
    "center": 2,
    "singleFile": 4,
    "autoWindowLevel": 8,
    "discardOrientation": 16,
}


class CoreIOManager:
    """Stand-in of qSlicerCoreIOManager."""

    def __init__(self, scene: Any, logic: Any) -> None:
        self._scene, self._logic = scene, logic

    def fileType(self, filename: str) -> str:
        """The kind of a file by its name; a volume where the name says nothing else."""
        name = str(filename).lower()
        return next((kind for end, kind in _TYPES.items() if name.endswith(end)), "VolumeFile")

    def fileWriterFileType(self, node: Any) -> str:
        """Every node is written by its storage node."""
        return "NodeFile"

    def loadNodes(self, kind: str, properties: dict, loaded: Any, messages: Any = None) -> bool:
        """Load one file; what came of it is added to ``loaded``."""
        import slicer

        path = str(properties["fileName"])
        name = properties.get("name") or Path(path).name.split(".")[0]
        if not Path(path).is_file():
            return False
        if kind == "SceneFile":
            return self._load_scene(path, bool(properties.get("clear", False)), messages)
        if kind == "VolumeFile":
            options = sum(
                bit * bool(properties.get(option, option == "autoWindowLevel"))
                for option, bit in _VOLUME_OPTIONS.items()
            )
            node = slicer.modules.volumes.logic().AddArchetypeVolume(path, name, options)
        elif kind == "SegmentationFile":
            node = slicer.modules.segmentations.logic().LoadSegmentationFromFile(path, False, name)
        elif kind == "ModelFile":
            node = slicer.modules.models.logic().AddModel(path)
        elif kind == "TransformFile":
            node = slicer.modules.transforms.logic().AddTransform(path, self._scene)
        elif kind == "MarkupsFile":
            node_id = slicer.modules.markups.logic().LoadMarkups(path, name)
            node = self._scene.GetNodeByID(node_id) if node_id else None
        elif kind == "ColorTableFile":
            node = slicer.modules.colors.logic().LoadColorFile(path, name)
        else:
            raise NotImplementedError(f"the harness loads no {kind}")
        if node is None:
            return False
        loaded.AddItem(node)
        return True

    def saveNodes(self, kind: str, properties: dict, messages: Any = None) -> bool:
        """Write the scene, or one node by its storage node."""
        path = str(properties["fileName"])
        if kind == "SceneFile":
            return self._save_scene(path, messages)
        node = self._scene.GetNodeByID(properties["nodeID"])
        if node.GetStorageNode() is None and not node.AddDefaultStorageNode(path):
            return False
        storage = node.GetStorageNode()
        storage.SetFileName(path)
        if "useCompression" in properties:
            storage.SetUseCompression(bool(properties["useCompression"]))
        return bool(storage.WriteData(node))

    def _load_scene(self, path: str, clear: bool, messages: Any) -> bool:
        if path.lower().endswith(".mrb"):
            return bool(self._scene.ReadFromMRB(path, clear, messages))
        self._scene.SetURL(path)
        return bool(self._scene.Connect() if clear else self._scene.Import())

    def _save_scene(self, path: str, messages: Any) -> bool:
        if path.lower().endswith(".mrb"):
            return bool(self._scene.WriteToMRB(path, None, messages))
        if path.lower().endswith(".mrml"):
            self._scene.SetRootDirectory(str(Path(path).parent))
            return bool(self._scene.Commit(path))
        return bool(self._scene.SaveSceneToSlicerDataBundleDirectory(path, None, messages))
