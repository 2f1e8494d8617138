"""P12: answers that are all positive make weights zig-zag; saturation; and how much of it a whole network feels."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability.lab.figures.curves import Curve, curves
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.text import Lang, Text, prose, same
from trainability.lab.verdicts import Verdict, everywhere, median
from trainability.lab.zigzag import Ways, learn
from trainability.report.gather import history, quantiles
from trainability.report.style import (
    INK,
    MARKERS,
    SERIES,
    Picture,
    drawing,
    grid_lines,
    legend_above,
    new_figure,
    power_ticks,
)  # fmt: skip

FUNCTIONS: Final = {
    "sigmoid": Text("sigmoid σ", "시그모이드 σ"),
    "expr:sigmoid(x) - 0.5": Text("centred, σ − 1/2", "중심을 맞춘 σ − 1/2"),
    "expr:tanh(x) + 1": same("tanh + 1"),
    "tanh": same("tanh"),
}
"""Two slopes, 1/4 and 1 at 0, each with answers that are all positive and with answers around 0."""
SIGMOID, CENTRED, SHIFTED, TANH = FUNCTIONS
INPUTS: Final = 8
BATCHES: Final = (1, 8, 32)
STEPS: Final = 600
DRAWN_STEPS: Final = 150
PROBLEMS: Final[dict[str, tuple[Text, dict[str, Any]]]] = {
    "xor": (same("XOR"), {"batch": "full"}),
    "xor_cloud": (Text("XOR in clouds", "구름 모양 XOR"), {"batch": 16}),
    "moons": (Text("two moons", "초승달 두 개"), {"batch": 16}),
}
NETWORK: Final[dict[str, Any]] = {"depth": 2, "width": 8, "optimizer": "sgd", "lr": 1.0, "loss": "bce", "steps": 5_000}
LARGE: Final[dict[str, Any]] = {"init": "normal:3", "steps": 1_000}


def run(setting: Setting) -> Records:
    """Single units with 8 inputs by batch, single units with 2 for the picture, and whole networks."""
    return {
        "units": {
            (name, batch): learn(name, INPUTS, batch, STEPS, setting.seeds, setting.seed)
            for name in FUNCTIONS
            for batch in BATCHES
        },
        "drawn": {name: learn(name, 2, 1, DRAWN_STEPS, 16, setting.seed, share=0.8) for name in FUNCTIONS},
        "networks": {
            (problem, name): setting.compare(problem, **NETWORK, **more, activation=name)
            for problem, (_, more) in PROBLEMS.items()
            for name in FUNCTIONS
        },
        "large": {
            name: setting.compare("moons", **{**NETWORK, **LARGE}, batch=16, activation=name)
            for name in (SIGMOID, TANH)
        },
    }


def reported(records: Records) -> tuple[Reported, ...]:
    """What the first unit does; the notes give no figures of it."""
    said = Text(
        "steps with gradients of one sign; path over distance: {name}",
        "모든 기울기의 부호가 같은 스텝의 비율; 경로 ÷ 거리: {name}",
    )
    first = {name: records["units"][name, 1] for name in (SIGMOID, TANH, CENTRED)}
    return tuple(
        Reported(said.filled(name=FUNCTIONS[name]), "–", f"{100 * _alike(ways)[0]:.0f} %; {ways.detour[0]:.1f}")
        for name, ways in first.items()
    )


def _alike(ways: Ways) -> np.ndarray:
    """Share of steps in which all weights of the unit had gradients of one sign, shape (units,)."""
    return ways.alike.mean(axis=1)


_BATCH: Final = {str(batch): Text("batch of {n}", "배치 크기 {n}").filled(n=batch) for batch in BATCHES}


def _one_sign(records: Records) -> Verdict:
    said = Text("share of steps in which all gradients share a sign", "모든 기울기의 부호가 같은 스텝의 비율")
    parts = {str(batch): median(_alike(records["units"][SIGMOID, batch]), said, above=0.95) for batch in BATCHES}
    return everywhere(parts, Text("the batch", "배치 크기"), _BATCH)


def _longer(records: Records, a: str, b: str, batch: int, threshold: float) -> Verdict:
    said = Text("log₂ of path over distance, {a} against {b}", "경로 ÷ 거리의 log₂ 차, {a} − {b}")
    ways = records["units"]
    change = np.log2(ways[a, batch].detour / ways[b, batch].detour)
    return median(change, said.filled(a=FUNCTIONS[a], b=FUNCTIONS[b]), above=threshold)


def _sigmoid_zigzags(records: Records) -> Verdict:
    parts = {str(batch): _longer(records, SIGMOID, TANH, batch, 0.0) for batch in BATCHES}
    return everywhere(parts, Text("the batch", "배치 크기"), _BATCH)


TENTH: Final = float(np.log2(1.1))
_SLOPES: Final = {"small": Text("slope 1/4", "기울기 1/4"), "large": Text("slope 1", "기울기 1")}
_CENTRES: Final = {"positive": Text("all positive", "모두 양수"), "centred": Text("around 0", "0이 중심")}


def _centring_shortens(records: Records) -> Verdict:
    parts = {
        "small": _longer(records, SIGMOID, CENTRED, 1, TENTH), "large": _longer(records, SHIFTED, TANH, 1, TENTH),
    }  # fmt: skip
    return everywhere(parts, Text("the slope", "기울기"), _SLOPES)


def _slope_shortens(records: Records) -> Verdict:
    parts = {
        "positive": _longer(records, SIGMOID, SHIFTED, 1, TENTH), "centred": _longer(records, CENTRED, TANH, 1, TENTH),
    }  # fmt: skip
    return everywhere(parts, Text("where the answers lie", "출력의 위치"), _CENTRES)


def _first_step(records: Records, problem: str, name: str) -> np.ndarray:
    """First step at which the target held, infinite where it never did; shape (trials,)."""
    steps = records["networks"][problem, name].trials["first_step"].cast(float).fill_null(np.inf)
    return np.maximum(steps.to_numpy(), 1.0)


def _sooner(records: Records, slow: str, fast: str, problem: str) -> Verdict:
    said = Text("log₂ of the steps to the target, {a} over {b}", "목표까지 걸린 스텝의 log₂ 비, {a} ÷ {b}")
    with np.errstate(invalid="ignore"):  # neither ever learned: no pair
        change = np.log2(_first_step(records, problem, slow)) - np.log2(_first_step(records, problem, fast))
    return median(change, said.filled(a=FUNCTIONS[slow], b=FUNCTIONS[fast]), above=0.0)


def _pairs(records: Records, pairs: dict[str, tuple[str, str]], names: dict[str, Text], on: Text) -> Verdict:
    parts, labels = {}, {}
    for problem, (title, _) in PROBLEMS.items():
        for key, (slow, fast) in pairs.items():
            parts[f"{problem}-{key}"] = _sooner(records, slow, fast, problem)
            labels[f"{problem}-{key}"] = Text("{a}, {b}", "{a}, {b}").filled(a=title, b=names[key])
    return everywhere(parts, on, labels)


def _centring_speeds(records: Records) -> Verdict:
    pairs = {"small": (SIGMOID, CENTRED), "large": (SHIFTED, TANH)}
    return _pairs(records, pairs, _SLOPES, Text("the problem and the slope", "문제와 기울기"))


def _slope_speeds(records: Records) -> Verdict:
    pairs = {"positive": (SIGMOID, SHIFTED), "centred": (CENTRED, TANH)}
    return _pairs(records, pairs, _CENTRES, Text("the problem and where the answers lie", "문제와 출력의 위치"))


def _sigmoid_saturates(records: Records) -> Verdict:
    said = Text(
        "share of saturated hidden units at the start, sigmoid minus tanh",
        "시작할 때 포화된 은닉 유닛의 비율, 시그모이드 − tanh",
    )
    shares = {}
    for name, result in records["large"].items():
        _, values = history(result.trials, "saturated")
        shares[name] = values[:, 0, :-1].mean(axis=1)
    return median(shares[SIGMOID] - shares[TANH], said, above=0.0)


def _paths(records: Records, lang: Lang) -> Picture:
    drawn = records["drawn"]
    # Where the wanted weights differ in sign, steps of one sign can only zig-zag there.
    apart = drawn[SIGMOID].wanted.prod(axis=1)
    unit = int(apart.argmin())
    with drawing():
        figure = new_figure(3.0)
        grid = figure.subplots(1, 4, sharex=True, sharey=True)
        for axes, (name, title) in zip(grid, FUNCTIONS.items(), strict=True):
            grid_lines(axes)
            path, goal = drawn[name].path[unit], drawn[name].wanted[unit]
            axes.plot(*path.T, color=SERIES[0], linewidth=0.9, marker="o", markersize=1.6)
            axes.plot(*path[0], "o", color=INK, markersize=5)
            axes.plot(*goal, "*", color=SERIES[1], markersize=11)
            axes.set_title(f"{title.to(lang)} ({drawn[name].detour[unit]:.1f})", loc="left")
            axes.set_xlabel("w₁")
            axes.set_aspect("equal")
        grid[0].set_ylabel("w₂", rotation=0)
    caption = Text(
        "The way of two weights from 0 (dot) to the wanted ones (star), one sample a step; in brackets its length over "
        "its distance. Positive answers only allow steps up and to the right, or down and to the left.",
        "가중치 두 개가 0(점)에서 목표(별)까지 지나간 경로. 스텝마다 표본 하나를 썼고, 괄호 안은 길이를 직선거리로 나눈 값이다. 출력이 모두 "
        "양수이면 오른쪽 위나 왼쪽 아래로만 움직일 수 있다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _by_batch(records: Records, lang: Lang) -> Picture:
    from matplotlib.lines import Line2D

    titles = (
        Text("steps with gradients of one sign, %", "모든 기울기의 부호가 같은 스텝, %"),
        Text("path over distance", "경로 ÷ 거리"),
    )
    with drawing():
        figure = new_figure(3.2)
        grid = figure.subplots(1, 2)
        for panel, (axes, title) in enumerate(zip(grid, titles, strict=True)):
            grid_lines(axes)
            for i, name in enumerate(FUNCTIONS):
                for place, batch in enumerate(BATCHES):
                    ways = records["units"][name, batch]
                    values = ways.detour if panel else 100 * _alike(ways)
                    low, middle, high = quantiles(values, (0.25, 0.5, 0.75))
                    x = place + 0.13 * (i - 1.5)
                    axes.plot([x, x], [low, high], color=SERIES[i], linewidth=2.2, alpha=0.55)
                    axes.plot(x, middle, MARKERS[i], color=SERIES[i], markersize=5)
            axes.set_xticks(range(len(BATCHES)), [_BATCH[str(batch)].to(lang) for batch in BATCHES])
            axes.set_title(title.to(lang), loc="left")
        grid[1].set_yscale("log", base=2)
        power_ticks(grid[1].yaxis)
        handles = [Line2D([], [], color=SERIES[i], marker=MARKERS[i], markersize=5) for i in range(len(FUNCTIONS))]
        legend_above(figure, handles, [title.to(lang) for title in FUNCTIONS.values()])
    caption = Text(
        "Single units with eight inputs: the median over units with quartiles. The centre counts far more than the slope.",
        "입력이 8개인 유닛. 유닛들의 중앙값과 사분위 구간. 기울기보다 출력의 중심이 훨씬 중요하다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _networks(records: Records, lang: Lang) -> Picture:
    panels = {
        title.to(lang): [
            Curve(label.to(lang), *history(records["networks"][problem, name].trials, "history_train_loss"))
            for name, label in FUNCTIONS.items()
        ]
        for problem, (title, _) in PROBLEMS.items()
    }
    axes = Text("step", "스텝").to(lang), Text("cross-entropy", "교차 엔트로피").to(lang)
    figure = curves(panels, *axes, lang, floor=1e-4)
    caption = Text(
        "Whole networks of two hidden layers: the larger slope shows far more than the centre. "
        "10⁻⁴ stands for that and less.",
        "은닉층이 두 개인 신경망. 10⁻⁴은 그 이하를 뜻한다. 출력의 중심보다 기울기의 크기가 훨씬 뚜렷하게 나타난다.",
    ).to(lang)
    return Picture(figure, caption, caption)


ZERO_CENTRED = Phenomenon(
    name="zero-centred",
    aliases=("p12",),
    summary="do answers that are all positive make weights zig-zag?",
    number=12,
    title=Text("Saturation and zero-centred answers", "포화와 0을 중심으로 하는 출력"),
    question=Text(
        "A sigmoid answers positive numbers only, so the gradients of a unit's weights share a sign. Does the path zig-zag, "
        "and does that make tanh the better choice?",
        "시그모이드의 출력은 모두 양수여서 한 유닛의 가중치 기울기는 부호가 같다. 그래서 경로가 지그재그가 될까? tanh가 나은 것도 그 때문일까?",
    ),
    explanation=prose(
        """
        The gradient of a unit's weight is the unit's error times the input. If all inputs are positive, as a sigmoid's
        answers are, all weights of the unit must go up together or down together. To raise one and lower another they
        take turns: a zig-zag. With one sample a step this is exact. In a batch the errors of different samples differ
        in sign, so the gradients may too, and the larger the batch, the rarer it is that all agree.

        The way is several times as long as the distance for the sigmoid and much shorter for tanh. What is it about
        tanh: its centre or its slope, four times as large? Shifting each function tells them apart. Since
        tanh(x) = 2σ(2x) − 1, they differ in nothing else. σ − 1/2 goes about as straight as tanh, and tanh + 1 zig-zags
        like the sigmoid, a fifth less at most: it is the centre. Batches shorten the way for all, but the difference stays.

        In a whole network the zig-zag is not what decides. There the large slope helps most: gradients pass through
        layers, and each passes four times as much. Centring helps on some problems, does nothing or even harm on
        others; a bias can take up the constant part. Nor does the sigmoid saturate more: from the same large weights tanh does,
        being steeper. So the usual advice to prefer tanh is right, and the usual reasons are only half of it.
        """,
        """
        유닛의 가중치 기울기는 유닛의 오차에 입력을 곱한 것이다. 시그모이드의 출력처럼 입력이 모두 양수이면 그 유닛의 가중치는
        다 함께 커지거나 다 함께 작아져야 한다. 하나는 키우고 하나는 줄이려면 번갈아 움직이는 수밖에 없다. 이것이 지그재그이다.
        스텝마다 표본을 하나만 쓰면 예외가 없다. 배치를 쓰면 표본마다 오차의 부호가 달라서 기울기의 부호도 갈릴 수
        있고, 배치가 클수록 모두 같은 일은 드물어진다.

        시그모이드의 경로는 직선거리의 몇 배나 되고 tanh의 경로는 그보다 훨씬 짧다. tanh의 어떤 점 때문일까? 출력의 중심이
        0이어서일까, 기울기가 네 배여서일까? tanh(x) = 2σ(2x) − 1이므로 두 함수의 차이는 이것뿐이고, 함수를 위아래로 옮겨
        보면 둘을 가려낼 수 있다. σ − 1/2은 tanh만큼 곧게 가고 tanh + 1은 시그모이드와 비슷하게 지그재그로 간다. 원인은
        중심이다. 배치를 쓰면 모두 짧아지지만 차이는 남는다.

        그런데 신경망 전체의 학습을 좌우하는 것은 지그재그가 아니다. 여기서는 큰 기울기가 가장 도움이 된다. 기울기가 층을 지날 때마다 네
        배씩 더 전해지기 때문이다. 중심을 맞추는 것은 어떤 문제에서는 돕고 어떤 문제에서는 아무 효과가 없거나 오히려
        해롭다. 상수 부분은 편향이 떠맡을 수 있기 때문이다. 시그모이드가 더 쉽게 포화되는 것도 아니다. 같은 큰 가중치에서 시작하면
        더 가파른 tanh가 더 많이 포화된다. 시그모이드보다 tanh를 쓰라는 흔한 조언은 옳지만, 흔히 드는 이유는
        절반만 맞다.
        """,
    ),
    seeds=(48, 256),
    seconds=(3.5, 10.0),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="one-sign",
            text=Text("All weight gradients of a unit share a sign if its inputs are sigmoid answers.", "입력이 시그모이드의 출력이면 한 유닛의 가중치 기울기는 모두 부호가 같다."),
            rule=Text(
                "Share of steps in which all eight agree; sign test of the median over units, above 0.95.",
                "기울기 여덟 개의 부호가 모두 같은 스텝의 비율. 유닛의 중앙값이 0.95보다 큰지 부호검정.",
            ),
            decide=_one_sign,
        ),
        Claim(
            key="sigmoid-zigzags",
            text=Text("The path is longer over its distance with sigmoid inputs than with tanh inputs.", "입력이 시그모이드의 출력이면 tanh의 출력일 때보다 직선거리에 비해 더 먼 길을 돌아간다."),
            rule=Text(
                "The same data and wanted weights; sign test of the median of the log ratio, above 0.",
                "같은 데이터와 같은 목표 가중치로 비교한다. 로그 비의 중앙값이 0보다 큰지 부호검정.",
            ),
            decide=_sigmoid_zigzags,
        ),
        Claim(
            key="centring-shortens",
            text=Text("Centring by itself shortens the path by more than a tenth.", "중심만 0으로 옮겨도 경로가 10 % 넘게 짧아진다."),
            rule=Text(
                "Batch of 1, the slope kept; sign test of the median of the log₂ ratio, above log₂ 1.1.",
                "배치 크기 1, 기울기는 그대로. log₂ 비의 중앙값이 log₂ 1.1보다 큰지 부호검정.",
            ),
            decide=_centring_shortens,
        ),
        Claim(
            key="slope-shortens",
            text=Text("A larger slope by itself shortens the path by more than a tenth.", "기울기만 키워도 경로가 10 % 넘게 짧아진다."),
            rule=Text(
                "Batch of 1, the centre kept; sign test of the median of the log₂ ratio, above log₂ 1.1.",
                "배치 크기 1, 중심은 그대로. log₂ 비의 중앙값이 log₂ 1.1보다 큰지 부호검정.",
            ),
            decide=_slope_shortens,
        ),
        Claim(
            key="centring-speeds-learning",
            text=Text("Centring by itself lets whole networks learn sooner.", "중심만 0으로 옮겨도 신경망 전체가 더 빨리 학습한다."),
            rule=Text(
                "Steps to the target over the same seeds; sign test of the median of the log₂ ratio, above 0.",
                "같은 시드끼리 목표까지 걸린 스텝을 비교한다. log₂ 비의 중앙값이 0보다 큰지 부호검정.",
            ),
            decide=_centring_speeds,
        ),
        Claim(
            key="slope-speeds-learning",
            text=Text("At the same learning rate a larger slope by itself lets whole networks learn sooner.", "학습률이 같을 때 기울기만 키워도 신경망 전체가 더 빨리 학습한다."),
            rule=Text(
                "Steps to the target over the same seeds; sign test of the median of the log₂ ratio, above 0.",
                "같은 시드끼리 목표까지 걸린 스텝을 비교한다. log₂ 비의 중앙값이 0보다 큰지 부호검정.",
            ),
            decide=_slope_speeds,
        ),
        Claim(
            key="sigmoid-saturates",
            text=Text("With large first weights more sigmoid units are saturated than tanh units.", "처음 가중치가 크면 tanh보다 시그모이드 유닛이 더 많이 포화된다."),
            rule=Text(
                "Weights from N(0, 3²). A unit is saturated if its mean slope is under 5 % of the largest; sign test of the median difference, above 0.",
                "가중치는 N(0, 3²)에서 뽑는다. 평균 기울기가 최댓값의 5 %보다 작으면 포화로 본다. 차의 중앙값이 0보다 큰지 부호검정.",
            ),
            decide=_sigmoid_saturates,
        ),
    ),
    drawings=(
        Drawing(key="paths", heading=Text("The way of two weights", "가중치 두 개가 지나간 경로"), draw=_paths),
        Drawing(key="batches", heading=Text("Signs and paths by batch", "배치 크기에 따른 부호와 경로"), draw=_by_batch),
        Drawing(key="networks", heading=Text("Whole networks", "신경망 전체의 학습"), draw=_networks),
    ),
)  # fmt: skip
