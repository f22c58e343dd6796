"""The garbage collector rests while libraries are loaded, and only then."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from ToothSegLib.loading import loading


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
        "from ToothSegLib.loading import leave_at_once\n"
        "leave_at_once(); leave_at_once()\n"
        "print('before', gc.get_freeze_count() > 1000)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["before", "False", "frozen", "True"]
