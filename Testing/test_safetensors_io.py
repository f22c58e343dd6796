"""Weights files: the format to the letter, and nothing that only looks like it."""

from __future__ import annotations

import json
import struct

import pytest
import torch

from ToothSegLib.bundles.safetensors_io import (
    read_safetensors,
    read_with_metadata,
    write_safetensors,
)
from ToothSegLib.errors import BundleError, OutputError

reference = pytest.importorskip("safetensors.torch")


@pytest.fixture
def tensors():
    torch.manual_seed(0)
    floats = torch.randn(3, 4)
    return {
        "b.double": floats.double(),
        "a.float": floats,
        "half": floats.half(),
        "bfloat": floats.bfloat16().T,  # not contiguous
        "count": torch.tensor(7),
        "int32": torch.arange(5, dtype=torch.int32),
        "int16": torch.arange(5, dtype=torch.int16),
        "int8": torch.arange(-2, 3, dtype=torch.int8),
        "bytes": torch.arange(5, dtype=torch.uint8),
        "flags": torch.tensor([True, False, True]),
        "none": torch.empty(0, 3),
        "ä name": torch.ones(1),
    }


def same(one, other):
    return set(one) == set(other) and all(
        one[name].dtype == other[name].dtype and torch.equal(one[name], other[name]) for name in one
    )


def test_the_reference_implementation_reads_what_we_write(tmp_path, tensors):
    path = tmp_path / "weights.safetensors"
    write_safetensors(path, tensors, {"made by": "ToothSeg"})
    assert same(reference.load_file(path), tensors)
    with reference.safe_open(path, framework="pt") as file:
        assert file.metadata() == {"made by": "ToothSeg"}


def test_we_read_what_the_reference_implementation_writes(tmp_path, tensors):
    path = tmp_path / "weights.safetensors"
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    reference.save_file(contiguous, path, {"made by": "another"})
    assert same(read_safetensors(path), tensors)
    assert read_with_metadata(path)[1] == {"made by": "another"}


def test_what_is_read_can_be_changed_without_touching_its_neighbours(tmp_path):
    path = tmp_path / "weights.safetensors"
    write_safetensors(path, {"a": torch.zeros(2), "b": torch.ones(2)})
    read = read_safetensors(path)
    read["a"] += 5
    assert read["b"].tolist() == [1, 1]
    assert read_safetensors(path)["a"].tolist() == [0, 0]


def test_a_file_cut_anywhere_or_too_long_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    write_safetensors(path, {"a": torch.ones(3), "b": torch.ones(2, dtype=torch.int64)})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(BundleError):
            read_safetensors(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(BundleError, match="its header says"):
        read_safetensors(path)


def file_of(header, body=b"\0" * 8):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_the_untampered_header_of_the_cases_below_is_read(tmp_path):
    (tmp_path / "x").write_bytes(file_of({"a": entry()}))
    assert read_safetensors(tmp_path / "x")["a"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "too few"),
        (struct.pack("<Q", 2**63) + b"{}", "does not fit"),
        (file_of(b"[]"), "brace"),
        (file_of(b'{"a":'), "not JSON"),
        (file_of(b"{" + b'"a":{' * 100_000), "not JSON"),
        (file_of(b'{"\xff": 1}'), "not JSON"),
        (file_of(b'{"a":{},"a":{}}'), "twice"),
        (file_of({"__metadata__": {"a": 1}, "a": entry()}), "metadata"),
        (file_of({"a": 3}), "does not have"),
        (file_of({"a": {**entry(), "code": "x"}}), "does not have"),
        (file_of({"a": entry(dtype="F4")}), "unknown dtype"),
        (file_of({"a": entry(dtype=["F32"])}), "unknown dtype"),
        (file_of({"a": entry(shape=(-2,))}), "shape"),
        (file_of({"a": entry(shape=(True, 2))}), "shape"),
        (file_of({"a": entry(shape=(3,))}), "needs 12"),
        (file_of({"a": entry(shape=(0, 2**62, 2**62), offsets=(0, 0))}, b""), "impossible"),
        (file_of({"a": entry(offsets=(0, 8, 8))}), "offsets"),
        (file_of({"a": entry(offsets=(8, 16))}, b"\0" * 16), "starts at byte 8"),
        (file_of({"a": entry(), "b": entry(offsets=(4, 12))}, b"\0" * 12), "starts at byte 4"),
        (file_of({"a": entry(), "b": entry(offsets=(12, 20))}, b"\0" * 20), "starts at byte 12"),
        (file_of({"a": entry(shape=(2**40,), offsets=(0, 2**42))}), "its header says"),
    ],
)
def test_a_tampered_header_is_refused_in_one_line(tmp_path, data, words):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(data)
    with pytest.raises(BundleError, match=words) as caught:
        read_safetensors(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(BundleError, match="cannot read"):
            read_safetensors(path)


def test_what_the_format_cannot_hold_is_refused_before_anything_is_written(tmp_path):
    for tensors in ({"z": torch.ones(1, dtype=torch.complex64)}, {"__metadata__": torch.ones(1)}):
        with pytest.raises(BundleError, match="cannot store"):
            write_safetensors(tmp_path / "x", tensors)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "weights.safetensors"
    write_safetensors(path, {"a": torch.ones(1)})

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ToothSegLib.disk.atomic.os.fsync", full_disk)
    with pytest.raises(OutputError, match="No space left"):
        write_safetensors(path, {"a": torch.zeros(1)})
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert read_safetensors(path)["a"].item() == 1


def test_an_output_folder_that_is_missing_is_an_error_in_words(tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        write_safetensors(tmp_path / "no" / "x", {"a": torch.ones(1)})
