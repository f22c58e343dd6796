"""The main job: a scan in, numbered teeth out. Every door of ToothSeg comes through here."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from ToothSegLib.arches.patient_size import size_by_looks
from ToothSegLib.arches.regions import Region
from ToothSegLib.compute.backends import check_backend
from ToothSegLib.compute.devices import (
    asked_for,
    check_precision,
    choose_device,
    device_name,
    unusable_graphics,
)
from ToothSegLib.compute.loading import load_networks
from ToothSegLib.formats import scan_checksum
from ToothSegLib.found_teeth import Found, find_teeth
from ToothSegLib.grids.padding import without_bright, without_padding
from ToothSegLib.instances import Instances, separate_teeth
from ToothSegLib.localise import sureness, tooth_evidence_mm3
from ToothSegLib.looking import LOOKED, LOOKED_AGAIN, Looker, Seen, Sight, unfit
from ToothSegLib.machine.background import in_background
from ToothSegLib.models import Bundle, load_bundle
from ToothSegLib.progress import Progress, ProgressCallback, timed
from ToothSegLib.quality import find_findings
from ToothSegLib.report import (
    SCAN_SHA256,
    Finding,
    Segmentation,
    by_urgency,
    measure_teeth,
    software_versions,
)
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import as_scan

log = logging.getLogger(__name__)

# Readers of files compute a scan's place in different orders. What differs beyond these decimals
# must decide no voxel, or the doors would not give the same labels.
_GEOMETRY_DECIMALS = 9

_TELLING_APART, _TOLD_APART = "telling the teeth apart", 0.93

# Where the median tooth is so much larger than the norm of its look, magnifying makes it a stranger
# to the networks; that of people has 0.75 to 1.2 times as much (see docs/training.md for how this
# was found). The other look counts then, unless it sees fewer teeth. Teeth far larger still come
# apart into pieces whose types are unsure: the look that sees far more teeth counts then.
_LARGE = 1.6
# Of very large teeth some fall into pieces, and the median is one of these. On 24 development heads
# the upper quartile is over 2.15 where the median is over 1.8, else up to 1.95.
_UPPER_QUARTER, _LARGE_IN_PIECES = 0.75, 2.05
_NO_LESS = 0.9
# On 24 development heads it is 0.80 to 0.93; of teeth in pieces it was up to 0.751.
_UNSURE = 0.78
_FAR_MORE = 1.25


def segment(
    volume: Volume,
    *,
    bundle: Bundle | str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
    backend: str = "auto",
    scan_sha256: str | None = None,
    progress: ProgressCallback | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Segmentation:
    """Find, separate and number the teeth of a scan.

    Where a GPU has too little memory, is lost or fails in any other way, the networks run again on
    the processor, where it fails in half precision alone in full precision, and where OpenVINO
    fails by PyTorch; a finding and the provenance say so.

    Args:
        volume: a CBCT or CT with teeth in it; any spacing and direction; integers or floats.
        bundle: weights, by name, by folder or loaded; the default bundle if None.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "auto" computes in half precision where that pays, "full" in float32.
        backend: "auto" takes OpenVINO on a processor if it is installed, "torch" or "openvino"
            that and nothing else.
        scan_sha256: the scan's checksum (see `scan_checksum`), if it is known already.
        progress: called with the fraction done and the stage in words.
        cancelled: asked now and then whether to stop.

    Returns:
        The labels on the scan's own grid and all that is known of them. A scan without teeth gives
        an empty result with a finding.

    Raises:
        InputError: the scan cannot be used, there is no such device, precision or backend, or
            the computer has too little memory.
        BundleError: the bundle is missing, damaged, or lacks a network of its kind.
        Cancelled: `cancelled` said so.
    """
    run = Progress(progress, cancelled)
    timings: dict[str, float] = {}
    volume = as_scan(volume)
    check_precision(precision)
    check_backend(backend)
    if not isinstance(bundle, Bundle):
        bundle = load_bundle(bundle)
    bundle.check_kind()
    if not scan_sha256:
        reckoned = in_background(partial(scan_checksum.scan_sha256, volume))
    load_networks(device, backend)
    device = asked_for(device, backend)
    wanted = choose_device(device)
    # Bright padding would pass for metal; dark padding tells where the field of view cuts teeth.
    source = without_bright(volume)
    scan = without_padding(source.rounded(_GEOMETRY_DECIMALS))
    looker = Looker(bundle, scan, backend, run, timings)
    sight, notes = looker.look(wanted, precision)
    if device == "auto" and wanted == "cpu" and unusable_graphics():
        log.warning(unusable_graphics())
        notes.append(unfit(unusable_graphics()))
    seen = sight.seen
    if seen is None:
        found = Found(volume.with_array(np.zeros(volume.shape, np.uint8)))
    else:
        # Where a second look may come, it goes on from here.
        end = LOOKED if seen.magnification > 1 else _TOLD_APART
        apart = _tell_apart(seen, timings, run.stage(_TELLING_APART, LOOKED, end))
        large = _are_large(apart.regions)
        if seen.magnification > 1 and (large or sureness(seen.maps) < _UNSURE):
            log.info("the teeth are large or hard to tell: looking again without magnifying them")
            again, more = looker.look_unmagnified(sight, seen.box)
            # Only of the look that counts it is told what computed it, and what failed.
            if again.seen and _sees_more(again.seen, seen, _NO_LESS if large else _FAR_MORE):
                sight, notes, seen = again, [*notes, *more], again.seen
                stage = run.stage(_TELLING_APART, LOOKED_AGAIN, _TOLD_APART)
                apart = _tell_apart(seen, timings, stage)
        found = find_teeth(
            apart,
            seen.maps,
            image=seen.image,
            scan=scan,
            source=source,
            card=bundle.card,
            run=run,
            timings=timings,
        )
    # Before all else: what is said of sides, lengths and places stands on it.
    doubts = [Finding("place-unsure", "high", doubt) for doubt in volume.doubts]
    teeth = measure_teeth(found.labels, found.confidences)
    findings = find_findings(
        found.regions,
        found.numbering,
        found.labels,
        dropped_mm3=found.dropped_mm3,
        scan=source,
        rejoined=found.rejoined,
        stacked=found.stacked,
        implants=found.implants,
    )
    provenance = _provenance(bundle, wanted, precision, sight, seen)
    # By this a later run knows whether the files it finds are of the same scan.
    provenance[SCAN_SHA256] = scan_sha256 or reckoned.result()
    run.update(1.0)
    return Segmentation(
        labels=found.labels,
        teeth=teeth,
        findings=by_urgency(doubts + findings + found.about_implants + notes),
        timings=timings,
        provenance=provenance,
    )


def _tell_apart(seen: Seen, timings: dict[str, float], stage: Progress) -> Instances:
    with timed(timings, "instances"):
        stage.update(0.0)
        return separate_teeth(seen.maps, stage)


def _are_large(regions: Sequence[Region]) -> bool:
    """Whether the teeth are larger than the networks know them, be they whole or in pieces."""
    return (
        size_by_looks(regions) > _LARGE or size_by_looks(regions, _UPPER_QUARTER) > _LARGE_IN_PIECES
    )


def _sees_more(one: Seen, other: Seen, times: float) -> bool:
    return tooth_evidence_mm3(one.maps) > times * tooth_evidence_mm3(other.maps)


def _provenance(
    bundle: Bundle, wanted: str, precision: str, sight: Sight, seen: Seen | None
) -> dict[str, object]:
    fell_back = {} if sight.device == wanted else {"device_that_failed": wanted}
    name = device_name(wanted)
    return {
        "bundle": bundle.name,
        "weights": bundle.weights,
        "device": sight.device,
        **fell_back,
        **({"device_name": name} if name else {}),
        "backend": sight.backend,
        "precision": precision,
        "computed_in": sight.numbers,
        "box_lps_mm": seen and [list(corner) for corner in seen.box],
        "working_spacing_mm": seen and round(seen.image.spacing[0], 6),
        "software": software_versions(),
    }
