"""Whatever the geometry, the type, the shape, the values: the same volume comes back, or a word."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.spatial.transform import Rotation

from ToothSegLib.errors import InputError
from ToothSegLib.grids.grid import labels_to_source, to_working_grid
from ToothSegLib.grids.itk_image import to_itk
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import check_scan, read_volume, write_volume

TYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]
NO_NUMBER = st.sampled_from([float("nan"), float("inf")])
ANY_NUMBER = st.floats() | st.sampled_from([0.0, -1.0, 1e-320, 1e308]) | NO_NUMBER

shapes = st.tuples(*3 * [st.integers(1, 9)])
spacings = st.tuples(*3 * [st.floats(0.05, 4.0)])
origins = st.tuples(*3 * [st.floats(-2000.0, 2000.0)])


@st.composite
def directions(draw: st.DrawFn) -> np.ndarray:
    """Turned, mirrored, axes in another order, now and then sheared as by a tilted gantry."""
    turned = Rotation.from_euler("xyz", draw(st.tuples(*3 * [st.floats(-180, 180)])), degrees=True)
    order = draw(st.permutations(range(3)))
    signs = draw(st.tuples(*3 * [st.sampled_from([-1.0, 1.0])]))
    matrix = turned.as_matrix()[:, order] * signs
    lean = draw(st.sampled_from([0.0, 0.0, 0.2]))
    leaning = matrix[:, 2] + lean * matrix[:, 1]
    matrix[:, 2] = leaning / np.linalg.norm(leaning)
    return matrix


@st.composite
def volumes(draw: st.DrawFn, types: list[str] = TYPES) -> Volume:
    """Any volume that there can be, with any values that its type can hold."""
    dtype = np.dtype(draw(st.sampled_from(types)))
    values = draw(arrays.arrays(dtype, draw(shapes), fill=st.just(dtype.type(0))))
    return Volume(values, draw(spacings), draw(origins), draw(directions()))


@contextmanager
def file(ending: str) -> Iterator[Path]:
    """A path in a folder of its own: hypothesis tries many examples within one test."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / f"scan{ending}"


def read_or_refused(path: Path) -> tuple[Volume | None, str]:
    """The volume, or why it is refused."""
    try:
        return read_volume(path), ""
    except InputError as error:
        return None, str(error)


@given(volumes(), st.sampled_from([0, 1, 9]))
def test_any_volume_comes_back_from_nrrd(scan: Volume, level: int) -> None:
    with file(".nrrd") as path:
        write_volume(path, scan, compression_level=level)
        back = read_volume(path)
    assert back.array.dtype == scan.array.dtype
    assert np.array_equal(back.array, scan.array, equal_nan=scan.array.dtype.kind == "f")
    assert back.same_grid(scan, tolerance_mm=1e-6)


# ITK writes NIfTI without a shear, and keeps its place in float32.
@settings(max_examples=25)
@given(volumes(["i1", "u1", "i2", "u2", "i4", "f4"]), st.sampled_from([".mha", ".nii", ".nii.gz"]))
def test_any_volume_comes_back_from_itks_files(scan: Volume, ending: str) -> None:
    straight = np.abs(scan.direction.T @ scan.direction - np.eye(3)).max() < 1e-9
    if ending != ".mha" and not straight:
        return
    with file(ending) as path:
        sitk.WriteImage(to_itk(scan), str(path))
        if ending != ".mha" and not np.isfinite(scan.array).all():
            # ITK would make other values of them without a word.
            with pytest.raises(InputError, match="that are not numbers"):
                read_volume(path)
            return
        back = read_volume(path)
    assert back.array.dtype == scan.array.dtype
    assert np.array_equal(back.array, scan.array, equal_nan=scan.array.dtype.kind == "f")
    assert back.same_grid(scan, tolerance_mm=1e-2)


SOUND_PLACE = (0.3, 0.4, 0.5, 1.0, 2.0, 3.0, *np.eye(3).ravel())  # spacing, origin, direction


@st.composite
def one_wrong(draw: st.DrawFn) -> tuple[tuple[int, ...], list[float]]:
    """A shape and numbers, all but one thing of them sound: of many one is always refused."""
    shape, numbers = (2, 3, 4), list(SOUND_PLACE)
    if draw(st.sampled_from([True, True, True, False])):
        place = draw(st.integers(0, 2) | st.integers(3, 5) | st.integers(6, 14))
        numbers[place] = draw(ANY_NUMBER)
        return shape, numbers
    return draw(arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=3)), numbers


@given(one_wrong())
def test_a_volume_is_sound_or_refused_in_words(claim: tuple[tuple[int, ...], list[float]]) -> None:
    shape, numbers = claim
    direction = np.reshape(numbers[6:], (3, 3))
    with np.errstate(all="ignore"), suppress(InputError):
        assert_sound(Volume(np.zeros(shape), numbers[:3], numbers[3:6], direction))


def assert_sound(scan: Volume) -> None:
    """What everything that works on volumes counts on."""
    assert scan.array.ndim == 3
    assert min(scan.spacing) > 0
    assert np.isfinite(scan.index_to_lps[:3, 3]).all()


@given(volumes())
def test_a_scan_is_usable_or_refused_in_words(scan: Volume) -> None:
    values = scan.array
    shows = np.isfinite(values).all() and values.min() < values.max() and min(values.shape) > 1
    if shows:
        check_scan(scan)
        return
    with pytest.raises(InputError) as caught:
        check_scan(scan)
    assert "\n" not in str(caught.value)


@settings(max_examples=25)
@given(volumes(["i2", "f4"]))
def test_labels_of_any_grid_come_back_to_it(scan: Volume) -> None:
    if not np.isfinite(scan.array).all():
        scan = scan.with_array(np.zeros(scan.shape, np.float32))
    with np.errstate(over="ignore"):
        working = to_working_grid(scan, 0.5)
    everything = working.with_array(np.full(working.shape, 11, np.uint8))
    sure = working.with_array(np.ones(working.shape, np.float32))
    labels = labels_to_source(everything, sure, scan)
    assert labels.shape == scan.shape
    assert (labels == 11).all()


TOKENS = st.sampled_from(
    ["nan", "-1", "0", "99999999999", "(1,0,0)", "(1,2", "none", "short", "raw", "gzip", "../x",
     "/dev/zero", "\x1b[2J", "left-posterior-superior", "1 1 1", "2000000000", "ä"]
) | st.text(max_size=20)  # fmt: skip
FIELDS = ["type", "dimension", "sizes", "encoding", "endian", "space", "space directions",
          "space origin", "spacings", "units", "kinds", "line skip", "byte skip", "data file",
          "block size"]  # fmt: skip
SOUND = {"type": "short", "dimension": "3", "sizes": "2 2 2", "encoding": "raw",
         "endian": "little", "spacings": "1 1 1"}  # fmt: skip
ALSO_SOUND = [
    {"type": "unsigned short"}, {"type": "uint16"}, {"sizes": "4 2 1"}, {"sizes": "1 8 1"},
    {"endian": "big"}, {"spacings": "0.3 0.3 1e-2"}, {"kinds": "domain domain domain"},
    {"space": "right-anterior-superior"}, {"space": "LPS", "space origin": "(-1,0,2.5)"},
]  # fmt: skip


@given(
    st.lists(st.sampled_from(ALSO_SOUND), max_size=3),
    st.just({}) | st.dictionaries(st.sampled_from(FIELDS), TOKENS, min_size=1, max_size=2),
)
def test_any_nrrd_header_is_read_or_refused_in_words(
    sound: list[dict[str, str]], changes: dict[str, str]
) -> None:
    fields = {name: value for some in [SOUND, *sound, changes] for name, value in some.items()}
    lines = "".join(f"{name}: {value}\n" for name, value in fields.items())
    with file(".nrrd") as path:
        path.write_bytes(b"NRRD0004\n" + lines.encode("utf-8", "replace") + b"\n" + bytes(16))
        scan, words = read_or_refused(path)
    assert str(path) in words if scan is None else scan.array.size == 8


@given(st.dictionaries(st.integers(0, 346), st.binary(min_size=1, max_size=4), max_size=6))
def test_any_nifti_header_is_read_or_refused_in_words(changes: dict[int, bytes]) -> None:
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, 2, 2, 2, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 4, 16)
    struct.pack_into("<8f", header, 76, 1, 1, 1, 1, 1, 1, 1, 1)
    struct.pack_into("<f", header, 108, 352)
    header[344:348] = b"n+1\0"
    for offset, data in changes.items():
        header[offset : offset + len(data)] = data
    with file(".nii") as path:
        path.write_bytes(bytes(header[:352]) + bytes(16))
        scan, words = read_or_refused(path)
    assert str(path) in words if scan is None else scan.array.ndim == 3
