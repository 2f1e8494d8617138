"""The command `trainability`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Annotated, Any

import typer

from trainability.cli.compare import compare
from trainability.cli.vocabulary import vocabulary
from trainability.core.errors import Interrupted, UsageError

GRACE_SECONDS = 1.5
"""How long after Ctrl-C the process may still tidy up: a library may have swallowed it, or XLA may be compiling."""

app = typer.Typer(
    help="Find out whether a neural network will learn, see why it does not, and prove the fix.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(compare)
app.command("list")(vocabulary)

# What is wrong in the flags themselves; Typer does not export the class, only this one below it.
_FlagError = typer.BadParameter.__base__ or typer.BadParameter


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
    watch = _InterruptWatch()
    try:
        interrupted = app(standalone_mode=False) == 130  # Typer's answer to a KeyboardInterrupt
        sys.stdout.flush()  # here, so that a broken pipe is heard here
    except _FlagError as error:
        _fail(_sentence(error))
    except UsageError as error:
        _fail(str(error))
    except Interrupted as error:
        watch.said = True
        print(f"\n{error}", file=sys.stderr)
        sys.exit(130)
    except (KeyboardInterrupt, typer.Abort):
        interrupted = True
    except BrokenPipeError:  # the reader, such as `head`, has gone
        _drop_output()
        sys.exit(141)
    except OSError as error:
        if error.filename is not None:
            raise
        _drop_output()
        _fail(f"the output cannot be written: {(error.strerror or str(error)).lower()}")
    finally:
        watch.end()
    if interrupted:
        watch.said = True
        print("\nstopped; what was finished is kept", file=sys.stderr)
        sys.exit(130)


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


class _InterruptWatch:
    """Ctrl-C raises KeyboardInterrupt as ever; if the process then does not end, it is ended.

    That is safe at any moment: a run's parts are whole or absent.
    """

    def __init__(self) -> None:
        self.said = False
        self._mine = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self._mine:
            signal.signal(signal.SIGINT, self._hear)

    def end(self) -> None:
        """Leave Ctrl-C to Python again."""
        if self._mine:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _hear(self, *_: object) -> None:
        timer = threading.Timer(GRACE_SECONDS, self._leave)
        timer.daemon = True
        timer.start()
        raise KeyboardInterrupt

    def _leave(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\x1b[?25h")  # the progress bar hides the cursor
        if not self.said:
            sys.stderr.write("\nstopped; what was finished is kept: run the same command again to continue\n")
        sys.stderr.flush()
        os._exit(130)
