"""Metal or ceramic to the core is an implant; a tooth with a crown, a filling or a post is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import ToothSegLib.cascade as cascade
from ToothSegLib.arches.regions import Region
from ToothSegLib.numbering import Numbering
from ToothSegLib.report import in_lps
from ToothSegLib.resources import resource_path
from ToothSegLib.separation.cores import measure_cores
from ToothSegLib.separation.implants import (
    Implants,
    doubt_findings,
    find_implants,
    implant_findings,
)
from ToothSegLib.teeth import N_TYPES, type_of
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume

AIR, PULP, BONE, DENTINE, ENAMEL = -1000.0, 600.0, 1400.0, 1800.0, 3000.0
CERAMIC, METAL = 5000.0, 7000.0


def a_region(label: int, mask: np.ndarray | None = None) -> Region:
    centre, voxels = np.array([10.0 * label, 15.0, 16.0]), 1000
    if mask is not None:
        centre, voxels = np.argwhere(mask).mean(axis=0)[::-1] * 0.5, int(mask.sum())
    up = np.array([0.0, 0.0, 1.0])
    return Region(label, voxels, voxels / 8, centre, up, np.eye(N_TYPES)[type_of(36)], 0.9)


def a_scene(*kinds: str, bone: float = BONE):  # type: ignore[no-untyped-def]
    """One tooth or implant of each kind in a block of bone, labelled 1 and up."""
    rng = np.random.default_rng(3)
    z, y, x = np.indices((60, 60, 40 + 20 * len(kinds))) * 0.5
    image = np.where((y > 5) & (y < 25), bone, AIR)
    labels = np.zeros(image.shape, np.uint16)
    for label, kind in enumerate(kinds, start=1):
        radius = np.hypot(y - 15, x - 10 * label)
        tooth = (radius < 3.0) & (z > 8) & (z < 24)
        labels[tooth] = label
        image[tooth] = DENTINE
        image[tooth & (radius < 0.6)] = PULP
        image[tooth & (z > 18) & (radius > 2.0)] = ENAMEL
        if kind == "crown":
            image[tooth & (z > 17) & ((radius > 1.8) | (z > 22))] = METAL
        if kind == "root filling":
            image[tooth & (radius < 0.8)] = METAL
        if kind == "swollen crown":  # on a root so thin that only the crown has a core
            labels[tooth & (z < 14) & (radius > 1.2)] = 0
            image[tooth & (z > 14)] = METAL
        if kind == "crown and post":  # only the wall of the root is left
            image[tooth & ((z > 13) | (radius < 1.6))] = METAL
        if kind in ("implant", "ceramic crown"):
            image[tooth] = METAL
        if kind == "ceramic crown":
            image[tooth & (z > 12)] = CERAMIC
    image = ndimage.gaussian_filter(image, 0.8) + rng.normal(0, 60, image.shape)
    volume = Volume(image.astype(np.float32), (0.5,) * 3, (0.0,) * 3, np.eye(3))
    regions = [a_region(label, labels == label) for label in range(1, len(kinds) + 1)]
    return labels, regions, volume


def told(labels: np.ndarray, regions: list[Region], image: Volume, scan: Volume | None = None):  # type: ignore[no-untyped-def]
    """The labels of what is an implant for sure, and of what may be one."""
    found = find_implants(labels, regions, image, scan or image)
    return [r.label for r in found.sure], [r.label for r in found.doubtful]


@pytest.mark.parametrize(("offset", "scale"), [(0.0, 1.0), (1000.0, 1.0), (500.0, 0.1)])
def test_an_implant_is_told_whatever_the_unit(offset: float, scale: float) -> None:
    labels, regions, volume = a_scene("sound", "implant")
    volume = volume.with_array(volume.array * scale + offset)
    assert told(labels, regions, volume) == ([2], [])


@pytest.mark.parametrize("kind", ["sound", "crown", "root filling"])
@pytest.mark.parametrize("others", [0, 3])
def test_a_tooth_is_none_whatever_a_dentist_has_put_on_it(kind: str, others: int) -> None:
    assert told(*a_scene(*others * ["sound"], kind)) == ([], [])


@pytest.mark.parametrize("kind", ["crown and post", "swollen crown"])
def test_a_tooth_full_of_metal_stays_and_is_in_doubt(kind: str) -> None:
    assert told(*a_scene("sound", "sound", "sound", kind)) == ([], [4])


@pytest.mark.parametrize("kind", ["implant", "ceramic crown"])
@pytest.mark.parametrize("teeth", [0, 3])
def test_where_there_is_nothing_else_all_are_implants(kind: str, teeth: int) -> None:
    scene = a_scene(*teeth * ["sound"], kind, kind, kind, kind)
    assert told(*scene) == ([teeth + n for n in (1, 2, 3, 4)], [])


@pytest.mark.parametrize("teeth", [0, 3])
def test_metal_is_told_in_a_scan_whose_scale_ends_at_enamel(teeth: int) -> None:
    labels, regions, volume = a_scene(*teeth * ["sound"], "implant", "ceramic crown")
    volume = volume.with_array(np.minimum(volume.array, ENAMEL))
    assert told(labels, regions, volume) == ([teeth + 1, teeth + 2], [])


def test_ceramic_that_is_little_brighter_than_enamel_is_told_beside_teeth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(globals(), "CERAMIC", 1.15 * ENAMEL)
    assert told(*a_scene("sound", "sound", "sound", "ceramic crown")) == ([4], [])


def test_teeth_in_dull_bone_stay_and_are_in_doubt() -> None:
    assert told(*a_scene("sound", "sound", bone=100.0)) == ([], [1, 2])


def test_brightness_is_in_units_of_bone_however_much_metal_shines_into_it() -> None:
    labels, regions, volume = a_scene("sound", "implant", "implant")
    (tooth, screw, _), end = measure_cores(labels, regions, volume, volume)
    bone = BONE - AIR
    assert tooth.all.middle == pytest.approx((DENTINE - AIR) / bone, rel=0.06)
    assert screw.innermost.middle == pytest.approx((METAL - AIR) / bone, rel=0.06)
    assert end >= screw.peak
    assert tooth.peak > (0.5 * (DENTINE + ENAMEL) - AIR) / bone


def test_a_thin_root_has_a_core_too() -> None:
    """As far from its surface as there is anything of it."""
    labels, regions, volume = a_scene("sound", "sound")
    thin = labels == 2
    labels[thin & (np.cumsum(thin, axis=1) > 2)] = 0
    _, root = measure_cores(labels, regions, volume, volume)[0]
    assert root.innermost == root.all
    assert root.all.middle > 0.5


@pytest.mark.parametrize("outside", [AIR, -30_000.0])
@pytest.mark.parametrize(("kind", "found"), [("sound", []), ("implant", [1, 2])])
def test_what_is_around_the_head_tells_nothing(kind: str, found: list[int], outside: float) -> None:
    labels, regions, volume = a_scene(kind, kind)
    wide = Volume(
        np.pad(volume.array, 40, constant_values=outside), volume.spacing, (-20.0,) * 3, np.eye(3)
    )
    assert told(labels, regions, volume, wide) == (found, [])


def test_a_scan_of_nothing_has_no_implants() -> None:
    labels, regions, volume = a_scene("sound")
    flat = volume.with_array(np.zeros(volume.shape))
    assert told(labels, regions, flat) == ([], [])


def test_one_finding_for_all() -> None:
    _, regions, _ = a_scene("implant", "implant")
    assert implant_findings(Implants()) == []
    (finding,) = implant_findings(Implants(regions))
    assert finding.code == "implant"
    assert finding.message.startswith("2 things at (10, 15, 16), (20, 15, 16) mm LPS are")
    assert in_lps(finding.places_lps) == "(10, 15, 16), (20, 15, 16)"
    assert finding.places_lps == tuple(region.place for region in regions)


def test_what_stands_among_implants_is_told_apart_from_them() -> None:
    _, regions, _ = a_scene("implant", "sound")
    bright, among = implant_findings(Implants(regions[:1], among=regions[1:]))
    assert bright.places_lps == (regions[0].place,)
    assert (among.code, among.places_lps) == ("implant", (regions[1].place,))
    assert among.message.startswith("Something at (20, 15, 16) mm LPS stands among implants")


def test_what_is_in_doubt_is_named_if_it_got_a_number() -> None:
    regions = [a_region(1), a_region(2), a_region(3)]
    numbering = Numbering(numbers={1: 36, 2: None, 3: 11})
    (finding,) = doubt_findings(regions, numbering)
    assert (finding.code, finding.urgency, finding.fdi) == ("perhaps-implant", "high", (11, 36))
    assert finding.message.startswith("11, 36 may be implants:")
    assert doubt_findings([a_region(2)], numbering) == []


def test_the_rest_of_a_crown_that_the_view_cuts_is_hardly_an_implant() -> None:
    regions = [a_region(1), a_region(3)]
    whole, part = doubt_findings(regions, Numbering(numbers={1: 36, 3: 11}), cut={11, 12})
    assert (whole.urgency, whole.fdi) == ("high", (36,))
    assert (part.code, part.urgency, part.fdi) == ("perhaps-implant", "low", (11,))
    assert part.message.startswith("What the field of view leaves of 11 is bright: most likely")


def test_a_tooth_of_the_sample_made_of_metal_is_left_out() -> None:
    left = (slice(0, 112), slice(44, 140), slice(80, 176))
    scan = read_volume(resource_path("Samples", "sample-cbct.nrrd")).part(left)
    truth = read_volume(resource_path("Samples", "sample-cbct-labels.nrrd")).part(left)
    metal = scan.array.copy()
    metal[truth.array == 36] = 4 * int(np.percentile(scan.array, 99))
    result = cascade.segment(scan.with_array(metal))
    assert any(finding.code == "implant" for finding in result.findings)
    assert {26, 37, 35} <= {tooth.fdi for tooth in result.teeth}
    assert 36 not in {tooth.fdi for tooth in result.teeth}
