"""The command `trainability`."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any, cast

import typer

from trainability.cli import interrupt
from trainability.cli.activation import activation
from trainability.cli.compare import compare
from trainability.cli.doctor import doctor
from trainability.cli.lab import lab
from trainability.cli.predict import predict
from trainability.cli.vocabulary import vocabulary
from trainability.core.errors import Interrupted, UsageError

app = typer.Typer(
    help="Find out whether a neural network will learn, see why it does not, and prove the fix.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(compare)
app.command()(predict)
app.command()(activation)
app.command()(lab)
app.command()(doctor)
app.command("list")(vocabulary)

# What is wrong in the flags themselves; Typer does not export the class, only this one below it.
_FlagError = cast("type[Exception]", typer.BadParameter.__base__)


def _version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        typer.echo(f"trainability {importlib.metadata.version('trainability')}")
        raise typer.Exit


@app.callback()
def _main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run() -> None:
    """The entry point: a user's mistake becomes one sentence and exit code 2, Ctrl-C exit code 130."""
    _make_streams_safe()
    try:
        with interrupt.heard():
            code = app(_spelled_out(sys.argv[1:]), prog_name="trainability", standalone_mode=False)
            sys.stdout.flush()  # here, so that a broken pipe is heard here
        if code == 130:  # Typer's answer to a KeyboardInterrupt
            raise KeyboardInterrupt
        if code:  # what a command ended with, such as that of a watched script
            sys.exit(code)
    except _FlagError as error:
        _fail(_sentence(error))
    except UsageError as error:
        _fail(str(error))
    except (Interrupted, KeyboardInterrupt, typer.Abort) as error:
        interrupt.tell(str(error) or interrupt.sentence)
        sys.exit(130)
    except BrokenPipeError:  # the reader, such as `head`, has gone
        _drop_output()
        sys.exit(141)
    except OSError as error:
        if error.filename is not None:
            raise
        _drop_output()
        _fail(f"the output cannot be written: {(error.strerror or str(error)).lower()}")


def _spelled_out(words: list[str]) -> list[str]:
    """The arguments with a bare ``--residual`` written ``--residual true``; as an axis it takes ``true,false``."""
    written = []
    for i, word in enumerate(words):
        written.append(word)
        if word == "--residual" and (i + 1 == len(words) or words[i + 1].startswith("-")):
            written.append("true")
    return written


def _fail(sentence: str) -> None:
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(2)


def _sentence(error: Any) -> str:
    """Typer's message in our form: ``no such option: --depht (Possible options: --depth) (see 'trainability …')``."""
    message = error.format_message().strip().rstrip(".")
    see = f" (see '{error.ctx.command_path} --help')" if error.ctx else ""
    return f"{message[:1].lower()}{message[1:]}{see}"


def _make_streams_safe() -> None:
    """A closed stream swallows what it is told; a terminal of few characters shows '?' for those it lacks."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _drop_output() -> None:
    """Let the interpreter flush standard output into nothing when it ends, instead of failing once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
