"""The article's two losses: soft Dice of the teeth, and its mean over the categories.

Soft Dice: Milletari et al., V-Net, 3DV 2016, with the plain (not squared) denominator. Both sum
over the whole batch, so that a slice without teeth does not count as a case of its own, and both
compute in float32 whatever the network ran in: half precision cannot hold sums over a volume.
"""

from __future__ import annotations

import torch
from torch.nn import functional

SMOOTH = 1.0
"""Voxels added above and below the line, so that nothing found where nothing is counts as right."""


def binary_dice_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """One minus the soft Dice of the teeth against the rest.

    Args:
        logits: (N, 1, ...) before the sigmoid.
        target: (N, 1, ...) or (N, ...), 1 in a tooth, 0 elsewhere; bool, integer or float.

    Returns:
        A scalar in [0, 1].

    Raises:
        ValueError: the shapes do not fit.
    """
    if logits.ndim < 2 or logits.shape[1] != 1 or target.numel() != logits.numel():
        raise ValueError(
            f"logits {tuple(logits.shape)} and target {tuple(target.shape)} are not one channel"
        )
    probability = torch.sigmoid(logits.float())
    truth = target.reshape(logits.shape).float()
    return 1 - _dice(probability, truth)[0]


def category_dice_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean over the tooth categories of one minus their soft Dice.

    The background takes part in the softmax, but has no term of its own: a Dice near one for
    nearly all voxels would only dilute those of the teeth. The article does not say which it does.

    Args:
        logits: (N, C, ...) before the softmax; channel 0 is the background.
        target: (N, ...) of integers 0 to C - 1, 0 the background.

    Returns:
        A scalar in [0, 1].

    Raises:
        ValueError: the shapes do not fit, or there is nothing but a background.
    """
    if (
        logits.ndim < 2
        or logits.shape[1] < 2
        or target.shape != logits.shape[:1] + logits.shape[2:]
    ):
        raise ValueError(
            f"logits {tuple(logits.shape)} and target {tuple(target.shape)} are not categories"
        )
    probability = torch.softmax(logits.float(), dim=1)
    truth = functional.one_hot(target.long(), logits.shape[1]).movedim(-1, 1).float()
    return 1 - _dice(probability, truth)[1:].mean()


def _dice(probability: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """(C,) soft Dice of (N, C, ...) over the batch and all voxels."""
    axes = [axis for axis in range(probability.ndim) if axis != 1]
    overlap = (probability * truth).sum(axes)
    return (2 * overlap + SMOOTH) / (probability.sum(axes) + truth.sum(axes) + SMOOTH)
