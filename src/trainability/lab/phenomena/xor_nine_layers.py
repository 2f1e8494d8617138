"""P3: nine hidden layers learn XOR with one activation and not with another, and not always with the same."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability.core.records import REGION_SIDE
from trainability.lab.figures.curves import Curve, curves
from trainability.lab.figures.layers import layers
from trainability.lab.figures.regions import maps
from trainability.lab.figures.shares import shares
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.text import Lang, Text, prose, same
from trainability.lab.verdicts import Verdict, everywhere, share, shares_differ
from trainability.report.gather import history
from trainability.report.style import Picture
from trainability.report.words import number

NOTES: Final[dict[str, Any]] = {
    "width": 5, "init": "uniform:1", "loss": "bce", "optimizer": "sgd", "lr": 0.1, "steps": 10_000,
}  # fmt: skip
"""XOR's four rows in every step. The notes name neither weights nor steps; these are the project's first measurement's."""
DEPTH: Final = 9
SHALLOW: Final = 2
DEPTHS: Final = ((SHALLOW, DEPTH), (1, SHALLOW, 3, 5, 7, DEPTH, 12))
ACTIVATIONS: Final = {
    "sigmoid": Text("sigmoid", "시그모이드"),
    "relu": same("ReLU"),
    "leaky_relu:0.01": same("Leaky ReLU 0.01"),
    "tanh": same("tanh"),
    "elu": same("ELU"),
}
CHANGES: Final[dict[str, tuple[Text, dict[str, Any]]]] = {
    "notes": (Text("as in the notes", "노트 그대로"), {}),
    "init": (Text("Glorot's initialiser", "Glorot 초기화"), {"init": "glorot_uniform"}),
    "large": (Text("weights within ±4", "가중치 ±4 범위"), {"init": "uniform:4"}),
    "width": (Text("10 units a layer", "층마다 유닛 10개"), {"width": 10}),
    "rate": (Text("learning rate 1", "학습률 1"), {"lr": 1.0}),
    "adam": (Text("Adam 0.01", "Adam 0.01"), {"optimizer": "adam", "lr": 0.01}),
    "layer_norm": (Text("layer normalisation", "층 정규화"), {"norm": "layer"}),
    "batch_norm": (Text("batch normalisation", "배치 정규화"), {"norm": "batch"}),
    "residual": (Text("residual connections", "잔차 연결"), {"residual": True}),
}  # fmt: skip
CHANGED: Final = ("sigmoid", "relu")
MEASURED: Final = {
    ("sigmoid", DEPTH): 0, ("relu", DEPTH): 49, ("leaky_relu:0.01", DEPTH): 75, ("tanh", DEPTH): 100, ("elu", DEPTH): 99,
    ("sigmoid", SHALLOW): 96, ("relu", SHALLOW): 85,
}  # fmt: skip
"""How many in a hundred of 256 seeds learned, as it was measured before there was a gallery."""


def run(setting: Setting) -> Records:
    """Every activation at every depth, and nine layers of sigmoid and of ReLU with one thing changed at a time."""
    depths = DEPTHS[0 if setting.quick else 1]
    return {
        "depths": {
            (name, depth): setting.compare("xor", **NOTES, activation=name, depth=depth)
            for name in ACTIVATIONS
            for depth in depths
        },
        "changes": {
            (name, key): setting.compare("xor", **{**NOTES, **change}, activation=name, depth=DEPTH)
            for name in CHANGED
            for key, (_, change) in CHANGES.items()
        },
    }


def _solved(records: Records, name: str, depth: int = DEPTH) -> np.ndarray:
    return records["depths"][name, depth].trials["solved"].to_numpy()


def _dead_layer(records: Records, name: str, depth: int = DEPTH) -> np.ndarray:
    """Whether a hidden layer answers 0 to every input at the end, shape (trials,)."""
    _, dead = history(records["depths"][name, depth].trials, "dead")
    return (dead[:, -1, :-1] == 1).any(axis=1)


def reported(records: Records) -> tuple[Reported, ...]:
    """The final accuracy of the first seed, and what of many seeds was known beforehand."""
    what = Text("final accuracy, nine layers of {name}", "{name} 9층의 최종 정확도")
    rows = [
        Reported(
            what.filled(name=ACTIVATIONS[name]), notes, number(records["depths"][name, DEPTH].trials["train_score"][0])
        )
        for name, notes in (("sigmoid", "0.5"), ("relu", "1.0"))
    ]
    many = Text(
        "share of seeds that learn, hidden layers: {n}, {name} (known beforehand from 256 seeds)",
        "학습에 성공한 시드의 비율, 은닉층 {n}개, {name} (앞서 시드 256개로 측정한 값과 비교)",
    )
    for (name, depth), before in MEASURED.items():
        ours = 100 * _solved(records, name, depth).mean()
        rows.append(Reported(many.filled(name=ACTIVATIONS[name], n=depth), f"{before} %", f"{ours:.0f} %"))
    return tuple(rows)


_LEARN: Final = Text("share of seeds that learn XOR", "XOR을 학습한 시드의 비율")


def _sigmoid_never(records: Records) -> Verdict:
    return share(_solved(records, "sigmoid"), _LEARN, below=0.05)


def _relu_learns(records: Records) -> Verdict:
    return share(_solved(records, "relu"), _LEARN, above=0.95)


def _relu_is_best(records: Records) -> Verdict:
    said = Text("share of ReLU minus share of {name}", "ReLU의 비율 − {name}의 비율")
    others = [name for name in ACTIVATIONS if name not in CHANGED]
    parts = {
        name: shares_differ(_solved(records, "relu"), _solved(records, name), said.filled(name=ACTIVATIONS[name]))
        for name in others
    }
    return everywhere(parts, Text("the activation that it is compared with", "비교하는 활성화 함수"), ACTIVATIONS)


def _depth_hurts(records: Records) -> Verdict:
    said = Text("share at two layers minus share at nine", "2층의 비율 − 9층의 비율")
    parts = {
        name: shares_differ(_solved(records, name, SHALLOW), _solved(records, name), said, above=0.1)
        for name in ACTIVATIONS
    }
    return everywhere(parts, Text("the activation", "활성화 함수"), ACTIVATIONS)


def _dead_layers(records: Records) -> Verdict:
    said = Text("of the seeds that fail, the share with a dead layer", "실패한 시드 가운데 층 하나가 통째로 죽은 비율")
    failed = ~_solved(records, "relu")
    return share(_dead_layer(records, "relu")[failed], said, above=0.5)


def _nothing_helps(records: Records) -> Verdict:
    parts = {
        key: share(records["changes"]["sigmoid", key].trials["solved"].to_numpy(), _LEARN, below=0.05)
        for key in CHANGES
    }
    labels = {key: label for key, (label, _) in CHANGES.items()}
    return everywhere(parts, Text("what else is changed", "함께 바꾼 조건"), labels)


def _curves(records: Records, lang: Lang) -> Picture:
    label = Text("training accuracy", "훈련 정확도").to(lang)
    panels = {
        title.to(lang): [
            Curve(label, *history(records["depths"][name, DEPTH].trials, "history_train_score"), single=True)
        ]
        for name, title in ACTIVATIONS.items()
    }
    figure = curves(panels, Text("step", "스텝").to(lang), label, lang, y_scale="linear", columns=5)
    caption = Text(
        "Accuracy of nine hidden layers on XOR's four rows. One ReLU run says little: the band of seeds goes from "
        "guessing to all right.",
        "은닉층 9개가 XOR 네 행을 맞힌 비율. ReLU는 한 번의 실행으로 알 수 있는 것이 거의 없다. 시드에 따라 찍기 "
        "수준부터 전부 맞히는 것까지 나온다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _by_depth(records: Records, lang: Lang) -> Picture:
    groups: dict[str, dict[str, np.ndarray]] = {}
    for (name, depth), result in records["depths"].items():
        group = groups.setdefault(Text("{n} hidden", "은닉층 {n}개").filled(n=depth).to(lang), {})
        group[ACTIVATIONS[name].to(lang)] = result.trials["solved"].to_numpy()
    figure = shares(groups, Text("seeds that learn XOR, %", "XOR을 학습한 시드, %").to(lang))
    caption = Text(
        "How often XOR is learned, by depth and activation. Lines are 95 % intervals.",
        "깊이와 활성화 함수에 따라 XOR을 학습한 시드의 비율. 선은 95 % 구간.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _gradients(records: Records, lang: Lang) -> Picture:
    names = (Text("at the start", "시작").to(lang), Text("at the end", "끝").to(lang))
    panels = {}
    for name, title in ACTIVATIONS.items():
        _, values = history(records["depths"][name, DEPTH].trials, "gradient_rms")
        panels[title.to(lang)] = dict(zip(names, (values[:, 0], values[:, -1]), strict=True))
    figure = layers(
        panels, Text("layer (the last is the output)", "층 (마지막이 출력층)").to(lang),
        Text("gradient (RMS)", "기울기 (RMS)").to(lang), columns=5, floor=1e-9,
    )  # fmt: skip
    caption = Text(
        "The gradient that reaches each layer; 10⁻⁹ stands for that and less. In sigmoid layers it falls to "
        "about a quarter at every layer. In ReLU layers it is either as large as at the output or nothing.",
        "각 층에 닿는 기울기. 10⁻⁹은 그 이하를 뜻한다. 시그모이드에서는 층을 지날 때마다 4분의 1쯤으로 줄어든다. "
        "ReLU에서는 출력층만큼 크거나 아예 없거나 둘 중 하나다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _regions(records: Records, lang: Lang) -> Picture:
    said = {True: Text("{name}: learned", "{name}: 학습 성공"), False: Text("{name}: not learned", "{name}: 학습 실패")}
    panels, points = {}, None
    for name, solved in (("sigmoid", False), ("relu", False), ("relu", True), ("tanh", True)):
        result = records["depths"][name, DEPTH]
        points = points or (result.dataset.x_train, result.dataset.y_train)
        for row in result.portraits.iter_rows(named=True):
            if row["solved"] == solved:
                answers = np.array(row["region"], float).reshape(REGION_SIDE, REGION_SIDE)
                panels[said[solved].filled(name=ACTIVATIONS[name]).to(lang)] = answers
    assert points is not None
    figure = maps(panels, points, low=-0.15, high=1.15, surface=True)
    caption = Text(
        "What single networks answer over the plane, from 0 (blue) to 1 (red); the line is the decision boundary. "
        "The sigmoid network says one constant.",
        "신경망 하나가 평면 위에서 내놓는 답. 0(파랑)부터 1(빨강)까지이고 선은 결정 경계이다. 시그모이드 신경망은 상수 하나만 "
        "내놓는다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _changes(records: Records, lang: Lang) -> Picture:
    groups = {
        label.to(lang): {
            ACTIVATIONS[name].to(lang): records["changes"][name, key].trials["solved"].to_numpy() for name in CHANGED
        }
        for key, (label, _) in CHANGES.items()
    }
    figure = shares(groups, Text("seeds that learn XOR, %", "XOR을 학습한 시드, %").to(lang))
    caption = Text(
        "Nine hidden layers with one thing changed at a time; the lines are 95 % intervals.",
        "은닉층 9개. 한 번에 한 가지만 바꾸었다. 선은 95 % 구간.",
    ).to(lang)
    return Picture(figure, caption, caption)


XOR_NINE_LAYERS = Phenomenon(
    name="xor-nine-layers",
    aliases=("p3",),
    summary="which activations carry XOR through nine layers, and how surely?",
    number=3,
    title=Text("XOR through nine hidden layers", "은닉층 9개로 XOR 배우기"),
    question=Text(
        "Nine hidden layers of five: sigmoid fails on XOR and ReLU learns it. Does ReLU always?",
        "유닛 5개짜리 은닉층 9개. 시그모이드는 XOR을 못 배우고 ReLU는 배운다. ReLU라면 언제나 배울까?",
    ),
    explanation=prose(
        """
        A sigmoid's slope is at most 1/4, so nine sigmoid layers leave the first one a gradient several hundred
        thousand times smaller than the last one's. Forwards the four inputs grow alike in the same measure. Plain
        gradient descent then only moves the output's bias, and the network says 1/2 to everything: accuracy 0.5 for
        every seed.

        ReLU passes the gradient on whole, and the notes' one run reached 1.0. Over many seeds it is about as good as
        the toss of a coin. ReLU's weak point is another one: a unit whose sum is negative for every input answers
        0 and gets no gradient. With five units a layer it happens that all five of some layer die; then nothing
        passes, forwards or back. Most of the failed networks end with such a layer, and none of the successful ones
        can have one.

        Leaky ReLU keeps a hundredth of the slope and fails less often; tanh and ELU, whose slope is 1 at 0 and
        whose answers have both signs, learn nearly always. So depth by itself does not forbid learning: two sigmoid
        layers learn XOR, and even nine do with residual connections, batch normalisation, much larger weights or,
        mostly, with Adam, which divides each gradient by its own size. Glorot's initialiser, more units or a larger
        rate do not help sigmoid. ReLU has other friends: more units make a dead layer rare, while larger weights, a
        larger rate and normalisation do harm here. Read the last figure with both colours.
        """,
        """
        시그모이드의 기울기는 아무리 커도 1/4이다. 그래서 시그모이드 층을 9개 지나면 첫 층에 닿는 기울기는 마지막 층의
        수십만 분의 1로 줄어든다. 순전파에서도 층을 지날수록 네 입력이 서로 비슷해진다. 이렇게 되면
        경사하강법은 출력층의 편향만 움직이고, 신경망은 무엇을 넣어도 1/2이라고 답한다. 어느 시드에서나 정확도는
        0.5이다.

        ReLU는 기울기를 줄이지 않고 넘겨준다. 노트에서는 한 번 돌려 정확도 1.0을 얻었다. 그런데 시드를 바꾸어 가며
        여러 번 돌려 보면 성공은 동전 던지기와 비슷하다. ReLU에는 다른 약점이 있기 때문이다. 모든 입력에서 합이 음수인
        유닛은 0만 내놓고 기울기도 받지 못한다. 층마다 유닛이 5개뿐이면 어떤 층의 다섯 개가 모두 죽는 일이 생긴다.
        그러면 순전파도 역전파도 그 층에서 끊긴다. 실패한 신경망의 대부분이 이렇게 죽은 층을 안고 끝난다.

        Leaky ReLU는 음수 쪽에 100분의 1의 기울기를 남겨 두어 덜 실패한다. 0에서 기울기가 1이고 출력이 음수와
        양수를 오가는 tanh와 ELU는 거의 언제나 학습에 성공한다. 그러니 깊이 자체가 학습을 막는 것은 아니다. 시그모이드도 2층이면
        XOR을 배운다. 9층이라도 잔차 연결이나 배치 정규화를 쓰거나 가중치를 훨씬 크게 잡으면 성공하고, 기울기를 그
        크기로 나누어 쓰는 Adam으로도 대개 성공한다. Glorot 초기화, 더 많은 유닛, 더 큰 학습률은 시그모이드에 도움이 되지
        않는다. ReLU는 사정이 다르다. 유닛을 늘리면 층이 통째로 죽는 일이 드물어지지만, 큰 가중치와 큰 학습률,
        정규화는 여기서 오히려 해롭다. 마지막 그림에서 두 색을 견주어 보자.
        """,
    ),
    seeds=(96, 256),
    seconds=(4.0, 11.0),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="sigmoid-never-learns",
            text=Text("Nine sigmoid layers do not learn XOR.", "시그모이드 9층은 XOR을 배우지 못한다."),
            rule=Text(
                "Holds if Wilson's 95 % interval of the share that learns lies below 5 %.",
                "학습에 성공한 시드 비율의 윌슨 95 % 구간 전체가 5 %보다 작으면 성립.",
            ),
            decide=_sigmoid_never,
        ),
        Claim(
            key="relu-learns",
            text=Text("Nine ReLU layers learn XOR, as the notes' run did.", "노트의 실행처럼 ReLU 9층은 XOR을 배운다."),
            rule=Text(
                "Holds if Wilson's 95 % interval of the share that learns lies above 95 %.",
                "학습에 성공한 시드 비율의 윌슨 95 % 구간 전체가 95 %보다 크면 성립.",
            ),
            decide=_relu_learns,
        ),
        Claim(
            key="relu-is-best",
            text=Text("Through nine layers ReLU learns more often than any other.", "9층에서는 ReLU가 다른 활성화 함수보다 더 자주 학습에 성공한다."),
            rule=Text(
                "Difference of the shares over the same seeds, above 0; Newcombe's interval, McNemar's test.",
                "같은 시드끼리 비교한 비율의 차가 0보다 큰지 뉴컴 구간과 맥니마 검정으로 판정.",
            ),
            decide=_relu_is_best,
        ),
        Claim(
            key="depth-hurts",
            text=Text(
                "Going from two layers to nine costs more than ten in a hundred seeds, whatever the activation.",
                "어떤 활성화 함수든 2층을 9층으로 늘리면 학습에 성공하는 시드가 100개 중 10개 넘게 줄어든다.",
            ),
            rule=Text(
                "Difference of the shares over the same seeds, above 0.1; Newcombe's interval.",
                "같은 시드끼리 비교한 비율의 차가 0.1보다 큰지 뉴컴 구간으로 판정.",
            ),
            decide=_depth_hurts,
        ),
        Claim(
            key="failures-have-a-dead-layer",
            text=Text("Most nine-layer ReLU networks that fail end with a dead layer.", "실패한 ReLU 9층 신경망은 대부분 통째로 죽은 층을 안고 끝난다."),
            rule=Text(
                "A layer is dead if all its units answer 0 to all four rows. Wilson's interval of the share, above 50 %.",
                "한 층의 모든 유닛이 네 행 모두에 0을 내놓으면 죽은 층으로 본다. 그 비율의 윌슨 구간 전체가 50 %보다 크면 성립.",
            ),
            decide=_dead_layers,
        ),
        Claim(
            key="nothing-helps-sigmoid",
            text=Text("Nine sigmoid layers learn nothing, whatever else is changed.", "시그모이드 9층은 다른 무엇을 바꾸어도 배우지 못한다."),
            rule=Text(
                "One change at a time; holds for a change if the interval of the share that learns lies below 5 %.",
                "한 번에 한 가지만 바꾼다. 학습에 성공한 비율의 구간 전체가 5 %보다 작으면 그 조건에서 성립.",
            ),
            decide=_nothing_helps,
        ),
    ),
    drawings=(
        Drawing(key="accuracy", heading=Text("Accuracy while training", "훈련 중의 정확도"), draw=_curves),
        Drawing(key="depths", heading=Text("How often, by depth", "깊이별 성공 비율"), draw=_by_depth),
        Drawing(key="regions", heading=Text("What single networks answer", "신경망 하나하나의 답"), draw=_regions),
        Drawing(key="gradients", heading=Text("Gradient per layer", "층별 기울기"), draw=_gradients),
        Drawing(key="changes", heading=Text("One change at a time", "한 가지씩 바꾸어 보기"), draw=_changes),
    ),
)  # fmt: skip
