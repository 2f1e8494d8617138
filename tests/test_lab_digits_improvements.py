"""P16: PyTorch trains the same networks on the same digits, and the factorial's effects are those of regression."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.peers import torch_twin
from tests.peers.trajectory import Trajectory, resolved
from trainability import activations, api
from trainability.core import random
from trainability.core.types import Dataset
from trainability.engine.initial import initial_parameters
from trainability.engine.reference.trace import trace
from trainability.lab import digit_networks
from trainability.lab.factorial import Factorial, mean_interval
from trainability.lab.images import as_images, at_most
from trainability.lab.phenomena import digits_improvements as p16
from trainability.losses import LOSSES
from trainability.optimizers import OPTIMIZERS
from trainability.sweep import plan
from trainability.sweep.spec import make_spec

MNIST = Path(__file__).parents[2] / "shared" / "data"
STEPS = 400


def _ours(changes: tuple[str, ...], dtype: str = "float64") -> tuple[Trajectory, np.ndarray, Dataset]:
    """The notes' network with these changes: a trajectory of some steps, the loss of each, and the data."""
    spec = make_spec({"problem": "digits", "seeds": 1, **p16.settings(changes), "dtype": dtype})
    data = api.load_data(spec)
    grid = plan.cells(plan.resolve(spec, data), data)
    block = plan.blocks(grid, 1)[0]
    trials, program, axes = plan.trials(block, grid, spec.seed), block.program, grid[0].axes
    losses, final = trace(program, trials, data, STEPS)
    first = initial_parameters(program.network, trials, (), program.dtype)
    key = random.trial_key(spec.seed, trials.trial, random.Stream.ORDER)
    order = np.argsort(random.words(key, 0, len(data.x_train))[0][0], kind="stable")
    one = lambda parameters: {name: [part[0] for part in parts] for name, parts in parameters.items()}  # noqa: E731
    loss = LOSSES[program.loss]
    made = Trajectory(
        program=program,
        activation=activations.choose(axes["activation"]),
        output=activations.choose(axes["output"]),
        loss=LOSSES.choose(axes["loss"]),
        optimizer=OPTIMIZERS.choose(axes["optimizer"]),
        numbers=grid[0].numbers,
        x=data.x_train.astype(dtype),
        y=loss.encode(data, data.y_train).astype(dtype),
        batches=order[:STEPS, None],
        initial=one(first),
        final=one(final),
        marks=(),
        losses=losses[0],
    )
    return made, losses[0], data


@pytest.mark.parametrize("network", p16.NOTES)
@torch_twin.one_thread()
def test_pytorch_draws_the_same_curve(network: str) -> None:
    """Same weights, same batches: the loss of every step and what the network answers at the end."""
    ours, losses, data = _ours(p16.NOTES[network][1])
    net = torch_twin.Net(ours)
    made = resolved(ours.optimizer.entry.torch or "")
    optimizer = made(net.parameters(), lr=ours.numbers["rate"])
    x, y = torch.from_numpy(ours.x), torch.from_numpy(ours.y)
    function = resolved(ours.loss.entry.torch or "")
    theirs = []
    for batch in ours.batches:
        loss = function(net(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        theirs.append(loss.item())
    np.testing.assert_allclose(losses, theirs, rtol=1e-6, atol=1e-9)
    with torch.no_grad():
        said = net(torch.from_numpy(data.x_validation)).numpy()
    from trainability.engine.answers import outputs

    mine = outputs(ours.program, dict(ours.final), dict(ours.numbers), data.x_validation)
    np.testing.assert_allclose(mine, said, rtol=1e-5, atol=1e-6)


def test_a_trace_is_what_the_engine_trains() -> None:
    """The weights at the end of a trace answer as those of `compare` with the same seed do."""
    settings = {**p16.settings(p16.NOTES["all"][1]), "epochs": None, "steps": 300, "seeds": 1, "engine": "reference"}
    result = api.compare("digits", **settings)
    spec, data = result.spec, result.dataset
    grid = plan.cells(spec, data)
    block = plan.blocks(grid, 1)[0]
    losses, final = trace(block.program, plan.trials(block, grid, 0), data, 300)
    from trainability.engine.answers import answers

    one = {name: [part[0] for part in parts] for name, parts in final.items() if name != "running"}
    right = answers(block.program, one, grid[0].numbers, data.x_validation).argmax(axis=1) == data.y_validation
    assert losses.shape == (1, 300)
    assert right.mean() == pytest.approx(result.trials["validation_score"][0], abs=1.5 / len(right))


def test_the_notes_networks_are_corners_of_the_grid() -> None:
    for key, (_, changes) in p16.NOTES.items():
        assert set(changes) <= set(p16.CHANGES), key
    assert p16.settings(()) == p16.BASE
    assert p16.settings(("adam", "rate"))["lr"] == 0.001


@given(st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_effects_are_a_regressions_coefficients(changes: int, seed: int) -> None:
    """On columns of ±1, a coefficient of least squares is half of a main effect and a quarter of an interaction."""
    values = np.random.default_rng(seed).normal(size=(2,) * changes + (3,))
    names = tuple("abcd"[:changes])
    made = Factorial(names, values)
    places = np.array(list(np.ndindex((2,) * changes)))
    columns = 2.0 * places - 1.0
    pairs = [(i, j) for i in range(changes) for j in range(i)]
    design = np.column_stack([np.ones(len(places)), columns, *(columns[:, i] * columns[:, j] for i, j in pairs)])
    fit = np.linalg.lstsq(design, values.reshape(len(places), 3), rcond=None)[0]
    for i, name in enumerate(names):
        np.testing.assert_allclose(made.main_effect(name), 2 * fit[1 + i], atol=1e-12)
    for row, (i, j) in enumerate(pairs):
        np.testing.assert_allclose(made.interaction(names[i], names[j]), 4 * fit[1 + changes + row], atol=1e-12)
    assert len(made.combinations()) == 2**changes
    np.testing.assert_array_equal(made.at(*names), values[(1,) * changes])


def test_a_means_interval_is_scipys() -> None:
    from scipy.stats import bootstrap, ttest_1samp

    x = np.random.default_rng(3).normal(1.0, 2.0, (2, 30))
    middle, low, high = mean_interval(x)
    for row in range(2):
        wanted = ttest_1samp(x[row], 0.0).confidence_interval(0.95)
        np.testing.assert_allclose((low[row], high[row]), (wanted.low, wanted.high))
        near = bootstrap((x[row],), np.mean, rng=0).confidence_interval
        np.testing.assert_allclose((low[row], high[row]), (near.low, near.high), atol=0.25)
    np.testing.assert_allclose(middle, x.mean(axis=1))


def test_images_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    data = api.load_data(make_spec({"problem": "digits", "validation": 0.0}))
    drawn = as_images(data, data.x_train)[..., 0]
    theirs = np.asarray(load_digits().images)  # pyright: ignore[reportAttributeAccessIssue]
    np.testing.assert_array_equal(drawn, theirs / 16)


@pytest.mark.skipif(not MNIST.is_dir(), reason="no MNIST files beside the repository")
def test_mnist_files_are_taken() -> None:
    source = f"mnist:{MNIST}"
    assert at_most(source, 2000) == 2000
    assert at_most(source, 10_000) is None
    data = api.load_data(make_spec({"problem": source, "samples": 2000}))
    images = as_images(data, data.x_validation)
    assert images.shape[1:] == (28, 28, 1)
    assert data.y_validation[p16.place(data)] == digit_networks.FOUR


def test_a_loss_is_half_way_where_its_mean_says_so() -> None:
    """Two losses that fall in one jump, at step 300 and at step 600, with noise that the mean takes away."""
    rng = np.random.default_rng(0)
    steps = np.arange(1200)
    losses = np.stack([np.where(steps < jump, 1.0, 0.2) for jump in (300, 600)]) + rng.uniform(-0.1, 0.1, (2, 1200))
    sooner, later = digit_networks.half_way(losses)
    # The mean over 100 steps is half way when 50 of them lie behind the jump; its first value ends at step 100.
    assert sooner == pytest.approx(300 - 50, abs=5)
    assert later == pytest.approx(600 - 50, abs=5)
    mean, deviation = digit_networks.last_third(losses)
    np.testing.assert_allclose(mean, 0.2, atol=0.02)
    np.testing.assert_allclose(deviation, 0.2 / np.sqrt(12), rtol=0.1)


def test_a_smoothed_loss_is_numpys_convolution() -> None:
    losses = np.random.default_rng(1).normal(size=(3, 450))
    window = np.full(digit_networks.WINDOW, 1 / digit_networks.WINDOW)
    wanted = [np.convolve(row, window, "valid") for row in losses]
    np.testing.assert_allclose(digit_networks.smoothed(losses), wanted, atol=1e-12)
    np.testing.assert_allclose(digit_networks.smoothed(losses[:, :40]), losses[:, :40].mean(axis=1, keepdims=True))
