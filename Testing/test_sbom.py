"""The bill of materials names every package, every weight and a licence for each."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("packaging")
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def bill() -> dict:
    run = subprocess.run(
        [sys.executable, "docs/make_sbom.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout)


def test_all_that_toothseg_requires_is_listed_with_a_licence(bill: dict) -> None:
    packages = {entry["name"]: entry for entry in bill["components"] if entry["type"] == "library"}
    assert {"torch", "numpy", "scipy", "vtk", "simpleitk", "pynrrd", "tqdm"} <= set(packages)
    # Not of the tests alone.
    assert not {"pytest", "ruff", "mypy", "hypothesis"} & set(packages)
    for entry in packages.values():
        (licence,) = entry["licenses"]
        assert licence.get("expression") or licence["license"]["name"] != "not stated", entry


def test_every_reference_is_to_something_listed_once(bill: dict) -> None:
    refs = ["toothseg", *(entry["bom-ref"] for entry in bill["components"])]
    assert len(refs) == len(set(refs))
    for edge in bill["dependencies"]:
        assert {edge["ref"], *edge["dependsOn"]} <= set(refs)


def test_weights_and_samples_are_listed_with_their_true_checksums(bill: dict) -> None:
    digests = {entry["hashes"][0]["content"] for entry in bill["components"] if "hashes" in entry}
    files = [
        *(ROOT / "Resources/Models").glob("*/*.safetensors"),
        *(ROOT / "Resources/Samples").iterdir(),
    ]
    assert digests == {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_environment_gives_the_same_bill(bill: dict) -> None:
    again = subprocess.run(
        [sys.executable, "docs/make_sbom.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(again.stdout) == bill
