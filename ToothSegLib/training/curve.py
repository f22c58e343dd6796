"""The course of a training as a picture: loss and held-out Dice over the steps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ToothSegLib.drawing.offscreen import offscreen_window, pixels, write_png

_SIZE = (900, 640)
_SMOOTHING = 25
_LOSS_COLOUR, _DICE_COLOUR = (40, 90, 170, 255), (200, 80, 40, 255)
Point = tuple[float, float]
Colour = tuple[int, int, int, int]


def draw_curve(
    path: str | os.PathLike[str],
    title: str,
    losses: Sequence[float],
    checks: Sequence[Point],
) -> None:
    """Write a PNG of two panels: the loss, smoothed, above the held-out Dice.

    Args:
        path: of the picture.
        title: above it.
        losses: of every step.
        checks: (step, Dice) of every look at the held-out cases.

    Raises:
        NoDrawing: there is no OpenGL to draw with.
        OutputError: the file cannot be written.
    """
    import vtkmodules.vtkRenderingContextOpenGL2  # noqa: F401  (registers the painters)
    from vtkmodules.vtkRenderingContext2D import vtkContextActor
    from vtkmodules.vtkRenderingCore import vtkRenderer

    window = offscreen_window(*_SIZE)
    smooth = _smoothed(losses)
    panels: tuple[tuple[str, list[Point], Colour], ...] = (
        ("loss", list(zip(range(1, len(smooth) + 1), smooth, strict=True)), _LOSS_COLOUR),
        ("held-out Dice", list(checks), _DICE_COLOUR),
    )
    for place, (name, points, colour) in enumerate(panels):
        renderer = vtkRenderer()
        renderer.SetBackground(1.0, 1.0, 1.0)
        renderer.SetViewport(0.0, 0.5 * (1 - place), 1.0, 0.5 * (2 - place))
        actor = vtkContextActor()
        actor.GetScene().AddItem(_chart(title if place == 0 else "", name, points, colour))
        renderer.AddActor(actor)
        window.AddRenderer(renderer)
    write_png(path, pixels(window))


def _chart(title: str, name: str, points: Sequence[Point], colour: Colour) -> Any:
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkChartsCore import vtkAxis, vtkChart, vtkChartXY, vtkPlotPoints
    from vtkmodules.vtkCommonDataModel import vtkTable

    chart = vtkChartXY()
    chart.SetTitle(title)
    chart.GetAxis(vtkAxis.BOTTOM).SetTitle("step")
    chart.GetAxis(vtkAxis.LEFT).SetTitle(name)
    finite = [point for point in points if np.isfinite(point).all()]
    if not finite:
        return chart
    table = vtkTable()
    for label, column in zip(("step", name), np.array(finite, float).T, strict=True):
        values = numpy_to_vtk(np.ascontiguousarray(column), deep=True)
        values.SetName(label)
        table.AddColumn(values)
    line: Any = chart.AddPlot(vtkChart.LINE)  # a plot of points, whatever the stubs say
    line.SetInputData(table, 0, 1)
    line.SetColor(*colour)
    line.SetWidth(2.0)
    if len(finite) < 2 * _SMOOTHING:
        line.SetMarkerStyle(vtkPlotPoints.CIRCLE)
    return chart


def _smoothed(losses: Sequence[float]) -> list[float]:
    """Running mean over the steps before."""
    return [
        float(np.mean(losses[max(0, end - _SMOOTHING) : end])) for end in range(1, len(losses) + 1)
    ]
