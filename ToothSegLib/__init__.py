"""ToothSeg: from a dental cone-beam CT to numbered teeth."""

from __future__ import annotations

__version__ = "0.1.0"
