"""Whether the scan is one of teeth at all: said before anything else of the result is read."""

from __future__ import annotations

import numpy as np

from ToothSegLib.quality.facts import Facts
from ToothSegLib.quality.greys import Greys
from ToothSegLib.report import Finding
from ToothSegLib.volume import Volume

# The coarsest scans that readers are shown have 256 grey values; label maps have a few dozen.
FEWEST_VALUES = 40
# Whatever the device, structures are larger than 2 mm: on simulated pictures neighbouring blocks
# of that size correlate by 0.9 and more, in noise by 0.
LEAST_CORRELATION = 0.4
_BLOCK_MM = 2.0
# Teeth are the brightest tissue: on simulated pictures a voxel of theirs outshines one beside them
# in 87 of 100 cases and more.
LEAST_CONTRAST = 0.7
# Volumes of a patient's teeth against the norm. Healthy people's lie within 0.6 and 1.5; a voxel
# size in the wrong unit, or a lost one, changes them several times over.
LEAST_SCALE, MOST_SCALE = 0.3, 3.0
# The shortest side of a scan that holds a tooth with what is about it.
LEAST_EXTENT_MM = 15.0
_MOST_VOXELS = 2_000_000


def subject_findings(facts: Facts, greys: Greys | None, implants: int = 0) -> list[Finding]:
    """One finding with all that speaks against a CBCT or CT of teeth, or that none were found.

    Args:
        facts: of the result.
        greys: None without a scan.
        implants: how many there are, pontics among them.
    """
    doubts = [] if facts.scan is None else _doubts_about(facts.scan)
    if greys is not None and greys.contrast < LEAST_CONTRAST:
        doubts.append(
            "what was taken for teeth is no brighter than what is beside it, as in a negative or "
            "in magnetic resonance"
        )
    if facts.own_scale and not LEAST_SCALE <= facts.scale <= MOST_SCALE:
        doubts.append(
            f"its teeth have {facts.scale:.1f} times the usual volume, so its voxel size may be "
            "wrong"
        )
    if not facts.regions:
        why = f" This may be no CBCT or CT of a head: {'; '.join(doubts)}." if doubts else ""
        found = "No teeth were found"
        if facts.third_regions:
            thirds = ", ".join(map(str, sorted(facts.third_regions)))
            found = f"Of the 28 teeth none was found, but third molars ({thirds})"
        if implants and not doubts:
            what = "an implant or a pontic" if implants == 1 else f"{implants} implants or pontics"
            message = f"{found}, but {what}: check whether any of what was left out is a tooth."
            return [Finding("no-teeth", "high", message)]
        message = (
            f"{found}: check that the scan shows teeth, is not upside down and has its true voxel "
            f"size.{why}"
        )
        return [Finding("no-teeth", "high", message)]
    if not doubts:
        return []
    message = (
        f"This may be no CBCT or CT of a head: {'; '.join(doubts)}. Check the scan before you use "
        "any of the result."
    )
    return [Finding("not-a-head-scan", "high", message)]


def _doubts_about(scan: Volume) -> list[str]:
    doubts = []
    extent = [size * mm for size, mm in zip(scan.shape[::-1], scan.spacing, strict=True)]
    if min(extent) < LEAST_EXTENT_MM:
        doubts.append(f"it is only {min(extent):.0f} mm thick")
    # Whole slices and not every n-th voxel, so that neighbours stay neighbours.
    thick = max(1, round(_MOST_VOXELS / (scan.shape[1] * scan.shape[2])))
    middle = scan.shape[0] // 2
    slab = scan.array[max(middle - thick // 2, 0) : middle + (thick + 1) // 2]
    values = len(np.unique(slab))
    if values < FEWEST_VALUES:
        doubts.append(f"it has only {values} grey values, as label maps have")
    elif _correlation(slab, scan.spacing) < LEAST_CORRELATION:
        doubts.append("its grey values are noise without structures")
    return doubts


def _correlation(slab: np.ndarray, spacing: tuple[float, float, float]) -> float:
    """Of blocks of some 2 mm with their neighbours within the slices; 1 if there are too few."""
    j, i = (max(1, round(_BLOCK_MM / mm)) for mm in spacing[1::-1])
    rows, columns = slab.shape[1] // j, slab.shape[2] // i
    if rows < 4 or columns < 4:
        return 1.0
    cropped = slab[:, : rows * j, : columns * i].astype(np.float32)
    means = cropped.reshape(len(slab), rows, j, columns, i).mean(axis=(2, 4))
    if means.std() == 0:
        return 1.0
    return float(np.corrcoef(means[:, :, 1:].ravel(), means[:, :, :-1].ravel())[0, 1])
