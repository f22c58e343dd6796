"""Draws the module's icon: a molar in the colours of the eight categories.

    python docs/draw_icon.py [FILE]    (needs matplotlib)

The rays meet where the roots part; their colours are those that the module gives the teeth.
"""

from __future__ import annotations

import argparse
from pathlib import Path as FilePath

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Ellipse, PathPatch, Wedge
from matplotlib.path import Path

from ToothSegLib.teeth import CATEGORIES, TEETH

ICON = FilePath(__file__).resolve().parents[1] / "ToothSeg" / "Resources" / "Icons" / "ToothSeg.png"
PIXELS = 128
OUTLINE = "#22384a"

# The left half from the fissure down to the fork, as cubic curves; x is mirrored for the right.
FISSURE, FORK = (0.0, 0.70), (0.0, -0.20)
LEFT_HALF = [
    ((-0.12, 0.70), (-0.20, 0.88), (-0.40, 0.88)),  # up to the cusp
    ((-0.68, 0.88), (-0.84, 0.58), (-0.74, 0.22)),  # down the crown
    ((-0.67, -0.02), (-0.62, -0.14), (-0.61, -0.32)),  # the neck
    ((-0.59, -0.62), (-0.52, -0.94), (-0.37, -0.94)),  # the root
    ((-0.20, -0.94), (-0.26, -0.20), FORK),  # up to the fork
]


def tooth_outline() -> Path:
    """A molar with two roots, crown upwards, within -1 to 1."""
    points = [FISSURE, *(point for curve in LEFT_HALF for point in curve)]
    right = [(-x, y) for x, y in reversed(points[:-1])]
    vertices = [*points, *right]
    codes = [Path.MOVETO] + [Path.CURVE4] * (len(vertices) - 1)
    return Path(vertices, codes)


def category_colours() -> list[tuple[float, float, float]]:
    """One full colour a category, in their order: the mean of the shades of its teeth."""
    return [
        tuple(np.mean([t.colour for t in TEETH if t.category == category.index], axis=0) / 255)
        for category in CATEGORIES
    ]


def draw(path: FilePath) -> None:
    """Write the icon, 128 x 128 pixels on a clear ground."""
    figure = plt.figure(figsize=(1, 1), dpi=PIXELS)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-1.02, 1.02), ylim=(-1.05, 0.99))
    axes.axis("off")
    outline = tooth_outline()
    clip = PathPatch(outline, facecolor="none", edgecolor="none")
    axes.add_patch(clip)
    # A light rim sets the dark outline off a dark ground.
    rim = PathPatch(outline, facecolor="white", edgecolor="white", linewidth=4.4)
    axes.add_patch(rim)

    # The upper categories fill the crown from left to right, the lower ones the roots.
    edges = [*np.linspace(200, -20, 5)], [*np.linspace(200, 340, 5)]
    colours = category_colours()
    for rays, part in ((edges[0], colours[:4]), (edges[1], colours[4:])):
        for start, end, colour in zip(rays, rays[1:], part):
            low, high = sorted((start, end))
            wedge = Wedge(FORK, 2, low, high, facecolor=colour, edgecolor="white", linewidth=0.9)
            wedge.set_clip_path(clip)
            axes.add_patch(wedge)

    shine = Ellipse((-0.43, 0.52), 0.20, 0.42, angle=-24, facecolor="white", alpha=0.55)
    shine.set_clip_path(clip)
    axes.add_patch(shine)
    axes.add_patch(
        PathPatch(outline, fill=False, edgecolor=to_rgb(OUTLINE), linewidth=2.4, joinstyle="round")
    )
    figure.savefig(path, transparent=True)
    plt.close(figure)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", metavar="FILE", nargs="?", type=FilePath, default=ICON)
    draw(parser.parse_args().file)
