"""A simulated head in a simulated scanner: a cone-beam CT as physics would have it.

Unlike `pictures`, nothing of the picture is drawn at random but the patient, the first angle of the
gantry, the alloys and the noise: rays of several energies pass through the tissues, photons are
counted, and what was counted is reconstructed as a device does it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ToothSegLib.grids.itk_image import resample, to_itk
from ToothSegLib.progress import Progress
from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.case import Case
from ToothSegLib.synthesis.conebeam import Projector, reconstruct, toolkit
from ToothSegLib.synthesis.detail import refined
from ToothSegLib.synthesis.detector import Detector
from ToothSegLib.synthesis.materials import tissue_attenuation
from ToothSegLib.synthesis.posing import VIEW_CENTRE, place_head
from ToothSegLib.synthesis.scanner import Scanner
from ToothSegLib.volume import Volume

_AIR_HU = -1000
_SPONGE_MM = 0.5
_FINER = 2
_AT_ONCE = 6


def simulate_cbct(
    case: Case,
    seed: int,
    scanner: Scanner | None = None,
    *,
    tilt_deg: float = 8.0,
    third_molars: bool = False,
    prostheses: bool = False,
    progress: Progress | None = None,
) -> tuple[Volume, Volume]:
    """Picture and labels of a case seen by a scanner, the head a little tilted.

    Args:
        case: the head.
        seed: of the pose, the alloys and the noise.
        scanner: the device, by default an ordinary one.
        tilt_deg: standard deviation of the head's rotation about each axis.
        third_molars: are in the labels as well, for whoever learns from them.
        prostheses: likewise, as `PROSTHESIS_LABEL`.
        progress: told, and asked whether to go on, every few projections.

    Returns:
        The image as int16, in HU as far as such a device can, and the labels as uint8 FDI numbers,
        on one grid in LPS, centred on the axis. Beyond the cylinder that was seen the image is air
        and the labels are 0. Third molars are in the image and else not in the labels, since they
        are no part of a result.

    Raises:
        InputError: the Reconstruction Toolkit is not installed.
        Cancelled: as asked.
    """
    toolkit()
    scanner = scanner or Scanner()
    progress = progress or Progress()
    progress.stage("placing the head", 0.0, 0.05).update(0.0)
    rng = np.random.default_rng(seed)
    centre = _centre(case, scanner, rng)
    if case.detail is not None:
        # Half a case's voxels: the gap about a root is narrower than one.
        case = refined(case, _FINER)
    if prostheses:
        case = replace(case, labels=case.marked())
    tissue, labels = place_head(case, centre, rng, tilt_deg=tilt_deg)
    attenuation = attenuation_map(tissue, scanner, rng)
    picture = scan(attenuation, tissue, scanner, rng, progress.stage("scanning", 0.05, 1.0))
    spacing = (scanner.voxel_mm,) * 3
    origin = tuple(-(n - 1) / 2 * scanner.voxel_mm for n in reversed(scanner.shape))
    truth = resample(to_itk(labels), scanner.shape, spacing, origin, np.eye(3), how="nearest")
    if not third_molars:
        truth[truth % 10 == 8] = 0
    truth[:, ~seen(scanner)] = 0
    hu = np.clip(np.round(picture), _AIR_HU, scanner.white).astype(np.int16)
    image = Volume(hu, spacing, origin, np.eye(3))  # type: ignore[arg-type]
    return image, image.with_array(truth)


def attenuation_map(
    tissue: Volume, scanner: Scanner, rng: np.random.Generator
) -> NDArray[np.float32]:
    """(k, j, i, energies) attenuation, 1/mm, of a tissue map; trabecular bone is a sponge."""
    table = tissue_attenuation(scanner.energies_kev, rng)
    attenuation = table[tissue.array]
    sponge = tissue.array == tissues.TRABECULAR
    if scanner.texture > 0 and sponge.any():
        noise = rng.standard_normal(tissue.shape, dtype=np.float32)
        noise = ndimage.gaussian_filter(noise, [_SPONGE_MM / mm for mm in tissue.spacing[::-1]])
        density = 1.0 + scanner.texture * noise[sponge] / noise.std()
        attenuation[sponge] *= np.clip(density, 0.3, 2.0)[:, None]
    return np.asarray(attenuation, np.float32)


def scan(
    attenuation: NDArray[np.float32],
    place: Volume,
    scanner: Scanner,
    rng: np.random.Generator,
    progress: Progress,
) -> NDArray[np.float32]:
    """(k, j, i) of the scanner's shape, in HU relative to water; air beyond what was seen.

    Args:
        attenuation: (k, j, i, energies) 1/mm on the grid of ``place``.
        place: where that grid lies about the axis of rotation, LPS mm.
        scanner: the device.
        rng: of the first angle and the noise.
        progress: of the whole scan.
    """
    angles = scanner.angles_deg(float(rng.uniform(0.0, 360.0)))
    detector = Detector(scanner, rng)
    projector = Projector(attenuation, place, scanner)
    projections = np.empty((len(angles), *scanner.detector), np.float32)
    stage = progress.stage("projecting", 0.0, 0.5)
    for first in range(0, len(angles), _AT_ONCE):
        stage.update(first / len(angles))
        part = slice(first, first + _AT_ONCE)
        projections[part] = detector.expose(projector.project(angles[part]))
    water = reconstruct(projections, angles, scanner, progress.stage("reconstructing", 0.5, 1.0))
    picture = 1000.0 * (water - 1.0)
    picture[:, ~seen(scanner)] = _AIR_HU
    return np.asarray(picture, np.float32)


def seen(scanner: Scanner) -> NDArray[np.bool_]:
    """(j, i) whether a column of the picture lies in the cylinder that every projection saw."""
    _, rows, columns = scanner.shape
    y, x = (scanner.voxel_mm * (np.arange(n) - (n - 1) / 2) for n in (rows, columns))
    return np.asarray(np.hypot(y[:, None], x[None]) <= scanner.field_mm[0] / 2)


def _centre(case: Case, scanner: Scanner, rng: np.random.Generator) -> NDArray[np.float64]:
    if scanner.at_tooth and case.centres:
        fdi = rng.choice(sorted(case.centres))
        return np.asarray(case.centres[int(fdi)], float)
    return np.asarray(VIEW_CENTRE)
