"""A picture in the making: panels of teeth, with words and lines on top in pixels."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.drawing.offscreen import offscreen_window, pixels
from ToothSegLib.drawing.views import View
from ToothSegLib.surfaces import Surface, to_polydata
from ToothSegLib.teeth import by_fdi

if TYPE_CHECKING:
    from vtkmodules.vtkFiltersCore import vtkPolyDataNormals
    from vtkmodules.vtkRenderingCore import vtkRenderer

PixelBox = tuple[int, int, int, int]
"""(left, bottom, width, height) in pixels from the picture's lower left."""

Colour = tuple[float, float, float]
"""Red, green, blue, 0-1."""

BACKGROUND: Colour = (0.965, 0.968, 0.975)
PANEL: Colour = (1.0, 1.0, 1.0)
INK: Colour = (0.13, 0.15, 0.19)
SOFT_INK: Colour = (0.42, 0.45, 0.50)

_EYE_DISTANCE_MM = 400.0
_LONGEST_TITLE = 64  # characters

_LATIN_1 = (chr(code) for code in (*range(0x20, 0x7F), *range(0xA0, 0x100)))
_BEYOND_LATIN_1 = (
    "ĀāĂăĄąĆćČčĎďĐđĒēĖėĘęĚěĞğĢģĪīĮįİıĶķĹĺĻļĽľŁłŃńŅņŇňŌōŐőŒœŔŕŖŗŘřŚśŞşŠšŢţŤťŪūŮůŰűŲųŸŹźŻżŽž"
    "ƒȘșȚț\N{EN DASH}—\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}‚“”„†‡•…‰‹›€™"
)
# In place of any other letter, be it Greek, Cyrillic or Chinese, VTK's own Arial draws nothing.
_DRAWN = frozenset((*_LATIN_1, *_BEYOND_LATIN_1))


class Canvas:
    """A picture of so many pixels. Raises NoDrawing where there is no OpenGL."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._normals: dict[Surface, vtkPolyDataNormals] = {}
        self._window = offscreen_window(width, height)
        self._window.SetMultiSamples(8)
        self._window.SetNumberOfLayers(2)
        self._layer((0, 0, width, height), BACKGROUND)
        self._top = self._layer((0, 0, width, height), BACKGROUND)
        self._top.SetLayer(1)

    def pixels(self) -> NDArray[np.uint8]:
        """(height, width, 3) RGB, the first row on top."""
        return pixels(self._window)

    def panel(self, box: PixelBox) -> None:
        """A white ground."""
        self._layer(box, PANEL)

    def teeth(self, surfaces: Mapping[int, Surface], view: View) -> None:
        """Surfaces by FDI number, each in its tooth's colour, on a white ground."""
        from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

        renderer = self._layer(view.box, PANEL)
        for fdi, surface in surfaces.items():
            mapper = vtkPolyDataMapper()
            mapper.SetInputConnection(self._shaded(surface).GetOutputPort())
            mapper.ScalarVisibilityOff()
            actor = vtkActor()
            actor.SetMapper(mapper)
            look = actor.GetProperty()
            look.SetColor(*(value / 255 for value in by_fdi(fdi).colour))
            look.SetAmbient(0.12)
            look.SetDiffuse(0.88)
            look.SetSpecular(0.18)
            look.SetSpecularPower(24)
            renderer.AddActor(actor)
        _light(renderer, view)
        camera = renderer.GetActiveCamera()
        camera.ParallelProjectionOn()
        camera.SetParallelScale(view.mm_per_pixel * view.box[3] / 2)
        camera.SetFocalPoint(*view.centre)
        camera.SetPosition(*(view.centre + _EYE_DISTANCE_MM * view.towards))
        camera.SetViewUp(*view.up)
        renderer.ResetCameraClippingRange()

    def _shaded(self, surface: Surface) -> vtkPolyDataNormals:
        """The surface with its normals, made once for all views."""
        from vtkmodules.vtkFiltersCore import vtkPolyDataNormals

        if surface not in self._normals:
            normals = vtkPolyDataNormals()
            normals.SetInputData(to_polydata(surface))
            normals.SplittingOff()
            normals.ConsistencyOff()  # surfaces are consistent
            self._normals[surface] = normals
        return self._normals[surface]

    def write(
        self,
        words: str,
        place: Sequence[float] | NDArray,
        size: int,
        *,
        bold: bool = False,
        align: Literal["left", "centre", "right"] = "left",
        colour: Colour = INK,
        ground: Colour | None = None,
    ) -> None:
        """Words at a pixel, on a patch of the ground's colour if one is given."""
        from vtkmodules.vtkRenderingCore import vtkTextActor

        actor = vtkTextActor()
        actor.SetInput(words)
        style = actor.GetTextProperty()
        style.SetFontFamilyToArial()
        style.SetFontSize(size)
        style.SetBold(bold)
        style.SetColor(*colour)
        style.SetVerticalJustificationToCentered()
        style.SetJustification({"left": 0, "centre": 1, "right": 2}[align])
        if ground is not None:
            style.SetBackgroundColor(*ground)
            style.SetBackgroundOpacity(0.72)
        actor.SetPosition(float(place[0]), float(place[1]))
        self._top.AddViewProp(actor)

    def line(self, start: Sequence[float], end: Sequence[float], width: float = 1.2) -> None:
        """A line from pixel to pixel."""
        from vtkmodules.vtkFiltersSources import vtkLineSource
        from vtkmodules.vtkRenderingCore import vtkActor2D, vtkPolyDataMapper2D

        line = vtkLineSource()
        line.SetPoint1(start[0], start[1], 0)
        line.SetPoint2(end[0], end[1], 0)
        mapper = vtkPolyDataMapper2D()
        mapper.SetInputConnection(line.GetOutputPort())
        actor = vtkActor2D()
        actor.SetMapper(mapper)
        actor.GetProperty().SetColor(*SOFT_INK)
        actor.GetProperty().SetLineWidth(width)
        self._top.AddViewProp(actor)

    def image(self, box: PixelBox, picture: NDArray[np.uint8]) -> None:
        """(height, width, 3) RGB of a box's own size, the first row on top."""
        from vtkmodules.util.numpy_support import numpy_to_vtk
        from vtkmodules.vtkCommonDataModel import vtkImageData
        from vtkmodules.vtkRenderingCore import vtkActor2D, vtkImageMapper

        height, width, _ = picture.shape
        image = vtkImageData()
        image.SetDimensions(width, height, 1)
        image.GetPointData().SetScalars(numpy_to_vtk(picture[::-1].reshape(-1, 3), deep=True))
        mapper = vtkImageMapper()
        mapper.SetInputData(image)
        mapper.SetColorWindow(255)
        mapper.SetColorLevel(127.5)
        actor = vtkActor2D()
        actor.SetMapper(mapper)
        actor.SetPosition(box[0], box[1])
        self._top.AddViewProp(actor)

    def _layer(self, box: PixelBox, ground: Colour) -> vtkRenderer:
        from vtkmodules.vtkRenderingCore import vtkRenderer

        left, bottom, width, height = box
        renderer = vtkRenderer()
        renderer.SetViewport(
            left / self.width,
            bottom / self.height,
            (left + width) / self.width,
            (bottom + height) / self.height,
        )
        renderer.SetBackground(*ground)
        self._window.AddRenderer(renderer)
        return renderer


def shortened(title: str) -> str:
    """A title that fits, its end kept: that is where files differ.

    A letter that cannot be drawn becomes the one without its marks, or else a question mark; a
    title of nothing else becomes empty.
    """
    letters = unicodedata.normalize("NFC", title)
    drawn = [_drawable(letter) for letter in letters if not unicodedata.combining(letter)]
    if not "".join(drawn).strip():
        return ""
    title = "".join(letter or "?" for letter in drawn)
    if len(title) <= _LONGEST_TITLE:
        return title
    half = _LONGEST_TITLE // 2
    return f"{title[:half]}\N{HORIZONTAL ELLIPSIS}{title[-(half - 1) :]}"


def _drawable(letter: str) -> str:
    """A letter, else the same without its marks, else nothing, by what the font has."""
    plain = unicodedata.normalize("NFD", letter)[0]
    return next((one for one in (letter, plain) if one in _DRAWN), "")


def _light(renderer: vtkRenderer, view: View) -> None:
    """A main light from the upper left and a weak one from the right."""
    from vtkmodules.vtkRenderingCore import vtkLight

    renderer.RemoveAllLights()
    renderer.AutomaticLightCreationOff()
    for right, up, strength in ((-0.6, 0.8, 0.85), (0.9, -0.1, 0.35)):
        beam = view.towards + right * view.right + up * view.up
        light = vtkLight()
        light.SetLightTypeToSceneLight()
        light.SetPosition(*(view.centre + _EYE_DISTANCE_MM * beam))
        light.SetFocalPoint(*view.centre)
        light.SetIntensity(strength)
        renderer.AddLight(light)
