"""How long a phenomenon will take, said before it runs: meant to be right within a factor of two on two cores.

A phenomenon states what its two forms take when nothing is kept. Once it has run, its user's cache knows more: what of
that run was not training, which is what the same run takes as long as its trainings are kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trainability.core.errors import StoreError

if TYPE_CHECKING:
    from trainability.lab.phenomenon import Phenomenon, Setting

START: Final = 1.0
"""Seconds until a process has loaded what a run needs; nothing takes less."""
PAGE: Final = 1.0
"""Seconds that a page takes."""
READ: Final = 0.01
"""Seconds that a training takes which is kept."""


@dataclass
class Ledger:
    """What a run asked of `compare`: the seconds that it waited for it, and where the trainings lie."""

    seconds: float = 0.0
    runs: list[Path] = field(default_factory=list)


def expected(phenomenon: Phenomenon, setting: Setting, *, page: bool = False) -> float:
    """Seconds that a run will take, with its page if one is wanted."""
    known = _known(phenomenon, setting)
    return (_cold(phenomenon, setting) if known is None else START + known) + PAGE * page


def _cold(phenomenon: Phenomenon, setting: Setting) -> float:
    """Seconds when nothing is kept: what grows with the seeds is all but the start."""
    form = 0 if setting.quick else 1
    source = (setting.data or "").partition(":")[0]
    stated = phenomenon.seconds_of_data.get(source, phenomenon.seconds)[form]
    return START + max(0.0, stated - START) * setting.seeds / phenomenon.seeds[form]


def remember(phenomenon: Phenomenon, setting: Setting, seconds: float) -> None:
    """Keep what a run that took so many seconds will take the next time; an unwritable cache keeps nothing."""
    from trainability.report.document import write_whole

    ledger = setting.ledger
    again = max(0.0, seconds - ledger.seconds) + READ * len(ledger.runs)
    said = json.dumps({"seconds": again, "runs": sorted(map(str, ledger.runs))}, indent=1) + "\n"
    with contextlib.suppress(StoreError):
        write_whole(said, _place(phenomenon, setting))


def _known(phenomenon: Phenomenon, setting: Setting) -> float | None:
    """Seconds of the same run as it was remembered, if all its trainings are still there."""
    try:
        found: dict[str, Any] = json.loads(_place(phenomenon, setting).read_bytes())
        seconds = float(found["seconds"])
        kept = all(Path(run).is_dir() for run in found["runs"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return seconds if kept and 0 <= seconds < float("inf") else None


def _place(phenomenon: Phenomenon, setting: Setting) -> Path:
    from trainability.store import cache_directory
    from trainability.store.layout import package_version

    words = (setting.quick, setting.seeds, setting.seed, setting.data, setting.expression, package_version())
    name = hashlib.sha256(repr(words).encode()).hexdigest()[:16]
    return cache_directory("lab") / f"{phenomenon.name}-{name}.json"
