"""``slicer.ScriptedLoadableModule``: the base classes of a scripted module.

As documented by Slicer; absent: the developer section (reload and test buttons), which the panel
must not depend on, and the help of the module panel.
"""

from __future__ import annotations

import logging
import os
import unittest
from typing import Any

__all__ = [
    "ScriptedLoadableModule",
    "ScriptedLoadableModuleLogic",
    "ScriptedLoadableModuleTest",
    "ScriptedLoadableModuleWidget",
]


class ScriptedLoadableModule:
    """What is known of a module before it is opened."""

    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.moduleName = self.__class__.__name__
        parent.title = ""
        parent.categories = []
        parent.dependencies = []
        parent.contributors = []
        parent.helpText = ""
        parent.acknowledgementText = ""
        parent.hidden = False
        import qt

        icon = os.path.join(
            os.path.dirname(parent.path), "Resources", "Icons", f"{self.moduleName}.png"
        )
        if os.path.isfile(icon):
            parent.icon = qt.QIcon(icon)

    def getDefaultModuleDocumentationLink(self, docPage: str | None = None) -> str:
        """A sentence with a link to the module's page of Slicer's manual."""
        return f'<p>For more information see the <a href="{docPage or ""}">documentation</a>.</p>'

    def runTest(self, msec: int = 100, **kwargs: Any) -> None:
        """Run the module's self-test, as the Reload and Test button does."""
        import sys

        test = getattr(sys.modules[self.__class__.__module__], f"{self.moduleName}Test")()
        test.messageDelay = msec
        test.runTest(**kwargs)


class ScriptedLoadableModuleWidget:
    """The module's panel."""

    def __init__(self, parent: Any = None) -> None:
        import qt
        import slicer

        self.developerMode = False
        if parent is None:
            self.parent = slicer.qMRMLWidget()
            self.parent.setLayout(qt.QVBoxLayout())
            self.parent.setMRMLScene(slicer.mrmlScene)
        else:
            self.parent = parent
        self.layout = self.parent.layout()
        if not self.layout:
            raise RuntimeError("the parent of a module's widget needs a layout")
        self.moduleName = self.__class__.__name__.removesuffix("Widget")

    def resourcePath(self, filename: str) -> str:
        """The path of a file of the module's ``Resources``."""
        import slicer

        folder = os.path.dirname(slicer.util.modulePath(self.moduleName))
        return os.path.join(folder, "Resources", filename)

    def setup(self) -> None:
        """Build the panel."""

    def cleanup(self) -> None:
        """Called when the module goes."""

    def enter(self) -> None:
        """Called when the user opens the module."""

    def exit(self) -> None:
        """Called when the user leaves the module."""

    def setupDeveloperSection(self) -> None:
        """No developer section without a desktop."""


class ScriptedLoadableModuleLogic:
    """The module's computation, and its parameter node."""

    def __init__(self, parent: Any = None) -> None:
        self.moduleName = self.__class__.__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self) -> Any:
        """The module's vtkMRMLScriptedModuleNode, made where the scene has none."""
        import slicer

        scene = slicer.mrmlScene
        if self.isSingletonParameterNode:
            node = scene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
            if node is not None:
                return node
        return scene.AddNode(self.createParameterNode())

    def getAllParameterNodes(self) -> list[Any]:
        """All parameter nodes of this module in the scene."""
        import slicer

        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

    def createParameterNode(self) -> Any:
        """A new parameter node, not yet in the scene."""
        import slicer

        node = slicer.vtkMRMLScriptedModuleNode()
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetModuleName(self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """The module's self-test; ``runTest`` is what the module overrides."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.messageDelay = 0
        self.enableScreenshots = False

    def delayDisplay(self, message: str, requestedDelay: Any = None, msec: Any = None) -> None:
        """Show a message; here it goes to the log."""
        logging.getLogger(__name__).info(message)

    def runTest(self) -> None:
        """To be overridden."""
