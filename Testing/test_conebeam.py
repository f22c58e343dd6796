"""Projections and their reconstruction; all of it needs the extra 'physics'."""

from __future__ import annotations

import dataclasses
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from head_fixture import head_of_three_teeth
from ToothSegLib.cli.main import main
from ToothSegLib.errors import Cancelled
from ToothSegLib.progress import Progress
from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.attenuation import Material
from ToothSegLib.synthesis.case import PROSTHESIS_LABEL
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.synthesis.materials import AMALGAM, ENAMEL, WATER
from ToothSegLib.synthesis.physics import scan, seen, simulate_cbct
from ToothSegLib.synthesis.scanner import KV90_SOFT, SCANNERS, Scanner
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume

pytest.importorskip("itk", reason="needs the extra 'physics'")
if find_spec("itk.RTKPython") is None:
    pytest.skip("needs the extra 'physics'", allow_module_level=True)

# The toolkit takes a while to load.
pytestmark = pytest.mark.timeout(600)

SMALL = Scanner(
    "small",
    ((60, 1.0),),
    field_mm=(48.0, 20.0),
    voxel_mm=1.0,
    projections=120,
    photons=0,
    scatter=0.0,
    gain_error=0.0,
    blur_mm=0.0,
)


def phantom(*rods: tuple[float, float, float, Material], mm: float = 1.0) -> list:
    """(where, material) pairs: a cylinder of water of 38 mm and rods (x, y, radius) in it."""
    n = round(44 / mm)
    x = mm * (np.arange(n) - (n - 1) / 2)
    y = x[:, None]
    parts = [(np.hypot(x, y) < 19.0, WATER)]
    return parts + [(np.hypot(x - a, y - b) < radius, what) for a, b, radius, what in rods]


def taken(parts: list, scanner: Scanner, seed: int = 0) -> np.ndarray:
    """HU of a phantom that is the same at every height."""
    n = parts[0][0].shape[0]
    mm = 44 / n
    tall = round(40 / mm)
    attenuation = np.zeros((tall, n, n, len(scanner.beam)), np.float32)
    for where, material in parts:
        attenuation[:, where] = material.attenuation(scanner.energies_kev)
    low = [-(size - 1) / 2 * mm for size in (n, n, tall)]
    place = Volume(np.zeros((tall, n, n), np.uint8), (mm,) * 3, tuple(low), np.eye(3))
    return scan(attenuation, place, scanner, np.random.default_rng(seed), Progress())


def disc(scanner: Scanner, radius: float, inner: float = 0.0) -> np.ndarray:
    """(k, j, i) the middle heights of the picture within a radius of the axis."""
    _, _, n = scanner.shape
    x = scanner.voxel_mm * (np.arange(n) - (n - 1) / 2)
    r = np.hypot(x[:, None], x)
    inside = np.zeros(scanner.shape, bool)
    inside[scanner.shape[0] // 4 : -(scanner.shape[0] // 4)] = (r < radius) & (r >= inner)
    return inside


@pytest.mark.parametrize(
    "change",
    [{}, {"beam": KV90_SOFT}, {"beam": KV90_SOFT[:2]}, {"short_scan": True}],
    ids=["one energy", "four energies", "two energies", "short scan"],
)
def test_water_comes_out_as_water_and_air_as_air(change: dict) -> None:
    scanner = dataclasses.replace(SMALL, **change)
    hu = taken(phantom(), scanner)
    assert hu[disc(scanner, 15.0)].mean() == pytest.approx(0.0, abs=15.0)
    assert hu[disc(scanner, 15.0)].std() < 25.0
    assert hu[disc(scanner, 23.0, 21.0)].mean() == pytest.approx(-1000.0, abs=40.0)
    assert (hu[:, ~seen(scanner)] == -1000).all()


def test_water_hollows_where_beam_hardening_is_not_undone() -> None:
    hollows = []
    for corrected in (True, False):
        scanner = dataclasses.replace(SMALL, beam=KV90_SOFT, water_correction=corrected)
        hu = taken(phantom(), scanner)
        hollows.append(hu[disc(scanner, 15.0, 12.0)].mean() - hu[disc(scanner, 4.0)].mean())
    assert abs(hollows[0]) < 8.0
    assert hollows[1] > hollows[0] + 8.0


def test_enamel_has_the_number_that_its_attenuation_says() -> None:
    hu = taken(phantom((0.0, 0.0, 6.0, ENAMEL)), SMALL)
    expected = 1000 * (ENAMEL.attenuation((60,))[0] / WATER.attenuation((60,))[0] - 1)
    assert hu[disc(SMALL, 3.0)].mean() == pytest.approx(expected, rel=0.03)


def test_a_marker_is_seen_where_it_lies() -> None:
    """On a grid that is turned and left-handed, as that of a mirrored and tilted head is."""
    direction = Rotation.from_euler("xyz", (20, -10, 30), degrees=True).as_matrix()
    direction = direction @ np.diag([-1.0, 1.0, 1.0])
    attenuation = np.zeros((24, 30, 36, 1), np.float32)
    attenuation[19:22, 7:10, 25:28] = ENAMEL.attenuation((60,))[0]
    spacing = (1.0, 1.1, 0.9)
    middle = direction @ (np.array(spacing) * (17.5, 14.5, 11.5))
    place = Volume(np.zeros((24, 30, 36), np.uint8), spacing, tuple(-middle), direction)
    expected = (place.index_to_lps @ (26.0, 8.0, 20.0, 1.0))[:3]
    assert min(abs(expected)) > 2.0  # else a wrong sign could pass

    hu = scan(attenuation, place, SMALL, np.random.default_rng(5), Progress())
    weights = np.clip(hu, -700, None) + 700.0
    k, j, i = (np.average(axis, weights=weights) for axis in np.indices(hu.shape))
    depth, rows, columns = hu.shape
    found = np.array([i - (columns - 1) / 2, j - (rows - 1) / 2, k - (depth - 1) / 2])
    assert found == pytest.approx(expected, abs=0.3)


def test_noise_falls_with_the_dose_and_is_the_same_from_the_same_seed() -> None:
    noise = []
    for photons in (2_000.0, 50_000.0):
        scanner = dataclasses.replace(SMALL, photons=photons)
        hu = taken(phantom(), scanner)
        noise.append(hu[disc(scanner, 15.0)].std())
    assert noise[0] > 2.5 * noise[1]
    again = taken(phantom(), scanner)
    assert np.array_equal(hu, again)
    assert not np.array_equal(hu, taken(phantom(), scanner, seed=1))


def test_metal_makes_streaks() -> None:
    scanner = dataclasses.replace(SMALL, beam=KV90_SOFT, photons=20_000)
    rods = [(x, 2.0, 3.0, AMALGAM) for x in (-10.0, 10.0)]
    between = disc(scanner, 5.0)
    plain, streaked = taken(phantom(), scanner), taken(phantom(*rods), scanner)
    assert streaked[between].std() > 5 * plain[between].std()
    # The dark band that joins two pieces of metal.
    assert streaked[between].mean() < plain[between].mean() - 100.0


def test_a_case_becomes_a_scan_with_its_labels_in_place() -> None:
    scanner = dataclasses.replace(SCANNERS["coarse"], voxel_mm=1.2, projections=90)
    case = make_case(3, spacing_mm=1.0, ordinary=True)
    said: list[float] = []
    progress = Progress(lambda fraction, stage: said.append(fraction))
    image, labels = simulate_cbct(case, 3, scanner, progress=progress)
    assert image.same_grid(labels)
    assert image.shape == scanner.shape
    assert (image.array.dtype, labels.array.dtype) == (np.int16, np.uint8)
    present = set(np.unique(labels.array)) - {0}
    assert len(present) > 20
    assert not any(fdi % 10 == 8 for fdi in present)
    assert not labels.array[:, ~seen(scanner)].any()
    # Teeth are bright where the labels are, and not so where these would be on the other side.
    teeth = labels.array > 0
    moved = np.roll(teeth, 4, axis=1) & ~teeth
    assert image.array[teeth].mean() > image.array[moved].mean() + 600
    assert image.array[teeth].mean() > image.array[teeth[:, :, ::-1]].mean() + 200
    assert said == sorted(said)
    assert said[-1] == 1.0


def test_a_scan_can_be_stopped() -> None:
    calls = iter(range(100))
    progress = Progress(cancelled=lambda: next(calls) > 5)
    with pytest.raises(Cancelled):
        simulate_cbct(head_of_three_teeth(), 0, SMALL, progress=progress)
    assert next(calls) == 7


def test_a_scan_to_learn_from_says_where_its_implants_are() -> None:
    case = head_of_three_teeth()
    implant = np.zeros(case.labels.shape, bool)
    implant[8:12, 8:12, 12:15] = True
    case.tissue[implant] = tissues.TITANIUM
    case = dataclasses.replace(case, prosthesis=implant)
    for asked in (False, True):
        image, labels = simulate_cbct(case, 0, SMALL, prostheses=asked)
        there = labels.array == PROSTHESIS_LABEL
        assert there.any() == asked
    assert image.array[there].mean() > image.array[labels.array == 14].mean() + 300


def test_the_field_can_be_about_a_tooth() -> None:
    scanner = dataclasses.replace(SMALL, at_tooth=True)
    _, labels = simulate_cbct(head_of_three_teeth(), 0, scanner, tilt_deg=0.0)
    middle = tuple(n // 2 for n in scanner.shape)
    assert labels.array[middle] in (14, 24)


def test_the_command_writes_a_physical_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCANNERS, "small", SMALL)
    monkeypatch.setattr(
        "ToothSegLib.synthesis.compose.make_case", lambda *args, **options: head_of_three_teeth()
    )
    command = ["simulate", "-o", str(tmp_path), "--physics", "small", "--quiet"]
    assert main([*command, "--spacing", "0.8"]) == 0
    image = read_volume(tmp_path / "case-00000.nrrd")
    labels = read_volume(tmp_path / "case-00000-labels.nrrd")
    assert image.same_grid(labels)
    assert image.spacing == pytest.approx((0.8,) * 3)
    assert len(np.unique(labels.array)) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "case-00000-labels.nrrd", "case-00000.nrrd",
    ]  # fmt: skip
