"""P20: forwards and back through a hidden layer: shapes, and the gradient of every parameter."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability.lab.figures.shares import shares
from trainability.lab.layer import (
    PARAMETERS,
    Batch,
    Sizes,
    automatic,
    backward,
    descended,
    differences,
    draw,
    error,
    forward,
)
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.text import Lang, Text, prose, same
from trainability.lab.verdicts import Verdict, at_most, everywhere, median, share
from trainability.report.gather import quantiles
from trainability.report.style import (
    INK,
    SERIES,
    Picture,
    drawing,
    grid_lines,
    ink_on,
    legend_above,
    new_figure,
    power_ticks,
)

SIZES: Final = Sizes()
"""The notes give no sizes: four samples of three inputs, five hidden units, two outputs."""
WIDE: Final = Sizes(hidden=100)
SIGNS: Final = {"W1": "W₁", "b1": "b₁", "W2": "W₂", "b2": "b₂"}
STEP: Final = 1e-5
STEPS: Final = (1e-1, 1e-3, 1e-5, 1e-8, 1e-12)
RATES: Final = (0.01, 0.1, 1.0, 10.0)
HALF: Final = float(np.log10(0.5))


def glorot(sizes: Sizes) -> tuple[float, float]:
    """The deviations of both layers' weights after Glorot and Bengio, AISTATS 2010."""
    ends = (sizes.inputs + sizes.hidden, sizes.hidden + sizes.outputs)
    return float(np.sqrt(2 / ends[0])), float(np.sqrt(2 / ends[1]))


CHANGES: Final[dict[str, tuple[Text, Sizes, str, tuple[float, float]]]] = {
    "notes": (Text("sigmoid, weights N(0, 1)", "시그모이드, 가중치 N(0, 1)"), SIZES, "sigmoid", (1.0, 1.0)),
    "glorot": (Text("Glorot's deviations", "Glorot의 표준편차"), SIZES, "sigmoid", glorot(SIZES)),
    "wide": (Text("100 hidden units", "은닉 유닛 100개"), WIDE, "sigmoid", (1.0, 1.0)),
    "first": (Text("W₁ five times as large", "W₁을 다섯 배로"), SIZES, "sigmoid", (5.0, 1.0)),
    "second": (Text("W₂ five times as large", "W₂를 다섯 배로"), SIZES, "sigmoid", (1.0, 5.0)),
    "tanh": (same("tanh"), SIZES, "tanh", (1.0, 1.0)),
    "relu": (same("ReLU"), SIZES, "relu", (1.0, 1.0)),
}


def run(setting: Setting) -> Records:
    """Random networks: their gradients by hand, by JAX and by differences; both layers' sizes; and one step of descent."""
    rng = lambda: np.random.Generator(np.random.Philox(setting.seed))  # noqa: E731
    batch = draw(rng(), setting.seeds, SIZES, "sigmoid")
    values = forward(batch)
    ours = backward(batch, values)
    by_jax = automatic(batch)
    ratios = {}
    for key, (_, sizes, activation, deviations) in CHANGES.items():
        other = draw(rng(), setting.seeds, sizes, activation, deviations)
        gradients = backward(other, forward(other))
        first, second = (np.sqrt((gradients[name] ** 2).mean(axis=(1, 2))) for name in ("W1", "W2"))
        ratios[key] = np.log10(np.maximum(first, 1e-300) / second)
    by_step = {step: differences(batch, step) for step in STEPS}
    return {
        "batch": batch,
        "values": values,
        "ours": ours,
        "jax": {name: error(ours[name], by_jax[name]) for name in PARAMETERS},
        "steps": {name: np.stack([error(ours[name], by_step[step][name]) for step in STEPS]) for name in PARAMETERS},
        "ratios": ratios,
        "lowered": {rate: forward(descended(batch, ours, rate))["L"] < values["L"] for rate in RATES},
    }


def reported(records: Records) -> tuple[Reported, ...]:
    """The shapes, as they come out of the first seed's arrays."""
    batch: Batch = records["batch"]
    n, d, h, k = SIZES.samples, SIZES.inputs, SIZES.hidden, SIZES.outputs
    rows = {"H = σ(XW₁ + b₁)": ("n × h", records["values"]["H"]), "O = HW₂ + b₂": ("n × k", records["values"]["O"])}
    named = {"∂L/∂W₁": ("d × h", "W1"), "∂L/∂b₁": ("1 × h", "b1"), "∂L/∂W₂": ("h × k", "W2"), "∂L/∂b₂": ("1 × k", "b2")}
    rows |= {name: (shape, records["ours"][key]) for name, (shape, key) in named.items()}
    what = Text(
        "shape of {name} (n = {n}, d = {d}, h = {h}, k = {k})", "{name}의 모양 (n = {n}, d = {d}, h = {h}, k = {k})"
    )
    assert batch.x.shape[1:] == (n, d)
    return tuple(
        Reported(what.filled(name=name, n=n, d=d, h=h, k=k), shape, " × ".join(map(str, array.shape[1:])))
        for name, (shape, array) in rows.items()
    )


def _by_jax(records: Records) -> Verdict:
    said = Text("largest difference over the largest entry", "차이의 최댓값 ÷ 가장 큰 성분")
    parts = {
        SIGNS[name]: at_most(float(values.max()), 1e-9, said, len(values)) for name, values in records["jax"].items()
    }
    return everywhere(parts, Text("the parameter", "매개변수"))


def _by_differences(records: Records) -> Verdict:
    said = Text("log₁₀ of the largest difference over the largest entry", "차이의 최댓값 ÷ 가장 큰 성분의 log₁₀")
    at = STEPS.index(STEP)
    parts = {
        SIGNS[name]: median(np.log10(np.maximum(values[at], 1e-17)), said, below=-6.0)
        for name, values in records["steps"].items()
    }
    return everywhere(parts, Text("the parameter", "매개변수"))


def _smaller(records: Records) -> Verdict:
    said = Text(
        "log₁₀ of the first layer's gradient over the second's (RMS)", "첫 층 기울기 ÷ 둘째 층 기울기(RMS)의 log₁₀"
    )
    parts = {key: median(ratio, said, below=HALF) for key, ratio in records["ratios"].items()}
    on = Text("the activation function and the weights of the second layer", "활성화 함수와 둘째 층의 가중치")
    return everywhere(parts, on, {key: label for key, (label, *_) in CHANGES.items()})


def _lowers(records: Records) -> Verdict:
    said = Text("share of networks whose loss falls", "손실이 줄어든 신경망의 비율")
    parts = {f"{rate:g}": share(lowered, said, above=0.95) for rate, lowered in records["lowered"].items()}
    on = Text("the learning rate", "학습률")
    labels = {f"{rate:g}": Text("rate {r}", "학습률 {r}").filled(r=f"{rate:g}") for rate in RATES}
    return everywhere(parts, on, labels)


def _layer(records: Records, lang: Lang) -> Picture:
    batch, values, ours = records["batch"], records["values"], records["ours"]
    forwards = {"X": batch.x, **batch.parameters, **{name: values[name] for name in ("Z", "H", "O")}}
    order = ("X", "W1", "b1", "Z", "H", "W2", "b2", "O")
    joined = ("·", "+", "=", "σ →", "·", "+", "=", "")
    height = max(SIZES.samples, SIZES.inputs, SIZES.hidden)
    with drawing():
        figure = new_figure(3.9)
        grid = figure.subplots(2, len(order), width_ratios=[max(forwards[name].shape[2], 2) for name in order])
        for row, arrays in enumerate((forwards, ours)):
            largest = max(float(np.abs(arrays[name][0]).max()) for name in order)
            for axes, name, sign in zip(grid[row], order, joined, strict=True):
                axes.imshow(arrays[name][0], cmap="coolwarm", vmin=-largest, vmax=largest)
                rows, columns = arrays[name][0].shape
                axes.set(
                    xticks=[],
                    yticks=[],
                    xlim=(-0.5, max(columns, 2) - 0.5),
                    ylim=(rows / 2 - 0.5 + height / 2, rows / 2 - 0.5 - height / 2),
                )
                axes.spines[:].set_visible(False)
                written = SIGNS.get(name, name)
                title = written if row == 0 else f"∂L/∂{written}"
                axes.text(
                    (columns - 1) / 2, -0.75, f"{title}\n{rows} × {columns}", ha="center", va="bottom", fontsize=8.5
                )
                if row == 0 and sign:
                    axes.annotate(
                        sign,
                        (1.0, 0.5),
                        xycoords="axes fraction",
                        xytext=(11, 0),
                        textcoords="offset points",
                        ha="center",
                        va="center",
                        fontsize=10,
                    )
        for row, (text, colour) in enumerate(
            ((Text("forwards →", "순전파 →"), SERIES[0]), (Text("← backwards", "← 역전파"), SERIES[7]))
        ):
            grid[row, 0].annotate(
                text.to(lang), (0, 0), xycoords="axes fraction", xytext=(0, -2), textcoords="offset points", va="top", color=colour, fontsize=10,
            )  # fmt: skip
    caption = Text(
        "One network of the first seed: what is computed forwards, and below each the gradient of the loss, which has the same shape. Blue is negative, red positive.",
        "첫 시드의 신경망. 위는 순전파에서 계산한 값, 아래는 그에 대한 손실의 기울기로 모양이 똑같다. 파랑은 음수, 빨강은 양수.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _gradients(records: Records, lang: Lang) -> Picture:
    ours = records["ours"]
    with drawing():
        figure = new_figure(2.6)
        grid = figure.subplots(1, 4, width_ratios=[ours[name].shape[2] for name in PARAMETERS])
        largest = max(float(np.abs(ours[name][0]).max()) for name in PARAMETERS)
        for axes, name in zip(grid, PARAMETERS, strict=True):
            panel = ours[name][0]
            image = axes.imshow(
                panel, cmap="coolwarm", vmin=-largest, vmax=largest, aspect="auto" if len(panel) == 1 else None
            )
            for (row, column), value in np.ndenumerate(panel):
                axes.text(
                    column,
                    row,
                    f"{value:z.3f}".replace("-", "−"),  # z: no −0.000
                    ha="center",
                    va="center",
                    fontsize=7,
                    color=ink_on(image.cmap(image.norm(value))),
                )
            axes.set(xticks=[], yticks=[])
            if len(panel) == 1:
                axes.set_box_aspect(1 / panel.shape[1])
            axes.set_title(f"∂L/∂{SIGNS[name]}", loc="left")
    caption = Text(
        "The gradient of every parameter, of the first seed, written out by hand; JAX gives the same numbers to the last digits.",
        "첫 시드의 모든 매개변수에 대한 기울기. 손으로 쓴 식으로 계산했고, JAX의 값과 끝자리까지 같다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _errors(records: Records, lang: Lang) -> Picture:
    with drawing():
        figure = new_figure(3.0, 6.5)
        axes = figure.subplots()
        grid_lines(axes)
        for i, name in enumerate(PARAMETERS):
            low, middle, high = quantiles(np.maximum(records["steps"][name], 1e-16).T, (0.25, 0.5, 0.75))
            axes.fill_between(STEPS, low, high, color=SERIES[i], alpha=0.15, linewidth=0)
            axes.plot(STEPS, middle, color=SERIES[i], marker="osv^"[i], markersize=4)
        worst = max(float(values.max()) for values in records["jax"].values())
        jax = axes.axhline(worst, color="0.4", linestyle=(0, (4, 2)), linewidth=1.2)
        axes.set(xscale="log", yscale="log", ylim=(1e-17, 10))
        for axis in (axes.xaxis, axes.yaxis):
            power_ticks(axis)
        axes.set_xlabel(Text("step h of the finite difference", "유한 차분의 간격 h").to(lang))
        axes.set_ylabel(Text("relative difference", "상대 차이").to(lang))
        names = [*(SIGNS[name] for name in PARAMETERS), Text("JAX, the worst of all", "JAX, 가장 큰 차이").to(lang)]
        legend_above(figure, [*axes.get_lines()[:4], jax], names)
    caption = Text(
        "Gradients by hand against finite differences (median and quartiles over seeds) and against automatic differentiation (dashed).",
        "손으로 쓴 기울기와 유한 차분의 차이(시드별 중앙값과 사분위 구간), 자동 미분과의 차이(점선).",
    ).to(lang)
    return Picture(figure, caption, caption)


def _ratios(records: Records, lang: Lang) -> Picture:
    with drawing():
        figure = new_figure(3.0, 7.5)
        axes = figure.subplots()
        grid_lines(axes)
        for place, ratio in enumerate(records["ratios"].values()):
            low, first, middle, third, high = quantiles(ratio, (0.05, 0.25, 0.5, 0.75, 0.95))
            axes.plot(10 ** np.array([low, high]), [place, place], color=SERIES[0], linewidth=1.2, alpha=0.6)
            axes.plot(10 ** np.array([first, third]), [place, place], color=SERIES[0], linewidth=5, alpha=0.45)
            axes.plot(10**middle, place, "o", color=SERIES[0], markersize=5)
        axes.axvline(0.5, color="0.4", linestyle=(0, (4, 2)), linewidth=1.2)
        axes.axvline(1, color=INK, linewidth=0.8)
        axes.set_xscale("log")
        power_ticks(axes.xaxis)
        axes.set_yticks(range(len(CHANGES)), [label.to(lang) for label, *_ in CHANGES.values()])
        axes.set_ylim(len(CHANGES) - 0.5, -0.5)
        axes.set_xlabel(Text("gradient of W₁ over that of W₂ (RMS)", "W₁ 기울기 ÷ W₂ 기울기 (RMS)").to(lang))
    caption = Text(
        "How large the first layer's gradient is beside the second's: median, quartiles and 5 to 95 % of seeds, one thing changed at a time. Dashed: one half.",
        "둘째 층에 견준 첫 층 기울기의 크기. 점은 중앙값, 굵은 선은 사분위 구간, 가는 선은 시드의 5–95 %. 한 번에 한 가지만 바꾸었다. 점선은 1/2.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _rates(records: Records, lang: Lang) -> Picture:
    label: Any = Text("rate {r}", "학습률 {r}")
    groups = {label.filled(r=f"{rate:g}").to(lang): {"": lowered} for rate, lowered in records["lowered"].items()}
    figure = shares(
        groups, Text("networks whose loss falls in one step, %", "한 스텝에 손실이 줄어든 신경망, %").to(lang)
    )
    caption = Text(
        "One step against the gradient. It points downhill, but only nearby: a long step overshoots. Lines are 95 % intervals.",
        "기울기 반대쪽으로 한 스텝. 내리막을 가리키지만 가까운 곳에서만 그렇다. 보폭이 크면 골짜기를 넘어가 버린다. 선은 95 % 구간.",
    ).to(lang)
    return Picture(figure, caption, caption)


LAYER_FORWARD_BACK = Phenomenon(
    name="layer-forward-back",
    aliases=("p20",),
    summary="what flows forwards and back through one hidden layer?",
    number=20,
    title=Text("Forwards and back through a layer", "한 층의 순전파와 역전파"),
    question=Text(
        "H = σ(XW₁ + b₁), O = HW₂ + b₂: which shapes do the gradients have, how are they computed, and how large are they?",
        "H = σ(XW₁ + b₁), O = HW₂ + b₂에서 기울기는 어떤 모양이고, 어떻게 계산하며, 얼마나 클까?",
    ),
    explanation=prose(
        """
        Each row of X is a sample. XW₁ + b₁ gives a row of hidden sums Z, the sigmoid makes H of them number by number, and HW₂ + b₂
        is the output O. The loss L is the mean of (O − Y)².

        Backwards, start with ∂L/∂O = 2(O − Y)/nk. A matrix product hands each factor the gradient times the other, transposed:
        ∂L/∂W₂ = Hᵀ ∂L/∂O and ∂L/∂H = ∂L/∂O W₂ᵀ. A bias is added to every sample, so its gradient is the sum over rows. Through
        the sigmoid, number by number: ∂L/∂Z = ∂L/∂H ∘ H ∘ (1 − H). Then the first layer goes like the second:
        ∂L/∂W₁ = Xᵀ ∂L/∂Z. A gradient has the shape of what it belongs to; where shapes do not fit, a transpose is missing. Written
        by hand these lines agree with automatic differentiation to the last digits, and with finite differences as far as those go.

        With a sigmoid the first layer gets well under half of the second's gradient: its slope is at most 1/4. With tanh or
        ReLU it gets more than half, and with W₂ five times as large about as much as the second: what comes back passes through W₂. The gradient points
        downhill, but only nearby: at rates 0.01 and 0.1 a step lowers the loss, at 1 it mostly raises it.
        """,
        """
        X의 행 하나가 샘플 하나이다. XW₁ + b₁로 은닉층의 가중합 Z를 얻고, 성분마다 시그모이드를 씌우면 H, 여기에 HW₂ + b₂를
        하면 출력 O이다. 손실 L은 (O − Y)²의 평균이다.

        역전파는 ∂L/∂O = 2(O − Y)/nk에서 시작한다. 행렬 곱은 받은 기울기에 상대편 행렬의 전치를 곱해 넘긴다. 곧
        ∂L/∂W₂ = Hᵀ ∂L/∂O이고 ∂L/∂H = ∂L/∂O W₂ᵀ이다. 편향은 모든 샘플에 더해지므로 그 기울기는 행을 따라 더한 값이다.
        시그모이드는 성분마다 ∂L/∂Z = ∂L/∂H ∘ H ∘ (1 − H)로 지나간다. 첫 층도 둘째 층과 똑같이 ∂L/∂W₁ = Xᵀ ∂L/∂Z이다. 기울기는
        그 대상과 모양이 같다. 모양이 맞지 않으면 전치를 빠뜨린 것이다. 이렇게 손으로 쓴 식은 자동 미분과 끝자리까지
        일치하고, 유한 차분과도 그 정밀도만큼 일치한다.

        시그모이드를 쓰면 첫 층이 받는 기울기는 둘째 층의 절반에 크게 못 미친다. 시그모이드의 기울기가 1/4을 넘지 못하기 때문이다.
        tanh나 ReLU이면 절반을 넘고, W₂를 다섯 배로 키우면 둘째 층과 비슷해진다. 되돌아오는 기울기가 W₂를 지나기 때문이다.
        기울기의 반대쪽은 내리막이지만 가까운 곳에서만 그렇다. 학습률이 0.01이나 0.1이면 한 스텝에 손실이 줄지만, 1이면
        오히려 커질 때가 더 많다.
        """,
    ),
    seeds=(256, 2000),
    seconds=(2.0, 2.5),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="chain-by-hand",
            text=Text("The chain rule written by hand gives the gradient of automatic differentiation.", "손으로 쓴 연쇄 법칙은 자동 미분과 같은 기울기를 준다."),
            rule=Text(
                "Against jax.grad in float64, all seeds; largest difference over the largest entry, at most 1e-9.",
                "모든 시드에서 float64의 jax.grad와 비교. 차이의 최댓값 ÷ 가장 큰 성분이 1e-9 이하.",
            ),
            decide=_by_jax,
        ),
        Claim(
            key="finite-differences",
            text=Text("Finite differences give the same gradient to six digits.", "유한 차분도 여섯 자리까지 같은 기울기를 준다."),
            rule=Text(
                "Central differences with h = 1e-5; median over seeds of log₁₀ of the relative difference, below −6; sign test.",
                "h = 1e-5인 중앙 차분. 시드별 상대 차이의 log₁₀ 중앙값이 −6보다 작은지 부호검정.",
            ),
            decide=_by_differences,
        ),
        Claim(
            key="shrinks-on-the-way-back",
            text=Text("The first layer gets less than half of the second layer's gradient.", "첫 층이 받는 기울기는 둘째 층의 절반이 안 된다."),
            rule=Text(
                "One change at a time; median over seeds of log₁₀ of the ratio of RMS gradients, below log₁₀ ½ = −0.301; sign test.",
                "한 번에 한 가지만 바꾼다. 시드별 기울기 RMS 비의 log₁₀ 중앙값이 log₁₀ ½ = −0.301보다 작은지 부호검정.",
            ),
            decide=_smaller,
        ),
        Claim(
            key="step-lowers-the-loss",
            text=Text("A step against the gradient lowers the loss.", "기울기 반대쪽으로 한 스텝 가면 손실이 준다."),
            rule=Text(
                "Holds for a rate if Wilson's 95 % interval of the share of networks whose loss falls lies above 95 %.",
                "손실이 줄어든 비율의 윌슨 95 % 구간 전체가 95 %보다 크면 그 학습률에서 성립.",
            ),
            decide=_lowers,
        ),
    ),
    drawings=(
        Drawing(key="layer", heading=Text("Shapes, forwards and back", "순전파와 역전파의 모양"), draw=_layer),
        Drawing(key="gradients", heading=Text("The gradient of every parameter", "모든 매개변수의 기울기"), draw=_gradients),
        Drawing(key="errors", heading=Text("Against automatic differentiation and differences", "자동 미분, 유한 차분과의 비교"), draw=_errors),
        Drawing(key="ratios", heading=Text("Which layer gets how much", "층마다 받는 기울기"), draw=_ratios),
        Drawing(key="rates", heading=Text("One step downhill", "내리막으로 한 스텝"), draw=_rates),
    ),
)  # fmt: skip
