"""The main job on the scan that ships, with the weights that ship."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ToothSegLib.cascade as cascade_module
from ToothSegLib import looking
from ToothSegLib.cascade import segment
from ToothSegLib.errors import Cancelled, InputError, OutputError
from ToothSegLib.evaluation.metrics import evaluate
from ToothSegLib.instances import Instances, separate_teeth
from ToothSegLib.looking import Looker, Sight
from ToothSegLib.maps import Maps
from ToothSegLib.models import load_bundle
from ToothSegLib.progress import Progress
from ToothSegLib.report import Segmentation
from ToothSegLib.resources import resource_path
from ToothSegLib.results.outputs import write_outputs
from ToothSegLib.teeth import mirror
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume

SAMPLES = "Samples"


@pytest.fixture(scope="module")
def a_scan() -> Volume:
    return read_volume(resource_path(SAMPLES, "sample-cbct.nrrd"))


@pytest.fixture(scope="module")
def the_truth() -> Volume:
    return read_volume(resource_path(SAMPLES, "sample-cbct-labels.nrrd"))


@pytest.fixture(scope="module")
def a_part(a_scan: Volume) -> Volume:
    """The right side of both jaws, where less is to be computed."""
    return a_scan.part((slice(16, 112), slice(0, 96), slice(16, 112)))


@pytest.fixture(scope="module")
def looks() -> list[tuple[Sight, list]]:
    """What the networks saw of the part, which takes most of the time; see `of_the_part`."""
    return []


@pytest.fixture(scope="module")
def of_the_part(a_part: Volume, looks: list[tuple[Sight, list]]) -> Segmentation:
    look = Looker.look

    def noted(self: Looker, *words: str) -> tuple[Sight, list]:
        looks.append(look(self, *words))
        return looks[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Looker, "look", noted)
        return segment(a_part, device="cpu")


@pytest.fixture(scope="module")
def a_result(a_scan: Volume) -> tuple[Segmentation, list[tuple[float, str]]]:
    seen: list[tuple[float, str]] = []
    result = segment(a_scan, device="cpu", progress=lambda f, stage: seen.append((f, stage)))
    return result, seen


def test_the_sample_comes_out_right(a_result: tuple[Segmentation, list], the_truth: Volume) -> None:
    result, _ = a_result
    scores = evaluate(result.labels, the_truth)
    assert scores.identification.f1 >= 0.9
    assert scores.foreground_dice >= 0.85


def test_labels_are_on_the_scans_grid(a_result: tuple[Segmentation, list], a_scan: Volume) -> None:
    result, _ = a_result
    assert result.labels.same_grid(a_scan)
    assert result.labels.array.dtype == np.uint8
    present = set(np.unique(result.labels.array).tolist()) - {0}
    assert present == {tooth.fdi for tooth in result.teeth}


def test_the_result_tells_where_it_comes_from(a_result: tuple[Segmentation, list]) -> None:
    result, _ = a_result
    bundle = load_bundle()
    assert result.provenance["bundle"] == bundle.name
    assert set(result.provenance["weights"]) == set(bundle.networks)
    assert {"localise", "networks", "instances", "numbers"} <= set(result.timings)


def test_of_two_scans_the_second_does_not_replace_the_firsts_files(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 300, (24, 28, 32)).astype(np.float32)
    first, other = (segment(Volume(values, (0.5,) * 3)) for values in (noise, -noise))
    options = {"stl": False, "picture": False}
    write_outputs(first, "scan", tmp_path, **options)
    with pytest.raises(OutputError, match="is of another scan, which has the same name"):
        write_outputs(other, "scan", tmp_path, **options)
    write_outputs(first, "scan", tmp_path, **options)


def test_a_checksum_that_is_known_is_not_reckoned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cascade_module.scan_checksum, "scan_sha256", lambda scan: "reckoned")
    noise = np.random.default_rng(0).normal(0, 300, (24, 28, 32)).astype(np.float32)
    known = segment(Volume(noise, (0.5,) * 3), scan_sha256="known").provenance["scan_sha256"]
    assert known == "known"


def test_progress_rises_to_the_end(a_result: tuple[Segmentation, list]) -> None:
    _, seen = a_result
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len({stage for _, stage in seen}) >= 5


def test_a_mirrored_head_gets_mirrored_numbers(a_part: Volume, of_the_part: Segmentation) -> None:
    """The same voxels read from the other side: left and right change places, teeth do not."""
    flipped = a_part.with_array(np.ascontiguousarray(a_part.array[:, :, ::-1]))
    mirrored = segment(flipped, device="cpu").labels.array[:, :, ::-1]
    table = np.array([mirror(n) if _is_fdi(n) else 0 for n in range(100)], np.uint8)
    expected = table[of_the_part.labels.array]
    both = (mirrored > 0) & (expected > 0)
    assert both.mean() > 0.5 * (expected > 0).mean()
    assert (mirrored[both] == expected[both]).mean() > 0.9


def test_what_telling_the_teeth_apart_was_unsure_of_is_told(
    a_part: Volume,
    of_the_part: Segmentation,
    looks: list[tuple[Sight, list]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def separate(maps: Maps, run: Progress) -> Instances:
        found = separate_teeth(maps, run)
        return replace(
            found,
            rejoined=[(region.label, region) for region in found.regions],
            stacked=[(region.label, 9.0) for region in found.regions],
        )

    monkeypatch.setattr(cascade_module, "separate_teeth", separate)
    monkeypatch.setattr(Looker, "look", lambda *_: looks[0])
    result = segment(a_part, device="cpu")
    assert len(result.teeth) >= 10
    assert result.teeth == of_the_part.teeth
    for code in ("root-joined", "merged"):
        told = [finding.fdi[0] for finding in result.findings if finding.code == code]
        assert sorted(told) == sorted(tooth.fdi for tooth in result.teeth)


def test_a_scan_without_teeth_is_a_result(a_scan: Volume) -> None:
    noise = np.random.default_rng(0).normal(0, 30, (60, 60, 60)).astype(np.int16)
    result = segment(Volume(noise, (0.5,) * 3, (0.0,) * 3, np.eye(3)), device="cpu")
    assert not result.teeth
    assert [finding.code for finding in result.findings][:1] == ["no-teeth"]


@pytest.mark.parametrize("shape", [(12, 12, 12), (3, 13, 5), (40, 12, 12), (12, 12, 24)])
def test_a_scan_of_a_few_millimetres_is_a_result(shape: tuple[int, int, int]) -> None:
    grey = np.random.default_rng(0).normal(0, 100, shape).astype(np.int16)
    result = segment(Volume(grey, (0.5, 0.5, 0.5)), device="cpu", backend="torch")
    assert result.labels.shape == shape


def test_a_run_can_be_cancelled(a_scan: Volume) -> None:
    with pytest.raises(Cancelled):
        segment(a_scan, device="cpu", cancelled=lambda: True)


def test_an_unusable_scan_is_refused() -> None:
    flat = Volume(np.zeros((40, 40, 40), np.int16), (0.5,) * 3, (0.0,) * 3, np.eye(3))
    with pytest.raises(InputError):
        segment(flat, device="cpu")


@pytest.mark.parametrize("kind", [np.float16, np.longdouble])
def test_uncommon_floats_are_computed_as_float32(kind: type) -> None:
    noise = np.random.default_rng(0).normal(0, 300, (24, 28, 32)).astype(kind)
    result = segment(Volume(noise, (0.3,) * 3), device="cpu")
    assert [finding.code for finding in result.findings][:1] == ["no-teeth"]


def test_floats_beyond_float32_are_refused() -> None:
    far = np.linspace(0, 1e300, 8).reshape(2, 2, 2).astype(np.longdouble)
    with pytest.raises(InputError, match="not numbers"):
        segment(Volume(far))


def test_an_unknown_device_is_refused(a_scan: Volume) -> None:
    with pytest.raises(InputError, match="abacus"):
        segment(a_scan, device="abacus")


@pytest.mark.parametrize("name", ["toothnet", "published"])
def test_shipped_bundles_are_sound_and_small(name: str) -> None:
    bundle = load_bundle(name)
    bundle.verify()
    assert sum(path.stat().st_size for path in bundle.networks.values()) < 8_000_000
    assert bundle.card["figures"], "measure the bundle and write its figures into the card"
    assert bundle.card["limits"]


def _is_fdi(number: int) -> bool:
    return 1 <= number // 10 <= 4 and 1 <= number % 10 <= 8


def test_the_closer_look_decides_where_the_teeth_are(
    a_part: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "small_scan", lambda *_, **__: None)
    small = a_part.part((slice(16, 80), slice(16, 80), slice(0, 64)))
    result = segment(small, device="cpu")
    assert len(result.teeth) >= 4
    low, high = (np.array(corner) for corner in result.provenance["box_lps_mm"])
    right = (tuple(low.tolist()), tuple(high.tolist()))
    wrong = (right[0], tuple((low + [20.0, 20.0, 16.0]).tolist()))  # a corner, bone and cheek
    steps: list[float] = []
    for boxes in ([wrong, right], [right, wrong]):
        monkeypatch.setattr(looking, "find_dentitions", lambda *_, boxes=boxes, **__: list(boxes))
        again = segment(small, device="cpu", progress=lambda done, _: steps.append(done))
        assert again.provenance["box_lps_mm"] == result.provenance["box_lps_mm"]
        assert np.array_equal(again.labels.array, result.labels.array)
        assert steps == sorted(steps)
        steps.clear()
