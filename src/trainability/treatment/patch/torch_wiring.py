"""Where a PyTorch source keeps its model from training: layers in lists, frozen parameters, a wrong mode."""

from __future__ import annotations

import ast

from trainability.treatment.patch.calls import argument
from trainability.treatment.patch.names import followed, path_of, scope_of, written
from trainability.treatment.patch.places import Training, parameters_of
from trainability.treatment.patch.source import Edit, NoPlace, Source
from trainability.treatment.patch.torch_training import by_function


def wiring(at: Training, value: str) -> list[Edit]:
    """Layers in plain lists and dictionaries, frozen parameters, a model left in evaluation, an optimiser of a part."""
    if at.function is None:
        at.model  # noqa: B018 - where several are trained, it is not seen which of them this is about
    edits = [*_lists(at), *_frozen(at), *_evaluating(at), *_optimized(at)]
    if not edits:
        raise NoPlace("what keeps parameters from training is not seen")
    return edits


def _lists(at: Training) -> list[Edit]:
    """``self.layers = [nn.Linear(…)]`` becomes a ModuleList, so that PyTorch knows of it."""
    edits: list[Edit] = []
    for statement in ast.walk(at.source.tree):
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Attribute)):
            continue
        if not at.owns(statement):
            continue
        made, target = statement.value, statement.targets[0]
        listed = followed(at.source, made)
        if not isinstance(listed, ast.List | ast.ListComp | ast.Dict | ast.DictComp):
            continue
        parts = [*_parts(listed), *_appended(at, target), *(_appended(at, made) if listed is not made else [])]
        if any(_is_module(at.source, part) for part in parts):
            home = "ModuleList" if isinstance(listed, ast.List | ast.ListComp) else "ModuleDict"
            shown, more = written(at.source, f"torch.nn.{home}", made)
            edits += [*more, Edit(at.source.start(made), at.source.start(made), f"{shown}("),
                      Edit(at.source.end(made), at.source.end(made), ")")]  # fmt: skip
    return edits


def _appended(at: Training, target: ast.expr) -> list[ast.expr]:
    """What is appended to a list of that name."""
    name = ast.unparse(target)
    owners = [(call.func.value, call.args) for call in at.methods("append") if isinstance(call.func, ast.Attribute)]
    return [arguments[0] for owner, arguments in owners if arguments and ast.unparse(owner) == name]


def _parts(made: ast.expr) -> list[ast.expr]:
    if isinstance(made, ast.List):
        return made.elts
    if isinstance(made, ast.Dict):
        return made.values
    return [made.elt] if isinstance(made, ast.ListComp) else [made.value] if isinstance(made, ast.DictComp) else []


def _is_module(source: Source, node: ast.expr) -> bool:
    path = path_of(source, node.func) if isinstance(node, ast.Call) else None
    return path is not None and path.startswith("torch.nn.") and path.count(".") == 2 and path[9].isupper()


def _frozen(at: Training) -> list[Edit]:
    """``requires_grad = False`` and ``requires_grad_(False)`` become True."""
    said = [
        node.value
        for node in ast.walk(at.source.tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Attribute)
        and node.targets[0].attr == "requires_grad"
    ] + [call.args[0] for call in at.methods("requires_grad_") if call.args]
    return [
        Edit(at.source.start(node), at.source.end(node), "True")
        for node in said
        if isinstance(node, ast.Constant) and node.value is False and at.owns(node)
    ]


def _evaluating(at: Training) -> list[Edit]:
    """``model.eval()`` in a recipe, or in a function that goes on to train, becomes ``model.train()``."""
    out: list[Edit] = []
    steps = [(scope_of(at.source, c), c.lineno) for c in at.trainings()]
    modes = sorted(at.methods("eval") + at.methods("train"), key=lambda call: call.lineno)
    inside = set(ast.walk(at.body)) if at.function is not None else set()
    for i, call in enumerate(modes):
        assert isinstance(call.func, ast.Attribute)
        if call.func.attr != "eval" or call.args:
            continue
        later = [one.lineno for one in modes[i + 1 :] if scope_of(at.source, one) is scope_of(at.source, call)]
        until = min(later, default=len(at.source.text))
        trains = any(scope is scope_of(at.source, call) and call.lineno < line < until for scope, line in steps)
        if call in inside or trains:
            end = at.source.end(call.func)
            out.append(Edit(end - len("eval"), end, "train"))
    return out


def _optimized(at: Training) -> list[Edit]:
    """An optimiser of a part's parameters gets the whole model's."""
    if at.function is None or by_function(at, at.optimizer):
        return []
    model, held = at.model, argument(at.optimizer, 0, "params")
    of = parameters_of(at.source, held)
    if isinstance(model, ast.Name) and of is not None and ast.unparse(at.handed(of)) == model.id:
        wanted = None
    elif isinstance(model, ast.Name) and held is not None and at.visible(model, at.optimizer) and at.owns(held):
        wanted = f"{model.id}.parameters()"
    else:
        raise NoPlace("whether the optimiser holds all parameters is not seen")
    if _changed_later(at, model.id):
        raise NoPlace("a part of the model is replaced after the optimiser is made")
    return [Edit(at.source.start(held), at.source.end(held), wanted)] if wanted and held else []


def _changed_later(at: Training, model: str) -> bool:
    """Whether ``model.part = …`` stands behind the optimiser."""
    made = followed(at.source, at.field("optimizer"))
    for statement in ast.walk(scope_of(at.source, made)):
        if isinstance(statement, ast.Assign) and statement.lineno > made.lineno:
            root = statement.targets[0]
            while isinstance(root, ast.Attribute | ast.Subscript):
                root = root.value
            if root is not statement.targets[0] and isinstance(root, ast.Name) and root.id == model:
                return True
    return False
