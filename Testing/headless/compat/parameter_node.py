"""``slicer.parameterNodeWrapper``: a class whose members live in a vtkMRMLScriptedModuleNode.

As documented by Slicer: members are declared by type hints, with defaults or ``Annotated``
validators; values are the node's parameters, nodes are its node references, so all of it is saved
with the scene. Types: str, int, float, bool, pathlib.Path, enum.Enum, MRML nodes, and any of these
or None. Others (lists, tuples, packs...) Slicer knows too; here they are refused when the class is
made. Widgets are connected in ``parameter_gui.py``.

As in Slicer, a wrapper keeps what it has read, nodes too, and reads anew when the parameter node
tells of a change: of a node that is removed only after that. What has gone from the node by then is
written anew as the default. It hands on to the node no more than what observers and ``NodeModify``
ask for.
"""

from __future__ import annotations

import enum
import pathlib
import types
import typing
import weakref
from typing import Any

from compat.parameter_gui import Connections
from compat.validators import (
    Choice,
    Decimals,
    Default,
    Maximum,
    Minimum,
    SingleStep,
    Validator,
    WithinRange,
)

__all__ = [
    "Choice",
    "Decimals",
    "Default",
    "Maximum",
    "Minimum",
    "SingleStep",
    "Validator",
    "WithinRange",
    "isParameterNodeWrapper",
    "parameterNodeWrapper",
]
_UNSET = object()


class Parameter:
    """One member: its name, type, validators and default, and how it is kept in the node."""

    def __init__(self, name: str, hint: Any, default: Any) -> None:
        self.name = name
        self.notes = list(getattr(hint, "__metadata__", ()))
        hint = typing.get_args(hint)[0] if self.notes else hint
        options = typing.get_args(hint) if _is_union(hint) else (hint,)
        self.optional = type(None) in options
        self.types = tuple(t for t in options if t is not type(None))
        self.is_node = all(_is_node(t) for t in self.types)
        if not self.is_node and (len(self.types) != 1 or not _is_simple(self.types[0])):
            raise TypeError(f"{name}: the harness keeps no {hint!r} in a parameter node")
        given = [note for note in self.notes if isinstance(note, Default)]
        if given and default is _UNSET:
            default = given[0].value()
        self.default = self._implicit() if default is _UNSET else default
        self.check(self.default)

    def _implicit(self) -> Any:
        if self.is_node or self.optional:
            return None
        kind = self.types[0]
        return next(iter(kind)) if issubclass(kind, enum.Enum) else kind()

    def check(self, value: Any) -> None:
        """TypeError or ValueError for a value that may not be stored."""
        if value is None and (self.is_node or self.optional):
            return
        if self.is_node:
            fits = hasattr(value, "IsA") and any(value.IsA(t.__name__) for t in self.types)
        else:
            kind = self.types[0]
            fits = isinstance(value, (float, int) if kind is float else kind)
            fits = fits and not (isinstance(value, bool) and kind is not bool)
        if not fits:
            names = " or ".join(t.__name__ for t in self.types)
            raise TypeError(f"{self.name} takes {names}, not {value!r}")
        for note in self.notes:
            if isinstance(note, Validator):
                note.validate(value)

    def is_in(self, node: Any) -> bool:
        """Whether the node has a value."""
        return bool(node.HasParameter(self.name))

    def write(self, node: Any, value: Any) -> None:
        """Store a value."""
        self.check(value)
        if self.is_node:
            node.SetParameter(self.name, "")  # by which a node that is None is known to be there
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
            return
        if isinstance(value, enum.Enum):
            text = value.name
        elif self.types[0] is float and value is not None:
            text = repr(float(value))
        else:
            text = str(value)
        node.SetParameter(self.name, text)

    def read(self, node: Any) -> Any:
        """The value stored; the default is, where none was."""
        if not self.is_in(node):
            self.write(node, self.default)
        if self.is_node:
            return node.GetNodeReference(self.name)
        text, kind = node.GetParameter(self.name), self.types[0]
        if self.optional and text == "None":
            return None
        if kind is bool:
            return text == "True"
        return kind[text] if issubclass(kind, enum.Enum) else kind(text)


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def _is_node(kind: Any) -> bool:
    import slicer

    return isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode)


def _is_simple(kind: Any) -> bool:
    known = (str, int, float, bool, enum.Enum, pathlib.PurePath)
    return isinstance(kind, type) and issubclass(kind, known)


class Kept:
    """A member's value, as of the parameter node's last ModifiedEvent."""

    def __init__(self, parameter: Parameter, node: Any) -> None:
        self.parameter, self.node = parameter, node
        self.value = parameter.read(node)
        self.writing = False
        own = weakref.ref(self)  # an observer that held it would keep it for ever
        self.tag = node.AddObserver("ModifiedEvent", lambda *_event: own()._renew())

    def __del__(self) -> None:
        self.node.RemoveObserver(self.tag)

    def _renew(self) -> None:
        if not self.writing:
            self.value = self.parameter.read(self.node)

    def write(self, value: Any) -> None:
        """Store a value; observers hear of it when it is kept here."""
        import slicer

        self.writing = True
        try:
            with slicer.util.NodeModify(self.node):
                self.parameter.write(self.node, value)
                self.value = self.parameter.read(self.node)
        finally:
            self.writing = False


# What a wrapper hands on to the node that it wraps.
_FORWARDED = ("AddObserver", "RemoveObserver", "Modified", "StartModify", "EndModify")


class Wrapper(Connections):
    """What every decorated class can do."""

    allParameters: dict[str, Parameter] = {}
    parameterNode: Any
    _kept: dict[str, Kept]

    def __init__(self, parameterNode: Any) -> None:
        if not (hasattr(parameterNode, "IsA") and parameterNode.IsA("vtkMRMLScriptedModuleNode")):
            raise TypeError(f"a wrapper wants a vtkMRMLScriptedModuleNode, not {parameterNode!r}")
        object.__setattr__(self, "parameterNode", parameterNode)
        Connections.__init__(self)
        kept = {name: Kept(p, parameterNode) for name, p in self.allParameters.items()}
        object.__setattr__(self, "_kept", kept)

    def getValue(self, name: str) -> Any:
        """A value by its name."""
        return self._kept[name].value

    def setValue(self, name: str, value: Any) -> None:
        """Store a value by its name."""
        self._kept[name].write(value)

    def default(self, name: str) -> Any:
        """The default of a member."""
        return self.allParameters[name].default

    def __getattr__(self, name: str) -> Any:
        if name in _FORWARDED:
            return getattr(self.parameterNode, name)
        raise AttributeError(f"{type(self).__name__} has no member {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.allParameters:
            raise AttributeError(f"{type(self).__name__} has no parameter {name!r}")
        super().__setattr__(name, value)


def isParameterNodeWrapper(thing: Any) -> bool:
    """Whether a class, or an object's class, was decorated."""
    return issubclass(thing if isinstance(thing, type) else type(thing), Wrapper)


def parameterNodeWrapper(cls: type) -> type:
    """Decorate a class of type hints; its constructor takes a vtkMRMLScriptedModuleNode."""
    members: dict[str, Any] = {}
    parameters: dict[str, Parameter] = {}
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        parameters[name] = Parameter(name, hint, cls.__dict__.get(name, _UNSET))
        members[name] = property(
            lambda self, n=name: self.getValue(n),
            lambda self, value, n=name: self.setValue(n, value),
        )
    if not parameters:
        raise ValueError(f"{cls.__name__} declares no parameter")
    kept = {k: v for k, v in cls.__dict__.items() if k not in parameters}
    kept = {k: v for k, v in kept.items() if k not in ("__dict__", "__weakref__")}
    return type(cls.__name__, (Wrapper,), {**kept, **members, "allParameters": parameters})
