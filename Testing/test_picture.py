"""The picture: left stays left, everything is visible, and no screen is needed."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from drawing_fixture import drawing
from phantom_fixture import dentition
from ToothSegLib.arches.arch import SLOT_FDI, TEMPLATE
from ToothSegLib.drawing import canvas, offscreen, picture
from ToothSegLib.drawing.offscreen import NoDrawing, write_png
from ToothSegLib.drawing.picture import HEIGHT, WIDTH, teeth_picture
from ToothSegLib.drawing.views import View, dentition_axes
from ToothSegLib.report import measure_teeth
from ToothSegLib.resources import resource_path
from ToothSegLib.surfaces import Surface, tooth_surfaces
from ToothSegLib.volume_io import read_volume

X, Y, Z = np.eye(3)

PLACES = {
    int(fdi): place
    for arch, row in zip(SLOT_FDI, TEMPLATE, strict=True)
    for fdi, place in zip(arch, row, strict=True)
}


def turn(degrees: float, axis: np.ndarray) -> np.ndarray:
    """(3, 3) rotation."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_rotvec(np.radians(degrees) * axis).as_matrix()


PROBES = {
    13: (255, 0, 0), 23: (0, 255, 0), 27: (0, 0, 255),
    43: (255, 255, 0), 33: (255, 0, 255), 37: (0, 255, 255),
}  # fmt: skip


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    """The picture of a dentition in which six teeth have a colour of their own, the rest grey."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            canvas, "by_fdi", lambda fdi: SimpleNamespace(colour=PROBES.get(fdi, (128, 128, 128)))
        )
        with drawing():
            return teeth_picture(tooth_surfaces(dentition()), "scan.nrrd")


def centre_of(drawn: np.ndarray, fdi: int, box: canvas.PixelBox) -> tuple[float, float]:
    """(column, row) of the middle of what a box of the picture shows of a tooth."""
    left, bottom, width, height = box
    part = drawn[HEIGHT - bottom - height : HEIGHT - bottom, left : left + width].astype(int)
    bright = np.array(PROBES[fdi]) > 0
    shown = part[..., bright].min(axis=2) > part[..., ~bright].max(axis=2) + 60
    rows, columns = np.nonzero(shown)
    assert len(rows) > 50, f"{fdi} is not to be seen"
    return columns.mean(), rows.mean()


def test_picture_has_the_patients_right_on_the_left(drawn: np.ndarray) -> None:
    boxes = ((picture._FRONT, 13, 23), (picture._FRONT, 43, 33))
    boxes += ((picture._UPPER, 13, 23), (picture._LOWER, 43, 33))
    for box, right, left in boxes:
        assert centre_of(drawn, right, box)[0] < centre_of(drawn, left, box)[0] - 50


def test_arches_lie_as_in_a_dental_chart(drawn: np.ndarray) -> None:
    assert centre_of(drawn, 23, picture._UPPER)[1] < centre_of(drawn, 27, picture._UPPER)[1] - 50
    assert centre_of(drawn, 33, picture._LOWER)[1] > centre_of(drawn, 37, picture._LOWER)[1] + 50


def test_upper_teeth_are_above_the_lower_ones(drawn: np.ndarray) -> None:
    assert centre_of(drawn, 13, picture._FRONT)[1] < centre_of(drawn, 43, picture._FRONT)[1] - 50


def test_a_tooth_that_is_not_there_is_said_to_be_missing() -> None:
    words = []
    frame = SimpleNamespace(write=lambda text, *_, **__: words.append(text))
    picture._write_frame(frame, "scan", 0)
    picture._write_teeth(frame, [12, 47])
    assert {"scan", "26 of 28 teeth", "Not found: 12, 47", "R", "L"} <= set(words)
    assert "For research use, not a medical device." in words


@pytest.mark.parametrize(
    ("urgent", "words"),
    [
        (0, []),
        (1, ["1 urgent finding: see the report"]),
        (3, ["3 urgent findings: see the report"]),
    ],
)
def test_urgent_findings_are_told_below_what_else_is_there(urgent: int, words: list[str]) -> None:
    written = {}
    frame = SimpleNamespace(write=lambda text, place, *_, **__: written.update({text: place}))
    picture._write_frame(frame, "scan", urgent)
    picture._write_teeth(frame, [12])
    assert [text for text in written if "urgent" in text] == words
    for text in words:
        # Two lines of 20 pixels, within the strip below the panels.
        assert 12 <= written[text][1] <= written["Not found: 12"][1] - 24


def test_a_scan_without_teeth_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    written, panels = [], []
    frame = SimpleNamespace(
        write=lambda text, *_, **__: written.append(text),
        panel=panels.append,
        pixels=lambda: None,
    )
    monkeypatch.setattr(picture, "Canvas", lambda *_: frame)
    teeth_picture({}, "scan.nrrd", 1)
    assert {"No teeth found", "scan.nrrd", "1 urgent finding: see the report"} <= set(written)
    assert not [text for text in written if "Not found" in text or text == "Front"]
    assert len(panels) == 1


def test_a_scan_without_teeth_has_a_picture_too() -> None:
    with drawing():
        empty = teeth_picture({}, "a very long name " * 12)
    assert empty.shape == (HEIGHT, WIDTH, 3)
    assert (empty < 100).any(), "the words are missing"


def test_png_reads_back(tmp_path) -> None:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOImage import vtkPNGReader

    rows = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    path = tmp_path / "a picture \N{LATIN SMALL LETTER A WITH DIAERESIS}.png"
    write_png(path, rows)
    reader = vtkPNGReader()
    reader.SetFileName(str(path))
    reader.Update()
    read = vtk_to_numpy(reader.GetOutput().GetPointData().GetScalars()).reshape(5, 7, 3)
    np.testing.assert_array_equal(read[::-1], rows)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="EGL is the way on Linux only")
def test_without_opengl_there_is_an_error_and_no_crash() -> None:
    code = (
        "from ToothSegLib.drawing.offscreen import *\n"
        "try: offscreen_window(8, 8)\n"
        "except NoDrawing as error: print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"__EGL_VENDOR_LIBRARY_FILENAMES": "/absent", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode == 0 and not run.stdout and offscreen.find_library("OSMesa"):
        pytest.skip("OSMesa draws here")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("no picture: there is no OpenGL")


@pytest.mark.parametrize(
    ("must", "outcome"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)]
)
def test_a_picture_that_must_be_drawn_is_not_skipped(
    must: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOTHSEG_MUST_DRAW", must)
    with pytest.raises(outcome, match="no OpenGL here"), drawing():
        raise NoDrawing("no OpenGL here")


@pytest.mark.parametrize("axis", [X, Y, Z])
def test_a_turned_head_is_seen_straight(axis: np.ndarray) -> None:
    rotation = turn(25, axis)
    # The mouth is open, too.
    turned = {
        fdi: rotation @ (place - (0, 0, 8.0 * (fdi > 30))) + (40, -7, 120)
        for fdi, place in PLACES.items()
    }
    np.testing.assert_allclose(dentition_axes(turned), rotation, atol=1e-6)


def test_swapped_sides_do_not_turn_the_view() -> None:
    swapped = {fdi: place * (-1, 1, 1) for fdi, place in PLACES.items()}
    np.testing.assert_array_equal(dentition_axes(swapped) @ X > 0, [True, False, False])
    backwards = {fdi: place * (-1, -1, 1) for fdi, place in PLACES.items()}
    np.testing.assert_array_equal(dentition_axes(backwards), np.eye(3))


def test_few_teeth_are_seen_along_the_scanners_axes() -> None:
    few = {fdi: turn(20, Z) @ PLACES[fdi] for fdi in (16, 17, 36, 37)}
    np.testing.assert_array_equal(dentition_axes(few), np.eye(3))


def test_view_shows_everything_within_its_margin() -> None:
    points = np.random.default_rng(3).normal(0, 20, (50, 3)) + (100, 0, 0)
    view = View.fitted(points, X, Z, (10, 20, 300, 200), (30, 40))
    flat = view.project(points)
    assert (flat >= np.array([40, 60]) - 1e-9).all()
    assert (flat <= np.array([280, 180]) + 1e-9).all()
    np.testing.assert_array_equal(view.towards, -Y)


def test_hidden_points_are_not_pointed_at() -> None:
    side = np.arange(0, 20, 0.5)
    x, z = (grid.ravel() for grid in np.meshgrid(side, side))
    front = np.stack([x, np.zeros_like(x), z], axis=1)
    behind = front + (10, 5, 0)
    view = View.fitted(np.concatenate([front, behind]), X, Z, (0, 0, 600, 400))
    seen = view.visible({1: front, 2: behind})
    assert len(seen[1]) == len(front)
    assert 0 < len(seen[2]) < len(behind)
    assert seen[2][:, 0].min() >= seen[1][:, 0].max() - 14


@pytest.mark.parametrize("keep", [(2, 3), (3,)])
def test_teeth_of_one_side_are_seen_along_the_scanners_axes(keep: tuple[int, ...]) -> None:
    labels = read_volume(resource_path("Samples", "sample-cbct-labels.nrrd"))
    centroids = {
        tooth.fdi: np.array(tooth.centroid_lps)
        for tooth in measure_teeth(labels, confidences={})
        if tooth.fdi // 10 in keep and tooth.fdi % 10 >= 3
    }
    assert len(centroids) == 5 * len(keep)
    np.testing.assert_array_equal(dentition_axes(centroids), np.eye(3))


@pytest.mark.parametrize(
    ("title", "drawn"),
    [
        ("scan.nrrd", "scan.nrrd"),
        ("Mu\u0308ller", "M\u00fcller"),
        ("\u0416\u0443\u043a.nrrd", "???.nrrd"),
        ("\u5c71\u7530 CT", "?? CT"),
        ("Nguy\u1ec5n \u0141uk\u00e1\u0161", "Nguyen \u0141uk\u00e1\u0161"),
        ("two\nlines", "two?lines"),
        ("\u60a3\u8005 \u0416", ""),
    ],
)
def test_a_title_is_what_the_font_can_draw(title: str, drawn: str) -> None:
    assert canvas.shortened(title) == drawn


def test_every_letter_of_a_title_is_drawn() -> None:
    import vtkmodules.vtkRenderingFreeType  # noqa: F401
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkRenderingCore import vtkTextProperty, vtkTextRenderer

    style = vtkTextProperty()
    style.SetFontFamilyToArial()
    style.SetFontSize(30)

    def inked(letter: str) -> bool:
        image = vtkImageData()
        assert vtkTextRenderer.GetInstance().RenderString(style, letter, image, [0, 0], 72)
        return bool(vtk_to_numpy(image.GetPointData().GetScalars())[:, 3].any())

    blank = {" ", "\N{NO-BREAK SPACE}", "\N{SOFT HYPHEN}"}
    assert [letter for letter in sorted(canvas._DRAWN - blank) if not inked(letter)] == []
    assert not inked("\u0416")


@pytest.mark.parametrize(("size", "words"), [(90.0, "10 mm"), (15.0, "5 mm"), (3.0, "1 mm")])
def test_the_scale_bar_fits_beside_what_is_shown(size: float, words: str) -> None:
    lines, written = [], []
    frame = SimpleNamespace(
        line=lambda start, end, *_: lines.append((start, end)),
        write=lambda text, *_, **__: written.append(text),
        teeth=lambda *_: None,
    )
    corners = np.array([[x, y, z] for x in (0, size) for y in (0, size) for z in (0, size)])
    picture._draw_front(frame, {36: Surface(corners, np.zeros((0, 3), int))}, X, Z)
    (start, end), left, width = lines[-1], picture._FRONT[0], picture._FRONT[2]
    assert words in written
    assert left < start[0] < end[0] < left + width / 2 - 60, "it runs into what is beside it"
