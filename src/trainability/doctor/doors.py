"""The doctor's doors in Python: watch a loop, or run a script that knows nothing of it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainability.adapters.framework import framework_of
from trainability.adapters.script import watching_models
from trainability.core.errors import SpecError
from trainability.core.recipe import Recipe
from trainability.diagnosis import diagnose
from trainability.doctor import as_main
from trainability.doctor.script_warnings import OURS, as_without_us
from trainability.report.chart import Diagnosis

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Watching:
    """A watch over one model's training, to be entered around its loop; see `watch`."""

    def __init__(self, watch: Any, name: str):
        self._watch, self._name = watch, name

    def __enter__(self) -> Watching:
        self._watch.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._watch.__exit__(*error)

    def wrap(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """The training step of a Flax model, to be called in its loop in place of `step`.

        Raises:
            SpecError: `step` is no function, or the loop is seen without.

        Example:
            >>> import jax, optax
            >>> from flax import nnx
            >>> model = nnx.Sequential(nnx.Linear(2, 2, rngs=nnx.Rngs(0)), nnx.softmax)
            >>> optimizer = nnx.Optimizer(model, optax.sgd(0.1), wrt=nnx.Param)
            >>> @nnx.jit
            ... def train_step(model, optimizer, x, y):
            ...     def loss(model):
            ...         return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()
            ...
            ...     value, gradients = nnx.value_and_grad(loss)(model)
            ...     optimizer.update(model, gradients)
            ...     return value
            >>> with watch(model, optimizer) as chart:
            ...     step = chart.wrap(train_step)
            ...     for _ in range(3):
            ...         _ = step(model, optimizer, jax.numpy.eye(2), jax.numpy.arange(2))
            >>> chart.diagnose().roots[0].code
            'double-softmax'
        """
        wrap = getattr(self._watch, "wrap", None)
        if wrap is None:
            raise SpecError("only the step of a Flax model is wrapped; this model's loop is seen as it is")
        return wrap(step)

    def diagnose(self) -> Diagnosis:
        """What the rules say of the run so far."""
        return Diagnosis(self._watch.chart(), self._name)

    def plot(self, sign: str = "gradient_rms") -> Figure:
        """A heat map of a sign, layer by step, above the loss."""
        return self.diagnose().plot(sign)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write the chart as one HTML page."""
        return self.diagnose().report(path)


def watch(model: Any, optimizer: Any = None) -> Watching:
    """Watch a training loop; the training itself comes out the same, bit for bit.

    A loop of PyTorch's and a `fit` of Keras' are seen as they are. Of Flax NNX it is the step that is watched, compiled
    or not: it is handed to the chart's `wrap`, and what comes back is called in its place.

    Args:
        model: a ``torch.nn.Module``, a ``flax.nnx.Module``, or a Keras model that `fit` or `train_on_batch` trains.
        optimizer: of Flax the ``nnx.Optimizer``; of PyTorch the one whose steps count, by default every one that holds
            a parameter of the model.

    Raises:
        SpecError: the model is of none of them, has no parameters, or is of Keras on a backend that cannot be watched.

    Example:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Softmax(-1))
        >>> optimizer = torch.optim.SGD(model.parameters(), 0.1)
        >>> with watch(model, optimizer) as chart:
        ...     for _ in range(3):
        ...         optimizer.zero_grad()
        ...         torch.nn.functional.cross_entropy(model(torch.eye(2)), torch.tensor([0, 1])).backward()
        ...         optimizer.step()
        >>> chart.diagnose().roots[0].code
        'double-softmax'
    """
    framework = framework_of(model, "watch")
    if framework == "keras" and _is_torch(optimizer):  # a loop of PyTorch's own around a Keras model
        framework = "torch"
    made = {"keras": _keras, "flax": _flax, "torch": _torch}[framework](model, optimizer)
    return Watching(made, type(model).__name__)


def _is_torch(optimizer: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(optimizer, torch.optim.Optimizer)


def _keras(model: Any, _optimizer: Any) -> Any:
    from trainability.adapters.keras.watch import Watch

    _require(not model.built or bool(model.weights), model)
    return Watch(model)


def _flax(model: Any, optimizer: Any) -> Any:
    from flax import nnx

    from trainability.adapters.flax.watch import Watch

    _require(bool(nnx.to_flat_state(nnx.state(model, nnx.Param))), model)
    if optimizer is not None and not isinstance(optimizer, nnx.Optimizer):
        raise SpecError(f"the optimizer of a Flax model is an nnx.Optimizer, got {type(optimizer).__name__}")
    return Watch(model, optimizer)


def _torch(model: Any, optimizer: Any) -> Any:
    from trainability.adapters.torch.watch import Watch

    _require(any(True for _ in model.parameters()), model)
    return Watch(model, optimizer)


def _require(parameters: bool, model: Any) -> None:
    if not parameters:
        raise SpecError(f"this {type(model).__name__} has no parameters, so there is nothing to train")


def watch_callback() -> Any:
    """A Keras callback that watches the `fit` that it is handed to.

    It has `diagnose()`, `plot()` and `report()` as a `Watching` has them, of the last `fit`.

    Raises:
        SpecError: Keras is not installed, or runs on a backend that cannot be watched.

    Example:
        ``seen = trainability.watch_callback(); model.fit(x, y, callbacks=[seen]); print(seen.diagnose().text())``
    """
    try:
        from trainability.adapters.keras.callback import WatchCallback
    except ImportError:
        raise SpecError("Keras is not installed; pip install keras") from None

    class Watched(WatchCallback):
        diagnose, plot, report = Watching.diagnose, Watching.plot, Watching.report

    return Watched()


@dataclass(frozen=True)
class Script:
    """What came of a watched script.

    Attributes:
        code: its exit code.
        diagnoses: of every model that it trained.
        recipes: for each of them, what gives its recipe, or raises SpecError where that cannot be told.
    """

    code: int
    diagnoses: tuple[Diagnosis, ...]
    recipes: tuple[Callable[[], Callable[[int], Recipe]], ...] = ()


def run_script(path: str | os.PathLike[str], arguments: Sequence[str] = ()) -> Script:
    """Run a Python script as ``python path arguments`` would, and watch every PyTorch or Keras model that it trains.

    Its output stays as it is. If it ends with an error, that is printed as ever and its exit code is kept, 130 after
    Ctrl-C; what was seen up to there is diagnosed all the same.

    Raises:
        SpecError: there is no such script.
    """
    if not Path(path).is_file():
        raise SpecError(f"there is no script '{path}'")
    path = os.fspath(path)
    code, process = 0, os.getpid()
    with as_main.arguments(path, arguments), watching_models() as watches, as_without_us():
        try:
            as_main.run_as_main(path)
        except SystemExit as left:
            code = _exit_code(left)
        except BaseException as error:
            own = error.__traceback__
            while own is not None and own.tb_frame.f_code.co_filename != os.path.abspath(path):
                own = own.tb_next
            _print_error(error.with_traceback(own))  # none of its frames: it could not be compiled
            code = 130 if isinstance(error, KeyboardInterrupt) else 1
    if os.getpid() != process:  # a fork that came to the script's end: the report is its parent's
        raise SystemExit(code)
    # Of a script that failed before its first step, a loss that refused what it got may tell why.
    trained = [(one, chart) for one in watches() for chart in (one.chart(),) if chart.steps or diagnose(chart)]
    names = _numbered([type(one.model).__name__ for one, _ in trained])
    diagnoses = tuple(Diagnosis(chart, name) for name, (_, chart) in zip(names, trained, strict=True))
    return Script(code, diagnoses, tuple(getattr(one, "recipe", _no_recipe) for one, _ in trained))


def _numbered(names: Sequence[str]) -> list[str]:
    """The names, with a number behind those that come more than once."""
    return [f"{name} {names[: i + 1].count(name)}" if names.count(name) > 1 else name for i, name in enumerate(names)]


def _no_recipe() -> Callable[[int], Recipe]:
    raise SpecError("a loop cannot be done again; write it as a recipe, a function of a seed: FILE.PY:FUNCTION")


def _print_error(error: BaseException) -> None:
    """Print it as Python does, without the places where we stand between the script and its library."""
    said: list[traceback.TracebackException | None] = [traceback.TracebackException.from_exception(error)]
    whole = said[0]
    while said:
        one = said.pop()
        if one is not None:
            kept = [frame for frame in one.stack if not (frame.filename.startswith(OURS) or _dispatching(frame))]
            one.stack = traceback.StackSummary.from_list(kept)
            said += [one.__cause__, one.__context__]
    assert whole is not None
    print(*whole.format(), sep="", end="", file=sys.stderr)


def _dispatching(frame: traceback.FrameSummary) -> bool:
    """Whether PyTorch only handed the call to us there."""
    handing = "handle_torch_function(" in (frame.line or "")
    return Path(frame.filename).parts[-2:] == ("torch", "overrides.py") or (handing and "torch" in frame.filename)


def _exit_code(left: SystemExit) -> int:
    if left.code is None:
        return 0
    if isinstance(left.code, int):
        return left.code
    print(left.code, file=sys.stderr)
    return 1
