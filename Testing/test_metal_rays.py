"""How metal looks by its rays: it swells, and throws shadows in its own slices alone."""

from __future__ import annotations

import math

import pytest
import torch

from ToothSegLib.synthesis import metal_rays, metal_shadows, tissues
from ToothSegLib.synthesis.chance import Draw
from ToothSegLib.synthesis.metal_rays import dense, metal_seen
from ToothSegLib.synthesis.metal_shadows import darken

_SIZE = (20, 80, 96)
_STEP_MM = 0.5


def head(*pieces: tuple[int, int], matter: int = tissues.METAL) -> torch.Tensor:
    """Soft tissue with pieces of 4 mm, by their corners (y, x), in slices 8 to 11."""
    tissue = torch.full(_SIZE, tissues.SOFT, dtype=torch.uint8)
    for y, x in pieces:
        tissue[8:12, y : y + 8, x : x + 8] = matter
    return tissue


def seen(tissue: torch.Tensor, seed: int = 1) -> torch.Tensor:
    return metal_seen(tissue, _STEP_MM, Draw(torch.Generator().manual_seed(seed)))


def test_metal_shows_in_its_own_slices_alone() -> None:
    shown = seen(head((36, 20)))
    assert shown.shape == _SIZE
    assert shown[10, 40, 24] > 1.0
    # Halfway between coarse slices what is seen in one of them is blended into the next.
    assert not shown[:6].any()
    assert not shown[14:].any()
    assert not seen(head()).any()


def test_it_is_dark_between_two_pieces_and_nowhere_as_dark_beside_them() -> None:
    apart = seen(head((36, 12), (36, 76)))[9]
    between = apart[38:42, 36:60].mean()
    assert between < -0.1
    assert between < 3 * apart[4:16, 36:60].mean().clamp(max=0.0) - 0.05


def test_metal_swells_into_what_touches_it() -> None:
    shown = seen(head((36, 44)))[9]
    assert shown[40, 43] > 0.3
    assert shown[40, 52] > 0.3


@pytest.mark.parametrize("seed", range(6))
def test_it_swells_by_no_more_than_its_rays_are_wide(seed: int) -> None:
    """On cells of two voxels a rod of 4 mm was up to 5.5 mm wide at half of its height."""
    tissue = torch.full((8, 96, 96), tissues.SOFT, dtype=torch.uint8)
    y, x = ((torch.arange(96) - 47.5) * _STEP_MM for _ in range(2))
    rod = torch.hypot(y[:, None], x[None] - 8.0) < 2.0
    tissue[2:6, rod] = tissues.METAL
    shown = seen(tissue, seed)[4]
    wide, true = (
        2.0 * math.sqrt(float(area.sum()) / math.pi) * _STEP_MM
        for area in (shown > shown.max() / 2, rod)
    )
    assert true - 0.1 < wide < true + 0.8


def test_without_faults_rays_bring_back_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one energy, without scatter and with endless photons there is no artefact."""
    monkeypatch.setattr(metal_rays, "_SHARES", (0.0, 1.0, 0.0))
    monkeypatch.setattr(metal_rays, "_SCATTER", (0.0, 0.0))
    monkeypatch.setattr(metal_rays, "_PHOTONS", (12.0, 12.0))
    tissue = head((12, 60), matter=tissues.TITANIUM)  # whose rays all come through
    shown = seen(tissue)[9]
    titanium, soft = (float(metal_rays._alloys()[0, 1, code]) for code in (12, tissues.SOFT))
    assert shown[16, 64] == pytest.approx(10 * (titanium - soft), rel=0.12)
    assert shown[64, 20].abs() < 0.05
    assert shown[16, 80].abs() < 0.1
    bright = (shown - 0.3).clamp(min=0.0)
    y, x = (torch.arange(n, dtype=torch.float32) for n in bright.shape)
    assert float((bright.sum(1) * y).sum() / bright.sum()) == pytest.approx(15.5, abs=0.2)
    assert float((bright.sum(0) * x).sum() / bright.sum()) == pytest.approx(63.5, abs=0.2)


def test_a_speck_of_ceramic_darkens_nothing_at_its_height() -> None:
    """What scatter and bone do to a slice, they do without metal as well."""
    tissue = torch.full(_SIZE, tissues.SOFT, dtype=torch.uint8)
    tissue[:, 20:60, 20:76] = tissues.CORTICAL
    tissue[:, 30:50, 30:60] = tissues.DENTINE
    tissue[9, 4, 4] = tissues.CERAMIC
    dentine = tissue[9] == tissues.DENTINE
    assert max(abs(float(seen(tissue, n)[9][dentine].mean())) for n in range(6)) < 0.04


def test_the_same_chance_draws_the_same() -> None:
    tissue = head((36, 12), (30, 70))
    assert torch.equal(seen(tissue, 4), seen(tissue, 4))
    assert not torch.equal(seen(tissue, 4), seen(tissue, 5))


def test_odd_sizes_keep_their_shape() -> None:
    assert seen(head((36, 12))[1:, :79, :95]).shape == (19, 79, 95)


def test_a_picture_with_metal_has_it_all_about_and_none_as_bright(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metal_shadows, "_HAVE", 1.0)
    monkeypatch.setattr(metal_shadows, "_BY_RAYS", 1.0)
    tissue = head((36, 12), (36, 76))
    image = torch.full(_SIZE, 0.2)
    after = darken(image, tissue, _STEP_MM, Draw(torch.Generator().manual_seed(2)))
    assert (after[dense(tissue)] >= image[dense(tissue)]).all()
    for level in after[8:12]:
        assert level[dense(tissue)[9]].max() == level.max()
    assert after[9, 40, 48] < 0.15
    assert after.min() >= -0.05 - 1e-6
