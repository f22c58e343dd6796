"""What a reader should look at first, and why: checks of a result, none of which changes it."""

from __future__ import annotations

from ToothSegLib.quality.findings import find_findings

__all__ = ["find_findings"]
