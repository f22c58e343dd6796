"""Gaps close: neighbours move into the place of a lost tooth, and keep their numbers."""

from __future__ import annotations

import numpy as np
import pytest

from ToothSegLib.synthesis.dentition import Dentition, draw_dentition
from ToothSegLib.synthesis.drift import draw_closed, draw_extractions, leaning_into

_THIRDS = {18, 28, 38, 48}


def drawn(seed: int, **wishes: object) -> Dentition:
    return draw_dentition(np.random.default_rng(seed), **wishes)  # type: ignore[arg-type]


def gap(dentition: Dentition, one: int, other: int) -> float:
    """mm between two teeth's crowns, their widths taken off."""
    by_fdi = {tooth.fdi: tooth for tooth in dentition.teeth}
    first, second = by_fdi[one], by_fdi[other]
    away = np.linalg.norm(first.slot.origin[:2] - second.slot.origin[:2])
    return float(away - 0.5 * (first.form.width + second.form.width))


def test_an_orthodontist_takes_out_premolars_of_both_sides_and_leaves_no_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ToothSegLib.synthesis.drift._ORTHODONTIC", 1.0)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        taken = draw_extractions(_THIRDS, rng)
        assert {fdi // 10 for fdi in taken} in ({1, 2}, {1, 2, 3, 4})
        assert len({fdi % 10 for fdi in taken}) == 1
        assert taken <= {
            10 * quadrant + position for quadrant in range(1, 5) for position in (4, 5)
        }
        closed = draw_closed(_THIRDS | taken, taken, rng)
        assert all(closed[fdi] > 0.8 for fdi in taken)
    assert draw_extractions({16}, np.random.default_rng(0)) == set()


def test_only_short_gaps_close_and_third_molars_leave_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ToothSegLib.synthesis.drift._DRIFTED", 1.0)
    lost = {*_THIRDS, 36, 14, 15, 24, 25, 26}
    seen: set[int] = set()
    for seed in range(30):
        closed = draw_closed(lost, (), np.random.default_rng(seed))
        assert all(0.0 < share <= 1.0 for share in closed.values())
        seen |= set(closed)
    assert seen == {36, 14, 15}


def test_the_neighbours_of_a_closed_gap_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ToothSegLib.synthesis.drift._DRIFTED", 0.0)
    wide = drawn(4, absent=(14,))
    monkeypatch.setattr("ToothSegLib.synthesis.dentition.draw_closed", lambda *_: {14: 1.0})
    narrow = drawn(4, absent=(14,))
    assert [tooth.fdi for tooth in narrow.teeth] == [tooth.fdi for tooth in wide.teeth]
    assert gap(wide, 13, 15) > 4.0
    assert gap(narrow, 13, 15) < 2.0
    assert gap(narrow, 23, 24) < 2.0  # and elsewhere nothing came apart
    assert not next(tooth for tooth in narrow.teeth if tooth.fdi == 14).present


def test_a_tooth_leans_to_the_midline_over_a_gap_that_is_half_closed() -> None:
    rng = np.random.default_rng(0)
    leaning = [leaning_into(37, {36: 0.5}, rng) for _ in range(50)]
    assert min(leaning) >= 0.0
    assert np.rad2deg(max(leaning)) > 15.0
    assert leaning_into(37, {36: 1.0}, rng) == 0.0
    assert leaning_into(36, {35: 0.0}, rng) == 0.0
    assert leaning_into(31, {30: 0.5}, rng) == 0.0


def test_leaning_takes_the_crown_to_the_midline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ToothSegLib.synthesis.dentition.draw_closed", lambda *_: {36: 0.5, 16: 0.5}
    )
    monkeypatch.setattr("ToothSegLib.synthesis.dentition.leaning_into", lambda *_: 0.0)
    upright = {tooth.fdi: tooth for tooth in drawn(4, absent=(36, 16)).teeth}
    monkeypatch.setattr(
        "ToothSegLib.synthesis.dentition.leaning_into", lambda fdi, *_: 0.4 * (fdi in (17, 37))
    )
    leaning = {tooth.fdi: tooth for tooth in drawn(4, absent=(36, 16)).teeth}
    for fdi in (17, 37):
        before, after = upright[fdi].slot, leaning[fdi].slot
        towards = (after.frame[:, 2] - before.frame[:, 2]) @ before.frame[:, 0]
        assert towards > 0.3, "its occlusal axis points further to the midline than it did"


def test_an_ordinary_bite_has_no_closed_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("an ordinary bite drifts")

    monkeypatch.setattr("ToothSegLib.synthesis.dentition.draw_closed", refuse)
    monkeypatch.setattr("ToothSegLib.synthesis.dentition.draw_extractions", refuse)
    assert drawn(3, ordinary=True).teeth


def test_the_roots_of_one_patient_are_long_or_short_together() -> None:
    means = []
    for seed in range(12):
        lengths = [tooth.form.root_stretch for tooth in drawn(seed, absent=()).teeth]  # type: ignore[attr-defined]
        means.append(np.mean(lengths))
        assert min(lengths) > 0.4
        assert max(lengths) < 1.6
    # Thirty-two teeth that know nothing of each other would have means within 0.02 of one.
    assert np.std(means) > 0.1
