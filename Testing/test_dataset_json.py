"""`case.json`: what is written is read back, and anything else is refused in one line."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ToothSegLib.dataset.case_json import from_text, to_text
from ToothSegLib.dataset.record import (
    REVIEW_ORDER,
    REVIEW_STATES,
    CaseRecord,
    Change,
    Prediction,
    Region,
    Revision,
    Source,
)
from ToothSegLib.errors import InputError

SHA256 = st.text("0123456789abcdef", min_size=64, max_size=64)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FDI = st.sampled_from(REVIEW_ORDER)
COORDINATE = st.floats(-1e6, 1e6)


@st.composite
def records(draw: st.DrawFn) -> CaseRecord:
    """Records of all kinds."""
    first = draw(st.integers(0, 1))
    history = tuple(
        Revision(
            number,
            draw(TEXT),
            "2024-02-29T12:00:00Z",
            draw(SHA256) if number else None,
            tuple(draw(st.lists(st.builds(Change, FDI, TEXT), max_size=3))),
            draw(TEXT),
        )
        for number in range(first, first + draw(st.integers(1, 3)))
    )
    size, positive = st.integers(1, 1000), st.floats(1e-3, 10)
    region = st.builds(Region, st.tuples(size, size, size), st.tuples(size, size, size))
    weights = st.dictionaries(TEXT, SHA256, max_size=2)
    return CaseRecord(
        id=draw(st.text(string.ascii_letters, min_size=4, max_size=10)),
        source=Source(
            voxels_sha256=draw(SHA256),
            dtype="int16",
            shape=draw(st.tuples(size, size, size)),
            spacing_mm=draw(st.tuples(positive, positive, positive)),
            origin_lps=draw(st.tuples(COORDINATE, COORDINATE, COORDINATE)),
            direction=((0.0, 0.0, -1.0), (1.0, 0.0, 0.1), (0.0, -1.0, 0.0)),
        ),
        image_sha256=draw(SHA256),
        history=history,
        doubts=tuple(draw(st.lists(TEXT, max_size=2))),
        prediction=draw(st.none() | st.builds(Prediction, TEXT, weights, st.none() | region)),
        patient=draw(st.none() | TEXT),
        teeth=tuple(draw(st.lists(FDI, unique=True, max_size=4))),
        review=draw(st.dictionaries(FDI, st.sampled_from(REVIEW_STATES), max_size=4)),
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(records())
def test_what_is_written_is_read_back(record: CaseRecord) -> None:
    assert from_text(to_text(record)) == record
    assert from_text(to_text(record).encode()) == record


@given(records(), st.data())
def test_one_value_exchanged_gives_a_sound_record_or_one_line(
    record: CaseRecord, data: st.DataObject
) -> None:
    content = json.loads(to_text(record))
    place = content
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not (isinstance(inner, dict | list) and inner and data.draw(st.booleans())):
            break
        place = inner
    place[key] = data.draw(JSON)
    line = ""
    try:
        found = from_text(json.dumps(content))
    except InputError as error:
        line = str(error)
    else:
        assert from_text(to_text(found)) == found
    assert len(line) < 400
    assert "\n" not in line


@given(JSON)
def test_other_json_is_refused(content: object) -> None:
    with pytest.raises(InputError, match=r"^case\.json is no record of a case: its format"):
        from_text(json.dumps(content))


@given(records(), st.data())
def test_a_text_cut_short_is_refused(record: CaseRecord, data: st.DataObject) -> None:
    written = to_text(record).encode()
    length = data.draw(st.integers(0, len(written) - 3))
    with pytest.raises(InputError, match="is not JSON"):
        from_text(written[:length])


@pytest.mark.parametrize(
    "text", [b"\xff\xfe\x00", b"[" * 100_000, b'{"format": ' + b"9" * 10_000 + b"}", b"NaN"]
)
def test_bytes_that_hurt_parsers_are_refused(text: bytes) -> None:
    with pytest.raises(InputError):
        from_text(text)


def changed(**values: object) -> str:
    """The text of a record in which some values are others."""
    axes = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    source = Source("a" * 64, "int16", (2, 3, 4), (1, 1, 1), (0, 0, 0), axes)
    history = (Revision(1, "ab", "2024-02-29T12:00:00Z", "b" * 64),)
    record = CaseRecord("a-case", source, "c" * 64, history, teeth=(11,), review={11: "approved"})
    return json.dumps({**json.loads(to_text(record)), **values})


def predicted_in(region: object) -> dict[str, object]:
    """A prediction of a part of the scan."""
    return {"prediction": {"bundle": "a", "weights": {}, "region": region}}


def test_a_region_is_written_only_where_there_is_one() -> None:
    """Records of the whole scan are as earlier versions write them, and those are read."""
    whole = from_text(changed(prediction={"bundle": "a", "weights": {"fine": "b"}}))
    assert whole.prediction == Prediction("a", {"fine": "b"})
    assert "region" not in to_text(whole)
    region = {"first": [2, 0, 0], "size": [7, 10, 9]}
    part = from_text(changed(**predicted_in(region))).prediction
    assert part == Prediction("a", {}, Region((2, 0, 0), (7, 10, 9)))
    assert Prediction.from_provenance(part.provenance) == part


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"format_version": 2}, "of version 2, this version of ToothSeg reads 1"),
        ({"id": "../elsewhere"}, "is no name for a case"),
        ({"revision": 2}, "'revision' is 2, its 'history' ends with 1"),
        ({"history": []}, "'history' is empty"),
        ({"teeth": [19]}, "19 is no FDI number"),
        ({"teeth": [True]}, "True is no FDI number"),
        ({"review": {"11": "seen"}}, "holds 'seen', none of predicted"),
        ({"review": {"1e1": "approved"}}, "'1e1' is no FDI number"),
        ({"image_sha256": "abc"}, "is no SHA-256"),
        ({"patient": 5}, "'patient' is not text"),
        (predicted_in(5), "'region' is not a set"),
        (predicted_in({"first": [0, 0, -1], "size": [1, 1, 1]}), "'region' holds"),
        (predicted_in({"first": [0, 0, 0], "size": [1, 1]}), "'region' holds"),
    ],
)
def test_each_rule_is_told_in_words(values: dict[str, object], words: str) -> None:
    assert from_text(changed()).revision == 1
    with pytest.raises(InputError, match=words):
        from_text(changed(**values))
