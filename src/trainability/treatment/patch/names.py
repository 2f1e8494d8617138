"""What a name in a source stands for: what it was imported as, or the one thing that it was given."""

from __future__ import annotations

import ast
from typing import Final, TypeAlias

from trainability.treatment.patch.source import Edit, NoPlace, Source

Scope: TypeAlias = "ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef"
_SCOPES: Final = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_SAME: Final = {"tensorflow.keras": "keras", "torch.nn.modules": "torch.nn", "flax.experimental.nnx": "flax.nnx"}
"""Modules under a second name."""


def scope_of(source: Source, node: ast.AST) -> Scope:
    """The function, class or module that the node stands in."""
    child, node = node, source.parents[node]
    while not isinstance(node, _SCOPES) or not _inside(node, child):
        child, node = node, source.parents[node]
    return node


def _inside(scope: Scope, child: ast.AST) -> bool:
    """A default, a decorator or a base class is evaluated outside."""
    body = [scope.body] if isinstance(scope, ast.Lambda) else scope.body
    return child in body or (not isinstance(scope, ast.Module | ast.ClassDef) and child is scope.args)


def bindings(source: Source, name: str, scope: Scope) -> list[ast.AST]:
    """The nodes that give the name something in this scope, not counting functions and classes within."""
    if not source.bound:
        for node in ast.walk(source.tree):
            for one in _bound(node):
                inner = scope_of(source, node)
                source.bound.setdefault((one, inner), []).append(node)
                while isinstance(node, ast.Global | ast.Nonlocal) and not isinstance(inner, ast.Module):
                    inner = scope_of(source, inner)  # whichever of these it means has a second place that binds it
                    source.bound.setdefault((one, inner), []).append(node)
    return source.bound.get((name, scope), [])


def _bound(node: ast.AST) -> list[str]:
    """The names that a node gives something, or takes from another scope."""
    if isinstance(node, ast.Name):
        return [] if isinstance(node.ctx, ast.Load) else [node.id]
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, ast.alias):
        return [node.asname or node.name.split(".")[0]]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        return [node.name] if node.name else []
    return node.names if isinstance(node, ast.Global | ast.Nonlocal) else []


def definition(source: Source, name: ast.Name) -> tuple[Scope, list[ast.AST]]:
    """The scope that the name is of, and what gives it something there; the module and nothing for a built-in."""
    scope = scope_of(source, name)
    while not isinstance(scope, ast.Module):
        found = bindings(source, name.id, scope)
        if found:
            return scope, found
        scope = scope_of(source, scope)
        while isinstance(scope, ast.ClassDef):
            scope = scope_of(source, scope)
    return scope, bindings(source, name.id, scope)


def only_value(source: Source, name: ast.Name) -> ast.expr | None:
    """What the one assignment of the name gives it; None where there are others."""
    _, found = definition(source, name)
    statement = source.parents.get(found[0]) if len(found) == 1 else None
    if isinstance(statement, ast.Assign) and statement.targets == found:
        return statement.value
    if isinstance(statement, ast.AnnAssign) and statement.target is found[0]:
        return statement.value
    return None


def followed(source: Source, node: ast.expr) -> ast.expr:
    """The expression itself, or what the name was given by its one assignment."""
    seen = set()
    while isinstance(node, ast.Name) and node.id not in seen:
        seen.add(node.id)
        value = only_value(source, node)
        if value is None:
            break
        node = value
    return node


def uses(source: Source, name: ast.Name) -> list[ast.Name]:
    """Everywhere that this name is read."""
    scope, _ = definition(source, name)
    same = [node for node in ast.walk(scope) if isinstance(node, ast.Name) and node.id == name.id]
    return [node for node in same if isinstance(node.ctx, ast.Load) and definition(source, node)[0] is scope]


def path_of(source: Source, node: ast.expr) -> str | None:
    """``torch.nn.ReLU`` for whatever the source calls it; None where it was not imported."""
    if isinstance(node, ast.Attribute):
        outer = path_of(source, node.value)
        return None if outer is None else _same(f"{outer}.{node.attr}")
    if not isinstance(node, ast.Name):
        return None
    found = {_imported(source, one) for one in definition(source, node)[1]}
    return found.pop() if len(found) == 1 else None


def _imported(source: Source, alias: ast.AST) -> str | None:
    statement = source.parents.get(alias)
    if not isinstance(alias, ast.alias):
        return None
    if isinstance(statement, ast.ImportFrom):
        return None if statement.level else _same(f"{statement.module}.{alias.name}")
    return _same(alias.name if alias.asname else alias.name.split(".")[0])


def _same(path: str) -> str:
    for other, usual in _SAME.items():
        if path == other or path.startswith(other + "."):
            return usual + path[len(other) :]
    return path


def written(source: Source, path: str, place: ast.expr) -> tuple[str, list[Edit]]:
    """How ``torch.nn.GELU`` is written at a place, by what is imported there, and an import where one is needed.

    Raises:
        NoPlace: the name that would be imported means something else.
    """
    parts = path.split(".")
    for cut in range(len(parts), 0, -1):
        wanted = ".".join(parts[:cut])
        for alias in ast.walk(source.tree):
            if isinstance(alias, ast.alias) and _imported(source, alias) == wanted:
                known = alias.asname or alias.name.split(".")[0]
                if _visible(source, known, place) == {wanted}:
                    return ".".join([known, *parts[cut:]]), []
    if parts[0] in ("torch", "flax"):
        text, known, shown = f"from {'.'.join(parts[:-1])} import {parts[-1]}", parts[-1], parts[-1]
    else:
        text, known, shown = f"import {parts[0]}", parts[0], path
    if _visible(source, known, place):
        raise NoPlace(f"the name '{known}' means something else there")
    return shown, [source.import_line(text)]


def written_beside(source: Source, node: ast.expr, path: str) -> tuple[str, list[Edit]]:
    """How `path` is written where `node` is now: behind the same module's name, if it is of the same."""
    if isinstance(node, ast.Attribute) and path_of(source, node.value) == path.rpartition(".")[0]:
        return f"{source.segment(node.value)}.{path.rpartition('.')[2]}", []
    return written(source, path, node)


def _visible(source: Source, name: str, place: ast.expr) -> set[str | None]:
    scope = scope_of(source, place)
    while True:
        found = bindings(source, name, scope) if not isinstance(scope, ast.ClassDef) else []
        if found or isinstance(scope, ast.Module):
            return {_imported(source, one) for one in found}
        scope = scope_of(source, scope)
