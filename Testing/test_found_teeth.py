"""From maps to the labels of a scan: what is an implant or a crumb is no tooth of the result."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from dentition_fixture import arch_places, label_map, maps_of
from ToothSegLib.found_teeth import Found, find_teeth
from ToothSegLib.instances import separate_teeth
from ToothSegLib.progress import Progress
from ToothSegLib.volume import Volume

SPACING = 0.6
TEETH = (15, 14, 13, 12, 11, 21, 22, 23, 24, 25)
IMPLANT, CRUMB = 13, 22
AIR, BONE, DENTINE, ENAMEL, METAL = -1000.0, 1400.0, 1800.0, 3000.0, 7000.0


@pytest.fixture(scope="module")
def found() -> Found:
    """In the place of 13 there is an implant, in that of 22 a crumb of a lateral incisor's look."""
    rng = np.random.default_rng(1)
    places = arch_places(rng, True, set(TEETH), False, 1.05)
    labels, origin = label_map(places, SPACING)
    at = np.moveaxis(np.indices(labels.shape), 0, -1)[..., ::-1] * SPACING + origin
    crumb = labels == CRUMB
    labels[crumb & (np.linalg.norm(at - places[CRUMB], axis=-1) > 2.3)] = 0
    grey = np.where(np.arange(labels.shape[1])[:, None] < 6, AIR, np.full(labels.shape, BONE))
    grey[labels > 0] = ENAMEL
    grey[ndimage.binary_erosion(labels > 0)] = DENTINE
    grey[labels == IMPLANT] = METAL
    grey += rng.normal(0, 40, grey.shape)
    place = (SPACING,) * 3, tuple(float(value) for value in origin)
    image = Volume(grey.astype(np.float32), *place)
    maps = maps_of(labels, SPACING, origin, rng, offset_noise_mm=0.2)
    # The scan has larger voxels than the maps.
    scan = Volume(image.array[::2, ::2, ::2], (2 * SPACING,) * 3, place[1])
    card = {"calibration": [[0.5, 0.4], [1.0, 0.7]]}
    apart, run = separate_teeth(maps), Progress()
    return find_teeth(
        apart, maps, image=image, scan=scan, source=scan, card=card, run=run, timings={}
    )


def test_what_is_no_tooth_has_no_number_and_its_neighbours_keep_theirs(found: Found) -> None:
    teeth = set(TEETH) - {IMPLANT, CRUMB}
    assert set(np.unique(found.labels.array).tolist()) == teeth | {0}
    assert set(found.confidences) == teeth
    assert len(found.regions) == len(TEETH) - 1
    assert [finding.code for finding in found.about_implants] == ["implant"]


def test_confidences_are_those_of_the_card(found: Found) -> None:
    assert max(found.confidences.values()) <= 0.7
