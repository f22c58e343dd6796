"""Brings up Slicer's own C++ core (PyPI's slicer-core) without a desktop.

What differs from desktop Slicer:
- ``slicer.app`` is a small object of our own (``application.py``); there is no module factory, no
  plug-in of the subject hierarchy (nodes get no item by themselves: call ``CreateItem``), no
  displayable manager, no view that renders.
- The logics listed in ``LOGICS`` are genuine and know one another as in Slicer; others are absent.
- The slice nodes Red, Green and Yellow and the view node 1 are there, as after Slicer's start.
- There are no terminology or colour files: Slicer ships those outside its core.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
MODULE_FOLDER = REPOSITORY / "ToothSeg"

# Slicer's name of a module -> the class of its logic.
LOGICS = {
    "Colors": "vtkSlicerColorLogic",
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Cameras": "vtkSlicerCamerasModuleLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Models": "vtkSlicerModelsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "CropVolume": "vtkSlicerCropVolumeLogic",
    "VolumeRendering": "vtkSlicerVolumeRenderingLogic",
}


def start(temporary: Path) -> Any:
    """Start the core once a process and hang it on the ``slicer`` package; give ``slicer.app``.

    ``temporary`` is an existing folder that the run may fill. Raises ImportError where slicer-core
    or PySide6 is not installed.
    """
    # Both choose their back end when they are first imported.
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    import slicer

    if hasattr(slicer, "app"):
        return slicer.app
    # Slicer puts a scripted module's own folder on the path; the library lies beside the module.
    for folder in (REPOSITORY, MODULE_FOLDER):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))

    import compat

    compat.install()
    from application import Application

    scene, logic = _start_core(slicer, temporary)
    slicer.mrmlScene = scene
    slicer.modules = SimpleNamespace()
    with _silence():
        _start_logics(slicer, scene, logic, temporary)
    slicer.app = Application(scene, logic, temporary)
    return slicer.app


@contextmanager
def _silence() -> Iterator[None]:
    """No complaints about the colour and terminology files, which are not part of the core."""
    import vtk

    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)
    try:
        yield
    finally:
        vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_INFO)


def _start_core(slicer: Any, temporary: Path) -> tuple[Any, Any]:
    """A scene and its application logic, able to read and write scene bundles."""
    scene = slicer.vtkMRMLScene()
    logic = slicer.vtkSlicerApplicationLogic()
    folders = {name: temporary / name for name in ("home", "share", "cache", "temporary")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    logic.SetHomeDirectory(str(folders["home"]))
    logic.SetShareDirectory(str(folders["share"]))
    logic.SetTemporaryPath(str(folders["temporary"]))
    logic.SetMRMLScene(scene)

    # Without these reading a .mrb fails: its data files are fetched through the cache.
    remote = slicer.vtkMRMLRemoteIOLogic()
    remote.SetMRMLApplicationLogic(logic)
    remote.GetCacheManager().SetRemoteCacheDirectory(str(folders["cache"]))
    remote.GetCacheManager().SetMRMLScene(scene)
    remote.SetMRMLScene(scene)
    remote.AddDataIOToScene()
    data = slicer.vtkDataIOManagerLogic()
    data.SetMRMLApplicationLogic(logic)
    data.SetAndObserveDataIOManager(remote.GetDataIOManager())
    logic.SetMRMLSceneDataIO(scene, remote, data)
    _KEPT.extend((scene, logic, remote, data))
    return scene, logic


def _start_logics(slicer: Any, scene: Any, logic: Any, temporary: Path) -> None:
    """The modules' logics as ``slicer.modules.<name>.logic()``, and the default views."""
    import vtk

    from application import Module

    for name, class_name in LOGICS.items():
        module_logic = getattr(slicer, class_name)()
        share = temporary / "share" / name
        share.mkdir(parents=True, exist_ok=True)
        if hasattr(module_logic, "SetModuleShareDirectory"):
            module_logic.SetModuleShareDirectory(str(share))
        module_logic.SetMRMLApplicationLogic(logic)
        module_logic.SetMRMLScene(scene)
        logic.SetModuleLogic(name, module_logic)
        setattr(slicer.modules, name.lower(), Module(name, module_logic))
    slicer.modules.segmenteditor = Module("SegmentEditor", None)
    colors = slicer.modules.colors.logic()
    colors.AddDefaultColorNodes()
    logic.SetColorLogic(colors)

    slices, views = vtk.vtkCollection(), vtk.vtkCollection()
    for view, orientation in (("Red", "Axial"), ("Yellow", "Sagittal"), ("Green", "Coronal")):
        slice_logic = slicer.vtkMRMLSliceLogic()
        slice_logic.SetMRMLApplicationLogic(logic)
        slice_logic.SetMRMLScene(scene)
        slice_logic.AddSliceNode(view).SetOrientation(orientation)
        slices.AddItem(slice_logic)
    view_logic = slicer.vtkMRMLViewLogic()
    view_logic.SetMRMLApplicationLogic(logic)
    view_logic.SetMRMLScene(scene)
    view_logic.AddViewNode("1")
    views.AddItem(view_logic)
    logic.SetSliceLogics(slices)
    logic.SetViewLogics(views)
    _KEPT.extend((slices, views))


# The core's objects are held by nobody else and must outlive every test.
_KEPT: list[Any] = []
