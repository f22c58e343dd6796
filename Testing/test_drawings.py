"""The programs that draw pictures for the documentation and the module's icon."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(("name", "needs"), [("draw_icon", "matplotlib"), ("draw_physics", "PIL")])
def test_help_is_no_name_of_a_file(name: str, needs: str, tmp_path: Path) -> None:
    pytest.importorskip(needs)
    run = subprocess.run(
        [sys.executable, str(ROOT / "docs" / f"{name}.py"), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "usage: " in run.stdout
    assert not list(tmp_path.iterdir())
