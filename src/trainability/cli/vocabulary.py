"""`trainability list`: everything that can be named."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from trainability.cli.progress import console
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
    """Show the vocabulary: every name that compare knows, with its parameters, their defaults and other names."""
    from rich.table import Table
    from rich.text import Text

    screen = console()
    for name in [kind] if kind else KINDS:
        table = Table(box=None, pad_edge=False, show_header=False)
        for entry in entries(name):
            words = [str(getattr(entry, "usage", entry.name)), *(f"{p.name}={p.default:g}" for p in entry.parameters)]
            also = f" (also {', '.join(entry.aliases)})" if entry.aliases else ""
            table.add_row(Text(":".join(words), "bold"), Text(entry.summary.rstrip(".") + also))
        screen.print(Text(name, "bold underline"), table, "", sep="\n")
