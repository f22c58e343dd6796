"""The result and its JSON."""

from __future__ import annotations

import json
from importlib import metadata

import numpy as np
import pytest

from phantom_fixture import dentition, segmentation
from ToothSegLib.errors import InputError
from ToothSegLib.report import (
    Finding,
    Segmentation,
    from_json,
    measure_teeth,
    software_versions,
    to_json,
)
from ToothSegLib.volume import Volume


def test_teeth_are_measured_in_lps_millimetres() -> None:
    array = np.zeros((6, 5, 4), np.uint8)
    array[1:3, 2, 1] = 36
    # i runs to the back, j to the patient's right, k upwards.
    direction = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]], float)
    labels = Volume(array, (0.5, 2.0, 3.0), (10.0, 20.0, 30.0), direction)
    (tooth,) = measure_teeth(labels, {36: 0.8})
    assert (tooth.fdi, tooth.name, tooth.category) == (36, "lower left first molar", "lower molars")
    assert (tooth.voxels, tooth.confidence) == (2, 0.8)
    assert tooth.volume_mm3 == pytest.approx(2 * 0.5 * 2 * 3)
    assert tooth.centroid_lps == pytest.approx((10 - 2 * 2, 20 + 1 * 0.5, 30 + 1.5 * 3))


def test_missing_teeth_are_those_of_the_28_without_a_voxel() -> None:
    result = segmentation(dentition(absent=(12, 47)))
    assert result.missing == [12, 47]
    assert Segmentation(labels=Volume(np.zeros((2, 2, 2), np.uint8))).missing[0] == 11


def test_json_tells_everything_in_a_fixed_order() -> None:
    result = segmentation(dentition(absent=(12,)))
    result.findings = [Finding("b", "low", "later"), Finding("a", "high", "first", (11, 21))]
    result.provenance["checksum"] = {"stage1": "abc"}
    text = to_json(result)
    report = json.loads(text)
    assert list(report)[:5] == ["format", "format_version", "notice", "teeth", "missing"]
    assert [tooth["fdi"] for tooth in report["teeth"]] == sorted(t.fdi for t in result.teeth)
    assert report["missing"] == [12]
    assert [finding["code"] for finding in report["findings"]] == ["a", "b"]
    assert report["provenance"]["checksum"] == {"stage1": "abc"}
    assert report["timings_s"] == {"networks": 1.235}
    assert report["grid"]["size"] == [72, 60, 40]
    result.teeth.reverse()
    assert to_json(result) == text


def test_json_takes_what_numpy_gives() -> None:
    result = segmentation(dentition(absent=(12,)))
    result.provenance = {"box": np.arange(3), "spacing": np.float32(0.5), "seed": np.int64(7)}
    provenance = json.loads(to_json(result))["provenance"]
    assert provenance == {"box": [0, 1, 2], "spacing": 0.5, "seed": 7}


def test_report_reads_back_to_its_rounding() -> None:
    result = segmentation(dentition())
    result.findings = [Finding("touching", "medium", "Look here.", (11, 21))]
    again = from_json(to_json(result), result.labels)
    assert to_json(again) == to_json(result)
    assert again.findings == result.findings
    assert again.teeth[0].centroid_lps == pytest.approx(result.teeth[0].centroid_lps, abs=0.006)


def test_places_of_findings_are_told_to_a_hundredth_and_read_back() -> None:
    result = segmentation(dentition())
    result.findings = [Finding("implant", "medium", "There.", (), ((-7.268, 4.0, 12.5), (1, 2, 3)))]
    report = json.loads(to_json(result))
    assert report["findings"][0]["places_lps"] == [[-7.27, 4.0, 12.5], [1, 2, 3]]
    (again,) = from_json(json.dumps(report), result.labels).findings
    assert again.places_lps == ((-7.27, 4.0, 12.5), (1.0, 2.0, 3.0))
    assert hash(again)
    del report["findings"][0]["places_lps"]  # as older versions wrote it
    assert from_json(json.dumps(report), result.labels).findings[0].places_lps == ()


@pytest.mark.parametrize("places", [[[1, 2]], [1, 2, 3], [[1, 2, "x"]], [[1, 2, float("nan")]]])
def test_places_that_are_none_are_refused(places: object) -> None:
    result = segmentation(dentition())
    result.findings = [Finding("implant", "medium", "There.")]
    report = json.loads(to_json(result))
    report["findings"][0]["places_lps"] = places
    with pytest.raises(InputError, match="no report"):
        from_json(json.dumps(report), result.labels)


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        "{}",
        '{"format": "toothseg-report", "format_version": 2}',
        '{"format": "toothseg-report", "format_version": 1, "teeth": [{"fdi": 11}]}',
        pytest.param("[" * 200_000, id="nested"),
    ],
)
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        from_json(text, dentition())


@pytest.mark.parametrize(
    ("key", "spoilt"), [("findings", ["x"]), ("timings_s", 3), ("provenance", 3)]
)
def test_a_report_with_one_part_spoilt_is_refused(key: str, spoilt: object) -> None:
    result = segmentation(dentition())
    report = json.loads(to_json(result)) | {key: spoilt}
    with pytest.raises(InputError, match="no report"):
        from_json(json.dumps(report), result.labels)


def test_an_urgency_is_one_of_three() -> None:
    with pytest.raises(ValueError, match="urgent"):
        Finding("code", "urgent", "message")  # type: ignore[arg-type]


@pytest.mark.parametrize("optional", [True, False])
def test_versions_name_the_runtime(optional: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    version = metadata.version

    def installed(package: str) -> str:
        if package != "openvino":
            return version(package)
        if optional:
            return "2025.1"
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", installed)
    versions = software_versions()
    assert versions.pop("openvino", None) == ("2025.1" if optional else None)
    assert set(versions) == {
        "toothseg", "python", "numpy", "scipy", "torch", "vtk", "SimpleITK", "pynrrd",
    }  # fmt: skip


def test_what_a_newer_version_says_of_a_finding_is_passed_over() -> None:
    result = segmentation(dentition())
    result.findings = [Finding("touching", "medium", "Look here.", (11, 21))]
    report = json.loads(to_json(result))
    report["findings"][0]["colour"] = "red"
    assert from_json(json.dumps(report), result.labels).findings == result.findings
