"""Bad input and bad places for output: one clear line, exit code 2, and no trace left."""

from __future__ import annotations

from pathlib import Path

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk

from dataset_fixture import tree
from stub_fixture import bright_voxels, put_cascade
from ToothSegLib.cli.main import main
from ToothSegLib.formats.not_numbers import NotNumbers
from ToothSegLib.volume_io import read_volume

RNG = np.random.default_rng(5)
GREY = RNG.integers(-1000, 2000, (12, 11, 10)).astype(np.int16)
GEOMETRY = {"space": "left-posterior-superior", "space directions": 0.4 * np.eye(3)}


def save_nrrd(path: Path, array: np.ndarray, **header: object) -> Path:
    """An NRRD file straight from an array in (i, j, k) order."""
    nrrd.write(str(path), array, {**GEOMETRY, **header} if array.ndim == 3 else dict(header))
    return path


def save_itk(path: Path, image: sitk.Image) -> Path:
    """A file in a format of ITK's."""
    sitk.WriteImage(image, str(path))
    return path


def cut(path: Path, share: float = 0.6) -> Path:
    """Keep the first part of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    return path


def put(path: Path, data: bytes) -> Path:
    """A file with these bytes."""
    path.write_bytes(data)
    return path


def volume_with(value: float) -> np.ndarray:
    """A scan in which one voxel has a value."""
    array = GREY.astype(np.float32)
    array[3, 4, 5] = value
    return array


# name of the case: (how to make the input in a folder, words that the line must hold)
BAD = {
    "missing file": (lambda d: d / "absent.nrrd", "does not exist"),
    "empty file": (lambda d: put(d / "a.nrrd", b""), "is empty"),
    "empty NIfTI": (lambda d: put(d / "a.nii.gz", b""), "is empty"),
    "truncated NRRD": (lambda d: cut(save_nrrd(d / "a.nrrd", GREY)), "cut short"),
    "truncated raw NRRD": (
        lambda d: cut(save_nrrd(d / "a.nrrd", GREY, encoding="raw")),
        "cut short",
    ),
    "NRRD cut in its header": (lambda d: cut(save_nrrd(d / "a.nrrd", GREY), 0.02), "a.nrrd"),
    "truncated NIfTI": (
        lambda d: cut(save_itk(d / "a.nii.gz", sitk.GetImageFromArray(GREY))),
        "a.nii.gz",
    ),
    "truncated MHA": (
        lambda d: cut(save_itk(d / "a.mha", sitk.GetImageFromArray(GREY))),
        "a.mha",
    ),
    "2D NRRD": (lambda d: save_nrrd(d / "a.nrrd", GREY[0]), "2 axes"),
    "2D MHA": (lambda d: save_itk(d / "a.mha", sitk.GetImageFromArray(GREY[0])), "a.mha"),
    "4D NRRD": (lambda d: save_nrrd(d / "a.nrrd", np.stack([GREY, GREY])), "axes"),
    "4D NIfTI": (
        lambda d: save_itk(
            d / "a.nii", sitk.GetImageFromArray(np.stack([GREY, GREY]), isVector=False)
        ),
        "a.nii",
    ),
    "RGB NRRD": (
        lambda d: save_nrrd(
            d / "a.nrrd",
            np.zeros((3, 8, 8, 8), np.uint8),
            **{
                "kinds": ["RGB-color", "domain", "domain", "domain"],
                "space": "left-posterior-superior",
                "space directions": np.vstack([np.full(3, np.nan), np.eye(3)]),
            },
        ),
        "colours",
    ),
    "RGB MHA": (
        lambda d: save_itk(
            d / "a.mha", sitk.GetImageFromArray(np.zeros((8, 8, 8, 3), np.uint8), isVector=True)
        ),
        "a.mha",
    ),
    "all zero": (lambda d: save_nrrd(d / "a.nrrd", GREY * 0), "is 0 everywhere"),
    "NaN": (lambda d: save_nrrd(d / "a.nrrd", volume_with(np.nan)), "not numbers"),
    "infinity": (lambda d: save_nrrd(d / "a.nrrd", volume_with(np.inf)), "not numbers"),
    "one slice": (lambda d: save_nrrd(d / "a.nrrd", GREY[:, :, :1]), "single slice"),
    "wrong extension": (lambda d: put(d / "a.jpg", b"\xff\xd8\xff\xe0 a photograph"), "a.jpg"),
    "text called NRRD": (lambda d: put(d / "a.nrrd", b"not an image\n"), "no NRRD file"),
    "NIfTI called NRRD": (
        lambda d: save_itk(d / "b.nii", sitk.GetImageFromArray(GREY)).rename(d / "a.nrrd"),
        "no NRRD file",
    ),
    "a folder without DICOM": (lambda d: put(d / "notes.txt", b"hello").parent, "DICOM"),
    "huge voxels": (
        lambda d: save_nrrd(d / "a.nrrd", GREY, **{"space directions": 400 * np.eye(3)}),
        "spacing",
    ),
}


def one_line(capfd: pytest.CaptureFixture[str]) -> str:
    """The single line on stderr; stdout must be empty."""
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("toothseg: error: ")
    assert err.count("\n") == 1, err
    assert err.endswith("\n")
    assert "Traceback" not in err
    return err


@pytest.fixture
def no_cascade(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run must end before the networks are asked."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the cascade was run on bad input")

    put_cascade(monkeypatch, never)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A good scan with two teeth for the stub."""
    array = np.minimum(GREY, 900)
    array[2:6, 2:6, 2:9] = 1011
    array[6:9, 2:6, 2:9] = 1021
    return save_nrrd(tmp_path / "scan.nrrd", array)


@pytest.mark.usefixtures("no_cascade")
@pytest.mark.parametrize("case", BAD)
def test_bad_input(case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make, words = BAD[case]
    source = make(tmp_path)
    before = tree(tmp_path)
    capfd.readouterr()  # what making the file printed
    assert main(["segment", str(source), "-o", str(tmp_path / "out")]) == 2
    assert words in one_line(capfd)
    assert tree(tmp_path) == before


@pytest.mark.usefixtures("no_cascade")
@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".mha", ".mhd", ".gipl", ".gipl.gz"])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_voxels_that_are_not_numbers(
    ending: str, kind: type, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    array = GREY.astype(kind)
    path = save_itk(tmp_path / f"a{ending}", sitk.GetImageFromArray(array))
    # Sound floats are read as they are.
    assert np.array_equal(read_volume(path).array, array)
    array[1, 2, 3], array[-1, -1, -1] = np.nan, -np.inf
    path = save_itk(path, sitk.GetImageFromArray(array))
    assert main(["segment", str(path), "-o", str(tmp_path / "out")]) == 2
    assert f"a{ending} has 2 of {array.size} voxels that are not numbers" in one_line(capfd)


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8", ">f8"])
def test_pieces_of_a_stream_need_not_end_with_a_voxel(kind: str) -> None:
    array = RNG.random(1000).astype(kind)
    array[[0, 500, 999]] = np.nan, np.inf, -np.inf
    data = b"header" + array.tobytes()
    for length in (1, 3, 7, 64, len(data)):
        numbers = NotNumbers(np.dtype(kind), len(b"header"))
        for start in range(0, len(data), length):
            numbers.look_at(data[start : start + length])
        assert numbers.count == 3


@pytest.mark.usefixtures("no_cascade")
def test_a_folder_that_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "series"
    folder.mkdir()

    # Permissions do not hold for the administrator, as whom the tests may run.
    def denied(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("ToothSegLib.volume_io.os.scandir", denied)
    code = main(["segment", str(folder), "-o", str(tmp_path / "out")])
    monkeypatch.undo()
    assert code == 2
    assert "series cannot be read: Permission denied" in one_line(capfd)
    assert tree(tmp_path) == ["series"]


@pytest.mark.usefixtures("no_cascade")
def test_a_series_of_a_file(scan: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["segment", str(scan), "-o", str(scan.parent / "out"), "--series", "1.2.3"]
    assert main(words) == 2
    assert "a series can be chosen in a folder only" in one_line(capfd)


def test_a_model_that_is_not_there(scan: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["segment", str(scan), "-o", str(scan.parent / "out"), "--model", "no such"]
    assert main(words) == 2
    assert "'no such'" in one_line(capfd)
    assert tree(scan.parent) == ["scan.nrrd"]


@pytest.mark.usefixtures("no_cascade")
@pytest.mark.parametrize("out", ["taken", "taken/below", "taken/far/below"])
def test_an_output_folder_that_is_a_file(
    scan: Path, out: str, capfd: pytest.CaptureFixture[str]
) -> None:
    taken = put(scan.parent / "taken", b"a file")
    assert main(["segment", str(scan), "-o", str(scan.parent / out)]) == 2
    assert "is a file" in one_line(capfd)
    assert tree(scan.parent) == ["scan.nrrd", "taken"]
    assert taken.read_bytes() == b"a file"


@pytest.mark.parametrize("room", [300, 700, 2500])
def test_a_disk_without_room(
    scan: Path, room: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    resource = pytest.importorskip("resource", reason="limits on files are of Unix")
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)

    # From the end of the computation on, the system refuses to write files of more than so many
    # bytes, as it would on a full disk.
    def then_full(volume, **options):
        result = bright_voxels(volume, **options)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, most))
        return result

    put_cascade(monkeypatch, then_full)
    try:
        code = main(["segment", str(scan), "-o", str(scan.parent / "out"), "--no-picture"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert code == 2
    line = one_line(capfd)
    assert "cannot write" in line
    assert ".toothseg-" not in line
    assert tree(scan.parent) == ["scan.nrrd"]


def test_the_output_folder_vanishes_during_the_run(
    scan: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    out = scan.parent / "out"
    out.mkdir()

    def then_a_file(volume, **options):
        out.rmdir()
        out.write_text("in the way")
        return bright_voxels(volume, **options)

    put_cascade(monkeypatch, then_a_file)
    assert main(["segment", str(scan), "-o", str(out)]) == 2
    assert "is a file" in one_line(capfd)
    assert tree(scan.parent) == ["out", "scan.nrrd"]


@pytest.mark.parametrize("place", ["prediction", "truth"])
def test_evaluate_refuses_what_is_no_label_map(
    place: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    good = save_nrrd(tmp_path / "good.nrrd", np.full((4, 4, 4), 11, np.uint8))
    bad = save_nrrd(tmp_path / "bad.nrrd", np.full((4, 4, 4), 99, np.uint8))
    figures = tmp_path / "f.json"
    pair = [str(bad), str(good)] if place == "prediction" else [str(good), str(bad)]
    assert main(["evaluate", *pair, "--json", str(figures)]) == 2
    line = one_line(capfd)
    assert place in line
    assert "label 99" in line
    assert not figures.exists()


def test_evaluate_tells_a_missing_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(tmp_path / "a.nrrd"), str(tmp_path / "b.nrrd")]) == 2
    assert "a.nrrd does not exist" in one_line(capfd)


def test_evaluate_to_a_file_that_cannot_be_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    good = str(save_nrrd(tmp_path / "good.nrrd", np.full((4, 4, 4), 11, np.uint8)))
    assert main(["evaluate", good, good, "--json", str(tmp_path / "no" / "f.json")]) == 2
    assert "cannot write" in one_line(capfd)
