"""P1: sigmoid layers stacked on OR, with Keras' small weights, until nothing is learned."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability.lab.figures.curves import Curve, curves
from trainability.lab.figures.layers import layers
from trainability.lab.figures.shares import shares
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.text import Lang, Text, prose
from trainability.lab.verdicts import Verdict, everywhere, median, share
from trainability.report.gather import history, trials_of
from trainability.report.style import Picture
from trainability.report.words import number

ROWS: Final = 240
"""The notes do not say how many; with so many the shallow network ends near the loss that they report."""
EPOCH: Final = round(0.8 * ROWS)
"""Steps of an epoch: batches of one, a fifth of the rows held out."""
NOTES: Final[dict[str, Any]] = {
    "samples": ROWS, "validation": 0.2, "width": 2, "activation": "sigmoid", "init": "uniform:0.05", "loss": "mse",
    "output": "sigmoid", "optimizer": "adam", "lr": 0.001, "batch": 1, "epochs": 200,
}  # fmt: skip
MORE: Final = (0, 2, 4, 10)
"""Hidden layers beyond the first two."""
CHANGES: Final[dict[str, tuple[Text, dict[str, Any]]]] = {
    "notes": (Text("as in the notes", "노트 그대로"), {}),
    "init": (Text("Glorot's initialiser", "Glorot 초기화"), {"init": "glorot_uniform"}),
    "width": (Text("16 units a layer", "층마다 유닛 16개"), {"width": 16}),
    "tanh": (Text("tanh", "tanh"), {"activation": "tanh"}),
    "tanh_init": (Text("tanh and Glorot's initialiser", "tanh와 Glorot 초기화"), {
        "activation": "tanh", "init": "glorot_uniform",
    }),
    "rate": (Text("learning rate 0.01", "학습률 0.01"), {"lr": 0.01}),
    "layer_norm": (Text("layer normalisation", "층 정규화"), {"norm": "layer"}),
}  # fmt: skip
REPORTED: Final = {
    0: "1.79e-4 / 0.99993", 2: "3.07e-4 / 0.99990", 4: "1.0e-3 / 0.99981", 10: "0.68906 / 0.68906",
}  # fmt: skip


def run(setting: Setting) -> Records:
    """The four depths of the notes with many seeds and with one, and the deepest with one thing changed at a time."""
    depth = [2 + more for more in MORE]
    return {
        "depths": setting.compare("or_rows", **NOTES, depth=depth),
        "single": {more: setting.with_seeds(1).compare("or_rows", **NOTES, depth=2 + more) for more in MORE},
        "changes": {
            key: setting.compare("or_rows", **{**NOTES, **change}, depth=12) for key, (_, change) in CHANGES.items()
        },
    }


def reported(records: Records) -> tuple[Reported, ...]:
    """The least and the largest answer to the held-out rows, of the first seed."""
    rows = []
    for more in MORE:
        answers = np.array(records["single"][more].portraits["answers"][0])
        ours = f"{number(answers.min())} / {answers.max():.5f}"
        what = Text("answers to OR = 0 and OR = 1, {n} more layers", "OR = 0과 OR = 1에 대한 출력, 층 {n}개 추가")
        rows.append(Reported(what.filled(n=more), REPORTED[more], ours))
    what = Text("accuracy on the held-out rows, {n} more layers", "검증 행의 정확도, 층 {n}개 추가").filled(n=MORE[-1])
    ours = records["single"][MORE[-1]].trials["validation_score"][0]
    return (*rows, Reported(what, "0.5–0.6", f"{ours:.2f}"))


def _final_loss(records: Records, more: int) -> np.ndarray:
    result = records["depths"]
    return trials_of(result.trials, MORE.index(more))["train_loss"].to_numpy()


def _solved(result: Any) -> np.ndarray:
    return result.trials["solved"].to_numpy()


def _deep_learns_nothing(records: Records) -> Verdict:
    said = Text("share of seeds that learn OR with ten more layers", "층을 10개 더했을 때 OR을 학습한 시드의 비율")
    return share(trials_of(records["depths"].trials, 3)["solved"].to_numpy(), said, below=0.05)


def _improves(records: Records) -> Verdict:
    parts = {}
    for more in (2, 4):
        change = np.log10(_final_loss(records, more) / _final_loss(records, 0))
        said = Text(
            "log₁₀ of the final loss over that of no more layers", "추가하지 않은 신경망에 대한 최종 손실 비의 log₁₀"
        )
        parts[f"+{more}"] = median(change, said, below=0.0)
    return everywhere(parts, Text("how many layers are added", "추가한 층의 수"))


def _vanishes(records: Records) -> Verdict:
    _, gradient = history(trials_of(records["depths"].trials, 3), "gradient_rms")
    first, last = gradient[:, 0, 0], gradient[:, 0, -1]
    said = Text(
        "log₁₀ of the first layer's gradient over the last layer's, at the start",
        "시작 시점, 첫 층 기울기 ÷ 마지막 층 기울기의 log₁₀",
    )
    return median(np.log10(np.maximum(first, 1e-45) / last), said, below=-6.0)


def _nothing_helps(records: Records) -> Verdict:
    said = Text("share of seeds that learn", "학습에 성공한 시드의 비율")
    parts = {key: share(_solved(result), said, below=0.05) for key, result in records["changes"].items()}
    on = Text("what else is changed", "함께 바꾼 조건")
    return everywhere(parts, on, {key: label for key, (label, _) in CHANGES.items()})


def _more(more: int, lang: Lang) -> str:
    return Text("{n} more layers", "층 {n}개 추가").filled(n=more).to(lang)


def _panels(records: Records, lang: Lang, measure: str) -> dict[str, list[Curve]]:
    """Training and validation by epoch, of each depth."""
    panels = {}
    names = (Text("training", "훈련").to(lang), Text("validation", "검증").to(lang))
    for i, more in enumerate(MORE):
        group = panels[_more(more, lang)] = []
        for name, split in zip(names, ("train", "validation"), strict=True):
            marks, values = history(trials_of(records["depths"].trials, i), f"history_{split}_{measure}")
            group.append(Curve(name, marks / EPOCH, values, single=True))
    return panels


def _accuracies(records: Records, lang: Lang) -> Picture:
    label = Text("accuracy", "정확도").to(lang)
    figure = curves(
        _panels(records, lang, "score"), Text("epoch", "에폭").to(lang), label, lang, y_scale="linear", columns=4
    )
    caption = Text(
        "Accuracy by epoch. Three rows in four answer 1, so a network that says one constant is right on three in four.",
        "에폭에 따른 정확도. 네 행 가운데 세 행의 답이 1이므로, 상수 하나만 내놓는 신경망도 넷 중 셋은 맞힌다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _curves(records: Records, lang: Lang) -> Picture:
    axes = Text("epoch", "에폭").to(lang), Text("mean squared error", "평균제곱오차").to(lang)
    figure = curves(_panels(records, lang, "loss"), *axes, lang, columns=4)
    caption = Text(
        "Loss while training. Each panel has more sigmoid layers; the deepest stays at the loss of one constant.",
        "훈련 중의 손실. 오른쪽으로 갈수록 시그모이드 층이 많다. 가장 깊은 신경망은 상수 하나만 내놓을 때의 손실에 머문다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _gradients(records: Records, lang: Lang) -> Picture:
    panels = {}
    for i, more in enumerate(MORE):
        _, values = history(trials_of(records["depths"].trials, i), "gradient_rms")
        panels[_more(more, lang)] = {
            Text("at the start", "시작").to(lang): values[:, 0], Text("at the end", "끝").to(lang): values[:, -1],
        }  # fmt: skip
    figure = layers(
        panels,
        Text("layer (the last is the output)", "층 (마지막이 출력층)").to(lang),
        Text("gradient (RMS)", "기울기 (RMS)").to(lang),
        columns=4,
    )
    caption = Text(
        "The gradient of each layer's weights: every sigmoid layer with small weights takes away orders of magnitude.",
        "층별 가중치 기울기. 가중치가 작은 시그모이드 층을 하나 지날 때마다 기울기가 몇 자릿수씩 줄어든다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _rescues(records: Records, lang: Lang) -> Picture:
    groups = {CHANGES[key][0].to(lang): {"": _solved(result)} for key, result in records["changes"].items()}
    figure = shares(groups, Text("seeds that learn OR, %", "OR을 학습한 시드, %").to(lang))
    caption = Text(
        "Twelve hidden layers of two with one thing changed at a time; the lines are 95 % intervals.",
        "유닛 2개짜리 은닉층 12개. 한 번에 한 가지만 바꾸었다. 선은 95 % 구간.",
    ).to(lang)
    return Picture(figure, caption, caption)


OR_DEPTH = Phenomenon(
    name="or-depth",
    aliases=("p1",),
    summary="does OR survive ten more sigmoid layers?",
    number=1,
    title=Text("OR through many sigmoid layers", "시그모이드 층을 쌓아 OR 배우기"),
    question=Text(
        "Two hidden sigmoid layers learn OR. What do two, four and ten more layers do?",
        "시그모이드 은닉층 두 개는 OR을 배운다. 층을 2개, 4개, 10개 더하면 어떻게 될까?",
    ),
    explanation=prose(
        """
        Keras' RandomUniform starts every weight within ±0.05. A sigmoid turns numbers near 0 into numbers near 0.5,
        and its slope there is 1/4. So on the way back each layer multiplies the gradient by about 1/4 times a
        weight of 0.03: two orders of magnitude a layer at width 2. With ten more layers the first layer gets less
        than a billionth of a billionth of the last layer's gradient, and forwards the same happens to the
        difference between two inputs: all rows look alike to the output unit. What is left to learn is its bias,
        and the best constant for rows of which three in four answer 1 is near 0.75; that is the one number that the
        network says to everything.

        Two or four more layers still learn, but later: the loss stays on its plateau until Adam has made the
        weights large enough. At the same number of epochs they end with a larger loss, not a smaller one; the notes
        read their figures as an improvement.

        Depth alone is not the cause: twelve layers of tanh learn OR from the same small weights, since tanh's slope
        at 0 is 1 and its answers are centred. Larger weights alone, wider layers, a larger rate or normalisation
        between layers do little for sigmoid layers; the figure with one change at a time shows it.
        """,
        """
        Keras의 RandomUniform은 모든 가중치를 ±0.05 안에서 시작한다. 시그모이드는 0 근처의 수를
        0.5 근처로 보내고, 그곳의 기울기는 1/4이다. 그래서 역전파 때 층 하나를 지날 때마다 기울기에 약
        1/4과 0.03 크기의 가중치가 곱해진다. 너비가 2이면 층마다 두 자릿수씩 줄어드는 셈이다. 층을 10개
        더하면 첫 층이 받는 기울기는 마지막 층의 10억분의 1의 10억분의 1도 되지 않는다. 이것이 기울기
        소실이다. 순전파에서도 같은 일이 일어난다. 두 입력의 차이가 층마다 줄어들어 출력 유닛에는 모든 행이 똑같아
        보인다. 남는 것은 출력층의 편향뿐이고, 네 행 가운데 세 행의 답이 1인 데이터에서 가장 좋은 상수는 0.75
        근처이다. 신경망은 무엇을 넣어도 이 값만 내놓는다.

        층을 2개나 4개 더한 신경망은 학습이 되기는 하지만 더 오래 걸린다. Adam이 가중치를 충분히 키울 때까지 손실은
        제자리에 머문다. 같은 에폭 수에서 멈추면 손실은 더 작아지는 것이 아니라 더 커진다. 노트는 이 결과를
        개선된 것으로 해석했다.

        깊이만이 원인은 아니다. 같은 작은 가중치에서 시작해도 tanh 층 12개는 OR을 배운다. tanh는 0에서
        기울기가 1이고 출력이 0을 중심으로 하기 때문이다. 시그모이드 층에서는 가중치를 키우거나, 층을 넓히거나,
        학습률을 올리거나, 층 사이를 정규화하는 것만으로는 거의 나아지지 않는다. 한 번에 한 가지씩 바꾼 그림에서
        이를 확인할 수 있다.
        """,
    ),
    seeds=(128, 256),
    seconds=(8.0, 15.0),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="deep-learns-nothing",
            text=Text("With ten more sigmoid layers OR is not learned.", "시그모이드 층을 10개 더하면 OR을 배우지 못한다."),
            rule=Text(
                "Holds if Wilson's 95 % interval of the share that learns lies below 5 %.",
                "학습에 성공한 시드 비율의 윌슨 95 % 구간 전체가 5 %보다 작으면 성립.",
            ),
            decide=_deep_learns_nothing,
        ),
        Claim(
            key="more-layers-improve",
            text=Text("Two and four more layers improve the result.", "층을 2개, 4개 더하면 결과가 좋아진다."),
            rule=Text(
                "Per seed, final loss against that of no more layers; sign test of the median of the log ratio, below 0.",
                "같은 시드끼리 최종 손실을 비교한다. 로그 비의 중앙값이 0보다 작은지 부호검정으로 판정.",
            ),
            decide=_improves,
        ),
        Claim(
            key="gradient-vanishes",
            text=Text(
                "At the start, less than a millionth of the last layer's gradient reaches the first of twelve layers.",
                "시작할 때 12층 신경망의 첫 층에는 마지막 층 기울기의 백만분의 1도 닿지 않는다.",
            ),
            rule=Text("Median over seeds of log₁₀ of the ratio, below −6; sign test.", "시드별 비의 log₁₀ 중앙값이 −6보다 작은지 부호검정."),
            decide=_vanishes,
        ),
        Claim(
            key="depth-is-the-cause",
            text=Text("Twelve layers of two learn nothing, whatever else is changed.", "유닛 2개짜리 12층은 다른 무엇을 바꾸어도 배우지 못한다."),
            rule=Text(
                "One change at a time; holds for a change if the interval of the share that learns lies below 5 %.",
                "한 번에 한 가지만 바꾼다. 학습에 성공한 비율의 구간 전체가 5 %보다 작으면 그 조건에서 성립.",
            ),
            decide=_nothing_helps,
        ),
    ),
    drawings=(
        Drawing(key="loss", heading=Text("Training and validation loss", "훈련 손실과 검증 손실"), draw=_curves),
        Drawing(key="accuracy", heading=Text("Training and validation accuracy", "훈련 정확도와 검증 정확도"), draw=_accuracies),
        Drawing(key="gradients", heading=Text("Gradient per layer", "층별 기울기"), draw=_gradients),
        Drawing(key="rescues", heading=Text("What rescues twelve layers", "12층을 살리는 방법"), draw=_rescues),
    ),
)  # fmt: skip
