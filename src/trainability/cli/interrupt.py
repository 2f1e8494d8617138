"""Ctrl-C ends the process within moments, whatever it is doing. That is safe: a run's parts are whole or absent."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator

GRACE_SECONDS = 1.5
"""How long after Ctrl-C the workers may take to stop; one that XLA is compiling for cannot be told to."""

STOPPED = "stopped; what was finished is kept: run the same command again to continue"
NOT_KEPT = "stopped; a search for a treatment begins anew next time"

SEEN = "the script was stopped; what was seen of it until then stands above"

sentence = STOPPED
"""What is said of a run that is stopped: the command's to choose."""

training = threading.Event()
"""Set while the main thread only waits for workers.

Then Ctrl-C raises KeyboardInterrupt as ever, and the run says what it keeps. At other times the exception could come
up inside a library that is being imported; JAX was seen to swallow it, and to crash.
"""

_told = threading.Event()


@contextlib.contextmanager
def heard() -> Iterator[None]:
    """Inside this context Ctrl-C ends the process with exit code 130; not where the caller has ignored it."""
    mine = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if mine:
        signal.signal(signal.SIGINT, _hear)
    try:
        yield
    finally:
        training.clear()
        if mine and not _told.is_set():
            signal.signal(signal.SIGINT, signal.default_int_handler)


@contextlib.contextmanager
def left_to_the_script() -> Iterator[None]:
    """Inside `heard`, let Ctrl-C raise KeyboardInterrupt again: a user's script may want to save what it has."""
    mine = signal.getsignal(signal.SIGINT) is _hear
    if mine:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if mine:
            signal.signal(signal.SIGINT, _hear)


def tell(words: str) -> None:
    """Say once what became of the run."""
    if not _told.is_set():
        _told.set()
        print(f"\n{words}", file=sys.stderr, flush=True)


def _hear(*_: object) -> None:
    if not training.is_set():
        _leave()
    timer = threading.Timer(GRACE_SECONDS, _leave)
    timer.daemon = True
    timer.start()
    training.clear()
    raise KeyboardInterrupt


def _leave() -> None:
    try:
        if sys.stderr.isatty():
            sys.stderr.write("\x1b[?25h")  # the progress bar hides the cursor
        tell(sentence)
    finally:  # also when it was the printing that Ctrl-C came into
        os._exit(130)
