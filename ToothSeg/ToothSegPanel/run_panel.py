"""The button that starts a run, and what stands in its place while the run lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import qt

from ToothSegLib.errors import ToothSegError
from ToothSegPanel import torch_setup
from ToothSegPanel.duration import time_left
from ToothSegPanel.reporting import capitalised, clock, errors_in_a_line, sentence, show_error

POLL_MS = 100


class RunPanel:
    """Presents the button, the progress bar, Cancel and the line below.

    Args:
        ui: the widgets of the module.
        start: starts a run and gives it, or None if the user would rather not; raises
            ToothSegError.
        why_not: why no run can be started now; "" if one can.
        remark: what else has to be known, as long as it is so; "" for nothing.
        region: name of the region that a run would be restricted to; "" if none.
        changed: called when a run has started and when it has ended.
        finished: called with a run that has ended well; gives a sentence about its result.
    """

    def __init__(
        self,
        ui: Any,
        start: Callable[[], Any],
        why_not: Callable[[], str],
        remark: Callable[[], str],
        region: Callable[[], str],
        changed: Callable[[], None],
        finished: Callable[[Any], str],
    ) -> None:
        self._ui = ui
        self._start = start
        self._why_not = why_not
        self._remark = remark
        self._region = region
        self._changed = changed
        self._finished = finished
        self._said = ""
        self._installs = False
        self.run: Any = None
        self._timer = qt.QTimer()
        self._timer.interval = POLL_MS
        self._timer.connect("timeout()", self._poll)
        ui.segmentButton.connect("clicked()", self._clicked)
        ui.cancelButton.connect("clicked()", self.cancel)
        self.refresh()

    def refresh(self) -> None:
        """Bring the button in line with what can be done."""
        running = self.run is not None
        self._ui.segmentButton.visible = not running
        self._ui.progressFrame.visible = running
        if self._installs:  # torch may be there already, but not all that it needs
            self._label(torch_setup.INSTALLING_LABEL, torch_setup.INSTALLING, False)
            self._show(f"{torch_setup.INSTALLING}.")
            return
        if not torch_setup.is_there():
            self._label(torch_setup.LABEL, torch_setup.TIP, True)
            self._show(f"{torch_setup.TIP}.")
            return
        reason, region = self._why_not(), self._region()
        tip = reason or "Find the teeth of the volume, tell them apart and number them"
        if region:
            tip += f"\nOnly within the region {region}: see Advanced"
        self._label("&Segment teeth" + " within the region" * bool(region), tip, not reason)
        self._show("" if running else reason)

    def say(self, text: str) -> None:
        """A sentence below the button, with HTML's marks, before what has to be known."""
        self._said = text
        self.refresh()

    def _show(self, reason: str) -> None:
        standing = map(escape, (self._remark(), reason))
        text = "<br>".join(filter(None, (self._said, *standing)))
        self._ui.messageLabel.text = text
        self._ui.messageLabel.visible = bool(text)

    def cancel(self, *, quietly: bool = False) -> None:
        """Stop the run, if there is one; the scene stays as it was."""
        if self.run is None:
            return
        run = self.run
        with errors_in_a_line("cancel the run"):
            run.cancel()
        self._end(run)
        self.say("" if quietly else "Cancelled; the scene is as it was.")

    def close(self) -> None:
        """The panel goes, perhaps after its widgets: end the run and touch none of them."""
        self._timer.stop()
        run, self.run = self.run, None
        if run is not None:
            run.cancel()

    def _label(self, text: str, tip: str, enabled: bool) -> None:
        self._ui.segmentButton.text = text
        self._ui.segmentButton.toolTip = tip
        self._ui.segmentButton.enabled = enabled

    def _clicked(self) -> None:
        if self.run is not None or self._installs:
            return
        if not torch_setup.is_there():
            with errors_in_a_line("install PyTorch"):
                if torch_setup.is_wanted():
                    with self._installing():
                        torch_setup.install()
            return
        self.say("")
        with errors_in_a_line("start the run"):
            self.run = self._start()
        if self.run is not None:
            self._ui.progressBar.value = 0
            self._ui.stageLabel.text = "Starting"
            self._timer.start()
            self.refresh()
            self._changed()

    @contextmanager
    def _installing(self) -> Iterator[None]:
        """The button says what goes on, and is no button: pip lets further clicks come through."""
        self._installs = True
        self.refresh()
        try:
            with clock():
                yield
        finally:
            self._installs = False
            self.refresh()

    def _poll(self) -> None:
        run = self.run
        if run is None:
            return
        try:
            state = run.poll()
        except Exception as error:
            self._end(run)
            self.say(
                escape(sentence(error)) if isinstance(error, ToothSegError) else "The run failed."
            )
            show_error(error, "finish the run")
            return
        self._ui.progressBar.value = round(100 * state.fraction)
        left = time_left(state.seconds_left)
        stage = capitalised(state.stage)
        self._ui.stageLabel.text = f"{stage}, {left}" if left else stage
        if state.running:
            return
        self._end(run)
        if state.failed:
            self.say(escape(sentence(ToothSegError(state.message))))
            show_error(ToothSegError(state.message), "segment the teeth")
            return
        with errors_in_a_line("show the result"):
            self.say(self._finished(run))

    def _end(self, run: Any) -> None:
        self._timer.stop()
        self.run = None
        self._ui.logText.plainText = run.log
        self.refresh()
        self._changed()
