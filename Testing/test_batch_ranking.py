"""Which results of a batch are most worth a correction."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import ToothSegLib
from batch_fixture import make_batch
from dataset_fixture import TEETH, add_case
from ToothSegLib.batch.entry import Entry
from ToothSegLib.batch.manifest import MANIFEST_NAME
from ToothSegLib.batch.ranking import ranking
from ToothSegLib.batch.reasons import WORDS, reasons_of, remarks_of
from ToothSegLib.batch.record import RECORD_NAME
from ToothSegLib.cli.main import main
from ToothSegLib.dataset.folder import Dataset


def put_result(
    out: Path,
    name: str,
    confidences: dict[int, float],
    findings: tuple[tuple[str, tuple[int, ...]], ...] = (),
    moved_mm: float = 0.0,
    voxels_sha256: str | None = None,
) -> None:
    """A result with these teeth and findings."""
    folder = out / name
    folder.mkdir(parents=True)
    report = {
        "teeth": [
            {"fdi": fdi, "confidence": value, "centroid_lps": [float(fdi), moved_mm, 0.0]}
            for fdi, value in confidences.items()
        ],
        "findings": [{"urgency": urgency, "fdi": list(fdi)} for urgency, fdi in findings],
    }
    (folder / f"{name}-report.json").write_text(json.dumps(report))
    record = {"files": {f"{name}-report.json": 1}, "voxels_sha256": voxels_sha256}
    (folder / RECORD_NAME).write_text(json.dumps(record))


def test_unsure_teeth_and_urgent_findings_come_first(tmp_path: Path) -> None:
    put_result(tmp_path, "sure", {11: 1.0, 12: 1.0})
    put_result(tmp_path, "unsure", {11: 0.9, 12: 0.4})
    put_result(tmp_path, "urgent", {11: 1.0}, (("high", (11, 36)), ("low", (11,))))
    put_result(tmp_path, "remark", {11: 1.0}, (("low", ()),))
    ranked = ranking(tmp_path).scans
    assert [scan.name for scan in ranked] == ["urgent", "unsure", "remark", "sure"]
    assert ranked[0].teeth == [(11, 1.0), (36, 1.0)]
    assert [fdi for fdi, _ in ranked[1].teeth] == [12, 11]
    assert ranked[1].gain == pytest.approx(0.7)
    assert ranked[3].teeth == []


def test_a_scan_in_which_nothing_was_found_comes_before_one_with_fillings(tmp_path: Path) -> None:
    put_result(tmp_path, "fillings", {11: 1.0}, (("low", tuple(range(11, 18))),) * 2)
    put_result(tmp_path, "unsure", dict.fromkeys((11, 12, 13, 14), 0.5))
    put_result(tmp_path, "nothing", {}, (("high", ()),))
    path = tmp_path / "nothing" / "nothing-report.json"
    report = json.loads(path.read_text())
    report["findings"][0]["code"] = "no-teeth"
    path.write_text(json.dumps(report))
    ranked = ranking(tmp_path).scans
    assert [scan.name for scan in ranked] == ["nothing", "unsure", "fillings"]
    assert ranked[0].gain == 28.0


def test_a_name_can_not_command_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a\x1b[31mred", "b\nc"):
        put_result(tmp_path, name, {11: 0.5})
    assert main(["rank", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[2] for line in lines[1:]] == ["a\\x1b[31mred", "b c"]
    (tmp_path / MANIFEST_NAME).write_text(json.dumps({"name": "b\nc", "status": "kept"}))
    assert main(["rank", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith(": a\\x1b[31mred\n")


def test_what_the_last_batch_neither_made_nor_kept_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = []
    for status in ("done", "kept", "failed", "waiting"):
        put_result(tmp_path, status, {11: 0.5})
        lines.append(Entry(status, f"{status}.nrrd", status=status).to_json())
    (tmp_path / MANIFEST_NAME).write_text("\n".join(map(json.dumps, lines)))
    assert [scan.name for scan in ranking(tmp_path).scans] == ["done", "kept"]
    assert main(["rank", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith(
        "2 results are left out, not made or kept by the last batch: failed, waiting\n"
    )
    (tmp_path / MANIFEST_NAME).write_text(json.dumps(lines[2]))
    assert main(["rank", str(tmp_path)]) == 2
    assert "no results of toothseg batch, only those of earlier ones" in capsys.readouterr().err


def test_what_two_bundles_disagree_on_gains(tmp_path: Path) -> None:
    for name, moved in (("one", 0.0), ("two", 1.0)):
        put_result(tmp_path / name, "same", {11: 1.0})
        put_result(tmp_path / name, "other", {11: 1.0, (12 if moved else 13): 1.0}, moved_mm=moved)
        put_result(tmp_path / name, f"only in {name}", {11: 0.95})
    ranked = ranking(tmp_path / "one", tmp_path / "two").scans
    assert [scan.name for scan in ranked] == ["other", "only in one", "same"]
    assert ranked[0].teeth == [(12, 1.0), (13, 1.0), (11, 0.25)]


def test_a_scan_is_found_in_another_batch_by_its_voxels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    put_result(one, "a", {11: 1.0}, voxels_sha256="A")
    put_result(one, "b", {11: 1.0}, voxels_sha256="B")
    put_result(one, "c", {11: 1.0}, voxels_sha256="C")
    put_result(one, "of an older version", {11: 1.0})
    put_result(two, "renamed", {11: 1.0, 12: 1.0}, voxels_sha256="A")
    put_result(two, "b", {13: 1.0}, voxels_sha256="another scan")
    put_result(two, "a copy", {11: 1.0, 14: 1.0}, voxels_sha256="C")
    put_result(two, "c", {11: 1.0, 15: 1.0}, voxels_sha256="C")
    put_result(two, "of an older version", {11: 1.0, 16: 1.0}, voxels_sha256="D")
    put_result(two, "the same", {11: 1.0}, voxels_sha256="C")
    found = ranking(one, two)
    assert {scan.name: [fdi for fdi, _ in scan.teeth] for scan in found.scans} == {
        "a": [12], "b": [], "c": [15], "of an older version": [16],
    }  # fmt: skip
    assert found.alone == 1
    assert main(["rank", str(one), "--against", str(two)]) == 0
    said = f"1 scan is ranked without {two}, which has no result of them\n"
    assert capsys.readouterr().out.endswith(said)


def test_a_batch_of_other_scans_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    put_result(one, "a", {11: 1.0}, voxels_sha256="A")
    put_result(two, "a", {11: 1.0}, voxels_sha256="B")
    assert main(["rank", str(one), "--against", str(two)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{two} holds none of the scans of {one}: name the output of a batch" in err
    assert err.count("\n") == 1


def test_scans_that_are_reviewed_already_are_left_out(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = dict.fromkeys(TEETH, "approved")
    reviewed = add_case(dataset, 1, review=done)
    waiting = add_case(dataset, 2, review={11: "approved"})
    out = tmp_path / "out"
    for name, case in (("reviewed", reviewed), ("waiting", waiting)):
        put_result(out, name, {11: 0.5}, voxels_sha256=case.record.source.voxels_sha256)
    put_result(out, "elsewhere", {11: 0.5}, voxels_sha256="0")
    put_result(out, "of an older version", {11: 0.5})
    assert main(["rank", str(out), "--dataset", str(dataset.folder)]) == 0
    _, *lines, tail = capsys.readouterr().out.splitlines()
    assert [line[7:].split("  ")[0] for line in lines] == [
        "elsewhere", "of an older version", "waiting",
    ]  # fmt: skip
    assert tail == f"1 scan is left out: reviewed in {dataset.folder} already"
    assert main(["rank", str(out)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 4


def test_the_table_and_its_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_result(tmp_path / "out", "scan7", dict.fromkeys(range(11, 18), 0.5))
    put_result(tmp_path / "out", "scan8", {11: 0.99})
    assert main(["rank", str(tmp_path / "out")]) == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == " gain  scan   teeth to look at first (gain)"
    assert second.startswith("  3.5  scan7  11 (0.5), 12 (0.5)")
    assert second.endswith(" and 1 more")
    assert third == "  0.0  scan8"
    assert main(["rank", str(tmp_path / "out"), "--most", "1"]) == 0
    assert "scan8" not in capsys.readouterr().out
    assert main(["rank", str(tmp_path)]) == 2
    assert "holds no results" in capsys.readouterr().err
    (tmp_path / "out" / "scan8" / "scan8-report.json").write_text("{}")
    assert main(["rank", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert "scan7" in out
    assert out.splitlines()[-1].startswith(
        "1 result is left out, not whole: scan8 (KeyError: 'teeth'); toothseg batch, run again, "
    )
    (tmp_path / "out" / "scan7" / RECORD_NAME).write_text("[]")
    assert main(["rank", str(tmp_path / "out")]) == 2
    err = capsys.readouterr().err
    assert "scan7 holds no whole result" in err
    assert err.count("\n") == 1


def test_each_tooth_comes_with_its_most_urgent_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = make_batch(monkeypatch, tmp_path)
    worst, unsure, sure = ranking(out).scans
    assert (worst.name, unsure.name, sure.name) == ("worst", "unsure", "sure")
    assert worst.reasons == {
        11: "only 97 % sure",
        34: "perhaps one tooth in two pieces",
        35: "perhaps one tooth in two pieces",
    }
    assert unsure.reasons[16] == "number unsure"
    assert sure.remarks == []
    report = {
        "teeth": [{"fdi": 11, "confidence": 0.5}],
        "findings": [
            {"code": "no-teeth", "urgency": "high", "fdi": []},
            {"code": "dropped-pieces", "urgency": "low", "fdi": []},
            {"code": "touching-metal", "urgency": "low", "fdi": [11]},
            {"code": "split", "urgency": "medium", "fdi": [11]},
            {"code": "odd-size", "urgency": "medium", "fdi": [11]},
            {"code": "of tomorrow", "urgency": "low", "fdi": [12], "message": "12 is blue."},
        ],
    }
    assert reasons_of(report, {13: 1.0}) == {
        11: WORDS["split"], 12: "12 is blue.", 13: "two models disagree",
    }  # fmt: skip
    assert remarks_of(report) == [WORDS["no-teeth"]]


def test_every_finding_of_the_program_has_its_words() -> None:
    folder = Path(ToothSegLib.__file__).parent
    codes = {
        node.args[0].value
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Finding"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(codes) > 20
    assert codes == set(WORDS)
