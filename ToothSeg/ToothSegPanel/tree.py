"""The eight categories as a tree: visibility, colour and opacity; their teeth as rows below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import qt

from ToothSegLib.teeth import CATEGORIES, TEETH, THIRD_MOLARS
from ToothSegPanel import notation as words
from ToothSegPanel.painting import icon_of, paint_swatch
from ToothSegPanel.selection import Selection

_NAME, _OPACITY = 0, 1


@dataclass(frozen=True)
class ToothRow:
    """A tooth that is there, as the tree shows it.

    Args:
        fdi: which.
        colour: RGB of its segment.
        visible: in the views.
        opacity: 0-1.
    """

    fdi: int
    colour: tuple[int, int, int]
    visible: bool
    opacity: float


class CategoryTree:
    """Presents a QTreeWidget.

    Args:
        tree: the widget.
        selection: a click on a row selects its tooth or the teeth of its category.
        chosen: called with the teeth after a click.
        set_visible: called with teeth and whether they are to be seen.
        set_opacity: called with teeth and 0-1.
    """

    def __init__(
        self,
        tree: Any,
        selection: Selection,
        chosen: Callable[[tuple[int, ...]], None],
        set_visible: Callable[[Iterable[int], bool], None],
        set_opacity: Callable[[Iterable[int], float], None],
    ) -> None:
        self._tree = tree
        self._selection = selection
        self._chosen = chosen
        self._set_visible = set_visible
        self._set_opacity = set_opacity
        self._filling = False
        self._categories: dict[int, Any] = {}
        self._sliders: dict[int, Any] = {}
        self._teeth: dict[int, Any] = {}
        self._listed: dict[int, list[int]] = {}
        self._rows: dict[int, ToothRow] = {}
        self._pressed: Any = None
        tree.columnCount = 2
        tree.setHeaderLabels(["Shown in the views", "Opacity"])
        tree.header().setSectionResizeMode(_NAME, qt.QHeaderView.Stretch)
        tree.header().setStretchLastSection(False)
        tree.header().resizeSection(_OPACITY, 120)
        for category in CATEGORIES:
            self._add_category(category.index, category.name)
        tree.connect("itemChanged(QTreeWidgetItem*,int)", self._on_changed)
        tree.connect("itemPressed(QTreeWidgetItem*,int)", self._on_pressed)
        tree.connect("itemClicked(QTreeWidgetItem*,int)", self._on_clicked)

    def show(self, rows: Mapping[int, ToothRow], notation: str) -> None:
        """Show the teeth that are there, by FDI number."""
        self._filling = True
        try:
            self._rows = dict(rows)
            for category in CATEGORIES:
                self._show_category(category.index, notation)
        finally:
            self._filling = False

    def _add_category(self, index: int, name: str) -> None:
        item = qt.QTreeWidgetItem(self._tree)
        item.setData(_NAME, qt.Qt.UserRole, index)
        slider = qt.QSlider(qt.Qt.Horizontal)
        slider.minimum = 0
        slider.maximum = 100
        slider.value = 100
        slider.pageStep = 10
        slider.toolTip = f"Opacity of the {name}"
        slider.accessibleName = f"Opacity of the {name}"
        slider.connect("valueChanged(int)", lambda value: self._on_slider(index, value))
        self._tree.setItemWidget(item, _OPACITY, slider)
        self._categories[index] = item
        self._sliders[index] = slider

    def _show_category(self, index: int, notation: str) -> None:
        item = self._categories[index]
        teeth = [tooth.fdi for tooth in TEETH if tooth.category == index]
        # A run gives no third molars, but a case may hold them.
        teeth += [
            tooth.fdi
            for tooth in THIRD_MOLARS
            if tooth.category == index and tooth.fdi in self._rows
        ]
        there = [fdi for fdi in teeth if fdi in self._rows]
        colour = next(tooth.colour for tooth in TEETH if tooth.category == index)
        item.setIcon(_NAME, icon_of(paint_swatch(colour)))
        name = CATEGORIES[index - 1].name.capitalize()
        item.setText(_NAME, f"{name}  ({len(there)} of {len(teeth)})")
        if self._listed.get(index) != there:
            self._list_teeth(index, there)
        for fdi in there:
            row, child = self._rows[fdi], self._teeth[fdi]
            child.setText(_NAME, words.title(fdi, notation))
            child.setIcon(_NAME, icon_of(paint_swatch(row.colour)))
            child.setCheckState(_NAME, qt.Qt.Checked if row.visible else qt.Qt.Unchecked)
        shown = [self._rows[fdi].visible for fdi in there]
        some = qt.Qt.PartiallyChecked if any(shown) else qt.Qt.Unchecked
        item.setCheckState(_NAME, qt.Qt.Checked if shown and all(shown) else some)
        item.setDisabled(not there)
        slider = self._sliders[index]
        slider.enabled = bool(there)
        if there:
            slider.value = round(100 * max(self._rows[fdi].opacity for fdi in there))

    def _list_teeth(self, index: int, teeth: list[int]) -> None:
        item = self._categories[index]
        for fdi in self._listed.get(index, []):
            del self._teeth[fdi]
        while item.childCount():
            item.takeChild(0)  # what takeChildren() gives PythonQt would never delete
        for fdi in teeth:
            child = self._teeth[fdi] = qt.QTreeWidgetItem(item)
            child.setData(_NAME, qt.Qt.UserRole, fdi)
        self._listed[index] = teeth

    def _teeth_of(self, item: Any) -> tuple[int, ...]:
        # Categories are kept as 1-8 and teeth as their FDI number, which is 11 or more.
        key = item.data(_NAME, qt.Qt.UserRole)
        return tuple(self._listed.get(key, [])) if key in self._categories else (key,)

    def _on_changed(self, item: Any, column: int) -> None:
        if self._filling or column != _NAME:
            return
        self._set_visible(self._teeth_of(item), item.checkState(_NAME) == qt.Qt.Checked)

    def _on_pressed(self, item: Any, column: int) -> None:
        self._pressed = item.checkState(_NAME)

    def _on_clicked(self, item: Any, column: int) -> None:
        # A click on the check box comes here too, after it has turned the box. To bring the teeth
        # into view would make them visible again at once.
        if item.checkState(_NAME) != self._pressed:
            return
        teeth = self._teeth_of(item)
        self._selection.set(teeth)
        self._chosen(teeth)

    def _on_slider(self, index: int, value: int) -> None:
        if not self._filling:
            self._set_opacity(tuple(self._listed.get(index, [])), value / 100)
