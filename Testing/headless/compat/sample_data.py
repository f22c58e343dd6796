"""``SampleData``: keeps what is registered, and refuses what Slicer could not download or show."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any


@dataclass
class SampleDataSource:
    """One entry of Slicer's list of sample data; the documented fields."""

    sampleName: str
    sampleDescription: str | None = None
    uris: Any = None
    fileNames: Any = None
    nodeNames: Any = None
    checksums: Any = None
    loadFiles: Any = None
    customDownloader: Any = None
    thumbnailFileName: str | None = None
    loadFileType: Any = None
    loadFileProperties: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("uris", "fileNames", "nodeNames", "checksums"):
            value = getattr(self, name)
            setattr(self, name, [value] if isinstance(value, str) else list(value or []))
        lengths = {len(self.uris), len(self.fileNames), len(self.nodeNames) or len(self.uris)}
        if len(lengths) != 1:
            raise ValueError(f"{self.sampleName}: as many uris as fileNames and nodeNames")
        for checksum in self.checksums:
            if not re.fullmatch(r"SHA(256:[0-9a-f]{64}|512:[0-9a-f]{128})", checksum):
                raise ValueError(f"{self.sampleName}: {checksum!r} is no SHA256: or SHA512: sum")
        if self.thumbnailFileName and not os.path.isfile(self.thumbnailFileName):
            raise ValueError(f"{self.sampleName}: no thumbnail {self.thumbnailFileName}")


class SampleDataLogic:
    """The part of SampleData's logic that modules register with."""

    sources: dict[str, list[SampleDataSource]] = {}

    @classmethod
    def registerCustomSampleDataSource(cls, category: str = "Custom", **fields: Any) -> None:
        """Add a source; registering one twice leaves one."""
        source = SampleDataSource(**fields)
        known = [s for s in cls.sources.get(category, []) if s.sampleName != source.sampleName]
        cls.sources[category] = [*known, source]
