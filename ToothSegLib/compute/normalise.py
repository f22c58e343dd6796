"""One grey-value normalisation for training and for use."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

LOW_PERCENT = 2.0
HIGH_PERCENT = 99.0


@overload
def normalise(image: NDArray[np.float32]) -> NDArray[np.float32]: ...
@overload
def normalise(image: Tensor) -> Tensor: ...
def normalise(image: NDArray[np.float32] | Tensor) -> NDArray[np.float32] | Tensor:
    """Map the 2nd percentile to 0 and the 99th to 1, and bound what metal adds above.

    CBCT grey values are not calibrated, so only their order within one scan is used. Values above
    1 are compressed by a logarithm and end below about 2, so that metal does not blind the network.

    Args:
        image: (Z, Y, X) float32; a tensor of PyTorch's on the processor, or a NumPy array.

    Returns:
        The same shape and kind; a constant image becomes zero.
    """
    if isinstance(image, np.ndarray):
        return _normalised(image)
    import torch

    return torch.from_numpy(_normalised(image.numpy()))


def _normalised(image: NDArray[np.float32]) -> NDArray[np.float32]:
    step = max(1, round((image.size / 100_000) ** (1 / 3)))
    sample = np.sort(image[::step, ::step, ::step], axis=None)
    low = sample[int(LOW_PERCENT / 100 * (len(sample) - 1))]
    high = sample[int(HIGH_PERCENT / 100 * (len(sample) - 1))]
    if high <= low:
        return np.zeros_like(image)
    scaled = (image - low) / (high - low)
    np.maximum(scaled, np.float32(-0.25), out=scaled)
    bright = scaled > 1.0
    scaled[bright] = 1.0 + np.log(scaled[bright])
    return scaled
