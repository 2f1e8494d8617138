"""What a Flax watch makes of losses that are multiplied, of bad gradients, and of parameters that a mask freezes."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import trainability
from tests.plain_jax import plain_jax  # noqa: F401
from tests.zoo.data import circles, digits
from tests.zoo.flax_healthy_loops import half_precision
from tests.zoo.flax_run import Run, mlp, picked, run, scores
from trainability.adapters.flax.optimizer import unmoved
from trainability.core.chart import Chart


def watched(made: Run) -> Chart:
    with trainability.watch(made.model, made.optimizer) as chart:
        made.train(chart.wrap(made.step()))
    return chart.diagnose().chart


def test_the_best_constant_answer_is_multiplied_as_the_loss_is():
    x, y = circles(64)
    for factor in (1.0, 100.0):
        made = run(mlp(2, 4, 2), (x, y), lambda a, b, f=factor: f * scores(a, b), steps=2, batch=64)
        loss = watched(made).loss
        assert loss is not None
        assert loss.constant == pytest.approx(factor * math.log(2), rel=0.05)


def test_a_loss_that_is_handed_back_unscaled_is_read_so(recwarn: pytest.WarningsRecorder):
    made = half_precision()
    made.steps = 3
    chart = watched(made)
    assert chart.loss is not None
    assert max(chart.losses) < 5
    assert chart.loss.constant == pytest.approx(math.log(10), rel=0.1)
    assert not [one for one in recwarn if "does not hand back" in str(one.message)]


def test_scores_that_are_picked_by_labels_are_a_likelihood():
    for last, name in ((None, "nll"), (nnx.log_softmax, "cross_entropy")):
        chart = watched(run(mlp(64, 10, last=last), digits(), picked, steps=2))
        assert chart.loss is not None
        assert (chart.loss.name, chart.loss.kind, chart.loss.decreasing) == (name, "classes", True)


def bad(a: Any, y: Any) -> Any:
    """A loss that is a number, and whose gradient is none."""
    size = jnp.abs(a).sum()
    return scores(a, y) + jnp.sqrt(size - size)


def test_a_gradient_that_is_no_number_is_the_origin_where_the_weights_follow():
    made = run(mlp(2, 4, 2), circles(), bad, steps=4)
    origin = watched(made).origin
    assert origin is not None
    assert (origin.layer, origin.step, origin.direction) == ("layers.2", 0, "backward")
    left_out = optax.apply_if_finite(optax.sgd(0.1), 100)
    assert watched(run(mlp(2, 4, 2), circles(), bad, tx=left_out, steps=4)).origin is None


def test_what_a_mask_freezes_is_not_held():
    model = mlp(2, 4, 2)
    labels = functools.partial(jax.tree.map_with_path, lambda path, _: "head" if path[1].key == 2 else "rest")
    tx = optax.multi_transform({"head": optax.adam(1e-3), "rest": optax.set_to_zero()}, labels)
    made = run(model, circles(), scores, tx=tx, steps=2)
    assert unmoved(made.optimizer, model) == {"layers.0.kernel", "layers.0.bias"}
    chart = watched(made)
    assert [(p.name, p.held) for p in chart.parameters if p.held] == [
        ("layers.2.bias", True), ("layers.2.kernel", True)
    ]  # fmt: skip
    assert [layer.trained for layer in chart.layers] == [False, True]
    first = functools.partial(jax.tree.map_with_path, lambda path, _: path[1].key == 0)
    for free in (
        optax.adam(1e-3),
        optax.masked(optax.clip(1.0), first),
        optax.masked(optax.set_to_zero(), lambda _: True),
    ):
        assert unmoved(nnx.Optimizer(model, free, wrt=nnx.Param), model) == set()
    assert np.isfinite(chart.losses).all()
