"""From the brightness of cores to implants, each part of the rule by itself."""

from __future__ import annotations

import pytest

from implant_fixture import SCREW, TOOTH, steady, told
from ToothSegLib.separation.cores import Core, Part

TOOTH_IN_DULL_BONE = steady(2.1, 2.6, 3.2)
FADING = Part(1.2, 1.4, 1.6, 1.8, 2.0)


@pytest.mark.parametrize(
    ("core", "innermost", "letter"),
    [
        (Part(1.8, 1.8, 1.9, 1.9, 2.0), Part(1.8, 1.8, 1.9, 2.0, 2.1), "I"),
        (Part(1.7, 1.7, 1.8, 1.8, 1.9), Part(1.7, 1.7, 1.8, 1.9, 2.0), "?"),
        (FADING, Part(1.85, 1.9, 1.9, 1.9, 1.9), "I"),
        (Part(2.0, 2.1, 2.2, 2.6, 4.0), Part(2.0, 2.1, 2.6, 3.0, 4.0), "I"),
        (FADING, Part(2.1, 2.2, 2.2, 2.6, 4.0), "I"),
        (Part(1.7, 1.8, 1.8, 2.3, 4.0), Part(1.7, 1.8, 1.8, 2.3, 4.0), "?"),
        (Part(2.0, 2.3, 2.6, 3.0, 4.0), Part(2.1, 2.3, 2.6, 3.0, 4.0), "?"),
        (FADING, FADING, "?"),
        (Part(1.3, 1.3, 1.3, 1.3, 1.4), Part(1.3, 1.3, 1.3, 1.3, 1.4), "-"),
    ],
    ids=["one material", "one that is dull", "one within", "two materials", "two within",
         "two that are dull", "bright but fading", "fading", "even, but no brighter than enamel"],
)  # fmt: skip
def test_beside_teeth(
    core: Part, innermost: Part, letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    which = Core(core, innermost, 4.0, core.middle)
    assert told(monkeypatch, TOOTH, TOOTH, TOOTH, which) == f"---{letter}"


def test_teeth_without_visible_enamel_are_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = steady(1.1, 1.2, 1.2)
    assert told(monkeypatch, plain, plain, plain, steady(1.23, 1.24, 1.3)) == "----"


def test_crowned_neighbours_make_no_implant_a_tooth(monkeypatch: pytest.MonkeyPatch) -> None:
    crowned = steady(1.0, 1.2, 6.0)
    cores = [TOOTH, TOOTH, crowned, crowned, crowned, steady(2.5, 2.6, 2.7)]
    assert told(monkeypatch, *cores) == "-----I"


def test_without_teeth_less_of_a_likeness_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = Core(Part(2.0, 2.1, 2.3, 3.0, 4.0), Part(2.1, 2.2, 2.5, 3.0, 4.0), 4.5, 4.0)
    assert told(monkeypatch, SCREW, SCREW, SCREW, mixed) == "IIII"
    assert told(monkeypatch, TOOTH, TOOTH, TOOTH, mixed) == "---?"


def test_a_pulp_in_most_of_them_is_a_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, TOOTH_IN_DULL_BONE, TOOTH_IN_DULL_BONE) == "??"


def test_a_whole_row_in_dull_bone_is_a_row_of_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = [*[TOOTH_IN_DULL_BONE] * 21, SCREW]
    assert told(monkeypatch, *cores) == 21 * "-" + "I"


def test_more_implants_than_anybody_has_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, *[TOOTH] * 3, *[SCREW] * 21) == "---" + 21 * "?"
    assert told(monkeypatch, *[TOOTH] * 3, *[SCREW] * 20) == "---" + 20 * "I"


def test_cores_at_the_end_of_the_scale_tell_nothing_of_dentine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert told(monkeypatch, *[steady(1.5, 1.5, 1.5)] * 4, end=1.5) == "IIII"
    assert told(monkeypatch, *[steady(1.5, 1.5, 1.5)] * 4, end=4.0) == "----"
    assert told(monkeypatch, *[steady(1.3, 1.3, 1.3)] * 4, end=1.3) == "----"


def test_what_is_wholly_at_the_end_of_a_scale_that_ends_in_enamel_is_an_implant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end = 2.8
    tooth, screw = steady(0.6, 2.2, end), steady(end, end, end)
    crowned = Core(Part(1.2, 1.9, end, end, end), Part(2.3, 2.7, end, end, end), end, end)
    assert told(monkeypatch, *[tooth] * 3, screw, crowned, end=end) == "---I?"
    assert told(monkeypatch, *[tooth] * 3, screw, end=end, prostheses=[0, 0, 0, 0.12]) == "---I"
    assert told(monkeypatch, *[tooth] * 3, screw, end=end, prostheses=[0, 0, 0, 0.07]) == "---?"
    # Where dentine is nearly as bright as the scale goes, teeth may be at its end, too.
    bright = Core(Part(0.6, 1.0, 1.5, 2.0, 2.6), Part(0.6, 1.0, 1.5, 2.0, 2.6), end, 2.6)
    assert told(monkeypatch, *[bright] * 3, screw, end=end) == "---?"
