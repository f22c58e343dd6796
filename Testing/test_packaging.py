"""The Slicer extension's package: what CMake installs, compared with the tree and imported.

Slicer's and CTK's CMake macros are stood in for (`Testing/cmake`); a build of Slicer is not needed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import ToothSegLib

ROOT = Path(__file__).resolve().parents[1]
STAND_INS = ROOT / "Testing" / "cmake"
HEADLESS = ROOT / "Testing" / "headless"
INDEX_ENTRY = ROOT / "docs" / "extension-index" / "ToothSeg.json"
ICON = ROOT / "ToothSeg" / "Resources" / "Icons" / "ToothSeg.png"


@dataclass(frozen=True)
class Package:
    """What `cmake --install` made of the extension."""

    folder: Path  # where Slicer would look for scripted modules
    metadata: dict[str, str]  # EXTENSION_..., without the prefix
    tests: list[str]  # scripts given to slicer_add_python_unittest


def cmake(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run cmake, that of the environment if there is one."""
    beside = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    program = shutil.which("cmake", path=beside)
    assert program is not None, "cmake is missing: pip install '.[dev]' brings it"
    environment = {**os.environ, "PATH": beside}
    return subprocess.run([program, *arguments], capture_output=True, text=True, env=environment)


def configure(source: Path, build: Path) -> subprocess.CompletedProcess[str]:
    """Configure a project against the stand-ins."""
    return cmake(
        "-S",
        source,
        "-B",
        build,
        "-G",
        "Unix Makefiles",
        "-D",
        "BUILD_TESTING=ON",
        "-D",
        f"Slicer_DIR={STAND_INS}",
        "-D",
        f"CMAKE_TOOLCHAIN_FILE={STAND_INS / 'toolchain.cmake'}",
        "-D",
        f"STAND_IN={sys.executable}",
    )


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    build, prefix = tmp_path_factory.mktemp("build"), tmp_path_factory.mktemp("install")
    configured = configure(ROOT, build)
    assert configured.returncode == 0, configured.stderr
    installed = cmake("--install", build, "--prefix", prefix)
    assert installed.returncode == 0, installed.stderr
    lines = (build / "metadata.txt").read_text().splitlines()
    return Package(
        folder=prefix / "lib" / "Slicer-5.10" / "qt-scripted-modules",
        metadata=dict(line.split("=", 1) for line in lines),
        tests=(build / "tests.txt").read_text().split(),
    )


def files_below(folder: Path) -> set[str]:
    """Files of a folder, relative to it; no byte code, nothing hidden."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {
        path.as_posix()
        for path in found
        if "__pycache__" not in path.parts and not any(p.startswith(".") for p in path.parts)
    }


def files_of_the_tree() -> set[str]:
    """What should be in the package, as paths in the folder of the module."""
    module = {
        name
        for name in files_below(ROOT / "ToothSeg")
        if not name.startswith("Testing/") and not name.endswith("CMakeLists.txt")
    }
    library = files_below(ROOT / "ToothSegLib") - {"CMakeLists.txt"}
    resources = {
        f"{part}/{name}"
        for part in ("Models", "Samples")
        for name in files_below(ROOT / "Resources" / part)
    }
    return (
        module
        | {f"ToothSegLib/{name}" for name in library}
        | {f"Resources/{name}" for name in resources}
    )


def test_every_file_of_the_tree_is_in_the_package(package: Package) -> None:
    tree = files_of_the_tree()
    assert {"ToothSeg.py", "ToothSegLib/teeth.py", "Resources/Models/default.txt"} <= tree
    missing = sorted(tree - files_below(package.folder))
    assert not missing, f"not listed in ToothSeg/ or ToothSegLib/CMakeLists.txt: {missing}"


def test_nothing_else_is_in_the_package(package: Package) -> None:
    assert not files_below(package.folder) - files_of_the_tree()


def test_a_listed_file_that_does_not_exist_stops_cmake(tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20.6...3.22.6 FATAL_ERROR)\n"
        "project(Test)\n"
        "find_package(Slicer REQUIRED)\n"
        "include(${Slicer_USE_FILE})\n"
        "slicerMacroBuildScriptedModule(NAME Test SCRIPTS nowhere.py)\n"
    )
    configured = configure(tmp_path, tmp_path / "build")
    assert configured.returncode != 0
    assert "lists nowhere.py, which is no file" in " ".join(configured.stderr.split())


def test_the_stand_ins_find_python_where_none_is_given(tmp_path: Path) -> None:
    """As in the workflow for desktop Slicer, which gives no STAND_IN."""
    (tmp_path / "here.py").touch()
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20.6...3.22.6 FATAL_ERROR)\n"
        "project(Test NONE)\n"
        "find_package(Slicer REQUIRED)\n"
        "include(${Slicer_USE_FILE})\n"
        "slicerMacroBuildScriptedModule(NAME Test SCRIPTS here.py)\n"
    )
    configured = cmake(
        "-S",
        tmp_path,
        "-B",
        tmp_path / "build",
        "-G",
        "Unix Makefiles",
        "-D",
        f"Slicer_DIR={STAND_INS}",
    )
    assert configured.returncode == 0, configured.stderr


def test_the_package_is_small(package: Package) -> None:
    size = sum((package.folder / name).stat().st_size for name in files_below(package.folder))
    assert size < 50e6, "the index asks for less than 100 MB in the whole repository"


def test_the_package_imports_and_is_whole(package: Package, tmp_path: Path) -> None:
    # In a process that knows neither this tree nor the packages that Slicer's Python lacks.
    code = f"""
import sys, unittest
from pathlib import Path
sys.modules["nrrd"] = sys.modules["tqdm"] = None
sys.path.insert(0, {str(package.folder)!r})
import bootstrap
bootstrap.start(Path({str(tmp_path)!r}))
here = Path({str(ROOT)!r})
sys.path[:] = [p for p in sys.path if Path(p) not in (here, here / "ToothSeg")]
sys.path.append(str(here / "ToothSeg" / "Testing" / "Python"))
import ToothSegLib.cascade, ToothSegLib.jobs.worker
unittest.main(module="ToothSegPackageTest", argv=["ToothSegPackageTest", "-v"])
"""
    environment = {**os.environ, "PYTHONPATH": str(HEADLESS), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Ran 4 tests" in done.stderr


def test_without_a_fit_python_make_says_how_to_get_one(tmp_path: Path) -> None:
    make = shutil.which("make")
    assert make is not None, "make is missing: the README asks for it"
    python = tmp_path / "venv" / "bin" / "python"
    done = subprocess.run(
        [make, "--no-print-directory", f"VENV={tmp_path / 'venv'}", str(python)],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    told = done.stderr.splitlines()[0]
    assert told.startswith(
        "no Python 3.10, 3.11 or 3.12 with venv was found (python3 may be newer)"
    )
    assert "PYTHON=..., e.g. of 'uv python install 3.12'" in told
    assert told.endswith("on a Debian that has one: apt install python3-venv")


@pytest.mark.parametrize("goal", ["clean", "demo"])
def test_variables_of_the_shell_lead_make_nowhere_else(goal: str) -> None:
    make = shutil.which("make")
    assert make is not None, "make is missing: the README asks for it"
    environment = {"PATH": os.environ["PATH"], "VENV": "/theirs/env", "OUTPUT": "/theirs/out"}
    done = subprocess.run(
        [make, "-n", goal], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "/theirs" not in done.stdout
    assert ".venv" in done.stdout
    assert "demo-output" in done.stdout


def test_the_source_archive_has_what_its_tests_look_at() -> None:
    from hatchling.builders.sdist import SdistBuilder

    packed = {
        Path(file.distribution_path).as_posix()
        for file in SdistBuilder(str(ROOT)).recurse_included_files()
    }
    assert {
        ".github/workflows/tests.yml", "CHANGELOG.md", "CITATION.cff", "CMakeLists.txt",
        "CONTRIBUTING.md", "Makefile", "SECURITY.md",
        "Resources/Models/default.txt", "Resources/Screenshots/sample-teeth.png",
        "Testing/cmake/SlicerConfig.cmake", "ToothSeg/CMakeLists.txt", "ToothSeg/ToothSeg.py",
        "ToothSegLib/CMakeLists.txt", "constraints.txt", "requirements-ci.txt",
    } <= packed  # fmt: skip


def test_an_installed_package_tells_type_checkers_of_its_types() -> None:
    from hatchling.builders.wheel import WheelBuilder

    packed = {
        Path(file.distribution_path).as_posix()
        for file in WheelBuilder(str(ROOT)).recurse_included_files()
    }
    assert "ToothSegLib/py.typed" in packed


def test_the_version_to_cite_is_the_version_there_is() -> None:
    cited = re.findall(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.M)
    assert cited == [ToothSegLib.__version__]
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert newest is not None
    assert newest[1] == ToothSegLib.__version__


def test_every_file_that_may_lack_an_extra_is_run_with_all_of_them() -> None:
    """`make test-extras` names the files that skip tests for want of an extra."""
    lacking = re.compile(r'importorskip\("(?:openvino|itk|distributed|dask)"')
    here = {
        f"Testing/{path.name}"
        for path in (ROOT / "Testing").glob("test_*.py")
        if lacking.search(path.read_text(encoding="utf-8"))
    }
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^test-extras:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert recipe is not None
    assert len(here) >= 4
    assert set(re.findall(r"Testing/test_\w+\.py", recipe[1])) == here
    assert "-p no_skips" in recipe[1]
    (extras,) = re.findall(r'"\.\[(.*)\]"', makefile)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = project.split("[project.optional-dependencies]\n")[1].split("\n\n")[0]
    assert {*extras.split(","), "dev"} == set(re.findall(r"^(\w+) = \[", section, re.M))


SKIPPING = {
    "file": "pytest.importorskip('no_such_extra')\ndef test_it(): pass\n",
    "test": "def test_it(): pytest.importorskip('no_such_extra')\n",
    "mark": "@pytest.mark.skipif(True, reason='no_such_extra')\ndef test_it(): pass\n",
}


def test_with_all_extras_a_skip_is_a_failure(tmp_path: Path) -> None:
    for name, skipping in SKIPPING.items():
        (tmp_path / f"test_{name}.py").write_text(f"import pytest\n{skipping}")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA",
               "--continue-on-collection-errors"]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "Testing"), "COLUMNS": "400"}
    told = {}
    for plugin, codes in (("", {0, 5}), ("no_skips", {1, 2})):
        words = ["-p", plugin] if plugin else []
        done = subprocess.run(
            [*command, *words], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode in codes, done.stdout
        told[plugin] = done.stdout.splitlines()
    assert sum(line.startswith("SKIPPED") for line in told[""]) == 3
    assert not any(line.startswith("SKIPPED") for line in told["no_skips"])
    for name in SKIPPING:
        (failed,) = (
            line
            for line in told["no_skips"]
            if line.startswith((f"FAILED test_{name}.py", f"ERROR test_{name}.py"))
        )
        assert "is not to be skipped here" in failed
        assert "no_such_extra" in failed


def test_the_build_and_the_tests_ask_for_the_same_hatchling() -> None:
    """1.24 refuses `license-files` as a list."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(r'"hatchling(>.*)"', project) == [">=1.26.3"] * 2


def test_ctest_runs_both_tests_of_the_module(package: Package) -> None:
    assert package.tests == ["ToothSeg.py", "ToothSegPackageTest.py"]


def test_the_index_entry_agrees_with_the_extension(package: Package) -> None:
    entry = json.loads(INDEX_ENTRY.read_text())
    assert set(entry) == {
        "$schema", "build_dependencies", "build_subdirectory", "category", "scm_revision",
        "scm_url", "tier",
    }  # fmt: skip
    assert entry["build_dependencies"] == package.metadata["DEPENDS"].split(";") == ["PyTorch"]
    assert entry["category"] == package.metadata["CATEGORY"]
    assert package.metadata["HOMEPAGE"].startswith(entry["scm_url"])
    assert entry["scm_url"].rsplit("/", 1)[1].startswith("Slicer")
    assert not INDEX_ENTRY.stem.startswith("Slicer")


@pytest.mark.parametrize("key", ["ICONURL", "SCREENSHOTURLS"])
def test_pictures_that_the_extension_names_are_in_the_repository(
    package: Package, key: str
) -> None:
    for address in package.metadata[key].split(" "):
        assert address.startswith("https://raw.githubusercontent.com/")
        # owner, repository and branch, then the path
        path = address.removeprefix("https://raw.githubusercontent.com/").split("/", 3)[3]
        assert (ROOT / path).is_file(), path


def test_the_icon_is_a_png_of_128_pixels_that_can_be_seen_through() -> None:
    data = ICON.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, depth, colours = struct.unpack(">IIBB", data[16:26])
    assert (width, height, depth) == (128, 128, 8)
    assert colours == 6  # RGBA
