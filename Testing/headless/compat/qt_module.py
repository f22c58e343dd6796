"""The module ``qt``, as PythonQt offers it, over PySide6 without a display.

Widgets and other QObjects are strict stand-ins (``strict.py``); plain values (colours, sizes) are
PySide6's own. A name that is not listed here is refused: add it to the lists when the module needs
it. ``qt.Qt`` has its values without the enumeration's name (``qt.Qt.AlignLeft``), as PythonQt.
"""

from __future__ import annotations

import enum
import types
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from compat import dialogs
from compat.strict import stand_in
from compat.ui_loader import QUiLoader

WIDGETS = [
    "QAbstractButton", "QAbstractItemView", "QButtonGroup", "QCheckBox", "QComboBox",
    "QDialogButtonBox", "QDockWidget", "QDoubleSpinBox", "QFormLayout", "QFrame", "QGridLayout",
    "QGroupBox", "QHBoxLayout", "QHeaderView", "QLabel", "QLineEdit", "QListWidget",
    "QListWidgetItem", "QMainWindow", "QPlainTextEdit", "QProgressBar", "QPushButton",
    "QRadioButton", "QScrollArea", "QSizePolicy", "QSlider", "QSpacerItem", "QSpinBox",
    "QSplitter", "QStackedWidget", "QStyle", "QStyleOption", "QStyleOptionButton",
    "QStyleOptionFrame", "QStylePainter", "QTabWidget", "QTableWidget", "QTableWidgetItem",
    "QTextBrowser", "QTextEdit", "QToolBar", "QToolButton", "QToolTip", "QTreeWidget",
    "QTreeWidgetItem", "QVBoxLayout", "QWidget", "QWidgetAction", "QApplication", "QStatusBar",
    "QStyledItemDelegate", "QStyleOptionViewItem", "QTreeWidgetItemIterator",
]  # fmt: skip
GUI = [
    "QAction", "QActionGroup", "QBrush", "QColor", "QConicalGradient", "QCursor",
    "QDesktopServices", "QFont", "QFontMetrics", "QFontMetricsF", "QGuiApplication", "QIcon",
    "QImage", "QKeyEvent", "QKeySequence", "QLinearGradient", "QMouseEvent", "QPainter",
    "QPainterPath", "QPalette", "QPen", "QPicture", "QPixmap", "QPolygon", "QPolygonF",
    "QRadialGradient", "QRegion", "QShortcut", "QTextCursor", "QTransform", "QHelpEvent",
    "QFocusEvent", "QTextOption", "QTextDocument",
]  # fmt: skip
CORE = [
    "QByteArray", "QDateTime", "QDir", "QElapsedTimer", "QEvent", "QEventLoop", "QFile",
    "QFileInfo", "QIODevice", "QLine", "QLineF", "QLocale", "QMargins", "QMimeData", "QObject",
    "QPoint", "QPointF", "QProcess", "QRect", "QRectF", "QSettings", "QSize", "QSizeF",
    "QStandardPaths", "QSysInfo", "QTimer", "QUrl", "QItemSelectionModel", "QModelIndex",
    "QThread",
]  # fmt: skip
# Values that nobody subclasses and that PythonQt wraps without properties stay PySide6's own; but
# the items of trees, lists and tables refuse new attributes as PythonQt's do.
_ITEMS = {"QTreeWidgetItem", "QListWidgetItem", "QTableWidgetItem"}
_PLAIN = {"QApplication", "QGuiApplication", "QSettings", "QStyle"}


class _Namespace:
    """``qt.Qt``: values, but no names of enumerations on the way to them."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(QtCore.Qt, name)
        if isinstance(value, type) and issubclass(value, enum.Enum):
            raise AttributeError(f"write qt.Qt.<value>: PythonQt has no values in qt.Qt.{name}")
        return value


def _take(base: type) -> type:
    if base.__name__ in _PLAIN:
        return base
    if base.__name__ in _ITEMS or issubclass(base, QtCore.QObject):
        return stand_in(base)
    return base


class QtModule(types.ModuleType):
    """Refuses names that are not listed, in words."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"qt.{name} is not among the harness's stand-ins (qt_module.py)")


def make() -> types.ModuleType:
    """The module, ready to be put in ``sys.modules``."""
    module = QtModule("qt", __doc__)
    for source, names in ((QtWidgets, WIDGETS), (QtGui, GUI), (QtCore, CORE)):
        for name in names:
            setattr(module, name, _take(getattr(source, name)))
    module.Qt = _Namespace()
    module.QUiLoader = QUiLoader
    for name in dialogs.CLASSES:
        setattr(module, name, getattr(dialogs, name))
    return module
