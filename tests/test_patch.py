"""The patch of a PyTorch recipe does to it what the treatment's operations did."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import trainability
from tests.patch_sources import RECIPES, SEQUENTIAL
from tests.patched import applied, ran
from tests.zoo import torch_recipes
from tests.zoo.files import missing_data
from trainability.adapters.torch.operations import BY_KIND, Patient
from trainability.adapters.torch.trainer import seed_all
from trainability.core.errors import SpecError
from trainability.core.operation import KINDS, Operation, in_order
from trainability.core.recipe import Recipe
from trainability.treatment.patch import patch
from trainability.treatment.patch.torch_training import DECAYS, NO_DECAY, RATES

EVERY = [Operation(kind, value) for kind, known in KINDS.items() for value in known.values]
BY_HAND = {"scale_inputs", "scale_targets", "schedule", "clip"}
PLACED = {
    "sequential": set(KINDS) - BY_HAND - {"wiring"},
    "class": set(KINDS) - BY_HAND - {"wiring", "normalize"},
    "grown": set(KINDS) - BY_HAND - {"wiring"},
    "wired": {"wiring", "optimizer", "decay", "rate", "batch", "epochs"},
    "handed": set(KINDS) - BY_HAND - {"wiring", "output"},
}
"""What has a place in each source."""
Made = Callable[[int], Recipe]


def made(recipe: Made) -> Recipe:
    seed_all(0)
    return recipe(0)


def treated(recipe: Made, operations: tuple[Operation, ...]) -> Patient:
    patient = Patient.of(made(recipe), 0)
    patient.look()
    for operation in in_order(operations):
        BY_KIND[operation.kind](patient, operation.value)
    patient.rewire()
    return patient


def holds(recipe: Recipe, patient: Patient) -> None:
    """A patched recipe is the treated one."""
    mine = Patient.of(recipe, 0)
    assert (mine.epochs, min(mine.batch_size, len(mine.train[0]))) == (patient.epochs, patient.batch_size)
    assert type(mine.optimizer) is type(patient.optimizer)
    own, theirs = mine.optimizer.param_groups[0], patient.optimizer.param_groups[0]
    for name in ("lr", "weight_decay", "momentum", "betas", "alpha"):
        assert own.get(name) == pytest.approx(theirs.get(name)), name
    held = [sum(p.numel() for g in one.optimizer.param_groups for p in g["params"]) for one in (mine, patient)]
    assert held[0] == held[1]
    assert mine.model.training == patient.model.training
    assert all(p.requires_grad for p in mine.model.parameters()) == all(
        p.requires_grad for p in patient.model.parameters()
    )
    rates = [sorted(m.p for m in one.model.modules() if isinstance(m, torch.nn.Dropout)) for one in (mine, patient)]
    assert rates[0] == rates[1]
    x, y = mine.train
    mine.model.eval(), patient.model.eval()
    with torch.no_grad():
        answers, wanted = mine.model(x), patient.model(x)
        torch.testing.assert_close(answers, wanted, equal_nan=True)
        torch.testing.assert_close(mine.loss(answers, y), patient.loss(wanted, y), equal_nan=True)


def examined(source: str, recipe: Made, name: str, operations: tuple[Operation, ...], **names: Any) -> bool | None:
    """Whether there was a place for all; the patched recipe then holds what the treated one does."""
    found = patch(source, "recipe.py", operations, "torch", name)
    if any(line.startswith("# ") and line.endswith("):") for line in found.lines):
        return False
    try:
        patient = treated(recipe, operations)
    except SpecError:
        return None
    if found.diff:
        holds(made(ran(applied(found.diff, source), **names)[name]), patient)
    return True


@pytest.mark.parametrize("operation", EVERY, ids=lambda o: f"{o.kind}-{o.value}")
@pytest.mark.parametrize("which", RECIPES)
def test_the_patched_recipe_is_the_treated_one(which: str, operation: Operation):
    source = RECIPES[which]
    found = examined(source, ran(source)["recipe"], "recipe", (operation,))
    if found is not None:
        assert found == (operation.kind in PLACED[which])


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(RECIPES)), st.lists(st.sampled_from(EVERY), min_size=2, max_size=4))
def test_several_operations_are_patched_in_their_order(which: str, operations: list[Operation]):
    source = RECIPES[which]
    examined(source, ran(source)["recipe"], "recipe", tuple(operations))


@pytest.mark.filterwarnings("ignore:Using a target size")  # a mistake of one of them
@pytest.mark.parametrize("recipe", torch_recipes.WELL, ids=lambda recipe: recipe.__name__)
def test_the_zoo_is_patched_as_it_is_treated(recipe: Made):
    if missing := missing_data(recipe):
        pytest.skip(f"{missing} does not lie beside this checkout")
    path = Path(torch_recipes.__file__)
    source = path.read_text("utf-8")
    operations = [Operation(kind, known.values[-1]) for kind, known in KINDS.items()]
    placed = [examined(source, recipe, recipe.__name__, (one,), __file__=str(path)) for one in operations]
    if not recipe.__name__.startswith("mpg_"):
        assert placed.count(True) >= 2


NOISE = st.lists(st.sampled_from(["", "    ", "# note ä€😀", "  # \ttab", "\f# page"]), max_size=2)


@settings(max_examples=40, deadline=None)
@given(
    st.data(),
    st.sampled_from([one for one in EVERY if patch(SEQUENTIAL, "recipe.py", [one], "torch", "recipe").diff]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_all_other_lines_stay(data: st.DataObject, operation: Operation, ending: str):
    lines: list[str] = []
    for line in SEQUENTIAL.splitlines():
        lines += [*data.draw(NOISE), line + data.draw(st.sampled_from(["", "  ", "  # ö, lr=3)"]))]
    source = ending.join(lines) + data.draw(st.sampled_from(["", ending]))
    found = patch(source, "recipe.py", [operation], "torch", "recipe")
    after = applied(found.diff, source)
    assert found.diff
    gone = [line for line in found.diff.split("\n") if line.startswith("-") and not line.startswith("---")]
    assert all(line[1:].strip() and not line[1:].strip().startswith("#") for line in gone)
    expected = applied(patch(SEQUENTIAL, "recipe.py", [operation], "torch", "recipe").diff, SEQUENTIAL)
    kept = [
        line for line in after.replace("\r\n", "\n").split("\n") if line.strip() and not line.strip().startswith("#")
    ]
    bare = [line.replace("  # ö, lr=3)", "").rstrip() for line in kept]
    assert bare == [line for line in expected.split("\n") if line.strip()]
    assert after.count("\n") == after.count(ending)
    holds(made(ran(after)["recipe"]), treated(ran(source)["recipe"], (operation,)))


@pytest.mark.parametrize("tool", [("git", "apply", "-p1"), ("patch", "-p1", "-i")], ids=["git", "patch"])
@pytest.mark.parametrize(
    "source", [SEQUENTIAL, SEQUENTIAL.rstrip("\n"), "\ufeff" + SEQUENTIAL], ids=["usual", "no end", "mark"]
)
@pytest.mark.parametrize("name", ["recipe.py", "a b/my recipe.py"])
def test_the_diff_is_what_tools_take(tmp_path: Path, tool: tuple[str, ...], source: str, name: str):
    if not shutil.which(tool[0]):
        pytest.skip(f"{tool[0]} is not installed")
    found = patch(source, name, [Operation("batch", 4.0), Operation("initialize", "critical")], "torch", "recipe")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(source, "utf-8")
    (tmp_path / "diff").write_text(found.diff, "utf-8")
    subprocess.run([*tool, "diff"], cwd=tmp_path, check=True, capture_output=True)
    after = (tmp_path / name).read_text("utf-8")
    assert after == applied(found.diff, source)
    assert "batch_size=64" in after


def test_the_defaults_are_pytorchs():
    weights = [torch.nn.Parameter(torch.ones(2, 2))]
    for name, rate in RATES.items():
        group = getattr(torch.optim, name)(weights).param_groups[0]
        assert group["lr"] == rate, name
        assert ("weight_decay" not in group) == (name in NO_DECAY), name
        assert group.get("weight_decay", 0.0) == DECAYS.get(name, 0.0), name


@pytest.mark.parametrize(
    ("text", "said"),
    [("def f(:\n", "in line 1"), ("x = 1\n  y = 2\n", "in line 2"), ("x\0", "null"), ("(" * 9999, "'bad.py'")],
    ids=["syntax", "indent", "null", "deep"],
)
def test_what_is_not_python_is_said(text: str, said: str):
    with pytest.raises(SpecError, match=said):
        patch(text, "bad.py", [Operation("rate", 10.0)], "torch")


def test_nothing_of_the_source_is_run():
    source = "raise SystemExit(3)\n" + SEQUENTIAL
    assert patch(source, "recipe.py", [Operation("rate", 10.0)], "torch", "recipe").diff


def test_trainability_is_imported_where_it_is_needed():
    found = patch(SEQUENTIAL, "recipe.py", [Operation("initialize", "critical")], "torch", "recipe")
    assert "+import trainability\n" in found.diff
    assert ran(applied(found.diff, SEQUENTIAL))["trainability"] is trainability


@pytest.mark.parametrize("framework", ["torch", "keras", "flax"])
def test_lines_that_draw_weights_draw_them_for_the_activation_that_is_put_in(framework: Any):
    both = [Operation("initialize", "critical"), Operation("activation", "elu")]
    text = "\n".join(patch("", "typed", both, framework).lines)
    assert 'activation="elu"' in text
    assert 'activation="relu"' not in text
    assert 'activation="relu"' in "\n".join(patch("", "typed", both[:1], framework).lines)
