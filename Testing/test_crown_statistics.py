"""Forms drawn from a statistical model of crowns; the model here is made of ellipsoids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ToothSegLib.errors import InputError
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.synthesis.crown_statistics import draw_forms, load_crown_statistics
from ToothSegLib.synthesis.tooth_form import DIMENSIONS
from ToothSegLib.teeth import FDI_NUMBERS, type_of


def _write_model(path: Path, spread: float = 0.3) -> Path:
    """Ellipsoids of the published sizes along two parabolas."""
    rng = np.random.default_rng(0)
    ball = rng.normal(size=(400, 3))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    mean, modes = [], []
    for fdi in FDI_NUMBERS:
        height, _, width, depth = DIMENSIONS[type_of(fdi)]
        side = -1.0 if fdi // 10 in (1, 4) else 1.0
        x = 4.0 + 3.5 * (fdi % 10 - 1)
        place = np.array([side * x, 0.06 * x**2, 0.0])
        mean.append(place + 0.5 * ball * [width, depth, height])
        modes.append(spread * ball[None])
    np.savez(
        path,
        fdi=np.array(FDI_NUMBERS, np.uint8),
        mean=np.array(mean, np.float32),
        modes=np.array(modes, np.float16),
        scale_covariance=np.eye(len(FDI_NUMBERS), dtype=np.float32) * 0.05**2,
    )
    return path


def test_forms_have_the_models_crowns_on_roots_of_their_own(tmp_path: Path) -> None:
    model = load_crown_statistics(_write_model(tmp_path / "model.npz", spread=0.0))
    forms = draw_forms(model, np.random.default_rng(1))
    assert sorted(forms) == sorted(FDI_NUMBERS)
    form = forms[46]
    height = DIMENSIONS[type_of(46)][0]
    assert form.crown_height == pytest.approx(height, rel=0.2)
    zero = np.zeros(1)
    # Inside the crown and just below its neck, outside above the cusp and beside the crown.
    assert form.field(zero, zero, np.array([-0.5 * form.crown_height]))[0] < 0
    assert form.field(zero, zero, np.array([-form.crown_height - 1.0]))[0] < 0
    assert form.field(zero, zero, np.array([1.5]))[0] > 0
    assert form.field(np.array([form.width]), zero, np.array([-0.5 * form.crown_height]))[0] > 0
    assert form.length > form.crown_height + 6.0


def test_people_differ_and_a_seed_repeats_one(tmp_path: Path) -> None:
    model = load_crown_statistics(_write_model(tmp_path / "model.npz"))
    one, same, other = (draw_forms(model, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one[11].radii, same[11].radii)
    assert np.abs(one[11].radii - other[11].radii).max() > 0.05


def test_a_case_is_built_from_the_model(tmp_path: Path) -> None:
    model = load_crown_statistics(_write_model(tmp_path / "model.npz"))
    with_model = make_case(5, crowns=model, real_forms=True, ordinary=True, spacing_mm=1.0)
    without = make_case(5, real_forms=True, ordinary=True, spacing_mm=1.0)
    assert "crown model" in with_model.about["individuals"]  # type: ignore[operator]
    assert len(with_model.centres) >= 24
    assert (with_model.labels != without.labels).any()


def test_what_is_no_model_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a model of crowns"):
        load_crown_statistics(tmp_path / "nothing.npz")
    np.savez(tmp_path / "other.npz", fdi=np.zeros(3))
    with pytest.raises(InputError, match=r"not a model of crowns.*name another file"):
        load_crown_statistics(tmp_path / "other.npz")
