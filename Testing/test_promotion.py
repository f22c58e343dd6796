"""Bundles outlast a power cut: they have their name only once they are on the disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from learning_fixture import tiny_bundle
from ToothSegLib.evaluation.promotion import promote


def test_a_bundle_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: set[int] = set()
    genuine_sync, genuine_replace = os.fsync, os.replace
    on_the_disk: dict[str, bool] = {}

    def sync(descriptor: int) -> None:
        written.add(os.fstat(descriptor).st_ino)
        genuine_sync(descriptor)

    def replace(source: str | Path, target: str | Path) -> None:
        if Path(source).is_dir():
            files = Path(source).iterdir()
            on_the_disk[Path(target).name] = all(path.stat().st_ino in written for path in files)
        genuine_replace(source, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setenv("TOOTHSEG_HOME", str(tmp_path / "home"))
    bundle = tiny_bundle(tmp_path / "mine")
    written.clear()
    promoted = promote(bundle, lambda _: [], force=True)
    assert on_the_disk == {"mine": True, promoted.name: True}
