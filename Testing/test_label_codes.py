"""Which tooth a label of another data set is, by its name: never another one than was meant."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ToothSegLib.dataset.label_codes import fdi_by_value
from ToothSegLib.dataset.record import REVIEW_ORDER
from ToothSegLib.errors import InputError


@pytest.mark.parametrize(
    ("name", "fdi"),
    [
        ("36", 36),
        ("FDI36", 36),
        ("tooth-36", 36),
        ("UR6", 16),
        ("UR-6", 16),
        ("#36", 36),
        ("36 lower left first molar", 36),
        ("14 upper left first molar", 26),  # by the Universal system
        ("Upper Left Third Molar (Wisdom Tooth)", 28),
        ("implant 41", None),
        ("crown of 42", None),
        ("root canal 43", None),
        ("implant at the upper right first molar", None),
        ("tooth_51", None),
        ("#3", None),
        ("tooth-3", None),
        ("3 tooth", None),
        ("FDI-5", None),
        ("имплант 36", None),
        ("インプラント36", None),
        ("upper right first molar, upper right second molar", None),
    ],
)
def test_a_label_is_a_tooth_only_if_its_name_says_no_more(name: str, fdi: int | None) -> None:
    teeth, others = fdi_by_value({"background": 0, name: 1, "lower right second molar": 2})
    assert teeth == {0: 0, 1: fdi or 0, 2: 47}
    assert others == ({} if fdi else {name: 1})


@pytest.mark.parametrize(
    "pattern",
    ["tooth_{}", "Tooth {:02}", "{}", "FDI{}", "#{}", "Tooth #{}", "tooth-{}", "({})", "{} tooth"],
)
@pytest.mark.parametrize("numbers", [range(1, 33), range(17, 33), (3, 14, 19, 30)], ids=str)
def test_universal_tooth_numbers_are_refused(pattern: str, numbers: Sequence[int]) -> None:
    names = {pattern.format(number): number for number in numbers}
    with pytest.raises(InputError, match="look like Universal tooth numbers: rename them to FDI"):
        fdi_by_value({"background": 0, **names})
    names = {pattern.format(fdi): fdi for fdi in REVIEW_ORDER}
    assert fdi_by_value({"background": 0, "bone 1": 1, **names})[1] == {"bone 1": 1}


def test_numbers_beside_other_words_are_no_teeth() -> None:
    names = {f"T-{number} (tooth)": number for number in range(1, 33)}
    with pytest.raises(InputError, match="none of the labels is a tooth"):
        fdi_by_value({"background": 0, **names})


def test_a_number_that_contradicts_the_words_is_refused() -> None:
    with pytest.raises(InputError, match="'15 upper left first molar' is another tooth by its"):
        fdi_by_value({"background": 0, "15 upper left first molar": 1})


@pytest.mark.parametrize(
    "names",
    [
        {"tooth_36": 1, "tooth_37": 1},
        {"jaw": 1, "tooth_36": 1, "tooth_37": 2},
        {"tooth_36": 0, "tooth_37": 1},
        {"tooth_36": 1, "ignore": 1},
    ],
    ids=["two teeth", "a tooth and none", "a tooth and background", "a tooth and unlabelled"],
)
def test_one_value_for_two_meanings_is_refused(names: dict[str, int]) -> None:
    with pytest.raises(InputError, match=r"the labels '.+' and '.+' have the same value, [01]: "):
        fdi_by_value({"background": 0, **names})


def test_one_value_may_have_two_names_for_one_thing() -> None:
    names = {"background": 0, "air": 0, "36": 1, "tooth_36": 1, "jaw": 2, "bone": 2}
    assert fdi_by_value(names)[0] == {0: 0, 1: 36, 2: 0}
