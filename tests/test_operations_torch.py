"""Every operation does to a PyTorch recipe what it says, wherever the model's code makes the call."""

from __future__ import annotations

import copy
import dataclasses
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, r2_score
from torch import nn
from torch.nn import functional as F  # noqa: N812

import trainability
from tests.command import Cli, strict_json
from tests.treated import treating
from tests.zoo.torch_run import circles, digits, line, mlp
from trainability import Recipe
from trainability.adapters.scoring import score, task_of
from trainability.adapters.torch.operations import BY_KIND, Patient
from trainability.adapters.torch.trainer import train
from trainability.core.errors import SpecError
from trainability.core.operation import KINDS, Operation


class Functional(nn.Module):
    """Activations as functions, in place and not, and a softmax at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(2, 8), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu_(self.a(x))
        x = F.relu(self.b(x))
        return F.softmax(self.c(x), dim=-1)


def of(model: nn.Module, data: tuple[torch.Tensor, torch.Tensor], loss: Callable[..., torch.Tensor]) -> Recipe:
    x, y = data
    held = (x[-64:], y[-64:])
    return Recipe(model, loss, torch.optim.Adam(model.parameters(), 1e-2), (x[:-64], y[:-64]), held, 2, 32)


def classes(seed: int = 0) -> Recipe:
    model = nn.Sequential(
        nn.Linear(2, 16), nn.Sigmoid(), nn.Dropout(0.5), nn.Linear(16, 16), nn.Sigmoid(), nn.Linear(16, 2)
    )
    return of(model, circles(256), nn.CrossEntropyLoss())


def regression(seed: int = 0) -> Recipe:
    recipe = of(mlp(4, 16, 16, 1, activation=nn.Tanh), line(256), nn.MSELoss())
    optimizer = torch.optim.SGD(recipe.model.parameters(), 0.01, weight_decay=1e-3)
    return dataclasses.replace(recipe, optimizer=optimizer)


treated = treating(Patient, BY_KIND)


ALL = [Operation(kind, value) for kind, known in KINDS.items() for value in known.values]


@pytest.mark.parametrize("operation", ALL, ids=str)
def test_an_operation_fits_one_recipe_or_the_other_and_training_goes_on(operation: Operation):
    done = 0
    for make in (classes, regression):
        try:
            outcome = train(make, (operation,), 0)
        except SpecError:
            continue
        assert np.isfinite(outcome.score) or operation.kind == "rate"
        done += 1
    assert done or operation == Operation("schedule", "constant"), "no recipe could be changed so"


def test_functional_activations_are_swapped_as_modules_would_be():
    torch.manual_seed(0)
    model = Functional()
    x, y = circles(128)
    recipe = of(model, (x, y), nn.CrossEntropyLoss())
    patient = treated(recipe, Operation("activation", "tanh"), Operation("output", "fit"))
    wanted = model.c(torch.tanh(model.b(torch.tanh(model.a(x)))))
    assert torch.equal(patient.model(x), wanted)
    assert torch.equal(patient.answer(patient.model(x)), wanted.softmax(-1))
    assert patient.loss(patient.model(x), y) == F.cross_entropy(wanted, y)


def test_an_activation_is_put_where_there_was_none():
    torch.manual_seed(0)
    model = mlp(2, 8, 8, 2, activation=nn.Identity)
    x, y = circles(128)
    patient = treated(of(model, (x, y), nn.CrossEntropyLoss()), Operation("activation", "relu"))
    hidden = torch.relu(model[2](torch.relu(model[0](x))))
    assert torch.equal(patient.model(x), model[4](hidden))


@pytest.mark.parametrize("kind", ["layer", "batch"])
def test_normalisation_stands_before_the_activation_and_is_trained(kind: str):
    model = mlp(2, 8, 8, 2)
    x, y = circles(128)
    recipe = of(model, (x, y), nn.CrossEntropyLoss())
    patient = treated(recipe, Operation("normalize", kind), Operation("rate", 10.0))
    assert {group["lr"] for group in patient.optimizer.param_groups} == {0.1}
    module = {"layer": nn.LayerNorm, "batch": nn.BatchNorm1d}[kind](8)
    hidden = torch.relu(module(model[2](torch.relu(module(model[0](x))))))
    assert torch.allclose(patient.model(x), model[4](hidden), atol=1e-6)
    held = {id(p) for group in patient.optimizer.param_groups for p in group["params"]}
    assert held == {id(p) for p in patient.model.parameters()}
    assert len(held) == 6 + 4


def test_targets_are_scaled_for_training_and_answers_turned_back():
    recipe = regression()
    x, y = recipe.train
    recipe = Recipe(recipe.model, recipe.loss, recipe.optimizer, (x, 3000 + 800 * y), recipe.validation, 1, 32)
    patient = treated(recipe, Operation("scale_targets", "standardize"))
    scaled = patient.train[1]
    assert float(scaled.mean()) == pytest.approx(0, abs=1e-3)
    assert float(scaled.std(correction=0)) == pytest.approx(1, abs=1e-3)
    assert torch.allclose(patient.answer(scaled), 3000 + 800 * y, rtol=1e-5)
    assert torch.allclose(patient.targets(3000 + 800 * y), scaled, atol=1e-4)


def test_wiring_adopts_plain_lists_unfreezes_and_trains():
    class Listed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = [nn.Linear(2, 8), nn.Linear(8, 8)]
            self.out = nn.Linear(8, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for layer in self.hidden:
                x = torch.tanh(layer(x))
            return self.out(x)

    model = Listed()
    model.out.weight.requires_grad_(False)
    model.eval()
    patient = treated(of(model, circles(128), nn.CrossEntropyLoss()), Operation("wiring", "all"))
    held = {id(p) for group in patient.optimizer.param_groups for p in group["params"]}
    assert len(held) == 6
    assert all(p.requires_grad for p in patient.model.parameters())
    assert patient.model.training


def test_numbers_are_multiplied():
    recipe = classes()
    patient = treated(
        recipe, Operation("rate", 10.0), Operation("batch", 0.25), Operation("epochs", 3.0), Operation("decay", 0.01),
        Operation("dropout", 0.1), Operation("clip", 1.0),
    )  # fmt: skip
    group = patient.optimizer.param_groups[0]
    assert (group["lr"], group["weight_decay"]) == (pytest.approx(0.1), 0.01)
    assert (patient.batch_size, patient.epochs, patient.clip) == (8, 6, 1.0)
    assert [m.p for m in patient.model.modules() if isinstance(m, nn.Dropout)] == [0.1]


def test_initialising_is_that_of_theory():
    recipe = classes()
    twin = copy.deepcopy(recipe.model)
    patient = treated(recipe, Operation("initialize", "critical"))
    trainability.init_("torch", twin, activation="sigmoid", generator=torch.Generator().manual_seed(0))
    for name, value in patient.model.state_dict().items():
        assert torch.equal(value, twin.state_dict()[name])


def test_a_recipe_trained_twice_is_the_same_and_untreated_is_the_plain_loop():
    first, again = (train(classes, (), 3) for _ in range(2))
    assert first == again
    torch.manual_seed(3)
    recipe = classes(3)
    order = torch.Generator().manual_seed(3)
    for _ in range(recipe.epochs):
        for rows in torch.randperm(len(recipe.train[0]), generator=order).split(recipe.batch_size):
            recipe.optimizer.zero_grad()
            recipe.loss(recipe.model(recipe.train[0][rows]), recipe.train[1][rows]).backward()
            recipe.optimizer.step()
    answers = recipe.model.eval()(recipe.validation[0]).argmax(-1)
    assert first.score == pytest.approx(accuracy_score(recipe.validation[1], answers))
    assert first.cost == recipe.epochs * len(recipe.train[0])
    watched = train(classes, (), 3, watch=True)
    assert watched.score == first.score
    assert watched.chart is not None
    assert watched.chart.validation is not None
    assert len(watched.chart.validation.losses) == recipe.epochs


def test_scores_are_scikit_learns():
    r = np.random.default_rng(0)
    labels, logits = r.integers(0, 3, 50), r.standard_normal((50, 3))
    assert score(logits, labels, None) == accuracy_score(labels, logits.argmax(1))
    assert score(logits, np.eye(3)[labels], None) == accuracy_score(labels, logits.argmax(1))
    y, a = r.standard_normal((50, 2)), r.standard_normal((50, 2))
    assert score(a, y, None) == pytest.approx(r2_score(y, a, multioutput="variance_weighted"))
    yes = (y[:, 0] > 0).astype(float)
    assert score(a[:, :1], yes, None, logits=True) == accuracy_score(yes, a[:, 0] > 0)
    assert score(a[:, :1], yes, None) == accuracy_score(yes, a[:, 0] > 0.5)
    assert np.isnan(score(a * np.nan, y, None))
    assert score(a, y, lambda answers, targets: 7) == 7
    assert [task_of(t) for t in (labels, np.eye(3)[labels], y, yes)] == ["classes", "classes", "regression", "binary"]


RECIPE = """
import torch, trainability
from torch import nn

def sick(seed):
    x = torch.randn(192, 2); y = (x[:, :1] * x[:, 1:] > 0).float()
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1), nn.Softmax(-1))
    optimizer = torch.optim.Adam(model.parameters(), 0.03)
    return trainability.Recipe(model, nn.BCELoss(), optimizer, (x[:128], y[:128]), (x[128:], y[128:]), 12, 16)

def no_recipe(seed):
    return 3

def broken(seed):
    return 1 // seed
"""


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    path = tmp_path / "recipes.py"
    path.write_text(RECIPE, "utf-8")
    return path


def test_a_recipe_is_treated_on_the_command_line(cli: Cli, recipes: Path):
    out = recipes.parent
    code, said, err = cli(
        "doctor", f"{recipes}:sick", "--treat", "--budget", "2x", "--json", out / "a.json", "--report", out / "a.html"
    )
    assert code == 1
    assert "output-activation" in said
    assert "Cured: make output activation and loss fit the targets" in said
    assert "(seed 1001)" in err
    document = strict_json((out / "a.json").read_text("utf-8"))
    assert document["findings"][0]["code"] == "output-activation"
    assert document["treatment"]["verdict"] == "cured"
    assert min(document["treatment"]["treated"]) > 0.8
    patch = document["treatment"]["patch"]["diff"]
    assert "+    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))" in patch
    assert "BCEWithLogitsLoss" in patch
    assert patch.splitlines()[0] in said
    page = (out / "a.html").read_text("utf-8")
    assert "Proof" in page
    assert "after the treatment" in page


def test_a_recipe_is_examined_without_treatment(cli: Cli, recipes: Path):
    code, said, _ = cli("doctor", f"{recipes}:sick")
    assert code == 1
    assert "output-activation" in said
    assert "Cured" not in said


@pytest.mark.parametrize(
    ("name", "flags", "words"),
    [
        ("sik", (), "unknown function 'sik'; did you mean 'sick'?"),
        ("no_recipe", (), "'no_recipe' gave a int; a recipe gives a trainability.Recipe"),
        ("broken", (), "of seed 0 fails in line 15: ZeroDivisionError"),
        ("sick", ("--treat", "--seeds", "3"), "at least 5 seeds, got 3"),
        ("sick", ("--treat", "--budget", "much"), "such as 3x, got 'much'"),
    ],
)
def test_wrong_recipes_are_said_in_a_sentence(cli: Cli, recipes: Path, name: str, flags: tuple[str, ...], words: str):
    code, _, err = cli("doctor", f"{recipes}:{name}", *flags)
    assert code == 2
    assert words in err


def test_a_recipe_says_what_it_wants():
    model = mlp(2, 4, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    x, y = digits()
    for change, words in (
        ({"epochs": 0}, "at least 1, got 0"),
        ({"metric": "f1"}, "got 'f1'"),
        ({"train": (x, y[:3])}, "1797 inputs and 3 targets"),
        ({"validation": 3}, "a pair of arrays"),
    ):
        given: dict[str, Any] = {"train": (x, y), "validation": (x, y), "epochs": 1, "batch_size": 8, **change}
        with pytest.raises(trainability.UsageError, match=words):
            Recipe(model, nn.CrossEntropyLoss(), optimizer, **given)


def test_what_is_known_by_then_is_kept_when_the_search_is_stopped(recipes: Path):
    out = recipes.parent / "a.json"
    words = [sys.executable, "-m", "trainability", "doctor", f"{recipes}:sick", "--treat", "--json", str(out)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "make output" in line:  # the search goes on
                process.send_signal(signal.SIGINT)
                break
        said, err = process.communicate()
    assert process.returncode == 130
    assert "output-activation" in said
    assert "Traceback" not in err
    assert strict_json(out.read_text("utf-8"))["findings"][0]["code"] == "output-activation"


def test_a_recipe_may_hold_arrays_and_a_function_that_makes_the_optimiser():
    x, y = (part.numpy() for part in circles(256))
    model = mlp(2, 16, 2)

    def make(seed: int) -> Recipe:
        data = (x.astype(float), y.astype(np.int32))
        return Recipe(model, nn.CrossEntropyLoss(), lambda p: torch.optim.Adam(p, 0.01), data, data, 2, 32)

    assert train(make, (), 0).score > 0.4
