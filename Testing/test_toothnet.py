"""The default network: shapes, refusals, and nothing that depends on the batch."""

from __future__ import annotations

import pytest
import torch

from ToothSegLib.architectures import count_parameters
from ToothSegLib.teeth import N_TYPES
from ToothSegLib.toothnet import NEW_HEAD, ToothNet


@pytest.fixture(scope="module")
def a_small_network() -> ToothNet:
    torch.manual_seed(0)
    return ToothNet(widths=(4, 6, 8, 8), edge_width=4, prosthesis=True).eval()


def test_outputs_have_their_resolutions(a_small_network: ToothNet) -> None:
    output = a_small_network(torch.zeros(1, 1, 32, 48, 16))
    assert output.tooth.shape == (1, 1, 32, 48, 16)
    assert output.types.shape == (1, N_TYPES, 16, 24, 8)
    assert output.offsets.shape == (1, 3, 16, 24, 8)
    assert output.prosthesis.shape == (1, 1, 16, 24, 8)


def test_an_axis_that_does_not_fit_is_refused(a_small_network: ToothNet) -> None:
    with pytest.raises(ValueError, match="multiple of 16"):
        a_small_network(torch.zeros(1, 1, 32, 40, 16))


def test_one_image_does_not_change_another(a_small_network: ToothNet) -> None:
    generator = torch.Generator().manual_seed(1)
    one = torch.randn(1, 1, 16, 32, 32, generator=generator)
    two = torch.randn(1, 1, 16, 32, 32, generator=generator)
    together = a_small_network(torch.cat([one, two])).types[:1]
    assert torch.allclose(together, a_small_network(one).types, atol=1e-5)


def test_every_weight_learns(a_small_network: ToothNet) -> None:
    image = torch.randn(1, 1, 32, 32, 32, generator=torch.Generator().manual_seed(2))
    output = a_small_network(image)
    sum(part.square().mean() for part in output).backward()
    silent = [n for n, p in a_small_network.named_parameters() if p.grad is None]
    a_small_network.zero_grad()
    assert not silent


def test_one_that_knows_no_prosthesis_gives_three_outputs() -> None:
    network = ToothNet(widths=(4, 6, 8, 8), edge_width=4)
    assert network(torch.zeros(1, 1, 32, 32, 32)).prosthesis is None
    assert not any(name.startswith(NEW_HEAD) for name in network.state_dict())


def test_the_shipped_size() -> None:
    assert count_parameters(ToothNet()) == 2_742_517
    assert count_parameters(ToothNet(prosthesis=True)) == 2_742_550
