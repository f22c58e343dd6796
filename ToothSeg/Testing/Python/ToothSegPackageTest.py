"""What was packaged is whole: code, weights, sample, icon and panel are where the module looks.

Runs in desktop Slicer by ctest (`slicer_add_python_unittest`), and without a desktop on a folder
that `cmake --install` has filled (Testing/test_packaging.py). Standard library alone.
"""

from __future__ import annotations

import importlib
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def package_folder() -> Path:
    """Where the library was installed, and the module with it."""
    return Path(str(importlib.import_module("ToothSegLib").__file__)).parent.parent


class ToothSegPackageTest(unittest.TestCase):
    """Looks at files; the behaviour is the business of ToothSegTest in ToothSeg.py."""

    def test_module_and_library_lie_in_one_folder(self) -> None:
        for name in ("ToothSeg", "ToothSegScene.export", "ToothSegPanel.panel"):
            file = Path(str(importlib.import_module(name).__file__))
            assert package_folder() in file.parents, name

    def test_the_weights_are_there_and_undamaged(self) -> None:
        models = importlib.import_module("ToothSegLib.models")
        assert models.default_bundle_name() in models.list_bundles()
        for name in models.list_bundles():
            bundle = models.load_bundle(name)
            bundle.verify()
            for path in bundle.networks.values():
                assert package_folder() in path.parents

    def test_the_sample_is_there(self) -> None:
        resources = importlib.import_module("ToothSegLib.resources")
        for name in ("sample-cbct.nrrd", "sample-cbct-labels.nrrd"):
            assert resources.resource_path("Samples", name).is_file(), name

    def test_icon_and_panel_are_there(self) -> None:
        resources = package_folder() / "Resources"
        icon = (resources / "Icons" / "ToothSeg.png").read_bytes()
        assert icon.startswith(b"\x89PNG")
        panel = ElementTree.parse(resources / "UI" / "ToothSeg.ui").getroot()
        assert panel.tag == "ui"


if __name__ == "__main__":
    unittest.main()
