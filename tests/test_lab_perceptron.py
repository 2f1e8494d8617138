"""P6: the perceptron rule against scikit-learn and the engine, and which gates a line parts against enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Perceptron

from trainability import compare
from trainability.lab.perceptron import TABLE, answer, separating_line, train
from trainability.lab.phenomena.perceptron_gates import ALL, BY_HAND, GATES, composed_xor, row_answers

GATE = st.integers(0, 15)


def _first(trials: int, seed: int = 0) -> np.ndarray:
    return np.random.Generator(np.random.Philox(seed)).normal(size=(trials, 3))


@pytest.mark.parametrize("gate", GATES)
def test_the_rule_is_scikit_learns(gate: str):
    y, first = np.array(GATES[gate]), _first(5)
    ours = train(TABLE, y.astype(float), first, rate=0.01, epochs=300)
    for start, end in zip(first, ours.weights, strict=True):
        theirs = Perceptron(eta0=0.01, shuffle=False, max_iter=300, tol=None)
        theirs.fit(TABLE, y, coef_init=start[None, :2], intercept_init=start[2:])
        np.testing.assert_allclose([*theirs.coef_[0], *theirs.intercept_], end, atol=1e-12)
        np.testing.assert_array_equal(theirs.predict(TABLE), answer(end[None], TABLE)[0])


def test_a_shuffled_unit_sees_every_row_of_an_epoch_once():
    """A rate of 0 leaves the weights; an epoch of one unit in its order is one of the 24 orders of the four rows."""
    y, first = np.array(GATES["XOR"], float), _first(40, seed=3)
    made = train(TABLE, y, first, rate=0.3, epochs=1, order="shuffled", rng=np.random.Generator(np.random.Philox(1)))
    orders = [list(rows) for rows in itertools.permutations(range(4))]
    possible = np.stack([train(TABLE[rows], y[rows], first, rate=0.3, epochs=1).weights for rows in orders])
    assert (np.abs(possible - made.weights).max(axis=2).min(axis=0) < 1e-12).all()
    assert (np.abs(possible[0] - made.weights).max(axis=1) > 1e-12).any()  # not the table's order for all


@pytest.mark.parametrize(("order", "batch", "rate"), [("shuffled", 1, 0.01), ("together", "full", 0.04)])
def test_xor_ends_as_often_as_in_the_engine(order: str, batch: object, rate: float):
    """The engine takes the mean of the rows' corrections, so that four times the rate is their sum."""
    seeds = 512
    result = compare(
        "xor", depth=0, loss="perceptron", optimizer="sgd", lr=rate, batch=batch, init="normal:1", bias_init="normal:1",
        epochs=1000, seeds=seeds,
    )  # fmt: skip
    theirs = result.trials["train_score"].to_numpy()
    rng = np.random.Generator(np.random.Philox(5))
    y = np.array(GATES["XOR"], float)
    ours = train(TABLE, y, _first(seeds), rate=0.01, epochs=1000, order=order, rng=rng).accuracy[:, -1]  # type: ignore[arg-type]
    for level in (0.25, 0.5, 0.75, 1.0):
        a, b = (theirs == level).mean(), (ours == level).mean()
        assert abs(a - b) <= 4 * np.sqrt((a * (1 - a) + b * (1 - b)) / seeds)


def test_exactly_the_gates_that_some_small_weights_make_have_a_line():
    """The slower twin tries every weight from −2 to 2, and for XOR and XNOR no more are needed: Minsky and Papert."""
    weights = np.array(list(itertools.product(np.arange(-2, 2.5, 0.5), repeat=3)))
    made = {tuple(row) for row in answer(weights, TABLE)}
    for k in range(16):
        line = separating_line(TABLE, row_answers(k))
        assert (line is not None) == (tuple(row_answers(k)) in made), ALL[k]
        if line is not None:
            np.testing.assert_array_equal(answer(line[None], TABLE)[0], row_answers(k))
    assert {name for k, name in enumerate(ALL) if separating_line(TABLE, row_answers(k)) is None} == {"XOR", "XNOR"}


@given(GATE, st.integers(0, 2**32))
def test_the_rule_finds_a_line_just_where_there_is_one(k: int, seed: int):
    made = train(TABLE, row_answers(k), _first(8, seed), rate=1.0, epochs=60)
    right = made.accuracy[:, -1] == 1
    assert right.all() if separating_line(TABLE, row_answers(k)) is not None else not right.any()


@given(st.integers(2, 12), st.integers(1, 4), st.integers(0, 2**32))
def test_labels_that_a_unit_gave_are_parted_and_a_row_with_both_labels_is_not(rows: int, inputs: int, seed: int):
    rng = np.random.Generator(np.random.Philox(seed))
    x, unit = rng.normal(size=(rows, inputs)), rng.normal(size=(1, inputs + 1))
    y = answer(unit, x)[0]
    line = separating_line(x, y)
    assert line is not None
    np.testing.assert_array_equal(answer(line[None], x)[0], y)
    assert separating_line(np.vstack([x, x[:1]]), np.append(y, 1 - y[0])) is None


def test_gates_by_hand():
    for gate, weights in BY_HAND.items():
        np.testing.assert_array_equal(answer(np.array([weights]), TABLE)[0], row_answers(ALL.index(gate)))
    np.testing.assert_array_equal(composed_xor(TABLE), GATES["XOR"])
