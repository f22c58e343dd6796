"""The functions of the architecture's page take what it says."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "architecture.md"
FUNCTION = re.compile(r"(?:^|; )(\w+\(.*?\)) -> ")


def files_named(line: str) -> list[str]:
    """The files of a line such as "# dataset/folder.py, case.py"; their folder is named once."""
    names = re.findall(r"[\w/]+\.py\b|[\w/]+/$", line)
    folder = Path(names[0]).parent if names else Path()
    return [name if "/" in name else str(folder / name) for name in names]


def told() -> list[tuple[list[str], str]]:
    """The functions, as "name(parameters)", each with the files that it may be in."""
    found = []
    for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S):
        files: list[str] = []
        for line in block.splitlines():
            if line.startswith("# "):
                files = files_named(line) or files
            found += [(files, function) for function in FUNCTION.findall(line)]
    return found


def takes(arguments: ast.arguments) -> tuple[list[str], list[str], list[str]]:
    """Names of all parameters, of those that are optional, and of those by keyword alone."""
    places = [*arguments.posonlyargs, *arguments.args]
    optional = places[len(places) - len(arguments.defaults) :]
    optional += [
        one
        for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default
    ]
    every = [*places, *arguments.kwonlyargs]
    return (
        [one.arg for one in every],
        [one.arg for one in optional],
        [one.arg for one in arguments.kwonlyargs],
    )


@pytest.mark.parametrize(("files", "function"), told(), ids=lambda told: str(told).split("(")[0])
def test_a_function_takes_what_the_page_says(files: list[str], function: str) -> None:
    (as_told,) = ast.parse(f"def {function}: ...").body
    assert isinstance(as_told, ast.FunctionDef)
    modules = [file.removesuffix("/").removesuffix(".py").replace("/", ".") for file in files]
    imported = [importlib.import_module(f"ToothSegLib.{module}") for module in modules]
    (code,) = (vars(module)[as_told.name] for module in imported if as_told.name in vars(module))
    parameters = inspect.signature(code).parameters.values()
    assert takes(as_told.args) == (
        [one.name for one in parameters],
        [one.name for one in parameters if one.default is not one.empty],
        [one.name for one in parameters if one.kind is one.KEYWORD_ONLY],
    )


def test_the_functions_are_found_on_the_page() -> None:
    assert {"segment", "find_findings", "fine_tune"} <= {name.split("(")[0] for _, name in told()}
