"""One process or several that learn together: what `torchrun` has started, if it has.

torchrun --nproc-per-node 4 -m ToothSegLib train --dataset SET --from toothnet -o RUN
"""

from __future__ import annotations

import gc
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed, nn

from ToothSegLib.compute.devices import choose_device
from ToothSegLib.errors import InputError

Value = TypeVar("Value")

# The first process judges the network while the others wait.
_PATIENCE = timedelta(hours=6)


@dataclass(frozen=True)
class Processes:
    """This process among those that learn together."""

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether it is the one that judges, writes and speaks."""
        return self.rank == 0

    @property
    def on_this_machine(self) -> int:
        """How many of them run here; all, if `torchrun` does not say."""
        return int(os.environ.get("LOCAL_WORLD_SIZE", self.count)) if self.count > 1 else 1

    def wait(self) -> None:
        """Go on once all have come here."""
        if self.count > 1:
            distributed.barrier()

    def shared(self, value: Value) -> Value:
        """The first one's value, in all of them."""
        if self.count == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return box[0]

    def joined(self, network: nn.Module) -> nn.Module:
        """The network, its gradients averaged over all processes."""
        if self.count == 1:
            return network
        ids = [self.device.index] if self.device.type == "cuda" else None
        # A patch without teeth teaches no offsets.
        return nn.parallel.DistributedDataParallel(
            network, device_ids=ids, find_unused_parameters=True
        )


@contextmanager
def learning_together(device: str = "auto") -> Iterator[Processes]:
    """Join the processes that `torchrun` has started; alone if it has not.

    Raises:
        InputError: there is no such device on this computer, or not one for each process.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(torch.device(choose_device(device)))
        return
    chosen = _own_device(device, int(os.environ.get("LOCAL_RANK", "0")))
    backend = "gloo"
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
        if distributed.is_nccl_available():  # Windows has none
            backend = "nccl"
    # PyTorch loads this module once a network is joined, and its functions then keep the group that
    # is there for good: its threads would run on while Python ends, and abort the process.
    importlib.import_module("torch.distributed.nn.functional")
    distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        processes = Processes(chosen, distributed.get_rank(), count)
        yield processes
        # None leaves while another still listens to it.
        processes.wait()
    finally:
        # A joined network refers to itself, and to the group.
        gc.collect()
        distributed.destroy_process_group()


def _own_device(name: str, number: int) -> torch.device:
    """The device of one of several processes: each has a GPU of its own, or all have the processor.

    Raises:
        InputError: as said of `learning_together`.
    """
    if name == "mps":
        raise InputError("several processes cannot share what they learn on mps: use --device cpu")
    kind = choose_device(name)
    if kind != "cuda":
        return torch.device("cpu")
    there = torch.cuda.device_count()
    if number >= there:
        raise InputError(
            f"process {number + 1} has no GPU of its own, for there are {there}: use torchrun "
            f"--nproc-per-node {there}, or --device cpu"
        )
    return torch.device(kind, number)
