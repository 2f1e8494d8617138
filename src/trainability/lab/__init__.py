"""The gallery: every phenomenon of the study notes as an experiment with claims that are decided by statistics.

>>> from trainability import lab
>>> exhibit = lab.run("layer-forward-back", quick=True, seeds=16)
>>> exhibit.verdicts["chain-by-hand"].kind
'holds'
"""

from __future__ import annotations

import time

from trainability.core.errors import SpecError
from trainability.lab.exhibit import Exhibit
from trainability.lab.expected import expected, remember
from trainability.lab.graph import read_expression
from trainability.lab.images import at_most
from trainability.lab.phenomenon import PHENOMENA, Phenomenon, Setting, in_order
from trainability.lab.text import check_language
from trainability.lab.verdicts import Verdict

__all__ = ["PHENOMENA", "Exhibit", "Phenomenon", "Setting", "Verdict", "expected", "names", "run", "setting_of"]

MOST_SEEDS = 100_000
FEWEST_SEEDS = 2


def names() -> list[str]:
    """The phenomena's names in the order of the gallery."""
    return [phenomenon.name for phenomenon in in_order()]


def run(
    name: str,
    *,
    quick: bool = False,
    seeds: int | None = None,
    seed: int = 0,
    data: str | None = None,
    expression: str | None = None,
    lang: str = "en",
) -> Exhibit:
    """Run one phenomenon of the gallery.

    Args:
        name: such as ``or-depth`` or ``p1``; `names` gives all.
        quick: the small form, for a first look.
        seeds: networks per cell; by default the phenomenon's own choice.
        seed: of every draw.
        data: ``mnist:DIR`` or ``cifar10:DIR`` in place of its own data, where a phenomenon takes such.
        expression: such as ``w*x + b`` in place of its own, where a phenomenon takes one.
        lang: of the words, ``en`` or ``ko``.

    Raises:
        UsageError: no phenomenon has that name, the data cannot be read, the expression is not one, or a number is out
            of range.
    """
    phenomenon, language = PHENOMENA[name], check_language(lang)
    setting = setting_of(phenomenon, quick=quick, seeds=seeds, seed=seed, data=data, expression=expression)
    begun = time.perf_counter()
    records = phenomenon.run(setting)
    seconds = time.perf_counter() - begun
    remember(phenomenon, setting, seconds)
    return Exhibit(phenomenon, setting, records, seconds, language)


def setting_of(
    phenomenon: Phenomenon,
    *,
    quick: bool = False,
    seeds: int | None = None,
    seed: int = 0,
    data: str | None = None,
    expression: str | None = None,
) -> Setting:
    """How `run` runs a phenomenon with these arguments; UsageError as there, before anything is read or run."""
    if seeds is not None and (isinstance(seeds, bool) or seeds not in range(FEWEST_SEEDS, MOST_SEEDS + 1)):
        raise SpecError(f"seeds {seeds!r}: must be a whole number from {FEWEST_SEEDS} to {MOST_SEEDS:,}")
    if data is not None and data.partition(":")[0] not in phenomenon.data:
        takes = " or ".join(f"{source}:DIR" for source in phenomenon.data)
        raise SpecError(f"{phenomenon.name} takes " + (f"--data {takes}, got '{data}'" if takes else "no --data"))
    if expression is not None and not phenomenon.expression:
        takers = ", ".join(name for name in names() if PHENOMENA[name].expression)
        raise SpecError(f"{phenomenon.name} takes no --expression" + (f"; {takers} does" if takers else ""))
    if data is not None:
        at_most(data, 1)  # says what is wrong with the files
    if expression is not None:
        read_expression(expression, seed)
    return Setting(quick, seeds or phenomenon.seeds[0 if quick else 1], seed, data, expression)
