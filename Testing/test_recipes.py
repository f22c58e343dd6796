"""The seven experiments are the article's, and each can be fed to its networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ToothSegLib.errors import InputError
from ToothSegLib.network import UNet
from ToothSegLib.training.on_device import choose_machine
from ToothSegLib.training.pieces import Pieces, find, piece, starts
from ToothSegLib.training.recipes import RECIPES, Recipe, Stage, recipe_by_name, split
from ToothSegLib.training.turned_scan import TurnedScan

VOLUME = (168, 120, 120)


def test_all_seven_are_there_by_name():
    assert list(RECIPES) == [f"article-{n}" for n in range(1, 8)]
    assert all(recipe_by_name(name).name == name for name in RECIPES)
    with pytest.raises(InputError, match="article-8.*article-1, article-2"):
        recipe_by_name("article-8")


def test_the_published_networks_are_where_the_article_has_them():
    assert RECIPES["article-1"].stages[0].shape == (2, 1, 1, 4, 64)
    assert RECIPES["article-4"].stages[0].shape == (3, 1, 1, 4, 64)
    assert RECIPES["article-5"].stages[0].shape == (3, 1, 1, 3, 18)
    assert RECIPES["article-6"].stages[0].shape == (3, 1, 9, 3, 9)
    assert RECIPES["article-7"].stages[0] == RECIPES["article-5"].stages[0]
    assert RECIPES["article-7"].stages[1].shape == (3, 1, 9, 3, 9)


def test_seven_of_ten_volumes_are_learned_from_and_make_21_pieces_of_72_slices():
    learn, look = split(10)
    assert sorted(learn + look) == list(range(10))
    assert len(learn) == 7
    assert 0 in learn
    assert len(learn) * len(starts(RECIPES["article-5"].stages[0], VOLUME)) == 21


@pytest.mark.parametrize(
    ("name", "shape", "count"),
    [
        ("article-1", (168, 120), 120),  # x-z: one slice for each y
        ("article-2", (168, 120), 120),  # y-z: one slice for each x
        ("article-4", (24, 120, 120), 7),
        ("article-5", (72, 120, 120), 3),
        ("article-6", VOLUME, 1),
    ],
)
def test_pieces_have_the_articles_size_and_fit_the_network(name, shape, count):
    stage = RECIPES[name].stages[0]
    array = np.zeros(VOLUME, np.uint8)
    cuts = [piece(stage, array, start) for start in starts(stage, VOLUME)]
    assert len(cuts) == count
    assert {cut.shape for cut in cuts} == {shape}
    with torch.device("meta"):
        multiple = UNet(*stage.shape).multiple
    assert all(size % multiple == 0 for size in shape)


def test_planes_are_the_ones_they_are_called():
    z, y, x = np.indices((4, 5, 6))
    (xz,), (yz,) = RECIPES["article-1"].stages, RECIPES["article-2"].stages
    assert (piece(xz, y, 3) == 3).all()
    assert (piece(xz, z, 3)[2] == 2).all()
    assert (piece(yz, x, 3) == 3).all()
    assert (piece(yz, z, 3)[2] == 2).all()


def test_a_volume_thinner_than_a_piece_is_one_piece():
    stage = RECIPES["article-5"].stages[0]
    assert starts(stage, (24, 48, 48)) == [0]
    assert piece(stage, np.zeros((24, 48, 48)), 0).shape == (24, 48, 48)


def test_an_optimiser_that_is_not_known_is_refused():
    with pytest.raises(InputError, match="no optimiser 'sgd'"):
        Recipe("x", "x", (), optimiser="sgd")


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_learning_rate_that_is_none_is_refused(rate):
    with pytest.raises(InputError, match="above 0"):
        Recipe("x", "x", (), learning_rate=rate)


class Brightness(torch.nn.Module):
    """A network whose answer is known: bright is tooth, or category by brightness."""

    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def forward(self, image):
        if self.channels == 1:
            return (image - 0.5) * 20
        levels = torch.arange(self.channels).reshape(1, -1, *[1] * (image.ndim - 2))
        return -((image * 8 - levels) ** 2) * 20


STAGES = [
    Stage("a", (2, 1, 1, 1, 1), axis=1, thickness=1, batch_size=4),
    Stage("b", (2, 1, 9, 1, 1), axis=2, thickness=1, batch_size=4),
    Stage("c", (3, 1, 1, 1, 1), axis=0, thickness=4),
    Stage("d", (3, 1, 9, 1, 1)),
]


@pytest.fixture
def scan():
    categories = np.random.default_rng(0).integers(0, 9, (6, 7, 5)).astype(np.uint8)
    return TurnedScan(0.0, (categories / 8).astype(np.float32), categories)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.role)
def test_what_is_found_lies_where_it_was_seen(stage, scan):
    network = Brightness(stage.shape[2])
    found = find(network, stage, scan, choose_machine("cpu", mixed=False))
    expected = scan.categories if stage.categorical else scan.categories > 4
    assert found.dtype == np.uint8
    assert (found == expected).all()


def test_nothing_is_found_outside_a_mask(scan):
    mask = np.zeros(scan.image.shape, bool)
    mask[:3] = True
    found = find(Brightness(9), STAGES[3], scan.masked(mask), choose_machine("cpu", mixed=False))
    assert (found == np.where(mask, scan.categories, 0)).all()


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.role)
def test_a_batch_holds_images_with_their_own_targets(stage, scan):
    pieces = Pieces(stage, [scan, scan])
    images, targets = pieces.batch([0, len(pieces) - 1])
    assert images.shape == (2, 1, *targets.shape[1:])
    categories = (images[:, 0] * 8).round().to(torch.uint8)
    expected = categories if stage.categorical else (categories > 0).to(torch.uint8)
    assert torch.equal(targets, expected)
    assert len(pieces) == 2 * len(starts(stage, scan.image.shape))


def test_an_unknown_device_is_refused():
    with pytest.raises(InputError, match="no device 'abacus'"):
        choose_machine("abacus")
