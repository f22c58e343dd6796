"""The main job: a scan in, numbered teeth out. Every door of ToothSeg comes through here."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ToothSegLib import scan_checksum
from ToothSegLib.backends import BackendError, check_backend, choose_backend, load_network
from ToothSegLib.device_faults import (
    DeviceLostError,
    DeviceMemoryError,
    DeviceUnfitError,
    device_faults,
)
from ToothSegLib.devices import (
    check_precision,
    choose_device,
    computed_in,
    device_name,
    has_half,
    release_memory,
    unusable_graphics,
)
from ToothSegLib.found_teeth import Found, find_teeth
from ToothSegLib.grid import Box, to_working_grid
from ToothSegLib.inference import predict_maps
from ToothSegLib.localise import find_dentitions, small_scan, tooth_evidence_mm3
from ToothSegLib.maps import Maps
from ToothSegLib.models import Bundle, load_bundle
from ToothSegLib.padding import without_padding
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
from ToothSegLib.widening import widened

log = logging.getLogger(__name__)

WORKING_SPACING_MM = 0.5
# Readers of files compute a scan's place in different orders. What differs beyond these decimals
# must decide no voxel, or the doors would not give the same labels.
_GEOMETRY_DECIMALS = 9

# Share of the run by the end of each look. One is nearly always enough.
_LOOKS = (0.05, 0.8, 0.84, 0.86, 0.88)


@dataclass
class _Sight:
    """What the networks saw."""

    device: str
    backend: str
    box: Box | None = None
    image: Volume | None = None  # the box on the working grid
    maps: Maps | None = None  # on the image's grid
    numbers: str = "float32"  # what it was computed in


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
        BundleError: the bundle is missing or damaged.
        Cancelled: `cancelled` said so.
    """
    run = Progress(progress, cancelled)
    timings: dict[str, float] = {}
    volume = as_scan(volume)
    check_precision(precision)
    check_backend(backend)
    if not isinstance(bundle, Bundle):
        bundle = load_bundle(bundle)
    on_cpu = device == "auto" and backend == "openvino"
    wanted = choose_device("cpu" if on_cpu else device)
    scan = without_padding(volume.rounded(_GEOMETRY_DECIMALS))
    sight, notes = _look_where_it_works(bundle, scan, wanted, precision, backend, run, timings)
    if device == "auto" and not on_cpu and wanted == "cpu" and unusable_graphics():
        log.warning(unusable_graphics())
        notes.append(_unfit(unusable_graphics()))
    if sight.image is None or sight.maps is None:
        found = Found(volume.with_array(np.zeros(volume.shape, np.uint8)))
    else:
        found = find_teeth(sight.maps, sight.image, scan, volume, bundle.card, run, timings)
    # Before all else: what is said of sides, lengths and places stands on it.
    doubts = [Finding("place-unsure", "high", doubt) for doubt in volume.doubts]
    teeth = measure_teeth(found.labels, found.confidences)
    findings = find_findings(
        found.regions, found.numbering, found.labels,
        dropped_mm3=found.dropped_mm3, scan=volume, rejoined=found.rejoined, stacked=found.stacked,
    )  # fmt: skip
    provenance = _provenance(bundle, wanted, precision, sight)
    # By this a later run knows whether the files it finds are of the same scan.
    provenance[SCAN_SHA256] = scan_sha256 or scan_checksum.scan_sha256(volume)
    run.update(1.0)
    return Segmentation(
        labels=found.labels,
        teeth=teeth,
        findings=by_urgency(doubts + findings + found.about_implants + notes),
        timings=timings,
        provenance=provenance,
    )


def _look_where_it_works(
    bundle: Bundle,
    volume: Volume,
    device: str,
    precision: str,
    backend: str,
    run: Progress,
    timings: dict[str, float],
) -> tuple[_Sight, list[Finding]]:
    """What the networks see, on the processor where a GPU is too small, by PyTorch where OpenVINO
    fails; and what had to be changed."""
    notes: list[Finding] = []
    by, finely = choose_backend(backend, device), precision
    while True:
        try:
            return _look(bundle, volume, device, finely, by, run, timings), notes
        except DeviceMemoryError:
            note = Finding(
                "device-memory", "low",
                "The graphics device has too little memory for this scan; it was computed on the "
                "processor instead, which takes longer.",
            )  # fmt: skip
        except DeviceLostError:
            note = Finding(
                "device-lost", "low",
                "The graphics device stopped answering; the scan was computed on the processor "
                "instead, which takes longer.",
            )  # fmt: skip
        except DeviceUnfitError as error:
            # Some cards are wrong in half precision alone, and a number may be too large for it.
            again = finely == "auto" and has_half(device)
            note = _unfit_in_half(error.reason) if again else _unfit(error.reason)
        except BackendError as error:
            if by == backend:  # that and nothing else
                raise
            note = Finding("backend", "low", f"{error}. PyTorch computed this scan instead.")
        # Only here, where the error and with it all that it held on to is gone.
        log.warning(note.message)
        # That it was tried in two ways is of no matter once the processor has taken over.
        notes = [*(earlier for earlier in notes if earlier.code != "device-half"), note]
        if note.code == "backend":
            by = "torch"
            continue
        release_memory(device)
        if note.code == "device-half":
            finely = "full"
        else:
            device, finely = choose_device("cpu"), precision
            by = choose_backend(backend, device)


def _look(
    bundle: Bundle,
    volume: Volume,
    device: str,
    precision: str,
    backend: str,
    run: Progress,
    timings: dict[str, float],
) -> _Sight:
    """Find the dentition and run the networks over it.

    Raises:
        HostMemoryError, DeviceMemoryError: the computer or the device has too little memory.
        DeviceLostError, DeviceUnfitError: it is gone, or anything else went wrong on it.
        BackendError: OpenVINO does not work here.
    """
    numbers = computed_in(device, precision)
    with device_faults(device):
        with timed(timings, "localise"):
            stage = run.stage("looking for the teeth", 0.0, 0.05)
            stage.update(0.0)
            locator = load_network(bundle, "locator", device, backend)
            boxes = find_dentitions(locator, volume, device, stage, precision)
            if not boxes and (small := small_scan(volume)) is not None:
                boxes = [small]
        if not boxes:
            return _Sight(device, backend, numbers=numbers)

        def look(box: Box, start: float, end: float) -> tuple[Box, Volume, Maps]:
            stage = run.stage("marking teeth and their types", start, end)
            image = to_working_grid(volume, WORKING_SPACING_MM, box)
            return box, image, predict_maps(bundle, image, device, stage, precision, backend)

        with timed(timings, "networks"):
            parts = np.linspace(*_LOOKS[:2], len(boxes) + 1)
            looks = (look(box, *part) for box, part in zip(boxes, pairwise(parts), strict=True))
            box, image, maps = max(looks, key=lambda seen: tooth_evidence_mm3(seen[2]))
            for start, end in pairwise(_LOOKS[1:]):
                wider = widened(box, image.with_array(maps.tooth), volume)
                if wider is None:
                    break
                log.info("teeth reach the border of the box that was looked at: widening it")
                box, image, maps = look(wider, start, end)
    return _Sight(device, backend, box, image, maps, numbers)


def _unfit(reason: str) -> Finding:
    return Finding(
        "device-unfit", "low",
        f"The graphics device cannot compute the networks ({reason}); the scan was computed on the "
        "processor instead, which takes longer.",
    )  # fmt: skip


def _unfit_in_half(reason: str) -> Finding:
    return Finding(
        "device-half", "low",
        f"The graphics device fails in half precision ({reason}); it computed the scan in full "
        "precision instead, which takes longer.",
    )  # fmt: skip


def _provenance(bundle: Bundle, wanted: str, precision: str, sight: _Sight) -> dict[str, object]:
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
        "box_lps_mm": None if sight.box is None else [list(corner) for corner in sight.box],
        "working_spacing_mm": WORKING_SPACING_MM,
        "software": software_versions(),
    }
