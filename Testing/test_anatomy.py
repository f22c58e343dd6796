"""Heads are like people's: crowns of implants touch, lost bone stays lost, pulps are thin."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from ToothSegLib.arches.norms import VOLUMES_MM3
from ToothSegLib.synthesis import compose, tissues
from ToothSegLib.synthesis.compose import Wish, make_case
from ToothSegLib.synthesis.jaws import Head
from ToothSegLib.synthesis.tooth_form import draw_form
from ToothSegLib.synthesis.tooth_maps import TeethMaps, pulp_share_of, tooth_tissue

# Mean volume of the pulp, mm3, by type: Fanibunda, J Dent 14 (1986).
PULPS_MM3 = {1: 12.4, 3: 14.7, 5: 16.5, 6: 68.2, 9: 6.1, 11: 14.2, 13: 14.9, 14: 52.5}
_STEP = 0.5  # as of a case


def test_crowns_of_implants_stand_beside_teeth_as_in_a_mouth() -> None:
    case = make_case(5, spacing_mm=1.0, ordinary=True, wish=Wish((15, 25, 35, 45), None, 1.0))
    assert case.prosthesis is not None
    assert case.prosthesis.any()
    assert not (case.prosthesis & (case.labels > 0)).any()
    away = ndimage.distance_transform_edt(case.labels == 0, sampling=case.spacing_mm)
    parts, count = ndimage.label(case.prosthesis, np.ones((3, 3, 3)))
    nearest = [away[parts == n].min() for n in range(1, count + 1)]
    assert min(nearest) <= 1.0
    screws = case.prosthesis & (case.tissue == tissues.TITANIUM)
    assert away[screws].min() > 0.6


def test_no_bone_comes_back_where_it_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}
    set_in = compose._set_in

    def spy(head: Head, teeth: TeethMaps, rng: np.random.Generator):  # type: ignore[no-untyped-def]
        seen.update(head=head, teeth=teeth)
        return set_in(head, teeth, rng)

    monkeypatch.setattr(compose, "_set_in", spy)
    # Lumps grow on jaws at any height.
    monkeypatch.setattr(compose, "set_dense_bone", lambda *_: None)
    case = make_case(4, spacing_mm=1.0)
    head, teeth = seen["head"], seen["teeth"]
    assert isinstance(head, Head)
    assert isinstance(teeth, TeethMaps)
    assert head.loss_mm > 4.0
    bared = teeth.below_neck & ~teeth.below_crest & (teeth.nearest > 0) & (teeth.nearest < 1.5)
    jaw = ndimage.zoom(head.bone, 2, order=1, mode="nearest", grid_mode=True) < 0.5
    assert (bared & ~jaw).sum() > 100
    about = case.tissue[bared & ~jaw]
    # Walls of the sinuses may run there.
    assert np.isin(about, (tissues.CORTICAL, tissues.LIGAMENT)).mean() < 0.02


@pytest.mark.parametrize("tooth_type", sorted(PULPS_MM3))
def test_pulps_are_as_large_as_in_people(tooth_type: int) -> None:
    axis = np.arange(-8.0, 8.0, _STEP)
    m, b, o = np.meshgrid(axis, axis, np.arange(-30.0, 2.0, _STEP), indexing="ij")
    fdi = 10 + tooth_type if tooth_type <= 8 else 32 + tooth_type
    of_the_young, of_most, of_the_old = [], [], []
    for seed in range(3):
        form = draw_form(tooth_type, np.random.default_rng(seed))
        inside = form.field(m, b, o) < 0
        edt = ndimage.distance_transform_edt
        distance = edt(~inside, sampling=_STEP) - edt(inside, sampling=_STEP)
        for patient, found in ((0.62, of_the_young), (0.735, of_most), (0.85, of_the_old)):
            share = pulp_share_of(fdi, patient)
            part = tooth_tissue(
                fdi, form.crown_height, distance, -form.crown_height, o, share, _STEP
            )
            found.append((part[inside] == tissues.PULP).mean())
    published = PULPS_MM3[tooth_type] / VOLUMES_MM3[tooth_type]
    assert np.mean(of_most) == pytest.approx(published, rel=0.75)
    assert np.mean(of_the_old) < published < np.mean(of_the_young)
