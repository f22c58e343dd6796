"""A graphics device that is not there: its tensors lie in memory, and whatever a real one refuses
is refused.

Every storage has a device's name, tensors on it answer with that, and what two devices' tensors
meet in raises, as do NumPy, types that Metal lacks and generators of another device. Values are
real, so that whole scans and whole steps of training go their way.

    with PretendedDevice("cuda"):
        cascade.segment(scan, device="cuda")
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

_METAL_LACKS = (torch.float64, torch.complex128, torch.uint16, torch.uint32, torch.uint64)
# What may have tensors on two devices: a move, and marks of what is wanted, which may lie on the
# processor.
_MOVES = ("aten::copy_", "aten::_to_copy", "aten::_copy_from")
_TRIAL = 48  # edge of the cube that a device is tried with, the largest there is
_MARKS = ("aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_")


class PretendedDevice:
    """The device ``kind``, "cuda" or "mps", within.

    Args:
        kind: which.
        lacks: operators, such as "aten::max_pool3d_with_indices", that it does not know.
        error: what a kernel there ends in instead of an answer, called with its name; None: well.
        bfloat16: whether the card multiplies in it.
        wrong: operators whose answers on the device are wrong, as a faulty driver's are.
        broken: numbers, such as torch.float16, in which its convolutions give none.
        spoilt: what its convolutions give in a pass over more than the cube of a trial; None: well.
        for_good: whether they give it in every pass after that one, too.
        count: how many there are.
    """

    def __init__(
        self,
        kind: str,
        *,
        lacks: tuple[str, ...] = (),
        error: Callable[[str], None] | None = None,
        bfloat16: bool = True,
        wrong: tuple[str, ...] = (),
        broken: torch.dtype | None = None,
        spoilt: float | None = None,
        for_good: bool = False,
        count: int = 1,
    ) -> None:
        self.kind = kind
        self.lacks = lacks
        self.error = error
        self.bfloat16 = bfloat16
        self.wrong = wrong
        self.broken = broken
        self.spoilt = spoilt
        self.for_good = for_good
        self.overworked = False
        self.count = count
        self.kernels: dict[str, int] = {}
        self.types: set[torch.dtype] = set()
        self.asked = "cpu"
        self._there: dict[int, StorageWeakRef] = {}
        self._lock = threading.Lock()
        self._within = ExitStack()

    def __enter__(self) -> PretendedDevice:
        there = self._within.enter_context
        for name, value in self._stand_ins():
            there(mock.patch(name, value))
        there(_Calls(self))
        there(_Kernels(self))
        return self

    def __exit__(self, *error: object) -> None:
        self._within.close()
        self._there.clear()

    def of(self, tensor: Tensor) -> str:
        """ "cpu", or the pretended device if the tensor lies there."""
        ref = self._there.get(tensor.untyped_storage()._cdata)
        return "cpu" if ref is None or ref.expired() else self.kind

    def put(self, tensor: Tensor, device: str) -> None:
        """Say where a tensor's storage lies."""
        storage = tensor.untyped_storage()
        with self._lock:
            if device == "cpu":
                self._there.pop(storage._cdata, None)
                return
            if len(self._there) > 4096:
                self._there = {at: ref for at, ref in self._there.items() if not ref.expired()}
            # A weak reference keeps the place from being used again.
            self._there[storage._cdata] = StorageWeakRef(storage)

    def wanted(self, device: Any) -> str | None:
        """The kind that an argument asks for; None if it is another one's matter."""
        kind = str(device).partition(":")[0]
        if kind == "meta":
            return None
        if kind not in ("cpu", self.kind):
            raise RuntimeError(f"no device {device} is pretended here")
        return kind

    def _stand_ins(self) -> Iterator[tuple[str, Any]]:
        autocast = torch.autocast

        def cast(device: str, *args: Any, **kwargs: Any) -> Any:
            if device == self.kind == "mps":
                raise RuntimeError("half precision on Metal is not for every macOS")
            return autocast("cpu" if device == self.kind else device, *args, **kwargs)

        yield "torch.autocast", cast
        yield (
            f"torch.{'cuda' if self.kind == 'cuda' else 'backends.mps'}.is_available",
            lambda: True,
        )
        if self.kind == "cuda":
            yield "torch.cuda.get_device_capability", lambda: (8, 0) if self.bfloat16 else (7, 5)
            yield "torch.cuda.get_device_name", lambda: "a pretended card"
            yield "torch.cuda.device_count", lambda: self.count
            yield "torch.cuda.empty_cache", lambda: None
            yield "torch.amp.GradScaler", _Scaler
        else:
            yield "torch.mps.empty_cache", lambda: None


class _Scaler(torch.amp.GradScaler):
    """Scales on the processor: that of CUDA would find no CUDA, and switch itself off."""

    def __init__(self, device: str = "cuda", **options: Any) -> None:
        super().__init__("cpu", **options)


class _Calls(TorchFunctionMode):
    """What Python asks of tensors: where they are, and that they be somewhere else."""

    def __init__(self, pretended: PretendedDevice) -> None:
        super().__init__()
        self.pretended = pretended

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        pretended = self.pretended
        if func == Tensor.device.__get__:
            # Nothing but the name: this torch knows no such device to make.
            real = func(*args)
            place = pretended.of(args[0]) if real.type == "cpu" else "cpu"
            return real if place == "cpu" else torch.device(place, 0)
        if func in (Tensor.is_cuda.__get__, Tensor.is_mps.__get__, Tensor.is_cpu.__get__):
            place = pretended.of(args[0])
            asked = {Tensor.is_cuda.__get__: "cuda", Tensor.is_mps.__get__: "mps"}
            return place == asked.get(func, "cpu")
        if func in (Tensor.numpy, Tensor.__array__) and pretended.of(args[0]) != "cpu":
            raise TypeError(f"can't convert {pretended.kind}:0 device type tensor to numpy")
        if func is Tensor.cpu:
            return self._moved(args[0], "cpu", {**kwargs})
        if func is Tensor.to:
            return self._to(args, kwargs)
        if kwargs.get("device") is not None:
            place = pretended.wanted(kwargs["device"])
            if place == pretended.kind:
                return self._made(func, args, kwargs)
        # What a copy gets besides its tensor is all that has been copied before.
        of = args[:1] if func is Tensor.__deepcopy__ else args
        before, pretended.asked = pretended.asked, self._place_of(of, kwargs)
        try:
            return func(*args, **kwargs)
        finally:
            pretended.asked = before

    def _place_of(self, args: Any, kwargs: dict[str, Any]) -> str:
        """Where a function works: what it makes within is where its tensors are."""
        there = any(self.pretended.of(tensor) != "cpu" for tensor in _tensors_in((args, kwargs)))
        return self.pretended.kind if there else "cpu"

    def _made(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        generator = kwargs.get("generator")
        if generator is not None:
            raise RuntimeError(f"Expected a '{self.pretended.kind}' generator but found 'cpu'")
        made = func(*args, **{**kwargs, "device": "cpu"})
        self._check(made.dtype)
        self.pretended.put(made, self.pretended.kind)
        if self.pretended.error is not None:
            self.pretended.error("aten::fill_")
        return made

    def _to(self, args: Any, kwargs: dict[str, Any]) -> Any:
        tensor, rest = args[0], list(args[1:])
        place = kwargs.pop("device", None)
        if rest and isinstance(rest[0], str | torch.device):
            place = rest.pop(0)
        elif rest and isinstance(rest[0], Tensor):
            other = rest.pop(0)
            place, rest = self.pretended.of(other), [other.dtype, *rest]
        elif rest and rest[0] is None:
            rest.pop(0)
        for name, value in zip(("dtype", "non_blocking", "copy"), rest, strict=False):
            kwargs[name] = value
        if place is None or self.pretended.wanted(place) is None:
            return Tensor.to(tensor, *([] if place is None else [place]), **_known(kwargs))
        return self._moved(tensor, str(self.pretended.wanted(place)), kwargs)

    def _moved(self, tensor: Tensor, place: str, kwargs: dict[str, Any]) -> Tensor:
        known = _known(kwargs)
        if place != "cpu":
            self._check(known.get("dtype", tensor.dtype))
        if self.pretended.of(tensor) == place:
            return Tensor.to(tensor, **known) if known else tensor
        moved = Tensor.to(tensor, **{**known, "device": "cpu", "copy": True})
        self.pretended.put(moved, place)
        return moved

    def _check(self, dtype: torch.dtype) -> None:
        if self.pretended.kind == "mps" and dtype in _METAL_LACKS:
            raise TypeError(f"Cannot convert a MPS Tensor to {dtype}: Metal has no such type")


class _Kernels(TorchDispatchMode):
    """What is computed: all of it on one device, of which what comes out is too."""

    def __init__(self, pretended: PretendedDevice) -> None:
        super().__init__()
        self.pretended = pretended

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        pretended = self.pretended
        name = func._schema.name
        tensors = list(_tensors_in((args, kwargs)))
        if any(tensor.device.type == "meta" for tensor in tensors):
            return func(*args, **kwargs)
        device = self._device(func, name, tensors)
        if device != "cpu":
            self._refuse(name, tensors)
        out = func(*args, **kwargs)
        if device != "cpu" and name in pretended.wrong:
            out = tree_map(lambda t: t.flip(-1) if isinstance(t, Tensor) else t, out)
        if device != "cpu" and "conv" in name and tensors[0].dtype == pretended.broken:
            out = tree_map(lambda t: t.fill_(torch.nan) if isinstance(t, Tensor) else t, out)
        if device != "cpu" and "conv" in name and pretended.spoilt is not None:
            if tensors[0].shape[1] == 1:  # a pass begins
                pretended.overworked &= pretended.for_good
                pretended.overworked |= max(tensors[0].shape[2:]) > _TRIAL
            if pretended.overworked:
                out.fill_(pretended.spoilt)
        old = {tensor.untyped_storage()._cdata for tensor in tensors}
        for tensor in _tensors_in(out):
            if tensor.device.type == "meta":
                continue
            if tensor.untyped_storage()._cdata not in old:  # neither a view nor written into
                self._settle(tensor, device, func)
        return out

    def _device(self, func: Any, name: str, tensors: list[Tensor]) -> str:
        pretended = self.pretended
        if name in _MOVES:
            return pretended.of(tensors[0])
        places = {pretended.of(t) for t in tensors if t.ndim}
        loose = {pretended.of(t) for t in tensors if not t.ndim}
        if not tensors:
            return pretended.asked
        first = pretended.of(tensors[0])
        if name in _MARKS and first != "cpu":
            return first
        # One number on the processor goes with anything, one on the device with nothing else;
        # joining takes not even that.
        joins = name in ("aten::cat", "aten::stack")
        alone = places == {"cpu"} and pretended.kind in loose
        if len(places) > 1 or alone or (joins and len(places | loose) > 1):
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"{pretended.kind}:0 and cpu! (in {name})"
            )
        return pretended.kind if pretended.kind in places | loose else "cpu"

    def _refuse(self, name: str, tensors: list[Tensor]) -> None:
        pretended = self.pretended
        pretended.kernels[name] = pretended.kernels.get(name, 0) + 1
        if "conv" in name and "backward" not in name:
            pretended.types.add(tensors[0].dtype)
        if name in pretended.lacks:
            raise NotImplementedError(
                f"The operator '{name}' is not currently implemented for the MPS device."
            )
        if pretended.error is not None:
            pretended.error(name)
        forward = "backward" not in name and ("conv" in name or "batch_norm" in name)
        if pretended.kind == "mps" and forward:
            # Wrong numbers before PyTorch 2.6; batch normalisation ends the process.
            assert all(tensor.is_contiguous() for tensor in tensors), "channels last on Metal"

    def _settle(self, tensor: Tensor, device: str, func: Any) -> None:
        if device != "cpu" and self.pretended.kind == "mps" and tensor.dtype in _METAL_LACKS:
            raise TypeError(f"MPS knows no {tensor.dtype} (in {func._schema.name})")
        self.pretended.put(tensor, device)


def _known(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if value is not None}


def _tensors_in(things: Any) -> Iterator[Tensor]:
    """In lists, tuples and dictionaries: as `tree_flatten` has them, in a fraction of its time."""
    if isinstance(things, Tensor):
        yield things
    elif isinstance(things, list | tuple):
        for thing in things:
            yield from _tensors_in(thing)
    elif isinstance(things, dict):
        yield from _tensors_in(list(things.values()))
