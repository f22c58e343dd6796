"""Makes a PySide6 class behave, and refuse, as PythonQt's wrapper of the same Qt class does.

As in PythonQt: Qt properties are attributes (``button.text = "x"``; calling one is an error), also
``name`` for ``objectName``; signals are connected by signature or as attributes; a slot gets as
many arguments as it has parameters, whatever their defaults; lists come back as tuples; an
attribute that is no property can be set on a Python subclass only.

Of a destroyed object reading and calling is a ValueError, setting an AttributeError, disconnecting
a SystemError (PythonQt fails there without a word), as in PythonQt.

Stricter than PythonQt, so that a slip shows: a property takes only its own type (PythonQt turns 0.5
into 0 for an int and None into "None" for a text), connecting to a signal that does not exist
raises (PythonQt prints a warning), PySide6's own ``exec`` is absent (it is ``exec_``).

Not imitated: PythonQt's choice among overloads, who owns an object, and enumerations as ints.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore

from compat.signals import Signal, connect, disconnect, signal_names

# Qt's type of a property -> what may be assigned.
_TAKES: dict[str, tuple[type, ...]] = {
    "QString": (str,),
    "bool": (bool,),
    "int": (int,),
    "uint": (int,),
    "double": (int, float),
    "float": (int, float),
}
_REFUSED = {"exec", "emit", "sender", "tr", "staticMetaObject"}
# Properties whose reader is a virtual function; the one that is being read.
_VIRTUAL = {"sizeHint", "minimumSizeHint"}
_READING: list[str] = []
# Stand-ins by the name of the Qt class, so that an object that Qt itself made becomes strict too.
STAND_INS: dict[str, type] = {}


class Method:
    """A bound method of Qt; equal to another of the same, so that it can be disconnected."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        plain = (a._thing if isinstance(a, Inner) else a for a in arguments)
        _want_alive(getattr(self._method, "__self__", None), "call a method")
        return strictly(self._method(*plain, **named))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Method) and self._method == other._method

    def __hash__(self) -> int:
        return hash(self._method)


def strictly(value: Any) -> Any:
    """A value from Qt as PythonQt gives it: lists as tuples, objects made by Qt made strict too."""
    if isinstance(value, (list, tuple)):
        return tuple(strictly(item) for item in value)
    if isinstance(value, QtCore.QObject) and not isinstance(value, Strict):
        return Inner(value)
    return value


def _want_alive(thing: Any, doing: str, error: type[Exception] = ValueError) -> None:
    if isinstance(thing, shiboken6.Object) and not shiboken6.isValid(thing):
        raise error(f"Trying to {doing} of a destroyed {type(thing).__name__} object")


@functools.cache
def _properties(cls: type) -> dict[str, QtCore.QMetaProperty]:
    meta = cls.staticMetaObject
    found = (meta.property(i) for i in range(meta.propertyCount()))
    # PythonQt hides this one, for a static function has its name.
    hidden = {"singleShot"} if issubclass(cls, QtCore.QTimer) else set()
    return {prop.name(): prop for prop in found if prop.name() not in hidden}


def _is_derived(cls: type) -> bool:
    """Whether a class was derived in Python from a stand-in, as PythonQt's users may."""
    return cls.__dict__.get("_stand_in") is not True


@functools.cache
def _own(cls: type, name: str) -> bool:
    """Whether Python code, ours or the user's, defines the name above Qt's own classes."""
    for base in cls.__mro__:
        if base.__module__.startswith(("PySide6", "shiboken", "Shiboken")):
            return False
        if name in base.__dict__:
            # Properties and signals of our own classes are Qt's business, as those of Qt's are.
            return not isinstance(base.__dict__[name], (QtCore.Property, QtCore.Signal))
    return False


def _read(thing: Any, name: str, plain: Callable[[str], Any]) -> Any:
    """A property's value, a signal or a method; ``plain`` reads PySide6's attributes."""
    cls = type(thing)
    _want_alive(thing, f"read {name!r}")
    if isinstance(thing, QtCore.QObject):
        name = "objectName" if name == "name" else name
        if name in _properties(cls):
            return _value(thing, name, plain)
        if name in signal_names(cls):
            return Signal(thing, name)
        if name in _dynamic_names(thing):
            return strictly(plain("property")(name))
    if name in _REFUSED:
        raise AttributeError(f"{cls.__name__} has no attribute {name!r} in PythonQt")
    try:
        value = plain(name)
    except AttributeError:
        # In PySide6 an enumeration's values are attributes of the class alone.
        value = getattr(cls, name)
    return Method(value) if callable(value) and not isinstance(value, type) else value


def _value(thing: Any, name: str, plain: Callable[[str], Any]) -> Any:
    """A property's value. To read a virtual one, PySide6 asks for the attribute itself again."""
    if name not in _VIRTUAL:
        return strictly(plain("property")(name))
    if _READING:
        return plain(name)
    _READING.append(name)
    try:
        return plain("property")(name)
    finally:
        _READING.clear()


def _written(thing: Any, name: str, value: Any) -> bool:
    """Set an attribute that Qt has; False where it has none."""
    cls = type(thing)
    if not isinstance(thing, QtCore.QObject):
        return False
    name = "objectName" if name == "name" else name
    if not name.startswith("_"):
        _want_alive(thing, f"set {name!r}", AttributeError)
    prop = _properties(cls).get(name)
    if prop is not None:
        _write(thing, prop, value)
        return True
    if name in signal_names(cls):
        raise AttributeError(f"{name!r} is a signal of {cls.__name__}; connect to it")
    if name in _dynamic_names(thing):
        return bool(QtCore.QObject.setProperty(thing, name, value) or True)
    return False


def _refusal(thing: Any, name: str) -> AttributeError:
    return AttributeError(
        f"{type(thing).__name__} has no property {name!r}, and PythonQt refuses new attributes"
    )


class Inner:
    """An object that Qt made itself, as ``tree.header()``, with the same rules."""

    def __init__(self, thing: QtCore.QObject) -> None:
        self.__dict__["_thing"] = thing

    def __getattr__(self, name: str) -> Any:
        thing = self._thing
        if name in ("connect", "disconnect"):
            return functools.partial(connect if name == "connect" else disconnect, thing)
        return _read(thing, name, functools.partial(getattr, thing))

    def __setattr__(self, name: str, value: Any) -> None:
        if not _written(self._thing, name, value):
            raise _refusal(self._thing, name)

    def __eq__(self, other: object) -> bool:
        return self._thing == (other._thing if isinstance(other, Inner) else other)

    def __hash__(self) -> int:
        return hash(self._thing)

    def className(self) -> str:
        """The name of the Qt class."""
        return str(type(self._thing).__name__)


class Strict:
    """Mixed in before a PySide6 class; see the module's text."""

    _stand_in = True

    def __getattribute__(self, name: str) -> Any:
        plain = super().__getattribute__
        if name.startswith("_") or name in plain("__dict__"):
            return plain(name)
        if _own(type(self), name):
            # PySide6 looks "connect" and its like up behind Python's back.
            return object.__getattribute__(self, name)
        return _read(self, name, plain)

    def __setattr__(self, name: str, value: Any) -> None:
        if _written(self, name, value):
            return
        if not _is_derived(type(self)) and not name.startswith("_"):
            raise _refusal(self, name)
        if callable(getattr(super(), name, None)):
            raise AttributeError(f"{name!r} is a method of {type(self).__name__}; it stays")
        super().__setattr__(name, value)

    def connect(self, signature: str, slot: Callable[..., Any]) -> bool:
        """PythonQt's ``connect("clicked(bool)", function)``."""
        return connect(self, signature, slot)

    def disconnect(self, signature: str | None = None, slot: Any = None) -> bool:
        """Take back one connection, a signal's, or all that Python made; False where none was."""
        _want_alive(self, "disconnect a signal", SystemError)
        return disconnect(self, signature, slot)

    def className(self) -> str:
        """The name of the Qt class."""
        return next(c.__name__ for c in type(self).__mro__ if not _is_derived(c))

    def delete(self) -> None:
        """What PythonQt offers to delete the C++ object at once."""
        shiboken6.delete(self)


def _dynamic_names(thing: QtCore.QObject) -> tuple[str, ...]:
    return tuple(bytes(n).decode() for n in QtCore.QObject.dynamicPropertyNames(thing))


def _write(thing: Any, prop: QtCore.QMetaProperty, value: Any) -> None:
    """Set a property, of its own type only."""
    where = f"{type(thing).__name__}.{prop.name()}"
    if not prop.isWritable():
        raise AttributeError(f"the property {where} cannot be written")
    takes = _TAKES.get(prop.typeName())
    if takes and not prop.isEnumType():
        wrong = not isinstance(value, takes) or (isinstance(value, bool) and bool not in takes)
        if wrong:
            raise AttributeError(
                f"the property {where} of type {prop.typeName()} does not take {value!r}"
            )
    if not QtCore.QObject.setProperty(thing, prop.name(), value):
        raise AttributeError(
            f"the property {where} of type {prop.typeName()} does not take {value!r}"
        )


def stand_in(base: type) -> type:
    """The strict class of a PySide6 class, under the same name."""
    if base.__name__ not in STAND_INS:
        STAND_INS[base.__name__] = type(
            base.__name__, (Strict, base), {"_stand_in": True, "__module__": "qt"}
        )
    return STAND_INS[base.__name__]
