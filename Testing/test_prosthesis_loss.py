"""What is asked of the default network where an implant stands."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ToothSegLib.synthesis.case import Case
from ToothSegLib.synthesis.compose import Wish, make_case
from ToothSegLib.synthesis.sampling import Patch, TensorCase
from ToothSegLib.toothnet import ToothNetOutput
from ToothSegLib.training.learning_step import on_device
from ToothSegLib.training.samples import draw_sample
from ToothSegLib.training.tasks import TASKS

SHAPE, HALF = (16, 16, 16), (8, 8, 8)


@pytest.fixture(scope="module")
def implants() -> Case:
    front = (11, 12, 13, 21, 22, 23, 31, 32, 33, 41, 42, 43)
    return make_case(5, spacing_mm=1.0, ordinary=True, wish=Wish(front, None, 1.0))


def a_patch() -> Patch:
    """A tooth in the first half of the rows, an implant in the last quarter."""
    labels = torch.zeros(SHAPE, dtype=torch.uint8)
    labels[:, :8] = 11
    prosthesis = torch.zeros(SHAPE, dtype=torch.bool)
    prosthesis[:, 12:] = True
    types = torch.zeros(HALF, dtype=torch.int64)
    types[:, :4] = 1
    offsets = torch.zeros(3, *HALF)
    tooth = (labels > 0).float()
    return Patch(labels, labels, types, offsets, tooth, None, prosthesis)


def an_output(*, tooth_at_implant: float, says: float) -> ToothNetOutput:
    """Right everywhere, but as said where the implant is."""
    tooth = torch.full((1, 1, *SHAPE), -9.0)
    tooth[..., :8, :] = 9.0
    tooth[..., 12:, :] = tooth_at_implant
    types = torch.full((1, 17, *HALF), -9.0)
    types[:, 0] = 9.0
    types[:, 0, :, :4], types[:, 1, :, :4] = -9.0, 9.0
    if tooth_at_implant > 0:
        types[:, 0, :, 6:], types[:, 3, :, 6:] = -9.0, 9.0
    prosthesis = torch.full((1, 1, *HALF), -9.0)
    prosthesis[..., 6:, :] = says
    return ToothNetOutput(tooth, types, torch.zeros(1, 3, *HALF), prosthesis)


def loss(output: ToothNetOutput, patch: Patch) -> dict[str, float]:
    return {name: float(value) for name, value in TASKS["toothnet"].loss(output, patch).items()}


@pytest.mark.parametrize("tooth_at_implant", [-9.0, 9.0])
def test_an_implant_may_look_like_a_tooth_but_must_be_told(tooth_at_implant: float) -> None:
    right = loss(an_output(tooth_at_implant=tooth_at_implant, says=9.0), a_patch())
    wrong = loss(an_output(tooth_at_implant=tooth_at_implant, says=-9.0), a_patch())
    assert sum(right.values()) < 0.01
    assert wrong["prosthesis"] > 3
    assert {k: v for k, v in wrong.items() if k != "prosthesis"} == pytest.approx(
        {k: v for k, v in right.items() if k != "prosthesis"}
    )


def test_a_right_answer_for_a_small_tooth_beside_a_large_implant_costs_nothing() -> None:
    labels = torch.zeros(SHAPE, dtype=torch.uint8)
    labels[:8, :8, :8] = 11
    prosthesis = torch.zeros(SHAPE, dtype=torch.bool)
    prosthesis[:, 8:] = True
    types = torch.zeros(HALF, dtype=torch.int64)
    types[:4, :4, :4] = 1
    tooth = (labels > 0).float()
    patch = Patch(labels, labels, types, torch.zeros(3, *HALF), tooth, None, prosthesis)
    half = torch.nn.functional.avg_pool3d(prosthesis[None].float(), 2)[None]
    output = ToothNetOutput(
        18 * tooth[None, None] - 9,
        18 * torch.nn.functional.one_hot(types, 17).permute(3, 0, 1, 2)[None].float() - 9,
        torch.zeros(1, 3, *HALF),
        18 * half - 9,
    )
    assert sum(loss(output, patch).values()) < 0.01


def test_where_prostheses_are_unknown_nothing_is_asked_of_them() -> None:
    patch = replace(a_patch(), prosthesis=None)
    told = loss(an_output(tooth_at_implant=9.0, says=-9.0), patch)
    assert "prosthesis" not in told
    assert told["tooth"] > 0.5  # here an implant is as wrong as anything else


def test_a_network_without_the_output_is_asked_as_before() -> None:
    output = an_output(tooth_at_implant=9.0, says=9.0)._replace(prosthesis=None)
    assert "prosthesis" not in loss(output, a_patch())
    assert loss(output, a_patch())["tooth"] > 0.5


def test_patches_show_the_implants_of_their_case(implants: Case) -> None:
    case = TensorCase.of(implants)
    task = replace(TASKS["toothnet"], sizes=((64, 64, 64),), spacing_mm=1.0)
    seen = 0
    for step in range(4):
        _, patch = draw_sample([case], task, 1, step)
        assert patch.prosthesis is not None
        assert not (patch.prosthesis & (patch.labels > 0)).any()
        seen += int(patch.prosthesis.sum())
    assert seen > 200


def test_a_patch_goes_to_the_device_as_a_whole() -> None:
    patch = a_patch()
    tensors = {name for name, part in vars(patch).items() if isinstance(part, torch.Tensor)}
    moved = on_device(patch, torch.device("meta"))
    assert {name for name in tensors if getattr(moved, name).device.type == "meta"} == tensors
    assert {"labels", "types", "offsets", "tooth", "prosthesis"} <= tensors
