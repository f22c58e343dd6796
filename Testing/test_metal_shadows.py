"""Metal swells, blackens what is beside it, and throws dark bands between its pieces."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.chance import Draw
from ToothSegLib.synthesis.compose import Wish, make_case
from ToothSegLib.synthesis.metal_shadows import darken
from ToothSegLib.synthesis.pictures import make_picture
from ToothSegLib.synthesis.scans import simulate_scan

_SIZE = (24, 48, 48)
_MODULE = "ToothSegLib.synthesis.metal_shadows"


def head(*pieces: tuple[int, int, int]) -> torch.Tensor:
    tissue = torch.full(_SIZE, tissues.DENTINE, dtype=torch.uint8)
    for z, y, x in pieces:
        tissue[z : z + 2, y : y + 2, x : x + 2] = tissues.METAL
    return tissue


def darkened(tissue: torch.Tensor, seed: int) -> torch.Tensor:
    before = torch.ones(_SIZE)
    after = darken(before, tissue, 0.5, Draw(torch.Generator().manual_seed(seed)))
    assert torch.equal(before, torch.ones(_SIZE))
    return before - after


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Leaves one of the disturbances, always there."""

    def choose(kept: str) -> None:
        monkeypatch.setattr(f"{_MODULE}._HAVE", 1.0)
        monkeypatch.setattr(f"{_MODULE}._BY_RAYS", 0.0)
        monkeypatch.setattr(f"{_MODULE}._HALO", float(kept == "halo"))
        monkeypatch.setattr(f"{_MODULE}._SWELLS", float(kept == "swells"))
        if kept != "bands":
            monkeypatch.setattr(f"{_MODULE}._MOST", 0)

    return choose


def test_it_is_darkest_between_the_two(only: Callable[[str], None]) -> None:
    only("bands")
    tissue = head((10, 24, 8), (10, 24, 38))
    depths = []
    for seed in range(20):
        shadow = darkened(tissue, seed)
        assert shadow.min() >= 0.0
        assert not shadow[tissue == tissues.METAL].any()
        depths.append(float(shadow.max()))
        between = shadow[11, 24, 12:36]
        if depths[-1] > 0:
            assert between.min() > 0.7 * depths[-1]
            assert shadow[11, :8].max() < 0.3 * depths[-1]
            assert shadow[23].max() < 0.3 * depths[-1]
    assert sum(depth > 0 for depth in depths) > 10
    assert max(depths) <= 0.5


def test_pieces_at_other_heights_throw_none_on_each_other(only: Callable[[str], None]) -> None:
    only("bands")
    far = head((2, 24, 8), (20, 24, 38))
    assert not any(darkened(far, seed).any() for seed in range(10))
    assert not darkened(head(), 0).any()


def test_a_large_piece_blackens_two_sides_in_its_own_slices(only: Callable[[str], None]) -> None:
    only("halo")
    tissue = head()
    tissue[8:14, 18:28, 18:28] = tissues.METAL
    deepest = []
    for seed in range(20):
        shadow = darkened(tissue, seed)
        assert not shadow[tissue == tissues.METAL].any()
        assert not shadow[:6].any()
        assert not shadow[16:].any()
        assert shadow.max() <= 1.05 + 1e-6, "nothing gets darker than air"
        ring = shadow[11, 15:31, 15:31]
        deepest.append(float(ring.max()))
        sides = [shadow[11, 23, 15], shadow[11, 15, 23], shadow[11, 15, 15], shadow[11, 15, 30]]
        assert max(sides) > 1.2 * min(sides), "to two sides more than to the others"
    assert max(deepest) > 0.8


@pytest.mark.parametrize(("spacing_mm", "voxels"), [(0.5, 2), (1.0, 1)])
def test_metal_swells_by_a_millimetre_at_most(
    only: Callable[[str], None], spacing_mm: float, voxels: int
) -> None:
    only("swells")
    tissue = head((10, 24, 8))
    image = torch.where(tissue == tissues.METAL, 6.0, 0.6)
    reached = []
    for seed in range(20):
        grown = darken(image, tissue, spacing_mm, Draw(torch.Generator().manual_seed(seed))) - image
        assert grown.min() == 0.0
        assert grown.max() < 5.4 + 1e-5, "no brighter than the metal"
        where = torch.nonzero(grown > 0.0)
        assert set(where[:, 0].tolist()) <= {10, 11}, "in its own slices"
        reached.append(24 - int(where[:, 1].min()) if len(where) else 0)
    assert max(reached) == voxels
    assert 1 in reached


def test_pictures_have_them_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{_MODULE}._HAVE", 1.0)
    monkeypatch.setattr(f"{_MODULE}._HALO", 1.0)
    tissue = head((10, 24, 8), (10, 24, 38))
    for metal in (None, darken):
        seen = [
            make_picture(tissue, 0.5, torch.Generator().manual_seed(3), metal=metal)
            for _ in range(2)
        ]
        assert torch.equal(*seen)
        assert np.isfinite(seen[0].numpy()).all()
    # Not by default: scans that are measured on stay what they were.
    plain = make_picture(tissue, 0.5, torch.Generator().manual_seed(3))
    without = make_picture(
        tissue, 0.5, torch.Generator().manual_seed(3), metal=lambda image, *_: image
    )
    assert torch.equal(plain, without)
    assert not torch.equal(plain, seen[0])


def test_a_scan_has_them_where_it_is_asked_to() -> None:
    """By its rays, whatever the chance, at the height of the metal; its labels stay."""
    case = make_case(5, spacing_mm=1.0, ordinary=True, wish=Wish((), (16, 26), 0.0))
    scan = partial(simulate_scan, case, 5, size=(64, 80, 88), spacing_mm=1.0, strength=0.0)
    (plain, labels), (starved, same) = scan(), scan(metal_artefacts=True)
    assert np.array_equal(labels.array, same.array)
    crowned = np.isin(labels.array, (16, 26)).any(axis=(1, 2))
    apart = np.abs(starved.array.astype(float) - plain.array)
    levels = apart.mean(axis=(1, 2))
    assert levels[crowned].max() > 5 * levels[~crowned].min()
    assert (starved.array < plain.array - 50).sum() > 100, "dark beside the crowns"
