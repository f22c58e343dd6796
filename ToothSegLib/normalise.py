"""One grey-value normalisation for training and for use."""

from __future__ import annotations

import torch
from torch import Tensor

LOW_PERCENT = 2.0
HIGH_PERCENT = 99.0


def normalise(image: Tensor) -> Tensor:
    """Map the 2nd percentile to 0 and the 99th to 1, and bound what metal adds above.

    CBCT grey values are not calibrated, so only their order within one scan is used. Values above
    1 are compressed by a logarithm and end below about 2, so that metal does not blind the network.

    Args:
        image: (Z, Y, X) float32.

    Returns:
        The same shape; a constant image becomes zero.
    """
    step = max(1, round((image.numel() / 100_000) ** (1 / 3)))
    sample = torch.sort(image[::step, ::step, ::step].flatten()).values
    low = sample[int(LOW_PERCENT / 100 * (len(sample) - 1))]
    high = sample[int(HIGH_PERCENT / 100 * (len(sample) - 1))]
    if high <= low:
        return torch.zeros_like(image)
    scaled = ((image - low) / (high - low)).clamp_(min=-0.25)
    bright = scaled > 1.0
    scaled[bright] = 1.0 + torch.log(scaled[bright])
    return scaled
