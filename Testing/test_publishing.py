"""What waits for the repository to be public: its workflow, and what is still to be filled in."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACEHOLDERS = ("OWNER/", "The ToothSeg contributors", "The ToothSeg developers")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_a_pull_request_is_tested_by_the_oldest_and_the_newest_python() -> None:
    workflow = text_of(".github/workflows/tests.yml")
    assert re.search(r"^  pull_request:$", workflow, re.M)
    assert re.search(r"^permissions:\n  contents: read$", workflow, re.M)
    assert re.search(r"^        run: \.ci/run$", workflow, re.M)
    (matrix,) = re.findall(r"python: \[(.*)\]", workflow)
    (looked_for,) = re.findall(r"for python in \$\(PYTHON\) (.*?) python3 ", text_of("Makefile"))
    newest, *_, oldest = looked_for.split()
    assert [f"python{version}" for version in re.findall(r"[\d.]+", matrix)] == [oldest, newest]


def test_what_is_to_be_filled_in_is_listed() -> None:
    rows = [line for line in text_of("docs/publishing.md").splitlines() if line.startswith("| `")]
    listed = {row.split("`")[1]: row for row in rows}
    for name in (
        "CITATION.cff", "CMakeLists.txt", "SECURITY.md", "ToothSeg/ToothSeg.py",
        "docs/extension-index/ToothSeg.json",
    ):  # fmt: skip
        for word in PLACEHOLDERS:
            assert word not in text_of(name) or name in listed, (name, word)
    assert "EXTENSION_CONTRIBUTORS" in listed["CMakeLists.txt"]
    assert "the reference of the article" in listed["docs/article.md"]
    assert "DOI" in listed["docs/article.md"] or "doi.org" in text_of("docs/article.md")
    project = text_of("pyproject.toml")
    for key in ("authors", "[project.urls]"):
        there = re.search(rf"^{re.escape(key)}", project, re.M) is not None
        assert there or f"`{key}`" in listed["pyproject.toml"], key


def test_desktop_slicer_has_a_display_and_its_windows_installer_gets_its_options() -> None:
    """bash of MSYS makes paths of what begins with a slash."""
    lines = [line.strip() for line in text_of(".github/workflows/slicer.yml").splitlines()]
    started = [line for line in lines if '"$SLICER"' in line]
    assert started
    for line in started:
        assert line.startswith('"${display[@]}" '), line
    (installer,) = (line for line in lines if " /S " in line and not line.startswith("#"))
    assert "MSYS2_ARG_CONV_EXCL='*' ./slicer-package.exe /S" in installer
