"""Where a PyTorch source says how it trains: optimiser, rate, decay, batch, epochs, clipping."""

from __future__ import annotations

import ast
from typing import Final

from trainability.treatment.patch.calls import argument, given, only_settings, without
from trainability.treatment.patch.names import followed, path_of, written, written_beside
from trainability.treatment.patch.numbers import known, literal, multiplied, number, replaced
from trainability.treatment.patch.places import Training, only, parameters_of
from trainability.treatment.patch.source import Edit, NoPlace, Source

RATES: Final = {
    "ASGD": 0.01, "Adadelta": 1.0, "Adafactor": 0.01, "Adagrad": 0.01, "Adam": 0.001, "AdamW": 0.001, "Adamax": 0.002,
    "LBFGS": 1.0, "Muon": 0.001, "NAdam": 0.002, "RAdam": 0.001, "RMSprop": 0.01, "Rprop": 0.01, "SGD": 0.001,
    "SparseAdam": 0.001,
}  # fmt: skip
"""Rates of ``torch.optim`` where none is given (PyTorch 2.13)."""
DECAYS: Final = {"AdamW": 0.01, "Muon": 0.1}
"""The same of weight decay, which all others have at 0."""
NO_DECAY: Final = ("LBFGS", "Rprop", "SparseAdam")
USUAL: Final = {"adam": ("Adam", 0.001), "sgd": ("SGD", 0.01), "rmsprop": ("RMSprop", 0.001)}
"""Classes and rates that a treatment takes; SGD with momentum 0.9."""


def _optimizer(at: Training) -> tuple[ast.Call, str]:
    """The call and its class; NoPlace where parameters come in groups with settings of their own."""
    call = at.optimizer
    held = argument(call, 0, "params")
    held = None if held is None else followed(at.source, held)
    plain = held is not None and (
        parameters_of(at.source, held) is not None or _unpacked(at.source, held) or by_function(at, call)
    )
    if not plain or any(isinstance(node, ast.Dict) for node in ast.walk(held or call)):
        raise NoPlace("the optimiser may hold groups of parameters with settings of their own")
    name = (path_of(at.source, call.func) or "").rpartition(".")[2]
    if name not in RATES:
        raise NoPlace(f"the optimiser '{name}' is not known")
    return call, name


def by_function(at: Training, call: ast.Call) -> bool:
    """Whether the recipe's optimiser is a function that is handed the parameters and makes this call."""
    function = followed(at.source, at.field("optimizer")) if at.function is not None else None
    names = [a.arg for a in function.args.args] if isinstance(function, ast.Lambda) and function.body is call else []
    return bool(call.args) and isinstance(call.args[0], ast.Name) and names == [call.args[0].id]


def _unpacked(source: Source, held: ast.expr) -> bool:
    """Whether parameters are listed, filtered or chained, not grouped."""
    if isinstance(held, ast.ListComp | ast.GeneratorExp):
        return True
    path = path_of(source, held.func) if isinstance(held, ast.Call) else None
    name = held.func.id if isinstance(held, ast.Call) and isinstance(held.func, ast.Name) else None
    return path == "itertools.chain" or name in ("filter", "list")


def rate(at: Training, value: float) -> list[Edit]:
    """``lr=`` or the second argument; the default, where it is not given, becomes an argument."""
    call, name = _optimizer(at)
    if at.calls("torch.optim.lr_scheduler.OneCycleLR") or at.calls("torch.optim.lr_scheduler.CyclicLR"):
        raise NoPlace("the schedule sets the rate")
    found = argument(call, 1, "lr")
    if found is None:
        at.own(call)
        return given(at.source, call, 1, "lr", repr(float(f"{RATES[name] * value:.12g}")))
    return multiplied(at.source, at.handed(found), value)


def optimizer(at: Training, value: str) -> list[Edit]:
    """Another class with its usual settings; the parameters stay as they are written."""
    call, name = _optimizer(at)
    at.own(call)
    wanted, usual = USUAL[value]
    if name == wanted:
        return []
    source = at.source
    shown, edits = written_beside(source, call.func, f"torch.optim.{wanted}")
    edits = [*edits, Edit(source.start(call.func), source.end(call.func), shown)]
    if not call.args and call.keywords[0].arg != "params":
        raise NoPlace("the parameters are not the optimiser's first argument")
    settings = {"lr": repr(usual)} | ({"momentum": "0.9"} if value == "sgd" else {})
    return edits + only_settings(source, call, 1, "lr", settings)


def decay(at: Training, value: float) -> list[Edit]:
    """``weight_decay=``; it is taken out where 0 is what the class has anyway."""
    call, name = _optimizer(at)
    found = argument(call, None, "weight_decay")
    if name in NO_DECAY or any(isinstance(one, ast.Starred) for one in call.args) or len(call.args) > 2:
        raise NoPlace(f"'{name}' takes no weight decay by name")
    if found is None:
        same = value == DECAYS.get(name, 0.0)
        at.own(call)
        return [] if same else given(at.source, call, None, "weight_decay", number(value))
    place = at.handed(found)
    if value == 0 and name not in DECAYS and place is found:
        return without(at.source, call, "weight_decay")
    return replaced(at.source, place, value)


def batch(at: Training, value: float) -> list[Edit]:
    """The recipe's batch size, or that of the loader of the training samples."""
    if at.function is not None:
        return multiplied(at.source, at.handed(at.field("batch_size")), value, whole=True)
    loaders = at.calls("torch.utils.data.DataLoader")
    if not loaders:
        return multiplied(at.source, _stride(at), value, True, lambda use: True)
    sizes = {call: argument(call, 1, "batch_size") for call in loaders}
    shuffled = [call for call in loaders if _is_true(argument(call, 2, "shuffle"))]
    chosen = only(shuffled if len(loaders) > 1 else loaders, "loaders of training samples")
    found = sizes[chosen]
    if found is None:
        return given(at.source, chosen, 1, "batch_size", str(max(1, round(value))))
    return multiplied(at.source, found, value, True, lambda use: use in sizes.values())


def _stride(at: Training) -> ast.Name:
    """The one name by which a hand-written loop cuts its samples: ``range(0, n, name)`` or ``.split(name)``."""
    every = [node for node in ast.walk(at.source.tree) if isinstance(node, ast.Call)]
    ranges = [
        call.args[2] for call in every if isinstance(call.func, ast.Name) and call.func.id == "range" and call.args[2:]
    ]
    parts = [call.args[0] for call in at.methods("split") if len(call.args) == 1]
    names = {node.id: node for node in (*ranges, *parts) if isinstance(node, ast.Name)}
    if len(names) == 1 and not any(literal(node) for node in ranges):
        name = next(iter(names.values()))
        if known(at.source, name) is not None:
            return name
    raise NoPlace("there is no loader, and no one name for the size of a batch")


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def epochs(at: Training, value: float) -> list[Edit]:
    """The recipe's epochs, or the range of the one outermost loop that steps."""
    if at.function is not None:
        return multiplied(at.source, at.handed(at.field("epochs")), value, whole=True)
    if "lr_scheduler" in at.source.text:
        raise NoPlace("the schedule of the rate counts epochs too")
    steps = set(at.trainings())
    loops = [n for n in ast.walk(at.source.tree) if isinstance(n, ast.For) and not steps.isdisjoint(ast.walk(n))]
    inner = {node for loop in loops for node in ast.walk(loop) if node is not loop}
    called = {node.func.id for node in inner if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    inside = [n for n in at.source.tree.body if isinstance(n, ast.FunctionDef) and n.name in called]
    inner |= {node for function in inside for node in ast.walk(function)}
    outer = [loop for loop in loops if loop not in inner]
    if len(outer) != 1:
        raise NoPlace(f"there are {len(outer)} loops that train")
    count = outer[0].iter
    while isinstance(count, ast.Call) and (path_of(at.source, count.func) or "").startswith("tqdm.") and count.args:
        count = count.args[0]
    if not (isinstance(count, ast.Call) and isinstance(count.func, ast.Name) and count.args):
        raise NoPlace("the outermost loop that trains counts no epochs")
    start, stop = (count.args[0], count.args[1]) if len(count.args) == 2 else (None, count.args[0])
    if count.func.id == "trange" or count.func.id == "range":
        if start is None or (isinstance(start, ast.Constant) and start.value == 0):
            return multiplied(at.source, stop, value, whole=True)
        sum_of = stop if isinstance(stop, ast.BinOp) and isinstance(stop.op, ast.Add) else None
        if sum_of and known(at.source, start) == known(at.source, sum_of.right) == 1:
            return multiplied(at.source, sum_of.left, value, whole=True)
    raise NoPlace("the outermost loop that trains counts no epochs")


def clip(at: Training, value: float) -> list[Edit]:
    """The bound of a clipping that is there, or a line before the one step of the optimiser."""
    if at.function is not None:
        raise NoPlace("a recipe has no loop of its own")
    text = repr(float(value))
    there = at.calls("torch.nn.utils.clip_grad_norm_")
    if there:
        bound = argument(only(there, "clippings"), 1, "max_norm")
        if bound is not None:
            return replaced(at.source, bound, value)
    made = at.source.statement(at.optimizer)
    names = [t.id for t in made.targets if isinstance(t, ast.Name)] if isinstance(made, ast.Assign) else []
    steps = [c for c in at.methods("step") if isinstance(c.func, ast.Attribute) and _named(c.func.value, names)]
    scaled = [call for call in at.methods("step") if any(_named(a, names) for a in call.args)]
    if scaled or any(call.args for call in steps):
        raise NoPlace("the optimiser's step is taken by something else")
    step = only(steps, "steps of the optimiser")
    statement = at.source.statement(step)
    if not (isinstance(statement, ast.Expr) and isinstance(step.func, ast.Attribute)):
        raise NoPlace("the optimiser's step is part of something else")
    model = parameters_of(at.source, argument(at.optimizer, 0, "params"))
    if model is not None and at.visible(model, step):
        held = f"{at.source.segment(model)}.parameters()"
    else:
        held = f'[p for group in {at.source.segment(step.func.value)}.param_groups for p in group["params"]]'
    function, edits = written(at.source, "torch.nn.utils.clip_grad_norm_", step)
    return [*edits, at.source.line_before(statement, f"{function}({held}, {text})")]


def _named(node: ast.expr, names: list[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names
