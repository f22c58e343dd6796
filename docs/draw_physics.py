"""Draw docs/physics.png: one head as the randomised pictures and two simulated scanners show it.

    python docs/draw_physics.py [PATH]

The head is in the same pose in every row, which `simulate_scan` and `simulate_cbct` leave to
chance. A quarter of an hour; needs the extras 'physics' and 'dev'.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ToothSegLib.grids.itk_image import resample, to_itk
from ToothSegLib.progress import Progress
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.synthesis.detail import refined
from ToothSegLib.synthesis.physics import attenuation_map, scan
from ToothSegLib.synthesis.pictures import make_picture
from ToothSegLib.synthesis.posing import VIEW_CENTRE, place_head
from ToothSegLib.synthesis.scanner import SCANNERS, Scanner
from ToothSegLib.volume import Volume

PICTURE = Path(__file__).with_name("physics.png")
SEED = 1  # a head with fillings, crowns and an implant
WINDOW = (-1000.0, 2800.0)
GREY_LEVELS = 24  # more would only make the file larger
TITLE, GAP = 26, 6
LARGER = 2
COLUMNS = ("upper teeth", "right molars, from the side", "molars, from the front")


def main(path: Path) -> None:
    """Write the picture."""
    case = refined(make_case(SEED, ordinary=True), 2)
    rng = np.random.default_rng(SEED)
    tissue, labels = place_head(case, VIEW_CENTRE, rng, tilt_deg=3.0)
    standard = SCANNERS["standard"]
    cut = slices(on_grid(labels, standard))

    randomised = make_picture(
        torch.from_numpy(on_grid(tissue, standard)),
        standard.voxel_mm,
        torch.Generator().manual_seed(SEED),
        shadows=True,
    )
    rows = [row("randomised", cut(stretched(randomised.numpy())))]
    for name in ("standard", "low-dose"):
        scanner = SCANNERS[name]
        attenuation = attenuation_map(tissue, scanner, np.random.default_rng(SEED))
        hu = scan(attenuation, tissue, scanner, np.random.default_rng(SEED), Progress())
        rows.append(row(f"simulated physics, {name}", cut(hu)))
    Image.fromarray(np.vstack(rows)).quantize(GREY_LEVELS).save(path, optimize=True)


def on_grid(volume: Volume, scanner: Scanner) -> NDArray[np.uint8]:
    """Codes of a placed head on the scanner's grid."""
    origin = tuple(-(n - 1) / 2 * scanner.voxel_mm for n in reversed(scanner.shape))
    spacing = (scanner.voxel_mm,) * 3
    return resample(to_itk(volume), scanner.shape, spacing, origin, np.eye(3), how="nearest")


def slices(labels: NDArray[np.uint8]) -> Callable[[NDArray], list[NDArray]]:
    """Cuts through the upper teeth, along the right first molars and across the molars."""
    upper = np.argwhere((labels >= 11) & (labels <= 28)).mean(axis=0).round().astype(int)
    molar = np.argwhere(np.isin(labels, (16, 46))).mean(axis=0).round().astype(int)

    def cut(picture: NDArray) -> list[NDArray]:
        return [picture[upper[0]], picture[::-1, :, molar[2]], picture[::-1, molar[1], :]]

    return cut


def stretched(picture: NDArray) -> NDArray:
    """A picture of any grey values, its darkest and brightest per cent where HU would have them."""
    low, high = np.percentile(picture, (1, 99.5))
    return WINDOW[0] + (picture - low) / (high - low) * (WINDOW[1] - WINDOW[0])


def row(title: str, cuts: list[NDArray]) -> NDArray[np.uint8]:
    """The cuts side by side under a title, right of the patient on the left."""
    tall = max(cut.shape[0] for cut in cuts)
    panels = []
    for cut in cuts:
        grey = np.clip((cut - WINDOW[0]) / (WINDOW[1] - WINDOW[0]), 0, 1) * 255
        spare = tall - cut.shape[0]
        above = spare // 2
        panels.append(np.pad(grey, ((above, spare - above), (0, GAP)), constant_values=0))
    width = sum(panel.shape[1] for panel in panels)
    shown = Image.fromarray(np.hstack(panels).astype(np.uint8))
    shown = shown.resize((LARGER * width, LARGER * tall), Image.Resampling.BICUBIC)
    band = Image.new("L", (shown.width, TITLE))
    pen, left = ImageDraw.Draw(band), 0
    for panel, column in zip(panels, COLUMNS, strict=True):
        text = f"{title}: {column}" if left == 0 else column
        pen.text((left + 4, 4), text, fill=255, font=ImageFont.load_default(16))
        left += LARGER * panel.shape[1]
    return np.vstack([np.asarray(band), np.asarray(shown)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("path", metavar="PATH", nargs="?", type=Path, default=PICTURE)
    main(parser.parse_args().path)
