"""Watching a PyTorch loop changes nothing, leaves nothing behind, and measures what a slower twin measures."""

from __future__ import annotations

import contextlib
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.optim.optimizer as optimizers
from torch import nn
from torch.nn.modules import module as modules

import trainability
from tests.command import Cli, strict_json
from tests.zoo.torch_healthy import normalised
from tests.zoo.torch_run import circles, mlp
from tests.zoo.torch_sick import double_softmax, twelve_sigmoids
from trainability.adapters.moments import next_moment
from trainability.adapters.signs import OWN
from trainability.adapters.signs.effective_rank import effective_rank
from trainability.adapters.signs.equal_signs import equal_signs
from trainability.adapters.signs.twins import twins
from trainability.adapters.torch.watch import Watch
from trainability.core.chart import SIGNS
from trainability.doctor import run_script
from trainability.vitals import VITALS


def test_a_watched_run_has_the_bits_of_an_unwatched_one():
    states = []
    for watched in (False, True):
        torch.manual_seed(0)
        run = normalised()
        if watched:
            with trainability.watch(run.model, run.optimizer):
                run.train()
        else:
            run.train()
        states.append((run.model.state_dict(), torch.random.get_rng_state()))
    for name, value in states[0][0].items():
        assert torch.equal(value, states[1][0][name]), name
    assert torch.equal(states[0][1], states[1][1])


def test_nothing_stays_behind():
    backward = torch.autograd.backward
    hooks = (
        modules._global_forward_hooks,
        optimizers._global_optimizer_pre_hooks,
        optimizers._global_optimizer_post_hooks,
    )
    before = [len(kept) for kept in hooks]
    run = double_softmax()
    run.steps = 3
    run.every_step = lambda step: 1 // (2 - step)
    with pytest.raises(ZeroDivisionError), trainability.watch(run.model):
        run.train()
    assert torch.autograd.backward is backward
    assert [len(kept) for kept in hooks] == before
    assert not torch.overrides._get_current_function_mode_stack()
    assert not any(p._backward_hooks for p in run.model.parameters())


def test_signs_are_those_of_a_slow_twin():
    torch.manual_seed(0)
    x, y = circles(64)
    model = mlp(2, 8, 8, 2, activation=nn.Tanh).double()
    x = x.double()
    with Watch(model) as watch:
        nn.functional.cross_entropy(model(x), y).backward()
        watch.look()
    chart = watch.chart()
    a = x
    for i, layer in enumerate(chart.layers):
        linear = model[2 * i]
        assert isinstance(linear, nn.Linear)
        z = a @ linear.weight.T + linear.bias
        a = torch.tanh(z) if i < 2 else z
        gradient = linear.weight.grad
        assert gradient is not None
        wanted = {
            "pre_activation_mean": z.mean(), "pre_activation_std": z.std(correction=0), "activation_mean": a.mean(),
            "activation_std": a.std(correction=0), "zeros": (a == 0).double().mean(),
            "gradient_rms": gradient.square().mean().sqrt(), "weight_rms": linear.weight.square().mean().sqrt(),
        }  # fmt: skip
        for name, value in wanted.items():
            assert chart.sign(name)[i] == pytest.approx(value.item(), rel=1e-9, abs=1e-12), name
        assert layer.activation == ("tanh" if i < 2 else None)
        assert (layer.fan_in, layer.units) == (linear.in_features, linear.out_features)
    assert chart.loss is not None
    assert chart.loss.constant == pytest.approx(math.log(2))
    assert set(chart.signs) == set(SIGNS)


def test_gradients_of_answers_come_from_the_backward_pass():
    x = torch.randn(8, 3)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    with Watch(model) as watch:
        z = model[0](x)
        z.retain_grad()
        model[2](torch.relu(z)).square().mean().backward()
        watch.look()
    assert z.grad is not None
    assert watch.chart().sign("output_gradient_rms")[0] == pytest.approx(float(z.grad.square().mean().sqrt()), rel=1e-6)


def test_effective_rank_equal_signs_and_twins():
    r = np.random.default_rng(0)
    q, _ = np.linalg.qr(r.standard_normal((50, 6)) - 0.0)
    q -= q.mean(axis=0)
    assert effective_rank(np.ones((10, 4))) == 0.0
    assert effective_rank(np.outer(np.arange(10.0), np.ones(4))) == pytest.approx(1.0)
    assert effective_rank(q) == pytest.approx(6, abs=0.3)
    assert equal_signs(np.array([[1.0, 2.0, -1.0], [1.0, 1.0, 0.0]])) == pytest.approx((2 / 3 + 1) / 2)
    assert twins(np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 4.0]])) == pytest.approx(2 / 3)


def test_moments_are_log_spaced_and_then_regular():
    moments = [0]
    while moments[-1] < 5000:
        moments.append(next_moment(moments[-1]))
    assert moments[:9] == [0, 1, 2, 5, 10, 20, 50, 100, 200]
    assert max(np.diff(moments)) <= 500


def test_training_of_another_model_is_left_alone():
    torch.manual_seed(0)
    mine, other = mlp(2, 4, 2), mlp(2, 4, 2)
    x, y = circles(16)
    with trainability.watch(mine) as chart:
        optimizer = torch.optim.SGD(other.parameters(), 0.1)
        nn.functional.cross_entropy(other(x), y).backward()
        optimizer.step()
    assert chart.diagnose().chart.steps == 0
    assert "never trained" in chart.diagnose().text()


def test_what_is_no_model_is_refused():
    for wrong, words in ((3, "a flax.nnx.Module or a Keras model, got builtins.int"), (nn.ReLU(), "no parameters")):
        with pytest.raises(trainability.UsageError, match=words):
            trainability.watch(wrong)


def test_the_chart_is_drawn_and_written(tmp_path: Path):
    torch.manual_seed(0)
    run = twelve_sigmoids()
    run.steps = 60
    with trainability.watch(run.model, run.optimizer) as chart:
        run.train()
    made = chart.diagnose()
    figure = chart.plot("activation_std")
    figure.savefig(tmp_path / "chart.png")
    assert len(figure.axes) == 3
    page = chart.report(tmp_path / "chart.html").read_text("utf-8")
    assert "vanishing-gradient" in page
    assert page.count("<svg") >= 4
    strict_json(made.to_json())
    with pytest.raises(trainability.UsageError, match="unknown sign 'gradient'"):
        chart.plot("gradient")


def test_assert_trainable_says_what_is_wrong_and_changes_nothing():
    torch.manual_seed(0)
    model = mlp(2, *[16] * 12, 2, activation=nn.Sigmoid)
    model.eval()
    before = torch.random.get_rng_state()
    with pytest.raises(AssertionError, match="vanishing-gradient"):
        trainability.testing.assert_trainable(model, circles(64), nn.CrossEntropyLoss())
    assert not model.training
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(before, torch.random.get_rng_state())
    trainability.testing.assert_trainable(mlp(2, 16, 16, 2), circles(64), nn.CrossEntropyLoss())
    with pytest.raises(AssertionError, match="double-softmax"):
        trainability.testing.assert_trainable(mlp(2, 16, 2, last=nn.Softmax(-1)), circles(64), nn.CrossEntropyLoss())


SCRIPT = """
import sys, torch
torch.manual_seed(0)
x = torch.randn(64, 2); y = (x[:, 0] > 0).long()
model = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2){last})
optimizer = torch.optim.Adam(model.parameters(), 0.05)
for step in range(60):
    optimizer.zero_grad(); loss = torch.nn.functional.cross_entropy(model(x), y); loss.backward(); optimizer.step()
print("arguments", sys.argv[1:], "loss", round(loss.item(), 6))
{end}
"""


def script(tmp_path: Path, last: str = "", end: str = "") -> Path:
    path = tmp_path / "train.py"
    path.write_text(SCRIPT.format(last=last, end=end), "utf-8")
    return path


def test_a_script_is_watched_as_it_is(cli: Cli, tmp_path: Path):
    path = script(tmp_path)
    alone = subprocess.run([sys.executable, path, "a", "--b"], capture_output=True, text=True, check=True)
    code, out, err = cli("doctor", path, "--", "a", "--b")
    assert (code, out) == (0, alone.stdout)
    assert "nothing is wrong with it" in err


def trained(watching: bool) -> list[torch.Tensor]:
    """Weights after a few steps."""
    torch.manual_seed(0)
    model, (x, y) = mlp(2, 8, 2), circles(32)
    optimizer = torch.optim.Adam(model.parameters())
    with trainability.watch(model) if watching else contextlib.nullcontext():
        for _ in range(4):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
    return list(model.parameters())


@pytest.mark.parametrize("place", ["leading_to", "traced_layers", "thinned"])
def test_a_watch_that_fails_lets_the_training_go_on(place: str, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise ValueError("of ours")

    alone = trained(watching=False)
    monkeypatch.setattr(f"trainability.adapters.torch.watch.{place}", broken)
    with pytest.warns(UserWarning, match=r"looks no more.*ValueError: of ours") as said:
        watched = trained(watching=True)
    assert len(said) == 1
    assert all(map(torch.equal, alone, watched))


@pytest.mark.filterwarnings("ignore:the watch over")
def test_a_look_that_fails_is_no_sound_model(monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise ValueError("of ours")

    monkeypatch.setattr("trainability.adapters.torch.watch.traced_layers", broken)
    with pytest.raises(ValueError, match="of ours"):
        trainability.testing.assert_trainable(mlp(2, 8, 2), circles(32), nn.CrossEntropyLoss())


WARNING = """
import torch
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), 0.01)
loss = torch.nn.MSELoss()
for step in range(2):
    loss(model(torch.ones(3, 2)), torch.ones(3)).backward()
    optimizer.step()
"""


def test_a_scripts_warnings_are_shown_where_they_are_without_us(tmp_path: Path):
    path = tmp_path / "train.py"
    path.write_text(WARNING, "utf-8")
    alone = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True).stderr
    assert alone.count("UserWarning") == 1
    command = [sys.executable, "-m", "trainability", "doctor", path]
    assert subprocess.run(command, capture_output=True, text=True).stderr.startswith(alone)


TWO = """
import torch
x, y = torch.randn(64, 2), torch.randn(64, 1)
for _ in range(2):
    model = torch.nn.Sequential(torch.nn.Linear(2, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
"""


def test_models_of_one_kind_are_numbered(tmp_path: Path):
    path = tmp_path / "train.py"
    path.write_text(TWO, "utf-8")
    assert [diagnosis.name for diagnosis in run_script(path).diagnoses] == ["Sequential 1", "Sequential 2"]


def test_a_script_with_a_mistake_has_exit_code_1(cli: Cli, tmp_path: Path):
    path = script(tmp_path, last=", torch.nn.Softmax(-1)")
    code, _, err = cli("doctor", path, "--json", tmp_path / "found.json", "--report", tmp_path / "chart.html")
    assert code == 1
    assert "double-softmax" in err
    document = strict_json((tmp_path / "found.json").read_text("utf-8"))
    assert document["findings"][0]["code"] == "double-softmax"
    assert not document["healthy"]
    assert (tmp_path / "chart.html").exists()


@pytest.mark.parametrize(("end", "code"), [("raise ValueError('broken')", 1), ("sys.exit(7)", 7), ("sys.exit(0)", 0)])
def test_a_scripts_own_end_is_kept(cli: Cli, tmp_path: Path, end: str, code: int):
    found, _, err = cli("doctor", script(tmp_path, end=end))
    assert found == code
    assert ("ValueError: broken" in err) == ("broken" in end)
    assert "trainability" not in err.partition("Sequential")[0], "our own frames are in the traceback"
    assert "60 steps" in err


def test_a_script_that_is_no_python_is_told_without_our_frames(cli: Cli, tmp_path: Path):
    path = tmp_path / "broken.py"
    path.write_text("def (:", "utf-8")
    code, _, err = cli("doctor", path)
    assert code == 1
    assert "SyntaxError" in err
    assert "trainability" not in err.partition("SyntaxError")[0]


def test_wrong_calls(cli: Cli, tmp_path: Path):
    code, _, err = cli("doctor", tmp_path / "none.py")
    assert (code, err.count("\n")) == (2, 1)
    assert "there is no script" in err
    path = tmp_path / "idle.py"
    path.write_text("print('hello')", "utf-8")
    code, out, err = cli("doctor", path)
    assert (code, out) == (0, "hello\n")
    assert "trained no PyTorch or Keras model" in err


def test_every_sign_is_measured_and_says_what_is_healthy():
    assert {sign.name for sign in OWN} | {vital.name for vital in VITALS} == set(SIGNS)
    for sign in OWN:
        assert sign.unit
        assert sign.healthy
        assert sign.reference
