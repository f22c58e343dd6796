"""Metal to the core is an implant; a tooth with a crown or a root filling is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import ToothSegLib.cascade as cascade
from ToothSegLib.implants import find_implants, implant_findings
from ToothSegLib.regions import Region
from ToothSegLib.resources import resource_path
from ToothSegLib.teeth import N_TYPES
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume

DENTINE, ENAMEL, BONE, PULP, METAL = 1800.0, 2600.0, 1500.0, 600.0, 4000.0


def a_region(label: int, mask: np.ndarray) -> Region:
    centre = np.argwhere(mask).mean(axis=0)[::-1] * 0.5
    voxels = int(mask.sum())
    up = np.array([0.0, 0.0, 1.0])
    return Region(label, voxels, voxels / 8, centre, up, np.full(N_TYPES, 1 / N_TYPES), 0.9)


def a_scene(kind: str, offset: float = 0.0, scale: float = 1.0):  # type: ignore[no-untyped-def]
    """Two teeth in a block of bone, the second of ``kind``."""
    rng = np.random.default_rng(3)
    z, y, x = np.indices((60, 80, 80)) * 0.5
    image = np.where((y > 8) & (y < 30), BONE, -1000.0)
    labels = np.zeros(image.shape, np.uint16)
    for label, middle in ((1, 10.0), (2, 20.0)):
        radius = np.hypot(y - 15, x - middle)
        tooth = (radius < 3.0) & (z > 8) & (z < 24)
        labels[tooth] = label
        image[tooth] = DENTINE
        image[tooth & (radius < 0.6)] = PULP
        image[tooth & (z > 18) & (radius > 2.0)] = ENAMEL
        if label == 2 and kind == "crown":
            image[tooth & (z > 17) & ((radius > 1.8) | (z > 22))] = METAL
        if label == 2 and kind == "root filling":
            image[tooth & (radius < 0.8)] = METAL
        if label == 2 and kind == "implant":
            image[tooth] = METAL
    image = ndimage.gaussian_filter(image, 0.8) + rng.normal(0, 60, image.shape)
    grid = ((0.5,) * 3, (0.0,) * 3, np.eye(3))
    volume = Volume((image * scale + offset).astype(np.float32), *grid)
    return labels, [a_region(label, labels == label) for label in (1, 2)], volume


@pytest.mark.parametrize(("offset", "scale"), [(0.0, 1.0), (1000.0, 1.0), (500.0, 0.1)])
def test_an_implant_is_told_whatever_the_unit(offset: float, scale: float) -> None:
    labels, regions, volume = a_scene("implant", offset, scale)
    assert [region.label for region in find_implants(labels, regions, volume, volume)] == [2]


@pytest.mark.parametrize("kind", ["sound", "crown", "root filling"])
def test_a_tooth_is_none_whatever_a_dentist_has_put_on_it(kind: str) -> None:
    labels, regions, volume = a_scene(kind)
    assert find_implants(labels, regions, volume, volume) == []


@pytest.mark.parametrize(("kind", "found"), [("sound", []), ("implant", [2])])
def test_much_air_around_the_head_makes_no_tooth_an_implant(kind: str, found: list[int]) -> None:
    labels, regions, volume = a_scene(kind)
    array = np.pad(volume.array, 110, constant_values=-1000.0)
    wide = Volume(array, volume.spacing, (-55.0, -55.0, -55.0), np.eye(3))
    assert [region.label for region in find_implants(labels, regions, volume, wide)] == found


def test_one_finding_for_all() -> None:
    _, regions, _ = a_scene("implant")
    assert implant_findings([]) == []
    (finding,) = implant_findings(regions)
    assert finding.code == "implant"
    assert finding.message.startswith("2 things at (10, 15, 16), (20, 15, 16) mm LPS are")


def test_a_tooth_of_the_sample_made_of_metal_is_left_out() -> None:
    scan = read_volume(resource_path("Samples", "sample-cbct.nrrd"))
    truth = read_volume(resource_path("Samples", "sample-cbct-labels.nrrd"))
    metal = scan.array.copy()
    metal[truth.array == 46] = 4 * int(np.percentile(scan.array, 99))
    result = cascade.segment(scan.with_array(metal))
    assert any(finding.code == "implant" for finding in result.findings)
    assert {36, 47, 45} <= {tooth.fdi for tooth in result.teeth}
    assert 46 not in {tooth.fdi for tooth in result.teeth}
