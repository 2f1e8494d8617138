"""P14: six ReLU units side by side against three layers of two, on a noisy x²."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability import problems
from trainability.core.types import Dataset
from trainability.lab.figures.shares import shares
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.square_by_hand import (
    answer,
    count,
    layers_weights,
    least_error,
    sawtooth_network,
    side_by_side_weights,
)
from trainability.lab.text import Lang, Text, prose, same
from trainability.lab.trained import train
from trainability.lab.verdicts import Verdict, at_most, everywhere, median, share
from trainability.report.gather import quantiles
from trainability.report.style import INK, SERIES, Picture, drawing, grid_lines, legend_above, new_figure, power_ticks
from trainability.report.words import number

SAMPLES: Final = 2001
NOISE: Final = 10.0
X: Final = np.linspace(-10, 10, SAMPLES)
SQUARE: Final = X**2
NOTES: Final[dict[str, Any]] = {
    "activation": "relu", "output": "identity", "loss": "mse", "optimizer": "adam", "lr": 0.005, "batch": 32,
    "epochs": 100,
}  # fmt: skip
WIDE, DEEP = "6", "2-2-2"
SHAPES: Final = {
    WIDE: Text("six units side by side", "유닛 6개를 나란히"),
    DEEP: Text("three layers of two", "유닛 2개씩 세 층"),
}
CHANGES: Final[dict[str, tuple[Text, dict[str, Any]]]] = {
    "notes": (Text("as in the notes", "노트 그대로"), {}),
    "init": (Text("He's initialiser", "He 초기화"), {"init": "he_uniform"}),
    "rate": (Text("learning rate 0.001", "학습률 0.001"), {"lr": 0.001}),
    "epochs": (Text("four times the epochs", "에폭 4배"), {"epochs": 400}),
    "leaky": (Text("leaky ReLU (0.01)", "Leaky ReLU (0.01)"), {"activation": "leaky_relu:0.01"}),
    "elu": (Text("ELU", "ELU"), {"activation": "elu"}),
    "tanh": (Text("tanh", "tanh"), {"activation": "tanh"}),
    "residual": (Text("residual connections", "잔차 연결"), {"residual": True}),
    "width": (Text("four units a layer", "층마다 유닛 4개"), {"hidden": "4-4-4"}),
}  # fmt: skip
UNTRAINED: Final = {"epochs": 1, "lr": 1e-12}
SIZES: Final = ((6, 2), (17, 4), (34, 6), (56, 8), (83, 10))
"""(units side by side, width of each of three layers) of equal numbers of weights, to within one in fifty."""
TEETH: Final = range(1, 9)


def run(setting: Setting) -> Records:
    """The two shapes of the notes, the deep one with one thing changed at a time, and both in several sizes."""
    noisy, clean = (
        problems.load("square", seed=setting.seed, samples=SAMPLES, noise=noise, validation=0.0)
        for noise in (NOISE, 0.0)
    )
    cells: dict[str, tuple[Dataset, dict[str, Any]]] = {
        "wide": (noisy, {**NOTES, "hidden": WIDE}),
        "start": (noisy, {**NOTES, "hidden": DEEP, **UNTRAINED}),
    }
    for key, (_, change) in CHANGES.items():
        cells[f"deep {key}"] = (noisy, {**NOTES, "hidden": DEEP, **change})
    for units, width in SIZES:
        for hidden in (str(units), _three(width)):
            cells[f"size {hidden}"] = (clean, {**NOTES, "hidden": hidden})
    answers = {name: made.answers[..., 0] for name, made in train(setting, X[:, None], cells).items()}
    return {
        "y": noisy.y_train[:, 0],
        "answers": {WIDE: answers["wide"], DEEP: answers["deep notes"]},
        "dead_at_start": np.ptp(answers["start"], axis=1) == 0,
        "constant": {key: constant(answers[f"deep {key}"]) for key in CHANGES},
        "sizes": {name[5:]: error(found) for name, found in answers.items() if name.startswith("size ")},
    }


def _three(width: int) -> str:
    return f"{width}-{width}-{width}"


def error(answers: np.ndarray) -> np.ndarray:
    """Root mean square distance from x² without its noise, shape (trials,), of answers (trials, points)."""
    return np.sqrt(np.mean((answers - SQUARE) ** 2, axis=1))


def constant(answers: np.ndarray) -> np.ndarray:
    """Whether a network says nearly the same to every x: a range below 1, where x² has 100."""
    return np.ptp(answers, axis=1) < 1.0


def sharpest_bend(answers: np.ndarray, x: np.ndarray = X) -> np.ndarray:
    """The largest change of slope at one place, shape (trials,), of answers (trials, points) at even steps of x.

    A kink between two points shares its change between both, so slopes two steps apart are compared.
    """
    slopes = np.diff(answers, axis=1) / (x[1] - x[0])
    return np.abs(slopes[:, 2:] - slopes[:, :-2]).max(axis=1)


def reported(records: Records) -> tuple[Reported, ...]:
    """The notes show figures; ours are of the first seed."""
    off = Text(
        "{shape}: root mean square distance from x² (a figure in the notes)",
        "{shape}: x²과의 RMS 거리 (노트에는 그림만 있다)",
    )
    bend = Text(
        "{shape}: sharpest bend (change of slope; in the notes: parallel looks smoother)",
        "{shape}: 가장 크게 꺾인 곳의 기울기 변화 (노트에는 “병렬이 더 부드러워 보인다”)",
    )
    rows = []
    for what, measure in ((off, error), (bend, sharpest_bend)):
        for shape, label in SHAPES.items():
            ours = float(measure(records["answers"][shape][:1])[0])
            rows.append(Reported(what.filled(shape=label), "–", number(ours)))
    return tuple(rows)


def _log_ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.log10(a / b)


def _same_fit(records: Records) -> Verdict:
    said = Text("log₁₀ of the layers' error over the parallel one's", "세 층의 오차 ÷ 나란한 신경망의 오차, log₁₀")
    wide, deep = (error(records["answers"][shape]) for shape in (WIDE, DEEP))
    return median(_log_ratio(deep, wide), said, below=float(np.log10(1.25)))


def _smoother(records: Records) -> Verdict:
    said = Text(
        "sharpest bend of three layers minus that of six units", "가장 크게 꺾인 정도의 차이 (세 층 − 나란한 6개)"
    )
    wide, deep = (sharpest_bend(records["answers"][shape]) for shape in (WIDE, DEEP))
    alive = ~constant(records["answers"][DEEP])
    parts = {
        "all": median(deep - wide, said, above=0.0),
        "alive": median((deep - wide)[alive], said, above=0.0),
    }
    labels = {
        "all": Text("all networks", "모든 신경망"),
        "alive": Text("without networks that answer one constant", "상수 하나만 내놓는 신경망을 빼면"),
    }
    return everywhere(
        parts, Text("whether networks that answer one constant count", "상수만 내놓는 신경망을 넣는지"), labels
    )


def _collapses(records: Records) -> Verdict:
    said = Text("share of seeds that answer one constant", "상수 하나만 내놓는 시드의 비율")
    parts = {key: share(found, said, above=0.05) for key, found in records["constant"].items()}
    return everywhere(
        parts, Text("what else is changed", "함께 바꾼 조건"), {key: label for key, (label, _) in CHANGES.items()}
    )


def _wide_wins(records: Records) -> Verdict:
    said = Text("log₁₀ of the parallel error over that of three layers", "나란한 신경망의 오차 ÷ 세 층의 오차, log₁₀")
    parts, labels = {}, {}
    for units, width in SIZES:
        wide, deep = records["sizes"][str(units)], records["sizes"][_three(width)]
        key = str(layers_weights(width))
        parts[key] = median(_log_ratio(wide, deep), said, below=0.0)
        labels[key] = Text("{n} weights", "가중치 {n}개").filled(n=key)
    return everywhere(parts, Text("the number of weights", "가중치의 수"), labels)


def _quarter(records: Records) -> Verdict:
    said = Text("slope of log error against log units", "로그 유닛 수에 대한 로그 오차의 기울기")
    units = np.log([units for units, _ in SIZES])
    errors = np.log(np.stack([records["sizes"][str(n)] for n, _ in SIZES]))
    centred = units - units.mean()
    return median(centred @ errors / (centred @ centred), said, below=-1.75)


def _sawtooth_error(teeth: int) -> tuple[int, float]:
    layers = sawtooth_network(teeth)
    return count(layers), float(error(answer(layers, X)[None])[0])


def _depth_in_principle(records: Records) -> Verdict:
    said = Text(
        "error of layers set by hand over the least error side by side",
        "손으로 정한 층의 오차 ÷ 나란한 신경망이 낼 수 있는 가장 작은 오차",
    )
    parts, labels = {}, {}
    for teeth in TEETH:
        weights, off = _sawtooth_error(teeth)
        parts[str(weights)] = at_most(off / least_error((weights - 1) // 3), 1.0, said)
        labels[str(weights)] = Text("{n} weights", "가중치 {n}개").filled(n=weights)
    return everywhere(parts, Text("the number of weights", "가중치의 수"), labels)


def _draw_answers(records: Records, lang: Lang) -> Picture:
    from matplotlib.lines import Line2D

    with drawing():
        figure = new_figure(3.8)
        grid = figure.subplots(1, 2, sharey=True)
        for i, (axes, (shape, label)) in enumerate(zip(grid, SHAPES.items(), strict=True)):
            answers = records["answers"][shape]
            axes.plot(X, records["y"], ".", color=SERIES[4], markersize=1.5, alpha=0.5, rasterized=True)
            for one in answers[:32]:
                axes.plot(X, one, color=SERIES[i], linewidth=0.8, alpha=0.45, rasterized=True)
            axes.plot(X, SQUARE, color=INK, linewidth=1.2, linestyle=(0, (4, 2)))
            axes.plot(X, answers[0], color=SERIES[3], linewidth=1.8)
            axes.set_title(label.to(lang), loc="left")
            axes.set_xlabel("x")
            grid_lines(axes)
        handles = [
            Line2D([], [], color=SERIES[4], marker=".", linewidth=0), Line2D([], [], color=INK, linestyle=(0, (4, 2))),
            Line2D([], [], color=SERIES[0]), Line2D([], [], color=SERIES[1]), Line2D([], [], color=SERIES[3]),
        ]  # fmt: skip
        names = (
            Text("data", "데이터"), same("x²"), Text("32 seeds, side by side", "나란히, 시드 32개"),
            Text("32 seeds, three layers", "세 층, 시드 32개"), Text("first seed, as the notes", "첫 시드 (노트처럼 한 번)"),
        )  # fmt: skip
        legend_above(figure, handles, [name.to(lang) for name in names])
    caption = Text(
        "What networks of nineteen weights answer after 100 epochs. Horizontal lines are networks that say the same to "
        "every x: many on the right, few if any on the left.",
        "가중치 19개짜리 신경망이 100에폭 뒤에 내놓는 출력. 수평선은 어떤 x에도 같은 값만 내놓는 신경망으로, 오른쪽에는 많고 왼쪽에는 거의 없다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _draw_constant(records: Records, lang: Lang) -> Picture:
    groups = {Text("before training", "훈련 전").to(lang): {"": records["dead_at_start"]}}
    groups |= {CHANGES[key][0].to(lang): {"": found} for key, found in records["constant"].items()}
    figure = shares(groups, Text("seeds that answer one constant, %", "상수 하나만 내놓는 시드, %").to(lang))
    caption = Text(
        "Three layers of two, before training and after it with one thing changed at a time; the lines are 95 % intervals.",
        "유닛 2개씩 세 층, 훈련 전과 훈련 후. 훈련할 때는 한 번에 한 가지만 바꾸었다. 선은 95 % 구간.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _draw_sizes(records: Records, lang: Lang) -> Picture:
    wide = {side_by_side_weights(units): records["sizes"][str(units)] for units, _ in SIZES}
    deep = {layers_weights(width): records["sizes"][_three(width)] for _, width in SIZES}
    names = (Text("trained, side by side", "나란히, 훈련"), Text("trained, three layers", "세 층, 훈련"))
    with drawing():
        figure = new_figure(4.0)
        axes = figure.subplots()
        for i, (name, group) in enumerate(zip(names, (wide, deep), strict=True)):
            low, middle, high = quantiles(np.stack(list(group.values()), axis=1), (0.25, 0.5, 0.75))
            axes.fill_between(list(group), low, high, color=SERIES[i], alpha=0.25, linewidth=0)
            axes.plot(list(group), middle, "os"[i], linestyle="-", color=SERIES[i], markersize=4, label=name.to(lang))
        units = np.arange(5, 84)
        axes.plot(
            3 * units + 1, [least_error(int(n)) for n in units], color=SERIES[0], linestyle=(0, (4, 2)), linewidth=1.2,
            label=Text("least possible, side by side", "나란히, 낼 수 있는 가장 작은 오차").to(lang),
        )  # fmt: skip
        teeth = [_sawtooth_error(n) for n in TEETH]
        axes.plot(
            *zip(*teeth, strict=True), color=SERIES[2], marker="^", markersize=4, linestyle=(0, (4, 2)), linewidth=1.2,
            label=Text("layers of three, set by hand", "유닛 3개짜리 층, 손으로 정한 가중치").to(lang),
        )  # fmt: skip
        axes.set(xscale="log", yscale="log")
        axes.set_xticks([20, 50, 100, 200], ["20", "50", "100", "200"])
        axes.minorticks_off()
        power_ticks(axes.yaxis)
        axes.set_xlabel(Text("weights and biases", "가중치와 편향의 수").to(lang))
        axes.set_ylabel(Text("distance from x² (RMS)", "x²과의 거리 (RMS)").to(lang))
        grid_lines(axes)
        handles, labels = axes.get_legend_handles_labels()
        legend_above(figure, handles, labels)
    caption = Text(
        "Error against size, without noise: median and middle half of the seeds. Dashed: what weights set by hand reach.",
        "잡음이 없을 때 신경망의 크기에 따른 오차. 실선은 중앙값, 띠는 시드의 가운데 절반. 점선은 가중치를 손으로 정했을 때.",
    ).to(lang)
    return Picture(figure, caption, caption)


RELU_APPROXIMATES_SQUARE = Phenomenon(
    name="relu-approximates-square",
    aliases=("p14",),
    summary="six ReLU units side by side, or three layers of two?",
    number=14,
    title=Text("ReLU units bend into a parabola", "ReLU를 이어 포물선 그리기"),
    question=Text(
        "Six ReLU units side by side and three layers of two have nineteen weights each. Which draws x² better?",
        "ReLU 유닛 6개를 나란히 둔 신경망과 2개씩 세 층을 쌓은 신경망은 가중치가 똑같이 19개다. 어느 쪽이 x²을 더 잘 그릴까?",
    ),
    explanation=prose(
        """
        A ReLU unit bends a straight line once. Six units side by side bend it six times, each where its own weight and
        bias say, and seven straight pieces already look like a parabola. In three layers of two every bend has to pass
        through the next pair. If both units of one pair answer 0 for every x, nothing passes: the output
        is one constant, and since no gradient passes either, it stays so. In about three of ten networks the first
        weights already have it so; after 100 epochs it is six of ten, and four times the epochs revive none.
        Such a curve is perfectly smooth and perfectly wrong; among the networks that live, the parallel ones have the
        gentler bends, as the notes saw.

        Leaky ReLU lets a little through and ends the collapse; wider layers and residual connections make it rare. He's
        initialiser or a smaller rate do not help, and with tanh many fail for another reason:
        they saturate.

        At every size tried, side by side wins with the same number of weights. That is a matter of training, not of
        what layers can express: weights set by hand make a sawtooth that halves its teeth with every layer, and from
        about fifty weights on it is nearer to x² than any parallel network can be. Training finds neither
        best: twice the units halve the error, where the best pieces would quarter it.
        """,
        """
        ReLU 유닛 하나는 직선을 한 번 꺾는다. 유닛 6개를 나란히 두면 저마다 가중치와 편향이 정하는 곳에서 한 번씩,
        모두 여섯 번 꺾인다. 직선 조각 일곱 개만 이어도 포물선처럼 보인다. 2개씩 세 층을 쌓으면 앞에서 꺾은 것이 모두 다음
        층의 유닛 2개를 거쳐야 한다. 한 층의 두 유닛이 모든 x에서 0을 내놓으면 아무것도 전달되지 않아 출력은 상수가 되고,
        기울기도 전해지지 않으므로 계속 그대로 남는다. 이런 신경망은 처음 가중치에서 이미 열에 셋이고, 100에폭 뒤에는
        열에 여섯으로 늘어난다. 에폭을 4배로 늘려도 살아나지 않는다. 상수는 더없이 부드럽지만 더없이 틀린 답이다. 살아 있는
        신경망끼리 견주면 노트에서 본 대로 나란히 둔 신경망이 더 완만하게 꺾인다.

        Leaky ReLU는 음수 쪽도 조금 통과시키므로 이런 일이 없다. 층을 넓히거나 잔차 연결을 쓰면 드물어진다. He 초기화나
        작은 학습률은 도움이 되지 않는다. tanh 신경망은 다른 까닭, 곧 포화 때문에 상수만 내놓는 일이 많다.

        가중치 수가 같으면 어떤 크기에서도 나란히 둔 신경망이 더 잘 맞았다. 그러나 이는 훈련의 문제이지 층을 쌓은 신경망의
        표현력이 모자라서가 아니다. 손으로 가중치를 정하면 층마다 톱니가 두 배로 촘촘해지는 신경망을 만들 수 있고, 가중치가 50개쯤 되면 나란히 둔
        어떤 신경망보다도 x²에 가깝다. 훈련은 어느 쪽에서도 가장 좋은 가중치를 찾지 못한다. 나란히 둔 유닛을 두 배로 늘리면
        오차는 절반이 되는데, 가장 좋은 꺾은선이라면 4분의 1이 되어야 한다.
        """,
    ),
    seeds=(32, 256),
    seconds=(6.0, 42.0),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="same-weights-same-fit",
            text=Text("Nineteen weights are nineteen weights: three layers of two fit as well as six units side by side.", "가중치가 똑같이 19개이므로 2개씩 세 층도 6개를 나란히 둔 것만큼 잘 맞는다."),
            rule=Text(
                "Per seed, the ratio of their errors against x² without noise; holds if the median is below 1.25; sign test.",
                "시드마다 잡음 없는 x²에 대한 두 오차의 비. 중앙값이 1.25보다 작으면 성립 (부호검정).",
            ),
            decide=_same_fit,
        ),
        Claim(
            key="parallel-looks-smoother",
            text=Text("Six units side by side give the smoother curve.", "6개를 나란히 둔 신경망의 곡선이 더 부드럽다."),
            rule=Text(
                "Smooth means a small sharpest bend: the largest change of slope at one place. Per seed, the difference; sign test of the median, above 0.",
                "한 곳에서 꺾이는 기울기 변화의 최댓값이 작을수록 부드럽다고 본다. 시드마다 그 차이의 중앙값이 0보다 큰지 부호검정.",
            ),
            decide=_smoother,
        ),
        Claim(
            key="layers-collapse",
            text=Text("Some of the three-layer networks answer one constant, whatever else is changed.", "세 층짜리 신경망 가운데 일부는 다른 무엇을 바꾸어도 상수 하나만 내놓는다."),
            rule=Text(
                "One change at a time; holds for a change if Wilson's 95 % interval of the share lies above 5 %.",
                "한 번에 한 가지만 바꾼다. 그 비율의 윌슨 95 % 구간 전체가 5 %보다 크면 그 조건에서 성립.",
            ),
            decide=_collapses,
        ),
        Claim(
            key="wide-beats-deep",
            text=Text("With the same number of weights, side by side fits better than three layers.", "가중치 수가 같으면 나란히 둔 신경망이 세 층보다 잘 맞는다."),
            rule=Text("Without noise, per seed, log₁₀ of the ratio of errors; sign test of the median, below 0.", "잡음 없이, 시드마다 두 오차의 비의 log₁₀을 구한다. 중앙값이 0보다 작은지 부호검정."),
            decide=_wide_wins,
        ),
        Claim(
            key="twice-the-units-quarter-the-error",
            text=Text("Twice the units side by side, a quarter of the error, as the best straight pieces have it.", "나란히 둔 유닛을 두 배로 늘리면, 가장 좋은 꺾은선처럼 오차가 4분의 1이 된다."),
            rule=Text("Per seed, the slope of log error against log units, 6 to 83 units; −2 is a quarter. Holds if the median is below −1.75; sign test.", "시드마다 유닛 6~83개에서 로그 유닛 수에 대한 로그 오차의 기울기. −2이면 4분의 1이다. 중앙값이 −1.75보다 작으면 성립 (부호검정)."),
            decide=_quarter,
        ),
        Claim(
            key="depth-in-principle",
            text=Text("Weights exist with which layers beat every network side by side of the same number of weights.", "가중치를 잘 정하면 층을 쌓은 신경망이 가중치 수가 같은 나란한 신경망을 모두 이길 수 있다."),
            rule=Text("Computed: error of a sawtooth network set by hand over the least error of the largest parallel network that is not larger; at most 1.", "계산: 손으로 정한 톱니 신경망의 오차를, 더 크지 않은 나란한 신경망이 낼 수 있는 가장 작은 오차로 나눈다. 1 이하이면 성립."),
            decide=_depth_in_principle,
        ),
    ),
    drawings=(
        Drawing(key="answers", heading=Text("What the networks answer", "신경망의 출력"), draw=_draw_answers),
        Drawing(key="constant", heading=Text("How many answer one constant", "상수만 내놓는 신경망의 비율"), draw=_draw_constant),
        Drawing(key="sizes", heading=Text("Error against size", "크기에 따른 오차"), draw=_draw_sizes),
    ),
)  # fmt: skip
