"""P8: solved regressions against NumPy's `lstsq` and scikit-learn, and gradient descent on its way to them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss

from trainability.engine.closed_form import fit_log_odds, least_squares, probabilities, with_one
from trainability.lab.networks import trained
from trainability.lab.phenomena.regressions import DESCENT, MODELS, SAMPLES, best_loss, held_out_errors


def _made(samples: int, features: int, seed: int) -> tuple[np.random.Generator, np.ndarray]:
    rng = np.random.Generator(np.random.Philox(seed))
    return rng, rng.normal(size=(samples, features)) * 10.0 ** rng.uniform(-2, 2, features)


@given(st.integers(1, 6), st.integers(1, 3), st.integers(0, 2**32))
def test_least_squares_is_numpys_and_scikit_learns(features: int, targets: int, seed: int):
    rng, x = _made(40, features, seed)
    y = rng.normal(size=(40, targets))
    beta = least_squares(x, y)
    np.testing.assert_allclose(beta, np.linalg.lstsq(with_one(x), y)[0], rtol=1e-9, atol=1e-12)
    theirs = LinearRegression().fit(x, y)
    np.testing.assert_allclose(beta, np.vstack([theirs.coef_.T, theirs.intercept_]), rtol=1e-8, atol=1e-12)


@given(st.integers(2, 4), st.integers(0, 2**32))
def test_log_odds_are_those_of_scikit_learn_whatever_the_reference(classes: int, seed: int):
    rng, x = _made(150, 2, seed)
    labels = rng.integers(0, classes, 150)  # without any pattern, so that no line parts them
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=2000, solver="newton-cg").fit(x / x.std(axis=0), labels)
    expected = theirs.predict_proba(x / x.std(axis=0))
    for reference in range(classes):
        ours = probabilities(x, fit_log_odds(x, labels, classes, reference), reference)
        np.testing.assert_allclose(ours, expected, atol=2e-5)
        assert log_loss(labels, ours) <= log_loss(labels, expected) + 1e-12


def test_what_has_no_solution_is_refused():
    x = np.linspace(-1, 1, 30)[:, None]
    with pytest.raises(ValueError, match="depend on each other"):
        least_squares(np.hstack([x, 2 * x]), x)
    with pytest.raises(ValueError, match="depend on each other"):
        least_squares(np.eye(3), np.ones((3, 1)))
    with pytest.raises(ValueError, match="no maximum"):
        fit_log_odds(x, (x[:, 0] > 0).astype(int), 2)


@pytest.mark.parametrize("key", MODELS)
def test_descent_never_goes_below_the_least_loss_and_comes_nearer(key: str):
    _, problem, model = MODELS[key]
    few, many = (trained(problem, **{**DESCENT, **model, "steps": steps, "dtype": "float64"}) for steps in (50, 1000))
    least = best_loss(few.data)
    losses = [float(made.columns["train_loss"][0]) for made in (few, many)]
    assert least * (1 - 1e-9) <= losses[1] < losses[0]
    x, y = few.data.x_train, few.data.y_train
    if few.data.task == "regression":
        theirs = float(((LinearRegression().fit(x, y).predict(x) - y) ** 2).mean())
    else:
        theirs = log_loss(y, LogisticRegression(C=np.inf, tol=1e-10).fit(x, y).predict_proba(x))
    assert least == pytest.approx(theirs, rel=1e-6)


def test_polynomials_are_numpys():
    errors = held_out_errors(np.random.Generator(np.random.Philox(6)), 1)[0]
    rng = np.random.Generator(np.random.Philox(6))
    x = rng.uniform(-1, 1, SAMPLES + 200)
    y = np.sin(np.pi * x) + 0.3 * rng.normal(size=x.size)
    for degree, (train, held_out) in zip((1, 3, 5, 9, 12), errors, strict=True):
        fitted = np.polynomial.Polynomial.fit(x[:SAMPLES], y[:SAMPLES], degree)
        squares = (fitted(x) - y) ** 2
        assert train == pytest.approx(squares[:SAMPLES].mean(), rel=1e-6)
        assert held_out == pytest.approx(squares[SAMPLES:].mean(), rel=1e-4)
