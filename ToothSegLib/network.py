"""The article's U-Net, in two and three dimensions."""

from __future__ import annotations

import torch
from torch import nn

_CONV = {2: nn.Conv2d, 3: nn.Conv3d}
_UP_CONV = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_NORM = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_POOL = {2: nn.MaxPool2d, 3: nn.MaxPool3d}


def _conv_relu_norm(dim: int, in_channels: int, out_channels: int) -> list[nn.Module]:
    # ReLU before the normalisation, as published; the bias therefore does matter and is kept.
    return [
        _CONV[dim](in_channels, out_channels, kernel_size=3, padding=1),
        nn.ReLU(inplace=True),
        _NORM[dim](out_channels),
    ]


def _double_conv(dim: int, in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        *_conv_relu_norm(dim, in_channels, out_channels),
        *_conv_relu_norm(dim, out_channels, out_channels),
    )


class _UpBlock(nn.Module):
    """Double the size, join the features of the same size from the way down, convolve twice."""

    def __init__(self, dim: int, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.up = nn.Sequential(
            _UP_CONV[dim](in_channels, out_channels, kernel_size=2, stride=2),
            nn.ReLU(inplace=True),
            _NORM[dim](out_channels),
        )
        self.convs = _double_conv(dim, 2 * out_channels, out_channels)

    def forward(self, deep: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        return self.convs(torch.cat([self.up(deep), skip], dim=1))


class UNet(nn.Module):
    """U-Net of Ronneberger et al. (2015), in 3D of Cicek et al. (2016), with batch normalisation.

    Each block convolves twice (kernel 3, zero padding, ReLU, batch normalisation). Blocks on the
    way down are followed by max-pooling, blocks on the way up preceded by a transposed
    convolution (kernel 2, stride 2, ReLU, batch normalisation) and a concatenation; a convolution
    of kernel 1 makes the output. Channels double with each block down.

    Args:
        dim: 2 or 3.
        in_channels: channels of the input.
        out_channels: channels of the output, one per class, or one for tooth against the rest.
        n_blocks: blocks on the way down, the deepest one (which is not pooled) included.
        start_filters: channels of the first block.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self, dim: int, in_channels: int, out_channels: int, n_blocks: int, start_filters: int
    ) -> None:
        super().__init__()
        if dim not in _CONV:
            raise ValueError(f"a U-Net has 2 or 3 dimensions, not {dim}")
        sizes = {
            "in_channels": in_channels,
            "out_channels": out_channels,
            "n_blocks": n_blocks,
            "start_filters": start_filters,
        }
        for name, value in sizes.items():
            if value < 1:
                raise ValueError(f"{name} of a U-Net is at least 1, not {value}")
        self.dim = dim
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.n_blocks = n_blocks
        self.start_filters = start_filters

        channels = [start_filters * 2**level for level in range(n_blocks)]
        self.pool = _POOL[dim](kernel_size=2)
        self.down = nn.ModuleList(
            _double_conv(dim, before, after)
            for before, after in zip([in_channels, *channels[:-1]], channels, strict=True)
        )
        self.up = nn.ModuleList(
            _UpBlock(dim, deep, shallow)
            for shallow, deep in reversed(list(zip(channels[:-1], channels[1:], strict=True)))
        )
        self.head = _CONV[dim](start_filters, out_channels, kernel_size=1)

    @property
    def multiple(self) -> int:
        """What each spatial size of the input must be a multiple of."""
        return 2 ** (self.n_blocks - 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits for a batch of images.

        Args:
            image: (N, in_channels, Y, X) or, in three dimensions, (N, in_channels, Z, Y, X);
                every spatial size a multiple of `multiple`.

        Returns:
            (N, out_channels, ...) of the same spatial size.

        Raises:
            ValueError: the input's number of axes, channels or size does not fit.
        """
        self._check(image)
        skips = []
        features = image
        for level, block in enumerate(self.down):
            features = block(features if level == 0 else self.pool(features))
            skips.append(features)
        skips.pop()
        for block in self.up:
            features = block(features, skips.pop())
        return self.head(features)

    def _check(self, image: torch.Tensor) -> None:
        if image.ndim != self.dim + 2 or image.shape[1] != self.in_channels:
            raise ValueError(
                f"this {self.dim}D U-Net takes (N, {self.in_channels}, "
                f"{self.dim} spatial sizes), not {tuple(image.shape)}"
            )
        size = tuple(image.shape[2:])
        if any(length == 0 or length % self.multiple for length in size):
            raise ValueError(
                f"an input of size {size} does not fit this U-Net: "
                f"pad every size to a multiple of {self.multiple}"
            )
