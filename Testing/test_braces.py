"""Brackets, wires and retainers of simulated heads."""

from __future__ import annotations

import numpy as np
import pytest

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.case import Case
from ToothSegLib.synthesis.compose import Wish, make_case

METAL = (tissues.METAL, tissues.CERAMIC)


def head(braces: bool) -> Case:
    return make_case(5, spacing_mm=1.0, ordinary=True, wish=Wish((), (), 0.0, braces))


@pytest.fixture(scope="module")
def pair() -> tuple[Case, Case]:
    return head(False), head(True)


def test_braces_are_outside_of_the_teeth_and_bear_no_label(pair: tuple[Case, Case]) -> None:
    plain, braced = pair
    assert np.array_equal(plain.labels, braced.labels)
    changed = plain.tissue != braced.tissue
    assert changed.sum() > 50
    assert np.isin(braced.tissue[changed], METAL).all()
    assert not (braced.labels[changed] > 0).any()


def test_braces_are_in_the_detail_as_well(pair: tuple[Case, Case]) -> None:
    plain, braced = pair
    assert braced.detail is not None
    changed = (plain.tissue != braced.tissue) & (braced.labels == 0)
    assert np.isin(braced.detail.outside[changed], METAL).all()


def test_brackets_are_on_the_outer_side_of_the_arch(pair: tuple[Case, Case]) -> None:
    plain, braced = pair
    changed = np.argwhere(plain.tissue != braced.tissue)
    teeth = np.argwhere(braced.labels > 0)
    # The front teeth's brackets lie before every tooth's middle.
    assert changed[:, 1].min() <= teeth[:, 1].min() + 1


def test_an_ordinary_head_has_none_by_chance_and_others_have_them_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ToothSegLib.synthesis.braces import set_braces
    from ToothSegLib.synthesis.dentition import draw_dentition
    from ToothSegLib.synthesis.shapes import Grid

    grid = Grid((-60.0, -18.0, -50.0), 2.0, (47, 55, 60))
    dentition = draw_dentition(np.random.default_rng(0), ordinary=True, absent=())
    monkeypatch.setattr("ToothSegLib.synthesis.braces._whole", lambda *_: True)
    seen = 0
    for seed in range(60):
        tissue = np.zeros(grid.size, np.uint8)
        set_braces(tissue, np.ones(grid.size), dentition, grid, seed)
        seen += bool(tissue.any())
        set_braces(
            tissue := np.zeros(grid.size, np.uint8),
            np.ones(grid.size),
            dentition,
            grid,
            seed,
            False,
        )
        assert not tissue.any()
    assert 2 <= seen <= 25


def test_a_tooth_without_a_crown_holds_no_bracket() -> None:
    from ToothSegLib.synthesis.braces import set_braces
    from ToothSegLib.synthesis.dentition import draw_dentition
    from ToothSegLib.synthesis.shapes import Grid

    grid = Grid((-60.0, -18.0, -50.0), 1.0, (94, 110, 120))
    dentition = draw_dentition(np.random.default_rng(0), ordinary=True, absent=())
    tissue = np.zeros(grid.size, np.uint8)
    set_braces(tissue, np.ones(grid.size), dentition, grid, 1, True)
    assert not tissue.any(), "nowhere is a tooth"
