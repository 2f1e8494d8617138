"""What a watch makes of loops that are not the plain one, and the facts that it gathers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor
from torch import nn
from torch.nn import functional as F  # noqa: N812

import trainability
from tests.zoo.torch_healthy_loops import accumulated, generator, half_precision, two_optimisers, validated
from tests.zoo.torch_run import Run, adam, circles, digits, mlp
from tests.zoo.torch_sick_data import norm_of_a_zero
from trainability.adapters.numbers import Gathered
from trainability.adapters.pairing import counted, pairing
from trainability.adapters.record import Record
from trainability.adapters.signs.effective_rank import effective_rank
from trainability.adapters.torch.trace import Trace
from trainability.core.chart import Chart


def watched(run: Run) -> Chart:
    with trainability.watch(run.model) as chart:
        run.train()
    return chart.diagnose().chart


def test_losses_that_are_added_up_or_scaled_are_told_as_they_were():
    for made in (accumulated, half_precision):
        torch.manual_seed(0)
        run = made()
        run.steps = 3
        chart = watched(run)
        assert chart.losses[0] == pytest.approx(np.log(10), abs=0.4)
        assert not chart.accumulated
        assert chart.steps == 3


def test_gradients_of_answers_are_freed_of_the_scale():
    sizes = []
    for scale in (1.0, 1024.0):
        torch.manual_seed(0)
        model = mlp(2, 8, 2)
        scaler, optimizer = torch.amp.GradScaler("cpu", init_scale=scale), torch.optim.SGD(model.parameters(), 0.1)
        x, y = circles(32)
        with trainability.watch(model) as chart:
            scaler.scale(F.cross_entropy(model(x), y)).backward()
            scaler.step(optimizer)
        found = chart.diagnose().chart
        sizes.append((found.sign("output_gradient_rms"), found.sign("gradient_rms"), found.losses))
    for one, other in zip(*sizes, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_the_parts_of_a_game_are_told_apart():
    torch.manual_seed(0)
    run = generator()
    run.steps = 60
    critic = vars(run)["critic"]
    with trainability.watch(run.model) as one, trainability.watch(critic) as other:
        run.train()
    for chart in (one.diagnose(), other.diagnose()):
        assert chart.chart.steps == 60
        assert not chart.chart.accumulated
        assert chart.chart.game
        assert chart.healthy, chart.text()
    assert [layer.name for layer in other.diagnose().chart.layers] == ["0", "2"]


def test_two_optimisers_make_one_step():
    run = two_optimisers()
    run.steps = 12
    chart = watched(run)
    assert chart.steps == 12
    assert np.isfinite(chart.losses).all()
    assert all(parameter.held for parameter in chart.parameters)


def test_evaluations_are_those_of_the_loop():
    torch.manual_seed(0)
    run = validated()
    run.steps, run.every = 40, 20
    chart = watched(run)
    assert chart.validation is not None
    assert chart.validation.steps.tolist() == [20, 40]
    assert run.validation is not None
    x, y = run.validation
    with torch.no_grad():
        batches = [F.cross_entropy(run.model(a), b).item() for a, b in zip(x.split(128), y.split(128), strict=True)]
    assert chart.validation.losses[-1] == pytest.approx(np.mean(batches), rel=1e-6)
    assert sum(chart.validation.counts.values()) == len(y)
    assert len(chart.losses) == 40


def test_an_evaluation_that_keeps_its_graph_counts_and_a_loss_for_training_does_not():
    torch.manual_seed(0)
    model = mlp(2, 8, 2).eval()
    optimizer = adam(model)
    x, y = circles(32)
    with trainability.watch(model) as chart:
        for _ in range(3):
            F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    found = chart.diagnose().chart.validation
    assert found is not None
    assert found.steps.tolist() == [0, 1, 2]
    np.testing.assert_allclose(found.losses, chart.diagnose().chart.losses, rtol=1e-6)


def test_a_nan_of_the_backward_pass_has_its_place():
    torch.manual_seed(0)
    run = norm_of_a_zero()
    chart = watched(run)
    assert chart.origin is not None
    assert (chart.origin.direction, chart.origin.layer) == ("backward", "0")
    assert np.isfinite(chart.losses[chart.origin.step])


@pytest.mark.parametrize("direction", ["inputs", "weights", "forward"])
def test_the_first_number_that_is_not_finite_has_its_place(direction: str):
    x, y = circles(64)
    model = nn.Sequential(nn.Linear(2, 2))
    if direction == "inputs":
        x[0, 0] = torch.inf
    elif direction == "weights":
        model[0].weight.data[0, 0] = torch.inf
    else:
        x, model[0].weight.data[0, 0] = x * 1e30, 1e30
    origin = watched(Run(model, adam(model), (x, y), F.cross_entropy, steps=2, batch=64)).origin
    assert origin is not None
    place = "inputs" if direction == "inputs" else "0"  # the loop picks a batch out of them
    assert (origin.layer, origin.step, origin.direction) == (place, 0, direction)


def test_a_closure_is_watched():
    torch.manual_seed(0)
    model = mlp(2, 8, 2)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)
    x, y = circles(64)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss

    with trainability.watch(model) as chart:
        for _ in range(3):
            optimizer.step(closure)
    found = chart.diagnose().chart
    assert found.steps == 3
    assert len(found.layers) == 2
    assert found.optimizer is not None
    assert not found.accumulated


def test_a_trace_is_taken_out_of_and_put_back_into_a_stack_of_modes():
    trace, inner = Trace(), Trace()
    with trace, inner:
        stack = torch.overrides._get_current_function_mode_stack()
        trace.suspend()
        assert torch.overrides._get_current_function_mode_stack() == [inner]
        trace.resume()
        assert torch.overrides._get_current_function_mode_stack() == stack


def test_inputs_and_targets_are_told_from_shuffled_ones():
    x, y = load_digits(return_X_y=True)
    shuffled = np.random.default_rng(0).permutation(y)
    paired, unpaired = (pairing(x[:300], labels[:300, None], labels=True) for labels in (y, shuffled))
    assert paired.p < 0.01 < unpaired.p
    assert unpaired.likeness < 0.1 < 0.6 < paired.likeness
    assert unpaired.attainable < 0.1 < 0.6 < paired.attainable
    # Copies of a sample, with its shuffled label, tell nothing.
    again = np.tile(np.arange(150), 2)
    assert pairing(x[again], shuffled[again, None], labels=True).p > 0.01


def test_what_is_attainable_is_what_a_simple_method_attains():
    x, y = load_diabetes(return_X_y=True)
    x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
    found = pairing(x, y[:, None], labels=False)
    peers = (Ridge(0.01 * len(x), fit_intercept=False), KNeighborsRegressor(5))
    left = [np.mean((y - cross_val_predict(peer, x, y, cv=LeaveOneOut())) ** 2) for peer in peers]
    assert found.attainable == pytest.approx(1 - min(left), abs=1e-9)


def test_the_noise_of_a_gradient_is_found_again():
    r = np.random.default_rng(0)
    mean, batch, noise = r.standard_normal((40, 50)), 16, 80.0
    size = float(np.sum(mean**2))
    record = Record("torch")
    for _ in range(400):
        pair = [mean + r.standard_normal(mean.shape) * np.sqrt(noise * size / mean.size / batch) for _ in range(2)]
        record._noise.append((float(np.vdot(*pair)), sum(float(np.vdot(g, g)) for g in pair) / 2))
    assert record.gradient_noise(batch) == pytest.approx(noise, rel=0.1)


@given(st.integers(2, 30), st.integers(1, 30), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_effective_rank_is_that_of_the_singular_values(samples: int, units: int, rank: int, seed: int):
    r = np.random.default_rng(seed)
    answers = r.standard_normal((samples, rank)) @ r.standard_normal((rank, units))
    values = np.linalg.svd(answers - answers.mean(axis=0), compute_uv=False)
    p = values[values > 1e-6 * values[0]] / values[values > 1e-6 * values[0]].sum()
    assert effective_rank(answers) == pytest.approx(np.exp(-np.sum(p * np.log(p))), rel=1e-6)


def test_copies_of_features_are_counted_and_constants_are_not():
    gathered = Gathered()
    r = np.random.default_rng(0).standard_normal((20, 2))
    gathered.add(np.column_stack([r, r[:, 0], np.ones(20), np.ones(20)]))
    found = gathered.facts()
    assert found is not None
    assert (found.duplicate, found.constant, found.distinct) == (pytest.approx(0.2), pytest.approx(0.4), 41)


def test_answers_are_counted_by_class():
    torch.manual_seed(0)
    model = nn.Linear(64, 10)
    with torch.no_grad():
        model.weight.zero_()
        model.bias.zero_()[3] = 9.0
    x, y = digits()
    with trainability.watch(model) as chart:
        F.cross_entropy(model(x), y).backward()
        torch.optim.SGD(model.parameters(), 0.0).step()
    loss = chart.diagnose().chart.loss
    assert loss is not None
    assert loss.classes == 10
    assert loss.right == {label: float(label == 3) for label in range(10)}


def test_when_a_rate_is_gone_is_told():
    torch.manual_seed(0)
    model = mlp(2, 8, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 if step < 30 else 1e-5)
    run = Run(model, optimizer, circles(64), F.cross_entropy, steps=200, every_step=lambda step: schedule.step())
    facts = watched(run).optimizer
    assert facts is not None
    assert facts.gone == 50 / 200, "the first moment after step 30"


@given(st.lists(st.lists(st.integers(-3, 9), min_size=4, max_size=4), min_size=1, max_size=9))
def test_names_are_counted(rows: list[list[int]]):
    found = counted(np.array(rows, float))
    assert found is not None
    names = sorted({name for row in rows for name in row})
    assert found.tolist() == [[row.count(name) for name in names] for row in rows]


def test_bits_are_counted_as_classes():
    x, y = circles(64)
    model, loss = mlp(2, 8, 1), F.binary_cross_entropy_with_logits
    found = watched(Run(model, adam(model), (x, y[:, None].float()), loss, steps=1, batch=64)).loss
    assert found is not None
    assert sum(found.counts.values()) == 64
    assert set(found.counts) == {0, 1}
