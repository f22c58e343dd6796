from __future__ import annotations

import errno
import gzip
import logging
import os
from pathlib import Path

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from ToothSegLib.errors import InputError, OutputError
from ToothSegLib.itk_image import to_itk
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import check_scan, read_volume, write_volume
from volume_fixture import OBLIQUE, a_scan, same_place

ITK_KINDS = ["nii", "nii.gz", "mha", "mhd", "gipl", "gipl.gz"]
DTYPES = ["uint8", "int16", "uint16", "int32", "float32", "float64"]


def refused(path: Path | str, *words: str) -> str:
    """The one line that reading gives, which names the file and says each of ``words``."""
    with pytest.raises(InputError) as caught:
        read_volume(path)
    message = str(caught.value)
    assert "\n" not in message
    for word in (str(path), *words):
        assert word in message
    return message


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


def test_a_kind_is_known_in_capitals_too(tmp_path) -> None:
    sitk.WriteImage(to_itk(a_scan()), str(tmp_path / "scan.nii"))
    os.rename(tmp_path / "scan.nii", tmp_path / "SCAN.NII")
    assert read_volume(tmp_path / "SCAN.NII").shape == (6, 7, 8)


# NRRD's many ways to say where the voxels are


def nrrd_file(path: Path, array: np.ndarray | None = None, **fields) -> Path:
    if array is None:
        array = a_scan().array
    header = {key.replace("_", " "): value for key, value in fields.items()}
    nrrd.write(str(path), array, header, index_order="C")
    return path


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
def test_an_unnamed_space_is_taken_as_lps_and_said_so(tmp_path, caplog, space) -> None:
    fields = {"space": space} if space else {"space_dimension": 3}
    scan = a_scan()
    path = nrrd_file(
        tmp_path / "scan.nrrd",
        space_directions=scan.index_to_lps[:3, :3].T,
        space_origin=scan.origin,
        **fields,
    )
    with caplog.at_level(logging.WARNING):
        assert same_place(read_volume(path), scan)
    assert "taken as LPS" in caplog.text


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


# Files that are not a volume


def test_missing_empty_and_unknown_files(tmp_path) -> None:
    refused(tmp_path / "nothing.nrrd", "does not exist")
    refused(tmp_path / "no" / "folder" / "a.nii", "does not exist")
    for name in ("empty.nrrd", "empty.nii.gz", "empty.mha", "empty.dcm", "empty"):
        (tmp_path / name).touch()
        refused(tmp_path / name, "is empty")
    (tmp_path / "notes.txt").write_text("no picture")
    refused(tmp_path / "notes.txt", "no known kind", ".nrrd", "DICOM")


@pytest.mark.parametrize("kind", ["nrrd", *ITK_KINDS, "dcm"])
def test_a_file_that_is_not_what_its_name_says(tmp_path, kind, capfd) -> None:
    path = tmp_path / f"scan.{kind}"
    for content in (b"no picture at all, but a text of some length\n" * 20, bytes(range(256)) * 8):
        path.write_bytes(content)
        refused(path, "again")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["nrrd", "nii", "nii.gz", "mha", "gipl", "gipl.gz"])
def test_a_file_that_was_cut_short(tmp_path, kind, capfd) -> None:
    scan = a_scan(shape=(12, 14, 16))
    whole = tmp_path / f"whole.{kind}"
    sitk.WriteImage(to_itk(scan), str(whole))
    data = whole.read_bytes()
    for part in (0.01, 0.1, 0.5, 0.9, 0.99):
        cut = tmp_path / f"cut.{kind}"
        cut.write_bytes(data[: max(int(part * len(data)), 1)])
        refused(cut, "again")
    assert capfd.readouterr() == ("", "")


def test_a_compressed_nrrd_that_was_cut_short(tmp_path) -> None:
    write_volume(tmp_path / "scan.nrrd", a_scan())
    data = (tmp_path / "scan.nrrd").read_bytes()
    (tmp_path / "scan.nrrd").write_bytes(data[:-60])
    refused(tmp_path / "scan.nrrd", "cut short")


@pytest.fixture(scope="module")
def a_raw_nrrd(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("damaged") / "scan.nrrd"
    write_volume(path, a_scan(shape=(2, 2, 2)), compression_level=0)
    return path


@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_a_damaged_nrrd_is_read_or_refused_in_one_line(a_raw_nrrd, place, value) -> None:
    data = bytearray(a_raw_nrrd.read_bytes())
    data[int(place * len(data))] = value
    path = a_raw_nrrd.with_name("other.nrrd")
    path.write_bytes(data)
    try:
        outcome = str(read_volume(path).array.size)
    except InputError as error:
        outcome = str(error)
    assert outcome == "8" or (str(path) in outcome and "\n" not in outcome)


@pytest.mark.parametrize("kind", ["nii", "gipl", "mha"])
def test_a_header_that_lies_about_the_size(tmp_path, kind) -> None:
    path = tmp_path / f"scan.{kind}"
    sitk.WriteImage(to_itk(a_scan()), str(path))
    data = bytearray(path.read_bytes())
    if kind == "nii":
        data[42:48] = np.array([3000, 1000, 1000], "<i2").tobytes()
    elif kind == "gipl":
        data[0:6] = np.array([3000, 1000, 1000], ">u2").tobytes()
    else:
        data = data.replace(b"DimSize = 8 7 6", b"DimSize = 3000 1000 1000")
    path.write_bytes(data)
    refused(path, "3000 x 1000 x 1000", "cut short")


def test_a_nrrd_header_that_lies_about_the_size(tmp_path) -> None:
    path = nrrd_file(tmp_path / "scan.nrrd", spacings=[1, 1, 1], encoding="raw")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"sizes: 8 7 6", b"sizes: 800 700 600"))
    refused(path, "cut short")
    path.write_bytes(data.replace(b"sizes: 8 7 6", b"sizes: 800000 700000 600000"))
    refused(path, "800000 x 700000 x 600000")
    path.write_bytes(data.replace(b"sizes: 8 7 6", b"sizes: 8 0 6"))
    refused(path, "empty")


@pytest.mark.parametrize("kind", ["nrrd", "nii", "mha"])
@pytest.mark.parametrize("shape", [(20, 30), (3, 4, 5, 6)])
def test_two_or_four_axes_are_refused(tmp_path, kind, shape) -> None:
    path = tmp_path / f"scan.{kind}"
    array = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=False), str(path))
    refused(path, f"{len(shape)} axes")


def test_four_axes_of_which_one_is_a_single_time_point(tmp_path) -> None:
    scan = a_scan(direction=np.eye(3))
    image = sitk.GetImageFromArray(scan.array[None], isVector=False)
    image.SetSpacing((*scan.spacing, 1.0))
    image.SetOrigin((*scan.origin, 0.0))
    sitk.WriteImage(image, str(tmp_path / "scan.nii.gz"))
    back = read_volume(tmp_path / "scan.nii.gz")
    assert np.array_equal(back.array, scan.array)
    assert same_place(back, scan)


@pytest.mark.parametrize("kind", ["nrrd", "nii", "mha"])
def test_colours_are_refused(tmp_path, kind) -> None:
    path = tmp_path / f"scan.{kind}"
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 5, 6, 3), np.uint8), isVector=True), path)
    refused(path, "3 values a voxel")


def test_complex_numbers_are_refused(tmp_path) -> None:
    image = sitk.GetImageFromArray(np.zeros((4, 5, 6), np.complex64))
    sitk.WriteImage(image, str(tmp_path / "scan.mha"))
    refused(tmp_path / "scan.mha", "2 values a voxel")


def test_metaimage_without_spacing_or_voxels(tmp_path) -> None:
    sitk.WriteImage(to_itk(a_scan()), str(tmp_path / "scan.mhd"))
    lines = (tmp_path / "scan.mhd").read_text().splitlines()
    bare = [line for line in lines if "ElementSpacing" not in line]
    (tmp_path / "scan.mhd").write_text("\n".join(bare) + "\n")
    refused(tmp_path / "scan.mhd", "voxel size")
    (tmp_path / "scan.mhd").write_text("\n".join(lines) + "\n")
    (tmp_path / "scan.raw").unlink()
    refused(tmp_path / "scan.mhd", "scan.raw")


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["nii", "nii.gz"])
def test_nifti_in_both_byte_orders_with_and_without_spacing(tmp_path, order, kind) -> None:
    import nibabel

    header = nibabel.Nifti1Header(endianness=order)
    image = nibabel.Nifti1Image(a_scan().array.T, None, header)
    image.header.set_zooms((0.3, 0.4, 0.5))
    nibabel.save(image, tmp_path / f"scan.{kind}")
    back = read_volume(tmp_path / f"scan.{kind}")
    assert np.array_equal(back.array, a_scan().array)
    assert back.spacing == pytest.approx((0.3, 0.4, 0.5))
    image.header["pixdim"][1:4] = 0
    nibabel.save(image, tmp_path / f"bare.{kind}")
    refused(tmp_path / f"bare.{kind}", "voxel size")


def test_gzip_in_several_members(tmp_path) -> None:
    scan = a_scan()
    sitk.WriteImage(to_itk(scan), str(tmp_path / "scan.nii"))
    data = (tmp_path / "scan.nii").read_bytes()
    packed = gzip.compress(data[:500]) + gzip.compress(data[500:])
    (tmp_path / "two.nii.gz").write_bytes(packed)
    assert np.array_equal(read_volume(tmp_path / "two.nii.gz").array, scan.array)


def test_a_file_that_may_not_be_opened(tmp_path, monkeypatch) -> None:
    write_volume(tmp_path / "scan.nrrd", a_scan())

    def denied(*_args, **_kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)
    refused(tmp_path / "scan.nrrd", "Permission denied")


# Scans that show nothing


def test_a_scan_that_can_be_used_is_let_through() -> None:
    check_scan(a_scan())
    check_scan(a_scan(dtype=np.float32))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a * 0, "0 everywhere"),
        (lambda a: a * 0 + 7, "7 everywhere"),
        (lambda a: np.where(a > 60, np.nan, a), "not numbers"),
        (lambda a: a * np.nan, "336 of 336"),
        (lambda a: np.where(a == a.max(), -np.inf, a), "not numbers"),
        (lambda a: a[:1], "single slice"),
        (lambda a: a[:, :, :1], "single slice"),
    ],
)
def test_a_scan_that_shows_nothing_is_refused(change, words) -> None:
    scan = a_scan(dtype=np.float32)
    scan = Volume(change(scan.array), scan.spacing, scan.origin, scan.direction)
    with pytest.raises(InputError, match=words) as caught:
        check_scan(scan, "scan.nrrd")
    assert str(caught.value).startswith("scan.nrrd")


@pytest.mark.parametrize("spacing", [(0.3, 0.3, 300.0), (0.0003, 0.0003, 0.0003)])
def test_voxels_of_an_impossible_size_are_refused(spacing) -> None:
    with pytest.raises(InputError, match="unit"):
        check_scan(Volume(a_scan().array, spacing))


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
