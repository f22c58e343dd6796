"""Where a reviewed scan shows implants, crowns on them and pontics, by the bundle that learns on.

A reader labels teeth alone, so these are background in the labels. The networks learned otherwise:
that an implant may look like a tooth, as long as it is called a prosthesis. Where the bundle finds
one that no reader calls a tooth, the scan is to teach the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ToothSegLib.compute.device_faults import (
    DeviceLostError,
    DeviceMemoryError,
    DeviceUnfitError,
    device_faults,
)
from ToothSegLib.compute.devices import release_memory
from ToothSegLib.inference import predict_maps
from ToothSegLib.maps import Maps
from ToothSegLib.models import Bundle
from ToothSegLib.progress import Progress
from ToothSegLib.training.tasks import Task
from ToothSegLib.volume import Volume

_CERTAIN = 0.5


@dataclass(frozen=True)
class Prostheses:
    """Finds them in a scan as a network sees it.

    Args:
        bundle: of kind "toothnet", whose network tells prostheses from teeth.
        device, precision: as of `cascade.segment`; the processor where the device fails.
    """

    bundle: Bundle
    device: str
    precision: str

    def __call__(self, image: Volume) -> NDArray[np.bool_]:
        """(Z, Y, X): voxels that are more likely than not tooth, and of that a prosthesis.

        Args:
            image: (Z, Y, X) on the working grid, raw grey values.

        Raises:
            BundleError: the network is damaged.
            HostMemoryError: the computer has too little memory.
        """
        try:
            maps = self._maps(image, self.device)
        except (DeviceLostError, DeviceMemoryError, DeviceUnfitError):
            release_memory(self.device)
            maps = self._maps(image, "cpu")
        found = np.zeros(image.shape, bool)
        if maps.prosthesis is not None and maps.at is not None:
            sure = (maps.prosthesis > _CERTAIN) & (maps.tooth.ravel()[maps.at] > _CERTAIN)
            found.ravel()[maps.at[sure]] = True
        return found

    def _maps(self, image: Volume, device: str) -> Maps:
        with device_faults(device, "training"):
            return predict_maps(self.bundle, image, device, Progress(), self.precision)


def prostheses_for(task: Task, bundle: Bundle, device: str, precision: str) -> Prostheses | None:
    """What finds them in a task's scans; None where its network does not tell them from teeth."""
    told = task.architecture.get("prosthesis") and bundle.kind == "toothnet"
    return Prostheses(bundle, device, precision) if told else None
