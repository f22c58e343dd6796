"""A case's detail: the teeth's surfaces between its voxels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.case import Case, load_case, save_case
from ToothSegLib.synthesis.detail import STEP_MM, make_detail, refined
from ToothSegLib.synthesis.pictures import ORDINARY, make_picture
from ToothSegLib.synthesis.sampling import TensorCase, sample_patch

SIZE = (40, 44, 48)
CENTRE, RADIUS = np.array([11.7, 10.9, 10.1]), 5.0  # x, y, z mm
ORIGIN = (0.0, 0.0, 0.0)


def ball(spacing: float = 0.5, size: tuple[int, int, int] = SIZE) -> np.ndarray:
    """Distance to the surface of a round tooth, mm."""
    z, y, x = np.meshgrid(*(spacing * np.arange(n) for n in size), indexing="ij")
    away = np.stack([x, y, z], -1) - CENTRE
    return np.linalg.norm(away, axis=-1) - RADIUS


@pytest.fixture
def case() -> Case:
    distance = ball()
    outside = np.full(SIZE, tissues.CORTICAL, np.uint8)
    inside = np.full(SIZE, tissues.DENTINE, np.uint8)
    owner = np.full(SIZE, 11, np.uint8)
    teeth = distance < 0
    return Case(
        np.where(teeth, inside, outside),
        np.where(teeth, owner, 0).astype(np.uint8),
        0.5,
        ORIGIN,
        {11: tuple(CENTRE)},  # type: ignore[dict-item]
        detail=make_detail(outside, inside, owner, distance),
    )


def test_detail_is_kept_on_disk(case: Case, tmp_path: Path) -> None:
    save_case(tmp_path / "a.npz", case)
    back = load_case(tmp_path / "a.npz")
    assert back.detail is not None
    assert case.detail is not None
    for name, map_ in vars(case.detail).items():
        assert np.array_equal(map_, getattr(back.detail, name)), name


def test_distances_are_kept_near_the_surface_only(case: Case) -> None:
    assert case.detail is not None
    kept, true = STEP_MM * case.detail.surface.astype(float), ball()
    near = np.abs(true) < 0.85
    assert np.abs(kept - true)[near].max() <= STEP_MM
    assert (np.sign(kept) == np.sign(true))[~near].all()
    assert not case.detail.owner[true > 1.5].any()


def test_a_finer_case_has_a_smoother_tooth_in_the_same_place(case: Case) -> None:
    fine = refined(case, 2)
    first = -0.125
    assert fine.origin == (first, first, first)
    assert fine.spacing_mm == 0.25
    z, y, x = np.meshgrid(*(first + 0.25 * np.arange(n) for n in fine.labels.shape), indexing="ij")
    truth = np.linalg.norm(np.stack([x, y, z], -1) - CENTRE, axis=-1) < RADIUS
    copied = np.repeat(np.repeat(np.repeat(case.labels > 0, 2, 0), 2, 1), 2, 2)
    assert (truth != (fine.labels > 0)).sum() < 0.25 * (truth != copied).sum()


def test_a_finer_case_has_a_gap_of_the_width_asked_for(case: Case) -> None:
    fine = refined(case, 4, gap_mm=0.3)
    volume = (fine.tissue == tissues.LIGAMENT).sum() * fine.spacing_mm**3
    assert volume == pytest.approx(4 / 3 * np.pi * ((RADIUS + 0.3) ** 3 - RADIUS**3), rel=0.1)


def test_without_detail_nothing_is_refined(case: Case) -> None:
    with pytest.raises(ValueError, match="no detail"):
        refined(Case(case.tissue, case.labels, 0.5, ORIGIN, {}), 2)


def patch_of(case: Case, seed: int = 1):  # type: ignore[no-untyped-def]
    generator = torch.Generator().manual_seed(seed)
    centre = torch.tensor(CENTRE, dtype=torch.float32)
    return sample_patch(TensorCase.of(case), SIZE, 0.5, generator, centre=centre)


def test_the_share_of_tooth_has_the_volume_that_voxels_miss(case: Case) -> None:
    errors = {"share": [], "voxels": []}  # type: dict[str, list[float]]
    for seed in range(6):
        patch, wide = patch_of(case, seed), patch_of(refined_twice(case), seed)
        truth = float(wide.tooth.sum())
        errors["share"].append(abs(float(patch.tooth.sum()) - truth) / truth)
        errors["voxels"].append(abs(float((patch.labels > 0).sum()) - truth) / truth)
    assert np.mean(errors["share"]) < 0.01
    cut = patch.tooth[(patch.tooth > 0) & (patch.tooth < 1)]
    assert len(cut) > 500
    assert np.array_equal(patch.labels.numpy() > 0, patch.tooth.numpy() > 0.5)


def refined_twice(case: Case) -> Case:
    """A case of an eighth of a millimetre, so fine that shares hardly matter."""
    return refined(case, 4)


def test_a_gap_narrower_than_a_voxel_shows(case: Case) -> None:
    """Between dentine and bone of nearly their grey value runs a darker line, as in life."""
    patch = patch_of(case)
    assert patch.edges is not None
    rim = (patch.edges.distance > 0.0) & (patch.edges.distance < 0.3)
    deep, far = patch.edges.distance < -1.0, patch.edges.distance > 0.88
    contrast: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(16):
        for gap in contrast:
            image = make_picture(
                patch.tissue,
                0.5,
                torch.Generator().manual_seed(seed),
                strength=ORDINARY,
                textbook=True,
                edges=patch.edges if gap else None,
            )
            line = image[rim].mean() - 0.5 * (image[deep].mean() + image[far].mean())
            contrast[gap].append(float(line / image[deep].mean()))
    assert np.mean(contrast[True]) < np.mean(contrast[False]) - 0.05
