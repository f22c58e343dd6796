"""Drawing without a screen: a render window, its pixels, and PNG files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.disk.atomic import replacing
from ToothSegLib.errors import OutputError

if TYPE_CHECKING:
    from vtkmodules.vtkRenderingCore import vtkRenderWindow


class NoDrawing(OutputError):
    """This machine cannot draw 3D pictures; everything else works."""


def offscreen_window(width: int, height: int) -> vtkRenderWindow:
    """A render window of so many pixels that needs no screen.

    VTK 9.4 and later try a window system first, then EGL, then OSMesa.

    Raises:
        NoDrawing: there is no OpenGL to draw with.
    """
    import vtkmodules.vtkRenderingFreeType  # registers the fonts
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  (registers the windows)
    from vtkmodules.vtkRenderingCore import vtkRenderWindow

    with _quiet_vtk():
        window = vtkRenderWindow()
        window.SetShowWindow(False)
        window.SetOffScreenRendering(1)
        if hasattr(window, "SetConnectContextToNSView"):
            # Else macOS makes a window after all, and ends a process that does so in a thread.
            window.SetConnectContextToNSView(False)
        window.SetSize(width, height)
        # The last resort is given without a look at whether its library is there, and the first
        # call that needs OpenGL would then end the process.
        last_resort = window.GetClassName() == "vtkOSOpenGLRenderWindow"
        if (last_resort and not find_library("OSMesa")) or not window.SupportsOpenGL():
            raise NoDrawing(
                "no picture: there is no OpenGL to draw with on this machine; on Debian or Ubuntu "
                "install libegl1 and libgl1-mesa-dri"
            )
    return window


def pixels(window: vtkRenderWindow) -> NDArray[np.uint8]:
    """Draw the window: (height, width, 3) RGB, the first row on top."""
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkRenderingCore import vtkWindowToImageFilter

    with _quiet_vtk():
        grab = vtkWindowToImageFilter()  # which draws what it grabs
        grab.SetInput(window)
        grab.SetInputBufferTypeToRGB()
        grab.ReadFrontBufferOff()
        grab.Update()
    image = grab.GetOutput()
    width, height, _ = image.GetDimensions()
    rows = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, 3)
    return np.ascontiguousarray(rows[::-1])


def write_png(path: str | os.PathLike[str], picture: NDArray[np.uint8]) -> None:
    """Write (height, width, 3) RGB as PNG, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkIOImage import vtkPNGWriter

    height, width, _ = picture.shape
    image = vtkImageData()
    image.SetDimensions(width, height, 1)
    image.GetPointData().SetScalars(numpy_to_vtk(picture[::-1].reshape(-1, 3), deep=True))
    writer = vtkPNGWriter()
    writer.SetInputData(image)
    # VTK does not say when a disk is full, so the bytes are written here.
    writer.WriteToMemoryOn()
    writer.Write()
    with replacing(path) as file:
        file.write(vtk_to_numpy(writer.GetResult()).tobytes())


@contextmanager
def _quiet_vtk() -> Iterator[None]:
    """Keep VTK's remarks on windows that it tries in vain from the terminal."""
    from vtkmodules.vtkCommonCore import vtkLogger, vtkObject

    warnings = vtkObject.GetGlobalWarningDisplay()
    verbosity = vtkLogger.GetCurrentVerbosityCutoff()
    vtkObject.GlobalWarningDisplayOff()
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    try:
        yield
    finally:
        vtkObject.SetGlobalWarningDisplay(warnings)
        vtkLogger.SetStderrVerbosity(vtkLogger.ConvertToVerbosity(verbosity))
