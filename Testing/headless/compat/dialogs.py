"""Dialogs that nobody sees: they are recorded, and answered as the test said.

A message with a single button answers itself. Whatever asks for a choice (a question, a file, a
menu) must have been given its answer by ``recorder.answer(...)``, first come first served; else it
raises, so that no test hangs. An answer is the value that the dialog returns; for a menu the text
of an entry; a function is called with the dialog and its result is the answer.

As in PythonQt, ``exec_`` is the method's name and the file dialogs give a text, not a tuple.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from PySide6 import QtCore, QtWidgets

from compat.strict import stand_in

CLASSES = ("QDialog", "QMessageBox", "QFileDialog", "QMenu", "QProgressDialog", "QDesktopServices")


@dataclass(frozen=True)
class Shown:
    """One dialog that was shown."""

    kind: str
    title: str
    text: str
    detail: str = ""


class Recorder:
    """What was shown and not yet looked at, and the answers in store."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.shown: list[Shown] = []
        self.opened: list[str] = []
        self.answers: deque[Any] = deque()

    def answer(self, *answers: Any) -> None:
        """Store answers for the dialogs to come."""
        self.answers.extend(answers)

    def take(self) -> list[Shown]:
        """What was shown since the last call; a test that leaves some untaken fails."""
        shown, self.shown = self.shown, []
        return shown

    def ask(self, dialog: Any, shown: Shown, default: Any = None) -> Any:
        """Record a dialog and give its answer; AssertionError where none was stored."""
        self.shown.append(shown)
        if not self.answers:
            if default is None:
                raise AssertionError(f"no answer was stored for {shown}")
            return default
        answer = self.answers.popleft()
        return answer(dialog) if callable(answer) else answer


recorder = Recorder()


class QDialog(stand_in(QtWidgets.QDialog)):  # type: ignore[misc]
    """A dialog of the module's own."""

    _stand_in = True

    def exec_(self) -> int:
        """Record; an answer of the test says how it ended."""
        return int(recorder.ask(self, Shown("QDialog", self.windowTitle, "")))


class QMessageBox(stand_in(QtWidgets.QMessageBox)):  # type: ignore[misc]
    """A message; its standard buttons are ints or'ed as in Qt."""

    _stand_in = True

    def exec_(self) -> Any:
        """Record; answers itself where there is but one button."""
        buttons = QtWidgets.QMessageBox.standardButtons(self)
        own = [b for b in self.buttons() if self.buttonRole(b) != self.ActionRole]
        single = len(own) < 2
        shown = Shown(self.className(), self.windowTitle.strip(), self.text, self.detailedText)
        return recorder.ask(self, shown, (buttons or self.Ok) if single else None)

    @classmethod
    def _ask(cls, kind: str, default: Any, arguments: tuple[Any, ...]) -> Any:
        _, title, text, *_rest = arguments
        return recorder.ask(None, Shown(kind, title, text), default)

    @classmethod
    def question(cls, *arguments: Any) -> Any:
        """``question(parent, title, text, buttons...)``: wants an answer."""
        return cls._ask("question", None, arguments)

    @classmethod
    def information(cls, *arguments: Any) -> Any:
        """``information(parent, title, text)``."""
        return cls._ask("information", QtWidgets.QMessageBox.Ok, arguments)

    @classmethod
    def warning(cls, *arguments: Any) -> Any:
        """``warning(parent, title, text, buttons...)``."""
        alone = len(arguments) < 4
        return cls._ask("warning", QtWidgets.QMessageBox.Ok if alone else None, arguments)

    @classmethod
    def critical(cls, *arguments: Any) -> Any:
        """``critical(parent, title, text)``."""
        return cls._ask("critical", QtWidgets.QMessageBox.Ok, arguments)


class QFileDialog:
    """The static functions only; "" is the answer of someone who cancelled."""

    @staticmethod
    def _ask(kind: str, title: str, folder: str) -> str:
        answer = recorder.ask(None, Shown(kind, title, folder))
        if not isinstance(answer, str):
            raise TypeError(f"a file dialog gives a text, not {answer!r}")
        return answer

    @classmethod
    def getOpenFileName(cls, parent: Any, title: str, folder: str = "", *filters: str) -> str:
        """A file's path."""
        return cls._ask("getOpenFileName", title, folder)

    @classmethod
    def getSaveFileName(cls, parent: Any, title: str, folder: str = "", *filters: str) -> str:
        """A path to write to."""
        return cls._ask("getSaveFileName", title, folder)

    @classmethod
    def getExistingDirectory(cls, parent: Any, title: str, folder: str = "", *rest: Any) -> str:
        """A folder's path."""
        return cls._ask("getExistingDirectory", title, folder)


class QMenu(stand_in(QtWidgets.QMenu)):  # type: ignore[misc]
    """A menu; the answer is the text of the entry that is chosen, "" for none."""

    _stand_in = True

    def exec_(self, position: Any = None) -> Any:
        """Record, trigger the chosen entry and give it; None where none was."""
        texts = ", ".join(action.text for action in self.actions())
        answer = recorder.ask(self, Shown("QMenu", self.title, texts))
        if answer == "":
            return None
        chosen = [action for action in self.actions() if action.text.replace("&", "") == answer]
        assert len(chosen) == 1, f"the menu has no one entry {answer!r}: {texts}"
        assert chosen[0].enabled, f"the menu's entry {answer!r} is disabled"
        chosen[0].trigger()
        return chosen[0]

    popup = exec_


class QProgressDialog(stand_in(QtWidgets.QProgressDialog)):  # type: ignore[misc]
    """A progress dialog; never waits for anybody."""

    _stand_in = True


class QDesktopServices:
    """Web pages and folders that the module asked the desktop to open."""

    @staticmethod
    def openUrl(url: Any) -> bool:
        """Record the address in ``recorder.opened``."""
        if not isinstance(url, QtCore.QUrl):
            raise TypeError(f"openUrl takes a qt.QUrl, not {url!r}")
        recorder.opened.append(url.toString())
        return True
