"""What the networks say of prostheses, beside the brightness of cores."""

from __future__ import annotations

import pytest

from implant_fixture import SCREW, TOOTH, steady, told
from ToothSegLib.separation.cores import Core

FADING = steady(1.2, 2.0, 4.0)


@pytest.mark.parametrize(
    ("core", "prosthesis", "letter"),
    [
        (SCREW, 0.6, "I"),
        (SCREW, 0.11, "I"),
        (SCREW, 0.02, "?"),
        (FADING, 0.6, "?"),
        (FADING, 0.1, "?"),
        (FADING, 0.01, "-"),
        (TOOTH, 0.3, "?"),
        (TOOTH, 0.1, "-"),
    ],
)
def test_beside_teeth_two_witnesses_must_agree(
    core: Core, prosthesis: float, letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [0.01, 0.01, 0.01, prosthesis]
    assert told(monkeypatch, TOOTH, TOOTH, TOOTH, core, prostheses=said) == f"---{letter}"


@pytest.mark.parametrize(("prosthesis", "letter"), [(0.12, "?"), (0.24, "?"), (0.6, "I")])
def test_of_a_crown_that_the_view_cuts_brightness_says_nothing(
    prosthesis: float, letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [0.01, 0.01, 0.01, prosthesis]
    cores = (TOOTH, TOOTH, TOOTH, SCREW)
    assert told(monkeypatch, *cores, prostheses=said, cut=[3]) == f"---{letter}"


def test_without_teeth_less_is_enough_for_an_implant(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, *[SCREW] * 4, prostheses=[0.07] * 4) == "IIII"
    said = [0.01, 0.01, 0.01, 0.07]
    assert told(monkeypatch, TOOTH, TOOTH, TOOTH, SCREW, prostheses=said) == "---?"


@pytest.mark.parametrize(("prosthesis", "letter"), [(0.1, "?"), (0.3, "I")])
def test_without_teeth_a_look_and_some_brightness_are_an_implant(
    prosthesis: float, letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(monkeypatch, SCREW, FADING, prostheses=[0.6, prosthesis]) == f"I{letter}"


def test_crumbs_tell_nothing_of_dentine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those in the shadows of implants are dull; beside teeth as dull as they are it is a doubt."""
    cores, said = (TOOTH, TOOTH, TOOTH, SCREW, FADING), [0.01, 0.01, 0.01, 0.06, 0.3]
    assert told(monkeypatch, *cores, prostheses=said) == "---??"
    assert told(monkeypatch, *cores, prostheses=said, small=[0, 1, 2]) == "...II"


def test_beside_implants_crumbs_alone_are_no_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    cores, said = (SCREW, TOOTH, TOOTH), [0.6, 0.01, 0.01]
    assert told(monkeypatch, *cores, prostheses=said, small=[1, 2]) == "I.."
    assert told(monkeypatch, *cores, prostheses=said, small=[1]) == "I--"
    assert told(monkeypatch, *cores, prostheses=said, small=[1, 2], cut=[2]) == "I--"
    assert told(monkeypatch, *cores[1:], prostheses=said[1:], small=[0, 1]) == "--"


PORCELAIN = steady(1.2, 1.3, 1.35)


def test_among_implants_what_has_no_look_of_a_tooth_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = [0.6, 0.6, 0.6, 0.01, 0.1]
    screws = [SCREW] * 3
    assert told(monkeypatch, *screws, PORCELAIN, FADING, prostheses=said) == "IIIAA"
    # One tooth with enamel, and the others may be some as well.
    assert told(monkeypatch, *screws, TOOTH, FADING, prostheses=said) == "III-?"
    # What the view cuts may be a tooth, but tells nothing of the others.
    assert told(monkeypatch, *screws, PORCELAIN, FADING, prostheses=said, cut=[3]) == "III-A"
    assert told(monkeypatch, *screws, TOOTH, FADING, prostheses=said, cut=[3]) == "III-A"
    # Two implants are no bridge from one end of a jaw to the other.
    assert told(monkeypatch, *screws[1:], PORCELAIN, FADING, prostheses=said[1:]) == "II-?"
    assert told(monkeypatch, *screws, PORCELAIN, FADING, prostheses=said, small=[3]) == "III.A"


def test_a_tooth_among_implants_is_told_by_enamel_and_pulp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The networks say a little of a prosthesis of many a tooth with a crown."""
    screws, crowned = [SCREW] * 4, [TOOTH] * 2
    assert told(monkeypatch, *screws, *crowned, prostheses=[0.6] * 4 + [0.06] * 2) == "IIII--"
    assert told(monkeypatch, *screws, *crowned, prostheses=[0.6] * 4 + [0.12] * 2) == "IIIIAA"
    dull = steady(1.0, 1.1, 1.35)
    assert told(monkeypatch, *screws, dull, prostheses=[0.6] * 4 + [0.01]) == "IIII-"
    assert told(monkeypatch, *screws, dull, prostheses=[0.6] * 4 + [0.06]) == "IIIIA"


def test_among_implants_what_is_smaller_than_any_incisor_is_no_tooth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = [0.6] * 3 + [0.01]
    for mm3, letter in ((120.0, "A"), (160.0, "-")):
        cores = [SCREW] * 3 + [TOOTH]
        assert (
            told(monkeypatch, *cores, prostheses=said, small=[3], small_mm3=mm3) == f"III{letter}"
        )


def test_teeth_of_one_jaw_make_none_of_the_pontics_of_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cores = [*[SCREW] * 3, PORCELAIN, FADING, *[TOOTH] * 2]
    said = [*[0.6] * 3, 0.04, 0.1, 0.01, 0.01]
    assert told(monkeypatch, *cores, prostheses=said, lower=[5, 6]) == "IIIAA--"
    assert told(monkeypatch, *cores, prostheses=said) == "III-?--"
    # Two implants in a jaw, of which all else has teeth, may stand beside a bridge on teeth.
    assert told(monkeypatch, *cores, prostheses=said, lower=[2, 5, 6]) == "III-?--"


def test_in_a_small_view_with_little_bone_teeth_stay_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    # Everything is bright in units of what is beside it, and even, as dentine is.
    bright = steady(2.2, 2.25, 3.6)
    assert told(monkeypatch, *[bright] * 8, prostheses=[0.01] * 8) == 8 * "-"
    assert told(monkeypatch, *[bright] * 8, prostheses=[0.4] * 8) == 8 * "I"


def test_an_implant_in_a_small_view_is_told_by_its_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bright = steady(2.2, 2.25, 3.6)
    said = [0.01] * 4 + [0.5]
    assert told(monkeypatch, *[bright] * 4, SCREW, prostheses=said) == "----I"


def test_where_the_networks_see_implants_there_may_be_any_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A whole row that is bright is one of teeth in dull bone, if its look does not gainsay it."""
    assert told(monkeypatch, *[SCREW] * 24, prostheses=[0.12] * 24) == 24 * "I"
    assert told(monkeypatch, *[SCREW] * 24, prostheses=[0.07] * 24) == 24 * "-"
    assert told(monkeypatch, *[SCREW] * 24) == 24 * "-"


def test_crumbs_make_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    cores, said = [*[SCREW] * 19, *[TOOTH] * 3], [0.06] * 19 + [0.01] * 3
    assert told(monkeypatch, *cores, prostheses=said, small=[19, 20, 21]) == 19 * "I" + 3 * "."
