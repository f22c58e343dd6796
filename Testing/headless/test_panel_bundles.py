"""The bundles that the panel offers, when the user's own list changes or is damaged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from panel_fixture import open_panel, settle
from ToothSegLib import models
from ToothSegLib.user_models import HOME_VARIABLE, Promotion, record

WHEN = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of the user's own bundles, empty."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    folder = tmp_path / "Models"
    folder.mkdir()
    return folder


def _add(folder: Path, name: str) -> None:
    """A bundle of the user's own."""
    shutil.copytree(models.models_folder() / models.shipped_default_name(), folder / name)
    path = folder / name / "card.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "name": name}))


def _offered(widget: Any) -> list[str]:
    combo = widget.ui.bundleCombo
    return [combo.itemText(row) for row in range(combo.count)]


@pytest.mark.parametrize(
    "content",
    ["{broken", '{"format": 2, "promoted": []}', f'{{"format": 1, "promoted": ["{WHEN}"]}}'],
)
def test_a_damaged_list_refuses_the_default_alone(
    own: Path, toothseg: Any, sample_volume_node: Any, content: str, dialogs: Any
) -> None:
    path = own / "promoted.json"
    path.write_text(content)
    widget = open_panel(toothseg)
    widget.logic.getParameterNode().inputVolume = sample_volume_node
    settle()
    ui, shipped = widget.ui, models.shipped_default_name()
    assert _offered(widget) == ["Default (cannot be loaded)", *models.shipped_bundles()]
    assert "is no list of promoted bundles" in ui.messageLabel.text
    assert not ui.segmentButton.enabled
    ui.bundleCombo.currentIndex = _offered(widget).index(shipped)
    settle()
    assert ui.segmentButton.enabled
    assert ui.messageLabel.text == ""
    ui.bundleCombo.currentIndex = 0
    settle()
    assert not ui.segmentButton.enabled
    path.unlink()  # as the message says
    widget.panel.refresh()
    assert ui.segmentButton.enabled
    assert _offered(widget)[0] == f"{shipped} (default)"
    assert not dialogs.take()


def test_a_promotion_shows_when_the_user_comes_back(own: Path, toothseg: Any) -> None:
    widget = open_panel(toothseg)
    shipped = models.shipped_default_name()
    assert _offered(widget)[0] == f"{shipped} (default)"
    widget.ui.bundleCombo.currentIndex = 0
    _add(own, "mine")
    record((Promotion("mine", WHEN),))
    widget.parent.exit()
    widget.parent.enter()
    settle()
    assert _offered(widget) == ["mine (default)", *models.shipped_bundles()]
    assert widget.logic.getParameterNode().bundle == ""
    widget.ui.bundleCombo.currentIndex = _offered(widget).index(shipped)
    record(())  # rolled back
    widget.parent.exit()
    widget.parent.enter()
    settle()
    assert _offered(widget)[0] == f"{shipped} (default)"
    assert "mine" in _offered(widget)
    assert widget.logic.getParameterNode().bundle == shipped
    assert widget.ui.bundleCombo.currentText == shipped


def test_what_cannot_be_loaded_is_marked(own: Path, toothseg: Any) -> None:
    _add(own, "mine")
    (own / "mine" / "card.json").write_text("{")
    record((Promotion("gone", WHEN),))
    widget = open_panel(toothseg)
    assert _offered(widget)[0] == "gone (cannot be loaded)"
    assert "mine (cannot be loaded)" in _offered(widget)
