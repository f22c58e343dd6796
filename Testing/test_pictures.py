"""Patches and pictures of them: answers follow the voxels, and chance has one source."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from ToothSegLib.compute.normalise import normalise
from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.compose import make_case
from ToothSegLib.synthesis.pictures import draw_field_of_view, make_picture
from ToothSegLib.synthesis.sampling import TensorCase, sample_patch
from ToothSegLib.synthesis.scans import simulate_scan
from ToothSegLib.teeth import mirror, type_of

SIZE = (32, 40, 48)


@pytest.fixture(scope="module")
def a_case() -> TensorCase:
    return TensorCase.of(make_case(3, spacing_mm=1.0))


def draw(case: TensorCase, seed: int, **options: object):  # type: ignore[no-untyped-def]
    generator = torch.Generator().manual_seed(seed)
    return sample_patch(case, SIZE, 1.0, generator, **options)  # type: ignore[arg-type]


def test_a_patch_is_the_same_from_the_same_seed(a_case: TensorCase) -> None:
    assert torch.equal(draw(a_case, 5).labels, draw(a_case, 5).labels)
    assert not torch.equal(draw(a_case, 5).labels, draw(a_case, 6).labels)


def test_types_are_those_of_the_labels(a_case: TensorCase) -> None:
    patch = draw(a_case, 1)
    half = patch.labels[::2, ::2, ::2].numpy()
    expected = np.vectorize(type_of)(half)
    # One corner of each 2x2x2 block against its middle: the same nearly everywhere.
    assert (expected == patch.types.numpy()).mean() > 0.9


def test_offsets_point_at_the_centre_of_the_tooth(a_case: TensorCase) -> None:
    for seed in range(20):
        patch = draw(a_case, seed, off_teeth=0.0)
        # By tooth, not by type: left and right of one type may both be in a patch.
        half = patch.labels[::2, ::2, ::2] * (patch.types > 0)
        for tooth in half.unique().tolist():
            where = torch.nonzero(half == tooth)
            if tooth == 0 or len(where) < 60 or _touches_border(where, half.shape):
                continue
            # Half-resolution voxels are 2 mm here; offsets are along (x, y, z).
            points = where.flip(1).float() * 2.0
            votes = points + patch.offsets[:, half == tooth].T
            assert votes.std(dim=0).max() < 2.5
            assert (votes.mean(dim=0) - points.mean(dim=0)).abs().max() < 2.5
            return
    pytest.fail("no whole tooth in twenty patches")


def test_a_mirrored_patch_has_mirrored_numbers(a_case: TensorCase) -> None:
    """Seen from the midline, numbers of the right lie on the right, whichever way it was drawn."""
    seen = 0
    for seed in range(12):
        labels = draw(a_case, seed, tilt_deg=0.0, centre=torch.tensor([0.0, 22.0, 0.0])).labels
        where = {int(f): torch.nonzero(labels == f)[:, 2].float().mean() for f in labels.unique()}
        for fdi, x in where.items():
            if fdi and fdi % 10 >= 3 and mirror(fdi) in where:
                right = fdi // 10 in (1, 4)
                assert bool(x < where[mirror(fdi)]) == right
                seen += 1
    assert seen > 20


def test_pictures_differ_and_are_normalised(a_case: TensorCase) -> None:
    tissue = draw(a_case, 1).tissue
    one, two, again = (
        make_picture(tissue, 1.0, torch.Generator().manual_seed(seed)) for seed in (1, 2, 1)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, two)
    for seed in range(15):
        image = make_picture(tissue, 1.0, torch.Generator().manual_seed(seed))
        assert bool(image.isfinite().all())
        assert -1.0 < float(image.min()) < float(image.max()) < 4.0


def test_enamel_is_brighter_than_soft_tissue(a_case: TensorCase) -> None:
    tissue = draw(a_case, 1).tissue
    for seed in range(10):
        image = make_picture(tissue, 1.0, torch.Generator().manual_seed(seed))
        assert image[tissue == tissues.ENAMEL].mean() > image[tissue == tissues.SOFT].mean()


def test_textbook_pictures_tell_dentine_from_bone(a_case: TensorCase) -> None:
    tissue = draw(a_case, 1).tissue

    def least_contrast(textbook: bool) -> float:
        images = (
            make_picture(
                tissue, 1.0, torch.Generator().manual_seed(seed), strength=0.2, textbook=textbook
            )
            for seed in range(20)
        )
        dentine, bone = tissue == tissues.DENTINE, tissue == tissues.TRABECULAR
        return min(float(image[dentine].median() - image[bone].median()) for image in images)

    assert least_contrast(textbook=True) > 0.1
    assert least_contrast(textbook=False) < 0.05


def test_the_field_of_view_is_cut_at_times() -> None:
    shares = [
        float(draw_field_of_view(SIZE, torch.Generator().manual_seed(s)).float().mean())
        for s in range(30)
    ]
    assert max(shares) == 1.0
    assert min(shares) < 0.9


def test_normalisation_ignores_scale_and_offset() -> None:
    image = torch.randn(20, 20, 20, generator=torch.Generator().manual_seed(0)).exp()
    assert torch.allclose(normalise(image), normalise(image * 731.0 - 1024.0), atol=1e-4)
    assert float(normalise(image).max()) < 3.0
    assert torch.equal(normalise(torch.full((4, 4, 4), 7.0)), torch.zeros(4, 4, 4))


def undisturbed(
    tissue: torch.Tensor, count: int, *, textbook: bool, training: bool
) -> Iterator[torch.Tensor]:
    """Pictures of so many seeds by a scanner without faults."""
    for seed in range(count):
        chance = torch.Generator().manual_seed(seed)
        yield make_picture(tissue, 0.5, chance, strength=0.0, textbook=textbook, training=training)


@pytest.mark.parametrize("textbook", [False, True])
def test_ceramic_is_as_dull_as_dentine_where_porcelain_may_be(textbook: bool) -> None:
    tissue = torch.full((12, 24, 24), tissues.DENTINE, dtype=torch.uint8)
    tissue[:, :8], tissue[:, 16:] = tissues.ENAMEL, tissues.CERAMIC

    def duller(training: bool) -> int:
        images = undisturbed(tissue, 12, textbook=textbook, training=training)
        return sum(bool(image[:, 19:].mean() < image[:, :5].mean()) for image in images)

    assert duller(False) == 0
    assert 2 <= duller(True) <= 10


def test_a_scale_may_end_within_enamel() -> None:
    """Then metal is no brighter than the brightest enamel."""
    tissue = torch.full((12, 24, 24), tissues.ENAMEL, dtype=torch.uint8)
    tissue[:, 12:] = tissues.METAL

    def alike(training: bool) -> int:
        images = undisturbed(tissue, 40, textbook=True, training=training)
        return sum(bool(image[:, 16:].mean() < 1.05 * image[:, :8].mean()) for image in images)

    assert alike(True) >= alike(False) + 4


def test_a_simulated_scan_hides_third_molars_from_its_labels() -> None:
    case = make_case(3, spacing_mm=1.0)
    assert any(fdi % 10 == 8 for fdi in case.centres)
    image, labels = simulate_scan(case, 3, size=(48, 64, 72), spacing_mm=1.2)
    assert image.same_grid(labels)
    assert image.array.dtype == np.int16
    assert labels.array.dtype == np.uint8
    present = set(np.unique(labels.array)) - {0}
    assert len(present) > 10
    assert not any(fdi % 10 == 8 for fdi in present)


def _touches_border(where: torch.Tensor, shape: torch.Size) -> bool:
    return bool((where == 0).any() or (where == torch.tensor(shape) - 1).any())
