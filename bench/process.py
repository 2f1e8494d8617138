"""A module whose functions run in a process of their own.

What happens there (settings of threads, the backend of Keras, compiled programs, memory) stays there; between its
calls the process waits.
"""

from __future__ import annotations

import importlib
import multiprocessing
import time
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Final

PATIENCE: Final = 1200.0
"""Seconds after which a process that does not answer is given up."""


class Failure(Exception):
    """A call that gave no answer; the sentence says why."""


class Served:
    """The functions of the module of that name, at the other end of a pipe."""

    def __init__(self, module: str):
        # Not a fork: threads of libraries do not survive one.
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, module), daemon=True)
        self.process.start()
        other.close()

    def __enter__(self) -> Served:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def ask(self, function: str, *arguments: Any) -> Any:
        """What the function answers; Failure if it raises, if the process has died, or if it takes too long."""
        begun = time.monotonic()
        try:
            self.connection.send((function, arguments))
            while not self.connection.poll(1.0):
                if time.monotonic() - begun > PATIENCE:
                    self.stop()
                    raise Failure(f"no answer within {PATIENCE:g} s")
            answer = self.connection.recv()
        except (EOFError, OSError):
            self.process.join(5.0)
            raise Failure(f"its process ended with exit code {self.process.exitcode}") from None
        if isinstance(answer, Failure):
            raise answer
        return answer

    def stop(self) -> None:
        """End the process."""
        self.connection.close()
        self.process.join(1.0)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _serve(connection: Connection, name: str) -> None:
    """Answer until the other end is closed."""
    module = importlib.import_module(name)
    while True:
        try:
            function, arguments = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            answer = getattr(module, function)(*arguments)
        except KeyboardInterrupt:
            return
        except Exception as error:  # whatever a library raises puts its contestant out, not the contest
            lines = str(error).strip().splitlines()
            answer = Failure(f"{type(error).__name__}: {lines[0] if lines else 'no message'}")
        connection.send(answer)
