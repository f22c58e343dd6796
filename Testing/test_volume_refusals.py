"""Files that are no volume, and volumes that show nothing: told in one line."""

from __future__ import annotations

import errno
import gzip
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from ToothSegLib.errors import InputError
from ToothSegLib.grids.grid import to_working_grid
from ToothSegLib.grids.itk_image import to_itk
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import as_scan, check_scan, read_volume, write_volume
from volume_fixture import a_scan, nrrd_file, refused, same_place

ITK_KINDS = ["nii", "nii.gz", "mha", "mhd", "gipl", "gipl.gz"]


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


@pytest.mark.parametrize("unit", ["mm", "?", "cm", "um"])
def test_metaimage_in_another_unit(tmp_path, unit: str) -> None:
    path = tmp_path / "scan.mha"
    sitk.WriteImage(to_itk(a_scan()), str(path))
    name = b"ElementSpacing"
    path.write_bytes(path.read_bytes().replace(name, f"DistanceUnits = {unit}\n".encode() + name))
    if unit in ("mm", "?"):
        assert read_volume(path).spacing == pytest.approx(a_scan().spacing)
    else:
        refused(path, f"measured in '{unit}' (DistanceUnits)", "in mm")


@pytest.mark.parametrize("blank", [b"\n\n", b"\r\n \r\n"])
def test_blank_lines_in_the_header_of_a_metaimage(tmp_path, blank: bytes) -> None:
    path = tmp_path / "scan.mha"
    sitk.WriteImage(to_itk(a_scan()), str(path))
    name = b"ElementSpacing"
    path.write_bytes(path.read_bytes().replace(name, blank + name))
    volume = read_volume(path)
    assert np.array_equal(volume.array, a_scan().array)
    assert same_place(volume, a_scan())


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


@pytest.mark.parametrize("kind", ["nii", "nii.gz"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_nifti_whose_voxels_begin_within_its_header_is_refused(tmp_path, kind, dtype) -> None:
    sitk.WriteImage(to_itk(a_scan(dtype=dtype)), str(tmp_path / "scan.nii"))
    data = bytearray((tmp_path / "scan.nii").read_bytes())
    path = tmp_path / f"offset.{kind}"
    for offset in (0, 10, 348, 351, np.nan):
        data[108:112] = np.float32(offset).tobytes()
        path.write_bytes(gzip.compress(data) if kind == "nii.gz" else data)
        refused(path, "vox_offset")
    data[108:112] = np.float32(368).tobytes()
    data[352:352] = bytes(16)
    path.write_bytes(gzip.compress(data) if kind == "nii.gz" else data)
    assert np.array_equal(read_volume(path).array, a_scan(dtype=dtype).array)


def test_gzip_in_several_members(tmp_path) -> None:
    scan = a_scan()
    sitk.WriteImage(to_itk(scan), str(tmp_path / "scan.nii"))
    data = (tmp_path / "scan.nii").read_bytes()
    packed = gzip.compress(data[:500]) + gzip.compress(data[500:])
    (tmp_path / "two.nii.gz").write_bytes(packed)
    assert np.array_equal(read_volume(tmp_path / "two.nii.gz").array, scan.array)


def test_a_nrrd_in_several_gzip_members(tmp_path) -> None:
    path = nrrd_file(tmp_path / "scan.nrrd", spacings=[0.3, 0.4, 0.5], encoding="raw")
    header, voxels = path.read_bytes().split(b"\n\n", 1)
    header = header.replace(b"encoding: raw", b"encoding: gzip") + b"\n\n"
    # As programs write them that pack in several threads; what is no member is none of it.
    for cuts in ((0, 100), (0, 3, 4, 600), (0, 0, 300)):
        parts = zip(cuts, (*cuts[1:], len(voxels)))
        packed = b"".join(gzip.compress(voxels[start:end]) for start, end in parts)
        for behind in (b"", b"\0", b"\x1f\0\0"):
            path.write_bytes(header + packed + behind)
            assert np.array_equal(read_volume(path).array, a_scan().array)
        for behind in (packed, packed[:5], gzip.compress(b"x")):
            path.write_bytes(header + packed + behind)
            refused(path, "again")
        path.write_bytes(header + packed[:-9])
        refused(path, "cut short")


def test_a_file_that_may_not_be_opened(tmp_path, monkeypatch) -> None:
    write_volume(tmp_path / "scan.nrrd", a_scan())

    def denied(*_args, **_kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)
    refused(tmp_path / "scan.nrrd", "Permission denied")


def packed_meta(path: Path, data: bytes | None = None, **changes: str | None) -> Path:
    """A packed MetaImage of a scan, with fields changed, added or (None) taken away.

    Args:
        path: ends in .mha, or in .mhd for voxels in a file of their own, `scan.zraw`.
        data: in place of the packed voxels.
        changes: by the fields' names.
    """
    voxels = zlib.compress(a_scan().array.tobytes()) if data is None else data
    fields: dict[str, str | None] = {
        "ObjectType": "Image", "NDims": "3", "BinaryData": "True", "CompressedData": "True",
        "BinaryDataByteOrderMSB": "False", "CompressedDataSize": str(len(voxels)),
        "TransformMatrix": "1 0 0 0 1 0 0 0 1", "ElementSpacing": "0.3 0.4 0.5",
        "DimSize": "8 7 6", "ElementType": "MET_SHORT", **changes,
    }  # fmt: skip
    apart = path.suffix == ".mhd"
    lines = [f"{name} = {value}" for name, value in fields.items() if value is not None]
    lines.append(f"ElementDataFile = {'scan.zraw' if apart else 'LOCAL'}\n")
    header = "\n".join(lines).encode()
    path.write_bytes(header if apart else header + voxels)
    if apart:
        path.with_name("scan.zraw").write_bytes(voxels)
    return path


@pytest.mark.parametrize("word", ["True", "true", "T", "1"])
@pytest.mark.parametrize(
    ("kind", "size"), [("mha", {}), ("mhd", {}), ("mhd", {"CompressedDataSize": None})]
)
def test_a_packed_metaimage(tmp_path, kind, size, word) -> None:
    path = packed_meta(tmp_path / f"scan.{kind}", CompressedData=word, **size)
    assert np.array_equal(read_volume(path).array, a_scan().array)


@pytest.mark.parametrize("word", ["True", "T", "1"])
@pytest.mark.parametrize("size", [None, "0", "-1"])
def test_a_packed_metaimage_that_does_not_say_how_long_it_is(tmp_path, size, word) -> None:
    path = packed_meta(tmp_path / "scan.mha", CompressedData=word, CompressedDataSize=size)
    refused(path, "does not say how long its packed voxels are (CompressedDataSize)")
    apart = packed_meta(tmp_path / "scan.mhd", CompressedDataSize=size, HeaderSize="4")
    refused(apart, "does not say how long its packed voxels are (CompressedDataSize)")


@pytest.mark.parametrize("kind", ["mha", "mhd"])
def test_a_packed_metaimage_of_which_too_little_would_be_unpacked(tmp_path, kind) -> None:
    path = tmp_path / f"scan.{kind}"
    refused(packed_meta(path, CompressedDataSize="100"), "is cut short")
    refused(packed_meta(path, CompressedDataSize="100", BinaryData="1"), "is cut short")
    # ITK unpacks the first stream alone.
    voxels = a_scan().array.tobytes()
    for pack in (zlib.compress, gzip.compress):
        refused(packed_meta(path, pack(voxels[:90]) + pack(voxels[90:])), "is cut short")
    refused(packed_meta(path, HeaderSize="-1"), "where its packed voxels begin (HeaderSize is -1)")


@pytest.mark.parametrize("packed", ["True", "False"])
def test_a_metaimage_whose_voxels_begin_within_its_header_is_refused(tmp_path, packed) -> None:
    data = None if packed == "True" else a_scan().array.tobytes()
    path = tmp_path / "scan.mha"
    for size in ("1", "10", "200"):
        packed_meta(path, data, CompressedData=packed, HeaderSize=size)
        refused(path, f"within its header (HeaderSize is {size}")
    packed_meta(path, data, CompressedData=packed, HeaderSize="0")
    assert np.array_equal(read_volume(path).array, a_scan().array)


@pytest.mark.parametrize("factor", [0.3, 0.05])
def test_metaimage_with_the_voxel_size_in_its_directions(tmp_path, factor) -> None:
    sitk.WriteImage(to_itk(a_scan(direction=np.eye(3))), str(tmp_path / "scan.mhd"))
    lines = (tmp_path / "scan.mhd").read_text().splitlines()
    matrix = " ".join(f"{number:g}" for number in factor * np.eye(3).ravel())
    header = [f"TransformMatrix = {matrix}" if "Transf" in line else line for line in lines]
    (tmp_path / "scan.mhd").write_text("\n".join(header) + "\n")
    refused(tmp_path / "scan.mhd", "length 1", "spacing")


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


@pytest.mark.parametrize("dtype", ["int16", "uint16", "float32", "float64", "float16"])
def test_voxels_in_another_byte_order_are_taken(dtype: str) -> None:
    scan = a_scan(dtype=dtype)
    swapped = scan.with_array(scan.array.astype(scan.array.dtype.newbyteorder("S")))
    assert not swapped.array.dtype.isnative
    taken = as_scan(swapped)
    assert taken.array.dtype.isnative
    assert np.array_equal(taken.array, scan.array)
    assert np.array_equal(to_working_grid(taken).array, to_working_grid(as_scan(scan)).array)


@pytest.mark.parametrize("kind", ["?", "c8", "O", "M8[s]", "S3"])
def test_voxels_that_are_no_grey_values_are_refused(kind) -> None:
    scan = a_scan().with_array(a_scan().array.astype(kind))
    with pytest.raises(InputError, match=r"^scan\.nrrd holds [^\n]*astype[^\n]*$") as caught:
        check_scan(scan, "scan.nrrd")
    assert f" {np.dtype(kind).name} voxels" in str(caught.value)


@pytest.mark.parametrize("spacing", [(0.3, 0.3, 300.0), (0.0003, 0.0003, 0.0003)])
def test_voxels_of_an_impossible_size_are_refused(spacing) -> None:
    with pytest.raises(InputError, match="unit"):
        check_scan(Volume(a_scan().array, spacing))
