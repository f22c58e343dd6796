"""Dice of teeth and of their categories, over volumes."""

from __future__ import annotations

import numpy as np
import pytest

from ToothSegLib.training.figures import category_figures, dice, tooth_figures


def test_dice_of_known_masks():
    found, truth = np.array([True, True, False]), np.array([True, False, False])
    assert dice(found, truth) == pytest.approx(2 / 3)
    assert dice(truth, ~truth) == 0
    assert dice(truth & False, truth & False) == 1


def test_figures_are_means_over_volumes_and_over_the_categories_that_are_there():
    truth = np.array([0, 1, 1, 8, 8], np.uint8)
    right = (truth, truth)
    swapped = (np.array([0, 1, 8, 8, 8], np.uint8), truth)
    figures = category_figures([right, swapped])
    assert figures["tooth_dice"] == 1
    assert figures["categories"] == {
        "upper incisors": pytest.approx((1 + 2 / 3) / 2, abs=1e-4),
        "lower molars": pytest.approx((1 + 4 / 5) / 2, abs=1e-4),
    }
    assert figures["category_dice"] == pytest.approx((5 / 6 + 9 / 10) / 2, abs=1e-4)


def test_any_category_counts_as_tooth():
    pair = (np.array([1, 3, 0, 0], np.uint8), np.array([8, 0, 0, 0], np.uint8))
    assert tooth_figures([pair])["tooth_dice"] == pytest.approx(2 / 3, abs=1e-4)
