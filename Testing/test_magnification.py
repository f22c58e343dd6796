"""The networks see the teeth magnified; what comes out is as large as in life."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from learning_fixture import toy_scan
from ToothSegLib import cascade, inference, looking
from ToothSegLib.arches.norms import VOLUMES_MM3
from ToothSegLib.arches.patient_size import size_by_looks
from ToothSegLib.arches.regions import Region
from ToothSegLib.bundles.model_card import CARD_NAME
from ToothSegLib.cascade import segment
from ToothSegLib.errors import BundleError
from ToothSegLib.grids.grid import Box
from ToothSegLib.inference import predict_maps
from ToothSegLib.looking import Looker, Sight
from ToothSegLib.maps import Maps
from ToothSegLib.models import Bundle, load_bundle, write_bundle
from ToothSegLib.progress import Progress
from ToothSegLib.report import Finding
from ToothSegLib.resources import resource_path
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.synthesis.sampling import TensorCase, sample_patch
from ToothSegLib.training.finetune import task_of
from ToothSegLib.training.samples import draw_sample
from ToothSegLib.training.scan_case import task_case
from ToothSegLib.training.tasks import TASKS
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import read_volume


@pytest.fixture(scope="module")
def a_scan() -> Volume:
    """A side of the lower jaw."""
    whole = read_volume(resource_path("Samples", "sample-cbct.nrrd"))
    depth, _, width = whole.shape
    return whole.part((slice(depth // 2), slice(None), slice(width // 2, None)))


@pytest.fixture(scope="module")
def a_case() -> TensorCase:
    return TensorCase.of(make_case(3, spacing_mm=1.0))


def life_size(bundle: Bundle) -> Bundle:
    card = {name: value for name, value in bundle.card.items() if name != "magnification"}
    return replace(bundle, card=card)


def test_the_default_bundle_magnifies_and_the_articles_networks_do_not() -> None:
    assert load_bundle("toothnet").magnification == 1.2
    assert load_bundle("published").magnification == 1.0
    assert life_size(load_bundle("toothnet")).magnification == 1.0


@pytest.mark.parametrize("magnification", [0.5, 2.5, True, "1.2", None, float("nan")])
def test_a_magnification_that_makes_no_sense_is_refused(
    magnification: object, tmp_path: Path
) -> None:
    card = json.loads(Path(resource_path("Models", "toothnet", CARD_NAME)).read_text())
    (tmp_path / CARD_NAME).write_text(json.dumps({**card, "magnification": magnification}))
    with pytest.raises(BundleError, match="its magnification is .*: give a number from 1 to 2"):
        load_bundle(tmp_path)


def test_offsets_are_in_millimetres_of_the_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(network: Any, image: np.ndarray, *_: object) -> list[np.ndarray]:
        half = tuple(n // 2 for n in image.shape)
        tooth = np.ones((1, *image.shape), np.float32)
        return [tooth, np.zeros((17, *half), np.float32), np.ones((3, *half), np.float32)]

    monkeypatch.setattr(inference, "_tiled", answers)
    grey = np.random.default_rng(0).normal(0, 1, (16, 16, 16)).astype(np.float32)
    for spacing, expected in ((0.5, 5.0), (0.4, 4.0)):
        image = Volume(grey, (spacing,) * 3)
        maps = predict_maps(load_bundle("toothnet"), image, "cpu", Progress())
        assert maps.offsets is not None
        assert maps.offsets == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("larger", "spacing_mm"), [(1.0, 0.5 / 1.2), (1.3, 0.5)])
def test_large_teeth_are_looked_at_once_more_as_they_are(
    a_scan: Volume, larger: float, spacing_mm: float
) -> None:
    spacing = tuple(larger * edge for edge in a_scan.spacing)
    steps: list[float] = []
    result = segment(
        replace(a_scan, spacing=spacing),
        device="cpu",
        progress=lambda done, _: steps.append(done),
    )
    assert result.provenance["working_spacing_mm"] == pytest.approx(spacing_mm, abs=1e-6)
    assert len(result.teeth) >= 5
    assert steps == sorted(steps)


def test_a_bundle_that_does_not_magnify_is_not_asked_twice(a_scan: Volume) -> None:
    spacing = tuple(1.3 * edge for edge in a_scan.spacing)
    steps: list[str] = []
    result = segment(
        replace(a_scan, spacing=spacing),
        bundle=life_size(load_bundle()),
        device="cpu",
        progress=lambda _, stage: steps.append(stage),
    )
    assert result.provenance["working_spacing_mm"] == 0.5
    assert [stage for stage, _ in groupby(steps)].count("telling the teeth apart") == 1


def regions(*sizes: float, kind: int = 1, cut: bool = False) -> list[Region]:
    """Of so many times the usual volume of their type."""
    nowhere, look, usual = np.zeros(3), np.eye(17)[kind], VOLUMES_MM3[kind]
    return [
        Region(n, 1, size * usual, nowhere, nowhere, look, 1.0, cut=cut)
        for n, size in enumerate(sizes)
    ]


def test_the_typical_tooth_is_the_median_of_what_may_be_whole() -> None:
    assert size_by_looks(regions(0.5, 0.8, 1.0, 1.9)) == pytest.approx(0.9)
    assert size_by_looks(regions(0.5, 0.8, 1.0, 1.9, 0.1, 0.1, 0.1)) == pytest.approx(0.9)
    assert size_by_looks(regions(1.6, 1.8, 1.8, 0.1)) == 0
    assert size_by_looks([]) == 0


def test_molars_are_no_large_teeth_and_what_the_scan_cuts_no_small_ones() -> None:
    molars = regions(1.0, 1.1, 1.0, 0.9, kind=6) + regions(1.0, 1.1, kind=5)
    assert size_by_looks(molars) == pytest.approx(1.0)
    large = regions(1.6, 1.7, 1.6, 1.5, 1.6, 1.6, kind=6)
    parts = regions(0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, cut=True)
    assert size_by_looks(large + parts) == pytest.approx(1.6)
    assert size_by_looks(large[:3] + parts) == pytest.approx(0.4)  # three may be large by chance


def test_large_teeth_are_large_in_pieces_as_well() -> None:
    pieces = regions(*[0.6] * 8, *[1.2] * 8)
    assert not cascade._are_large(pieces + regions(*[1.9] * 8))
    assert cascade._are_large(pieces + regions(*[2.4] * 8))
    assert cascade._are_large(regions(*[1.7] * 8))
    assert not cascade._are_large(regions(*[1.2] * 20, 3.0, 3.0, 3.0))


def test_a_magnified_patch_is_a_finer_one_with_longer_offsets(a_case: TensorCase) -> None:
    centre = a_case.table[a_case.present[0]]
    size = (32, 32, 32)
    fine, large = (
        sample_patch(
            a_case,
            size,
            spacing,
            torch.Generator().manual_seed(4),
            centre=centre,
            magnification=magnification,
        )
        for spacing, magnification in ((1.0, 1.0), (1.2, 1.2))
    )
    assert (fine.labels > 0).sum() > 100
    # What the head is bent by is not magnified.
    assert (fine.labels == large.labels).float().mean() > 0.95
    both = (fine.types == large.types) & (fine.types > 0)
    lengths = [patch.offsets[:, both].norm(dim=0) for patch in (fine, large)]
    assert float((lengths[1] / lengths[0]).median()) == pytest.approx(1.2, abs=0.05)


def test_networks_learn_on_what_they_will_see(a_case: TensorCase) -> None:
    bundle = load_bundle("toothnet")
    assert task_of(bundle, "toothnet").magnification == 1.2
    assert task_of(bundle, "locator").magnification == 1.0
    assert task_of(life_size(bundle), "toothnet").magnification == 1.0
    assert task_of(load_bundle("published"), "stage1").magnification == 1.0
    assert {name for name, task in TASKS.items() if task.magnification > 1} == {"toothnet"}
    scan = task_case(*toy_scan(0), TASKS["toothnet"])
    assert scan.spacing_mm == pytest.approx(0.5 / 1.2 / 2)  # half a voxel of what it will see
    task = replace(TASKS["toothnet"], sizes=((32, 32, 32),), spacing_mm=1.5)
    small, large = (
        sum(
            int((draw_sample([a_case], replace(task, magnification=m), 0, n)[1].types > 0).sum())
            for n in range(6)
        )
        for m in (1.0, 2.0)
    )
    assert large > 1.5 * small


def test_a_bundle_keeps_its_magnification(tmp_path: Path) -> None:
    bundle = load_bundle("toothnet")
    states = {role: bundle.build(role).state_dict() for role in bundle.networks}
    assert write_bundle(tmp_path / "again", bundle.card, states).magnification == 1.2


@pytest.mark.parametrize(
    ("typical", "sure", "looks", "spacing_mm"),
    [
        (1.3, 0.9, 1, 0.5 / 1.2),
        (1.3, 0.77, 2, 0.5),
        (1.3, 0.79, 1, 0.5 / 1.2),
        (1.7, 1.0, 2, 0.5),
    ],
    ids=["usual", "unsure", "sure enough", "large"],
)
def test_what_is_large_or_unsure_is_looked_at_once_more(
    a_scan: Volume,
    monkeypatch: pytest.MonkeyPatch,
    typical: float,
    sure: float,
    looks: int,
    spacing_mm: float,
) -> None:
    spacings: list[float] = []

    def maps(bundle: Bundle, image: Volume, *_: object) -> Maps:
        spacings.append(image.spacing[0])
        tooth = np.zeros(image.shape, np.float32)
        tooth[tuple(slice(n // 4, n // 2) for n in image.shape)] = 0.9
        types = np.zeros((17, *image.shape), np.float16)
        types[3] = sure if len(spacings) == 1 else 1.0
        return Maps(tooth, types, None, image.spacing[0], image.origin)

    monkeypatch.setattr(looking, "predict_maps", maps)
    monkeypatch.setattr(cascade, "size_by_looks", lambda *_: typical)
    result = cascade.segment(a_scan, bundle=load_bundle("toothnet"), device="cpu")
    assert len(spacings) == looks
    assert result.provenance["working_spacing_mm"] == pytest.approx(spacing_mm, abs=1e-6)


def test_large_teeth_are_not_lost_by_the_other_look(
    a_scan: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    spacings: list[float] = []

    def maps(bundle: Bundle, image: Volume, *_: object) -> Maps:
        spacings.append(image.spacing[0])
        tooth = np.zeros(image.shape, np.float32)
        least = 4 if len(spacings) == 1 else 3  # the second look sees a part of it
        tooth[tuple(slice(n // least, n // 2) for n in image.shape)] = 0.9
        types = np.zeros((17, *image.shape), np.float16)
        types[3] = 1.0
        return Maps(tooth, types, None, image.spacing[0], image.origin)

    monkeypatch.setattr(looking, "predict_maps", maps)
    monkeypatch.setattr(cascade, "size_by_looks", lambda *_: 1.7)
    result = cascade.segment(a_scan, bundle=load_bundle("toothnet"), device="cpu")
    assert len(spacings) == 2
    assert result.provenance["working_spacing_mm"] == pytest.approx(0.5 / 1.2, abs=1e-6)


def test_an_unsure_look_counts_unless_the_other_sees_far_more(
    a_scan: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    def maps(bundle: Bundle, image: Volume, *_: object) -> Maps:
        tooth = np.zeros(image.shape, np.float32)
        tooth[tuple(slice(n // 4, n // 2) for n in image.shape)] = 0.9
        types = np.zeros((17, *image.shape), np.float16)
        types[3] = 0.6
        return Maps(tooth, types, None, image.spacing[0], image.origin)

    monkeypatch.setattr(looking, "predict_maps", maps)
    result = cascade.segment(a_scan, bundle=load_bundle("toothnet"), device="cpu")
    assert result.provenance["working_spacing_mm"] == pytest.approx(0.5 / 1.2, abs=1e-6)


def test_a_look_that_does_not_count_leaves_no_trace(
    a_scan: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    first: list[Sight] = []

    def maps(bundle: Bundle, image: Volume, *_: object) -> Maps:
        tooth = np.zeros(image.shape, np.float32)
        tooth[tuple(slice(n // 4, n // 2) for n in image.shape)] = 0.9
        return Maps(tooth, np.full((17, *image.shape), 0.06, np.float16), None, 0.4, image.origin)

    def look(looker: Looker, sight: Sight, box: Box) -> tuple[Sight, list[Finding]]:
        first.append(sight)
        assert sight.seen is not None
        return replace(sight, device="elsewhere"), [Finding("device-lost", "low", "It is gone.")]

    monkeypatch.setattr(looking, "predict_maps", maps)
    monkeypatch.setattr(Looker, "look_unmagnified", look)
    for far_more in (False, True):
        monkeypatch.setattr(cascade, "_sees_more", lambda *_: far_more)  # noqa: B023
        result = cascade.segment(a_scan, bundle=load_bundle("toothnet"), device="cpu")
        assert result.provenance["device"] == ("elsewhere" if far_more else "cpu")
        assert far_more == any(finding.code == "device-lost" for finding in result.findings)
    assert len(first) == 2
