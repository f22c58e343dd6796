"""Turned scans cut into what one step of a stage takes, and predictions put together again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ToothSegLib.network import UNet
from ToothSegLib.training.on_device import Machine
from ToothSegLib.training.preparation import join_pieces, piece_starts
from ToothSegLib.training.recipes import Stage
from ToothSegLib.training.turned_scan import TurnedScan


class Pieces:
    """The pieces of some scans for one stage, by number."""

    def __init__(self, stage: Stage, scans: Sequence[TurnedScan]) -> None:
        self._stage = stage
        self._scans = scans
        self._places = [
            (index, start)
            for index, scan in enumerate(scans)
            for start in starts(stage, scan.image.shape)
        ]

    def __len__(self) -> int:
        return len(self._places)

    def batch(self, numbers: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Images (N, 1, ...) in float32 and their targets (N, ...), categories or tooth 0/1."""
        images, targets = [], []
        for number in numbers:
            index, start = self._places[number]
            scan = self._scans[index]
            target = scan.categories if self._stage.categorical else scan.teeth
            images.append(piece(self._stage, scan.image, start))
            targets.append(piece(self._stage, target, start).astype(np.uint8))
        return torch.from_numpy(np.stack(images))[:, None], torch.from_numpy(np.stack(targets))


def starts(stage: Stage, shape: Sequence[int]) -> list[int]:
    """First slices of the pieces that a stage cuts from a volume of that (z, y, x) shape."""
    length = shape[stage.axis]
    return piece_starts(length, min(stage.thickness or length, length))


def piece(stage: Stage, array: NDArray, start: int) -> NDArray:
    """One piece of (z, y, x): all three axes, or two for a network of two dimensions."""
    length = array.shape[stage.axis]
    thickness = min(stage.thickness or length, length)
    cut = np.moveaxis(array, stage.axis, 0)[start : start + thickness]
    return cut[0] if stage.dim == 2 else np.moveaxis(cut, 0, stage.axis)


@torch.inference_mode()
def predict(
    network: UNet, stage: Stage, image: NDArray[np.float32], machine: Machine
) -> NDArray[np.float32]:
    """Probabilities (channels, z, y, x) of a whole prepared image, cut as the stage cuts.

    One channel is the probability of tooth; more are those of the categories.
    """
    network.eval()
    firsts = starts(stage, image.shape)
    pieces: list[NDArray[np.float32]] = []
    for begin in range(0, len(firsts), stage.batch_size):
        cuts = [piece(stage, image, start) for start in firsts[begin : begin + stage.batch_size]]
        with machine.working():
            batch = machine.place_batch(torch.from_numpy(np.stack(cuts))[:, None])
            with machine.autocast():
                logits = network(batch)
            logits = logits.float()
            maps = logits.softmax(dim=1) if stage.categorical else logits.sigmoid()
            pieces.extend(maps.cpu().numpy())
    axis = stage.axis + 1  # behind the channels
    if stage.dim == 2:
        pieces = [np.expand_dims(flat, axis) for flat in pieces]
    return join_pieces(pieces, firsts, image.shape[stage.axis], axis)


def find(network: UNet, stage: Stage, scan: TurnedScan, machine: Machine) -> NDArray[np.uint8]:
    """Tooth (0, 1) or categories (0-8) that a stage finds in a scan, (z, y, x).

    Where the scan is masked, nothing is found outside the mask.
    """
    maps = predict(network, stage, scan.image, machine)
    labels = maps.argmax(axis=0) if stage.categorical else maps[0] > 0.5
    if scan.mask is not None:
        labels = np.where(scan.mask, labels, 0)
    return labels.astype(np.uint8)
