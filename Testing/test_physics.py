"""X-rays through simulated heads: attenuation, detector and scanners, with no toolkit needed."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest

from head_fixture import head_of_three_teeth
from ToothSegLib.errors import InputError
from ToothSegLib.synthesis import materials, tissues
from ToothSegLib.synthesis.attenuation import ENERGIES_KEV, Material
from ToothSegLib.synthesis.conebeam import toolkit
from ToothSegLib.synthesis.detector import Detector
from ToothSegLib.synthesis.materials import OF_TISSUE, WATER, tissue_attenuation
from ToothSegLib.synthesis.physics import attenuation_map, seen, simulate_cbct
from ToothSegLib.synthesis.posing import place_head
from ToothSegLib.synthesis.scanner import SCANNERS, Scanner, find_scanner
from ToothSegLib.teeth import mirror
from ToothSegLib.volume import Volume

IDEAL = Scanner("ideal", photons=0, scatter=0, gain_error=0, blur_mm=0)

# cm2/g at ENERGIES_KEV, from NIST's tables of compounds and mixtures (those of ICRU Report 44).
NIST = {
    "water": (WATER, (0.3756, 0.2683, 0.2269, 0.2059, 0.1837, 0.1707)),
    "soft tissue": (
        Material(
            1.06,
            {"H": 0.102, "C": 0.143, "N": 0.034, "O": 0.708, "Mg": 0.002, "P": 0.003, "S": 0.005,
             "K": 0.003},
        ),
        (0.3790, 0.2688, 0.2264, 0.2048, 0.1823, 0.1693),
    ),
    "cortical bone": (materials.CORTICAL, (1.331, 0.6655, 0.4242, 0.3148, 0.2229, 0.1855)),
    "fat": (materials.FAT, (0.3063, 0.2396, 0.2123, 0.1974, 0.1800, 0.1688)),
    "acrylic glass": (materials.PLASTIC, (0.3032, 0.2350, 0.2074, 0.1924, 0.1751, 0.1641)),
}  # fmt: skip


@pytest.mark.parametrize("name", NIST)
def test_mixtures_attenuate_as_nist_has_them(name: str) -> None:
    material, expected = NIST[name]
    per_mass = 10.0 * material.attenuation() / material.density
    assert per_mass == pytest.approx(expected, rel=0.001)


def test_unknown_energies_and_elements_are_refused() -> None:
    with pytest.raises(ValueError, match="at 55 keV"):
        WATER.attenuation((55,))
    with pytest.raises(ValueError, match="of Xx"):
        Material(1.0, {"Xx": 1.0}).attenuation()


@pytest.mark.parametrize("energy", ENERGIES_KEV)
def test_tissues_come_in_the_order_that_a_picture_shows(energy: int) -> None:
    order = (
        tissues.AIR, tissues.FAT, tissues.SOFT, tissues.TRABECULAR, tissues.CORTICAL,
        tissues.DENTINE, tissues.ENAMEL, tissues.METAL,
    )  # fmt: skip
    values = [OF_TISSUE[code][0].attenuation((energy,))[0] for code in order]
    assert values == sorted(values)


def test_every_tissue_has_a_material_and_metals_vary() -> None:
    assert sorted(OF_TISSUE) == list(range(tissues.COUNT))
    tables = [tissue_attenuation((60,), np.random.default_rng(seed)) for seed in range(12)]
    assert len({float(table[tissues.METAL, 0]) for table in tables}) == 3
    assert len({float(table[tissues.ENAMEL, 0]) for table in tables}) == 1


def test_trabecular_bone_is_a_sponge_of_the_right_mean() -> None:
    tissue = np.full((30, 30, 30), tissues.TRABECULAR, np.uint8)
    tissue[0] = tissues.SOFT
    place = Volume(tissue, (0.5,) * 3, (0.0,) * 3, np.eye(3))
    rng = np.random.default_rng(0)
    attenuation = attenuation_map(place, IDEAL, rng)
    table = tissue_attenuation(IDEAL.energies_kev, np.random.default_rng(0))
    assert attenuation[0] == pytest.approx(np.broadcast_to(table[tissues.SOFT], (30, 30, 4)))
    sponge = attenuation[1:, ..., 0] / table[tissues.TRABECULAR, 0]
    assert sponge.mean() == pytest.approx(1.0, abs=0.05)
    assert sponge.std() == pytest.approx(IDEAL.texture, rel=0.1)


def behind(material: Material, mm: float, scanner: Scanner, pixels: int = 1) -> np.ndarray:
    """Line integrals of one projection behind so much of a material."""
    rows, columns = scanner.detector
    through = mm * material.attenuation(scanner.energies_kev)
    return np.broadcast_to(through, (pixels, rows, columns, len(through)))


@pytest.mark.parametrize("mm", [0.0, 20.0, 100.0, 180.0])
def test_water_of_any_thickness_reads_as_it_is(mm: float) -> None:
    scanner = dataclasses.replace(IDEAL, voxel_mm=4.0)
    water = Detector(scanner, np.random.default_rng(0)).expose(behind(WATER, mm, scanner))
    assert water == pytest.approx(np.full(water.shape, mm), abs=0.05)


def test_without_its_correction_thick_water_seems_thinner() -> None:
    scanner = dataclasses.replace(IDEAL, voxel_mm=4.0, water_correction=False)
    detector = Detector(scanner, np.random.default_rng(0))
    readings = [float(detector.expose(behind(WATER, mm, scanner)).mean()) for mm in (40, 100, 180)]
    assert readings[0] > 40.2
    assert readings[1] == pytest.approx(100.0, abs=0.05)
    assert readings[2] < 179.0


def test_scattered_light_makes_all_seem_thinner() -> None:
    scanner = dataclasses.replace(IDEAL, voxel_mm=4.0, scatter=0.1)
    water = Detector(scanner, np.random.default_rng(0)).expose(behind(WATER, 100.0, scanner))
    assert 93.0 < water.mean() < 97.0  # ln(1.1) of 2.2 in all


def test_noise_falls_with_the_root_of_the_dose() -> None:
    spreads = []
    for photons in (2_000, 32_000):
        scanner = dataclasses.replace(IDEAL, voxel_mm=2.0, photons=photons)
        detector = Detector(scanner, np.random.default_rng(0))
        spreads.append(float(detector.expose(behind(WATER, 50.0, scanner, 4)).std()))
    assert spreads[0] / spreads[1] == pytest.approx(4.0, rel=0.1)


def test_a_ray_that_nothing_comes_through_stays_finite() -> None:
    scanner = dataclasses.replace(IDEAL, voxel_mm=4.0, photons=1000)
    detector = Detector(scanner, np.random.default_rng(0))
    dark = detector.expose(behind(materials.GOLD, 300.0, scanner))
    assert np.isfinite(dark).all()
    assert dark.min() > 250.0


def test_scanners_are_found_by_their_names() -> None:
    assert find_scanner("low-dose").photons < find_scanner("standard").photons
    assert all(name == scanner.name for name, scanner in SCANNERS.items())
    with pytest.raises(InputError, match="'nothing'; choose from standard, "):
        find_scanner("nothing")


@pytest.mark.parametrize(
    "wrong",
    [
        {"field_mm": (900.0, 60.0)},
        {"voxel_mm": 0.0},
        {"projections": 3},
        {"photons": -1.0},
        {"hann": 2.0},
        {"beam": ()},
        {"source_to_detector_mm": 510.0},
    ],
)
def test_a_scanner_that_cannot_be_is_refused(wrong: dict) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        Scanner("odd", **wrong)


def test_the_gantry_turns_as_far_as_it_must() -> None:
    whole = IDEAL.angles_deg(30.0)
    assert (len(whole), whole[0]) == (360, 30.0)
    assert np.diff(whole) == pytest.approx(np.full(359, 1.0))
    short = dataclasses.replace(IDEAL, short_scan=True).angles_deg(0.0)
    fan = np.degrees(np.arcsin(44 / 500))
    assert 180 + 2 * fan < short[-1] < 360


def test_every_scanner_sees_a_cylinder_within_its_grid() -> None:
    for scanner in SCANNERS.values():
        inside = seen(scanner)
        assert inside.shape == scanner.shape[1:]
        assert inside.mean() == pytest.approx(np.pi / 4, abs=0.01)


def test_left_stays_left_in_a_mirrored_head() -> None:
    case, mirrored = head_of_three_teeth(), 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        tissue, labels = place_head(case, (0.0, 26.0, -2.0), rng, tilt_deg=5.0)
        assert tissue.same_grid(labels)
        mirrored += bool(np.linalg.det(labels.direction) < 0)
        for fdi in set(np.unique(labels.array)) - {0}:
            k, j, i = np.argwhere(labels.array == fdi).mean(axis=0)
            x = (labels.index_to_lps @ (i, j, k, 1.0))[0]
            assert (x < 0) == (fdi // 10 in (1, 4))
            assert fdi in {14, 26, 38} | {mirror(14), mirror(26), 48}
    assert 0 < mirrored < 8


def test_an_absent_toolkit_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "itk", None)
    with pytest.raises(InputError, match=r"the extra 'physics': pip install '\.\[physics\]'"):
        toolkit()
    with pytest.raises(InputError, match="Reconstruction Toolkit"):
        simulate_cbct(head_of_three_teeth(), 0)
