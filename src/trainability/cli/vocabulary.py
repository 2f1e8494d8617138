"""`trainability list`: everything that can be named."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from trainability.core.catalogue import Entry
from trainability.core.errors import UnknownName

KINDS = (
    "activations", "features", "initializers", "losses", "normalizations", "optimizers", "problems", "schedules",
    "vitals",
)  # fmt: skip


def entries(kind: str) -> Iterable[Entry]:
    """The entries of one kind; UnknownName if there is no such kind."""
    from trainability import activations, initializers, losses, normalization, optimizers, problems, schedules, vitals

    catalogues: dict[str, Iterable[Entry]] = {
        "activations": activations.ACTIVATIONS,
        "features": problems.FEATURES,
        "initializers": initializers.INITIALIZERS,
        "losses": losses.LOSSES,
        "normalizations": normalization.NORMALIZATIONS,
        "optimizers": optimizers.OPTIMIZERS,
        "problems": [*problems.PROBLEMS, *problems.SOURCES],
        "schedules": schedules.SCHEDULES,
        "vitals": vitals.VITALS,
    }
    if kind not in catalogues:
        raise UnknownName("kind", kind, catalogues)
    return catalogues[kind]


def vocabulary(
    kind: Annotated[str | None, typer.Argument(help=f"One of {', '.join(KINDS)}; all when left out.")] = None,
) -> None:
    """Show the vocabulary: every name that compare knows, with its parameters and other names."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    for name in [kind] if kind else KINDS:
        table = Table(title=name, title_justify="left", box=None, pad_edge=False)
        table.add_column("name", no_wrap=True)
        table.add_column("what it is")
        table.add_column("also called")
        for entry in entries(name):
            words = [entry.name, *(f"{p.name}={p.default:g}" for p in entry.parameters)]
            table.add_row(":".join(words), entry.summary, ", ".join(entry.aliases))
        console.print(table)
        console.print()
