"""CTK's slider with a number beside it, and its number box."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Property
from PySide6.QtCore import Signal as PySideSignal

from compat.strict import Strict, stand_in


class _SliderBase(QtWidgets.QWidget):
    valueChanged = PySideSignal(float)
    valueIsChanging = PySideSignal(float)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        # PySide6's own, not stand-ins: nobody outside reaches them.
        slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal, self)
        box = QtWidgets.QDoubleSpinBox(self)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(slider, 1)
        row.addWidget(box)
        state = {"slider": slider, "box": box, "tracking": True, "pageStep": 10.0}
        self.__dict__["_state"] = state
        box.setRange(0.0, 99.0)
        self._scale()
        box.valueChanged.connect(self._from_box)
        slider.valueChanged.connect(self._from_slider)

    def _scale(self) -> None:
        """The slider counts steps of the number box."""
        box, slider = self._state["box"], self._state["slider"]
        blocked = QtCore.QSignalBlocker(slider)
        slider.setRange(0, max(1, round((box.maximum() - box.minimum()) / box.singleStep())))
        slider.setValue(round((box.value() - box.minimum()) / box.singleStep()))
        blocked.unblock()

    def _from_slider(self, steps: int) -> None:
        box = self._state["box"]
        box.setValue(box.minimum() + steps * box.singleStep())

    def _from_box(self, value: float) -> None:
        self._scale()
        object.__getattribute__(self, "valueIsChanging").emit(value)
        object.__getattribute__(self, "valueChanged").emit(value)

    def _set(self, name: str, value: Any) -> None:
        getattr(self._state["box"], name)(value)
        self._scale()

    def _set_step(self, step: float) -> None:
        # CTK refuses a step that the decimals shown cannot express.
        if round(step, self._state["box"].decimals()) != step or step <= 0:
            raise AttributeError(f"a step of {step} cannot be shown; set decimals first")
        self._set("setSingleStep", step)

    value = Property(float, lambda s: s._state["box"].value(), lambda s, v: s._set("setValue", v))
    minimum = Property(
        float, lambda s: s._state["box"].minimum(), lambda s, v: s._set("setMinimum", v)
    )
    maximum = Property(
        float, lambda s: s._state["box"].maximum(), lambda s, v: s._set("setMaximum", v)
    )
    singleStep = Property(float, lambda s: s._state["box"].singleStep(), _set_step)
    pageStep = Property(
        float, lambda s: s._state["pageStep"], lambda s, v: s._state.update(pageStep=v)
    )
    decimals = Property(
        int, lambda s: s._state["box"].decimals(), lambda s, v: s._set("setDecimals", v)
    )
    suffix = Property(str, lambda s: s._state["box"].suffix(), lambda s, v: s._set("setSuffix", v))
    prefix = Property(str, lambda s: s._state["box"].prefix(), lambda s, v: s._set("setPrefix", v))
    tracking = Property(
        bool, lambda s: s._state["tracking"], lambda s, v: s._state.update(tracking=v)
    )


class ctkSliderWidget(Strict, _SliderBase):
    """A slider and a number box that show the same value."""

    _stand_in = True
    _signals = {
        "valueChanged(double)": "valueChanged",
        "valueIsChanging(double)": "valueIsChanging",
    }

    def setValue(self, value: float) -> None:
        """The value."""
        self.value = value

    def setMinimum(self, value: float) -> None:
        """The least value."""
        self.minimum = value

    def setMaximum(self, value: float) -> None:
        """The greatest value."""
        self.maximum = value

    def setRange(self, minimum: float, maximum: float) -> None:
        """Both ends."""
        self.minimum, self.maximum = minimum, maximum

    def setDecimals(self, decimals: int) -> None:
        """Digits after the point."""
        self.decimals = decimals

    def setSingleStep(self, step: float) -> None:
        """A step of the wheel."""
        self.singleStep = step


class ctkDoubleSpinBox(stand_in(QtWidgets.QDoubleSpinBox)):  # type: ignore[misc]
    """A number box."""

    _stand_in = True
