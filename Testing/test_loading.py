"""The garbage collector rests while libraries are loaded, and only then."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ToothSegLib.compute.loading import loading


def test_the_collector_rests_within_and_works_on_afterwards() -> None:
    assert gc.isenabled()
    with loading():
        assert not gc.isenabled()
        with loading():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ImportError), loading():
        raise ImportError
    assert gc.isenabled()


def test_at_the_end_of_the_process_nothing_is_looked_through() -> None:
    code = (
        "import atexit, gc\n"
        "atexit.register(lambda: print('frozen', gc.get_freeze_count() > 1000))\n"
        "from ToothSegLib.compute.loading import leave_at_once\n"
        "leave_at_once(); leave_at_once()\n"
        "print('before', gc.get_freeze_count() > 1000)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["before", "False", "frozen", "True"]


@pytest.mark.parametrize(("backend", "loads"), [("torch", "torch"), ("openvino", "openvino")])
def test_what_computes_is_loaded_at_rest_and_what_is_wrong_with_it_is_not_told_yet(
    tmp_path: Path, backend: str, loads: str
) -> None:
    for name in ("torch", "openvino"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(
            f"import gc\nprint({name!r}, gc.isenabled())\nraise ImportError('it is damaged')"
        )
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from ToothSegLib.compute.loading import load_networks\n"
        f"load_networks('cpu', {backend!r}); load_networks('gpu', {backend!r})\n"
        "load_networks('cpu', 'abacus')"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [loads, "False"]


def test_the_worker_is_left_at_once(tmp_path: Path) -> None:
    code = (
        "import atexit, gc, os, sys\n"
        "atexit.register(lambda: print('frozen', gc.get_freeze_count() > 1000, file=sys.stderr))\n"
        "from ToothSegLib.jobs import worker\n"
        f"sys.exit(worker.main([{str(tmp_path)!r}, str(os.getppid())]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        said, log = run.stdout.read(), run.stderr.read()  # standard input stays open meanwhile
    assert run.returncode == 2
    assert "request.json" in json.loads(said.splitlines()[-1])["error"]
    assert log.splitlines()[-1] == "frozen True"
