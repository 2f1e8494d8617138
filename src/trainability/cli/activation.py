"""`trainability activation`: the card of an activation, or all of them on one sheet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from trainability.cli.compare import check_place
from trainability.cli.progress import console
from trainability.core.errors import SpecError

_NAME = typer.Argument(help="gelu, elu:0.5, 'expr:x*tanh(x)', …", metavar="NAME", show_default=False)
_OUT = typer.Option(help="Draw it: .png, .svg or .html.", metavar="FILE", show_default=False)
_IMAGE = typer.Option(help="A PNG picture to send through it instead of our own.", metavar="FILE", show_default=False)
_WIDTH = typer.Option(
    help="Units of the layer, for softmax and its like; 64 when left out.", metavar="N", show_default=False, min=1
)


def activation(
    name: Annotated[str | None, _NAME] = None,
    all_: Annotated[bool, typer.Option("--list", help="Show every activation of the catalogue instead.")] = False,
    out: Annotated[Path | None, _OUT] = None,
    image: Annotated[Path | None, _IMAGE] = None,
    width: Annotated[int | None, _WIDTH] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Show the card of an activation: formula, gains, what depth does to it, and initialiser lines to copy.

    For example: trainability activation gelu --out gelu.png
    """
    if all_ and (name is not None or image is not None or width is not None):
        raise SpecError("--list shows every activation; leave out the name, --image and --width")
    if not all_ and name is None:
        raise SpecError("no activation is named; give one such as gelu or 'expr:x*tanh(x)', or --list for all of them")
    check_place(out)
    if out:
        from trainability.report.images import check_ending

        check_ending(out)
    from trainability.report.card import sheet
    from trainability.report.card.terminal import list_table, text

    screen = console()
    if all_:
        made = sheet()
        shown = list_table(made, screen.width)
    else:
        from trainability import api

        made = api.card(str(name), image, width)
        shown = text(made)
    if json:
        print(made.to_json(), end="")
    else:
        screen.print(shown)
    if out:
        print(f"drawn: {made.save(out)}", file=sys.stderr if json else sys.stdout)
