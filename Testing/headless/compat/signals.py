"""Signals as PythonQt offers them: by signature, or as an attribute with ``connect``.

A slot gets the arguments that its parameters take, counted without looking at their defaults: in
``button.connect("clicked(bool)", lambda n=3: ...)`` ``n`` becomes the bool, here as there. A
``functools.partial`` gets all of them.

A class of our own lists its signals in ``_signals``: PythonQt's signature -> name of the PySide6
signal, for types like ``vtkMRMLNode*`` that PySide6 does not know.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore


@functools.cache
def _signatures(cls: type) -> dict[str, str | None]:
    """Signature -> name of our own PySide6 signal, None where Qt itself has the signal."""
    meta = cls.staticMetaObject
    methods = (meta.method(i) for i in range(meta.methodCount()))
    signal = QtCore.QMetaMethod.MethodType.Signal
    found: dict[str, str | None] = {
        bytes(m.methodSignature()).decode(): None for m in methods if m.methodType() == signal
    }
    ours: dict[str, str] = getattr(cls, "_signals", {})
    inner = set(ours.values())
    found = {s: None for s in found if s.split("(")[0] not in inner}
    return {**found, **ours}


@functools.cache
def signal_names(cls: type) -> frozenset[str]:
    """The names of a class's signals."""
    return frozenset(signature.split("(")[0] for signature in _signatures(cls))


def slot_caller(slot: Callable[..., Any]) -> Callable[..., Any]:
    """Call a slot with as many of the signal's arguments as it has parameters."""
    from compat.strict import strictly

    count = None
    function = slot.__func__ if isinstance(slot, types.MethodType) else slot
    if isinstance(function, types.FunctionType):
        code = function.__code__
        if not code.co_flags & 0x04:  # the flag of *args
            count = code.co_argcount - isinstance(slot, types.MethodType)
    elif type(slot).__name__ == "Method":
        # A slot of Qt itself takes as many arguments as it can; try from all to none.
        return functools.partial(_call_qt, slot)

    def call(*arguments: Any) -> None:
        slot(*(strictly(a) for a in arguments[:count]))

    return call


def _call_qt(slot: Callable[..., Any], *arguments: Any) -> None:
    for count in range(len(arguments), 0, -1):
        try:
            slot(*arguments[:count])
            return
        except TypeError:
            continue
    slot()


def connect(sender: Any, signature: str, slot: Callable[..., Any]) -> bool:
    """Connect by signature; AttributeError where the class has no such signal."""
    normal = bytes(QtCore.QMetaObject.normalizedSignature(signature)).decode()
    known = _signatures(type(sender))
    if normal not in known:
        name = signature.split("(")[0]
        near = sorted(s for s in known if s.split("(")[0] == name) or sorted(known)
        raise AttributeError(
            f"{type(sender).__name__} has no signal {signature!r}; it has {', '.join(near)}"
        )
    if not callable(slot):
        raise TypeError(f"{slot!r} cannot be called; connect a function")
    caller = slot_caller(slot)
    inner = known[normal]
    if inner is not None:
        link = object.__getattribute__(sender, inner).connect(caller)
    else:
        # Qt hands over all arguments to a function whose parameters are open.
        link = QtCore.QObject.connect(
            sender, QtCore.SIGNAL(normal), lambda *arguments: caller(*arguments)
        )
    sender.__dict__.setdefault("_links", []).append((normal, slot, link))
    return True


def disconnect(sender: Any, signature: str | None, slot: Any) -> bool:
    """Take connections back; False where there was none that fits."""
    links = sender.__dict__.get("_links", [])
    normal = None
    if signature is not None:
        normal = bytes(QtCore.QMetaObject.normalizedSignature(signature)).decode()
        if normal not in _signatures(type(sender)):
            raise AttributeError(f"{type(sender).__name__} has no signal {signature!r}")
    gone = [
        link
        for link in links
        if (normal is None or link[0] == normal) and (slot is None or link[1] == slot)
    ]
    for link in gone:
        QtCore.QObject.disconnect(link[2])
        links.remove(link)
    return bool(gone)


class Signal:
    """A signal of one object, as the attribute ``button.clicked``."""

    def __init__(self, sender: Any, name: str) -> None:
        self._sender, self._name = sender, name
        self._signature = next(s for s in _signatures(type(sender)) if s.split("(")[0] == name)

    def connect(self, slot: Callable[..., Any]) -> bool:
        """Connect to the first overload, as PythonQt does."""
        return connect(self._sender, self._signature, slot)

    def disconnect(self, slot: Any = None) -> bool:
        """Take one connection back, or all of this signal."""
        return disconnect(self._sender, self._signature, slot)

    def emit(self, *arguments: Any) -> None:
        """Emit; the number of arguments is checked by Qt."""
        inner = _signatures(type(self._sender))[self._signature] or self._name
        object.__getattribute__(self._sender, inner).emit(*arguments)

    __call__ = emit
