"""Standing between Keras' trainer and its function of one step, for as long as a watch lasts."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import keras


class Step:
    """In place of a model's `train_function`: every call of it is a step of the watch.

    It takes itself away when a step fails, so that a crash leaves the model as it was.
    """

    def __init__(self, model: Any, function: Callable[..., Any], watch: Any):
        self.model, self.function, self.watch = model, function, watch

    def __call__(self, *arguments: Any) -> Any:
        try:
            return self.watch.step(self.function, arguments)
        except StopIteration:
            raise  # the epoch is over
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        if self.model.train_function is self:
            self.model.train_function = self.function


def attach(model: Any, watch: Any) -> Step | None:
    """Watch the steps of a model whose function of one step is made; None where that was done before."""
    function = model.train_function
    if function is None or isinstance(function, Step):
        return None
    model.train_function = Step(model, function, watch)
    return model.train_function


@contextlib.contextmanager
def hooked(wanted: Callable[[Any], Any]) -> Iterator[None]:
    """Attach to every model that is about to train; `wanted` gives a model's watch, None to leave it alone."""
    undo = contextlib.ExitStack()

    def make(original: Callable[..., Any], model: Any, *args: Any, **kwargs: Any) -> Any:
        made = original(model, *args, **kwargs)
        watch = wanted(model)
        step = attach(model, watch) if watch is not None else None
        if step is not None:
            undo.callback(step.remove)
        return made

    def evaluate(original: Callable[..., Any], model: Any, *args: Any, **kwargs: Any) -> Any:
        logs = original(model, *args, **kwargs)
        within_fit = kwargs.get("_use_cached_eval_dataset") and isinstance(logs, dict) and "loss" in logs
        watch = wanted(model) if within_fit else None
        if watch is not None:
            watch.validated(float(logs["loss"]), kwargs.get("x"), kwargs.get("y"))
        return logs

    def fit(original: Callable[..., Any], model: Any, *args: Any, **kwargs: Any) -> Any:
        watch = wanted(model)
        with contextlib.suppress(TypeError):  # a wrong call, as Keras itself will say
            bound = inspect.signature(original).bind(model, *args, **kwargs)
            bound.apply_defaults()
            if watch is not None and model.optimizer is not None:
                watch.fitted(bound.arguments)
        return original(model, *args, **kwargs)

    with undo:
        for name, replacement in (("make_train_function", make), ("evaluate", evaluate), ("fit", fit)):
            owner = next(kind for kind in keras.Model.__mro__ if name in vars(kind))
            original = vars(owner)[name]
            setattr(owner, name, _method(original, replacement))
            undo.callback(setattr, owner, name, original)
        yield


def _method(original: Callable[..., Any], replacement: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def method(*args: Any, **kwargs: Any) -> Any:
        return replacement(original, *args, **kwargs)

    return method
