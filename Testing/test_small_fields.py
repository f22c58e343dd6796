"""Small fields of view cut out of a labelled scan, and what is made of the numbers in them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from ToothSegLib.errors import InputError
from ToothSegLib.evaluation import small_fields
from ToothSegLib.evaluation.disturbances import field_of_view
from ToothSegLib.evaluation.small_fields import SIZES_MM, Seen, as_table, fields, judged
from ToothSegLib.report import Finding, Segmentation
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import write_volume


def row(*teeth: int) -> Volume:
    """Cubes of 6 mm in a row, 2 mm apart, on an even grid of 1 mm."""
    labels = np.zeros((20, 20, 8 * len(teeth) + 4), np.uint8)
    for number, fdi in enumerate(teeth):
        labels[7:13, 7:13, 8 * number + 3 : 8 * number + 9] = fdi
    return Volume(labels, (1.0, 1.0, 1.0), (-5.0, 8.0, 30.0), np.eye(3))


@pytest.mark.parametrize("upright", [0, 1, 2])
def test_a_field_is_an_upright_cylinder_on_a_grid_that_ends_with_it(upright: int) -> None:
    labels = row(11, 21, 22, 23)
    order = np.roll([0, 1, 2], upright)  # the axis of the grid that runs up
    turned = Volume(
        np.transpose(labels.array, 2 - order[::-1]), (1.0,) * 3, (0.0,) * 3, np.eye(3)[:, order]
    )
    scan = turned.with_array(turned.array.astype(np.int16) - 50)
    middle = turned.index_to_lps[:3, :3] @ ((np.array(turned.shape[::-1]) - 1) / 2)
    seen, truth = field_of_view(middle, 12.0, 8.0)(scan, turned)
    assert seen.same_grid(truth)
    corner = seen.index_to_lps[:3, 3]
    far = seen.index_to_lps[:3, :3] @ (np.array(seen.shape[::-1]) - 1.0)
    assert np.abs(far).round(6).tolist() == [11.0, 11.0, 7.0]
    assert np.allclose(corner + far / 2, middle, atol=1e-6)
    kji = np.indices(seen.shape)[::-1].reshape(3, -1)
    x, y = (seen.index_to_lps[:2, :3] @ kji) + corner[:2, None] - middle[:2, None]
    outside = (x**2 + y**2 > 36.0).reshape(seen.shape)
    assert outside.any()
    assert (seen.array[outside] == -50).all()
    assert (truth.array[outside] == 0).all()
    assert (truth.array[~outside] == seen.array[~outside] + 50).all()


def test_a_field_beside_the_scan_is_refused() -> None:
    labels = row(11)
    with pytest.raises(InputError, match="nothing within 20 mm"):
        field_of_view(np.array([500.0, 0.0, 0.0]), 40.0, 40.0)(labels, labels)


def test_fields_lie_about_teeth_and_are_the_same_each_time() -> None:
    labels = row(11, 21, 22)
    one, other = fields(labels, 8), fields(labels, 8)
    assert [field.diameter for field in one] == [*SIZES_MM, *SIZES_MM]
    assert {field.height for field in one} <= set(SIZES_MM)
    assert all(
        np.array_equal(a.middle, b.middle) and a.height == b.height
        for a, b in zip(one, other, strict=True)
    )
    assert all(np.linalg.norm(field.middle - [8.0, 17.5, 39.5]) < 40.0 for field in one)
    with pytest.raises(InputError, match="hold no tooth"):
        fields(labels.with_array(np.zeros_like(labels.array)), 1)


def test_wrong_numbers_count_and_whether_a_finding_names_them() -> None:
    truth = row(11, 21, 22, 23)
    found = truth.array.copy()
    found[truth.array == 22] = 24
    found[truth.array == 23] = 0
    found[:3, :3, :3] = 28  # where no tooth is
    told = Finding("number-unsure", "high", "28 may be another", (28,))
    seen = judged(Segmentation(truth.with_array(found), findings=[told]), truth, truth, 40)
    assert seen == Seen(diameter=40, teeth=4, right=2, dice=0.5, wrong=2, untold=1)


def test_what_a_field_leaves_of_a_tooth_asks_for_nothing_but_its_number() -> None:
    whole = row(11, 21)
    sliver = whole.array.copy()
    sliver[7:11][whole.array[7:11] == 21] = 0  # a third of it is left
    truth = whole.with_array(sliver)
    seen = judged(Segmentation(truth), truth, whole, 40)
    assert (seen.teeth, seen.right, seen.wrong) == (1, 1, 0)
    other = truth.with_array(np.where(sliver == 21, 22, sliver))
    seen = judged(Segmentation(other), truth, whole, 40)
    assert (seen.teeth, seen.right, seen.wrong, seen.untold) == (1, 1, 1, 1)


def test_the_table_weighs_by_teeth() -> None:
    seen = [
        Seen(40, 1, 1, 0.5, 0, 0),
        Seen(40, 3, 2, 0.9, 2, 1),
        Seen(80, 0, 0, float("nan"), 0, 0),
    ]
    lines = as_table(seen).splitlines()[2:]
    assert lines == [
        "| 40 mm | 2 | 4 | 3 | 0.800 | 2 | 1 |",
        "| 80 mm | 1 | 0 | 0 | nan | 0 | 0 |",
        "| all | 3 | 4 | 3 | 0.800 | 2 | 1 |",
    ]


def test_the_command_prints_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = row(11, 21, 22)
    write_volume(tmp_path / "labels.nrrd", labels)
    write_volume(tmp_path / "scan.nrrd", labels.with_array(labels.array.astype(np.int16)))
    monkeypatch.setattr(small_fields, "load_bundle", lambda name: type("B", (), {"name": "none"})())
    monkeypatch.setattr(
        small_fields,
        "segment",
        lambda scan, **_: Segmentation(scan.with_array(scan.array.astype(np.uint8))),
    )
    words = [str(tmp_path / "scan.nrrd"), str(tmp_path / "labels.nrrd"), "--cases", "4"]
    monkeypatch.setattr(sys, "argv", ["small_fields", *words])
    assert small_fields.main() == 0
    last = capsys.readouterr().out.splitlines()[-1].split(" | ")
    assert last[0] == "| all"
    assert last[2] == last[3] != "0"
    assert last[4:] == ["1.000", "0", "0 |"]
