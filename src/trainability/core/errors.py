"""What can go wrong, as one tree.

TrainabilityError
├── UsageError            the user's mistake: one clear sentence, exit code 2
│   ├── UnknownName       a name that no catalogue entry has; the nearest ones are shown
│   ├── FormulaError      a typed formula that is not one; the place is shown
│   ├── DataError         a problem or a data file that cannot be learned from
│   ├── SpecError         a setting that is out of range or does not fit another
│   └── StoreError        a run on disk that cannot be read or written
└── Interrupted           Ctrl-C: what was finished is kept
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MOST_SHOWN = 20
"""Names that are listed where none is near."""


class TrainabilityError(Exception):
    """The root of every error that this package raises on purpose."""


class UsageError(TrainabilityError):
    """The user's mistake. Its text says what was got, what was expected and the likely fix."""


class UnknownName(UsageError):
    """A name that no entry of a catalogue has."""

    def __init__(self, kind: str, name: str, known: Iterable[str]):
        known = sorted(set(known))
        near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
        if near:
            quoted = [f"'{n}'" for n in near]
            hint = "did you mean " + (", ".join(quoted[:-1]) + " or " if quoted[1:] else "") + quoted[-1] + "?"
        else:
            rest = f" and {len(known) - MOST_SHOWN} more" if len(known) > MOST_SHOWN else ""
            hint = "known are " + ", ".join(known[:MOST_SHOWN]) + rest
        super().__init__(f"unknown {kind} '{name}'; {hint}")


class FormulaError(UsageError):
    """A typed formula that is not one."""


class DataError(UsageError):
    """A problem or a data file that cannot be learned from."""


class SpecError(UsageError):
    """A setting that is out of range or does not fit another."""


class StoreError(UsageError):
    """A run on disk that cannot be read or written."""


class Interrupted(TrainabilityError):
    """The user pressed Ctrl-C; what was finished is kept."""
