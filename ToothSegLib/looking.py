"""The networks look at a scan: where the dentition is, then closely, wherever they can be run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ToothSegLib.compute.backends import BackendError, choose_backend, load_network
from ToothSegLib.compute.device_faults import (
    DeviceLostError,
    DeviceMemoryError,
    DeviceUnfitError,
    device_faults,
    give_up,
)
from ToothSegLib.compute.devices import choose_device, computed_in, has_half, release_memory
from ToothSegLib.grids.grid import Box, to_working_grid
from ToothSegLib.inference import predict_maps
from ToothSegLib.localise import find_dentitions, small_scan, tooth_evidence_mm3
from ToothSegLib.maps import LEARNED_SPACING_MM, Maps
from ToothSegLib.models import Bundle
from ToothSegLib.progress import Progress, timed
from ToothSegLib.report import Finding
from ToothSegLib.volume import Volume
from ToothSegLib.widening import widened

log = logging.getLogger(__name__)

# Share of the run by the end of each close look. One is nearly always enough.
_LOOKS = (0.05, 0.8, 0.82, 0.84, 0.86)
LOOKED = _LOOKS[-1]
_UNMAGNIFIED = (0.87, 0.92)
LOOKED_AGAIN = _UNMAGNIFIED[1]
"""Share of the run that `Looker.look` and `Looker.look_unmagnified` are done by."""


@dataclass(frozen=True)
class Seen:
    """What the networks saw of the place that they looked at closely.

    Attributes:
        box: the part of the scan.
        image: the box, on the grid that was looked at.
        maps: on the image's grid.
        magnification: how many times as large as in life the networks saw the teeth.
    """

    box: Box
    image: Volume
    maps: Maps
    magnification: float = 1.0


@dataclass(frozen=True)
class Sight:
    """What was seen, and what computed it in the end: as asked for, or what took over.

    Attributes:
        device, backend, precision: as of `cascade.segment`.
        numbers: what it was computed in, such as "float32".
        seen: None if no place looks like teeth.
    """

    device: str
    backend: str
    precision: str = "auto"
    numbers: str = "float32"
    seen: Seen | None = None


@dataclass(frozen=True)
class Looker:
    """Runs a bundle's networks over a scan.

    Args:
        bundle: the networks.
        volume: the scan.
        backend: as asked for; "auto", "torch" or "openvino".
        run: told of the stages.
        timings: gets the seconds of each stage.
    """

    bundle: Bundle
    volume: Volume
    backend: str
    run: Progress
    timings: dict[str, float]

    def look(self, device: str, precision: str) -> tuple[Sight, list[Finding]]:
        """Find the dentition and look at it closely.

        Returns:
            What was seen, on the processor where a GPU is too small, by PyTorch where OpenVINO
            fails; and what had to be changed.

        Raises:
            HostMemoryError: the computer has too little memory.
            BackendError: the backend that was asked for, and no other, does not work here.
        """
        start = Sight(device, choose_backend(self.backend, device), precision=precision)
        return self._where_it_works(self._look, start)

    def look_unmagnified(self, sight: Sight, box: Box) -> tuple[Sight, list[Finding]]:
        """Another look at one place, the teeth as large as in life; else as `look`.

        Args:
            sight: of the look before: what computed that computes this.
            box: the place.
        """

        def look(how: Sight) -> Sight:
            with device_faults(how.device), timed(self.timings, "networks"):
                return _with(how, self._closely(box, *_UNMAGNIFIED, how, 1.0))

        return self._where_it_works(look, sight)

    def _where_it_works(
        self, look: Callable[[Sight], Sight], how: Sight
    ) -> tuple[Sight, list[Finding]]:
        notes: list[Finding] = []
        precision = how.precision
        while True:
            try:
                return look(how), notes
            except DeviceMemoryError:
                note = Finding(
                    "device-memory",
                    "low",
                    "The graphics device has too little memory for this scan; it was computed on "
                    "the processor instead, which takes longer.",
                )
            except DeviceLostError:
                note = Finding(
                    "device-lost",
                    "low",
                    "The graphics device stopped answering; the scan was computed on the processor "
                    "instead, which takes longer.",
                )
            except DeviceUnfitError as error:
                # Some cards are wrong in half precision alone, and a number may be too large for
                # it.
                again = how.precision == "auto" and has_half(how.device)
                note = _unfit_in_half(error.reason) if again else unfit(error.reason)
            except BackendError as error:
                if how.backend == self.backend:  # that and nothing else
                    raise
                note = Finding("backend", "low", f"{error}. PyTorch computed this scan instead.")
            # Only here, where the error and with it all that it held on to is gone.
            log.warning(note.message)
            # That it was tried in two ways is of no matter once the processor has taken over.
            notes = [*(earlier for earlier in notes if earlier.code != "device-half"), note]
            if note.code == "backend":
                how = replace(how, backend="torch")
                continue
            release_memory(how.device)
            if note.code == "device-half":
                how = replace(how, precision="full")
            else:
                if note.code != "device-memory":
                    give_up(how.device)
                device = choose_device("cpu")
                by = choose_backend(self.backend, device)
                how = replace(how, device=device, backend=by, precision=precision)

    def _look(self, how: Sight) -> Sight:
        """Find the dentition and run the networks over it.

        Raises:
            HostMemoryError, DeviceMemoryError: the computer or the device has too little memory.
            DeviceLostError, DeviceUnfitError: it is gone, or anything else went wrong on it.
            BackendError: OpenVINO does not work here.
        """
        larger = self.bundle.magnification
        with device_faults(how.device):
            with timed(self.timings, "localise"):
                boxes = self._places(how)
            if not boxes:
                return _with(how, None)
            with timed(self.timings, "networks"):
                parts = np.linspace(*_LOOKS[:2], len(boxes) + 1)
                looks = (
                    self._closely(box, *part, how, larger)
                    for box, part in zip(boxes, pairwise(parts), strict=True)
                )
                best = max(looks, key=lambda seen: tooth_evidence_mm3(seen.maps))
                for start, end in pairwise(_LOOKS[1:]):
                    tooth = best.image.with_array(best.maps.tooth)
                    wider = widened(best.box, tooth, self.volume)
                    if wider is None:
                        break
                    log.info("teeth reach the border of the box that was looked at: widening it")
                    best = self._closely(wider, start, end, how, larger)
        return _with(how, best)

    def _places(self, how: Sight) -> list[Box]:
        """Where the teeth may be."""
        stage = self.run.stage("looking for the teeth", 0.0, _LOOKS[0])
        stage.update(0.0)
        locator = load_network(self.bundle, "locator", how.device, how.backend)
        boxes = find_dentitions(locator, self.volume, how.device, stage, how.precision)
        small = small_scan(self.volume, seen=bool(boxes))
        return boxes if small is None else [small]

    def _closely(self, box: Box, start: float, end: float, how: Sight, larger: float) -> Seen:
        stage = self.run.stage("marking teeth and their types", start, end)
        image = to_working_grid(self.volume, LEARNED_SPACING_MM / larger, box)
        maps = predict_maps(self.bundle, image, how.device, stage, how.precision, how.backend)
        return Seen(box, image, maps, larger)


def _with(how: Sight, seen: Seen | None) -> Sight:
    return replace(how, seen=seen, numbers=computed_in(how.device, how.precision))


def unfit(reason: str) -> Finding:
    """That a graphics device computes the networks wrongly or not at all."""
    return Finding(
        "device-unfit",
        "low",
        f"The graphics device cannot compute the networks ({reason}); the scan was computed on the "
        "processor instead, which takes longer.",
    )


def _unfit_in_half(reason: str) -> Finding:
    return Finding(
        "device-half",
        "low",
        f"The graphics device fails in half precision ({reason}); it computed the scan in full "
        "precision instead, which takes longer.",
    )
