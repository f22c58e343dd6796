"""What may import what: the house's rules, read from the source and tried in a fresh process."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "ToothSegLib"
HEAVY = {"torch", "vtk", "vtkmodules", "SimpleITK", "scipy", "nrrd"}
SLICER = {
    "qt",
    "ctk",
    "slicer",
    "mrml",
    "vtkSegmentationCore",
    "ScriptedLoadableModule",
    "ToothSeg",
}
RUNTIME = {"torch", "numpy", "scipy", "vtk", "vtkmodules", "SimpleITK", "nrrd", "tqdm"}
# These make and measure the networks; a scan's way to its teeth must not need them.
WORKSHOP = ("ToothSegLib.training", "ToothSegLib.synthesis", "ToothSegLib.evaluation")
EVERY_FILE = sorted(LIBRARY.rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """Full names of all that a file imports, at file scope or within functions."""
    package = module_name(path)
    if path.name != "__init__.py":
        package = package.rpartition(".")[0]
    return set(imported_names(path.read_text(encoding="utf-8"), package))


def imported_names(source: str, package: str) -> Iterator[str]:
    parts = package.split(".")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = parts[: len(parts) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def library_file(name: str) -> Path | None:
    """The file of a module of the library, or None for a name within one, or outside."""
    stem = ROOT.joinpath(*name.split("."))
    for path in (stem.with_suffix(".py"), stem / "__init__.py"):
        if name.startswith("ToothSegLib") and path.is_file():
            return path
    return None


def reached_from(name: str) -> dict[str, str]:
    """Every module of the library that ``name`` imports, directly or not, with its importer."""
    start = library_file(name)
    assert start is not None, f"there is no {name}"
    seen, waiting = {name: ""}, [start]
    while waiting:
        path = waiting.pop()
        for imported in imports(path):
            file = library_file(imported)
            if file is not None and imported not in seen:
                seen[imported] = module_name(path)
                waiting.append(file)
    return seen


def loaded_by(module: str) -> set[str]:
    """Top-level names of what a fresh process has loaded after importing a module."""
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


@pytest.mark.parametrize("module", ["ToothSegLib", "ToothSegLib.teeth", "ToothSegLib.errors"])
def test_light_modules_need_the_standard_library_alone(module) -> None:
    assert not loaded_by(module) & (HEAVY | {"numpy", "tqdm"})


def test_the_command_line_answers_without_loading_anything_heavy() -> None:
    assert not loaded_by("ToothSegLib.cli.main") & HEAVY


def test_every_command_describes_itself_without_loading_torch_or_vtk() -> None:
    from ToothSegLib.cli import COMMANDS

    for command in COMMANDS:
        assert not loaded_by(f"ToothSegLib.cli.{command}") & (HEAVY - {"scipy", "nrrd"}), command


@pytest.mark.parametrize("path", EVERY_FILE, ids=module_name)
def test_the_library_knows_neither_qt_nor_slicer(path) -> None:
    assert not {name.split(".")[0] for name in imports(path)} & SLICER


@pytest.mark.parametrize("path", EVERY_FILE, ids=module_name)
def test_the_library_imports_only_its_own_dependencies(path) -> None:
    optional = {"openvino", "itk", "monai"}
    allowed = RUNTIME | optional | {"ToothSegLib"} | set(sys.stdlib_module_names)
    assert {name.split(".")[0] for name in imports(path)} <= allowed


@pytest.mark.parametrize("module", ["ToothSegLib.cascade", "ToothSegLib.outputs"])
def test_a_scan_finds_its_teeth_without_the_workshop(module) -> None:
    reached = reached_from(module)
    assert "ToothSegLib.volume" in reached
    assert not {name: by for name, by in reached.items() if name.startswith(WORKSHOP)}


def test_the_rules_see_relative_imports_and_imports_in_functions() -> None:
    source = "from . import losses\nfrom ..volume import Volume\ndef f():\n    import torch.nn\n"
    names = set(imported_names(source, "ToothSegLib.training"))
    assert {"ToothSegLib.training.losses", "ToothSegLib.volume.Volume", "torch.nn"} <= names
