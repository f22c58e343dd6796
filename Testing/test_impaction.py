"""Teeth that never came through lie in bone with their numbers, and bone is eaten about roots."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from ToothSegLib.synthesis import dentition, tissues
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.synthesis.dentition import Dentition, draw_dentition
from ToothSegLib.synthesis.impaction import draw_impacted
from ToothSegLib.synthesis.lesions import draw_lesions
from ToothSegLib.synthesis.shapes import Grid
from ToothSegLib.synthesis.tooth_maps import render_teeth

_WITH_BURIED = 39  # a seed whose dentition has an impacted canine, 13


@pytest.fixture(scope="module")
def dentitions() -> list[Dentition]:
    return [draw_dentition(np.random.default_rng(seed)) for seed in range(80)]


def test_some_heads_have_impacted_teeth_and_they_lie_deeper_than_their_row(
    dentitions: list[Dentition],
) -> None:
    buried = [[tooth for tooth in each.teeth if tooth.buried] for each in dentitions]
    assert 0.05 < np.mean([bool(teeth) for teeth in buried]) < 0.3
    for tooth in (tooth for teeth in buried for tooth in teeth):
        assert tooth.present
        assert tooth.buried is not None
        assert tooth.buried.fdi == tooth.fdi
        middle = tooth.buried.origin - 0.5 * tooth.form.length * tooth.buried.frame[:, 2]
        depth = -((middle - tooth.slot.origin) @ tooth.slot.frame)[2]
        assert depth > 0.5 * tooth.form.length


def test_ordinary_heads_have_none() -> None:
    for seed in range(40):
        drawn = draw_dentition(np.random.default_rng(seed), ordinary=True)
        assert not any(tooth.buried for tooth in drawn.teeth)


def test_a_tooth_without_room_stays_in_its_row(
    dentitions: list[Dentition], monkeypatch: pytest.MonkeyPatch
) -> None:
    teeth = dentitions[_WITH_BURIED].teeth
    slots = {tooth.fdi: tooth.slot for tooth in teeth}
    forms = {tooth.fdi: tooth.form for tooth in teeth}
    monkeypatch.setattr("ToothSegLib.synthesis.impaction._SHARE", 1.0)
    rng = np.random.default_rng
    present = set(slots)
    assert any(draw_impacted(slots, forms, present, rng(n)) for n in range(5))
    monkeypatch.setattr("ToothSegLib.synthesis.impaction._CLEARANCE_MM", 60.0)
    assert not any(draw_impacted(slots, forms, present, rng(n)) for n in range(5))
    assert draw_impacted(slots, forms, set(), rng(0)) == {}


def test_an_impacted_tooth_is_whole_in_bone_with_a_sac_about_its_crown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Dentition] = []

    def spy(*args, **kwargs):  # type: ignore[no-untyped-def]
        seen.append(draw_dentition(*args, **kwargs))
        return seen[-1]

    monkeypatch.setattr("ToothSegLib.synthesis.compose.draw_dentition", spy)
    case = make_case(_WITH_BURIED, spacing_mm=1.0)
    (tooth,) = [tooth for tooth in seen[0].teeth if tooth.buried]
    mine = case.labels == tooth.fdi
    parts, count = ndimage.label(mine)
    assert count >= 1
    assert np.bincount(parts[mine]).max() > 0.95 * mine.sum()
    # Of what lies about it, next to nothing is the air of the mouth or the nose.
    about = ndimage.binary_dilation(mine, iterations=1) & (case.labels == 0)
    assert (case.tissue[about] == tissues.AIR).mean() < 0.1
    assert (case.tissue[about] == tissues.SOFT).mean() > 0.1
    wider = ndimage.binary_dilation(mine, iterations=3) & (case.labels == 0)
    bone = np.isin(case.tissue[wider], (tissues.CORTICAL, tissues.TRABECULAR))
    assert bone.mean() > 0.3
    assert tooth.fdi in case.centres


def test_lesions_lie_at_the_ends_of_filled_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = dentition.draw_dentition(np.random.default_rng(3), ordinary=True)
    grid = Grid((-60.0, -18.0, -50.0), 1.0, (94, 110, 120))
    maps = render_teeth(drawn, grid, np.random.default_rng(0), ())
    filled = 21
    assert any(tooth.fdi == filled and tooth.present for tooth in drawn.teeth)
    of_it = (maps.owner == filled) & (maps.nearest < 0)
    maps.part[of_it & (maps.part == tissues.PULP)] = tissues.ROOT_FILLING
    monkeypatch.setattr("ToothSegLib.synthesis.lesions._FILLED", 1.0)
    monkeypatch.setattr("ToothSegLib.synthesis.lesions._OTHER", 0.0)
    lesion = draw_lesions(
        drawn, grid, maps.nearest, maps.owner, maps.part, np.random.default_rng(1)
    )
    assert lesion.any()
    k, j, i = np.argwhere(lesion).mean(axis=0)
    (tooth,) = [tooth for tooth in drawn.teeth if tooth.fdi == filled]
    centre = np.array(grid.origin) + grid.step * np.array([i, j, k])
    height = ((centre - tooth.slot.origin) @ tooth.slot.frame)[2]
    assert height < -0.75 * tooth.form.length
