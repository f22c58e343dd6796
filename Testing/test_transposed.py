"""A canine and its neighbour in each other's place are numbered by their forms, and told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dentition_fixture import simulated_regions
from quality_fixture import Patient, a_patient
from ToothSegLib.arches.looks import transposed_teeth
from ToothSegLib.numbering import Numbering, number_regions
from ToothSegLib.teeth import type_of


def standing(places: dict[int, np.ndarray], own: float = 0.9) -> Patient:
    """A flawless dentition with some teeth elsewhere; so much of each one's look is its own."""
    patient = a_patient()
    for region in list(patient.regions):
        fdi = region.label - 100
        looks = np.full(17, (1 - own) / 16)
        looks[type_of(fdi)] = own
        patient.change(fdi, type_probabilities=looks, centroid=places.get(fdi, region.centroid))
    patient.numbering = number_regions(patient.regions)
    return patient


def transposed(one: int, other: int) -> dict[int, np.ndarray]:
    patient = a_patient()
    return {one: patient.region(other).centroid, other: patient.region(one).centroid}


def impacted() -> dict[int, np.ndarray]:
    """13 above the roots between 11 and 12, its space closed by the teeth behind it."""
    patient = a_patient()
    at = {fdi: patient.region(fdi).centroid for fdi in (12, 13, 14, 15, 16, 17)}
    closed = {fdi: at[fdi - 1] for fdi in (14, 15, 16, 17)}
    return closed | {13: at[12] + [5.0, 3.0, 8.0]}


@pytest.mark.parametrize(
    ("places", "pair"),
    [
        (transposed(13, 14), (13, 14)),
        (transposed(32, 33), (32, 33)),
        (transposed(22, 23), (22, 23)),
        (impacted(), (12, 13)),
    ],
    ids=["13 and 14", "32 and 33", "22 and 23", "13 impacted past 12"],
)
def test_they_have_the_numbers_of_their_forms_and_are_told(
    places: dict[int, np.ndarray], pair: tuple[int, int]
) -> None:
    patient = standing(places)
    numbering = patient.numbering
    assert numbering.numbers == {region.label: region.label - 100 for region in patient.regions}
    assert numbering.transposed == {fdi + 100 for fdi in pair}
    assert all(numbering.confidence[fdi + 100] <= 0.91 for fdi in pair)
    (finding,) = (f for f in patient.findings() if set(pair) & set(f.fdi) and f.urgency == "high")
    assert (finding.code, set(finding.fdi)) == ("order", set(pair))
    assert "look like their numbers" in finding.message
    assert "transposed" in finding.message


def test_that_they_were_exchanged_is_told_where_neither_is_before_the_other() -> None:
    """Their centres lie in one place along the row, and their confidences are read anew."""
    patient = standing(transposed(13, 14))
    middle = (patient.region(13).centroid + patient.region(14).centroid) / 2
    away = patient.region(13).centroid - patient.region(14).centroid
    patient.change(13, centroid=middle - 0.02 * away)
    patient.change(14, centroid=middle + 0.02 * away)
    patient.numbering = replace(patient.numbering, confidence=dict.fromkeys(range(101, 149), 0.99))
    assert [(f.code, set(f.fdi)) for f in patient.findings()] == [("order", {13, 14})]
    assert patient.numbering.without({147, 113}).transposed == {114}


def test_a_look_that_only_one_of_two_has_exchanges_nothing() -> None:
    patient = a_patient()
    patient.change(13, type_probabilities=np.eye(17)[type_of(14)])
    numbering = number_regions(patient.regions)
    assert numbering.numbers[113] == 13
    assert numbering.transposed == set()


def test_premolars_in_each_others_place_keep_the_numbers_of_their_places() -> None:
    """They are too much alike: rather the networks have taken each for the other."""
    patient = standing(transposed(24, 25))
    assert (patient.numbering.numbers[124], patient.numbering.numbers[125]) == (25, 24)


@pytest.mark.parametrize("other", [12, 14])
def test_networks_that_take_each_for_the_other_exchange_nothing(other: int) -> None:
    """The canine is the larger one still, in its own place."""
    patient = a_patient()
    patient.change(13, type_probabilities=np.eye(17)[type_of(other)])
    patient.change(other, type_probabilities=np.eye(17)[type_of(13)])
    numbering = number_regions(patient.regions)
    assert (numbering.numbers[113], numbering.numbers[other + 100]) == (13, other)
    assert patient.codes().count("number-unsure") == 2


def test_of_what_the_scan_cuts_the_look_exchanges_nothing() -> None:
    patient = standing(transposed(13, 14))
    patient.change(14, cut=True)
    numbering = number_regions(patient.regions)
    assert (numbering.numbers[113], numbering.numbers[114]) == (14, 13)


@pytest.mark.parametrize(
    ("own", "other", "exchanged"), [(0.15, 0.65, True), (0.3, 0.6, False), (0.2, 0.45, False)]
)
def test_how_much_of_the_canines_look_it_takes(own: float, other: float, exchanged: bool) -> None:
    """Of the tooth that stands in the place of 14; the other one looks like 14 and nothing else."""
    patient = a_patient(volumes={14: 1.5})
    looks = np.zeros(17)
    looks[[type_of(14), type_of(13), type_of(15)]] = own, other, 1 - own - other
    patient.change(14, type_probabilities=looks)
    patient.change(13, type_probabilities=np.eye(17)[type_of(14)])
    numbers = {region.label: region.label - 100 for region in patient.regions}
    assert bool(transposed_teeth(patient.regions, numbers)) is exchanged


def test_ordinary_mouths_have_none() -> None:
    for seed in range(3):
        regions, _ = simulated_regions(np.random.default_rng(seed), confusion=0.45)
        assert number_regions(regions).transposed == set()


def test_an_impacted_canine_behind_its_neighbour_is_told_by_its_form() -> None:
    """It is out of its row and numbered by its look; nothing was exchanged."""
    patient = standing({})
    patient.change(13, centroid=patient.region(12).centroid + [9.0, 4.0, 11.0])
    patient.numbering = Numbering(
        {region.label: region.label - 100 for region in patient.regions},
        {region.label: 0.95 for region in patient.regions},
    )
    (finding,) = (f for f in patient.findings() if f.code == "order")
    assert (set(finding.fdi), finding.urgency) == ({12, 13}, "high")
    assert "look like their numbers" in finding.message
