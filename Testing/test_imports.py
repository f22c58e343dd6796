"""What may import what: the house's rules, read from the source and tried in a fresh process."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "ToothSegLib"
HEAVY = {"torch", "vtk", "vtkmodules", "SimpleITK", "scipy", "nrrd", "openvino"}
# What `--help` must not wait for.
SLOW = HEAVY | {"numpy", "tqdm", "matplotlib", "itk", "importlib.metadata", "asyncio"}
MODULE = ROOT / "ToothSeg"
QT = {"qt", "ctk", "PythonQt", "PySide6"}
SLICER = {
    "slicer",
    "mrml",
    "vtkSegmentationCore",
    "vtkITK",
    "ScriptedLoadableModule",
    "SampleData",
    "PyTorchUtils",
    "ToothSeg",
    "ToothSegPanel",
    "ToothSegScene",
}
RUNTIME = {"torch", "numpy", "scipy", "vtk", "vtkmodules", "SimpleITK", "nrrd", "tqdm"}
# These make and measure the networks; a scan's way to its teeth must not need them.
WORKSHOP = ("ToothSegLib.training", "ToothSegLib.synthesis", "ToothSegLib.evaluation")
# Which other folders each may import. The files at the top of the library may import those of the
# core, and the files of any folder may import them, as long as nothing goes round in a circle.
CORE: dict[str, set[str]] = {
    "disk": set(),
    "machine": set(),
    "meshes": {"disk"},
    "editing": {"grids"},
    "bundles": {"disk"},
    "grids": {"machine"},
    "formats": {"disk", "grids", "machine"},
    "compute": {"bundles", "machine"},
    "arches": {"machine"},
    "quality": {"arches", "grids"},
    "separation": {"arches", "grids", "machine"},
    "drawing": {"arches", "disk", "grids"},
    "results": {"disk", "drawing", "formats", "machine", "meshes"},
    "jobs": {"compute", "grids", "machine"},
}
BESIDE_THE_CORE: dict[str, set[str]] = {
    "synthesis": {*CORE},
    "dataset": {*CORE},
    "batch": {*CORE, "dataset"},
    "evaluation": {*CORE, "dataset", "synthesis"},
    "training": {*CORE, "dataset", "synthesis", "evaluation"},
    "cli": set(),
}
MAY_IMPORT = CORE | BESIDE_THE_CORE
DOORS = {"cli", "__main__"}  # these may import all
EVERY_FILE = sorted(LIBRARY.rglob("*.py"))
PANEL_FILES = sorted((MODULE / "ToothSegPanel").glob("*.py"))
SCENE_FILES = sorted((MODULE / "ToothSegScene").glob("*.py"))
NUMERICS = {"numpy", "scipy", "torch", "SimpleITK", "nrrd"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(path: Path) -> frozenset[str]:
    """Full names of all that a file imports, at file scope or within functions."""
    package = module_name(path)
    if path.name != "__init__.py":
        package = package.rpartition(".")[0]
    return frozenset(imported_names(path.read_text(encoding="utf-8"), package))


def top_names(names: Iterable[str]) -> set[str]:
    """`vtkmodules.util.numpy_support` gives `vtkmodules`."""
    return {name.split(".")[0] for name in names}


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


def test_help_waits_for_nothing() -> None:
    from ToothSegLib.cli import COMMANDS

    for words in ([], *([command] for command in COMMANDS)):
        code = (
            "import sys, ToothSegLib.cli.main as cli\n"
            f"try: cli.main({[*words, '--help']})\n"
            "except SystemExit as end: assert end.code == 0, end.code\n"
            "print('loaded:', *sys.modules)"
        )
        run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
        assert (run.returncode, run.stderr) == (0, ""), words
        said, _, loaded = run.stdout.rpartition("loaded:")
        assert "usage: toothseg" in said
        assert not set(loaded.split()) & SLOW, words


def test_every_command_describes_itself_without_loading_torch_or_vtk() -> None:
    from ToothSegLib.cli import COMMANDS

    for command in COMMANDS:
        assert not loaded_by(f"ToothSegLib.cli.{command}") & (HEAVY - {"scipy", "nrrd"}), command


def test_a_scan_is_read_before_large_libraries_are_loaded() -> None:
    # What the command imports before it calls `segment_file`, which loads the rest meanwhile.
    names = [name for name in imports(LIBRARY / "cli" / "segment.py") if library_file(name)]
    assert "ToothSegLib.segment_file" in names
    assert not loaded_by(", ".join(names)) & HEAVY


@pytest.mark.parametrize("module", ["ToothSegLib.cascade", "ToothSegLib.results.outputs"])
def test_torch_is_loaded_by_what_computes_with_it_alone(module: str) -> None:
    assert not loaded_by(module) & {"torch", "openvino"}


def offenders(files: Iterable[Path], forbidden: Callable[[Path], set[str]]) -> dict[str, list[str]]:
    """Of each file that breaks a rule, by its name, what it must not import."""
    found = {str(path.relative_to(ROOT)): sorted(forbidden(path)) for path in files}
    return {name: bad for name, bad in found.items() if bad}


def test_the_library_knows_neither_qt_nor_slicer() -> None:
    def theirs(path: Path) -> set[str]:
        classes = {name for name in imports(path) if "vtkMRML" in name or "vtkSlicer" in name}
        return top_names(imports(path)) & (SLICER | QT) | classes

    assert offenders(EVERY_FILE, theirs) == {}


def test_the_library_imports_only_its_own_dependencies() -> None:
    optional = {"openvino", "itk", "distributed"}
    allowed = RUNTIME | optional | {"ToothSegLib"} | set(sys.stdlib_module_names)
    assert offenders(EVERY_FILE, lambda path: top_names(imports(path)) - allowed) == {}


@pytest.mark.parametrize("module", ["ToothSegLib.cascade", "ToothSegLib.results.outputs"])
def test_a_scan_finds_its_teeth_without_the_workshop(module) -> None:
    reached = reached_from(module)
    assert "ToothSegLib.volume" in reached
    assert not {name: by for name, by in reached.items() if name.startswith(WORKSHOP)}


def test_a_file_imports_only_the_folders_that_its_own_may() -> None:
    def others(path: Path) -> set[str]:
        home = top_folder(module_name(path))
        folders = {top_folder(name) for name in imports(path) if library_file(name)}
        return folders & set(MAY_IMPORT) - MAY_IMPORT.get(home, {*CORE}) - {home}

    held = [path for path in EVERY_FILE if top_folder(module_name(path)) not in DOORS]
    assert offenders(held, others) == {}


def test_no_folder_and_no_file_at_the_top_imports_itself_by_way_of_others() -> None:
    graph: dict[str, set[str]] = {}
    for path in EVERY_FILE:
        home = top_folder(module_name(path))
        used = {top_folder(name) for name in imports(path) if library_file(name)}
        graph.setdefault(home, set()).update(used - {home, ""})
    assert {*CORE, "cascade", "volume"} <= set(graph)
    TopologicalSorter(graph).prepare()  # a CycleError names those that go round


def top_folder(module: str) -> str:
    """`ToothSegLib.batch.run` gives `batch`; for a file of the core its own name."""
    return (module.split(".") + [""])[1]


def test_every_folder_of_the_library_has_its_place() -> None:
    folders = {path.parent.name for path in LIBRARY.glob("*/__init__.py")}
    assert folders == {*MAY_IMPORT}


def test_every_file_of_the_library_is_in_the_map() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    first = {name for line in lines for name in re.findall(r"`([\w/]+)\.py`", line.split("|")[1])}
    told = {name.rpartition("/")[2] for name in first}
    files = {path.stem for path in EVERY_FILE if path.parent.name != "cli"} - {"__init__"}
    assert files - told == set()
    assert told - files == set()


def at_file_scope(tree: ast.Module) -> Iterator[ast.stmt]:
    """Statements that run when a file is imported: those of functions and methods do not."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                continue
            if isinstance(node, ast.stmt):
                yield node
            waiting.append(node)


def module_file() -> ast.Module:
    return ast.parse((MODULE / "ToothSeg.py").read_text(encoding="utf-8"))


def names_imported_by(nodes: Iterable[ast.AST]) -> set[str]:
    found = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
    return set(imported_names(ast.unparse(ast.Module(list(found), [])), "ToothSeg"))


def test_slicer_loads_next_to_nothing_with_the_module() -> None:
    allowed = {"slicer", "qt", "ctk", "vtk"} | set(sys.stdlib_module_names)
    names = names_imported_by(at_file_scope(module_file()))
    assert "slicer.ScriptedLoadableModule.ScriptedLoadableModule" in names
    assert top_names(names) <= allowed


def test_nothing_is_installed_downloaded_or_started_with_the_module() -> None:
    source = (MODULE / "ToothSeg.py").read_text(encoding="utf-8")
    assert "pip_install" not in source
    called = {
        ast.unparse(node.value.func)
        for node in at_file_scope(module_file())
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    }
    # A checkout has the library one folder up.
    assert called <= {"sys.path.append"}


def test_the_widget_holds_no_numerics() -> None:
    classes = {node.name: node for node in module_file().body if isinstance(node, ast.ClassDef)}
    assert "ToothSegWidget" in classes
    # The self-test alone may count voxels.
    rest = [node for node in module_file().body if getattr(node, "name", "") != "ToothSegTest"]
    names = names_imported_by(inner for node in rest for inner in ast.walk(node))
    assert not top_names(names) & NUMERICS


def names_of_the_module(path: Path) -> set[str]:
    """The packages that a file of the module's imports, of its own folder's too."""
    return top_names(imported_names(path.read_text(encoding="utf-8"), path.parent.name))


def test_the_panel_holds_no_numerics() -> None:
    forbidden = NUMERICS | {"vtkmodules"}
    assert offenders(PANEL_FILES, lambda path: names_of_the_module(path) & forbidden) == {}


def test_the_scene_knows_no_qt_no_panel_and_no_networks() -> None:
    forbidden = QT | {"torch", "ToothSeg", "ToothSegPanel"}
    assert offenders(SCENE_FILES, lambda path: names_of_the_module(path) & forbidden) == {}


def test_there_are_files_to_hold_to_the_rules() -> None:
    assert len(EVERY_FILE) > 100
    assert len(PANEL_FILES) > 3
    assert len(SCENE_FILES) > 3
    files = offenders(EVERY_FILE, lambda path: top_names(imports(path)) & {"torch"})
    assert files[str(Path("ToothSegLib", "toothnet.py"))] == ["torch"]


def test_what_runs_at_import_is_seen_and_what_functions_hold_is_not() -> None:
    source = (
        "import os\nif os:\n    import torch\nclass A:\n    def f(self):\n        import numpy\n"
    )
    assert names_imported_by(at_file_scope(ast.parse(source))) == {"os", "torch"}


def test_slicers_python_has_what_a_run_needs() -> None:
    # Slicer brings numpy, scipy, vtk and SimpleITK, its PyTorch extension torch.
    lacks = "sys.modules['nrrd'] = sys.modules['tqdm'] = None"
    for module in ("ToothSegLib.cascade", "ToothSegLib.jobs.worker", "ToothSegLib.jobs.job"):
        code = f"import sys; {lacks}; import {module}"
        run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr[-1000:]


def test_the_rules_see_relative_imports_and_imports_in_functions() -> None:
    source = "from . import losses\nfrom ..volume import Volume\ndef f():\n    import torch.nn\n"
    names = set(imported_names(source, "ToothSegLib.training"))
    assert {"ToothSegLib.training.losses", "ToothSegLib.volume.Volume", "torch.nn"} <= names
