from __future__ import annotations

from pathlib import Path

import pytest

from ToothSegLib import resources
from ToothSegLib.resources import resource_path

ROOT = Path(__file__).resolve().parents[1]


def test_a_checkout_has_its_resources_at_the_top_level() -> None:
    assert resource_path("Models") == ROOT / "Resources" / "Models"
    assert resource_path() == ROOT / "Resources"


def test_an_installed_package_has_its_own(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ToothSegLib" / "Resources").mkdir(parents=True)
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "ToothSegLib")
    expected = tmp_path / "ToothSegLib" / "Resources" / "Samples" / "a.nrrd"
    assert resource_path("Samples", "a.nrrd") == expected


def test_the_extension_has_its_resources_beside_the_package(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The module's own Resources, with icons and panel, is the same folder.
    (tmp_path / "ToothSegLib").mkdir()
    (tmp_path / "Resources" / "Icons").mkdir(parents=True)
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "ToothSegLib")
    assert resource_path("Models") == tmp_path / "Resources" / "Models"
