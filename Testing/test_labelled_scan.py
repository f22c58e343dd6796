"""Files of a labelled scan become two arrays that still lie on one another."""

from __future__ import annotations

import numpy as np
import pytest

from ToothSegLib.errors import InputError
from ToothSegLib.training.labelled_scan import MARGIN_MM, load_labelled_scan, to_arrays
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import write_volume


@pytest.fixture
def grid():
    """A grid with mirrored and swapped axes: i runs down, j to the right, k to the back."""
    direction = np.array([[0, -1, 0], [0, 0, 1], [-1, 0, 0]], float)
    return {"spacing": (1.0, 0.5, 0.5), "origin": (10.0, -20.0, 30.0), "direction": direction}


@pytest.fixture
def marked(grid):
    """Two teeth, as bright as their numbers, in a scan much larger than they are."""
    labels = np.zeros((80, 90, 60), np.uint8)
    labels[38:44, 40:46, 20:24] = 16
    labels[38:44, 50:56, 30:34] = 46
    image = labels.astype(np.float32)
    return Volume(image, **grid), Volume(labels, **grid)


def test_image_and_labels_stay_together_in_any_axis_order(marked):
    image, labels = to_arrays(*marked)
    assert image.shape == labels.shape
    assert set(np.unique(labels)) == {0, 16, 46}
    # Deep inside a tooth no neighbour is mixed in.
    inner = {fdi: np.argwhere(labels == fdi).mean(0).round().astype(int) for fdi in (16, 46)}
    for fdi, place in inner.items():
        assert image[tuple(place)] == pytest.approx(fdi)
    # 46 lies below 16, and further to the right, in (z, y, x) of LPS.
    assert inner[46][0] == inner[16][0] - 20  # 10 voxels of 1 mm down the axis i
    assert inner[46][2] == inner[16][2] - 10  # 10 voxels of 0.5 mm down the axis j
    assert inner[46][1] == inner[16][1]


def test_teeth_keep_their_volume(marked):
    _, labels = to_arrays(*marked)
    expected = (marked[1].array == 16).sum() * marked[1].voxel_mm3
    assert (labels == 16).sum() * 0.5**3 == pytest.approx(expected, rel=0.15)


def test_the_scan_is_cropped_to_the_teeth_and_a_margin(marked):
    _, labels = to_arrays(*marked)
    margin = MARGIN_MM / 0.5
    for axis in range(3):
        places = np.nonzero((labels > 0).any(tuple(a for a in range(3) if a != axis)))[0]
        assert 0 < places[0] <= margin
        assert 0 < labels.shape[axis] - 1 - places[-1] <= margin


def test_files_are_read_and_must_belong_together(marked, tmp_path):
    paths = [tmp_path / "image.nrrd", tmp_path / "labels.nrrd", tmp_path / "other.nrrd"]
    for path, volume in zip(paths, marked, strict=False):
        write_volume(path, volume)
    image, labels = load_labelled_scan(*paths[:2])
    assert image.shape == labels.shape
    write_volume(paths[2], Volume(marked[1].array))
    with pytest.raises(InputError, match="labels of this image"):
        load_labelled_scan(paths[0], paths[2])


def test_empty_labels_are_refused(marked):
    with pytest.raises(InputError, match="nothing to learn"):
        to_arrays(marked[0], marked[1].with_array(np.zeros_like(marked[1].array)))


def test_labels_that_are_not_fdi_are_refused_before_anything_is_resampled(marked):
    strange = marked[1].array.astype(np.int16) + 256  # would wrap to FDI numbers in 8 bits
    with pytest.raises(InputError, match="256, 272, 302"):
        to_arrays(marked[0], marked[1].with_array(strange))
