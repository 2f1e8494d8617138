"""A watch as a Keras callback."""

from __future__ import annotations

from typing import Any

import keras

from trainability.adapters.keras.hooks import Step, attach
from trainability.adapters.keras.watch import Watch, check_backend
from trainability.core.errors import SpecError


class WatchCallback(keras.callbacks.Callback):
    """Watches the `fit` that it is handed to; a second `fit` of the same model goes on with the same chart.

    Keras does not tell a callback that another one failed: the watch then stays until the model is compiled anew.

    Raises:
        SpecError: Keras runs on a backend whose steps cannot be watched.
    """

    async_safe = True  # it does nothing at a batch's end

    def __init__(self) -> None:
        super().__init__()
        check_backend()
        self._seen: Watch | None = None
        self._step: Step | None = None

    @property
    def _watch(self) -> Watch:
        if self._seen is None:
            raise SpecError("this callback has seen no training yet: hand it to fit")
        return self._seen

    @property
    def _name(self) -> str:
        return type(self._watch.model).__name__

    def on_train_begin(self, logs: Any = None) -> None:
        if self._seen is None or self._seen.model is not self.model:
            self._seen = Watch(self.model)
        self._step = attach(self.model, self._seen)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self._seen is not None and "val_loss" in (logs or {}):
            self._seen.validated(float(logs["val_loss"]))

    def on_train_end(self, logs: Any = None) -> None:
        if self._step is not None:
            self._step.remove()
