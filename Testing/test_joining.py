"""Teeth that their votes cut in two come together again, and neighbours stay apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.transform import Rotation

import ToothSegLib.instances as instances_module
from dentition_fixture import arch_places, label_map, maps_of, separated
from ToothSegLib.arches.norms import VOLUMES_MM3
from ToothSegLib.arches.regions import Region
from ToothSegLib.maps import Maps
from ToothSegLib.separation.joining import join_parts
from ToothSegLib.separation.pieces import Pieces

SPACING = 0.6
UPRIGHT = np.array([0.0, 0.0, 1.0])


def cut_votes(teeth: tuple[int, ...], cut: int, axis: int, vote_axis: int, apart_mm: float) -> Maps:
    """Maps of ``teeth``; the halves of ``cut`` along ``axis`` vote apart along ``vote_axis``.

    Axes are 0, 1, 2 for x, y, z.
    """
    rng = np.random.default_rng(1)
    upper = arch_places(rng, True, set(teeth), False, 1.05)
    lower = arch_places(rng, False, set(teeth), False, 1.05)
    labels, origin = label_map(upper | lower, SPACING)
    maps = maps_of(labels, SPACING, origin, rng, offset_noise_mm=0.0)
    assert maps.offsets is not None
    whole = labels == cut
    along = np.moveaxis(np.indices(labels.shape), 0, -1)[..., 2 - axis]
    front = whole & (along < np.median(along[whole]))
    maps.offsets[vote_axis][front] -= apart_mm / 2
    maps.offsets[vote_axis][whole & ~front] += apart_mm / 2
    return maps


CUTS = [
    # The root of a leaning incisor lies behind its crown, and votes for a middle behind it.
    pytest.param((41,), 41, 2, 1, 6.0, id="crown and root"),
    pytest.param((42, 41, 31), 41, 2, 1, 6.0, id="crown and root, between neighbours"),
    pytest.param((46,), 46, 1, 1, 5.0, id="halves of a molar"),
    pytest.param((45, 46, 47), 46, 1, 1, 4.5, id="halves of a molar, between neighbours"),
]


@pytest.mark.parametrize(("teeth", "cut", "axis", "vote_axis", "apart_mm"), CUTS)
def test_halves_of_a_tooth_join(
    teeth: tuple[int, ...],
    cut: int,
    axis: int,
    vote_axis: int,
    apart_mm: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    maps = cut_votes(teeth, cut, axis, vote_axis, apart_mm)
    _, regions = separated(maps)
    assert len(regions) == len(teeth)
    # They are two where nothing is joined, so that the test is about the joining.
    monkeypatch.setattr(instances_module, "join_parts", lambda pieces, tooth, *_: np.arange(99))
    _, regions = separated(maps)
    assert len(regions) > len(teeth)


@pytest.mark.parametrize("teeth", [(41, 31), (15, 14), (16, 17), (42, 41, 31, 32)])
def test_neighbours_are_not_tied(teeth: tuple[int, ...]) -> None:
    _, regions = separated(cut_votes(teeth, teeth[0], 0, 0, 0.0))
    assert len(regions) == len(teeth)


@pytest.mark.parametrize(
    ("crumb", "middle"),
    [({13: 1.0}, (0.0, 4.5, -4.0)), ({13: 0.5, 14: 0.5}, (0.0, 4.5, -6.0))],
    ids=["as halves have", "and lies below both"],
)
def test_a_crumb_between_two_teeth_goes_to_one(
    crumb: dict[int, float], middle: tuple[float, ...]
) -> None:
    """It has four tenths of its surface in common with each, as the halves of a tooth have."""
    sizes, looks = np.array([5000, 2000, 150]), ({14: 1.0}, {13: 1.0}, crumb)
    contact = sparse.csr_matrix(np.array([[0, 20, 90], [20, 0, 88], [90, 88, 0]]))
    pieces = Pieces(np.zeros(0, int), np.arange(3), sizes, np.array([1900, 900, 220]), contact)
    middles = np.array([[0.0, 0.0, 0.0], [0.0, 9.0, 0.0], middle])
    regions = [
        Region(n, size, size * SPACING**3, place, place, one_look(look), 0.9)
        for n, (size, look, place) in enumerate(zip(sizes, looks, middles, strict=True))
    ]
    becomes = join_parts(pieces, np.arange(3), regions, middles, halves_share=0.3)
    assert becomes[2] == becomes[0] != becomes[1]


def two_molars(volumes_mm3: tuple[float, float], apart_mm: float) -> list[Region]:
    middles = np.array([[0.0, 0.0, 0.0], [0.0, apart_mm, 0.0]])
    return [
        Region(n, round(volume / SPACING**3), volume, middle, middle, np.eye(17)[14], 0.9)
        for n, (volume, middle) in enumerate(zip(volumes_mm3, middles, strict=True))
    ]


def joined(volumes_mm3: tuple[float, float], apart_mm: float, size: float) -> bool:
    """Whether two regions become one that look like molars and touch in a sixth of their surface.

    ``size``: of the patient's teeth over the norms.
    """
    return touching(two_molars(volumes_mm3, apart_mm), size)


def touching(
    regions: list[Region], size: float = 1.0, faces: int = 300, up: np.ndarray = UPRIGHT
) -> bool:
    sizes = np.array([region.voxels for region in regions])
    contact = sparse.csr_matrix(np.array([[0, faces], [faces, 0]]))
    pieces = Pieces(np.zeros(0, int), np.arange(2), sizes, np.array([1900, 1800]), contact)
    middles = np.array([region.centroid for region in regions])
    becomes = join_parts(pieces, np.arange(2), regions, middles, 0.3, size, up)
    return bool(becomes[0] == becomes[1])


def test_halves_of_a_large_patients_molar_may_lie_further_apart() -> None:
    assert not joined((1080.0, 1040.0), 6.3, 1.0)
    assert joined((1080.0, 1040.0), 6.3, 1.2)


def test_two_regions_of_a_whole_tooth_each_are_no_halves() -> None:
    whole = 1.4 * VOLUMES_MM3[14]
    assert joined((whole, whole / 2), 4.0, 1.0)
    assert not joined((whole, whole - 1), 4.0, 1.0)
    assert joined((whole, whole - 1), 4.0, 1.2)  # no more than half of one for such a patient


def stacked_parts(low: float, high: float, roll_deg: float = 0.0) -> list[Region]:
    """Two regions that look like second molars, 8 mm apart along a rolled head's own up."""
    turn = Rotation.from_euler("y", roll_deg, degrees=True).as_matrix()
    parts = two_molars((low, high), 0.0)
    parts[1] = replace(parts[1], centroid=turn @ [0.0, 0.0, 8.0])
    return parts


def test_a_crown_and_its_root_join_but_not_two_whole_teeth_one_above_the_other() -> None:
    usual = VOLUMES_MM3[14]
    assert touching(stacked_parts(0.5 * usual, 0.6 * usual), faces=90)
    assert not touching(stacked_parts(0.9 * usual, usual), faces=90)


def test_above_is_what_the_head_says() -> None:
    """Neighbours of a head that is rolled lie one above the other by the scan's axes."""
    parts = stacked_parts(300.0, 400.0, roll_deg=60.0)
    up = Rotation.from_euler("y", 60.0, degrees=True).as_matrix()[:, 2]
    assert touching(parts, faces=90, up=up)
    assert not touching(parts, faces=90)


def test_what_a_tooths_own_pieces_have_in_common_is_none_of_its_surface() -> None:
    regions = two_molars((1000.0, 500.0), 4.0)
    contact = sparse.csr_matrix(np.array([[0, 150, 0], [150, 0, 600], [0, 600, 0]]))
    sizes, surface = np.array([4600, 1200, 1100]), np.array([1900, 900, 900])
    pieces = Pieces(np.zeros(0, int), np.arange(3), sizes, surface, contact)
    middles = np.array([region.centroid for region in regions])
    # A quarter of the second tooth's surface touches the first: of the 1800 faces 1200 are within.
    becomes = join_parts(pieces, np.array([0, 1, 1]), regions, middles, 0.3)
    assert becomes[0] == becomes[1]


def parts(look: int, *volumes_and_places: tuple[float, tuple[float, ...]]) -> list[Region]:
    """Regions of one look: of a volume, mm3, at a place, mm."""
    return [
        Region(n, round(mm3 / SPACING**3), mm3, np.array(at), np.array(at), np.eye(17)[look], 0.9)
        for n, (mm3, at) in enumerate(volumes_and_places)
    ]


@pytest.mark.parametrize(
    ("look", "away_mm", "faces", "together"),
    [
        (6, (0.0, 3.0, 0.0), 300, True), (6, (0.0, 3.0, 0.0), 180, False),
        (1, (0.0, 2.0, 0.0), 300, True), (1, (0.0, 2.0, 0.0), 40, False),
        (1, (0.0, 5.0, 8.0), 80, True), (1, (0.0, 5.0, 0.0), 80, False),
        (1, (0.0, 5.0, 8.0), 40, False),
    ],
    ids=["halves of a molar", "that hardly touch", "halves of an incisor", "that hardly touch 2",
         "crown and root", "neighbours", "crown and root that hardly touch"],
)  # fmt: skip
def test_how_much_parts_must_touch(
    look: int, away_mm: tuple[float, ...], faces: int, together: bool
) -> None:
    regions = parts(look, (300.0, (0.0, 0.0, 0.0)), (180.0, away_mm))
    assert touching(regions, faces=faces) is together


@pytest.mark.parametrize(
    ("look", "volumes_mm3", "faces", "together"),
    [
        (1, (600.0, 150.0), 300, False), (1, (600.0, 150.0), 600, False),
        (1, (600.0, 100.0), 300, True), (1, (700.0, 60.0), 300, True),
        (1, (450.0, 300.0), 300, True), (6, (1100.0, 300.0), 300, True),
    ],
    ids=["an extra tooth", "that touches much", "a little piece", "a crumb of a large incisor",
         "halves of a large one", "of a large molar"],
)  # fmt: skip
def test_an_extra_tooth_is_no_part_of_the_whole_one_beside_it(
    look: int, volumes_mm3: tuple[float, float], faces: int, together: bool
) -> None:
    whole, piece = volumes_mm3
    regions = parts(look, (whole, (0.0, 0.0, 0.0)), (piece, (0.0, 2.5, 2.0)))
    assert touching(regions, faces=faces) is together


def becomes_of(regions: list[Region], faces: dict[tuple[int, int], int]) -> list[int]:
    """Each region's tooth, of regions that touch in so many of their thousand faces."""
    count = len(regions)
    contact = np.zeros((count, count), int)
    for (one, other), common in faces.items():
        contact[one, other] = contact[other, one] = common
    sizes = np.array([region.voxels for region in regions])
    pieces = Pieces(
        np.zeros(0, int), np.arange(count), sizes, np.full(count, 1000), sparse.csr_matrix(contact)
    )
    middles = np.array([region.centroid for region in regions])
    return join_parts(pieces, np.arange(count), regions, middles, 0.3).tolist()


def test_a_leaning_root_lies_outwards_of_its_crown_where_the_arch_tells_what_is_outwards() -> None:
    halves = ((300.0, (0.0, 0.0, 0.0)), (180.0, (0.0, 5.0, 0.0)))
    assert becomes_of(parts(1, *halves), {(0, 1): 200}) == [0, 1]
    sides = ((400.0, (-20.0, 30.0, 0.0)), (400.0, (20.0, 30.0, 0.0)))
    assert becomes_of(parts(1, *halves, *sides), {(0, 1): 200}) == [0, 0, 2, 3]


@pytest.mark.parametrize("looks", [(6, 6, 6), (6, 3, 1)], ids=["alike", "by contact alone"])
def test_three_parts_become_one_tooth(looks: tuple[int, ...]) -> None:
    """The third touches the second, and only that touches the first."""
    regions = parts(6, (330.0, (0.0,) * 3), (220.0, (0.0, 2.5, 0.0)), (100.0, (0.0, 5.0, 0.0)))
    for region, look in zip(regions, looks, strict=True):
        region.type_probabilities = np.eye(17)[look]
    assert becomes_of(regions, {(1, 2): 400, (0, 1): 350}) == [0, 0, 0]


def test_what_touches_but_a_part_of_another_tooth_stays_by_itself() -> None:
    regions = parts(6, (330.0, (0.0,) * 3), (220.0, (0.0, 2.5, 0.0)), (100.0, (0.0, 5.0, 0.0)))
    assert becomes_of(regions, {(0, 1): 400, (1, 2): 250}) == [0, 0, 2]


LIKE_A_THIRD, LIKE_A_SECOND = {16: 0.8, 15: 0.2}, {15: 0.6, 16: 0.25, 14: 0.15}


@pytest.mark.parametrize(
    ("large", "small", "together"),
    [
        pytest.param((900.0, LIKE_A_THIRD), (300.0, LIKE_A_SECOND), True, id="one tooth"),
        pytest.param((900.0, {15: 0.95, 16: 0.05}), (300.0, {16: 0.9, 15: 0.1}), False, id="a bud"),
        pytest.param((900.0, LIKE_A_THIRD), (480.0, LIKE_A_SECOND), False, id="two small molars"),
        pytest.param((1400.0, LIKE_A_THIRD), (300.0, LIKE_A_SECOND), False, id="a piece"),
        pytest.param((900.0, {14: 0.85, 15: 0.15}), (300.0, {15: 0.75, 14: 0.25}), False,
                     id="the first molar, and a part of the second"),
        pytest.param((900.0, LIKE_A_THIRD), (300.0, {7: 0.75, 15: 0.2, 14: 0.05}), False,
                     id="a part that looks like one of the other jaw"),
    ],
)  # fmt: skip
def test_a_part_that_looks_like_a_second_molar_joins_what_looks_like_a_third(
    large: tuple[float, dict[int, float]], small: tuple[float, dict[int, float]], together: bool
) -> None:
    for apart_mm, faces in ((4.5, 300), (9.0, 300), (4.5, 150)):
        regions = two_molars((large[0], small[0]), apart_mm)
        for region, (_, shares) in zip(regions, (large, small), strict=True):
            region.type_probabilities = one_look(shares)
        near = (apart_mm, faces) == (4.5, 300)
        assert touching(regions, faces=faces) is (together and near)


def one_look(shares: dict[int, float]) -> np.ndarray:
    look = np.zeros(17)
    look[list(shares)] = list(shares.values())
    return look
