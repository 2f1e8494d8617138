"""P4: what each layer multiplies the gradient by, for every activation and initialiser, measured and predicted."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability import activations
from trainability.lab.figures.layers import layers
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.start_gradients import draw_networks, predicted_factors, start_gradients
from trainability.lab.text import Lang, Text, prose, same
from trainability.lab.verdicts import Verdict, at_most, everywhere, median
from trainability.report.style import (
    INK,
    MARKERS,
    SERIES,
    Picture,
    drawing,
    grid_lines,
    ink_on,
    legend_above,
    new_figure,
    power_ticks,
)  # fmt: skip
from trainability.report.words import number
from trainability.theory.functions import resolve_elementwise

WIDTH: Final = 64
DEPTH: Final = 16
BOUND: Final = 0.25
"""The largest slope of the sigmoid."""
_TITLES: Final = {
    "sigmoid": Text("sigmoid", "시그모이드"), "hardsigmoid": same("hard sigmoid"), "softplus": same("softplus"),
    "tanh": same("tanh"), "softsign": same("softsign"), "hardtanh": same("hard tanh"), "relu": same("ReLU"),
    "leaky_relu:0.01": same("Leaky ReLU"), "elu": same("ELU"), "selu": same("SELU"), "gelu": same("GELU"),
    "silu": same("SiLU"), "identity": Text("linear", "선형"), "prelu": same("PReLU"), "mish": same("Mish"),
}  # fmt: skip
LEFT_OUT: Final = {
    "binary_step",  # its slope is 0: nothing goes back
    "exponential", "relu_squared", "snake",  # with large weights the numbers overflow
    "hardshrink", "softshrink", "tanhshrink",  # they swallow what is small, and then nothing is left
    "celu", "threshold",  # as they come they are ELU and ReLU
}  # fmt: skip
ACTIVATIONS: Final = _TITLES | {
    entry.name: same(entry.name)
    for entry in activations.ACTIVATIONS
    if activations.is_elementwise(entry)
    and entry.name not in LEFT_OUT
    and entry.name not in {title.partition(":")[0] for title in _TITLES}
}
"""Every activation of one number in the catalogue that lets a gradient through."""
INITS: Final = {
    "uniform:0.05": same("U(±0.05)"),
    "torch": same("PyTorch"),
    "glorot_uniform": same("Glorot"),
    "lecun_normal": same("LeCun"),
    "orthogonal": Text("orthogonal", "직교"),
    "he_normal": same("He"),
    "normal:0.25": same("N(0, 0.25²)"),
    "normal:1": same("N(0, 1)"),
}
DRAWN: Final = ("sigmoid", "tanh", "relu", "elu", "gelu")
PANELS: Final = ("uniform:0.05", "torch", "glorot_uniform", "he_normal")
TOLERANCE: Final = 0.05


def run(setting: Setting) -> Records:
    """The gradient by every hidden layer's pre-activations, before any step, and what theory says of it."""
    measured, predicted = {}, {}
    for init in INITS:
        drawn = draw_networks(init, DEPTH, WIDTH, setting.seeds, setting.seed)
        for name in ACTIVATIONS:
            measured[name, init] = start_gradients(name, drawn)
            predicted[name, init] = predicted_factors(name, init, DEPTH, WIDTH)
    x = np.linspace(-10, 10, 20_001)
    return {"measured": measured, "predicted": predicted, "slope": (x, resolve_elementwise("sigmoid").slope(x))}


def reported(records: Records) -> tuple[Reported, ...]:
    """The bound of the notes: the sigmoid's largest slope."""
    x, slope = records["slope"]
    top = int(slope.argmax())
    what = Text("largest slope of the sigmoid, and where", "시그모이드의 가장 큰 기울기와 그 위치")
    return (Reported(what, "1/4, x = 0", f"{number(slope[top])}, x = {number(abs(x[top]))}"),)


def _change(values: np.ndarray) -> np.ndarray:
    """log₁₀ of the first hidden layer's gradient over the last one's, shape (networks,)."""
    first = np.maximum(values[:, 0], 1e-300)
    return np.log10(first / np.maximum(values[:, -1], 1e-300))


def _factor(values: np.ndarray) -> np.ndarray:
    """What a layer multiplies the gradient by, the geometric mean over the layers, shape (networks,)."""
    return 10 ** (_change(values) / (values.shape[1] - 1))


_ON_INIT: Final = Text("the initialiser", "초기화")


def _quarter(records: Records) -> Verdict:
    said = Text("factor per layer, median over seeds", "층마다 곱해지는 값, 시드의 중앙값")
    parts = {init: median(_factor(records["measured"]["sigmoid", init]), said, below=BOUND) for init in INITS}
    return everywhere(parts, _ON_INIT, INITS)


def _sigmoid_vanishes(records: Records) -> Verdict:
    said = Text(
        "log₁₀ of the first layer's gradient over the last hidden layer's",
        "첫 층 기울기 ÷ 마지막 은닉층 기울기의 log₁₀",
    )
    parts = {init: median(_change(records["measured"]["sigmoid", init]), said, below=-3.0) for init in INITS}
    return everywhere(parts, _ON_INIT, INITS)


_SIZE: Final = Text("|log₁₀| of the same ratio, median over seeds", "같은 비의 |log₁₀|, 시드의 중앙값")


def _relu_keeps(records: Records) -> Verdict:
    parts = {init: median(np.abs(_change(records["measured"]["relu", init])), _SIZE, below=1.0) for init in INITS}
    return everywhere(parts, _ON_INIT, INITS)


def _he_keeps(records: Records) -> Verdict:
    parts = {
        name: median(np.abs(_change(records["measured"][name, "he_normal"])), _SIZE, below=1.0) for name in ACTIVATIONS
    }
    return everywhere(parts, Text("the activation", "활성화 함수"), ACTIVATIONS)


def _pairs(records: Records) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and measured factor per layer, of the pairs in order."""
    predicted = [np.exp(np.log(factors).mean()) for factors in records["predicted"].values()]
    measured = [np.median(_factor(values)) for values in records["measured"].values()]
    return np.array(predicted), np.array(measured)


def _theory(records: Records) -> Verdict:
    predicted, measured = _pairs(records)
    said = Text(
        "largest |ln| of measured over predicted factor per layer, over all pairs",
        "층마다 곱해지는 값의 측정 ÷ 예측, 그 |ln|의 최댓값",
    )
    return at_most(float(np.abs(np.log(measured / predicted)).max()), TOLERANCE, said, len(measured))


def _relative(values: np.ndarray) -> np.ndarray:
    return values / values[:, -1:]


def _theory_line(factors: np.ndarray) -> np.ndarray:
    """The gradient of each hidden layer over the last one's, shape (depth,)."""
    return np.append(np.cumprod(factors[::-1])[::-1], 1.0)


def _by_layer(records: Records, lang: Lang) -> Picture:
    panels, lines = {}, {}
    for init in PANELS:
        title = INITS[init].to(lang)
        panels[title] = {ACTIVATIONS[name].to(lang): _relative(records["measured"][name, init]) for name in DRAWN}
        lines[title] = {ACTIVATIONS[name].to(lang): _theory_line(records["predicted"][name, init]) for name in DRAWN}
    figure = layers(
        panels, Text("hidden layer", "은닉층").to(lang),
        Text("gradient over the last hidden layer's", "마지막 은닉층에 대한 기울기의 비").to(lang),
        lines=lines, line_label=Text("theory", "이론").to(lang), columns=4, floor=1e-300,
    )  # fmt: skip
    caption = Text(
        "The gradient that reaches each hidden layer before the first step, by initialiser; the median over "
        "networks. Mean-field theory's prediction is dashed; mostly it hides behind the measured line.",
        "첫 스텝 전에 각 은닉층에 닿는 기울기를 초기화별로 그렸다. 여러 신경망의 중앙값이다. 점선은 "
        "평균장 이론의 예측인데 대부분 측정한 선에 가려 보이지 않는다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _bound(records: Records, lang: Lang) -> Picture:
    from matplotlib.lines import Line2D

    with drawing():
        figure = new_figure(3.4)
        axes = figure.subplots()
        grid_lines(axes)
        layer = np.arange(1, DEPTH + 1)
        for i, init in enumerate(INITS):
            values = np.median(_relative(records["measured"]["sigmoid", init]), axis=0)
            axes.plot(layer, values, color=SERIES[i], marker=MARKERS[i], markersize=3.5)
        axes.plot(layer, BOUND ** (DEPTH - layer), color=INK, linestyle=(0, (4, 2)), linewidth=1.2)
        axes.set_yscale("log")
        power_ticks(axes.yaxis)
        axes.set_xlabel(Text("hidden layer", "은닉층").to(lang))
        axes.set_ylabel(Text("gradient over the last hidden layer's", "마지막 은닉층에 대한 기울기의 비").to(lang))
        handles = [Line2D([], [], color=SERIES[i], marker=MARKERS[i], markersize=4) for i in range(len(INITS))]
        handles.append(Line2D([], [], color=INK, linestyle=(0, (4, 2))))
        names = [title.to(lang) for title in INITS.values()]
        legend_above(figure, handles, [*names, Text("1/4 a layer", "층마다 1/4").to(lang)])
    caption = Text(
        "Sigmoid layers, by initialiser, beside the bound of 1/4 a layer. Weights count too: small ones lose far more "
        "than the bound, large ones less.",
        "시그모이드 층을 초기화별로 그리고 층마다 1/4이라는 한계와 견주었다. 가중치도 함께 곱해진다. 작으면 한계보다 훨씬 많이, "
        "크면 더 적게 줄어든다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _table(records: Records, lang: Lang) -> Picture:
    from matplotlib import colormaps

    grid = np.array([[np.median(_factor(records["measured"][name, init])) for init in INITS] for name in ACTIVATIONS])
    reach = 1.4
    with drawing():
        figure = new_figure(0.6 + 0.33 * len(ACTIVATIONS))
        axes = figure.subplots()
        colours = colormaps["RdBu_r"](np.clip(0.5 + np.log10(grid) / (2 * reach), 0, 1))
        axes.imshow(colours, aspect="auto", interpolation="none")
        for (row, column), value in np.ndenumerate(grid):
            axes.text(
                column, row, number(value, 2), ha="center", va="center", color=ink_on(tuple(colours[row, column]))
            )
        axes.set_xticks(range(len(INITS)), [title.to(lang) for title in INITS.values()])
        axes.set_yticks(range(len(ACTIVATIONS)), [title.to(lang) for title in ACTIVATIONS.values()])
        axes.tick_params(length=0, labeltop=True)
        axes.spines[:].set_visible(False)
    caption = Text(
        "What one layer multiplies the gradient by: blue vanishes, red explodes, white keeps its size. Only a pair of "
        "activation and initialiser has such a number, neither alone. The binary step is not here: its slope is 0, so it "
        "multiplies by 0.",
        "층 하나가 기울기에 곱하는 값. 파랑은 소실, 빨강은 폭발이고 흰색은 크기가 유지된다. 이 값은 활성화 함수나 초기화 "
        "어느 하나가 아니라 둘의 조합이 정한다. 계단 함수는 기울기가 0이라 언제나 0을 곱하므로 싣지 않았다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _scatter(records: Records, lang: Lang) -> Picture:
    predicted, measured = _pairs(records)
    with drawing():
        figure = new_figure(3.6, width=4.6)
        axes = figure.subplots()
        grid_lines(axes)
        ends = np.array([min(predicted.min(), measured.min()) / 1.3, max(predicted.max(), measured.max()) * 1.3])
        axes.plot(ends, ends, color=INK, linewidth=0.8)
        axes.plot(predicted, measured, "o", color=SERIES[0], markersize=3.5, alpha=0.8)
        for axis, set_scale in ((axes.xaxis, axes.set_xscale), (axes.yaxis, axes.set_yscale)):
            set_scale("log")
            power_ticks(axis)
        axes.set_xlabel(Text("predicted factor per layer", "예측한 값 (층마다 곱해지는 값)").to(lang))
        axes.set_ylabel(Text("measured", "측정한 값").to(lang))
    caption = Text(
        "Theory against measurement, a point for each activation with each initialiser.",
        "이론과 측정의 비교. 점 하나가 활성화 함수와 초기화의 조합 하나이다.",
    ).to(lang)
    return Picture(figure, caption, caption)


VANISHING_GRADIENT = Phenomenon(
    name="vanishing-gradient",
    aliases=("p4",),
    summary="what does each layer multiply the gradient by?",
    number=4,
    title=Text("The vanishing gradient", "기울기 소실"),
    question=Text(
        "A sigmoid's slope is at most 1/4. Is that why gradients vanish, and does another activation cure it?",
        "시그모이드의 기울기는 아무리 커도 1/4이다. 그래서 기울기가 소실되는 걸까? 활성화 함수를 바꾸면 낫는 걸까?",
    ),
    explanation=prose(
        """
        Backpropagation goes through a layer in two steps: the gradient is multiplied by the weights and by the
        activation's slope. So a layer's factor is σ_w √E[φ′²], where σ_w² is the variance of a weight times the
        number of inputs of a unit. A gradient that passes twenty layers is multiplied by that number twenty times.

        For the sigmoid the slope is at most 1/4, and with ordinary weights (σ_w about 1) the factor stays below that: a
        millionth is left after ten layers. But the bound is one of the slope, not of the layer. With weights within
        ±0.05 a layer loses far more, and with weights from N(0, 1) it loses hardly anything, at the price of units
        driven into saturation.

        ReLU's slope is 0 or 1, half and half, so its factor is σ_w/√2. He's initialiser makes that 1; PyTorch's own
        default makes it 0.4, and sixteen layers then lose six orders of magnitude. An activation by itself neither cures
        nor causes vanishing: the pair with the initialiser does. Nor does He's initialiser suit all: it makes SELU's
        gradient grow and leaves the sigmoid's dying.

        All this can be computed before any training. The dashed lines come from mean-field theory, which needs no network
        at all, and they agree with the measured ones to a few per cent.
        """,
        """
        역전파는 층 하나를 두 단계로 지난다. 기울기에 가중치를 곱하고, 다시 활성화 함수의 기울기를 곱한다. 그래서 층 하나가
        곱하는 값은 σ_w √E[φ′²]이다. σ_w²은 가중치 하나의 분산에 유닛의 입력 수를 곱한 것이다. 층을 20개
        지나면 이 값이 스무 번 곱해진다.

        시그모이드의 기울기는 1/4을 넘지 못한다. 가중치가 보통 크기(σ_w가 1쯤)이면 층이 곱하는 값도 1/4보다 작아서
        층 10개를 지나면 백만분의 1도 남지 않는다. 그러나 1/4은 활성화 함수의 한계이지 층의 한계가 아니다. 가중치가 ±0.05
        안에 있으면 층마다 훨씬 더 많이 줄고, N(0, 1)에서 뽑으면 거의 줄지 않는다. 대신 유닛들이 포화된다.

        ReLU의 기울기는 반은 0, 반은 1이므로 층이 곱하는 값은 σ_w/√2이다. He 초기화는 이것을 1로 맞춘다. PyTorch의
        기본 초기화에서는 0.4가 되어, 층이 16개면 기울기가 여섯 자릿수 줄어든다. 기울기 소실은 활성화 함수 혼자 일으키거나
        막는 것이 아니라 초기화와의 조합이 정한다. He 초기화가 어디에나 맞는 것도 아니다. SELU에서는 기울기가 점점 커지고,
        시그모이드에서는 여전히 소실된다.

        이 모든 것은 훈련하기 전에 계산할 수 있다. 그림의 점선은 신경망을 하나도 만들지 않고 평균장 이론으로 구한 것인데, 측정값과
        몇 퍼센트 안에서 맞는다.
        """,
    ),
    seeds=(32, 256),
    seconds=(4.0, 20.0),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="quarter-per-layer",
            text=Text("Each sigmoid layer multiplies the gradient by at most 1/4.", "시그모이드 층을 하나 지날 때마다 기울기에는 1/4 이하가 곱해진다."),
            rule=Text(
                "The geometric mean over the layers of one network; sign test of the median over seeds, below 1/4.",
                "신경망 하나의 층들에 대한 기하평균. 시드의 중앙값이 1/4보다 작은지 부호검정.",
            ),
            decide=_quarter,
        ),
        Claim(
            key="sigmoid-vanishes",
            text=Text(
                "Through sigmoid layers the gradient vanishes, whatever the initialiser: a thousandth is left at the first.",
                "어떤 초기화를 쓰든 시그모이드 층에서는 기울기가 소실된다. 첫 층에는 1000분의 1도 남지 않는다.",
            ),
            rule=Text("Median over seeds of log₁₀ of the ratio, below −3; sign test.", "시드별 비의 log₁₀ 중앙값이 −3보다 작은지 부호검정."),
            decide=_sigmoid_vanishes,
        ),
        Claim(
            key="relu-keeps",
            text=Text(
                "ReLU keeps the gradient's size, to a factor of ten over all layers.",
                "ReLU는 기울기의 크기를 유지한다. 모든 층을 지나도 10배 안에서만 달라진다.",
            ),
            rule=Text("Median over seeds of |log₁₀| of the ratio, below 1; sign test.", "시드별 비의 |log₁₀| 중앙값이 1보다 작은지 부호검정."),
            decide=_relu_keeps,
        ),
        Claim(
            key="he-keeps",
            text=Text("He's initialiser keeps the gradient's size, whatever the activation.", "He 초기화는 어떤 활성화 함수에서든 기울기의 크기를 유지한다."),
            rule=Text("Median over seeds of |log₁₀| of the ratio, below 1; sign test.", "시드별 비의 |log₁₀| 중앙값이 1보다 작은지 부호검정."),
            decide=_he_keeps,
        ),
        Claim(
            key="theory-predicts",
            text=Text("Theory predicts every pair's factor per layer to 5 %.", "층마다 곱해지는 값은 모든 조합에서 이론의 예측과 5 % 안에서 맞는다."),
            rule=Text(
                "The largest |ln(measured median / predicted)| of all pairs of activation and initialiser, at most 0.05.",
                "활성화 함수와 초기화의 모든 조합에서 |ln(측정 중앙값 / 예측)|의 최댓값이 0.05 이하면 성립.",
            ),
            decide=_theory,
        ),
    ),
    drawings=(
        Drawing(key="layers", heading=Text("Gradient per layer, measured and predicted", "층별 기울기, 측정과 예측"), draw=_by_layer),
        Drawing(key="bound", heading=Text("The bound of 1/4", "1/4이라는 한계"), draw=_bound),
        Drawing(key="factors", heading=Text("What one layer multiplies the gradient by", "층 하나가 기울기에 곱하는 값"), draw=_table),
        Drawing(key="theory", heading=Text("Theory against measurement", "이론과 측정"), draw=_scatter),
    ),
)  # fmt: skip
