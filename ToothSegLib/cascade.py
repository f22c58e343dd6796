"""The main job: a scan in, numbered teeth out. Every door of ToothSeg comes through here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from ToothSegLib.devices import choose_device
from ToothSegLib.grid import Box, labels_to_source, to_working_grid
from ToothSegLib.inference import predict_maps
from ToothSegLib.instances import separate_teeth
from ToothSegLib.localise import find_dentition
from ToothSegLib.models import Bundle, load_bundle
from ToothSegLib.numbering import Numbering, number_regions
from ToothSegLib.progress import Progress, ProgressCallback
from ToothSegLib.quality import find_findings
from ToothSegLib.regions import Region
from ToothSegLib.report import Segmentation, measure_teeth, software_versions
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import check_scan

WORKING_SPACING_MM = 0.5


def segment(
    volume: Volume,
    *,
    bundle: Bundle | str | os.PathLike[str] | None = None,
    device: str = "auto",
    progress: ProgressCallback | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Segmentation:
    """Find, separate and number the teeth of a scan.

    Args:
        volume: a CBCT or CT with teeth in it; any spacing, direction and data type.
        bundle: weights, by name, by folder or loaded; the default bundle if None.
        device: "auto", "cpu", "cuda" or "mps".
        progress: called with the fraction done and the stage in words.
        cancelled: asked now and then whether to stop.

    Returns:
        The labels on the scan's own grid and all that is known of them. A scan without teeth gives
        an empty result with a finding.

    Raises:
        InputError: the scan cannot be used, or there is no such device.
        BundleError: the bundle is missing or damaged.
        Cancelled: `cancelled` said so.
    """
    run = Progress(progress, cancelled)
    timings: dict[str, float] = {}
    check_scan(volume)
    if not isinstance(bundle, Bundle):
        bundle = load_bundle(bundle)
    where = choose_device(device)
    with _timed(timings, "localise"):
        stage = run.stage("looking for the teeth", 0.0, 0.1)
        stage.update(0.0)
        box = find_dentition(bundle.build("locator", where), volume, where, stage)
    labels = np.zeros(volume.shape, np.uint8)
    regions: list[Region] = []
    dropped: list[float] = []
    numbering = Numbering()
    if box is not None:
        with _timed(timings, "networks"):
            stage = run.stage("marking teeth and their types", 0.1, 0.75)
            image = to_working_grid(volume, WORKING_SPACING_MM, box)
            maps = predict_maps(bundle, image, where, stage)
        with _timed(timings, "instances"):
            run.stage("telling the teeth apart", 0.75, 0.85).update(0.0)
            found = separate_teeth(maps)
            regions, dropped = found.regions, found.dropped_mm3
        with _timed(timings, "numbers"):
            run.stage("numbering the teeth", 0.85, 0.9).update(0.0)
            numbering = number_regions(regions)
        with _timed(timings, "to the scan's grid"):
            run.stage("bringing the labels to the scan's grid", 0.9, 1.0).update(0.0)
            numbered = image.with_array(_lookup(numbering, regions)[found.labels])
            labels = labels_to_source(numbered, image.with_array(maps.tooth), volume)
    result = volume.with_array(labels)
    confidences = {
        fdi: numbering.confidence[label]
        for label, fdi in numbering.numbers.items() if fdi is not None
    }  # fmt: skip
    teeth = measure_teeth(result, confidences)
    run.update(1.0)
    return Segmentation(
        labels=result,
        teeth=teeth,
        findings=find_findings(regions, numbering, labels, dropped),
        timings=timings,
        provenance=_provenance(bundle, str(where), box),
    )


def _lookup(numbering: Numbering, regions: list[Region]) -> np.ndarray:
    """FDI number of every instance label; 0 for what gets no number."""
    table = np.zeros(1 + max((region.label for region in regions), default=0), np.uint8)
    for label, fdi in numbering.numbers.items():
        table[label] = fdi or 0
    return table


def _provenance(bundle: Bundle, device: str, box: Box | None) -> dict[str, object]:
    return {
        "bundle": bundle.name,
        "weights": {
            role: entry["sha256"] for role, entry in sorted(bundle.card["networks"].items())
        },
        "device": device,
        "box_lps_mm": None if box is None else [list(corner) for corner in box],
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
