"""The documents: their links lead somewhere, and what they quote is what the program says."""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from phantom_fixture import dentition, segmentation
from ToothSegLib import __version__, cascade
from ToothSegLib.report import SCAN_SHA256, Finding, to_json

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def anchors_of(document: Path) -> set[str]:
    """What GitHub makes of the headings."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ +(.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_a_file_and_a_heading(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", text)
    for link in (written or quoted for written, quoted in links):
        if link.startswith(("https://", "http://")):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_every_page_is_listed_in_the_readme() -> None:
    listed = text_of("README.md").split("\n## Documentation\n")[1].split("\n## ")[0]
    for document in (ROOT / "docs").glob("*.md"):
        assert f"](docs/{document.name})" in listed, document.name


# Their tables name the folder once a row, or above the table; `test_imports.py` holds them.
OF_FOLDERS = ("architecture.md", "slicer-module.md")


@pytest.mark.parametrize(
    "document", [path for path in DOCUMENTS if path.name not in OF_FOLDERS], ids=lambda p: p.name
)
def test_files_and_tests_that_are_named_are_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for name, test in re.findall(r"`([\w/.]+\.py)(?:::(\w+))?`", text):
        folders = (ROOT, ROOT / "ToothSeg", ROOT / "ToothSegLib", ROOT / "Testing")
        found = [folder / name for folder in folders if (folder / name).is_file()]
        assert found, name
        assert f"def {test}" in found[0].read_text(encoding="utf-8"), (name, test)


def test_every_screenshot_is_shown_somewhere() -> None:
    told = "".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    for picture in (ROOT / "Resources" / "Screenshots").iterdir():
        assert f"Resources/Screenshots/{picture.name}" in told, picture.name


def test_the_tutorial_names_the_button_of_a_slicer_without_pytorch() -> None:
    install = text_of("README.md").split("\n### Install\n")[1].split("\n### ")[0]
    panel = text_of("ToothSeg/ToothSegPanel/torch_setup.py")  # it imports Slicer
    (label,) = re.findall(r'^LABEL = "(.*)"$', panel, re.M)
    assert f"**{label}**" in install


def test_what_the_extensions_index_shows_is_one_text() -> None:
    """CMake would make a list of what semicolons part."""
    (description,) = re.findall(r'set\(EXTENSION_DESCRIPTION "(.*)"\)', text_of("CMakeLists.txt"))
    assert ";" not in description
    for told in ("no third molars", "PyTorch is downloaded", "simulated heads", "research use"):
        assert told in description


def variants(node: ast.expr) -> list[str]:
    """The texts that a string may become; what is filled in stands as "\\0"."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else ["\0"]
    if isinstance(node, ast.IfExp):
        return variants(node.body) + variants(node.orelse)
    if isinstance(node, ast.FormattedValue):
        return variants(node.value) if isinstance(node.value, ast.IfExp) else ["\0"]
    if isinstance(node, ast.JoinedStr):
        return ["".join(parts) for parts in itertools.product(*map(variants, node.values))]
    return ["\0"]


def trees() -> Iterator[ast.Module]:
    for folder in ("ToothSegLib", "ToothSeg"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield ast.parse(path.read_text(encoding="utf-8"))


def first_table() -> list[str]:
    """The first cell of each row of the table of findings."""
    table = text_of("docs/findings.md").split("| sentence (code) |")[1].split("\n\n")[0]
    return [row.split(" | ")[0][2:] for row in table.splitlines()[2:]]


def test_every_finding_is_told_by_its_code_and_by_its_sentence() -> None:
    codes: set[str] = set()
    texts: list[str] = []
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
                first = node.args[0] if node.args else None
                codes |= set(variants(first)) if isinstance(first, ast.Constant) else set()
            elif isinstance(node, ast.JoinedStr | ast.Constant):
                texts += variants(node)
    cells = first_table()
    assert set(re.findall(r"`([^`]+)`", " ".join(cells))) == codes
    for sentence in re.findall(r"\*([^*]+)\*", " ".join(cells)):
        words = [re.escape(part.strip()) for part in sentence.split("...")]
        said = re.compile(".*".join(words), re.S)
        assert any(said.search(text) for text in texts), sentence


def test_the_same_figures_stand_in_the_readme_the_benchmark_and_the_card() -> None:
    card = json.loads(text_of("Resources/Models/toothnet/card.json"))
    figures = card["figures"]["simulated, ordinary"]
    told = re.search(
        r"^tooth_dice +(\S+)\nidentification_f1 +(\S+)\nassd_mm +(\S+)$",
        text_of("docs/benchmark.md"),
        re.M,
    )
    assert told is not None
    assert [float(x) for x in told.groups()] == [
        figures["tooth_dice"],
        figures["identification_f1"],
        figures["assd_mm"],
    ]
    readme = text_of("README.md")
    row = (
        f"| {figures['teeth']} | {figures['tooth_dice']:.3f} | {figures['identification_f1']:.3f} |"
    )
    assert row in readme


def test_the_mean_of_the_heads_with_meshes_is_over_teeth_like_the_others() -> None:
    rows = re.findall(r"^9100\d\d (\w+) +(\d+) +(\S+) +(\S+)$", text_of("docs/benchmark.md"), re.M)[
        :10
    ]
    of_meshes = [(int(teeth), float(dice)) for kind, teeth, dice, _ in rows if kind == "atlas_b"]
    assert len(of_meshes) == 5
    mean = sum(n * dice for n, dice in of_meshes) / sum(n for n, _ in of_meshes)
    sentence = text_of("README.md").split("BodyParts3D atlas")[1].split("\n\n")[0]
    assert f"have {mean:.3f} and " in sentence


def test_the_sets_and_steps_of_the_weights_are_those_of_their_record() -> None:
    record = text_of("docs/training-history.md").split("\n## The shipped run\n")[1]
    table = record.split("| steps | cases |")[1].split("\n\n")[0]
    named = re.findall(r"\d of ((?:[a-z], )*[a-z])\b", table)
    sets = {letter for letters in named for letter in letters.split(", ")}
    (steps,) = re.findall(r"^\| to (\S+) \|", table, re.M)[-1:]
    words = {14: "fourteen", 15: "fifteen", 16: "sixteen", 17: "seventeen", 18: "eighteen"}
    said = f"has learned for {steps} steps from {words[len(sets)]} sets of simulated heads"
    assert said in " ".join(text_of("docs/training.md").split())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_two_simulations_of_a_page_write_the_same_cases(document: Path) -> None:
    """The second would leave the first one's alone, whatever its options."""
    told = re.findall(
        r"^ {4}toothseg simulate (?:.*?)-o (\S+)(?:.*?--seed (\d+))?",
        document.read_text("utf-8"),
        re.M,
    )
    cases = [(folder, seed or "0") for folder, seed in told]
    assert len(cases) == len(set(cases)), cases


def test_the_version_to_cite_is_that_of_the_program() -> None:
    assert f"version = {{{__version__}}}" in text_of("README.md")
    assert f"\nversion: {__version__}\n" in text_of("CITATION.cff")


def test_every_key_of_the_report_is_told() -> None:
    report = json.loads(to_json(segmentation(dentition()), files=[], checksums={}))
    table = text_of("docs/command-line.md").split("\n## The report\n")[1].split("\n## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
    assert {key for row in rows for key in re.findall(r"`(\w+)`", row[0])} == set(report)
    told = {re.findall(r"`(\w+)`", row[0])[0]: row[1] for row in rows}
    for part in (report["teeth"][0], report["grid"]):
        name = "grid" if "size" in part else "teeth"
        assert all(f"`{key}`" in told[name] for key in part), name
    finding = asdict(Finding("a", "low", "b"))
    assert all(f"`{key}`" in told["findings"] for key in finding)


def test_every_key_of_the_provenance_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cascade, "device_name", lambda _: "a card")
    bundle: Any = SimpleNamespace(name="one", weights={})
    failed: Any = SimpleNamespace(device="cpu", backend="torch", numbers="float32")
    keys = {*cascade._provenance(bundle, "cuda", "auto", failed, None), SCAN_SHA256, "source"}
    assert {"device_that_failed", "device_name"} <= keys
    (row,) = re.findall(r"^\| `provenance` \|.*$", text_of("docs/command-line.md"), re.M)
    assert keys <= set(re.findall(r"`(\w+)`", row))
