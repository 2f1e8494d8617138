"""What the user sees while a run goes on: the data in a sentence, then a bar with rate and time left."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from trainability.cli import interrupt

if TYPE_CHECKING:
    from rich.console import Console

    from trainability.core.types import Dataset
    from trainability.sweep.spec import Spec


UNBOUND_WIDTH = 140
"""Characters of a table where there is no terminal to fit into."""


def console() -> Console:
    """Standard output, for tables: as wide as the terminal if there is one."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else UNBOUND_WIDTH)


class Progress:
    """A watcher of `api.compare`; quiet but for the sentences when standard error is not a terminal."""

    def __enter__(self) -> Progress:
        self._bar: Any = None
        self._task: Any = None
        return self

    def __exit__(self, *_: object) -> None:
        interrupt.training.clear()
        if self._bar is not None:
            self._bar.stop()

    def begin(self, spec: Spec, data: Dataset, trials: int, steps_left: int, steps: int) -> None:
        """See `api.Watcher`."""
        held = f", {len(data.x_validation):,} held out" if len(data.x_validation) else ""
        inputs = data.x_train.shape[1]
        print(
            f"{data.name}: {len(data.x_train):,} samples{held}, {inputs:,} input{'s' if inputs > 1 else ''}; "
            f"{trials:,} networks; solved: {spec.target} at the last step"
        )
        for note in data.notes:
            print(f"  note: {note}")
        if not steps_left:
            print("  everything is in the store already")
        elif steps_left < steps:
            print(f"  continuing: {1 - steps_left / steps:.0%} is in the store already")
        sys.stdout.flush()
        if steps_left and sys.stderr.isatty():
            self._start(steps, steps - steps_left)

    def _start(self, total: int, done: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, ProgressColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar
        from rich.text import Text

        class Rate(ProgressColumn):
            def render(self, task: Any) -> Text:
                return Text(f"{task.speed:,.0f} network-steps/s" if task.speed else "compiling")

        columns = (BarColumn(), TextColumn("{task.percentage:>3.0f} %"), Rate(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=total, completed=done)
        self._bar.start()

    def advance(self, steps: int) -> None:
        """See `api.Watcher`."""
        if steps:
            interrupt.training.set()
        if self._bar is not None:
            self._bar.advance(self._task, steps)
