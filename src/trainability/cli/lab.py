"""`trainability lab`: the gallery of phenomena."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from trainability.cli.compare import check_folder, check_place
from trainability.cli.progress import console
from trainability.core.errors import SpecError

_NAMES = typer.Argument(help="or-depth, p3, …; none lists them.", metavar="[NAME]...", show_default=False)


def lab(
    names: Annotated[list[str] | None, _NAMES] = None,
    all_: Annotated[bool, typer.Option("--all", help="Run every phenomenon.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="The small form, for a first look.")] = False,
    seeds: Annotated[int | None, typer.Option(help="Networks per cell.", metavar="N", show_default=False)] = None,
    seed: Annotated[int, typer.Option(help="Of every draw.", metavar="N")] = 0,
    data: Annotated[
        str | None,
        typer.Option(help="mnist:DIR or cifar10:DIR, where it applies.", metavar="SOURCE", show_default=False),
    ] = None,
    expression: Annotated[
        str | None,
        typer.Option(
            help="Such as 'w*x + b; w=-2, x=5, b=3', where it applies.", metavar="FORMULA", show_default=False
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write a page (.html), or a folder of pages with an index.", metavar="PATH", show_default=False
        ),
    ] = None,
    lang: Annotated[str, typer.Option(help="en or ko.", metavar="LANGUAGE")] = "en",
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Run the phenomena of the study notes with many seeds, and say which claims hold.

    For example: trainability lab or-depth --quick --report or-depth.html
    """
    if all_ and names:
        raise SpecError("--all runs every phenomenon; leave out the names")
    from trainability import lab as gallery
    from trainability.lab import terminal
    from trainability.lab.page import write_site
    from trainability.lab.text import check_language

    check_language(lang)
    screen = console()
    if not all_ and not names:
        if json or report or data or expression is not None or seeds is not None:
            raise SpecError("no phenomenon is named; give one such as or-depth, or --all for every one")
        screen.print(terminal.listing(lang))
        return
    chosen = list(dict.fromkeys(gallery.PHENOMENA[name].name for name in names)) if names else gallery.names()
    single = report is not None and report.suffix.lower() == ".html"
    if single and (all_ or len(chosen) > 1):
        raise SpecError(f"'{report}' is one page; for several phenomena give --report a folder")
    check_place(report if single else None)
    # Every wish is looked at before the first run: a gallery takes minutes.
    settings = []
    known = [source for name in chosen for source in gallery.PHENOMENA[name].data]
    if all_ and data is not None and data.partition(":")[0] not in known:
        raise SpecError(f"no phenomenon takes --data '{data}'; give mnist:DIR or cifar10:DIR")
    for name in chosen:
        phenomenon = gallery.PHENOMENA[name]
        takes = data is not None and (not all_ or data.partition(":")[0] in phenomenon.data)
        setting = gallery.setting_of(
            phenomenon,
            quick=quick,
            seeds=seeds,
            seed=seed,
            data=data if takes else None,
            expression=expression if not all_ or phenomenon.expression else None,
        )
        settings.append((phenomenon, setting))
    if report is not None:
        check_folder(report.parent if single else report)
    exhibits = []
    for phenomenon, setting in settings:
        about = terminal.duration(gallery.expected(phenomenon, setting, page=report is not None))
        print(f"P{phenomenon.number} {phenomenon.name}: about {about}", file=sys.stderr, flush=True)
        made = gallery.run(
            phenomenon.name,
            quick=quick,
            seeds=setting.seeds,
            seed=seed,
            data=setting.data,
            expression=setting.expression,
            lang=lang,
        )
        exhibits.append(made)
        if not json:
            screen.print(terminal.text(made))
    if json:
        parts = [made.to_json().rstrip() for made in exhibits]
        print(parts[0] if len(parts) == 1 and not all_ else "[\n" + ",\n".join(parts) + "\n]")
    if report:
        path = exhibits[0].report(report) if single else write_site(exhibits, report)
        print(f"report: {path}", file=sys.stderr if json else sys.stdout)
