"""The default network: one pass tells tooth from the rest, its type and where its centre lies.

It works on two scales. Everything that needs a view of the arch (which type, which neighbour) is
decided at half resolution by an encoder-decoder with four poolings; only the border of the teeth is
drawn at full resolution, by a few narrow layers that see the image and the decoder's features. So
it costs less than the article's pair of networks and sees 96 mm around each voxel.

The offsets follow the idea of ToothNet (Cui et al., CVPR 2019) and of centre voting (Jang et al.,
TPAMI 2021): each voxel points at the centre of its tooth, and votes that gather apart are teeth
apart, however tightly their crowns touch.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ToothSegLib.maps import OFFSET_UNIT_MM as OFFSET_UNIT_MM  # training asks here for it
from ToothSegLib.teeth import N_TYPES

NEW_HEAD = "prosthesis_head."
"""How the weights are named that older networks do not have."""


class ToothNetOutput(NamedTuple):
    """Logits and offsets of one pass; (B, C, Z, Y, X)."""

    tooth: Tensor  # (B, 1, Z, Y, X) logits at full resolution
    types: Tensor  # (B, 17, Z/2, Y/2, X/2) logits at half resolution
    offsets: Tensor  # (B, 3, Z/2, Y/2, X/2) in units of OFFSET_UNIT_MM, along (x, y, z)
    prosthesis: Tensor | None = None  # (B, 1, Z/2, Y/2, X/2) logits, if the network has them


class ToothNet(nn.Module):
    """Two-scale U-Net with three or four outputs.

    Args:
        widths: channels at 1/2, 1/4, 1/8 and 1/16 of the input's resolution.
        edge_width: channels at full resolution.
        prosthesis: tell implants and pontics from teeth as well.

    The input is (B, 1, Z, Y, X), each axis a multiple of `multiple`.
    """

    multiple = 16

    def __init__(
        self,
        widths: tuple[int, ...] = (32, 64, 96, 128),
        edge_width: int = 8,
        prosthesis: bool = False,
    ) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.edge_width = edge_width
        self.stem = nn.Conv3d(1, widths[0], kernel_size=2, stride=2)
        self.down = nn.ModuleList()
        for level, width in enumerate(widths):
            self.down.append(_block(widths[max(level - 1, 0)], width))
        self.up = nn.ModuleList()
        self.merge = nn.ModuleList()
        for deep, shallow in zip(reversed(widths[1:]), reversed(widths[:-1]), strict=True):
            self.up.append(nn.ConvTranspose3d(deep, shallow, kernel_size=2, stride=2))
            self.merge.append(_block(2 * shallow, shallow))
        self.type_head = nn.Conv3d(widths[0], N_TYPES, kernel_size=1)
        self.offset_head = nn.Conv3d(widths[0], 3, kernel_size=1)
        self.prosthesis_head = nn.Conv3d(widths[0], 1, kernel_size=1) if prosthesis else None
        self.edge_up = nn.ConvTranspose3d(widths[0], edge_width, kernel_size=2, stride=2)
        self.edge = nn.Conv3d(edge_width + 1, edge_width, kernel_size=3, padding=1)
        self.tooth_head = nn.Conv3d(edge_width, 1, kernel_size=3, padding=1)

    def forward(self, image: Tensor) -> ToothNetOutput:
        """Run the network; see `ToothNetOutput`.

        Raises:
            ValueError: an axis of the image is not a multiple of 16.
        """
        if any(size % self.multiple for size in image.shape[2:]):
            raise ValueError(
                f"the image is {tuple(image.shape[2:])}; pad each axis to a multiple of "
                f"{self.multiple}"
            )
        x = self.stem(image)
        skips = []
        for level, block in enumerate(self.down):
            if level:
                x = functional.max_pool3d(x, 2)
            x = block(x)
            skips.append(x)
        skips.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            x = merge(torch.cat([up(x), skips.pop()], dim=1))
        fine = torch.cat([torch.relu(self.edge_up(x)), image.to(x.dtype)], dim=1)
        tooth = self.tooth_head(torch.relu(self.edge(fine)))
        prosthesis = None if self.prosthesis_head is None else self.prosthesis_head(x)
        return ToothNetOutput(tooth, self.type_head(x), self.offset_head(x), prosthesis)


def _block(in_channels: int, out_channels: int) -> nn.Sequential:
    """Two convolutions with instance normalisation, which knows no batch and no running mean."""
    layers: list[nn.Module] = []
    for width in (in_channels, out_channels):
        layers += [
            nn.Conv3d(width, out_channels, kernel_size=3, padding=1, bias=False),
            nn.InstanceNorm3d(out_channels, affine=True),
            nn.LeakyReLU(0.01, inplace=True),
        ]
    return nn.Sequential(*layers)
