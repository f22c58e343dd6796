"""The U-Net is the published one: its size, its shape, its refusals."""

from __future__ import annotations

import pytest
import torch

from ToothSegLib.architectures import count_parameters
from ToothSegLib.network import UNet


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((2, 1, 1, 4, 64), 7_702_721),
        ((3, 1, 1, 4, 64), 22_400_321),
        ((3, 1, 1, 3, 18), 430_075),
        ((3, 1, 9, 3, 9), 108_036),
    ],
)
def test_has_the_published_number_of_parameters(arguments, expected):
    with torch.device("meta"):  # counted without filling 22 million numbers
        assert count_parameters(UNet(*arguments)) == expected


@pytest.mark.parametrize(
    ("dim", "n_blocks", "size"),
    [(2, 4, (8, 16)), (3, 3, (4, 8, 12)), (3, 1, (3, 5, 7)), (2, 2, (6, 2))],
)
def test_output_has_a_channel_a_class_and_the_size_of_the_input(dim, n_blocks, size):
    network = UNet(dim, 2, 5, n_blocks, 3).eval()
    assert network.multiple == 2 ** (n_blocks - 1)
    assert network(torch.randn(2, 2, *size)).shape == (2, 5, *size)


def test_output_is_logits_with_gradients_for_every_parameter():
    torch.manual_seed(0)
    network = UNet(3, 1, 2, 3, 4)
    logits = network(torch.randn(1, 1, 8, 8, 8))
    assert logits.min() < 0  # no sigmoid or softmax at the end
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_details_reach_the_output_by_the_joins_between_the_ways_down_and_up():
    torch.manual_seed(0)
    network = UNet(2, 1, 1, 3, 4).eval()
    for block in network.up:
        torch.nn.init.zeros_(block.up[0].weight)  # nothing arrives from below
    image = torch.randn(1, 1, 8, 8)
    assert network(image).std() > 0


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1, 1, 8, 8, 6), "multiple of 4"),
        ((1, 1, 8, 8, 0), "multiple of 4"),
        ((1, 2, 8, 8, 8), "takes"),
        ((1, 1, 8, 8), "takes"),
    ],
)
def test_refuses_an_input_that_does_not_fit_in_words(shape, words):
    with pytest.raises(ValueError, match=words):
        UNet(3, 1, 1, 3, 2).eval()(torch.zeros(shape))


@pytest.mark.parametrize(
    "arguments", [(1, 1, 1, 3, 4), (4, 1, 1, 3, 4), (3, 0, 1, 3, 4), (3, 1, 1, 0, 4)]
)
def test_refuses_an_architecture_that_is_none(arguments):
    with pytest.raises(ValueError, match="U-Net"):
        UNet(*arguments)
