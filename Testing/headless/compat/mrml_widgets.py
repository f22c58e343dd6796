"""Slicer's own widgets: qMRMLWidget and a node selector that really follows the scene.

As in Slicer, a selector lists the nodes of its ``nodeTypes`` (and of their subclasses unless
``showChildNodeTypes`` is false) that are not hidden from editors, selects the first by itself
unless ``noneEnabled``, and tells by ``currentNodeChanged(vtkMRMLNode*)``. Where the selected node
goes, it selects the node that comes into its row, or else the last, ``noneEnabled`` or not: as
QComboBox does, and before the node has left the scene; not again when it has. Without a scene it is
empty. Absent: the menu's entries to create, rename and edit, and sorting.
"""

from __future__ import annotations

from typing import Any

import shiboken6
import vtk
from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Property
from PySide6.QtCore import Signal as PySideSignal

from compat.strict import STAND_INS, Strict


def _check_scene(scene: Any) -> None:
    if scene is not None and not (hasattr(scene, "IsA") and scene.IsA("vtkMRMLScene")):
        raise ValueError(f"setMRMLScene takes a vtkMRMLScene, not {scene!r}")


class _MRMLWidgetBase(QtWidgets.QWidget):
    sceneChanged = PySideSignal(object)


class qMRMLWidget(Strict, _MRMLWidgetBase):
    """A widget that hands the scene to its children by the ``.ui`` file's connections."""

    _stand_in = True
    _signals = {"mrmlSceneChanged(vtkMRMLScene*)": "sceneChanged"}
    _scene: Any = None

    def setMRMLScene(self, scene: Any) -> None:
        """Set the scene and tell the children."""
        _check_scene(scene)
        if scene is not self._scene:
            self.__dict__["_scene"] = scene
            object.__getattribute__(self, "sceneChanged").emit(scene)

    def mrmlScene(self) -> Any:
        """The scene; None where none was set."""
        return self._scene


def _flag(name: str, default: bool) -> Any:
    return Property(bool, lambda s: s._flags.get(name, default), lambda s, v: s._set_flag(name, v))


class _SelectorBase(QtWidgets.QWidget):
    nodeChanged = PySideSignal(object)
    validChanged = PySideSignal(bool)
    idChanged = PySideSignal(str)
    userAdded = PySideSignal(object)
    activated = PySideSignal(object)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        box = QtWidgets.QComboBox(self)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(box)
        start = {"_flags": {}, "_types": [], "_box": box, "_nodes": [], "_current": None}
        self.__dict__.update(start, _scene=None, _tags=[], _names=[], _texts={}, _attributes=[])
        box.activated.connect(self._picked)

    def _set_flag(self, name: str, value: bool) -> None:
        self._flags[name] = value
        self._refresh()

    def _set_types(self, types: list[str]) -> None:
        self._types[:] = types
        self._refresh()

    def _set_text(self, name: str, text: str) -> None:
        self._texts[name] = text
        self._refresh()

    nodeTypes = Property("QStringList", lambda s: list(s._types), _set_types)
    noneEnabled = _flag("noneEnabled", False)
    addEnabled = _flag("addEnabled", True)
    removeEnabled = _flag("removeEnabled", True)
    renameEnabled = _flag("renameEnabled", False)
    editEnabled = _flag("editEnabled", False)
    selectNodeUponCreation = _flag("selectNodeUponCreation", True)
    showHidden = _flag("showHidden", False)
    showChildNodeTypes = _flag("showChildNodeTypes", True)
    noneDisplay = Property(
        str, lambda s: s._texts.get("none", "None"), lambda s, v: s._set_text("none", v)
    )
    # Of the box inside; its minimumContentsLength is no property of the selector.
    sizeAdjustPolicy = Property(
        QtWidgets.QComboBox.SizeAdjustPolicy,
        lambda s: s._box.sizeAdjustPolicy(),
        lambda s, v: s._box.setSizeAdjustPolicy(v),
    )
    baseName = Property(
        str, lambda s: s._texts.get("base", ""), lambda s, v: s._set_text("base", v)
    )
    currentNodeID = Property(
        str,
        lambda s: s._current.GetID() if s._current is not None else "",
        lambda s, v: s._select(s._scene.GetNodeByID(v) if s._scene is not None and v else None),
    )

    def _wanted(self, node: Any) -> bool:
        if node.GetHideFromEditors() and not self._flags.get("showHidden", False):
            return False
        name = node.GetClassName()
        children = self._flags.get("showChildNodeTypes", True)
        types = [t for t in self._types if name == t or (children and node.IsA(t))]
        attributes = (
            (attribute, value) for kind, attribute, value in self._attributes if kind in types
        )
        return bool(types) and all(
            node.GetAttribute(a) is not None and v in (None, node.GetAttribute(a))
            for a, v in attributes
        )

    def _refresh(self, *_event: Any) -> None:
        """List anew, but not while a scene is closed: the end of that does it."""
        scene = self._scene
        if not shiboken6.isValid(self) or (scene is not None and scene.IsClosing()):
            return
        count = scene.GetNumberOfNodes() if scene is not None else 0
        nodes = [scene.GetNthNode(i) for i in range(count)]
        self._list([node for node in nodes if self._wanted(node)])

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_leaving(self, scene: Any, event: str, leaving: Any) -> None:
        if shiboken6.isValid(self) and not scene.IsClosing():
            self._list([node for node in self._nodes if node is not leaving])

    def _list(self, nodes: list[Any]) -> None:
        """Keep the current node where it is still there."""
        current = self._current
        if not any(node is current for node in nodes):
            rows = [row for row, node in enumerate(self._nodes) if node is current]
            first = not self._nodes and not self._flags.get("noneEnabled", False)
            found = nodes and (rows or first)
            current = nodes[min(sum(rows), len(nodes) - 1)] if found else None
        self._nodes[:] = nodes
        self._watch_names()
        self._fill(current)
        self._tell(current)

    def _watch_names(self) -> None:
        """A renamed node is shown by its new name."""
        for node, tag in self._names:
            node.RemoveObserver(tag)
        self._names[:] = [
            (node, node.AddObserver("ModifiedEvent", self._renamed)) for node in self._nodes
        ]

    def _renamed(self, *_event: Any) -> None:
        if shiboken6.isValid(self):
            self._fill(self._current)

    def _fill(self, current: Any) -> None:
        blocked = QtCore.QSignalBlocker(self._box)
        self._box.clear()
        if self._flags.get("noneEnabled", False) or not self._nodes:
            self._box.addItem(self._texts.get("none", "None"), None)
        for node in self._nodes:
            self._box.addItem(node.GetName() or "", node.GetID())
        # Of QComboBox, 0 is "None", which is there only for a box that may have no node.
        none = 0 if self._box.count() > len(self._nodes) else -1
        index = none if current is None else self._box.findData(current.GetID())
        self._box.setCurrentIndex(index)
        blocked.unblock()

    def _tell(self, current: Any) -> None:
        if current is self._current:
            return
        self.__dict__["_current"] = current
        signal = object.__getattribute__
        signal(self, "nodeChanged").emit(current)
        signal(self, "validChanged").emit(current is not None)
        signal(self, "idChanged").emit(current.GetID() if current is not None else "")

    def _select(self, node: Any) -> None:
        current = node if any(node is listed for listed in self._nodes) else None
        self._fill(current)
        self._tell(current)

    def _picked(self, index: int) -> None:
        """A choice by hand."""
        chosen = self._box.itemData(index)
        self._select(next((n for n in self._nodes if n.GetID() == chosen), None))
        object.__getattribute__(self, "activated").emit(self._current)


_EVENTS = ("NodeAddedEvent", "NodeRemovedEvent", "EndBatchProcessEvent", "EndCloseEvent")


class qMRMLNodeComboBox(Strict, _SelectorBase):
    """A selector of one node of the scene."""

    _stand_in = True
    _signals = {
        "currentNodeChanged(vtkMRMLNode*)": "nodeChanged",
        "currentNodeChanged(bool)": "validChanged",
        "currentNodeIDChanged(QString)": "idChanged",
        "nodeAddedByUser(vtkMRMLNode*)": "userAdded",
        "nodeActivated(vtkMRMLNode*)": "activated",
    }

    def setMRMLScene(self, scene: Any) -> None:
        """List the nodes of this scene from now on; None for none."""
        _check_scene(scene)
        for thing, tag in self._tags:
            thing.RemoveObserver(tag)
        self._tags.clear()
        self.__dict__["_scene"] = scene
        if scene is not None:
            tags = [scene.AddObserver(getattr(scene, event), self._refresh) for event in _EVENTS]
            # After all others, as Slicer's qMRMLSceneModel.
            tags.append(scene.AddObserver(scene.NodeAboutToBeRemovedEvent, self._on_leaving, -10.0))
            self._tags[:] = [(scene, tag) for tag in tags]
        self._refresh()

    def mrmlScene(self) -> Any:
        """The scene; None where none was set."""
        return self._scene

    def currentNode(self) -> Any:
        """The node selected; None where none is."""
        return self._current

    def setCurrentNode(self, node: Any) -> None:
        """Select a node; none where it is not listed."""
        if node is not None and not (hasattr(node, "IsA") and node.IsA("vtkMRMLNode")):
            raise ValueError(f"setCurrentNode takes a node, not {node!r}")
        self._select(node)

    def setCurrentNodeID(self, node_id: str) -> None:
        """Select a node by its identifier."""
        self._select(self._scene.GetNodeByID(node_id) if self._scene is not None else None)

    def addAttribute(self, node_type: str, attribute: str, value: str | None = None) -> None:
        """List nodes of this type only where they have the attribute."""
        self._attributes.append((node_type, attribute, value))
        self._refresh()

    def nodeCount(self) -> int:
        """How many nodes are listed."""
        return len(self._nodes)

    def addNode(self) -> Any:
        """What "Create new" of the menu does."""
        if not self._flags.get("addEnabled", True):
            raise RuntimeError("addEnabled is false: the menu has no entry to create a node")
        name = self._texts.get("base") or self._types[0].replace("vtkMRML", "")
        node = self._scene.AddNewNodeByClass(self._types[0], self._scene.GenerateUniqueName(name))
        if self._flags.get("selectNodeUponCreation", True):
            self._select(node)
        object.__getattribute__(self, "userAdded").emit(node)
        return node


CLASSES = (qMRMLWidget, qMRMLNodeComboBox)


def install(slicer: Any) -> None:
    """Hang the widgets on the ``slicer`` package, where Slicer has them."""
    for cls in CLASSES:
        STAND_INS[cls.__name__] = cls
        setattr(slicer, cls.__name__, cls)
