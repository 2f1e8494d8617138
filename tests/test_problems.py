"""Every problem of the catalogue, the features, the split and the scale."""

from __future__ import annotations

import contextlib
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainability.core.errors import DataError, SpecError, UnknownName, UsageError
from trainability.problems import FEATURES, HELD_OUT, PROBLEMS, SOURCES, apply_features, load
from trainability.problems.split import split, subset
from trainability.problems.standardize import fit_scale

NAMES = [problem.name for problem in PROBLEMS]
SAMPLED = [problem.name for problem in PROBLEMS if problem.samples is not None]
EXHAUSTIVE = [problem.name for problem in PROBLEMS if problem.exhaustive]
ARRAYS = ("x_train", "y_train", "x_validation", "y_validation")


def same(a, b) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ARRAYS)


def rows(x: np.ndarray) -> list[bytes]:
    return [row.tobytes() for row in x]


@pytest.mark.parametrize("name", NAMES)
def test_a_problem_is_a_sound_dataset(name):
    data, problem = load(name), PROBLEMS[name]
    assert data.name == name
    assert data.task == problem.task
    assert problem.target.startswith("r2" if data.task == "regression" else "accuracy")
    assert data.target == ("validation_" if len(data.x_validation) else "") + problem.target
    assert len(data.x_train) >= 2
    for x, y in ((data.x_train, data.y_train), (data.x_validation, data.y_validation)):
        assert x.dtype == np.float64
        assert x.shape == (len(y), len(data.features))
        assert np.isfinite(x).all()
        if data.task == "regression":
            assert y.dtype == np.float64
            assert y.shape == (len(x), len(data.targets))
            assert np.isfinite(y).all()
        else:
            assert y.dtype == np.int64
            assert y.shape == (len(x),)
    if data.task == "regression":
        assert data.classes == ()
    else:
        assert (data.task == "binary") == (len(data.classes) == 2)
        assert set(data.y_train) == set(range(len(data.classes)))
        assert not len(data.y_validation) or set(data.y_validation) == set(data.y_train)
    assert len(data.targets) == 1
    assert len(set(data.features)) == len(data.features)


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides_everything(name):
    assert same(load(name, seed=3), load(name, seed=3))
    assert same(load(name, seed=3), load(name, seed=4)) == PROBLEMS[name].exhaustive


@pytest.mark.parametrize("name", NAMES)
def test_what_is_held_out_is_not_trained_on(name):
    fraction = 0.0 if PROBLEMS[name].exhaustive else HELD_OUT
    whole, parts = load(name, seed=1, validation=0), load(name, seed=1)
    total = len(whole.x_train)
    assert len(whole.x_validation) == 0
    assert abs(len(parts.x_validation) - fraction * total) <= 1
    joined = rows(np.concatenate([parts.x_train, parts.x_validation]))
    assert sorted(joined) == sorted(rows(whole.x_train))


@pytest.mark.parametrize("name", SAMPLED)
def test_sampled_problems_take_any_number_of_samples_and_noise(name):
    for count in (11, 50, 333):
        data = load(name, samples=count, noise=0.3)
        assert len(data.x_train) + len(data.x_validation) == count
    quiet, loud = (load(name, samples=300, noise=level, validation=0) for level in (0, 0.5))
    assert not same(quiet, loud)
    with pytest.raises(SpecError, match=r"samples must be at least \d+"):
        load(name, samples=1)
    with pytest.raises(SpecError, match="noise must be at least 0"):
        load(name, noise=-0.1)
    with pytest.raises(SpecError, match="noise must be at least 0"):
        load(name, noise=float("nan"))


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(SAMPLED)))
def test_problems_that_are_what_they_are_refuse_noise(name):
    with pytest.raises(SpecError, match=f"'{name}.*takes no noise"):
        load(name, noise=0.1)


@pytest.mark.parametrize("name", EXHAUSTIVE)
def test_exhaustive_problems_refuse_a_number_of_samples(name):
    with pytest.raises(SpecError, match="exactly"):
        load(name, samples=4)


def test_noise_leaves_the_places_alone_where_it_is_noise_of_the_answer():
    for name in ("circle", "xor_cloud", "plane", "multigauss", "square", "sine", "step"):
        assert np.array_equal(load(name, noise=0.4, validation=0).x_train, load(name, validation=0).x_train)


def test_gates_are_their_truth_tables():
    for name, operator in {
        "and": lambda a, b: a and b, "or": lambda a, b: a or b, "nand": lambda a, b: not (a and b),
        "nor": lambda a, b: not (a or b), "xor": lambda a, b: a != b, "xnor": lambda a, b: a == b,
    }.items():  # fmt: skip
        data = load(name)
        table = list(itertools.product((0, 1), repeat=2))
        assert data.x_train.tolist() == [list(map(float, row)) for row in table]
        assert data.y_train.tolist() == [int(operator(*row)) for row in table]


@pytest.mark.parametrize("n", [1, 2, 5, 16])
def test_parity_is_the_sum_modulo_two(n):
    data = load(f"parity:{n}")
    assert data.x_train.tolist() == [list(map(float, bits)) for bits in itertools.product((0, 1), repeat=n)]
    assert np.array_equal(data.y_train, data.x_train.sum(axis=1) % 2)
    if n == 2:
        assert np.array_equal(data.y_train, load("xor").y_train)


def test_moons_are_those_of_scikit_learn():
    from sklearn.datasets import make_moons

    x, y = make_moons(100, shuffle=False)
    data = load("moons", samples=100, validation=0)
    np.testing.assert_allclose(data.x_train, x, atol=1e-12)
    assert np.array_equal(data.y_train, y)


def test_playground_sets_follow_its_formulas():
    x, y = (load("circle", validation=0).x_train, load("circle", validation=0).y_train)
    radius = np.hypot(*x.T)
    assert (radius[y == 1] < 2.5).all()
    assert ((radius[y == 0] >= 3.5) & (radius[y == 0] <= 5)).all()

    cloud = load("xor_cloud", validation=0)
    assert np.array_equal(cloud.y_train == 1, np.prod(cloud.x_train, axis=1) >= 0)
    assert (np.abs(cloud.x_train) >= 0.3).all()

    spiral = load("spiral", validation=0, samples=100)
    first, second = spiral.x_train[spiral.y_train == 1], spiral.x_train[spiral.y_train == 0]
    np.testing.assert_allclose(first, -second, atol=1e-12)  # the second arm is the first turned by half a turn
    along = np.arange(50) / 50
    turn = 1.75 * 2 * np.pi * along
    np.testing.assert_allclose(first.T, 5 * along * np.stack([np.sin(turn), np.cos(turn)]), atol=1e-12)

    plane = load("plane", validation=0)
    np.testing.assert_allclose(plane.y_train[:, 0], plane.x_train.sum(axis=1) / 10)

    gauss = load("gauss", validation=0, samples=20_000, noise=0.5)
    for label, centre in ((1, 2), (0, -2)):
        cloud = gauss.x_train[gauss.y_train == label]
        np.testing.assert_allclose(cloud.mean(axis=0), centre, atol=0.1)
        np.testing.assert_allclose(cloud.var(axis=0), 4, atol=0.2)


def test_multigauss_is_the_playground_s_loop():
    cones = [(-4, 2.5, 1), (0, 2.5, -1), (4, 2.5, 1), (-4, -2.5, -1), (0, -2.5, 1), (4, -2.5, -1)]
    data = load("multigauss", validation=0)
    for (x, y), value in zip(data.x_train, data.y_train[:, 0], strict=True):
        label = 0.0
        for cx, cy, sign in cones:
            new = sign * min(max(1 - np.hypot(x - cx, y - cy) / 2, 0), 1)
            label = new if abs(new) > abs(label) else label
        assert value == pytest.approx(label)


def test_curves_are_their_functions_and_noise_is_their_deviation():
    functions = {"line": lambda x: 2 * x + 1, "square": np.square, "sine": np.sin, "step": lambda x: x >= 0}
    for name, function in functions.items():
        data = load(name, samples=2001, validation=0)
        assert np.allclose(data.y_train, function(data.x_train))
        loud = load(name, samples=2001, validation=0, noise=0.5)
        assert (loud.y_train - data.y_train).std() == pytest.approx(0.5, rel=0.05)
    assert load("square", samples=2001, validation=0).x_train[:2, 0] == pytest.approx([-10, -9.99])


@pytest.mark.parametrize("k", [2, 3, 7, 20])
def test_blobs_have_k_classes_that_their_centres_tell_apart(k):
    data = load(f"blobs:{k}", samples=4000, validation=0)
    assert len(data.classes) == k
    assert data.task == ("binary" if k == 2 else "classes")
    centres = np.stack([data.x_train[data.y_train == c].mean(axis=0) for c in range(k)])
    nearest = np.linalg.norm(data.x_train[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == data.y_train).mean() > 0.995


def test_real_sets_are_those_of_scikit_learn():
    from sklearn import datasets

    for name in ("iris", "wine", "breast_cancer", "digits"):
        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        data = load(name, validation=0)
        np.testing.assert_allclose(data.x_train * (16 if name == "digits" else 1), x)
        assert np.array_equal(data.y_train, y)
    assert load("diabetes", validation=0).x_train[0, 0] == 59  # an age in years, not scikit-learn's scaled one


def test_a_subset_keeps_the_classes_shares():
    data = load("breast_cancer", samples=100, validation=0)
    whole = load("breast_cancer", validation=0)
    assert len(data.x_train) == 100
    assert data.y_train.mean() == pytest.approx(whole.y_train.mean(), abs=0.01)
    assert set(rows(data.x_train)) <= set(rows(whole.x_train))
    for count in (1, 570):
        with pytest.raises(SpecError, match="569 samples"):
            load("breast_cancer", samples=count)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("xr", UnknownName, "'xor'"),
        ("spirl", UnknownName, "'spiral'"),
        ("fle:table.csv", UnknownName, "'file:PATH'"),
        ("minst:folder", UnknownName, "'mnist:DIR'"),
        ("zzzzzz", UnknownName, "file:PATH"),
        ("table.csv", DataError, "file:table.csv"),
        ("file:", SpecError, "file:PATH"),
        ("parity:17", SpecError, "at most 16"),
        ("parity:2.5", SpecError, "whole number"),
        ("parity:many", SpecError, "'many' is not a number"),
        ("xor:2", SpecError, "takes no parameters"),
        ("blobs:1", SpecError, "at least 2"),
    ],
)
def test_a_name_that_is_none_is_refused_with_the_likely_one(text, error, words):
    with pytest.raises(error) as caught:
        load(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("validation", 1),
        ("validation", -0.1),
        ("validation", float("nan")),
        ("seed", -1),
        ("seed", 2**64),
        ("target_column", "y"),
        ("features", ()),
    ],
)
def test_a_setting_out_of_range_is_refused(setting, value):
    with pytest.raises(SpecError):
        load("spiral", **{setting: value})


@given(st.lists(st.integers(1, 30), min_size=2, max_size=12), st.floats(0.01, 0.99), st.integers(0, 1000))
def test_a_split_leaves_every_class_in_both_parts(counts, fraction, seed):
    y = np.repeat(np.arange(len(counts)), counts)
    names = tuple("abcdefghijkl"[: len(counts)])
    r = np.random.default_rng(seed)
    if max(counts) == 1:
        with pytest.raises(DataError, match="no class has two samples"):
            split(y, names, fraction, r)
        return
    train, held, notes = split(y, names, fraction, r)
    assert sorted([*train, *held]) == list(range(len(y)))
    assert set(y[train]) == set(y)
    assert set(y[held]) == {c for c, n in enumerate(counts) if n > 1}
    wanted = max(1, round(fraction * len(y)))
    assert (len(held) == wanted) != any("are held out, not" in note for note in notes)
    assert (1 in counts) == any("only one sample has class" in note for note in notes)


@given(st.lists(st.integers(2, 40), min_size=2, max_size=8), st.integers(0, 100), st.data())
def test_a_subset_has_the_number_asked_for_and_every_class(counts, seed, data):
    y = np.repeat(np.arange(len(counts)), counts)
    count = data.draw(st.integers(2 * len(counts), len(y)))
    chosen = subset(y, len(counts), count, np.random.default_rng(seed))
    assert len(set(chosen)) == len(chosen) == count
    for label, total in enumerate(counts):
        share = count * total / len(y)
        assert max(1, np.floor(share) - len(counts)) <= (y[chosen] == label).sum() <= share + len(counts)


def test_a_regression_too_small_to_hold_any_out_is_refused():
    with pytest.raises(DataError, match="too few"):
        split(np.zeros((3, 1)), (), 0.25, np.random.default_rng(0))


@pytest.mark.parametrize("degree", [1, 2, 3, 5])
def test_polynomial_features_are_those_of_scikit_learn(degree):
    from sklearn.preprocessing import PolynomialFeatures

    x = np.random.default_rng(0).normal(size=(20, 4))
    names = ("a", "b", "c", "d")
    peer = PolynomialFeatures(degree, include_bias=False)
    made, made_names = apply_features(x, names, (f"polynomial:{degree}",))
    np.testing.assert_allclose(made, peer.fit_transform(x))
    assert list(made_names) == list(peer.get_feature_names_out(names))


def test_every_feature_counts_what_it_makes():
    x = np.random.default_rng(0).normal(size=(6, 2))
    for feature in FEATURES:
        made, names = apply_features(x, ("a", "b"), ("raw", feature.name))
        alone, alone_names = apply_features(x, ("a", "b"), (feature.name,))
        values = [parameter.default for parameter in feature.parameters]
        assert feature.count(2, *values) == len(alone_names) == alone.shape[1]
        assert names[:2] == ("a", "b")
        assert set(alone_names) <= set(names)
        assert made.shape == (6, len(names))


def test_playground_features_are_what_they_say():
    x = np.random.default_rng(0).normal(size=(6, 2))
    a, b = x.T
    wanted = {
        "x": a,
        "y": b,
        "x^2": a * a,
        "y²": b * b,
        "xy": a * b,
        "sin(x)": np.sin(a),
        "sin(y)": np.sin(b),
    }
    for text, column in wanted.items():
        np.testing.assert_allclose(apply_features(x, ("u", "v"), (text,))[0][:, 0], column, atol=1e-12)
    data = load("circle", features=("raw", "squares", "product", "sin"))
    assert data.features == ("x", "y", "x^2", "y^2", "x y", "sin(x)", "sin(y)")
    assert data.x_validation.shape[1] == 7
    np.testing.assert_allclose(data.x_validation[:, 2], data.x_validation[:, 0] ** 2)


def test_features_that_cannot_be_made_are_refused():
    with pytest.raises(SpecError, match="two inputs, but this problem has 4"):
        load("iris", features=("raw", "x^2"))
    with pytest.raises(SpecError, match="814,384, more than the 100,000"):
        load("digits", features=("polynomial:4",))
    with pytest.raises(UnknownName, match="'squares'"):
        load("iris", features=("squars",))
    with pytest.raises(SpecError, match="makes no features"):
        load("sine", features=("product",))
    with pytest.raises(DataError, match="GB"):
        apply_features(np.zeros((100_000, 64)), tuple(f"p{i}" for i in range(64)), ("polynomial:2",))
    with pytest.raises(DataError, match=r"'a\^2' is too large"):
        apply_features(np.full((4, 1), 1e200), ("a",), ("squares",))


@pytest.mark.parametrize("name", NAMES)
def test_standardising_is_scikit_learn_s_by_the_training_samples(name):
    from sklearn.preprocessing import StandardScaler

    plain, scaled = load(name, seed=2), load(name, seed=2, standardize=True)
    peer = StandardScaler().fit(plain.x_train)
    np.testing.assert_allclose(scaled.x_train, peer.transform(plain.x_train), atol=1e-9)
    if len(plain.x_validation):
        np.testing.assert_allclose(scaled.x_validation, peer.transform(plain.x_validation), atol=1e-9)
    if plain.task == "regression":
        peer = StandardScaler().fit(plain.y_train)
        np.testing.assert_allclose(scaled.y_validation, peer.transform(plain.y_validation), atol=1e-9)
        assert any("standardised" in note for note in scaled.notes)
    else:
        assert np.array_equal(scaled.y_train, plain.y_train)


@given(st.floats(-1e6, 1e6), st.integers(2, 40))
def test_a_constant_column_is_exactly_zero_once_standardised(value, count):
    x = np.full((count, 1), value)
    assert np.array_equal(fit_scale(x, ("a",))(x), np.zeros((count, 1)))


def test_numbers_too_large_to_standardise_are_refused():
    with pytest.raises(DataError, match="'a'"):
        fit_scale(np.array([[1e200], [-1e200]]), ("a",))


def test_wide_inputs_are_noted_until_standardised():
    assert any("standardise" in note for note in load("wine").notes)
    assert load("wine", standardize=True).notes == ()


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=20))
def test_any_text_loads_or_is_the_user_s_mistake(text):
    with contextlib.suppress(UsageError):
        load(text)


def test_sources_say_how_they_are_written():
    assert {source.usage for source in SOURCES} == {"file:PATH", "mnist:DIR", "cifar10:DIR"}
    assert not {source.name for source in SOURCES} & set(NAMES)
