"""What a phenomenon is: a question, claims, a run, figures and an explanation."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from trainability.core.catalogue import Catalogue, Entry
from trainability.lab.expected import Ledger
from trainability.lab.text import Lang, Text
from trainability.lab.verdicts import Verdict

if TYPE_CHECKING:
    from trainability.report.result import Result
    from trainability.report.style import Picture

Records: TypeAlias = Mapping[str, Any]
"""What a run measured, by name: results of `compare`, arrays, numbers. Claims and figures read these alone."""


@dataclass(frozen=True)
class Setting:
    """How a phenomenon is to be run.

    Attributes:
        quick: whether the small form is asked for, for a first look.
        seeds: how many networks a cell has.
        seed: of every draw.
        data: a source such as ``mnist:DIR`` in place of the phenomenon's own data, or None.
        expression: what the user typed in place of the phenomenon's own expression, or None.
        ledger: what was asked of `compare` so far.
    """

    quick: bool
    seeds: int
    seed: int = 0
    data: str | None = None
    expression: str | None = None
    ledger: Ledger = field(default_factory=Ledger, compare=False, repr=False)

    def compare(self, problem: str, **settings: Any) -> Result:
        """A run of `compare` with these seeds; one that was made before is read from the user's cache."""
        from trainability import api

        begun = time.perf_counter()
        result = api.compare(problem, **{"seeds": self.seeds, "seed": self.seed, **settings})
        self.ledger.seconds += time.perf_counter() - begun
        self.ledger.runs.append(result.directory)
        return result

    def with_seeds(self, seeds: int) -> Setting:
        """The same with another number of networks."""
        return dataclasses.replace(self, seeds=seeds)


@dataclass(frozen=True)
class Reported:
    """A figure of the study notes beside ours for the same configuration and one seed."""

    what: Text
    notes: str
    ours: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Something that is said of a phenomenon, and what decides whether it is true.

    Attributes:
        key: its name in JSON.
        text: the claim, a sentence.
        rule: the statistic, the threshold and the test, a sentence.
        decide: reads the records and answers.
    """

    key: str
    text: Text
    rule: Text
    decide: Callable[[Records], Verdict]


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure of a phenomenon: its name, its heading, and how it is drawn from the records in a language."""

    key: str
    heading: Text
    draw: Callable[[Records, Lang], Picture]


@dataclass(frozen=True, kw_only=True)
class Phenomenon(Entry):
    """An experiment of the gallery. `summary` is the question in one short English line.

    Attributes:
        number: its place in the gallery; ``p1`` is an alias of the first.
        title, question: a few words; a sentence.
        explanation: one screen of text, paragraphs parted by an empty line.
        seeds: networks per cell, quick and full.
        seconds: what a process that runs it takes on two cores when nothing is kept, quick and full.
        run: measures everything that claims and figures need.
        reported: the notes' figures beside ours.
        claims, drawings: in the order of the page.
        data: sources that can take the place of its own data, such as ``mnist``.
        seconds_of_data: `seconds` with data from such a source, by the size of its images; not measured to the end.
        expression: its own expression, if another may take its place; else empty.
    """

    number: int
    title: Text
    question: Text
    explanation: Text
    seeds: tuple[int, int]
    seconds: tuple[float, float]
    run: Callable[[Setting], Records]
    reported: Callable[[Records], tuple[Reported, ...]]
    claims: tuple[Claim, ...]
    drawings: tuple[Drawing, ...]
    data: tuple[str, ...] = ()
    seconds_of_data: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    expression: str = ""


PHENOMENA: Catalogue[Phenomenon] = Catalogue("phenomenon", "trainability.lab.phenomena", Phenomenon)


def in_order() -> list[Phenomenon]:
    """All phenomena in the order of the gallery."""
    return sorted(PHENOMENA, key=lambda phenomenon: phenomenon.number)
