"""Disturbing a scan: the labels go with it, and left stays left."""

from __future__ import annotations

import numpy as np
import pytest

from ToothSegLib.evaluation import disturbances as d
from ToothSegLib.evaluation.robustness import DISTURBANCES, as_table, run
from ToothSegLib.evaluation.slivers import without_slivers
from ToothSegLib.models import load_bundle
from ToothSegLib.volume import Volume


@pytest.fixture
def pair() -> tuple[Volume, Volume]:
    """Four blocks for teeth: 16 and 46 on the patient's right (x < 0), 26 and 36 on the left."""
    labels = np.zeros((30, 40, 50), np.uint8)
    for fdi, k, i in ((16, 18, 5), (26, 18, 35), (46, 5, 5), (36, 5, 35)):
        labels[k : k + 7, 15:25, i : i + 10] = fdi
    grid = ((1.0, 1.0, 1.5), (-24.5, 10.0, 100.0), np.eye(3))
    scan = np.where(labels > 0, 1500, -1000).astype(np.int16)
    return Volume(scan, *grid), Volume(labels, *grid)


def middle(labels: Volume, fdi: int) -> np.ndarray:
    index = np.argwhere(labels.array == fdi)[:, ::-1].mean(axis=0)
    return labels.index_to_lps[:3, :3] @ index + labels.origin


@pytest.mark.parametrize("name", DISTURBANCES)
def test_labels_go_with_the_scan(name: str, pair: tuple[Volume, Volume]) -> None:
    scan, labels = DISTURBANCES[name](*pair)
    assert scan.same_grid(labels)
    tooth = labels.array > 0
    assert tooth.any()
    inside, outside = scan.array[tooth].mean(), scan.array[~tooth].mean()
    assert inside - outside > 0.7 * (scan.array.max() - scan.array.min()) or "noise" in name
    for right, left in ((16, 26), (46, 36)):
        if (labels.array == right).any():
            assert middle(labels, right)[0] < middle(labels, left)[0] - 20


@pytest.mark.parametrize("make", [d.turned, d.turned_on_the_grid])
@pytest.mark.parametrize(("axis", "expected"), [(0, (0, -1, 0)), (2, (0, 0, 0))])
def test_a_turn_turns_about_its_axis(
    make: object, axis: int, expected: tuple[int, ...], pair: tuple[Volume, Volume]
) -> None:
    _, labels = make(30.0, axis)(*pair)  # type: ignore[operator]
    up = middle(labels, 16) - middle(labels, 46)
    assert np.linalg.norm(up) == pytest.approx(19.5, abs=0.5)
    assert up[1] == pytest.approx(19.5 * np.sin(np.radians(30)) * expected[1], abs=0.6)


@pytest.mark.parametrize("spacing_mm", [0.6, 2.0])
def test_other_voxels_leave_the_teeth_in_place(
    spacing_mm: float, pair: tuple[Volume, Volume]
) -> None:
    _, labels = d.with_voxels_of(spacing_mm)(*pair)
    assert labels.spacing == (spacing_mm,) * 3
    for fdi in (16, 36):
        assert np.abs(middle(labels, fdi) - middle(pair[1], fdi)).max() < 0.5 * spacing_mm + 0.3


@pytest.mark.parametrize("head_first", [True, False])
def test_a_jaw_is_cut_off_whichever_way_the_slices_run(
    head_first: bool, pair: tuple[Volume, Volume]
) -> None:
    scan, labels = pair
    if head_first:
        flipped = np.diag([1.0, 1.0, -1.0])
        scan, labels = (
            Volume(v.array[::-1].copy(), v.spacing, (*v.origin[:2], 143.5), flipped) for v in pair
        )
    assert set(np.unique(d.one_jaw(True)(scan, labels)[1].array)) == {0, 16, 26}
    assert set(np.unique(d.one_jaw(False)(scan, labels)[1].array)) == {0, 36, 46}


def test_a_narrow_cylinder_cuts_teeth_off(pair: tuple[Volume, Volume]) -> None:
    scan, labels = d.cylinder(19.0)(*pair)
    left = (labels.array > 0).sum() / (pair[1].array > 0).sum()
    assert 0.05 < left < 0.95
    assert (scan.array > 0).sum() == (labels.array > 0).sum()


def test_slivers_do_not_count(pair: tuple[Volume, Volume]) -> None:
    _, whole = pair
    cut = whole.part((slice(None), slice(None), slice(13, None)))  # 2 of 10 columns of 16 and 46
    found = cut.with_array(np.where(cut.array == 46, 45, cut.array))
    predicted, truth = without_slivers(found, cut, whole)
    assert set(np.unique(truth.array)) == {0, 26, 36}
    # What was found of a sliver goes with it, whatever its number; what is found in the air stays.
    assert set(np.unique(predicted.array)) == {0, 26, 36}
    found.array[0, 0, :] = 45
    found.array[found.array == 16] = 0
    assert 45 not in without_slivers(found, cut, whole)[0].array
    found.array[:, 15:25, :2] = 0
    assert 45 in without_slivers(found, cut, whole)[0].array


def test_the_table_has_a_line_a_disturbance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ToothSegLib.evaluation.robustness.DISTURBANCES",
        {"as it is": lambda scan, labels: (scan, labels)},
    )
    noise = np.random.default_rng(0).normal(size=(20, 20, 20)).astype(np.float32)
    grey = Volume(noise, (1.0,) * 3, (0.0,) * 3, np.eye(3))
    truth = grey.with_array(np.zeros((20, 20, 20), np.uint8))
    truth.array[8:12, 8:12, 8:12] = 11
    table = as_table(list(run(load_bundle(), grey, truth)))
    assert table.splitlines()[-1].startswith("| as it is | 1 | 0 | 0.000 |")
