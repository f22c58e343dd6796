"""Modules that Slicer has and slicer-core lacks, in our own words from their documented interface.

Each file says at its top how it differs from Slicer.
"""

from __future__ import annotations

import sys


def install() -> None:
    """Start Qt without a display and make the modules importable under Slicer's names."""
    import slicer

    from compat import (
        ctk_module,
        desktop,
        i18n,
        module_host,
        mrml_widgets,
        parameter_node,
        qt_module,
        sample_data,
        scripted_module,
    )

    desktop.start_qt()
    sys.modules["qt"] = qt_module.make()
    sys.modules["ctk"] = ctk_module.make()
    sys.modules["SampleData"] = sample_data
    for name, module in {
        "ScriptedLoadableModule": scripted_module,
        "i18n": i18n,
        "parameterNodeWrapper": parameter_node,
    }.items():
        sys.modules[f"slicer.{name}"] = module
        setattr(slicer, name, module)
    mrml_widgets.install(slicer)
    module_host.install(slicer)
