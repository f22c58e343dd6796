"""A prediction on the truth's grid: all that lies inside counts, what lies outside is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ToothSegLib.cli.main import main
from ToothSegLib.evaluation.resample import outside_of, resample_labels
from ToothSegLib.evaluation.table import outside_as_text
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import write_volume

AXES = np.diag([-1.0, 1.0, 1.0])  # from the left to the right


def whole() -> Volume:
    """11 at x 0 to 5 mm, 21 at 8 to 12, 16 and a third molar beyond; voxels of 0.5 mm."""
    array = np.zeros((8, 8, 40), np.uint8)
    array[2:6, 2:6, :10], array[2:6, 2:6, 16:24] = 11, 21
    array[2:6, 2:6, 30:34], array[2:6, 2:6, 36:] = 16, 18
    return Volume(array, (0.5,) * 3, (10.0, 0.0, 0.0), AXES)


def cropped(labels: Volume, first: int, last: int) -> Volume:
    origin = (labels.index_to_lps @ [first, 0, 0, 1])[:3]
    return Volume(labels.array[:, :, first:last].copy(), labels.spacing, tuple(origin), AXES)


def test_what_lies_outside_is_measured_by_tooth() -> None:
    left = outside_of(whole(), cropped(whole(), 4, 28))
    assert left == {11: (pytest.approx(8.0), pytest.approx(0.4)), 16: (pytest.approx(8.0), 1.0)}
    assert outside_of(whole(), whole()) == {}


def test_voxels_of_another_size_at_the_border_are_inside() -> None:
    array = np.full((2, 2, 2), 11, np.uint8)
    coarse = Volume(array, (1.0,) * 3, (0.0,) * 3, np.eye(3))
    fine = Volume(np.kron(array, np.ones((2, 2, 2), np.uint8)), (0.5,) * 3, (-0.25,) * 3, np.eye(3))
    assert outside_of(fine, coarse) == outside_of(coarse, fine) == {}


def test_voxels_of_a_tilted_gantry_are_smaller_than_their_edges_say() -> None:
    direction = np.eye(3)
    direction[:, 2] = [0, np.sin(0.5), np.cos(0.5)]
    labels = Volume(np.full((5, 5, 5), 11, np.uint8), 0.5, (0, 0, 0), direction)
    far = Volume(np.zeros((2, 2, 2), np.uint8), 0.5, (100, 100, 100))
    assert outside_of(labels, far) == {11: (pytest.approx(125 * 0.125 * np.cos(0.5)), 1.0)}


def test_the_sentence_leaves_slivers_away() -> None:
    text = outside_as_text({11: (4.0, 0.44), 12: (0.1, 0.004), 16: (8.0, 1.0), 17: (9.0, 0.999)})
    assert text == "Outside the truth's grid, and not counted: 16, 44 % of 11, 99 % of 17.\n"
    assert outside_as_text({12: (0.1, 0.004)}) == ""


def test_the_command_tells_it_and_counts_no_extra_tooth(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    truth, prediction, figures = (tmp_path / name for name in ("t.nrrd", "p.nrrd", "f.json"))
    write_volume(truth, cropped(whole(), 4, 28))
    write_volume(prediction, whole())
    words = ["evaluate", str(prediction), str(truth), "--json", str(figures)]
    assert main([*words, "--resample"]) == 0
    out = capfd.readouterr().out
    assert "Outside the truth's grid, and not counted: 16, 40 % of 11.\n" in out
    assert "extra                none" in out
    read = json.loads(figures.read_text(encoding="utf-8"))
    assert read["outside"] == [
        {"fdi": 11, "mm3": 8.0, "share": 0.4},
        {"fdi": 16, "mm3": 8.0, "share": 1.0},
    ]


def test_nothing_outside_is_nothing_to_tell(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    truth, figures = tmp_path / "t.nrrd", tmp_path / "f.json"
    write_volume(truth, whole())
    assert main(["evaluate", str(truth), str(truth), "--resample", "--json", str(figures)]) == 0
    assert "grid" not in capfd.readouterr().out
    assert json.loads(figures.read_text(encoding="utf-8"))["outside"] == []


def test_a_prediction_that_ends_at_its_teeth_loses_none_of_its_outermost_voxels() -> None:
    """As 3D Slicer saves a segmentation; digits of rounding put centres just beyond the last."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        truth = Volume(
            np.full((6, 7, 8), 11, np.uint8),
            tuple(rng.choice([0.2, 0.25, 0.3, 0.33], 3)),
            tuple(rng.uniform(-100, 100, 3).round(2)),
            np.eye(3),
        )
        first = rng.integers(1, 5, 3)
        origin = (truth.index_to_lps @ [*first, 1])[:3]
        i, j, k = first
        saved = Volume(truth.array[k:, j:, i:].copy(), truth.spacing, tuple(origin), np.eye(3))
        back = resample_labels(saved, truth).array
        assert np.array_equal(back[k:, j:, i:], saved.array)
        assert (back > 0).sum() == saved.array.size
