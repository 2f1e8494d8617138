"""P9: layers without an activation function are one linear layer, however many there are."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability.lab.figures.curves import Curve, curves
from trainability.lab.figures.shares import shares
from trainability.lab.networks import Trained, trained
from trainability.lab.phenomena.regressions import best_loss
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.text import Lang, Text, prose, same
from trainability.lab.verdicts import Verdict, at_most, everywhere, median, share
from trainability.report.gather import history
from trainability.report.style import SERIES, Picture, drawing, grid_lines, ink_on, legend_above, new_figure
from trainability.report.words import number

STACK: Final[dict[str, Any]] = {
    "activation": "linear", "width": 8, "optimizer": "adam", "lr": 0.01, "batch": "full", "validation": 0,
}  # fmt: skip
TABLE: Final[dict[str, Any]] = {"loss": "mse", "standardize": True, "steps": 1000}
CLASSES: Final[dict[str, Any]] = {"loss": "cross_entropy", "noise": 2.0, "steps": 1000}
HIDDEN: Final = (1, 2, 4, 8)
FITS: Final[dict[str, tuple[Text, str, dict[str, Any]]]] = {
    **{
        str(depth): (Text("hidden layers: {n}", "은닉층 {n}개").filled(n=depth), "diabetes", {**TABLE, "depth": depth})
        for depth in HIDDEN
    },
    "classes": (Text("3 classes, a hidden layer of 8", "범주 3개, 유닛 8개짜리 은닉층"), "blobs:3", {**CLASSES, "depth": 1}),
    "narrow": (Text("3 classes, a hidden layer of 1", "범주 3개, 유닛 1개짜리 은닉층"), "blobs:3", {**CLASSES, "depth": 1, "width": 1}),
}  # fmt: skip
ACTIVATIONS: Final = {"linear": Text("linear", "선형"), "tanh": same("tanh")}
DESCENT: Final[dict[str, Any]] = {**STACK, **TABLE, "optimizer": "sgd", "lr": 0.1}
XOR: Final[dict[str, Any]] = {"loss": "mse", "output": "linear", "steps": 2000}
BENT: Final[dict[str, Any]] = {**STACK, "loss": "mse", "noise": 0.2, "standardize": True, "steps": 1000}


def collapse(weights: list[np.ndarray], biases: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The one layer that a stack of linear layers is: W = W₁W₂…Wₙ, b = (…(b₁W₂ + b₂)W₃ + …) + bₙ.

    Args:
        weights, biases: of each layer, shapes (fan_in, fan_out) and (fan_out,).
    """
    weight, bias = weights[0], biases[0]
    for following, added in zip(weights[1:], biases[1:], strict=True):
        weight, bias = weight @ following, bias @ following + added
    return weight, bias


def difference(made: Trained) -> float:
    """The largest difference of a network's answers from its collapsed layer's, over the largest answer."""
    x = made.data.x_train
    weights, biases = ([np.asarray(part[0], np.float64) for part in parts] for parts in (made.weights, made.biases))
    weight, bias = collapse(weights, biases)
    answers = made.answers(0, x)
    return float(np.abs(x @ weight + bias - answers).max() / np.abs(answers).max())


def run(setting: Setting) -> Records:
    """Linear stacks of several depths on a table, on classes and on XOR; with tanh where they fail."""
    best = {
        problem: best_loss(trained(problem, **{**STACK, **settings, "depth": 0, "steps": 1}, seed=setting.seed).data)
        for _, problem, settings in FITS.values()
    }
    bent = {
        (activation, depth): trained("sine", **{**BENT, "activation": activation, "depth": depth}, seed=setting.seed)
        for activation, depth in (("linear", 1), ("linear", 2), ("linear", 8), ("tanh", 2))
    }
    return {
        "runs": {key: setting.compare(problem, **{**STACK, **settings}) for key, (_, problem, settings) in FITS.items()},
        "best": {key: best[problem] for key, (_, problem, _) in FITS.items()},
        "descent": {depth: setting.compare("diabetes", **{**DESCENT, "depth": depth}) for depth in HIDDEN},
        "xor": {
            (activation, depth): setting.compare("xor", **{**STACK, **XOR, "activation": activation, "depth": depth})
            for activation in ACTIVATIONS for depth in HIDDEN
        },
        "differences": {
            depth: difference(trained("diabetes", **{**STACK, **TABLE, "depth": depth, "steps": 200}, seed=setting.seed)) for depth in HIDDEN
        },
        "bent": bent,
        "sine x": np.linspace(-2 * np.pi, 2 * np.pi, len(bent["tanh", 2].data.x_train)),
        # Its scores are the answers before the softmax; only its matrices are drawn.
        "small": trained("blobs:3", **{**STACK, **CLASSES, "depth": 2, "width": 4}, seed=setting.seed),
    }  # fmt: skip


def _excess(result: Any, best: float) -> np.ndarray:
    loss = result.trials["train_loss"].to_numpy() / best - 1
    return np.where(np.isfinite(loss), loss, np.inf)  # a network that diverged is as far away as can be


def _arrived(records: Records, depth: int, runs: str) -> np.ndarray:
    """Which seeds are within 1 % of the least loss."""
    result = records["descent"][depth] if runs == "descent" else records["runs"][str(depth)]
    return _excess(result, records["best"]["1"]) < 0.01


def reported(records: Records) -> tuple[Reported, ...]:
    """The notes show it by hand; ours is a trained stack of eight hidden layers."""
    what = Text("eight hidden layers against their product, relative difference", "은닉층 8개와 그 곱의 상대 차이")
    return (Reported(what, "0", number(records["differences"][8])),)


def _collapses(records: Records) -> Verdict:
    said = Text("largest relative difference of the answers", "출력의 상대 차이 최댓값")
    parts = {str(depth): at_most(value, 1e-9, said) for depth, value in records["differences"].items()}
    return everywhere(parts, Text("the depth", "깊이"), {key: FITS[key][0] for key in parts})


def _same_fit(records: Records) -> Verdict:
    said = Text(
        "training loss over the least one of a linear layer, minus 1", "훈련 손실 ÷ 선형층 하나의 최소 손실 − 1"
    )
    parts = {key: median(_excess(records["runs"][key], records["best"][key]), said, below=0.01) for key in FITS}
    on = Text("the width of the narrowest layer", "가장 좁은 층의 너비")
    return everywhere(parts, on, {key: label for key, (label, *_) in FITS.items()})


def _descent(records: Records) -> Verdict:
    said = Text("share of seeds that arrive", "해에 이른 시드의 비율")
    parts = {str(depth): share(_arrived(records, depth, "descent"), said, above=0.9) for depth in HIDDEN}
    return everywhere(parts, Text("the depth", "깊이"), {key: FITS[key][0] for key in parts})


def _xor(records: Records) -> Verdict:
    said = Text("final mean squared error on XOR", "XOR의 최종 평균제곱오차")
    parts, labels = {}, {}
    for (activation, depth), result in records["xor"].items():
        key = f"{activation} {depth}"
        parts[key] = median(result.trials["train_loss"].to_numpy(), said, above=0.249)
        labels[key] = Text("{a}, hidden layers: {n}", "{a}, 은닉층 {n}개").filled(a=ACTIVATIONS[activation], n=depth)
    return everywhere(parts, Text("the activation function", "활성화 함수"), labels)


def _matrices(records: Records, lang: Lang) -> Picture:
    made = records["small"]
    weights, biases = ([part[0] for part in parts] for parts in (made.weights, made.biases))
    product, _ = collapse(weights, biases)
    panels = {"W₁": weights[0], "W₂": weights[1], "W₃": weights[2], "W₁ W₂ W₃": product}
    largest = max(float(np.abs(panel).max()) for panel in panels.values())
    with drawing():
        figure = new_figure(2.6)
        grid = figure.subplots(1, 4, width_ratios=[panel.shape[1] for panel in panels.values()])
        for i, (axes, (title, panel)) in enumerate(zip(grid, panels.items(), strict=True)):
            image = axes.imshow(panel, cmap="coolwarm", vmin=-largest, vmax=largest)
            for (row, column), value in np.ndenumerate(panel):
                colour = ink_on(image.cmap(image.norm(value)))
                said = f"{value:.2f}".replace("-", "−")
                axes.text(column, row, said, ha="center", va="center", fontsize=7.5, color=colour)
            sign = ("·", "·", "=", "")[i]
            axes.set_title(f"{title}  ({panel.shape[0]} × {panel.shape[1]})", loc="left")
            axes.set(xticks=[], yticks=[])
            axes.text(1.06, 0.5, sign, transform=axes.transAxes, fontsize=16, va="center", ha="center")
    caption = Text(
        "The weights of a trained stack of three linear layers, and their product: the one layer that the stack is.",
        "학습이 끝난 선형층 세 개의 가중치와 그 곱. 세 층은 결국 이 한 층과 같다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _bent(records: Records, lang: Lang) -> Picture:
    from matplotlib.lines import Line2D

    x, made = records["sine x"], records["bent"]
    styles = {
        ("linear", 1): (2, "-", 4.5),
        ("linear", 2): (1, "-", 2.4),
        ("linear", 8): (0, "-", 1.0),
        ("tanh", 2): (3, "-", 1.6),
    }
    with drawing():
        figure = new_figure(3.2, 7.0)
        axes = figure.subplots()
        grid_lines(axes)
        handles, names = [], []
        for (activation, depth), (colour, line, width) in styles.items():
            networks = made[activation, depth]
            axes.plot(x, networks.answers(0, networks.data.x_train), line, color=SERIES[colour], linewidth=width)
            handles.append(Line2D([], [], color=SERIES[colour], linewidth=width))
            names.append(
                Text("{a}, {n} hidden", "{a}, 은닉층 {n}개").filled(a=ACTIVATIONS[activation], n=depth).to(lang)
            )
        axes.plot(x, made["tanh", 2].data.y_train, ".", color="0.6", markersize=3, zorder=0)
        axes.set(xlabel="x", ylabel="y")
        legend_above(figure, handles, names)
    caption = Text(
        "A noisy sine. One, two and eight linear layers give one and the same line (drawn thick to thin); two layers of tanh bend.",
        "잡음 섞인 사인. 선형층은 1개든 2개든 8개든 똑같은 직선 하나이다(굵은 선부터 겹쳐 그렸다). tanh 층 두 개는 휘어진다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _convergence(records: Records, lang: Lang) -> Picture:
    label = Text("loss over the least one, minus 1", "손실 ÷ 최소 손실 − 1").to(lang)
    panels = {}
    for key, (title, *_) in FITS.items():
        steps, loss = history(records["runs"][key].trials, "history_train_loss")
        panels[title.to(lang)] = [Curve(label, steps, np.minimum(loss / records["best"][key] - 1, 1e6))]
    figure = curves(panels, Text("step", "스텝").to(lang), label, lang, floor=1e-6)
    caption = Text(
        "How far stacks are from the best single layer while they train; 10⁻⁶ stands for that and less. "
        "A hidden layer of one unit cannot tell three classes apart.",
        "학습하는 동안 가장 좋은 선형층 하나와의 차이. 10⁻⁶은 그 이하를 뜻한다. 유닛이 하나뿐인 은닉층은 범주 셋을 가르지 못한다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _arrivals(records: Records, lang: Lang) -> Picture:
    names = {"adam": "Adam", "descent": Text("gradient descent, rate 0.1", "경사하강법, 학습률 0.1").to(lang)}
    groups = {
        FITS[str(depth)][0].to(lang): {name: _arrived(records, depth, runs) for runs, name in names.items()}
        for depth in HIDDEN
    }
    figure = shares(groups, Text("seeds within 1 % of the least loss, %", "최소 손실의 1 % 안에 든 시드, %").to(lang))
    caption = Text(
        "The same solution, but not the same way: with more layers plain gradient descent at this rate blows up more often. Lines are 95 % intervals.",
        "해는 같아도 가는 길은 다르다. 층이 많을수록 이 학습률의 경사하강법은 더 자주 발산한다. 선은 95 % 구간.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _xor_curves(records: Records, lang: Lang) -> Picture:
    panels = {}
    for depth in HIDDEN:
        title = Text("hidden layers: {n}", "은닉층 {n}개").filled(n=depth).to(lang)
        panels[title] = [
            Curve(name.to(lang), *history(records["xor"][activation, depth].trials, "history_train_loss"))
            for activation, name in ACTIVATIONS.items()
        ]
    figure = curves(
        panels, Text("step", "스텝").to(lang), Text("mean squared error", "평균제곱오차").to(lang), lang, columns=4
    )
    caption = Text(
        "XOR: with linear layers the loss stays at 1/4 at every depth; with tanh it goes to 0. "
        "10⁻¹² stands for that and less.",
        "XOR. 선형층이면 몇 층이든 손실이 1/4에 머물고, tanh이면 0으로 간다. 10⁻¹²은 그 이하를 뜻한다.",
    ).to(lang)
    return Picture(figure, caption, caption)


LINEAR_STACK = Phenomenon(
    name="linear-stack",
    aliases=("p9",),
    summary="are many linear layers more than one?",
    number=9,
    title=Text("A stack of linear layers", "선형층 쌓기"),
    question=Text(
        "What do many layers gain if no layer has an activation function?",
        "활성화 함수가 없는 층은 여러 개를 쌓으면 무엇이 나아질까?",
    ),
    explanation=prose(
        """
        A layer without an activation function is y = xW + b. Put a second one behind it and you get
        (xW₁ + b₁)W₂ + b₂ = x(W₁W₂) + (b₁W₂ + b₂): again one matrix and one bias. So it goes on: the whole stack is
        one linear layer whose matrix is the product. The trained stacks agree with their product to the last digits, at every depth.

        What a stack can fit is therefore no more than what one layer can. With Adam it ends at the least squares
        solution with one hidden layer or with eight, and on XOR it stays at a loss of 1/4, the answer 1/2 to everything.
        Replace the activation by tanh and change nothing else, and XOR is learned at every depth.

        It can be less, though. A product is never of higher rank than its narrowest factor: a hidden layer of one unit
        leaves a single number for three classes, and the loss is more than twice the least one. And the way to the solution
        is not the same. The loss is no longer a bowl in the weights; each layer multiplies the others' gradients. Plain
        gradient descent at rate 0.1 always arrives with one hidden layer; with two some seeds blow up, with eight most do
        not arrive.
        """,
        """
        활성화 함수가 없는 층은 y = xW + b이다. 그 뒤에 하나를 더 붙이면
        (xW₁ + b₁)W₂ + b₂ = x(W₁W₂) + (b₁W₂ + b₂)가 되어 다시 행렬 하나와 편향 하나이다. 몇 개를 쌓아도 마찬가지여서,
        전체는 행렬들의 곱을 가중치로 하는 선형층 하나와 같다. 실제로 학습한 신경망의 출력은 깊이에 상관없이 이 곱의
        출력과 끝자리까지 일치한다.

        따라서 선형층을 쌓아서 맞출 수 있는 것은 선형층 하나로 맞출 수 있는 것보다 많지 않다. Adam으로 학습하면 은닉층이 1개든 8개든
        최소제곱 해에 이른다. XOR에서는 모든 입력에 1/2로 답하는 손실 1/4에 머문다. 다른 것은 그대로 두고 활성화
        함수만 tanh로 바꾸면 어느 깊이에서나 XOR을 배운다.

        오히려 못할 수는 있다. 행렬 곱의 계수(rank)는 가장 좁은 층의 너비를 넘지 못한다. 은닉 유닛이 하나뿐이면 범주 셋을
        숫자 하나로 갈라야 하고, 손실은 최솟값의 두 배를 넘는다. 해로 가는 길도 같지 않다. 손실은 더는 가중치에 대해
        그릇 모양이 아니고, 층마다 다른 층의 기울기에 곱해진다. 그래서 학습률 0.1의 경사하강법은 은닉층이 하나일 때는 언제나
        해에 이르지만, 둘이면 발산하는 시드가 나오고 여덟이면 대부분 해에
        이르지 못한다.
        """,
    ),
    seeds=(64, 256),
    seconds=(4.0, 10.0),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="collapses",
            text=Text("A stack of linear layers answers as the product of its matrices does.", "선형층을 쌓은 신경망의 출력은 행렬들을 곱한 층 하나의 출력과 같다."),
            rule=Text(
                "Trained on ten inputs for 200 steps, one seed a depth; largest difference over the largest answer, at most 1e-9.",
                "입력 10개로 200스텝 학습한 신경망, 깊이마다 시드 하나. 차이의 최댓값 ÷ 출력의 최댓값이 1e-9 이하.",
            ),
            decide=_collapses,
        ),
        Claim(
            key="same-fit",
            text=Text("However many linear layers, the fit is that of one.", "선형층이 몇 개든 맞춘 결과는 하나일 때와 같다."),
            rule=Text(
                "Median over seeds of the loss over the least one of a single layer, minus 1, below 0.01; sign test.",
                "시드별 (손실 ÷ 선형층 하나의 최소 손실 − 1)의 중앙값이 0.01보다 작은지 부호검정.",
            ),
            decide=_same_fit,
        ),
        Claim(
            key="same-way",
            text=Text("Gradient descent finds it at every depth.", "경사하강법은 깊이에 상관없이 그 해를 찾는다."),
            rule=Text(
                "Rate 0.1, 1000 steps; holds for a depth if Wilson's 95 % interval of the share within 1 % of the least loss lies above 90 %.",
                "학습률 0.1, 1000스텝. 최소 손실의 1 % 안에 든 비율의 윌슨 95 % 구간 전체가 90 %보다 크면 그 깊이에서 성립.",
            ),
            decide=_descent,
        ),
        Claim(
            key="xor-needs-more",
            text=Text("No depth of such a stack learns XOR.", "이렇게 쌓아서는 몇 층이든 XOR을 배우지 못한다."),
            rule=Text(
                "Median over seeds of the final mean squared error, above 0.249 (1/4 is the answer 1/2 to everything); sign test.",
                "시드별 최종 평균제곱오차의 중앙값이 0.249보다 큰지 부호검정(모든 입력에 1/2로 답하면 1/4).",
            ),
            decide=_xor,
        ),
    ),
    drawings=(
        Drawing(key="matrices", heading=Text("Three layers and their product", "세 층과 그 곱"), draw=_matrices),
        Drawing(key="fits", heading=Text("The same line", "똑같은 직선"), draw=_bent),
        Drawing(key="loss", heading=Text("The way to the solution", "해로 가는 길"), draw=_convergence),
        Drawing(key="arrivals", heading=Text("Which seeds arrive", "해에 이르는 시드"), draw=_arrivals),
        Drawing(key="xor", heading=Text("XOR with linear layers and with tanh", "선형층과 tanh의 XOR"), draw=_xor_curves),
    ),
)  # fmt: skip
