"""Which cases of an export are of one patient: told by numbers, so that no pseudonym leaves.

    "patients": {"1": ["case-3fe7bf8c230b", "case-90aa8c0d5e11"], "2": ["case-17d2c0b3a4f9"]}

An import gives every number a pseudonym of its own in the data set that it goes to. Other programs
split by case, so an export has folds too, which keep a patient's cases together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from ToothSegLib.dataset.case import DatasetCase
from ToothSegLib.dataset.folder import Dataset
from ToothSegLib.dataset.privacy import OWN_ID
from ToothSegLib.dataset.record import composed, patient_key

PATIENTS = "patients"
"""The key in the other layout's description."""

_MOST_FOLDS = 5


def groups_of(cases: Iterable[DatasetCase]) -> dict[str, list[str]]:
    """Names of the cases of each patient who has a pseudonym, by a number in words."""
    by_key: dict[str, list[str]] = {}
    for case in cases:
        key = patient_key(case.record.patient)
        if key:
            by_key.setdefault(key, []).append(case.id)
    return {str(number): names for number, names in enumerate(by_key.values(), start=1)}


def fold_by_name(cases: Iterable[DatasetCase]) -> dict[str, int]:
    """The fold of each case by its name: five of about as many cases, counted from 0.

    All cases of a patient are in one fold, so there are fewer folds where there are fewer patients.
    A case without a pseudonym is a patient of its own.
    """
    cases = list(cases)
    patients = list(groups_of(cases).values())
    together = {name for names in patients for name in names}
    patients += [[case.id] for case in cases if case.id not in together]
    folds: list[list[str]] = [[] for _ in range(min(_MOST_FOLDS, len(patients)))]
    for names in sorted(patients, key=len, reverse=True):
        min(folds, key=len).extend(names)
    return {name: number for number, names in enumerate(folds) for name in names}


def group_by_name(content: Mapping[str, Any]) -> dict[str, str]:
    """The number of a case's patient by its name; empty where a description tells of none."""
    groups = content.get(PATIENTS)
    if not isinstance(groups, dict):
        return {}  # another program's key, perhaps
    return {
        composed(name): number  # as JSON has it, and a file system may not
        for number, names in groups.items()
        for name in (names if isinstance(names, list) else [])
        if isinstance(name, str)
    }


class Pseudonyms:
    """What the patients of an import are called in a data set.

    Args:
        dataset: where the cases go.
        groups: number of the patient by a case's name in the import.

    Attributes:
        made: pseudonyms that were made up for new cases.
    """

    def __init__(self, dataset: Dataset, groups: Mapping[str, str]) -> None:
        self._groups = groups
        self._by_group: dict[str, str] = {}
        self._met: dict[str, tuple[str, str | None]] = {}
        self._taken = set()
        self.made: list[str] = []
        for case in dataset.cases() if groups else []:
            self._taken.add(patient_key(case.record.patient))
            # A name that the data set has made up is the scan's checksum, so this is that scan.
            if case.id in groups and case.record.patient and OWN_ID.fullmatch(case.id):
                self._by_group.setdefault(groups[case.id], case.record.patient)

    def of(self, name: str) -> str | None:
        """The pseudonym of a new case's patient; None where the import tells of no patient."""
        group = self._groups.get(composed(name))
        if group is None:
            return None
        if group not in self._by_group:
            self.made.append(self._make_up(group))
        return self._by_group[group]

    def _make_up(self, group: str) -> str:
        made = next(word for n in count(1) if (word := f"imported-{n}") not in self._taken)
        self._taken.add(made)
        self._by_group[group] = made
        return made

    def meet(self, name: str, case: DatasetCase) -> None:
        """A case of the import is in the data set already, as ``case``."""
        group = self._groups.get(composed(name))
        if group is not None:
            self._met[case.id] = group, case.record.patient
            if case.record.patient:
                self._by_group.setdefault(group, case.record.patient)

    def apart(self) -> dict[str, str]:
        """Cases that were there under another pseudonym than others of their patient, and that.

        One is made up for those of a patient who has several there, and no pseudonym yet.
        """
        for group, cases in Counter(group for group, _ in self._met.values()).items():
            if cases > 1 and group not in self._by_group:
                self._make_up(group)
        return {
            case_id: self._by_group[group]
            for case_id, (group, recorded) in self._met.items()
            if group in self._by_group
            and patient_key(recorded) != patient_key(self._by_group[group])
        }
