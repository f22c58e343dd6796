"""The networks as OpenVINO's graphs, built from stored weights alone.

What they compute is described in `network.py` and `toothnet.py`; a test holds these graphs to the
same answers. A conversion from PyTorch would need PyTorch, which takes longer to load than a small
scan to compute.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ToothSegLib.architectures import REFUSALS, checked, differing, unfit
from ToothSegLib.bundles.stored_network import StoredNetwork
from ToothSegLib.errors import BundleError, ToothSegError, one_line
from ToothSegLib.teeth import N_TYPES

_EPSILON = 1e-5  # of both normalisations in PyTorch
_SLOPE = 0.01  # of the leaky ReLU


def build_graph(network: StoredNetwork, shape: tuple[int, int, int]) -> Any:
    """The network as an OpenVINO model for images (1, 1, Z, Y, X) of one size.

    Args:
        network: all of its weights must fit its architecture, and no others may be there.
        shape: (Z, Y, X).

    Raises:
        BundleError: the architecture is unknown, or the weights do not fit it.
    """
    import openvino
    from openvino import opset14

    class_name, options = checked(network.architecture, network.where)
    image = opset14.parameter([1, 1, *shape], np.float32)
    layers = _Layers(network, opset14)
    try:
        outputs = _GRAPHS[class_name](layers, image.output(0), **options)
    except ToothSegError:
        raise
    except REFUSALS as error:
        raise BundleError(
            f"{network.where} cannot be built as a {class_name}: {one_line(error):.200}"
        ) from None
    layers.check_all_taken()
    return openvino.Model(outputs, [image])


class _Layers:
    """Layers with the weights of a name; each weight is taken once."""

    def __init__(self, network: StoredNetwork, operations: Any) -> None:
        self.of = operations
        self._where = network.where
        self._left = dict(network.weights)

    def take(self, name: str, *shape: int) -> Any:
        """The weights of a name as a constant of float32.

        An operation that is given an array makes a list of Python's numbers out of it first, which
        takes ten times as long.

        Raises:
            BundleError: they are not of that shape.
        """
        return self.of.constant(self._array(name, *shape))

    def _array(self, name: str, *shape: int) -> np.ndarray:
        array = self._left.pop(name, None)
        if array is None or array.shape != shape:
            there = None if array is None else array.shape
            raise unfit(self._where, differing(name, there, shape))
        return array.astype(np.float32)

    def check_all_taken(self) -> None:
        """BundleError if there are weights that no layer has."""
        for name, array in self._left.items():
            raise unfit(self._where, differing(name, array.shape, None))

    def conv(
        self,
        x: Any,
        name: str,
        wide: tuple[int, int],
        kernel: int = 3,
        step: int = 1,
        bias: bool = True,
    ) -> Any:
        """A convolution from so many channels to so many."""
        weights = self.take(f"{name}.weight", wide[1], wide[0], *[kernel] * 3)
        pad = [(kernel - 1) // 2] * 3
        x = self.of.convolution(x, weights, [step] * 3, pad, pad, [1] * 3)
        return self.of.add(x, self._channels(f"{name}.bias", wide[1])) if bias else x

    def up(self, x: Any, name: str, wide: tuple[int, int]) -> Any:
        """A transposed convolution that doubles the size."""
        weights = self.take(f"{name}.weight", *wide, 2, 2, 2)
        x = self.of.convolution_backprop_data(x, weights, [2] * 3)
        return self.of.add(x, self._channels(f"{name}.bias", wide[1]))

    def pool(self, x: Any) -> Any:
        """Maxima of cubes of two voxels a side."""
        return self.of.max_pool(x, [2] * 3, [1] * 3, [0] * 3, [0] * 3, [2] * 3).output(0)

    def instance_norm(self, x: Any, name: str, width: int) -> Any:
        """Each channel to mean 0 and variance 1 over the image, then scaled and shifted."""
        x = self.of.mvn(x, np.array([2, 3, 4]), True, _EPSILON, "inside_sqrt")
        x = self.of.multiply(x, self._channels(f"{name}.weight", width))
        return self.of.add(x, self._channels(f"{name}.bias", width))

    def batch_norm(self, x: Any, name: str, width: int) -> Any:
        """The same by the mean and variance that training has left."""
        scale, shift, mean, variance = (
            self.take(f"{name}.{part}", width)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        self._array(f"{name}.num_batches_tracked")
        return self.of.batch_norm_inference(x, scale, shift, mean, variance, _EPSILON)

    def relu(self, x: Any) -> Any:
        """Nothing below zero."""
        return self.of.relu(x)

    def leaky(self, x: Any) -> Any:
        """Little below zero."""
        return self.of.prelu(x, np.array([_SLOPE], np.float32))

    def join(self, *parts: Any) -> Any:
        """The channels of all."""
        return self.of.concat(list(parts), 1)

    def _channels(self, name: str, width: int) -> Any:
        return self.of.constant(self._array(name, width).reshape(1, width, 1, 1, 1))


def _toothnet(
    layers: _Layers,
    image: Any,
    *,
    widths: Any = (32, 64, 96, 128),
    edge_width: int = 8,
    prosthesis: bool = False,
) -> list[Any]:
    """`toothnet.ToothNet`: logits of tooth, logits of types, offsets, logits of prostheses."""

    def block(x: Any, name: str, before: int, width: int) -> Any:
        for n, wide in ((0, before), (3, width)):
            x = layers.conv(x, f"{name}.{n}", (wide, width), bias=False)
            x = layers.leaky(layers.instance_norm(x, f"{name}.{n + 1}", width))
        return x

    x = layers.conv(image, "stem", (1, widths[0]), kernel=2, step=2)
    skips = []
    for level, width in enumerate(widths):
        x = block(layers.pool(x) if level else x, f"down.{level}", widths[max(level - 1, 0)], width)
        skips.append(x)
    skips.pop()
    deeper = zip(reversed(widths[1:]), reversed(widths[:-1]), strict=True)
    for n, (deep, shallow) in enumerate(deeper):
        x = layers.join(layers.up(x, f"up.{n}", (deep, shallow)), skips.pop())
        x = block(x, f"merge.{n}", 2 * shallow, shallow)
    types = layers.conv(x, "type_head", (widths[0], N_TYPES), kernel=1)
    offsets = layers.conv(x, "offset_head", (widths[0], 3), kernel=1)
    more = [layers.conv(x, "prosthesis_head", (widths[0], 1), kernel=1)] if prosthesis else []
    fine = layers.relu(layers.up(x, "edge_up", (widths[0], edge_width)))
    fine = layers.conv(layers.join(fine, image), "edge", (edge_width + 1, edge_width))
    tooth = layers.conv(layers.relu(fine), "tooth_head", (edge_width, 1))
    return [tooth, types, offsets, *more]


def _unet(
    layers: _Layers,
    image: Any,
    *,
    dim: int,
    in_channels: int,
    out_channels: int,
    n_blocks: int,
    start_filters: int,
) -> list[Any]:
    """`network.UNet` in three dimensions: logits."""
    if dim != 3 or in_channels != 1:
        raise ValueError(f"a scan has 3 dimensions and 1 channel, not {dim} and {in_channels}")

    def block(x: Any, name: str, before: int, width: int) -> Any:
        for n, wide in ((0, before), (3, width)):
            x = layers.relu(layers.conv(x, f"{name}.{n}", (wide, width)))
            x = layers.batch_norm(x, f"{name}.{n + 2}", width)
        return x

    widths = [start_filters * 2**level for level in range(n_blocks)]
    x, before, skips = image, in_channels, []
    for level, width in enumerate(widths):
        x = block(layers.pool(x) if level else x, f"down.{level}", before, width)
        before = width
        skips.append(x)
    skips.pop()
    for n, (deep, shallow) in enumerate(zip(widths[:0:-1], widths[-2::-1], strict=True)):
        x = layers.relu(layers.up(x, f"up.{n}.up.0", (deep, shallow)))
        x = layers.join(layers.batch_norm(x, f"up.{n}.up.2", shallow), skips.pop())
        x = block(x, f"up.{n}.convs", 2 * shallow, shallow)
    return [layers.conv(x, "head", (start_filters, out_channels), kernel=1)]


_GRAPHS: dict[str, Any] = {"UNet": _unet, "ToothNet": _toothnet}
