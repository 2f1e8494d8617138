"""P15: softmax turns scores into probabilities; maxout contains ReLU and leaky ReLU."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability import activations
from trainability.core.types import Dataset
from trainability.lab.figures.curves import Curve, curves
from trainability.lab.figures.shares import shares
from trainability.lab.maxout import best_two_pieces, difference_from_maxout, two_pieces
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.probabilities import OUTPUTS, are_probabilities, plain_softmax, softmax
from trainability.lab.text import Lang, Text, prose, same
from trainability.lab.trained import train
from trainability.lab.verdicts import Verdict, at_most, everywhere, share, shares_differ
from trainability.report.gather import history
from trainability.report.style import INK, SERIES, Picture, drawing, grid_lines, legend_above, new_figure
from trainability.report.words import number

CLASSES: Final = 10
VECTORS: Final = 64
"""Vectors of scores that a seed draws."""
SCALES: Final = (1.0, 10.0, 100.0, 1000.0)
SCORES: Final = np.array([2.0, 1.0, 0.0, -1.0, -2.0])
FACTORS: Final = (0.5, 1.0, 3.0)
DIGITS: Final[dict[str, Any]] = {
    "depth": 1, "width": 16, "activation": "tanh", "batch": 32, "epochs": 20,
}  # fmt: skip
TRAININGS: Final[dict[str, tuple[Text, dict[str, Any]]]] = {
    "adam": (Text("Adam, rate 0.005", "Adam, 학습률 0.005"), {"optimizer": "adam", "lr": 0.005}),
    "descent": (Text("gradient descent, rate 0.1", "경사하강법, 학습률 0.1"), {"optimizer": "sgd", "lr": 0.1}),
    "fast": (Text("gradient descent, rate 1", "경사하강법, 학습률 1"), {"optimizer": "sgd", "lr": 1.0}),
    "large": (Text("Adam, large first weights", "Adam, 큰 초기 가중치"), {"optimizer": "adam", "lr": 0.005, "init": "normal:2"}),
}  # fmt: skip
LOSSES: Final = {
    "cross_entropy": Text("cross-entropy", "교차 엔트로피"),
    "mse": Text("mean squared error", "평균제곱오차"),
}
WITH: Final = {"cross_entropy": {"loss": "cross_entropy"}, "mse": {"loss": "mse", "output": "softmax"}}
"""The cross-entropy takes logits and applies softmax itself."""
X: Final = np.linspace(-3, 3, 121)
TARGETS: Final = {
    "relu": same("ReLU"), "leaky_relu:0.1": same("Leaky ReLU (0.1)"), "expr:abs(x)": same("|x|"), "elu": same("ELU"),
    "softplus": same("softplus"), "tanh": same("tanh"),
}  # fmt: skip
UNIT: Final[dict[str, Any]] = {"activation": "maxout:2", "loss": "mse", "lr": 0.02, "steps": 2000, "batch": 32}
UNITS: Final = (1, 4, 8)
LEARNED: Final = 0.01
DUELS: Final[dict[str, tuple[Text, str, dict[str, Any], int, int]]] = {
    "xor": (Text("XOR, 29 weights", "XOR, 가중치 29개"), "xor", {"depth": 1, "steps": 2000}, 4, 7),
    "xor-deep": (Text("XOR, nine layers, about 350 weights", "XOR, 9층, 가중치 약 350개"), "xor", {"depth": 9, "steps": 2000}, 4, 6),
    "moons": (Text("two moons, 57 weights", "초승달 두 개, 가중치 57개"), "moons", {"depth": 1, "epochs": 100}, 8, 14),
    "circle": (Text("circle, 29 weights", "원, 가중치 29개"), "circle", {"depth": 1, "epochs": 100}, 4, 7),
    "parity": (Text("parity of 4 bits, 67 weights", "4비트 패리티, 가중치 67개"), "parity:4", {"depth": 1, "steps": 2000}, 6, 11),
}  # fmt: skip
"""Name, problem, settings, maxout units (two pieces each), ReLU units: equal numbers of weights, nearly so for the deep."""


def run(setting: Setting) -> Records:
    """Softmax on random scores, both losses on digits, maxout set by hand and by training, maxout against ReLU."""
    generator = np.random.Generator(np.random.Philox(setting.seed))
    scores = generator.standard_normal((setting.seeds * VECTORS, CLASSES))
    right = generator.integers(CLASSES, size=len(scores))
    none = np.zeros((0, 1))
    wanted = {name: activations.numpy_function(activations.choose(name))(X) for name in TARGETS}
    cells = {}
    for name, y in wanted.items():
        data = Dataset(name, "regression", X[:, None], y[:, None], none, none, ("x",), (), ("y",), "r2>=0.9999")
        for units in UNITS:
            cells[name, units] = (data, {**UNIT, "hidden": str(units)})
    learned = train(setting, X[:, None], cells)
    return {
        "sums": {
            **{f"plain-{scale:g}": are_probabilities(plain_softmax(scale * scores)) for scale in SCALES},
            "shifted-1000": are_probabilities(softmax(SCALES[-1] * scores)),
        },
        "undefined": {key: ~(f(scores)[np.arange(len(scores)), right] > 0) for key, (_, f) in OUTPUTS.items()},
        "digits": {
            (key, loss): setting.compare("digits", **{**DIGITS, **training, **settings})
            for key, (_, training) in TRAININGS.items()
            for loss, settings in WITH.items()
        },
        "wanted": wanted,
        "best": {name: two_pieces(*best_two_pieces(X, y), X) for name, y in wanted.items()},
        "answers": {key: made.answers[..., 0] for key, made in learned.items()},
        "networks": {
            name: difference_from_maxout(name, alpha, generator, setting.seeds)
            for name, alpha in (("relu", 0.0), ("leaky_relu:0.01", 0.01))
        },
        "duels": {
            (key, name): setting.compare(problem, **settings, width=width, activation=name, lr=0.01)
            for key, (_, problem, settings, maxout, relu) in DUELS.items()
            for name, width in (("maxout:2", maxout), ("relu", relu))
        },
    }


def relative_error(answers: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Root mean square error over the deviation of what is wanted, shape (trials,)."""
    return np.sqrt(np.mean((answers - wanted) ** 2, axis=-1)) / wanted.std()


def reported(records: Records) -> tuple[Reported, ...]:
    """The notes say that softmax sums to 1 and that maxout contains ReLU; they give no figures."""
    what = Text("softmax of the scores 2, 1, 0, −1, −2 and its sum", "점수 2, 1, 0, −1, −2의 소프트맥스와 그 합")
    p = softmax(SCORES)
    ours = f"{', '.join(number(float(v), 2) for v in p)}; {number(float(p.sum()))}"
    agree = Text(
        "largest difference of a maxout layer set to (z, 0) from a ReLU layer",
        "조각을 (z, 0)으로 정한 맥스아웃 층과 ReLU 층의 최대 차이",
    )
    return Reported(what, "1", ours), Reported(agree, "0", number(records["networks"]["relu"]))


def _sums(records: Records) -> Verdict:
    said = Text("share of score vectors whose answers are probabilities", "출력이 확률이 되는 점수 벡터의 비율")
    parts = {key: share(found, said, above=0.99) for key, found in records["sums"].items()}
    labels = {
        f"plain-{scale:g}": Text("exp(z)/Σ exp(z), scores of size {s}", "exp(z)/Σ exp(z), 점수의 크기 {s}").filled(
            s=f"{scale:g}"
        )
        for scale in SCALES
    }
    labels["shifted-1000"] = Text("largest score taken off first, size 1000", "가장 큰 점수를 먼저 뺌, 크기 1000")
    return everywhere(parts, Text("the scores' size and how it is computed", "점수의 크기와 계산하는 방법"), labels)


def _undefined(records: Records) -> Verdict:
    said = Text(
        "share of vectors for which −log of the right class's output does not exist",
        "정답 클래스 출력의 −log가 정의되지 않는 벡터의 비율",
    )
    parts = {key: share(found, said, above=0.05) for key, found in records["undefined"].items() if key != "softmax"}
    return everywhere(
        parts,
        Text("what stands in softmax's place", "소프트맥스 대신 쓰는 것"),
        {key: label for key, (label, _) in OUTPUTS.items()},
    )


def _cross_entropy(records: Records) -> Verdict:
    said = Text(
        "share of seeds, ties left out, that cross-entropy gets more digits right",
        "교차 엔트로피 쪽이 더 정확한 시드의 비율 (동점 제외)",
    )
    parts = {}
    for key in TRAININGS:
        ours, other = (records["digits"][key, loss].trials["validation_score"].to_numpy() for loss in LOSSES)
        parts[key] = share((ours > other)[ours != other], said, above=0.5)
    return everywhere(
        parts, Text("how it is trained", "훈련 방법"), {key: label for key, (label, _) in TRAININGS.items()}
    )


def _contains(records: Records) -> Verdict:
    said = Text(
        "error of the best two pieces over the function's deviation", "가장 좋은 두 조각의 오차 ÷ 함수의 표준편차"
    )
    parts = {
        name: at_most(float(relative_error(records["best"][name], y)), 1e-12, said, len(X))
        for name, y in records["wanted"].items()
    }
    return everywhere(parts, Text("the function", "함수"), TARGETS)


def _learns(records: Records) -> Verdict:
    said = Text("share of seeds that learn the function to 1 %", "함수를 1 % 오차로 학습한 시드의 비율")
    parts, labels = {}, {}
    for name in ("relu", "leaky_relu:0.1", "expr:abs(x)"):
        for units in UNITS:
            key = f"{name} {units}"
            learned = relative_error(records["answers"][name, units], records["wanted"][name]) < LEARNED
            parts[key] = share(learned, said, above=0.95)
            labels[key] = Text("{f}, units: {n}", "{f}, 유닛 {n}개").filled(f=TARGETS[name], n=units)
    return everywhere(parts, Text("the function and the number of units", "함수와 유닛 수"), labels)


def _duels(records: Records) -> Verdict:
    said = Text(
        "difference of the shares that learn, maxout minus ReLU", "학습에 성공한 시드 비율의 차이 (맥스아웃 − ReLU)"
    )
    parts = {}
    for key in DUELS:
        ours, other = (records["duels"][key, name].trials["solved"].to_numpy() for name in ("maxout:2", "relu"))
        parts[key] = shares_differ(ours, other, said, paired=False)
    return everywhere(parts, Text("the problem", "문제"), {key: duel[0] for key, duel in DUELS.items()})


def _draw_softmax(records: Records, lang: Lang) -> Picture:
    panels = [(Text("scores z", "점수 z").to(lang), SCORES)]
    for factor in FACTORS:
        p = softmax(factor * SCORES)
        title = Text("softmax of {k} z, sum {s}", "{k} z의 소프트맥스, 합 {s}").filled(
            k=f"{factor:g}", s=number(float(p.sum()))
        )
        panels.append((title.to(lang), p))
    with drawing():
        figure = new_figure(2.7)
        grid = figure.subplots(1, 4)
        for i, (axes, (title, values)) in enumerate(zip(grid, panels, strict=True)):
            bars = axes.bar(range(1, 6), values, color=SERIES[0] if not i else SERIES[1])
            axes.bar_label(bars, [_short(float(v)) for v in values], fontsize=7.5, padding=2)
            axes.axhline(0, color=INK, linewidth=0.6)
            axes.set_title(title, loc="left")
            axes.set_ylim(*((-2.6, 2.6) if not i else (0, 1.12)))
            axes.set_xticks(range(1, 6))
            axes.set_xlabel(Text("class", "클래스").to(lang))
            grid_lines(axes)
    caption = Text(
        "Five scores and what softmax makes of them: shares that sum to 1. The larger the scores, the nearer the largest "
        "one's share is to 1.",
        "다섯 점수와 그 소프트맥스. 합이 1인 비율이 된다. 점수를 키울수록 가장 큰 점수의 비율이 1에 가까워진다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _short(value: float) -> str:
    return "< 0.01" if 0 < value < 0.01 else f"{value:.2g}".replace("-", "−")


def _draw_digits(records: Records, lang: Lang) -> Picture:
    panels = {
        label.to(lang): [
            Curve(name.to(lang), *history(records["digits"][key, loss].trials, "history_validation_score"))
            for loss, name in LOSSES.items()
        ]
        for key, (label, _) in TRAININGS.items()
    }
    figure = curves(
        panels, Text("step", "스텝").to(lang), Text("accuracy, held-out digits", "검증용 숫자 정확도").to(lang), lang,
        y_scale="linear", columns=4,
    )  # fmt: skip
    caption = Text(
        "A softmax output on handwritten digits, trained with each loss.",
        "소프트맥스 출력으로 손글씨 숫자를 분류하는 신경망을 두 손실로 훈련한 결과.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _draw_maxout(records: Records, lang: Lang) -> Picture:
    from matplotlib.lines import Line2D

    with drawing():
        figure = new_figure(4.6)
        grid = figure.subplots(2, 3, sharex=True)
        for axes, (name, label) in zip(grid.flat, TARGETS.items(), strict=True):
            y = records["wanted"][name]
            for answers in records["answers"][name, 1][:32]:
                axes.plot(X, answers, color=SERIES[4], linewidth=0.7, alpha=0.5, rasterized=True)
            axes.plot(X, y, color=SERIES[0], linewidth=2.6)
            axes.plot(X, records["best"][name], color=SERIES[1], linewidth=1.4, linestyle=(0, (4, 2)))
            room = 0.15 * np.ptp(y)
            axes.set_ylim(y.min() - room, y.max() + room)
            axes.set_title(label.to(lang), loc="left")
            grid_lines(axes)
        handles = [
            Line2D([], [], color=SERIES[0], linewidth=2.6), Line2D([], [], color=SERIES[1], linestyle=(0, (4, 2))),
            Line2D([], [], color=SERIES[4]),
        ]  # fmt: skip
        names = (
            Text("function", "함수"),
            Text("best two pieces", "가장 좋은 두 조각"),
            Text("one trained unit, 32 seeds", "훈련한 유닛 하나, 시드 32개"),
        )
        legend_above(figure, handles, [name.to(lang) for name in names])
    caption = Text(
        "One maxout unit of two pieces. It can be ReLU, leaky ReLU and |x| exactly, but nothing that is round. Some trained "
        "units stay a straight line: their second piece is never the larger one and gets no gradient.",
        "조각이 두 개인 맥스아웃 유닛 하나. ReLU, Leaky ReLU, |x|와는 정확히 같아질 수 있지만 둥근 함수와는 같아질 수 없다. "
        "훈련한 유닛 가운데 일부는 직선에 머문다. 둘째 조각이 한 번도 더 크지 않아 기울기를 받지 못하기 때문이다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _draw_duels(records: Records, lang: Lang) -> Picture:
    names = {"maxout:2": Text("maxout", "맥스아웃"), "relu": same("ReLU")}
    groups = {
        duel[0].to(lang): {
            label.to(lang): records["duels"][key, name].trials["solved"].to_numpy() for name, label in names.items()
        }
        for key, duel in DUELS.items()
    }
    figure = shares(groups, Text("seeds that learn, %", "학습에 성공한 시드, %").to(lang))
    caption = Text(
        "Maxout against ReLU with the same number of weights; the lines are 95 % intervals.",
        "가중치 수가 같은 맥스아웃 신경망과 ReLU 신경망. 선은 95 % 구간.",
    ).to(lang)
    return Picture(figure, caption, caption)


SOFTMAX_MAXOUT = Phenomenon(
    name="softmax-maxout",
    aliases=("p15",),
    summary="what do softmax and maxout do that others do not?",
    number=15,
    title=Text("Softmax and maxout", "소프트맥스와 맥스아웃"),
    question=Text(
        "Softmax makes probabilities of scores, and maxout is said to contain ReLU. What are they good for?",
        "소프트맥스는 점수를 확률로 바꾸고, 맥스아웃은 ReLU를 포함한다고 한다. 둘은 무엇에 좋을까?",
    ),
    explanation=prose(
        """
        Softmax takes the exponential of every score and divides by the sum. What comes out is positive and sums to 1, so
        it can be read as probabilities, and the logarithm in the cross-entropy always exists; of raw scores half are
        negative and have none. A sigmoid on every score has a logarithm too, but those answers do not sum to 1. Written as
        it stands, the formula overflows for scores above 709; programs take the largest score off first, which
        changes nothing else.

        The cross-entropy fits softmax: the gradient by the scores is p − y, so a confident wrong answer is pulled hard. The
        squared error multiplies that by the slope of softmax, which is near 0 just there. Gradient descent
        and large first weights show it. Adam divides the gradient's size away: from usual weights the squared
        error is as good, even a little better.

        Maxout is the larger of two lines. With the lines z and 0 it is ReLU, with z and αz leaky ReLU, exactly. It can be
        nothing that bends smoothly or both ways, such as ELU or tanh. Training a single unit often fails: a
        line that is nowhere the larger one gets no gradient, so maxout units can die by halves. Among eight units it
        hardly matters. Each unit costs twice the weights: with equal numbers, maxout learns XOR more often than ReLU,
        above all in deep networks, and moons, circle and parity less often.
        """,
        """
        소프트맥스는 점수마다 지수함수를 씌운 뒤 그 합으로 나눈다. 결과는 모두 양수이고 합이 1이므로 확률로 읽을 수 있고,
        교차 엔트로피에 쓰이는 로그도 언제나 정의된다. 점수를 그대로 쓰면 절반이 음수여서 로그를 취할 수 없다. 점수마다 시그모이드를
        씌워도 로그는 정의되지만 합이 1이 되지 않는다. 식을 그대로 계산하면 점수가 709를 넘을 때 오버플로가 나므로,
        실제로는 가장 큰 점수를 먼저 빼고 계산한다. 그래도 값은 달라지지 않는다.

        교차 엔트로피는 소프트맥스와 잘 맞는다. 점수에 대한 기울기가 p − y이므로 자신 있게 틀린 답일수록 세게 고쳐진다.
        평균제곱오차에서는 여기에 소프트맥스의 기울기가 곱해지는데, 바로 그런 곳에서 이 값이 0에 가깝다. 경사하강법을 쓰거나
        처음 가중치가 클 때 그 차이가 드러난다. Adam은 기울기의 크기를 나누어 없애므로, 보통의 초기 가중치에서는
        평균제곱오차도 뒤지지 않고 오히려 조금 낫다.

        맥스아웃은 두 직선 가운데 큰 쪽이다. 두 직선이 z와 0이면 ReLU, z와 αz이면 Leaky ReLU와 정확히 같다. ELU처럼
        둥글게 휘거나 tanh처럼 양쪽으로 휘는 함수는 될 수 없다. 유닛 하나만 훈련하면 실패가 잦다. 어디에서도 더 크지 않은 직선은 기울기를
        받지 못하므로, 맥스아웃 유닛도 반쪽이 죽을 수 있다. 유닛이 8개면 거의 문제가 되지 않는다. 유닛마다 가중치가 두 배로
        들기 때문에 가중치 수를 맞추어 견주면, 맥스아웃은 XOR에서, 특히 깊은 신경망일 때, ReLU보다 자주 학습에 성공하지만
        초승달, 원, 패리티에서는 덜 성공한다.
        """,
    ),
    seeds=(32, 256),
    seconds=(5.0, 24.0),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="softmax-is-a-probability",
            text=Text("exp(z)/Σ exp(z) turns any scores into probabilities that sum to 1.", "exp(z)/Σ exp(z)는 어떤 점수든 합이 1인 확률로 바꾼다."),
            rule=Text(
                "Each seed draws 64 vectors of 10 normal scores. Holds if Wilson's 95 % interval of the share with answers ≥ 0 and a sum within 1e-12 of 1 lies above 99 %.",
                "시드마다 정규분포에서 점수 10개짜리 벡터 64개를 뽑는다. 출력이 0 이상이고 합이 1에서 1e-12 안에 있는 비율의 윌슨 95 % 구간 전체가 99 %보다 크면 성립.",
            ),
            decide=_sums,
        ),
        Claim(
            key="cross-entropy-needs-softmax",
            text=Text("Without softmax the cross-entropy does not exist for many outputs.", "소프트맥스가 없으면 교차 엔트로피를 계산할 수 없는 출력이 많다."),
            rule=Text(
                "Holds if the interval of the share of vectors whose right class has an output ≤ 0 lies above 5 %.",
                "정답 클래스의 출력이 0 이하인 벡터 비율의 구간 전체가 5 %보다 크면 성립.",
            ),
            decide=_undefined,
        ),
        Claim(
            key="cross-entropy-learns-better",
            text=Text("With a softmax output, cross-entropy learns better than mean squared error.", "소프트맥스 출력에서는 교차 엔트로피가 평균제곱오차보다 학습이 잘된다."),
            rule=Text(
                "Per seed, accuracy on held-out digits after 20 epochs with each loss. Holds if Wilson's interval of the share of seeds for cross-entropy lies above 1/2.",
                "시드마다 20에폭 뒤 검증용 숫자에 대한 정확도를 두 손실로 잰다. 교차 엔트로피가 더 정확한 시드 비율의 윌슨 구간 전체가 1/2보다 크면 성립.",
            ),
            decide=_cross_entropy,
        ),
        Claim(
            key="maxout-contains",
            text=Text("The larger of two lines can be any activation.", "두 직선 가운데 큰 쪽을 고르는 것만으로 어떤 활성화 함수든 될 수 있다."),
            rule=Text("Computed: of all pairs of lines the best one, on 121 points of [−3, 3]; relative error at most 1e-12.", "계산: 모든 두 직선 가운데 가장 좋은 것, [−3, 3]의 점 121개. 상대오차가 1e-12 이하이면 성립."),
            decide=_contains,
        ),
        Claim(
            key="maxout-learns-them",
            text=Text("Maxout finds ReLU, leaky ReLU and |x| by training.", "맥스아웃은 훈련으로 ReLU, Leaky ReLU, |x|를 찾아낸다."),
            rule=Text("Holds where Wilson's interval of the share of seeds with an error below 1 % lies above 95 %.", "오차가 1 %보다 작은 시드 비율의 윌슨 구간 전체가 95 %보다 크면 그 조건에서 성립."),
            decide=_learns,
        ),
        Claim(
            key="maxout-beats-relu",
            text=Text("With the same number of weights, maxout learns more often than ReLU.", "가중치 수가 같으면 맥스아웃이 ReLU보다 더 자주 학습에 성공한다."),
            rule=Text("Difference of the shares of seeds that reach the target, Newcombe's 95 % interval above 0; Fisher's exact test.", "목표에 이른 시드 비율의 차이. 뉴컴 95 % 구간 전체가 0보다 크면 성립 (피셔 정확검정)."),
            decide=_duels,
        ),
    ),
    drawings=(
        Drawing(key="softmax", heading=Text("From scores to probabilities", "점수에서 확률로"), draw=_draw_softmax),
        Drawing(key="digits", heading=Text("Softmax with two losses", "두 가지 손실로 훈련한 소프트맥스"), draw=_draw_digits),
        Drawing(key="maxout", heading=Text("What a maxout unit can be", "맥스아웃 유닛이 될 수 있는 것"), draw=_draw_maxout),
        Drawing(key="duels", heading=Text("Maxout against ReLU", "맥스아웃과 ReLU"), draw=_draw_duels),
    ),
)  # fmt: skip
