"""The command `trainability`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from trainability.cli.compare import compare
from trainability.cli.vocabulary import vocabulary
from trainability.core.errors import Interrupted, UsageError

app = typer.Typer(
    help="Find out whether a neural network will learn, see why it does not, and prove the fix.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(compare)
app.command("list")(vocabulary)


def _version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        typer.echo(f"trainability {importlib.metadata.version('trainability')}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it.")] = False,
) -> None:
    pass


def run() -> None:
    """The entry point: a user's mistake becomes one sentence and exit code 2, Ctrl-C exit code 130."""
    try:
        app()
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except Interrupted as error:
        print(f"\n{error}", file=sys.stderr)
        sys.exit(130)
    except KeyboardInterrupt:
        print("\nstopped; nothing was begun", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader, such as `head`, has gone
        sys.stderr.close()
        sys.exit(141)
