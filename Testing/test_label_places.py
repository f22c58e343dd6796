"""No number of the picture hides another, and no line crosses another."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ToothSegLib.drawing import picture
from ToothSegLib.drawing.label_places import line_ends, parted, spread
from ToothSegLib.drawing.views import View
from ToothSegLib.surfaces import Surface

BOX = picture._LABEL_BOX


def clearance(places: np.ndarray) -> float:
    """Pixels between the closest two boxes; negative if they overlap."""
    one, other = np.triu_indices(len(places), 1)
    return float((np.abs(places[one] - places[other]) - BOX).max(axis=1).min())


def test_numbers_in_a_row_keep_their_distance_and_order() -> None:
    wanted = np.array([0.0, 10.0, 12.0, 100.0, 90.0])
    places = spread(wanted, 20)
    assert (np.diff(places) >= 20 - 1e-9).all()
    np.testing.assert_array_equal(spread(np.array([0.0, 50.0]), 20), [0, 50])
    assert abs(places.mean() - wanted.mean()) < 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_crowded_boxes_are_pushed_apart_and_not_far(seed: int) -> None:
    wanted = np.random.default_rng(seed).uniform(0, 100, (14, 2))
    places = parted(wanted, BOX)
    assert clearance(places) > -2e-3
    assert np.abs(places - wanted).max() < 80


def test_boxes_at_one_place_are_pushed_apart_too() -> None:
    assert clearance(parted(np.full((5, 2), 7.0), BOX)) > -2e-3


def test_boxes_that_are_clear_of_each_other_stay() -> None:
    wanted = np.array([[0.0, 0.0], [28.0, 0.0], [0.0, 24.0], [80.0, 3.0]])
    np.testing.assert_array_equal(parted(wanted, BOX), wanted)


def column(x: float, top: float, width: float = 30.0) -> np.ndarray:
    """Pixels of a tooth seen from the front whose roof falls off from its middle at x."""
    across = np.arange(-width / 2, width / 2 + 1)
    return np.concatenate(
        [np.stack([x + across, top - depth - np.abs(across)], axis=1) for depth in range(0, 60, 3)]
    )


def test_a_line_ends_at_the_tip_of_its_root() -> None:
    teeth = [column(0, 100), column(40, 120), column(80, 90)]
    np.testing.assert_allclose(line_ends(teeth, 1), [[0, 100], [40, 120], [80, 90]])
    down = [points * (1, -1) for points in teeth]
    np.testing.assert_allclose(line_ends(down, -1), [[0, -100], [40, -120], [80, -90]])


def test_ends_come_in_the_order_of_the_teeth_though_a_far_root_shows_on_the_inner_side() -> None:
    near, far = column(100, 90), column(95, 120)
    ends = line_ends([column(40, 100), near, far[far[:, 0] < 100]], 1)
    assert (np.diff(ends[:, 0]) >= 6).all()
    np.testing.assert_allclose(ends[0], [40, 100])
    for end, points in zip(ends[1:], (near, far), strict=True):
        assert (points == end).all(axis=1).any()


def test_lines_do_not_cross_though_the_roots_stand_the_other_way_round() -> None:
    """The nearer tooth, 26, lies wholly further out than what is seen of 27."""
    places = {26: (30.0, 0.0, 3.0), 27: (22.0, 4.0, 5.0)}
    teeth = {
        fdi: Surface(np.array(place) + np.diag([1.0, 1.0, 9.0])[[2, 0]], np.zeros((0, 3)))
        for fdi, place in places.items()
    }
    lines, words = [], []
    canvas = SimpleNamespace(
        teeth=lambda *_: None,
        line=lambda start, end, *_: lines.append((start, end)),
        write=lambda text, *_, **__: words.append(text),
    )
    picture._draw_front(canvas, teeth, np.eye(3)[0], np.eye(3)[2])
    assert words[:2] == ["27", "26"]
    (one, one_end), (other, other_end) = lines[:2]
    assert one[0] < other[0]
    assert one_end[0] < other_end[0]


def test_numbers_of_crowded_crowns_do_not_hide_each_other() -> None:
    """Front teeth 1 mm apart, of which each number would take 3."""
    crowns = {
        fdi: Surface(
            np.array([[x, 0.2 * x, 0.0], [x, 0.2 * x, -9.0]], np.float32), np.zeros((0, 3))
        )
        for fdi, x in ((42, -1.5), (41, -0.5), (31, 0.5), (32, 1.5))
    }
    view = View(np.eye(3)[0], np.eye(3)[1], np.zeros(3), 0.1, picture._LOWER)
    written: dict[str, np.ndarray] = {}
    canvas = SimpleNamespace(
        teeth=lambda *_: None, write=lambda words, place, *_, **__: written.update({words: place})
    )
    picture._draw_arch(canvas, crowns, view)
    assert list(written) == ["42", "41", "31", "32"]
    places = np.array(list(written.values()))
    assert clearance(places) > -2e-3
    assert (np.diff(places[:, 0]) > 0).all()


def test_the_box_of_a_number_holds_what_is_written() -> None:
    import vtkmodules.vtkRenderingFreeType  # noqa: F401
    from vtkmodules.vtkRenderingCore import vtkTextProperty, vtkTextRenderer

    style = vtkTextProperty()
    style.SetFontFamilyToArial()
    style.SetFontSize(picture._LABEL_SIZE)
    style.SetBold(True)
    style.SetBackgroundOpacity(0.7)
    for fdi in (11, 28, 44, 46):
        bounds = [0] * 4
        vtkTextRenderer.GetInstance().GetBoundingBox(style, str(fdi), bounds, 72)
        assert bounds[1] - bounds[0] < BOX[0]
        assert bounds[3] - bounds[2] < BOX[1]
