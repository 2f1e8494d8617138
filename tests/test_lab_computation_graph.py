"""P19: the chain rule node by node against JAX and finite differences, and what a user may type."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from tests.command import Cli
from trainability import lab
from trainability.core.errors import SpecError, UsageError
from trainability.core.expression import FUNCTIONS, REDUCTIONS, names, parse
from trainability.lab.figures.computation import _apart, layout
from trainability.lab.graph import automatic_gradient, difference_gradient, graph_of, passes, read_expression
from trainability.lab.phenomena.computation_graph import gradient_of, largest_error, operations, random_expression

SEEDS = st.integers(0, 2**32)


def _random(seed: int):
    rng = np.random.Generator(np.random.Philox(seed))
    node = random_expression(rng)
    return node, {name: rng.normal(size=5) for name in sorted(names(node))}


@settings(max_examples=40)
@given(SEEDS)
def test_the_chain_is_automatic_differentiation_and_finite_differences(seed: int):
    node, points = _random(seed)
    ours = gradient_of(graph_of(node), points)
    assert largest_error(ours, automatic_gradient(node, points)) < 1e-10
    halves = np.array([largest_error(ours, difference_gradient(node, points, step)) for step in (1e-4, 1e-5, 1e-6)])
    assert halves.min() < 1e-5


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if name not in REDUCTIONS])
def test_every_function_of_the_grammar_hands_back_its_gradient(function: str):
    arguments = ", ".join(["x*y/4", "x/3", "y/3"][: FUNCTIONS[function].most][: max(FUNCTIONS[function].least, 1)])
    node = parse(f"{function}({arguments}) * x", ("x", "y"))
    points = {"x": np.array([0.7, 1.3, 1.9]), "y": np.array([1.1, 0.4, 1.6])}
    ours = gradient_of(graph_of(node), points)
    assert largest_error(ours, automatic_gradient(node, points)) < 1e-10
    if function != "sign":  # whose slope is 0, so that the factor x alone has one
        assert all((np.abs(part) > 1e-3).any() for part in ours.values())


def test_values_and_gradients_of_the_notes():
    node, values = read_expression("w*x + b; w=-2, x=5, b=3")
    graph = graph_of(node)
    found = passes(graph, {name: np.array([value]) for name, value in values.items()})
    assert [graph.label(i) for i in range(5)] == ["w", "x", "×", "b", "+"]
    assert found.values[:, 0].tolist() == [-2, 5, -10, 3, -7]
    assert found.gradients[:, 0].tolist() == [5, -2, 1, 1, 1]
    assert {edge: float(back[0]) for edge, back in found.edges.items()} == {(4, 0): 1, (4, 1): 1, (2, 0): 5, (2, 1): -2}
    assert operations(graph) == (
        2,
        4,
    )  # two products; and four edges, each with a product by a derivative that is there


def test_equal_parts_are_one_node_and_their_gradients_add_up():
    graph = graph_of(parse("x*y + sin(x*y) + max(x, x)", ("x", "y")))
    assert [graph.label(i) for i in range(len(graph.nodes))] == ["x", "y", "×", "sin", "+", "max", "+"]
    points = {"x": np.array([0.5]), "y": np.array([2.0])}
    assert gradient_of(graph, points)["x"][0] == pytest.approx(2 + 2 * np.cos(1.0) + 1)


@settings(max_examples=40)
@given(SEEDS)
def test_the_layout_goes_to_the_right_and_keeps_nodes_apart(seed: int):
    graph = graph_of(_random(seed)[0])
    places, runs = layout(graph)
    for (i, slot), run in runs.items():
        x = [point[0] for point in run]
        assert x == list(range(int(x[0]), int(x[-1]) + 1))
        assert (run[0], run[-1]) == (tuple(places[graph.parts[i][slot]]), tuple(places[i]))
    points = {**{("node", i): tuple(p) for i, p in enumerate(places)}}
    points |= {(edge, k): p for edge, run in runs.items() for k, p in enumerate(run[1:-1])}
    at = np.array(list(points.values()))
    same = (at[:, None, 0] == at[None, :, 0]) & ~np.eye(len(at), dtype=bool)
    assert not same.any() or np.abs(at[:, None, 1] - at[None, :, 1])[same].min() > 1 - 1e-9


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=9))
def test_heights_are_the_nearest_that_lie_apart(wanted: list[float]):
    wanted = sorted(wanted, reverse=True)
    shift = np.arange(len(wanted))
    theirs = IsotonicRegression(increasing=False).fit_transform(shift, np.array(wanted) + shift) - shift
    np.testing.assert_allclose(_apart(np.array(wanted)), theirs, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("w*", "expected a number"),
        ("w x", "a product needs"),
        ("3 + 4", "computes nothing of a variable"),
        ("x", "computes nothing of a variable"),
        ("foo(x)", "unknown function 'foo'"),
        ("x = 3", "unexpected character '='"),
        ("units_sum(x)", "reduce over a layer"),
        ("log(x); x=-1", "not finite at x=-1"),
        ("sqrt(x); x=0", "not finite at x=0"),
        ("x + y; z=1", "'z=1' gives no variable"),
        ("x + y; x", "'x' gives no variable"),
        ("x + y; x=one", "'one' of 'x' is not a number"),
        ("x + y; x=inf", "is not finite"),
        ("+".join(f"x{i}" for i in range(30)), "at most 24"),
        ("(" * 100 + "x", "nested too deeply"),
    ],
)
def test_what_is_no_expression_is_one_sentence_and_code_2(text: str, words: str, cli: Cli):
    with pytest.raises(UsageError, match=words.replace("+", r"\+")):
        read_expression(text)
    code, out, error = cli("lab", "computation-graph", "--quick", "--expression", text)
    assert (code, out) == (2, "")
    assert words in error
    assert "Traceback" not in error


@given(st.text(max_size=30))
def test_any_text_is_an_expression_or_the_users_mistake(text: str):
    try:
        node, values = read_expression(text)
    except UsageError:
        return
    assert set(values) >= names(node)


def test_the_command_takes_an_expression(cli: Cli):
    given = "(a*b + c)**2; a=1, b=2, c=3"
    code, out, _ = cli("lab", "p19", "--seeds", 4, "--expression", given, "--json")
    made = json.loads(out)
    assert code == 0
    assert made["expression"] == given
    assert [(row["what"], row["notes"], row["ours"]) for row in made["reported"]] == [
        (f"∂f/∂{name} of f = (a*b + c)**2", "–", value) for name, value in (("a", "20"), ("b", "10"), ("c", "10"))
    ]


@pytest.mark.parametrize("name", [name for name in lab.names() if not lab.PHENOMENA[name].expression])
def test_other_phenomena_refuse_one(name: str):
    with pytest.raises(SpecError, match="takes no --expression"):
        lab.run(name, quick=True, expression="x*y")
