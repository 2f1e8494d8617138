"""The doctor's doors in Python: watch a loop, or run a script that knows nothing of it."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from trainability.core.errors import SpecError
from trainability.report.chart import Diagnosis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from trainability.core.chart import Chart


class Watched(Protocol):
    """A framework's watch."""

    def __enter__(self) -> Any: ...
    def __exit__(self, *error: object) -> None: ...
    def chart(self) -> Chart:
        """What was seen so far."""
        ...


class Watching:
    """A watch over one model's training, to be entered around its loop; see `watch`."""

    def __init__(self, watch: Watched, name: str):
        self._watch, self._name = watch, name

    def __enter__(self) -> Watching:
        self._watch.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._watch.__exit__(*error)

    def wrap(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """The training step of a Flax model, to be called in its loop in place of `step`.

        Raises:
            SpecError: `step` is no function, or the model's loop needs none.
        """
        wrap = getattr(self._watch, "wrap", None)
        if wrap is None:
            raise SpecError("only the step of a Flax model is wrapped; this loop is seen as it is")
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

    A loop of PyTorch's is seen as it is. Of Flax NNX it is the step that is watched, compiled or not: it is handed to
    the chart's `wrap`, and what comes back is called in its place.

    Args:
        model: a ``torch.nn.Module`` or a ``flax.nnx.Module``.
        optimizer: the one whose steps count; by default every one that holds a parameter of the model.

    Raises:
        SpecError: the model is none of these, or has no parameters.

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
    for watching in (_torch, _flax):
        made = watching(model, optimizer)
        if made is not None:
            return Watching(made, type(model).__name__)
    wrong = f"{type(model).__module__}.{type(model).__name__}"
    raise SpecError(f"watch takes a flax.nnx.Module or a torch.nn.Module, got {wrong}")


# Whose model it is, is asked of the libraries that are loaded: a model of one that is not cannot be there.


def _torch(model: Any, optimizer: Any) -> Watched | None:
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(model, torch.nn.Module):
        return None
    _require(any(True for _ in model.parameters()), model)
    from trainability.adapters.torch.watch import Watch

    return Watch(model, optimizer)


def _flax(model: Any, optimizer: Any) -> Watched | None:
    nnx = sys.modules.get("flax.nnx")
    if nnx is None or not isinstance(model, nnx.Module):
        return None
    _require(bool(nnx.to_flat_state(nnx.state(model, nnx.Param))), model)
    if optimizer is not None and not isinstance(optimizer, nnx.Optimizer):
        raise SpecError(f"the optimizer of a Flax model is an nnx.Optimizer, got {type(optimizer).__name__}")
    from trainability.adapters.flax.watch import Watch

    return Watch(model, optimizer)


def _require(trainable: bool, model: Any) -> None:
    if not trainable:
        raise SpecError(f"this {type(model).__name__} has no parameters, so there is nothing to train")


@dataclass(frozen=True)
class Script:
    """What came of a watched script: its exit code and the diagnosis of every model that it trained."""

    code: int
    diagnoses: tuple[Diagnosis, ...]


def run_script(path: str | os.PathLike[str], arguments: Sequence[str] = ()) -> Script:
    """Run a Python script as ``python path arguments`` would, and watch every PyTorch model that it trains.

    Its output stays as it is. If it ends with an error, that is printed as ever and its exit code is kept, 130 after
    Ctrl-C; what was seen up to there is diagnosed all the same.

    Raises:
        SpecError: there is no such script, or PyTorch is not installed.
    """
    if not Path(path).is_file():
        raise SpecError(f"there is no script '{path}'")
    try:
        from trainability.adapters.torch.script import watching_models
    except ImportError:
        raise SpecError("PyTorch is not installed; pip install torch") from None
    kept = sys.argv, list(sys.path)
    sys.argv, sys.path[0:0] = [os.fspath(path), *arguments], [str(Path(path).resolve().parent)]
    code = 0
    try:
        with watching_models() as watches:
            try:
                runpy.run_path(os.fspath(path), run_name="__main__")
            except SystemExit as left:
                code = _exit_code(left)
            except KeyboardInterrupt:
                code = 130
            except BaseException as error:
                own = error.__traceback__
                while own is not None and own.tb_frame.f_code.co_filename != os.fspath(path):
                    own = own.tb_next
                traceback.print_exception(type(error), error, own)  # none of its frames: it could not be compiled
                code = 1
    finally:
        sys.argv, sys.path[:] = kept
    trained = [one for one in watches if one.record.losses]
    return Script(code, tuple(Diagnosis(one.chart(), type(one.model).__name__) for one in trained))


def _exit_code(left: SystemExit) -> int:
    if left.code is None:
        return 0
    if isinstance(left.code, int):
        return left.code
    print(left.code, file=sys.stderr)
    return 1
