"""The main job: a scan in, numbered teeth out. Every door of ToothSeg comes through here."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ToothSegLib.backends import BackendError, check_backend, choose_backend, load_network
from ToothSegLib.calibration import calibrated
from ToothSegLib.crumbs import without_crumbs
from ToothSegLib.devices import (
    DeviceLostError,
    DeviceMemoryError,
    DeviceUnfitError,
    check_precision,
    choose_device,
    enough_memory,
    release_memory,
    unusable_graphics,
)
from ToothSegLib.grid import Box, labels_to_source, to_working_grid
from ToothSegLib.implants import doubt_findings, find_implants, implant_findings
from ToothSegLib.inference import predict_maps
from ToothSegLib.instances import separate_teeth
from ToothSegLib.localise import find_dentition, small_scan
from ToothSegLib.maps import Maps
from ToothSegLib.models import Bundle, bundle_weights, load_bundle
from ToothSegLib.numbering import Numbering, number_regions
from ToothSegLib.padding import without_padding
from ToothSegLib.progress import Progress, ProgressCallback
from ToothSegLib.quality import find_findings
from ToothSegLib.quality.view import cut_among
from ToothSegLib.regions import Region
from ToothSegLib.report import (
    Finding,
    Segmentation,
    by_urgency,
    measure_teeth,
    software_versions,
)
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import check_scan
from ToothSegLib.widening import widened

log = logging.getLogger(__name__)

WORKING_SPACING_MM = 0.5
# Readers of files compute a scan's place in different orders. What differs beyond these decimals
# must decide no voxel, or the doors would not give the same labels.
_GEOMETRY_DECIMALS = 9


# Share of the run by the end of each look. One is nearly always enough.
_LOOKS = (0.05, 0.8, 0.84, 0.86, 0.88)


_UNFIT = Finding(
    "device-unfit", "low",
    "The graphics device, its driver and this PyTorch do not go together; the scan was computed on "
    "the processor instead, which takes longer.",
)  # fmt: skip


@dataclass
class _Sight:
    """What the networks saw."""

    device: str
    backend: str
    box: Box | None = None
    image: Volume | None = None  # the box on the working grid
    maps: Maps | None = None  # on the image's grid


def segment(
    volume: Volume,
    *,
    bundle: Bundle | str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
    backend: str = "auto",
    progress: ProgressCallback | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Segmentation:
    """Find, separate and number the teeth of a scan.

    Where a GPU has too little memory, is lost or cannot compute the networks, they run again on the
    processor, and where OpenVINO fails by PyTorch; a finding and the provenance say so.

    Args:
        volume: a CBCT or CT with teeth in it; any spacing, direction and data type.
        bundle: weights, by name, by folder or loaded; the default bundle if None.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "auto" computes in half precision where that pays, "full" in float32.
        backend: "auto" takes OpenVINO on a processor if it is installed, "torch" or "openvino"
            that and nothing else.
        progress: called with the fraction done and the stage in words.
        cancelled: asked now and then whether to stop.

    Returns:
        The labels on the scan's own grid and all that is known of them. A scan without teeth gives
        an empty result with a finding.

    Raises:
        InputError: the scan cannot be used, there is no such device, precision or backend, or
            the processor has too little memory too.
        BundleError: the bundle is missing or damaged.
        Cancelled: `cancelled` said so.
    """
    run = Progress(progress, cancelled)
    timings: dict[str, float] = {}
    check_scan(volume)
    check_precision(precision)
    check_backend(backend)
    if not isinstance(bundle, Bundle):
        bundle = load_bundle(bundle)
    on_cpu = device == "auto" and backend == "openvino"
    wanted = choose_device("cpu" if on_cpu else device)
    scan = without_padding(_settled(volume))
    sight, notes = _look_where_it_works(bundle, scan, wanted, precision, backend, run, timings)
    if device == "auto" and not on_cpu and wanted == "cpu" and unusable_graphics():
        log.warning(unusable_graphics())
        notes.append(_UNFIT)
    result = volume.with_array(np.zeros(volume.shape, np.uint8))
    regions: list[Region] = []
    dropped: list[float] = []
    rejoined: list[tuple[int, Region]] = []
    stacked: list[tuple[int, float]] = []
    numbering = Numbering()
    if sight.image is not None and sight.maps is not None:
        with _timed(timings, "instances"):
            run.stage("telling the teeth apart", 0.88, 0.93).update(0.0)
            found = separate_teeth(sight.maps)
            implants = find_implants(found.labels, found.regions, sight.image, scan)
            metal = {region.label for region in implants.sure}
            regions = [region for region in found.regions if region.label not in metal]
            dropped = found.dropped_mm3
            rejoined, stacked = found.rejoined, found.stacked
            notes = implant_findings(implants.sure) + notes
        with _timed(timings, "numbers"):
            run.stage("numbering the teeth", 0.93, 0.95).update(0.0)
            # An implant stands where a tooth stood, so it takes part until all have their numbers.
            whole = found.numbering or number_regions(found.regions, sight.maps.extent())
            numbering = calibrated(whole.without(metal), bundle.card)
        with _timed(timings, "to the scan's grid"):
            run.stage("bringing the labels to the scan's grid", 0.95, 1.0).update(0.0)
            numbered = sight.image.with_array(_lookup(numbering, found.regions)[found.labels])
            labels = labels_to_source(numbered, sight.image.with_array(sight.maps.tooth), scan)
            drawn = volume.with_array(labels)
            numbering, result = without_crumbs(regions, numbering, drawn, volume)
            numbers = (numbering.numbers.get(region.label) for region in implants.doubtful)
            cut = cut_among({fdi for fdi in numbers if fdi}, result, volume)
            notes = doubt_findings(implants.doubtful, numbering, cut) + notes
    confidences = {
        fdi: numbering.confidence[label]
        for label, fdi in numbering.numbers.items() if fdi is not None
    }  # fmt: skip
    teeth = measure_teeth(result, confidences)
    # Before all else: what is said of sides, lengths and places stands on it.
    doubts = [Finding("place-unsure", "high", doubt) for doubt in volume.doubts]
    findings = find_findings(regions, numbering, result, dropped, volume, rejoined, stacked)
    run.update(1.0)
    return Segmentation(
        labels=result,
        teeth=teeth,
        findings=by_urgency(doubts + findings + notes),
        timings=timings,
        provenance=_provenance(bundle, wanted, precision, sight),
    )


def _settled(volume: Volume) -> Volume:
    """The same voxels, their place without the digits that only show how it was computed."""
    decimals = _GEOMETRY_DECIMALS
    x, y, z = np.round(volume.spacing, decimals)
    a, b, c = np.round(volume.origin, decimals)
    direction = np.round(volume.direction, decimals)
    return replace(volume, spacing=(x, y, z), origin=(a, b, c), direction=direction)


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
    by = choose_backend(backend, device)
    while True:
        try:
            return _look(bundle, volume, device, precision, by, run, timings), notes
        except DeviceMemoryError:
            if device == "cpu":
                raise
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
            log.warning(error)
            note = _UNFIT
        except BackendError as error:
            if by == backend:  # that and nothing else
                raise
            note = Finding("backend", "low", f"{error}. PyTorch computed this scan instead.")
        # Only here, where the error and with it all that it held on to is gone.
        log.warning(note.message)
        notes.append(note)
        if note.code == "backend":
            by = "torch"
        else:
            release_memory(device)
            device = choose_device("cpu")
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
        DeviceMemoryError: the device has too little memory.
        DeviceLostError, DeviceUnfitError: it is gone, or cannot compute the networks.
        BackendError: OpenVINO does not work here.
    """
    with enough_memory(device):
        with _timed(timings, "localise"):
            stage = run.stage("looking for the teeth", 0.0, 0.05)
            stage.update(0.0)
            locator = load_network(bundle, "locator", device, backend)
            box = find_dentition(locator, volume, device, stage, precision)
            box = box or small_scan(volume)
        if box is None:
            return _Sight(device, backend)
        with _timed(timings, "networks"):
            for start, end in pairwise(_LOOKS):
                stage = run.stage("marking teeth and their types", start, end)
                image = to_working_grid(volume, WORKING_SPACING_MM, box)
                maps = predict_maps(bundle, image, device, stage, precision, backend)
                wider = widened(box, image.with_array(maps.tooth), volume)
                if wider is None or end == _LOOKS[-1]:
                    break
                log.info("teeth reach the border of the box that was looked at: widening it")
                box = wider
    return _Sight(device, backend, box, image, maps)


def _lookup(numbering: Numbering, regions: list[Region]) -> np.ndarray:
    """FDI number of every instance label; 0 for what gets no number."""
    table = np.zeros(1 + max((region.label for region in regions), default=0), np.uint8)
    for label, fdi in numbering.numbers.items():
        table[label] = fdi or 0
    return table


def _provenance(bundle: Bundle, wanted: str, precision: str, sight: _Sight) -> dict[str, object]:
    fell_back = {} if sight.device == wanted else {"device_that_failed": wanted}
    return {
        "bundle": bundle.name,
        "weights": bundle_weights(bundle),
        "device": sight.device,
        **fell_back,
        "backend": sight.backend,
        "precision": precision,
        "box_lps_mm": None if sight.box is None else [list(corner) for corner in sight.box],
        "working_spacing_mm": WORKING_SPACING_MM,
        "software": software_versions(),
    }


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        timings[stage] = timings.get(stage, 0.0) + time.perf_counter() - started
