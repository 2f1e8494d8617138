"""A card, or all activations, as text on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainability.report.card.card import WIDTH, Card
from trainability.report.card.figure import gain_rows
from trainability.report.card.sheet import Sheet
from trainability.report.words import NOTHING, number, short, value

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table


def text(card: Card) -> Group:
    """The card without its pictures."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    entry = card.choice.entry
    parts: list[object] = [Text(card.name, "bold"), Text(entry.summary)]
    if card.formula:
        parts.append(Text(f"φ = {card.formula}"))
    if card.choice.named:
        parts.append(Text(", ".join(f"{name} = {value(v)}" for name, v in card.choice.named.items())))
    if card.width is not None:
        parts.append(Text(f"in a layer of {card.width:,} {'unit' if card.width == 1 else 'units'}"))
    gains = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for name, words in gain_rows(card):
        gains.add_row(Text(name), Text(words))
    parts += [Text(""), gains]
    rows = card.values()
    if rows:
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        for name, column in (("x", 0), ("φ(x)", 1), ("φ′(x)", 2)):
            table.add_row(Text(name), *(Text(number(row[column], 3), justify="right") for row in rows))
        parts += [Text(""), table]
    for made in card.lines:
        parts += [Text(""), Text(f"# {made.library}", "dim"), *(Text(line, no_wrap=True) for line in made.code)]
    parts += [Text(f"note: {note}", "dim") for note in card.notes]
    if entry.reference:
        parts += [Text(""), Text(entry.reference, "dim")]
    return Group(*parts)  # pyright: ignore[reportArgumentType]


def list_table(made: Sheet, width: int) -> Table:
    """A row for each activation, in `width` characters."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("activation", no_wrap=True)
    for head in ("gain", "critical", "biases"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("formula", no_wrap=True, overflow="ellipsis")
    for card in made.cards:
        point = card.recommended
        critical, biases = (number(point.sigma_w, 4), number(point.sigma_b, 3)) if point else (NOTHING, NOTHING)
        formula = short(card.formula or "(not a formula)", max(20, width - 46))
        table.add_row(Text(card.name), number(card.gain, 4), critical, biases, Text(formula))
    table.caption = Text(
        "gain: keeps variance 1; critical: the gain at which gradients keep their size, with biases of that deviation\n"
        f"(both in a layer of {WIDTH} units where an activation looks at its whole layer)"
    )
    table.caption_justify = "left"
    return table
