"""Procedural teeth, dentitions and cases: plausible, mirrored rightly, the same from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from ToothSegLib.arches.norms import VOLUMES_MM3
from ToothSegLib.errors import InputError
from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.case import Case, load_case, save_case
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.synthesis.dentition import draw_dentition
from ToothSegLib.synthesis.frames import arch_frames
from ToothSegLib.synthesis.mesh_form import load_individual
from ToothSegLib.synthesis.tooth_form import DIMENSIONS, draw_form

COARSE_MM = 1.0


@pytest.fixture(scope="module")
def a_case() -> Case:
    return make_case(3, spacing_mm=COARSE_MM)


@pytest.mark.parametrize("tooth_type", sorted(DIMENSIONS))
def test_a_form_has_the_published_size(tooth_type: int) -> None:
    axis = np.arange(-9.0, 9.0, 0.4)
    m, b, o = np.meshgrid(axis, axis, np.arange(-34.0, 3.0, 0.4), indexing="ij")
    volumes, widths = [], []
    for seed in range(6):
        form = draw_form(tooth_type, np.random.default_rng(seed))
        inside = form.field(m, b, o) < 0
        assert ndimage.label(inside)[1] == 1
        volumes.append(inside.sum() * 0.4**3)
        widths.append(np.ptp(m[inside]))
    crown, root, width, depth = DIMENSIONS[tooth_type]
    # The crown leans, so that its projection is a little wider than the tooth.
    assert 0.85 * width < np.mean(widths) < 1.35 * width
    block = width * depth * (crown + root)
    assert 0.2 * block < np.mean(volumes) < 0.65 * block
    assert np.mean(volumes) == pytest.approx(VOLUMES_MM3[tooth_type], rel=0.25)


def test_frames_have_the_handedness_of_their_side() -> None:
    places = {16: -22.0, 13: -14.0, 11: -4.0, 21: 4.0, 23: 14.0, 26: 22.0}
    crowns = {fdi: np.array([x, 0.05 * x * x, 0.0]) for fdi, x in places.items()}
    slots = arch_frames(crowns)
    for fdi, slot in slots.items():
        assert np.linalg.det(slot.frame) == pytest.approx(1.0 if fdi < 20 else -1.0)
        outward = slot.frame[:, 1]
        assert outward @ (slot.origin - [0.0, 30.0, 0.0]) > 0
        assert slot.frame[2, 2] == -1.0  # an upper crown points down
    # Mesial is towards the midline.
    assert slots[16].frame[1, 0] < 0
    assert slots[26].frame[1, 0] < 0


def test_the_right_teeth_lie_on_the_patients_right() -> None:
    dentition = draw_dentition(np.random.default_rng(1))
    for tooth in dentition.teeth:
        if tooth.fdi % 10 >= 3:
            right = tooth.fdi // 10 in (1, 4)
            assert (tooth.slot.origin[0] < 0) == right, tooth.fdi


def test_a_case_is_the_same_from_the_same_seed(a_case: Case) -> None:
    again = make_case(3, spacing_mm=COARSE_MM)
    assert np.array_equal(a_case.tissue, again.tissue)
    assert np.array_equal(a_case.labels, again.labels)
    assert not np.array_equal(a_case.tissue, make_case(4, spacing_mm=COARSE_MM).tissue)


def test_teeth_hold_tooth_tissue_and_nothing_else_does(a_case: Case) -> None:
    inside = set(np.unique(a_case.tissue[a_case.labels > 0]))
    outside = set(np.unique(a_case.tissue[a_case.labels == 0]))
    assert {tissues.DENTINE, tissues.ENAMEL, tissues.PULP} <= inside
    assert not inside & {tissues.AIR, tissues.SOFT, tissues.TRABECULAR, tissues.CORTICAL}
    assert not outside & {tissues.ENAMEL, tissues.PULP}


def test_dentine_outside_of_teeth_is_in_islands_of_bone_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ToothSegLib.synthesis.compose.set_dense_bone", lambda *_: None)
    case = make_case(4, spacing_mm=COARSE_MM)
    assert not (case.tissue[case.labels == 0] == tissues.DENTINE).any()


def test_ordinary_heads_have_no_islands_like_dentine() -> None:
    case = make_case(3, spacing_mm=COARSE_MM, ordinary=True)
    assert not (case.tissue[case.labels == 0] == tissues.DENTINE).any()


def test_roots_stand_in_bone(a_case: Case) -> None:
    root = a_case.labels > 0
    shell = ndimage.binary_dilation(root, iterations=2) & ~root
    bone = np.isin(a_case.tissue, (tissues.TRABECULAR, tissues.CORTICAL, tissues.LIGAMENT))
    assert bone[shell].mean() > 0.3


def test_centres_are_those_of_the_labels(a_case: Case) -> None:
    assert set(a_case.centres) == set(np.unique(a_case.labels)) - {0}
    fdi, centre = next(iter(a_case.centres.items()))
    k, j, i = np.argwhere(a_case.labels == fdi).mean(axis=0)
    expected = np.array(a_case.origin) + COARSE_MM * np.array([i, j, k])
    assert centre == pytest.approx(expected.tolist())


def test_a_case_survives_the_disk(a_case: Case, tmp_path: Path) -> None:
    save_case(tmp_path / "a.npz", a_case)
    back = load_case(tmp_path / "a.npz")
    assert a_case.prosthesis is not None
    assert back.prosthesis is not None
    assert np.array_equal(back.prosthesis, a_case.prosthesis)
    assert np.array_equal(back.tissue, a_case.tissue)
    assert np.array_equal(back.labels, a_case.labels)
    assert back.centres == a_case.centres
    assert back.about == a_case.about


def test_what_is_no_case_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.npz").write_bytes(b"no case")
    with pytest.raises(InputError, match="not a simulated case"):
        load_case(tmp_path / "b.npz")
    with pytest.raises(InputError, match="not a simulated case"):
        load_case(tmp_path / "missing.npz")


def test_meshes_serve_by_the_same_interface(tmp_path: Path) -> None:
    write_cone(tmp_path / "FDI11.stl", centre=(-4.0, 0.0, 0.0))
    write_cone(tmp_path / "FDI21.stl", centre=(4.0, 0.0, 0.0))
    write_cone(tmp_path / "FDI31.stl", centre=(3.0, 2.0, -1.0), down=True)
    individual = load_individual(tmp_path)
    form = individual.forms[11]
    assert form.length == pytest.approx(20.0, abs=0.2)
    zero = np.zeros(1)
    assert form.field(zero, zero, zero - 1.0)[0] < 0 < form.field(zero, zero + 6.0, zero)[0]
    dentition = draw_dentition(np.random.default_rng(0), [individual], real_forms=True)
    assert len(dentition.teeth) >= 28


def test_a_folder_without_meshes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no tooth meshes"):
        load_individual(tmp_path)


def write_cone(path: Path, centre: tuple[float, float, float], down: bool = False) -> None:
    """A cone of 20 mm as a stand-in for a tooth, its broad end at the height of ``centre``."""
    import vtk

    cone = vtk.vtkConeSource()
    cone.SetHeight(20.0)
    cone.SetRadius(3.5)
    cone.SetResolution(24)
    direction = -1.0 if down else 1.0
    cone.SetDirection(0.0, 0.0, direction)
    cone.SetCenter(centre[0], centre[1], centre[2] + 10.0 * direction)
    triangles = vtk.vtkTriangleFilter()
    triangles.SetInputConnection(cone.GetOutputPort())
    writer = vtk.vtkSTLWriter()
    writer.SetFileName(str(path))
    writer.SetInputConnection(triangles.GetOutputPort())
    writer.Write()
