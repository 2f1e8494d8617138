"""The first number that is not finite: masks are meant, what comes of them is not."""

from __future__ import annotations

import numpy as np
import pytest

from trainability.adapters.origin import Done, first_bad

SCORES, MASK, ADDED, VIEWED, SOFTMAX, LOGARITHM, WEIGHT = range(7)
LOW = -np.inf
VALUES = {
    SCORES: np.ones((2, 2)), MASK: np.array([[0.0, LOW], [0.0, 0.0]]), ADDED: np.array([[1.0, LOW], [1.0, 1.0]]),
    VIEWED: np.array([1.0, LOW, 1.0, 1.0]), SOFTMAX: np.array([1.0, 0.0, 0.5, 0.5]),
    LOGARITHM: np.log([1.0, 1e-320, 0.5, 0.5]), WEIGHT: np.array([np.nan]),
}  # fmt: skip


def found(*done: Done, **changed: np.ndarray) -> tuple[str, str]:
    values = VALUES | {globals()[name]: value for name, value in changed.items()}
    origin = first_bad(done, values.__getitem__, {WEIGHT}, {"mse_loss"}, 3)
    assert origin.step == 3
    return origin.layer, origin.direction


@pytest.mark.parametrize(
    "masking",
    [Done("add", None, ADDED, (SCORES, MASK)), Done("masked_fill", None, ADDED, (SCORES,))],
    ids=["added", "filled"],
)
def test_a_mask_is_passed_over(masking: Done):
    after = (Done("view", "attention", VIEWED, (ADDED,)), Done("softmax", None, SOFTMAX, (VIEWED,)))
    zero = np.array([0.0, LOW, -0.7, -0.7])
    assert found(masking, *after, Done("log", None, LOGARITHM, (SOFTMAX,)), LOGARITHM=zero) == ("attention", "forward")
    assert found(masking, *after, Done("log", None, LOGARITHM, (SOFTMAX,))) == ("attention", "loss")


def test_what_a_mask_spoils_is_an_origin():
    whole = Done("masked_fill", None, ADDED, (SCORES,))
    nothing = np.full(4, np.nan)  # the softmax of a row that is masked as a whole
    assert found(whole, Done("softmax", "attention", SOFTMAX, (ADDED,)), SOFTMAX=nothing) == ("attention", "forward")


def test_inputs_and_weights_are_told_apart():
    spoiled = np.array([np.nan, 1.0])
    linear = Done("linear", "net.0", VIEWED, (SCORES, WEIGHT))
    assert found(linear, VIEWED=spoiled) == ("net.0", "weights")
    assert found(linear, VIEWED=spoiled, WEIGHT=np.ones(1), SCORES=spoiled) == ("net.0", "inputs")
    assert found(linear, VIEWED=spoiled, WEIGHT=np.ones(1)) == ("net.0", "forward")
    assert found(Done("mse_loss", None, VIEWED, (SCORES,)), VIEWED=spoiled) == ("inputs", "loss")
