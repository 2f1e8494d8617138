"""Watching a script that knows nothing of it: every Keras model that it fits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from trainability.adapters.keras.hooks import hooked
from trainability.adapters.keras.watch import BACKENDS, Watch


@contextlib.contextmanager
def watching_models() -> Iterator[list[Watch]]:
    """Watch every model from its first `fit` or `train_on_batch` on; the list grows as models appear.

    On a backend that cannot be watched nothing is.
    """
    watches: dict[int, Watch] = {}
    found: list[Watch] = []

    def watch_of(model: Any) -> Watch:
        if id(model) not in watches:
            watches[id(model)] = Watch(model)
            found.append(watches[id(model)])
        return watches[id(model)]

    if keras.backend.backend() not in BACKENDS:
        yield found
        return
    with hooked(watch_of):
        yield found
