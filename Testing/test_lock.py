"""`requirements-ci.txt`: the versions of `constraints.txt`, all that a test needs, and hashes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.10", "3.11", "3.12")
# Other files from each index: they come by their version alone, see the Makefile.
UNLOCKED = {"torch", "triton"}
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def entries(path: Path) -> list[str]:
    """Lines of a list of requirements; those that go on are joined, remarks are gone."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def pins(path: Path, python: str) -> dict[str, str]:
    """Package: version, of all that a Python on Linux would install by a list."""
    environment = {
        "python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux",
        "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64",
        "platform_python_implementation": "CPython", "implementation_name": "cpython",
    }  # fmt: skip
    found = {}
    for line in entries(path):
        need = Requirement(line.split("--hash")[0].strip())
        if need.marker is not None and not need.marker.evaluate(environment):
            continue
        name = canonicalize_name(need.name)
        (pin,) = need.specifier
        assert pin.operator == "==", line
        assert name not in found, f"{name} twice in {path.name} on Python {python}"
        found[name] = pin.version
    return found


def required() -> set[str]:
    """What ToothSeg and its tests ask for by name."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lists = [
        re.search(rf"^{key} = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
        for key in ("dependencies", "dev")
    ]
    names = [
        name for found in lists if found for name in re.findall(r'^ +"([\w-]+)', found[1], re.M)
    ]
    return {canonicalize_name(name) for name in names}


@pytest.mark.parametrize("python", PYTHONS)
def test_lock_and_constraints_are_of_one_mind(python: str) -> None:
    constraints = pins(ROOT / "constraints.txt", python)
    lock = pins(ROOT / "requirements-ci.txt", python)
    both = lock.keys() & constraints.keys()
    assert {name: lock[name] for name in both} == {name: constraints[name] for name in both}, (
        "requirements-ci.txt is behind constraints.txt: make lock"
    )


@pytest.mark.parametrize("python", PYTHONS)
def test_all_that_is_asked_for_by_name_is_locked_and_constrained(python: str) -> None:
    names = required()
    assert {"torch", "numpy", "pytest", "hatchling"} <= names
    assert names <= pins(ROOT / "constraints.txt", python).keys()
    assert names - pins(ROOT / "requirements-ci.txt", python).keys() == {"torch"}


def test_every_file_has_hashes_and_none_is_of_an_index() -> None:
    lock = entries(ROOT / "requirements-ci.txt")
    assert len(lock) > 50
    for line in lock:
        words = line.split("--hash", 1)
        assert len(words) == 2, f"no hash: {line}"
        assert all(_HASH.fullmatch(word) for word in f"--hash{words[1]}".split()), words[0]
        name = canonicalize_name(Requirement(words[0].strip()).name)
        assert name not in UNLOCKED, f"{name} is another file from each index"
        assert not name.startswith(("nvidia-", "cuda-")), name


def test_what_is_locked_is_installed_by_its_hashes() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^\$\(INSTALLED\):.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert recipe is not None
    installs = [line for line in recipe[1].splitlines() if "pip install" in line]
    hashed, *others = installs
    assert "--require-hashes" in hashed
    assert "--requirement requirements-ci.txt" in hashed
    # Whatever else is fetched: torch by its version; the project is built with what is there.
    assert [line.split()[-1] for line in others] == ["torch", "."]
    assert "--constraint constraints.txt" in others[0]
    assert {"--no-deps", "--no-build-isolation"} <= set(others[1].split())
