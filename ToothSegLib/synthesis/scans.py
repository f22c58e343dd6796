"""A whole simulated scan with its true labels, as a scanner would have stored it."""

from __future__ import annotations

import numpy as np
import torch

from ToothSegLib.synthesis.case import PROSTHESIS_LABEL, Case
from ToothSegLib.synthesis.metal_shadows import darken_by_rays
from ToothSegLib.synthesis.pictures import make_picture
from ToothSegLib.synthesis.posing import VIEW_CENTRE
from ToothSegLib.synthesis.sampling import Patch, TensorCase, sample_patch
from ToothSegLib.volume import Volume

# A scan that is asked for nothing else; its tissues must be of the same.
_SIZE = (160, 200, 220)
_SPACING_MM = 0.4
_TILT_DEG = 8.0


def simulate_scan(
    case: Case,
    seed: int,
    *,
    size: tuple[int, int, int] = _SIZE,
    spacing_mm: float = _SPACING_MM,
    tilt_deg: float = _TILT_DEG,
    strength: float = 1.0,
    third_molars: bool = False,
    prostheses: bool = False,
    metal_artefacts: bool = False,
) -> tuple[Volume, Volume]:
    """Picture and labels of a case seen by a randomly poor scanner, the head a little tilted.

    Args:
        case: the head.
        seed: of tilt, grey values and everything else.
        size: voxels (k, j, i), even.
        spacing_mm: isotropic.
        tilt_deg: standard deviation of the head's rotation about each axis.
        strength: of every disturbance, as of `make_picture`.
        third_molars: are in the labels as well, for whoever learns from them.
        prostheses: likewise, as `PROSTHESIS_LABEL`.
        metal_artefacts: metal starves and swells as it does in reconstructions, which takes a
            minute; without, it is bright, with streaks.

    Returns:
        The image as int16 and the labels as uint8 FDI numbers, on one grid in LPS. Third molars
        are in the image and else not in the labels, since they are no part of a result.
    """
    generator = torch.Generator().manual_seed(seed)
    patch = _seen(case, generator, size, spacing_mm, tilt_deg)
    image = make_picture(
        patch.tissue,
        spacing_mm,
        generator,
        strength=strength,
        edges=patch.edges,
        metal=darken_by_rays if metal_artefacts else None,
    )
    grey = (image.clamp(-1.0, 4.0) * 1000.0).round().to(torch.int16).numpy()
    labels = patch.labels.numpy().copy()
    if not third_molars:
        labels[labels % 10 == 8] = 0
    if prostheses and patch.prosthesis is not None:
        labels[patch.prosthesis.numpy()] = PROSTHESIS_LABEL
    image_volume = _volume(grey, spacing_mm)
    return image_volume, image_volume.with_array(labels)


def scan_tissues(case: Case, seed: int) -> Volume:
    """Codes of `tissues`, uint8, of the scan that `simulate_scan` makes of the same by default."""
    patch = _seen(case, torch.Generator().manual_seed(seed), _SIZE, _SPACING_MM, _TILT_DEG)
    return _volume(patch.tissue.numpy(), _SPACING_MM)


def _seen(
    case: Case,
    generator: torch.Generator,
    size: tuple[int, int, int],
    spacing_mm: float,
    tilt_deg: float,
) -> Patch:
    return sample_patch(
        TensorCase.of(case),
        size,
        spacing_mm,
        generator,
        tilt_deg=tilt_deg,
        centre=torch.tensor(VIEW_CENTRE),
    )


def _volume(array: np.ndarray, spacing_mm: float) -> Volume:
    x, y, z = (-(n - 1) / 2 * spacing_mm for n in reversed(array.shape))
    return Volume(array, (spacing_mm,) * 3, (x, y, z), np.eye(3))
