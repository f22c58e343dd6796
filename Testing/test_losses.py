"""Dice losses: known values, gradients that lead somewhere, refusals."""

from __future__ import annotations

import pytest
import torch

from ToothSegLib.training.losses import SMOOTH, binary_dice_loss, category_dice_loss

SURE = 50.0  # a logit whose sigmoid is 0 or 1 to float32


def test_binary_dice_of_a_known_overlap():
    # Found 3 voxels, true 2, both 1: (2 * 1 + s) / (3 + 2 + s).
    logits = torch.tensor([SURE, SURE, SURE, -SURE, -SURE, -SURE]).reshape(1, 1, 2, 3)
    target = torch.tensor([0, 0, 1, 1, 0, 0]).reshape(1, 2, 3)
    expected = 1 - (2 + SMOOTH) / (5 + SMOOTH)
    assert binary_dice_loss(logits, target).item() == pytest.approx(expected, abs=1e-6)


def test_binary_dice_of_undecided_voxels():
    # p = 0.5 everywhere, half the voxels true: (2 * 2 * 0.5 + s) / (4 * 0.5 + 2 + s).
    target = torch.tensor([1.0, 1.0, 0.0, 0.0]).reshape(1, 1, 4)
    loss = binary_dice_loss(torch.zeros(1, 1, 4), target)
    assert loss.item() == pytest.approx(1 - (2 + SMOOTH) / (4 + SMOOTH))


def test_right_is_zero_wrong_is_nearly_one_and_nothing_in_nothing_is_right():
    truth = torch.zeros(1, 8, 8)
    truth[:, :4] = 1
    logits = (truth * 2 - 1)[:, None] * SURE
    assert binary_dice_loss(logits, truth).item() == pytest.approx(0, abs=1e-6)
    assert binary_dice_loss(-logits, truth).item() == pytest.approx(1 - SMOOTH / (64 + SMOOTH))
    assert binary_dice_loss(torch.full((1, 1, 8), -SURE), torch.zeros(1, 8)).item() == 0


def test_the_batch_counts_as_one():
    # One slice full of tooth and found, one empty with one voxel wrong.
    logits = torch.full((2, 1, 10), SURE)
    logits[1, :, 1:] = -SURE
    target = torch.ones(2, 10)
    target[1] = 0
    expected = 1 - (20 + SMOOTH) / (21 + SMOOTH)
    assert binary_dice_loss(logits, target).item() == pytest.approx(expected, abs=1e-6)


def test_category_dice_is_the_mean_over_the_categories_without_the_background():
    target = torch.tensor([[0, 0, 1, 1, 2, 2]])
    found = torch.tensor([[0, 0, 1, 2, 2, 2]])
    logits = torch.nn.functional.one_hot(found, 3).movedim(-1, 1) * (2 * SURE)
    first = (2 * 1 + SMOOTH) / (1 + 2 + SMOOTH)
    second = (2 * 2 + SMOOTH) / (3 + 2 + SMOOTH)
    expected = 1 - (first + second) / 2
    assert category_dice_loss(logits, target).item() == pytest.approx(expected, abs=1e-6)


def test_every_category_weighs_the_same_whatever_its_size():
    # Missing the small category wholly costs as much as missing the large one.
    target = torch.tensor([[0] * 50 + [1] * 400 + [2] * 40])

    def loss_without(category):
        found = torch.where(target == category, 0, target)
        logits = torch.nn.functional.one_hot(found, 3).movedim(-1, 1) * (2 * SURE)
        return category_dice_loss(logits, target).item()

    assert loss_without(1) == pytest.approx(0.5, abs=0.02)
    assert loss_without(2) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("loss_of", [binary_dice_loss, category_dice_loss])
def test_gradients_agree_with_differences(loss_of):
    torch.manual_seed(0)
    channels = 1 if loss_of is binary_dice_loss else 3
    logits = torch.randn(2, channels, 3, 4, requires_grad=True)
    target = torch.randint(0, max(channels, 2), (2, 3, 4))
    loss_of(logits, target).backward()
    step = 1e-2
    for place in [(0, 0, 0, 0), (1, channels - 1, 2, 3), (0, 0, 1, 2)]:
        moved = [logits.detach().clone() for _ in range(2)]
        moved[0][place] += step
        moved[1][place] -= step
        slope = (loss_of(moved[0], target) - loss_of(moved[1], target)) / (2 * step)
        assert logits.grad[place].item() == pytest.approx(slope.item(), abs=2e-5)


@pytest.mark.parametrize("loss_of", [binary_dice_loss, category_dice_loss])
def test_following_the_gradient_finds_the_truth(loss_of):
    torch.manual_seed(0)
    channels = 1 if loss_of is binary_dice_loss else 3
    target = torch.randint(0, max(channels, 2), (1, 30))
    logits = torch.zeros(1, channels, 30, requires_grad=True)
    optimiser = torch.optim.Adam([logits], lr=0.3)
    for _ in range(60):
        optimiser.zero_grad()
        loss_of(logits, target).backward()
        optimiser.step()
    found = logits[:, 0] > 0 if channels == 1 else logits.argmax(1)
    assert torch.equal(found.long(), target)


def test_half_precision_logits_are_summed_in_float32():
    # Their sum, 200 000, is more than float16 can hold.
    logits = torch.full((1, 1, 200_000), SURE, dtype=torch.float16)
    loss = binary_dice_loss(logits, torch.ones(1, 200_000))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("loss_of", "logits", "target"),
    [
        (binary_dice_loss, (1, 2, 4), (1, 4)),
        (binary_dice_loss, (1, 1, 4), (1, 5)),
        (category_dice_loss, (1, 1, 4), (1, 4)),
        (category_dice_loss, (1, 3, 4), (1, 5)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(loss_of, logits, target):
    with pytest.raises(ValueError, match="are not"):
        loss_of(torch.zeros(logits), torch.zeros(target, dtype=torch.long))
