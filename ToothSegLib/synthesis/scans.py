"""A whole simulated scan with its true labels, as a scanner would have stored it."""

from __future__ import annotations

import numpy as np
import torch

from ToothSegLib.synthesis.case import Case
from ToothSegLib.synthesis.pictures import make_picture
from ToothSegLib.synthesis.posing import VIEW_CENTRE
from ToothSegLib.synthesis.sampling import TensorCase, sample_patch
from ToothSegLib.volume import Volume


def simulate_scan(
    case: Case,
    seed: int,
    *,
    size: tuple[int, int, int] = (160, 200, 220),
    spacing_mm: float = 0.4,
    tilt_deg: float = 8.0,
    strength: float = 1.0,
) -> tuple[Volume, Volume]:
    """Picture and labels of a case seen by a randomly poor scanner, the head a little tilted.

    Args:
        case: the head.
        seed: of tilt, grey values and everything else.
        size: voxels (k, j, i), even.
        spacing_mm: isotropic.
        tilt_deg: standard deviation of the head's rotation about each axis.
        strength: of every disturbance, as of `make_picture`.

    Returns:
        The image as int16 and the labels as uint8 FDI numbers, on one grid in LPS. Third molars
        are in the image and not in the labels, since they are no part of a result.
    """
    generator = torch.Generator().manual_seed(seed)
    patch = sample_patch(
        TensorCase.of(case), size, spacing_mm, generator,
        tilt_deg=tilt_deg, centre=torch.tensor(VIEW_CENTRE),
    )  # fmt: skip
    image = make_picture(patch.tissue, spacing_mm, generator, strength=strength, edges=patch.edges)
    grey = (image.clamp(-1.0, 4.0) * 1000.0).round().to(torch.int16).numpy()
    labels = patch.labels.numpy().copy()
    labels[labels % 10 == 8] = 0
    spacing = (spacing_mm,) * 3
    origin = tuple(-(n - 1) / 2 * spacing_mm for n in reversed(size))
    image_volume = Volume(grey, spacing, origin, np.eye(3))  # type: ignore[arg-type]
    return image_volume, image_volume.with_array(labels)
