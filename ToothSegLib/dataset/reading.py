"""JSON of other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ToothSegLib.errors import NOT_JSON, InputError, one_line


def read_json(path: Path) -> dict[str, Any]:
    """The named values in a file.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except NOT_JSON as error:
        raise InputError(f"{path} is not JSON: {one_line(error):.200}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} is not a set of named values")
    return content
