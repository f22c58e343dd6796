"""The developer's button Reload brings the code of the packages anew, not of one file alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from panel_fixture import open_panel

PACKAGES = ("ToothSegLib", "ToothSegPanel", "ToothSegScene")


def loaded() -> dict[str, Any]:
    """What the packages have in `sys.modules`."""
    return {name: it for name, it in sys.modules.items() if name.split(".")[0] in PACKAGES}


@pytest.fixture
def old_code() -> Iterator[None]:
    """The code that all other tests hold comes back after the test."""
    before = loaded()
    yield
    for name in loaded():
        del sys.modules[name]
    sys.modules.update(before)


@pytest.fixture
def reloading(toothseg: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The widgets that the base class was asked to reload; it does nothing here."""
    from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget

    asked: list[Any] = []
    monkeypatch.setattr(ScriptedLoadableModuleWidget, "onReload", asked.append, raising=False)
    return asked


def test_the_packages_are_read_anew(toothseg: Any, reloading: list[Any], old_code: None) -> None:
    widget = open_panel(toothseg)
    old = sys.modules["ToothSegPanel.panel"]
    widget.onReload()
    assert reloading == [widget]
    assert not loaded()
    from ToothSegPanel import panel

    assert panel is not old
    # What is there still works, and is cleaned up by the base class.
    widget.cleanup()
    assert widget.panel is not None
