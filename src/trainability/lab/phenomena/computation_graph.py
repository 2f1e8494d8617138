"""P19: values forward and gradients backward through the graph of an expression, also one that the user types."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.core.expression import Name, Node, names, parse, unparse
from trainability.lab.figures.computation import computation
from trainability.lab.graph import (
    Graph,
    automatic_gradient,
    difference_gradient,
    graph_of,
    local_derivatives,
    passes,
    read_expression,
)
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.text import Lang, Text, prose
from trainability.lab.verdicts import Verdict, at_most, everywhere, median
from trainability.report.gather import quantiles
from trainability.report.style import SERIES, Picture, drawing, grid_lines, new_figure, power_ticks
from trainability.report.words import number

NOTES: Final = "w*x + b; w=-2, x=5, b=3"
"""The notes give the formula alone; the values are ours."""
NEURON: Final = "(sigmoid(w*x + b) - y)**2; w=0.5, x=2, b=-0.4, y=1"
STEPS: Final = (1e-1, 1e-3, 1e-5, 1e-8, 1e-12)
POINTS: Final = 8
"""Random points at which each expression is differentiated."""
_VARIABLES: Final = ("x", "y", "z")
_PIECES: Final = (
    "({a} + {b})", "({a} - {b})", "{a} * {b}", "{a} * {b}", "{a} / (2 + ({b})**2)", "sin({a})", "tanh({a})",
    "sigmoid({a})", "exp(sin({a}))", "({a})**2", "max({a}, {b})", "relu({a})", "log(1 + ({a})**2)",
)  # fmt: skip


def random_expression(rng: np.random.Generator) -> Node:
    """An expression of three variables with three to a dozen operations, finite everywhere."""

    def text(size: int) -> str:
        if size == 0:
            return str(rng.choice(_VARIABLES)) if rng.uniform() < 0.85 else f"{rng.uniform(0.5, 3):.1f}"
        left = int(rng.integers(0, size))
        pieces = rng.choice(_PIECES).format(a=text(left), b=text(size - 1 - left))
        return f"({pieces})"

    while True:
        node = parse(text(int(rng.integers(3, 10))), _VARIABLES)
        if names(node) and not isinstance(node, Name):
            return node


def gradient_of(graph: Graph, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The gradient by every variable that occurs, from the backward pass, shape (points,)."""
    found = passes(graph, values)
    return {
        node.name: found.gradients[i]
        for i, node in enumerate(graph.nodes)
        if isinstance(node, Name) and node.name in values
    }


def largest_error(ours: dict[str, np.ndarray], others: dict[str, np.ndarray]) -> float:
    """The largest difference of two gradients, relative where the gradient is larger than 1."""
    return max(float((np.abs(ours[name] - others[name]) / np.maximum(1.0, np.abs(ours[name]))).max()) for name in ours)


def operations(graph: Graph) -> tuple[int, int]:
    """How many operations the forward pass takes, and how many more the backward pass.

    A local derivative costs the operations in its formula; each edge costs a multiplication, each gradient after the
    first that reaches a node an addition.
    """

    def computed(node: Node) -> int:
        return sum(map(computed, node.parts)) + bool(node.parts)

    back = 0
    reached: set[int] = set()
    for i in reversed(range(len(graph.nodes))):
        for part, local in zip(graph.parts[i], local_derivatives(graph, i), strict=True):
            if local is not None:
                back += computed(local) + 1 + (part in reached)
                reached.add(part)
    return graph.operations, back


def run(setting: Setting) -> Records:
    """The typed expression, or the notes', at its values and at random points; and as many random expressions as seeds."""
    node, values = read_expression(NOTES if setting.expression is None else setting.expression, setting.seed)
    neuron, neuron_values = read_expression(NEURON)
    rng = np.random.Generator(np.random.Philox(setting.seed))
    graph, at = graph_of(node), {name: np.array([value]) for name, value in values.items()}
    random, steps, costs = [], [], []
    for _ in range(setting.seeds):
        other = random_expression(rng)
        points = {name: rng.normal(size=POINTS) for name in _VARIABLES if name in names(other)}
        built = graph_of(other)
        ours = gradient_of(built, points)
        random.append(largest_error(ours, automatic_gradient(other, points)))
        steps.append([largest_error(ours, difference_gradient(other, points, step)) for step in STEPS])
        costs.append(operations(built))
    ours = gradient_of(graph, at)
    return {
        "text": unparse(node),
        "graph": graph,
        "at": passes(graph, at),
        "gradient": {name: float(ours[name][0]) for name in values if name in ours},
        "typed": setting.expression is not None,
        "error": largest_error(ours, automatic_gradient(node, at)),
        "neuron": (graph_of(neuron), passes(graph_of(neuron), {name: np.array([value]) for name, value in neuron_values.items()})),
        "random": np.array(random),
        "steps": np.array(steps),
        "costs": np.array(costs),
    }  # fmt: skip


def reported(records: Records) -> tuple[Reported, ...]:
    """Each derivative of the notes' expression, or of what was typed."""
    notes = {} if records["typed"] else {"w": "x = 5", "x": "w = −2", "b": "1"}
    what = Text("∂f/∂{name} of f = {text}", "f = {text}의 ∂f/∂{name}")
    return tuple(
        Reported(what.filled(name=name, text=records["text"]), notes.get(name, "–"), number(value + 0.0))
        for name, value in records["gradient"].items()
    )


def _chain(records: Records) -> Verdict:
    said = Text("largest difference between the gradients", "두 기울기 차이의 최댓값")
    parts = {
        "f": at_most(records["error"], 1e-9, said, len(records["gradient"])),
        "random": at_most(float(records["random"].max()), 1e-9, said, len(records["random"])),
    }
    labels = {"f": Text("the drawn expression", "그림의 식"), "random": Text("random expressions", "무작위로 만든 식")}
    return everywhere(parts, Text("the expression", "식"), labels)


def _differences(records: Records) -> Verdict:
    said = Text("log₁₀ of the largest difference between the gradients", "두 기울기 차이 최댓값의 log₁₀")
    error = np.log10(np.maximum(records["steps"], 1e-17))
    parts = {f"h = {number(step)}": median(error[:, i], said, below=-6.0) for i, step in enumerate(STEPS)}
    return everywhere(parts, Text("the step h", "간격 h"))


def _cheap(records: Records) -> Verdict:
    said = Text("operations backward over operations forward", "역전파 연산 수 ÷ 순전파 연산 수")
    forward, backward = records["costs"].T
    return median(backward / forward, said, below=5.0)


def _drawn(records: Records, lang: Lang) -> Picture:
    figure = computation(records["graph"], records["at"], "f", lang)
    caption = (
        Text(
            "f = {text}. Above each edge the value that goes forward, below it the gradient of f that comes back.",
            "f = {text}. 선 위의 파란 수는 앞으로 가는 값, 아래의 빨간 수는 되돌아오는 f의 기울기이다.",
        )
        .filled(text=records["text"])
        .to(lang)
    )
    return Picture(figure, caption, caption)


def _neuron(records: Records, lang: Lang) -> Picture:
    graph, found = records["neuron"]
    figure = computation(graph, found, "L", lang)
    caption = Text(
        "A sigmoid unit with its squared error, L = (σ(wx + b) − y)²: this is all of backpropagation for one unit.",
        "시그모이드 유닛 하나와 제곱오차 L = (σ(wx + b) − y)². 유닛 하나의 역전파는 이것이 전부이다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _by_step(records: Records, lang: Lang) -> Picture:
    with drawing():
        figure = new_figure(3.0, 5.5)
        axes = figure.subplots()
        grid_lines(axes)
        low, middle, high = quantiles(np.maximum(records["steps"], 1e-16), (0.25, 0.5, 0.75))
        axes.fill_between(STEPS, low, high, color=SERIES[0], alpha=0.25, linewidth=0)
        axes.plot(STEPS, middle, color=SERIES[0], marker="o", markersize=4)
        axes.axhline(1e-6, color="0.45", linestyle=(0, (4, 2)), linewidth=1)
        axes.set(xscale="log", yscale="log")
        for axis in (axes.xaxis, axes.yaxis):
            power_ticks(axis)
        axes.set_xlabel(Text("step h of the finite difference", "유한 차분의 간격 h").to(lang))
        axes.set_ylabel(Text("difference to the chain rule", "연쇄 법칙과의 차이").to(lang))
    caption = Text(
        "Central differences against the chain rule for random expressions (median and quartiles). Large steps bend, tiny ones drown in rounding.",
        "무작위로 만든 식에서 중앙 차분과 연쇄 법칙의 차이(중앙값과 사분위 구간). 간격이 크면 곡선의 휘어짐이, 너무 작으면 반올림 오차가 드러난다.",
    ).to(lang)
    return Picture(figure, caption, caption)


COMPUTATION_GRAPH = Phenomenon(
    name="computation-graph",
    aliases=("p19",),
    summary="how do gradients flow back through an expression?",
    number=19,
    title=Text("A computation graph", "계산 그래프"),
    question=Text(
        "How does the chain rule carry gradients back through any expression, and what does it cost?",
        "연쇄 법칙은 식을 거슬러 기울기를 어떻게 전달하고, 비용은 얼마나 들까?",
    ),
    explanation=prose(
        """
        An expression is a graph: variables and numbers on the left, operations, and the result on the right. Forwards each
        node computes its value from its operands. Backwards the result starts with the gradient 1, for ∂f/∂f = 1, and each
        node hands every operand its own gradient times its local derivative. A sum hands on what it gets.
        A product hands each factor the gradient times the other factor: for w·x + b with w = −2 and x = 5, w gets 5 and x gets −2.
        Where a variable goes into several operations, what comes back along the edges is added up.

        That is the chain rule, and nothing else is needed: on random expressions the gradients agree with automatic
        differentiation up to rounding. A node knows only its operands, never the whole expression, and this is why
        any network can be differentiated. One pass back costs a few operations for each one forward, however many
        variables there are; finite differences need two evaluations for each of them.

        Finite differences confirm the gradients for a suitable step: near 10⁻⁵ they agree to more than six digits. With
        a large step the curve bends within it, and with a tiny one two nearly equal numbers are subtracted, so that only rounding is left.

        Try your own: trainability lab computation-graph --expression 'w*x + b; w=-2, x=5, b=3'.
        """,
        """
        식은 그래프로 그릴 수 있다. 왼쪽에 변수와 수, 가운데에 연산, 오른쪽 끝에 결과가 온다. 순전파에서는 노드마다 들어온
        값으로 자기 값을 계산한다. 역전파는 결과에서 ∂f/∂f = 1로 시작한다. 각 노드는 자기에게 온 기울기에 국소 미분을 곱해
        입력 쪽으로 넘겨준다. 덧셈은 받은 기울기를 그대로 넘긴다. 곱셈은 상대편 값을 곱해 넘긴다. w·x + b에서 w = −2,
        x = 5이면 w는 5를, x는 −2를 받는다. 한 변수가 여러 연산에 쓰이면 되돌아온 기울기를 모두 더한다.

        이것이 연쇄 법칙이고, 이것으로 충분하다. 무작위로 만든 식에서도 자동 미분과 반올림 오차 안에서 일치한다. 노드는
        자기 입력만 알면 되고 전체 식을 알 필요가 없다. 그래서 어떤 신경망이든 미분할 수 있다. 역전파 한 번에 드는 연산은
        변수가 아무리 많아도 순전파의 몇 배뿐이다. 유한 차분은 변수마다 식을 두 번씩 계산해야 한다.

        간격을 알맞게 잡으면 유한 차분으로도 같은 값을 확인할 수 있다. 10⁻⁵ 근처에서는 여섯 자리 넘게 맞는다. 간격이
        크면 그 안에서 곡선이 휘고, 너무 작으면 거의 같은 두 수를 빼게 되어 반올림 오차만 남는다.

        직접 식을 넣어 보자: trainability lab computation-graph --expression 'w*x + b; w=-2, x=5, b=3'.
        """,
    ),
    seeds=(64, 256),
    seconds=(3.0, 5.0),
    expression=NOTES,
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="chain-rule-is-enough",
            text=Text("The chain rule, node by node, gives the gradient of automatic differentiation.", "노드마다 연쇄 법칙을 쓰면 자동 미분과 같은 기울기를 얻는다."),
            rule=Text(
                "Against jax.grad in float64; largest difference, relative where a gradient is above 1, at most 1e-9.",
                "float64의 jax.grad와 비교. 차이의 최댓값(1보다 큰 기울기는 상대 차이)이 1e-9 이하.",
            ),
            decide=_chain,
        ),
        Claim(
            key="finite-differences-agree",
            text=Text("Finite differences give the same gradient.", "유한 차분도 같은 기울기를 준다."),
            rule=Text(
                "Random expressions, central differences; for a step, median of log₁₀ of the largest difference below −6; sign test.",
                "무작위로 만든 식과 중앙 차분. 간격마다 최대 차이의 log₁₀ 중앙값이 −6보다 작은지 부호검정.",
            ),
            decide=_differences,
        ),
        Claim(
            key="one-pass-back-is-cheap",
            text=Text("The backward pass costs less than five times the forward pass.", "역전파의 연산은 순전파의 다섯 배가 안 된다."),
            rule=Text(
                "Random expressions; median of counted operations backward over those forward, below 5; sign test.",
                "무작위로 만든 식. 역전파와 순전파의 연산 수를 세어 그 비의 중앙값이 5보다 작은지 부호검정.",
            ),
            decide=_cheap,
        ),
    ),
    drawings=(
        Drawing(key="graph", heading=Text("Forwards and backwards", "순전파와 역전파"), draw=_drawn),
        Drawing(key="neuron", heading=Text("One unit and its loss", "유닛 하나와 그 손실"), draw=_neuron),
        Drawing(key="steps", heading=Text("Finite differences", "유한 차분"), draw=_by_step),
    ),
)  # fmt: skip
