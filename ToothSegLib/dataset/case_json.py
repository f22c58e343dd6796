"""`CaseRecord` to JSON and back, read with suspicion."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

from ToothSegLib.dataset.record import (
    REVIEW_ORDER,
    REVIEW_STATES,
    CaseRecord,
    Change,
    Prediction,
    Region,
    Revision,
    Source,
    check_id,
)
from ToothSegLib.errors import NOT_JSON, InputError, one_line

FORMAT = "toothseg-case"
FORMAT_VERSION = 1

_T = TypeVar("_T")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def now() -> str:
    """The present time as records have it: UTC, to the second."""
    return datetime.datetime.now(datetime.timezone.utc).strftime(_TIME_FORMAT)


def to_text(record: CaseRecord) -> str:
    """The record as JSON, with its keys in a fixed order."""
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "id": record.id,
        "revision": record.revision,
        "patient": record.patient,
        "source": asdict(record.source),
        "doubts": list(record.doubts),
        "image_sha256": record.image_sha256,
        "prediction": None if record.prediction is None else record.prediction.provenance,
        "teeth": list(record.teeth),
        "review": {str(fdi): state for fdi, state in record.review.items()},
        "history": [asdict(revision) for revision in record.history],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def from_text(text: str | bytes, name: str = "case.json") -> CaseRecord:
    """The record that `to_text` has written.

    Args:
        name: what to call the text in an error.

    Raises:
        InputError: it is damaged, of a newer version, or no record at all.
    """
    try:
        content = json.loads(text)
    except NOT_JSON as error:
        raise InputError(f"{name} is not JSON: {one_line(error):.200}") from None
    try:
        return _record(content)
    except InputError as error:
        raise InputError(f"{name} is no record of a case: {error}") from None


def _record(content: Any) -> CaseRecord:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"its format is not {FORMAT!r}")
    if content.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"it is of version {content.get('format_version')!r:.40}, this version of ToothSeg "
            f"reads {FORMAT_VERSION}"
        )
    history = tuple(_list(content, "history", _revision))
    if not history:
        raise InputError("its 'history' is empty")
    first = history[0].number
    if first > 1 or [entry.number for entry in history] != [*range(first, first + len(history))]:
        raise InputError("its 'history' does not count revisions one by one from 0 or 1")
    if any((entry.labels_sha256 is None) != (entry.number == 0) for entry in history):
        raise InputError("its 'history' has a revision without labels, or labels before the first")
    if content.get("revision") != history[-1].number:
        raise InputError(
            f"its 'revision' is {content.get('revision')!r:.40}, its 'history' ends with "
            f"{history[-1].number}"
        )
    review = _dict(content, "review")
    return CaseRecord(
        id=check_id(_text(content, "id")),
        source=_source(_dict(content, "source")),
        image_sha256=_sha256(content, "image_sha256"),
        history=history,
        prediction=None if content.get("prediction") is None else _prediction(content),
        patient=None if content.get("patient") is None else _text(content, "patient"),
        teeth=tuple(_list(content, "teeth", _fdi)),
        review={_fdi_key(key): _state(state) for key, state in review.items()},
        # Earlier versions wrote none.
        doubts=tuple(_list(content, "doubts", _sentence)) if "doubts" in content else (),
    )


def _source(content: dict[str, Any]) -> Source:
    shape = _list(content, "shape", _positive, 3)
    rows = _list(content, "direction", lambda row: _numbers({"direction": row}, "direction"), 3)
    source = Source(
        voxels_sha256=_sha256(content, "voxels_sha256"),
        dtype=_text(content, "dtype"),
        shape=(shape[0], shape[1], shape[2]),
        spacing_mm=_numbers(content, "spacing_mm"),
        origin_lps=_numbers(content, "origin_lps"),
        direction=tuple(rows),
    )
    # A geometry that is no geometry is refused here, not when the voxels are needed.
    import numpy as np

    source.placed(np.zeros((1, 1, 1), np.uint8))
    return source


def _prediction(content: dict[str, Any]) -> Prediction:
    prediction = _dict(content, "prediction")
    weights = _dict(prediction, "weights")
    return Prediction(
        _text(prediction, "bundle"),
        {role: _text(weights, role) for role in weights},
        # Only where a part of the scan was segmented; earlier versions wrote none.
        None if prediction.get("region") is None else Region.of(prediction["region"]),
    )


def _revision(content: Any) -> Revision:
    if not isinstance(content, dict):
        raise InputError("a revision in it is not a set of named values")
    number, when = content.get("number"), _text(content, "when")
    if type(number) is not int or number < 0:
        raise InputError(f"a revision in it has the number {number!r:.40}")
    try:
        datetime.datetime.strptime(when, _TIME_FORMAT)
    except ValueError:
        raise InputError(f"{when!r:.40} is no time like 2024-02-29T12:00:00Z") from None
    return Revision(
        number=number,
        who=_text(content, "who"),
        when=when,
        labels_sha256=None
        if content.get("labels_sha256") is None
        else _sha256(content, "labels_sha256"),
        changes=tuple(_list(content, "changes", _change)),
        note=_text(content, "note"),
    )


def _change(content: Any) -> Change:
    if not isinstance(content, dict):
        raise InputError("a change in it is not a set of named values")
    return Change(_fdi(content.get("fdi")), _text(content, "what"))


def _dict(content: dict[str, Any], key: str) -> dict[str, Any]:
    value = content.get(key)
    if not isinstance(value, dict):
        raise InputError(f"its {key!r} is not a set of named values")
    return value


def _list(
    content: dict[str, Any], key: str, convert: Callable[[Any], _T], length: int | None = None
) -> list[_T]:
    value = content.get(key)
    if not isinstance(value, list) or (length is not None and len(value) != length):
        raise InputError(f"its {key!r} is not a list" + (f" of {length}" if length else ""))
    return [convert(item) for item in value]


def _text(content: dict[str, Any], key: str) -> str:
    value = content.get(key)
    # JSON can hold halves of characters, which no file can.
    if not isinstance(value, str) or any("\ud800" <= sign <= "\udfff" for sign in value):
        raise InputError(f"its {key!r:.40} is not text")
    return value


def _sentence(value: Any) -> str:
    return _text({"doubts": value}, "doubts")


def _sha256(content: dict[str, Any], key: str) -> str:
    value = _text(content, key)
    if not _SHA256.fullmatch(value):
        raise InputError(f"its {key!r} is no SHA-256 checksum")
    return value


def _numbers(content: dict[str, Any], key: str) -> tuple[float, float, float]:
    def number(value: Any) -> float:
        # A whole number may be too large for a float.
        if type(value) not in (int, float) or not abs(value) < 1e12 or math.isnan(value):
            raise InputError(f"its {key!r} are not three numbers")
        return float(value)

    x, y, z = _list(content, key, number, 3)
    return x, y, z


def _positive(value: Any) -> int:
    if type(value) is not int or not 0 < value < 1_000_000:
        raise InputError(f"its 'shape' holds {value!r:.40}")
    return value


def _fdi(value: Any) -> int:
    if type(value) is not int or value not in REVIEW_ORDER:
        raise InputError(f"{value!r:.40} is no FDI number of a tooth")
    return value


def _fdi_key(key: str) -> int:
    return _fdi(int(key) if re.fullmatch("[1-4][1-8]", key) else key)


def _state(value: Any) -> str:
    if not isinstance(value, str) or value not in REVIEW_STATES:
        raise InputError(f"its 'review' holds {value!r:.40}, none of {', '.join(REVIEW_STATES)}")
    return value
