"""What changes in a head over the years and is no tooth, or less of one than it was."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.synthesis.decay import break_down, draw_resorbed, draw_share, shorten
from ToothSegLib.synthesis.dense_bone import set_dense_bone
from ToothSegLib.synthesis.dental_work import set_implants
from ToothSegLib.synthesis.dentition import Dentition, draw_dentition
from ToothSegLib.synthesis.hardware import set_hardware
from ToothSegLib.synthesis.jaws import build_head
from ToothSegLib.synthesis.placement import InTooth
from ToothSegLib.synthesis.shapes import Grid

GRID = Grid((-60.0, -18.0, -50.0), 1.0, (94, 110, 120))
_THIRDS = (18, 28, 38, 48)
_FORM = SimpleNamespace(width=8.0, crown_height=7.0, length=20.0)


@pytest.fixture(scope="module")
def dentition() -> Dentition:
    return draw_dentition(np.random.default_rng(2), ordinary=True, absent=_THIRDS)


def whole_tooth() -> InTooth:
    """A post of 8 mm across and 20 mm long, its top at zero."""
    axis = np.arange(-6.0, 6.25, 0.5)
    o, b, m = np.meshgrid(np.arange(-22.0, 2.25, 0.5), axis, axis, indexing="ij")
    distance = np.maximum(np.hypot(m, b) - 4.0, np.abs(o + 10.0) - 10.0)
    return InTooth(distance, m, b, o, _FORM)  # type: ignore[arg-type]


def test_a_broken_tooth_is_a_part_of_the_whole_one_and_keeps_its_root() -> None:
    tooth = whole_tooth()
    distance = tooth.distance
    root = (distance < 0) & (tooth.occlusal < -12.0)
    shares = []
    for seed in range(60):
        left = break_down(tooth, np.random.default_rng(seed))
        assert (left >= distance).all()
        assert ((left < 0) & root).sum() == root.sum()
        shares.append((left < 0).sum() / (distance < 0).sum())
    assert min(shares) < 0.7
    assert max(shares) > 0.9


def test_some_patients_have_many_broken_teeth_and_most_hardly_any() -> None:
    shares = [draw_share(np.random.default_rng(seed)) for seed in range(300)]
    assert 0.05 < np.mean(np.array(shares) > 0.1) < 0.2
    assert min(shares) < 0.02


def test_islands_lie_in_bone_off_the_teeth(
    dentition: Dentition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ToothSegLib.synthesis.dense_bone._ISLANDS", 60.0)
    monkeypatch.setattr("ToothSegLib.synthesis.dense_bone._LUMPS", 0.0)
    nearest = np.full(GRID.size, 2.0, np.float32)
    nearest[:, :50] = 0.1
    tissue = np.full(GRID.size, tissues.TRABECULAR, np.uint8)
    tissue[:20] = tissues.SOFT
    before, other = tissue.copy(), tissue.copy()
    set_dense_bone((tissue, other), nearest, dentition, GRID, np.random.default_rng(1))
    changed = tissue != before
    assert changed.sum() > 100
    assert np.array_equal(tissue, other)
    assert (before[changed] == tissues.TRABECULAR).all()
    assert (nearest[changed] > 0.4).all()
    assert set(np.unique(tissue[changed])) == {tissues.CORTICAL, tissues.DENTINE}


def test_lumps_grow_on_the_jaw(dentition: Dentition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ToothSegLib.synthesis.dense_bone._ISLANDS", 0.0)
    monkeypatch.setattr("ToothSegLib.synthesis.dense_bone._THICKENED", 0.0)
    monkeypatch.setattr("ToothSegLib.synthesis.dense_bone._LUMPS", 1.0)
    head = build_head(dentition, GRID, np.random.default_rng(0))
    for seed in range(4):
        tissue = head.tissue.copy()
        free = np.full(GRID.size, 2.0, np.float32)
        set_dense_bone((tissue,), free, dentition, GRID, np.random.default_rng(seed))
        changed = tissue != head.tissue
        assert changed.any()
        assert (tissue[changed] == tissues.CORTICAL).all()
        lumps, count = ndimage.label(changed)
        jaw = ndimage.binary_dilation(head.bone < 1.0)
        attached = sum(bool((jaw & (lumps == n)).any()) for n in range(1, count + 1))
        assert attached >= 0.7 * count


def test_metal_keeps_off_the_teeth_and_comes_in_few_heads(
    dentition: Dentition, monkeypatch: pytest.MonkeyPatch
) -> None:
    distance = np.full(GRID.size, 2.0, np.float32)
    distance[:, :, 60:] = 0.2
    have = 0
    for seed in range(80):
        tissue = np.zeros(GRID.size, np.uint8)
        set_hardware(tissue, distance, dentition, GRID, np.random.default_rng(seed))
        assert set(np.unique(tissue)) <= {tissues.AIR, tissues.TITANIUM}
        assert not tissue[distance < 0.3].any()
        have += bool(tissue.any())
    assert 1 <= have <= 20
    for screws, plate in ((1.0, 0.0), (0.0, 1.0)):
        monkeypatch.setattr("ToothSegLib.synthesis.hardware._SCREWS", screws)
        monkeypatch.setattr("ToothSegLib.synthesis.hardware._PLATE", plate)
        tissue = np.zeros(GRID.size, np.uint8)
        free = np.full(GRID.size, 2.0, np.float32)
        set_hardware(tissue, free, dentition, GRID, np.random.default_rng(3))
        assert tissue.any()


@pytest.mark.parametrize("quadrant", [2, 3])
def test_the_ridge_sinks_where_teeth_are_missing_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, quadrant: int
) -> None:
    gone = (*_THIRDS, *(10 * quadrant + position for position in (4, 5, 6, 7)))
    drawn = draw_dentition(np.random.default_rng(2), ordinary=True, absent=gone)
    monkeypatch.setattr("ToothSegLib.synthesis.jaws._SUNK", 1.0)
    rng = np.random.default_rng
    as_ever = build_head(drawn, GRID, rng(0)).bone < 0
    assert np.array_equal(as_ever, build_head(drawn, GRID, rng(0), None).bone < 0)
    sunk = build_head(drawn, GRID, rng(0), rng(1)).bone < 0
    lost = as_ever & ~sunk
    assert lost.sum() > 50
    x = GRID.axes()[0][0, 0]
    left = x[np.argwhere(lost)[:, 2]]
    assert (left > 0).mean() > 0.9, "teeth of the left are missing, and bone of the left"
    z = GRID.axes()[2][:, 0, 0]
    gums = [
        tooth.to_lps(0.0, 0.0, -tooth.form.crown_height)[2]
        for tooth in drawn.teeth
        if tooth.fdi in gone and tooth.fdi // 10 == quadrant
    ]
    assert np.abs(z[np.argwhere(lost)[:, 0]] - np.mean(gums)).max() < 20.0


def test_an_ordinary_head_has_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("drawn for an ordinary head")

    for name in ("compose.set_dense_bone", "compose.set_hardware", "jaws._draw_sunk",
                 "tooth_maps.draw_share", "tooth_maps.draw_resorbed"):  # fmt: skip
        monkeypatch.setattr(f"ToothSegLib.synthesis.{name}", refuse)
    assert make_case(5, spacing_mm=2.0, ordinary=True).centres
    with pytest.raises(AssertionError, match="ordinary head"):
        make_case(5, spacing_mm=2.0)


def test_a_shortened_root_ends_bluntly_and_is_still_half_there() -> None:
    tooth = whole_tooth()
    distance, o = tooth.distance, tooth.occlusal
    rng = np.random.default_rng(0)
    for _ in range(20):
        left = shorten(tooth, rng)
        lost = (distance < 0) & (left >= 0)
        assert lost.any()
        assert o[lost].max() <= -13.5 + 1e-6, "half of the root, 13 mm long, stays"
        assert o[lost].min() == o[distance < 0].min()
    some = [draw_resorbed(np.random.default_rng(seed)) for seed in range(300)]
    assert 0.05 < np.mean(np.array(some) > 0) < 0.3


def test_plates_lie_on_the_outside_of_the_bone(
    dentition: Dentition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ToothSegLib.synthesis.hardware._SCREWS", 0.0)
    monkeypatch.setattr("ToothSegLib.synthesis.hardware._PLATE", 1.0)
    monkeypatch.setattr("ToothSegLib.synthesis.hardware._stick", lambda *args: seen.append(args))
    head = build_head(dentition, GRID, np.random.default_rng(0))
    free = np.full(GRID.size, 2.0, np.float32)
    depths = []
    for seed in range(12):
        seen: list[tuple] = []
        set_hardware(head.tissue.copy(), free, dentition, GRID, np.random.default_rng(seed))
        heads = [args[2] for args in seen if np.linalg.norm(args[3] - args[2]) < 7.1]
        for point in heads:
            i, j, k = np.round((point - GRID.origin) / GRID.step).astype(int)
            depths.append(head.bone[k, j, i])
    assert np.mean(np.array(depths) < -1.5) < 0.1, "few heads of screws are deep in bone"
    assert np.mean(np.abs(depths) < 3.0) > 0.7


def test_an_implant_goes_as_deep_as_its_ridge_has_sunk_and_not_into_a_closed_gap() -> None:
    drawn = draw_dentition(np.random.default_rng(2), ordinary=True, absent=(*_THIRDS, 36))
    far = np.full(GRID.size, 2.0, np.float32)

    def lowest(closed: float, sunk: dict[int, float]) -> float | None:
        teeth = tuple(
            replace(tooth, closed=closed) if tooth.fdi == 36 else tooth for tooth in drawn.teeth
        )
        tissue = np.zeros(GRID.size, np.uint8)
        rng = np.random.default_rng(5)
        set_implants(tissue, far, replace(drawn, teeth=teeth), GRID, rng, 1.0, sunk)
        at = np.argwhere(tissue == tissues.TITANIUM)
        return float(GRID.axes()[2][at[:, 0].min(), 0, 0]) if len(at) else None

    usual, deep = lowest(0.0, {}), lowest(0.0, {36: 6.0})
    assert usual is not None
    assert deep is not None
    assert usual - deep == pytest.approx(6.0, abs=1.5)
    assert lowest(0.9, {}) is None
