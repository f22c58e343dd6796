"""Volumes read and written, in each format and direction."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk

from ToothSegLib.errors import InputError, OutputError
from ToothSegLib.grids.itk_image import to_itk
from ToothSegLib.volume_io import read_volume, write_volume
from volume_fixture import OBLIQUE, a_scan, nrrd_file, refused, renamed, same_place

ITK_KINDS = ["nii", "nii.gz", "mha", "mhd", "gipl", "gipl.gz"]
DTYPES = ["uint8", "int16", "uint16", "int32", "float32", "float64"]


# Written and read back


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("compression_level", [0, 1, 9])
def test_nrrd_comes_back_as_it_was(tmp_path, dtype, compression_level) -> None:
    scan = a_scan(dtype=dtype)
    write_volume(tmp_path / "scan.nrrd", scan, compression_level=compression_level)
    back = read_volume(tmp_path / "scan.nrrd")
    assert back.array.dtype == scan.array.dtype
    assert np.array_equal(back.array, scan.array)
    assert same_place(back, scan)
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nrrd"]


def test_itk_reads_what_we_write_in_the_same_place(tmp_path) -> None:
    scan = a_scan(direction=OBLIQUE * [1, -1, 1])
    write_volume(tmp_path / "scan.nrrd", scan)
    image = sitk.ReadImage(str(tmp_path / "scan.nrrd"))
    assert np.array_equal(sitk.GetArrayFromImage(image), scan.array)
    point = scan.index_to_lps @ [1, 2, 3, 1]
    assert image.TransformIndexToPhysicalPoint((1, 2, 3)) == pytest.approx(tuple(point[:3]))


def test_more_fields_go_into_the_header(tmp_path) -> None:
    header = {"Segment0_Name": "zub č. 11\nx", "content": "labels"}
    write_volume(tmp_path / "a.seg.nrrd", a_scan(dtype=np.uint8), header=header)
    written = nrrd.read_header(str(tmp_path / "a.seg.nrrd"))
    # The format knows ASCII only.
    assert written["Segment0_Name"] == r"zub \u010d. 11\nx"
    assert written["content"] == "labels"
    assert read_volume(tmp_path / "a.seg.nrrd").shape == (6, 7, 8)


@pytest.mark.parametrize("kind", ITK_KINDS)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_itk_formats_keep_values_type_and_place(tmp_path, kind, dtype) -> None:
    # GIPL keeps no direction that ITK would read.
    scan = a_scan(dtype=dtype, direction=np.eye(3) if "gipl" in kind else OBLIQUE)
    sitk.WriteImage(to_itk(scan), str(tmp_path / f"scan.{kind}"))
    back = read_volume(tmp_path / f"scan.{kind}")
    assert back.array.dtype == scan.array.dtype
    assert np.array_equal(back.array, scan.array)
    assert same_place(back, scan)


def test_compressed_metaimage(tmp_path) -> None:
    scan = a_scan()
    sitk.WriteImage(to_itk(scan), str(tmp_path / "scan.mha"), useCompression=True)
    assert np.array_equal(read_volume(tmp_path / "scan.mha").array, scan.array)
    data = (tmp_path / "scan.mha").read_bytes()
    (tmp_path / "cut.mha").write_bytes(data[:-100])
    refused(tmp_path / "cut.mha", "cut short")


def test_nifti_written_by_nibabel_with_slope_and_intercept(tmp_path) -> None:
    import nibabel

    scan = a_scan()
    ras = np.diag([-1, -1, 1, 1]) @ scan.index_to_lps
    image = nibabel.Nifti1Image(scan.array.T, ras)
    image.header.set_slope_inter(0.5, -1000)
    nibabel.save(image, tmp_path / "scan.nii.gz")
    back = read_volume(tmp_path / "scan.nii.gz")
    assert np.array_equal(back.array, scan.array * 0.5 - 1000)
    assert same_place(back, scan)


@pytest.mark.parametrize("name", ["žluťoučký kůň.nrrd", "歯 scan.nii.gz", "ü/é.mha"])
def test_paths_in_any_script_with_spaces(tmp_path, name) -> None:
    scan = a_scan()
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".nrrd":
        write_volume(path, scan)
    else:
        sitk.WriteImage(to_itk(scan), str(path))
    assert np.array_equal(read_volume(str(path)).array, scan.array)


def test_files_with_names_that_are_not_utf_8(tmp_path) -> None:
    scan = a_scan(direction=np.eye(3))
    for kind in ITK_KINDS:
        sitk.WriteImage(to_itk(scan), str(tmp_path / f"scan.{kind}"))
        path = renamed(tmp_path / f"scan.{kind}", b"x\xe4." + kind.encode())
        if kind != "mhd":
            assert np.array_equal(read_volume(path).array, scan.array)
            continue
        with pytest.raises(InputError) as caught:  # the voxels' file would not be found
            read_volume(path)
        shown = tmp_path / "x_xe4.mhd"
        assert str(caught.value) == f"{shown} has a name that is not UTF-8; rename it"


def test_a_kind_is_known_in_capitals_too(tmp_path) -> None:
    sitk.WriteImage(to_itk(a_scan()), str(tmp_path / "scan.nii"))
    os.rename(tmp_path / "scan.nii", tmp_path / "SCAN.NII")
    assert read_volume(tmp_path / "SCAN.NII").shape == (6, 7, 8)


# NRRD's many ways to say where the voxels are


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("left-posterior-superior", (1, 1, 1)),
        ("LPS", (1, 1, 1)),
        ("3D-left-posterior-superior", (1, 1, 1)),
        ("right-anterior-superior", (-1, -1, 1)),
        ("RAS", (-1, -1, 1)),
        ("left-anterior-superior", (1, -1, 1)),
        ("LAS", (1, -1, 1)),
    ],
)
def test_each_space_becomes_lps(tmp_path, space, signs) -> None:
    scan = a_scan()
    flip = np.diag(signs)
    path = nrrd_file(
        tmp_path / "scan.nrrd",
        space=space,
        space_directions=(flip @ scan.index_to_lps[:3, :3]).T,
        space_origin=flip @ scan.origin,
    )
    assert same_place(read_volume(path), scan)


@pytest.mark.parametrize("space", ["3D-left-handed", "right-up", "left-left-superior"])
def test_a_space_without_a_left_side_is_refused(tmp_path, space) -> None:
    path = nrrd_file(tmp_path / "scan.nrrd", space=space, space_directions=np.eye(3))
    refused(path, space, "left")


@pytest.mark.parametrize("space", [None, "3D-right-handed", "scanner-xyz"])
def test_an_unnamed_space_is_taken_as_lps_and_said_so(tmp_path, space) -> None:
    fields = {"space": space} if space else {"space_dimension": 3}
    scan = a_scan()
    path = nrrd_file(
        tmp_path / "scan.nrrd",
        space_directions=scan.index_to_lps[:3, :3].T,
        space_origin=scan.origin,
        **fields,
    )
    volume = read_volume(path)
    assert same_place(volume, scan)
    assert "it names no space" in volume.doubts[0]


def test_plain_spacings_are_enough(tmp_path) -> None:
    path = nrrd_file(tmp_path / "scan.nrrd", spacings=[0.3, 0.4, 0.5])
    volume = read_volume(path)
    assert volume.spacing == (0.3, 0.4, 0.5)
    assert np.array_equal(volume.direction, np.eye(3))


def test_lengths_in_other_units_become_millimetres(tmp_path) -> None:
    def scan(unit: str) -> Path:
        return nrrd_file(
            tmp_path / "scan.nrrd",
            space="LPS",
            space_directions=np.eye(3) * 300,
            space_origin=[0, 0, 1000],
            space_units=[unit] * 3,
        )

    assert read_volume(scan("um")).spacing == pytest.approx((0.3, 0.3, 0.3))
    assert read_volume(scan("um")).origin == pytest.approx((0, 0, 1))
    refused(scan("furlong"), "furlong", "mm")


@pytest.mark.parametrize(
    ("unit", "mm"),
    [
        ("millimeters", 1),
        ("Millimetres", 1),
        ("centimeters", 10),
        ("microns", 1e-3),
        ("metres", 1e3),
    ],
)
def test_units_are_known_by_their_names_too(tmp_path, unit, mm) -> None:
    fields = {"space": "LPS", "space_directions": np.eye(3) / 4 / mm, "space_units": [unit] * 3}
    volume = read_volume(nrrd_file(tmp_path / "a.nrrd", **fields))
    assert volume.spacing == pytest.approx((0.25,) * 3)


def test_one_time_point_of_a_space_with_time_is_read(tmp_path) -> None:
    scan = a_scan()
    for name, space, signs in (
        ("a", "left-posterior-superior-time", (1, 1, 1)), ("b", "RAST", (-1, -1, 1)),
    ):  # fmt: skip
        directions = np.zeros((4, 4))
        directions[:3, :3] = scan.index_to_lps[:3, :3].T * signs
        directions[3, 3] = 2
        fields = {
            "space": space,
            "space_directions": directions,
            "space_units": ["mm"] * 3 + ["s"],
            "space_origin": [*(np.array(scan.origin) * signs), 5],
        }
        volume = read_volume(nrrd_file(tmp_path / f"{name}.nrrd", scan.array[None], **fields))
        assert volume.same_grid(scan)
        assert np.array_equal(volume.array, scan.array)
        assert not volume.doubts
        two = nrrd_file(tmp_path / f"{name}2.nrrd", np.stack([scan.array] * 2), **fields)
        with pytest.raises(InputError, match="2 values a voxel"):
            read_volume(two)


@pytest.mark.parametrize("first", [True, False])
def test_a_fourth_axis_of_one_beside_plain_spacings_is_dropped(tmp_path, first) -> None:
    scan = a_scan()
    spacings, units = [0.3, 0.4, 0.5], ["mm", "mm", "mm"]
    array = scan.array[..., None] if first else scan.array[None]
    at = 0 if first else 3
    spacings.insert(at, np.nan)
    units.insert(at, "")
    path = nrrd_file(tmp_path / "a.nrrd", array, spacings=spacings, units=units)
    volume = read_volume(path)
    assert volume.spacing == pytest.approx(scan.spacing)
    assert np.array_equal(volume.array, scan.array)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.nhdr", "data file: LIST 2\na0.raw\na1.raw\n"),
        ("a.nhdr", "data file: LIST\na0.raw\na1.raw\n"),
        ("a.nhdr", "data file: a%03d.raw 0 5 1 2\n"),
        ("a.mhd", "ElementDataFile = LIST\na0.raw\na1.raw\n"),
        ("a.mhd", "ElementDataFile = a%03d.raw 0 5 1\n"),
    ],
)
def test_voxels_in_several_files_are_refused_by_name(tmp_path, name, line) -> None:
    heads = {
        "a.nhdr": "NRRD0005\ntype: short\ndimension: 3\nsizes: 8 7 6\nendian: little\n"
        "spacings: 1 1 1\nencoding: raw\n",
        "a.mhd": "NDims = 3\nDimSize = 8 7 6\nElementSpacing = 1 1 1\nElementType = MET_SHORT\n",
    }
    (tmp_path / name).write_text(heads[name] + line)
    with pytest.raises(InputError, match=r"keeps its voxels in several files \((LIST|a%03d)"):
        read_volume(tmp_path / name)


def test_big_endian_voxels_become_native(tmp_path) -> None:
    scan = a_scan(dtype=">i2")
    volume = read_volume(nrrd_file(tmp_path / "scan.nrrd", scan.array, spacings=[1, 1, 1]))
    assert volume.array.dtype == np.dtype("int16")
    assert volume.array.dtype.isnative
    assert np.array_equal(volume.array, scan.array)


def test_a_fourth_axis_of_one_is_dropped(tmp_path) -> None:
    directions = np.vstack([np.full(3, np.nan), np.eye(3) * 0.4])
    array = a_scan().array[..., None]  # C order: the first NRRD axis is the last here
    path = nrrd_file(
        tmp_path / "one.seg.nrrd",
        array,
        space="LPS",
        space_directions=directions,
        kinds=["list", "domain", "domain", "domain"],
    )
    volume = read_volume(path)
    assert np.array_equal(volume.array, array[..., 0])
    assert volume.spacing == pytest.approx((0.4, 0.4, 0.4))


@pytest.mark.parametrize(("kind", "layers"), [("list", 2), ("RGB-color", 3), ("vector", 3)])
def test_layers_and_colours_are_refused(tmp_path, kind, layers) -> None:
    path = nrrd_file(
        tmp_path / "many.nrrd",
        np.zeros((4, 4, 4, layers), np.uint8),
        space="LPS",
        space_directions=np.vstack([np.full(3, np.nan), np.eye(3)]),
        kinds=[kind, "domain", "domain", "domain"],
    )
    refused(path, str(layers), kind)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"spacings": [0.3, np.nan, 0.5]},
        {"space": "LPS", "space_directions": np.diag([0.3, 0.0, 0.5])},
        {"spacings": [0.3, 0.0, 0.5]},
    ],
)
def test_a_nrrd_file_without_spacing_is_refused(tmp_path, fields) -> None:
    refused(nrrd_file(tmp_path / "scan.nrrd", **fields), "voxel size")


def test_axes_that_do_not_span_the_space_are_refused(tmp_path) -> None:
    flat = np.array([[1.0, 0, 0], [0, 1, 0], [1, 1, 0]])
    path = nrrd_file(tmp_path / "scan.nrrd", space="LPS", space_directions=flat)
    with pytest.raises(InputError, match="cannot be inverted"):
        read_volume(path)


# Writing


def test_only_nrrd_is_written(tmp_path) -> None:
    with pytest.raises(OutputError, match=r"\.nrrd"):
        write_volume(tmp_path / "scan.nii", a_scan())
    assert not any(tmp_path.iterdir())


def test_a_folder_that_is_not_there_or_is_no_folder(tmp_path) -> None:
    (tmp_path / "file").touch()
    for folder in ("absent", "file"):
        with pytest.raises(OutputError) as caught:
            write_volume(tmp_path / folder / "scan.nrrd", a_scan())
        assert str(tmp_path / folder / "scan.nrrd") in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch) -> None:
    path = tmp_path / "scan.nrrd"
    write_volume(path, a_scan())
    before = path.read_bytes()

    def full(file, *_args, **_kwargs):
        file.write(b"NRRD0005\n")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(nrrd, "write", full)
    with pytest.raises(OutputError, match="No space left"):
        write_volume(path, a_scan(shape=(3, 3, 3)))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["scan.nrrd"]


@pytest.mark.parametrize(("dtype", "stored"), [(bool, np.uint8), (np.float16, np.float32)])
def test_types_that_nrrd_lacks_are_written_as_the_next_larger(tmp_path, dtype, stored) -> None:
    scan = a_scan(dtype=dtype)
    write_volume(tmp_path / "scan.nrrd", scan)
    back = read_volume(tmp_path / "scan.nrrd")
    assert back.array.dtype == stored
    assert np.array_equal(back.array, scan.array)
