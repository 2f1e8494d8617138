"""P2: ReLU instead of sigmoid does not save OR in twelve layers, for another reason: a whole layer is dead."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability.lab.born_dead import dead_layers, most_born_dead
from trainability.lab.figures.curves import Curve, curves
from trainability.lab.figures.shares import shares
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.text import Lang, Text, prose
from trainability.lab.verdicts import Verdict, everywhere, share, shares_differ
from trainability.report.gather import history
from trainability.report.style import INK, MARKERS, SERIES, Picture, drawing, grid_lines, legend_above, new_figure
from trainability.report.words import number

DEPTH: Final = 12
NOTES: Final[dict[str, Any]] = {
    "samples": 240, "validation": 0.2, "width": 2, "depth": DEPTH, "activation": "relu", "init": "uniform:0.05",
    "loss": "mse", "optimizer": "adam", "lr": 0.001, "batch": 1, "epochs": 200,
}  # fmt: skip
"""P1's deepest network with ReLU in all hidden layers; its output unit is a sigmoid (see `run`)."""
CONTINUOUS: Final = "plane"
"""The value of a plane over the inputs: continuous inputs, continuous target, nothing binary."""
OFF: Final[dict[str, tuple[Text, dict[str, Any]]]] = {
    "notes": (Text("as in the notes", "노트 그대로"), {}),
    "weights": (Text("weights not small: He", "작은 가중치 대신 He 초기화"), {"init": "he_uniform"}),
    "depth": (Text("not deep: 2 layers", "깊지 않게: 2층"), {"depth": 2}),
    "width": (Text("not narrow: 16 units", "좁지 않게: 유닛 16개"), {"width": 16}),
    "dead": (Text("no dead units: Leaky ReLU 0.3", "죽은 유닛 없이: Leaky ReLU 0.3"), {"activation": "leaky_relu:0.3"}),
    "bias": (Text("no dead units: biases 0.1", "죽은 유닛 없이: 편향 0.1"), {"bias_init": "constant:0.1"}),
    "linear": (Text("no ReLU: linear layers", "ReLU 없이: 선형 층"), {"activation": "identity"}),
    "tanh": (Text("no ReLU: tanh", "ReLU 없이: tanh"), {"activation": "tanh"}),
}  # fmt: skip
WIDTHS: Final = ((2, 4, 8), (2, 4, 8, 16))
DEPTHS: Final = (2, 4, 10, DEPTH)
"""Whether the notes' ten ReLU layers are all there are, or ten more as in P1, they do not say; twelve are looked at closely."""
INITS: Final = {
    "uniform:0.05": Text("weights within ±0.05", "가중치 ±0.05 범위"),
    "he_uniform": Text("He", "He 초기화"),
}
NETWORKS: Final = (4_000, 20_000)
DRAWN: Final = (1, 2, 4, 8)
ROWS: Final = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)


def run(setting: Setting) -> Records:
    """The notes' network with one suspected cause off at a time; widths by initialiser; depths; dead at birth."""

    def learn(**change: Any) -> Any:
        return setting.compare("or_rows", **{**NOTES, "output": "sigmoid", **change})

    form = 0 if setting.quick else 1
    return {
        "off": {key: learn(**change) for key, (_, change) in OFF.items()},
        "continuous": setting.compare(CONTINUOUS, **NOTES),
        "widths": {(width, init): learn(width=width, init=init) for width in WIDTHS[form] for init in INITS},
        "depths": {depth: learn(depth=depth) for depth in DEPTHS},
        "born_dead": {
            width: dead_layers(ROWS, width, DEPTH, NETWORKS[form], setting.seed).mean(axis=0) for width in DRAWN
        },
    }


def _solved(result: Any) -> np.ndarray:
    return result.trials["solved"].to_numpy()


def _dead_layer(result: Any, when: int) -> np.ndarray:
    """Whether all units of a hidden layer answer 0 to every row, at checkpoint `when`; shape (trials,)."""
    _, dead = history(result.trials, "dead")
    return (dead[:, when, :-1] == 1).any(axis=1)


def reported(records: Records) -> tuple[Reported, ...]:
    """The least and the largest answer to the held-out rows, of the first seed."""
    answers = np.array(records["off"]["notes"].portraits["answers"][0])
    what = Text("least and largest answer to the held-out rows", "검증 행에 대한 가장 작은 출력과 가장 큰 출력")
    return (Reported(what, "0.69175 / 0.69175", f"{number(answers.min(), 5)} / {number(answers.max(), 5)}"),)


_LEARN: Final = Text("share of seeds that learn", "학습에 성공한 시드의 비율")


def _hardly_learns(records: Records) -> Verdict:
    return share(_solved(records["off"]["notes"]), _LEARN, below=0.15)


def _because_binary(records: Records) -> Verdict:
    return share(_solved(records["continuous"]), _LEARN, above=0.5)


def _one_cause(records: Records) -> Verdict:
    parts = {key: share(_solved(result), _LEARN, above=0.5) for key, result in records["off"].items() if key != "notes"}
    labels = {key: label for key, (label, _) in OFF.items()}
    return everywhere(parts, Text("which of them is turned off", "없앤 원인"), labels)


def _dead_behind_failure(records: Records) -> Verdict:
    said = Text("of the seeds that fail, the share with a dead layer", "실패한 시드 가운데 층 하나가 통째로 죽은 비율")
    parts, labels = {}, {}
    for depth, result in records["depths"].items():
        parts[str(depth)] = share(_dead_layer(result, -1)[~_solved(result)], said, above=0.9)
        labels[str(depth)] = Text("{n} layers", "{n}층").filled(n=depth)
    return everywhere(parts, Text("the depth", "깊이"), labels)


def _larger_weights_live(records: Records) -> Verdict:
    said = Text(
        "share with a dead layer at the start, ±0.05 minus He", "시작할 때 죽은 층이 있는 비율, ±0.05 − He 초기화"
    )
    small, he = (_dead_layer(records["off"][key], 0) for key in ("notes", "weights"))
    return shares_differ(small, he, said, above=0.1)


def _he_helps(records: Records) -> Verdict:
    said = Text("share with He's initialiser minus share with ±0.05", "He 초기화의 비율 − ±0.05의 비율")
    parts, labels = {}, {}
    for width in dict.fromkeys(width for width, _ in records["widths"]):
        small, he = (_solved(records["widths"][width, init]) for init in INITS)
        parts[str(width)] = shares_differ(he, small, said, above=0.1)
        labels[str(width)] = Text("{n} units", "유닛 {n}개").filled(n=width)
    return everywhere(parts, Text("the width", "너비"), labels)


def _off(records: Records, lang: Lang) -> Picture:
    groups = {OFF[key][0].to(lang): {"": _solved(result)} for key, result in records["off"].items()}
    groups[Text("nothing binary: a plane", "이진이 아닌 것: 평면 회귀").to(lang)] = {"": _solved(records["continuous"])}
    figure = shares(groups, Text("seeds that learn, %", "학습에 성공한 시드, %").to(lang))
    caption = Text(
        "Twelve ReLU layers of two with one suspected cause turned off at a time; the lines are 95 % intervals. "
        "Weights, width and depth stay as they were where the units are kept alive.",
        "유닛 2개짜리 ReLU 층 12개에서 의심되는 원인을 한 번에 하나씩 없앴다. 선은 95 % 구간. 유닛만 살려 두면 "
        "가중치, 너비, 깊이는 그대로여도 학습에 성공한다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _curves(records: Records, lang: Lang) -> Picture:
    label = Text("training", "훈련").to(lang)
    panels = {
        OFF[key][0].to(lang): [Curve(label, *history(records["off"][key].trials, "history_train_loss"), single=True)]
        for key in ("notes", "weights", "depth", "width", "dead", "linear")
    }
    axes = Text("step", "스텝").to(lang), Text("mean squared error", "평균제곱오차").to(lang)
    figure = curves(panels, *axes, lang, columns=3)
    caption = Text(
        "Loss while training. A network with a dead layer stays at the loss of one constant. 10⁻¹² stands for that and less.",
        "훈련 중의 손실. 10⁻¹²은 그 이하를 뜻한다. 죽은 층이 있는 신경망은 상수 하나만 내놓을 때의 손실에서 벗어나지 못한다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _born_dead(records: Records, lang: Lang) -> Picture:
    from matplotlib.lines import Line2D

    depth = np.arange(1, DEPTH + 1)
    with drawing():
        figure = new_figure(3.2)
        axes = figure.subplots()
        grid_lines(axes)
        for i, (width, values) in enumerate(records["born_dead"].items()):
            axes.plot(depth, 100 * values, color=SERIES[i], marker=MARKERS[i], markersize=4)
            axes.plot(depth, 100 * most_born_dead(width, DEPTH), color=SERIES[i], linestyle=(0, (4, 2)), linewidth=1)
        for place, result in records["depths"].items():
            axes.plot(place, 100 * (~_solved(result)).mean(), "X", color=INK, markersize=7, zorder=5)
        axes.set_ylim(-2, 102)
        axes.set_xlabel(Text("hidden layers", "은닉층의 수").to(lang))
        axes.set_ylabel(Text("networks with a dead layer, %", "죽은 층이 있는 신경망, %").to(lang))
        names = [Text("width {n}", "너비 {n}").filled(n=width).to(lang) for width in records["born_dead"]]
        handles = [Line2D([], [], color=SERIES[i], marker=MARKERS[i], markersize=4) for i in range(len(names))]
        handles.append(Line2D([], [], color="0.45", linestyle=(0, (4, 2))))
        handles.append(Line2D([], [], color=INK, marker="X", linestyle="none"))
        names.append(Text("theory: at most", "이론상 최댓값").to(lang))
        names.append(Text("width 2, trained: not learned", "너비 2, 훈련 후: 학습 실패").to(lang))
        legend_above(figure, handles, names)
    caption = Text(
        "How many ReLU networks have a dead layer before the first step (lines: drawn networks on OR's four rows), and "
        "how many of width 2 have not learned after training (crosses): more layers die on the way.",
        "첫 스텝을 밟기도 전에 죽은 층을 가진 ReLU 신경망의 비율(선: OR 네 행에서 뽑아 본 신경망)과, 너비 2인 신경망이 훈련 뒤에도 배우지 못한 "
        "비율(×). 훈련 도중에 더 죽는다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _widths(records: Records, lang: Lang) -> Picture:
    groups: dict[str, dict[str, np.ndarray]] = {}
    for (width, init), result in records["widths"].items():
        group = groups.setdefault(Text("{n} units a layer", "층마다 유닛 {n}개").filled(n=width).to(lang), {})
        group[INITS[init].to(lang)] = _solved(result)
    figure = shares(groups, Text("seeds that learn OR, %", "OR을 학습한 시드, %").to(lang))
    caption = Text(
        "Twelve ReLU layers by width and initialiser. Small weights do harm only where the layers are wide enough to be "
        "alive at the start.",
        "너비와 초기화에 따른 ReLU 12층. 작은 가중치는 시작할 때 살아 있을 만큼 층이 넓은 경우에만 해가 된다.",
    ).to(lang)
    return Picture(figure, caption, caption)


OR_DEPTH_RELU = Phenomenon(
    name="or-depth-relu",
    aliases=("p2",),
    summary="why do ten more ReLU layers not learn OR either?",
    number=2,
    title=Text("OR through many ReLU layers", "ReLU 층을 쌓아 OR 배우기"),
    question=Text(
        "With ReLU the deep network says one constant, too. Is it the data, the weights, the width, the depth, or dead "
        "units?",
        "ReLU로 바꾸어도 깊은 신경망은 상수 하나만 내놓는다. 데이터, 가중치, 너비, 깊이, 죽은 유닛 가운데 무엇이 원인일까?",
    ),
    explanation=prose(
        """
        The notes saw one constant again and guessed that OR is to blame, being binary. It is not: the same network
        fails on a continuous target as well, and learns OR at once when its units are kept alive.

        A ReLU unit whose sum is negative for every row answers 0 to all of them and gets no gradient. In a layer of
        two, both units are like that about once in five draws. One such layer suffices: behind it nothing
        depends on the input, before it no gradient arrives. In twelve layers, more than nine networks in ten have a
        dead layer before the first step. All that is left to learn is a constant.

        Turning off one suspect at a time settles it. He's initialiser makes the weights larger and changes nothing:
        with biases of 0, a common factor moves no sum across zero, so the very same units are dead. Leaky ReLU or
        biases of 0.1 keep the units alive and every seed learns, with the same small weights, the same width and the
        same depth. So do linear layers. Fewer layers or wider ones help in part, because they make a dead layer rarer:
        the chance is at most 1 − (1 − 2⁻ⁿ)ᴸ for L layers of n units.

        Small weights are an accomplice only in wider networks: these start alive, but some die while training, and He's
        initialiser prevents most of that.
        """,
        """
        노트는 이번에도 상수 하나만 나오는 것을 보고 OR이 이진 데이터라서 그런 것이라고 짐작했다. 그렇지 않다. 같은 신경망은 연속인 값도
        배우지 못하고, 유닛이 살아 있게만 해 주면 OR을 곧바로 배운다.

        모든 행에서 합이 음수인 ReLU 유닛은 어느 행에나 0을 내놓고 기울기를 받지 못한다. 이것이 죽은 유닛이다. 유닛이
        2개뿐인 층에서는 다섯 번에 한 번꼴로 둘 다 죽는다. 그런 층이 하나만 있어도 그 뒤로는 입력이 전해지지 않고, 그
        앞으로는 기울기가 전해지지 않는다. 층이 12개면 열에 아홉이 넘는 신경망이 첫 스텝을 밟기도 전에 죽은 층을 가지고 있다.
        배울 수 있는 것은 상수뿐이다.

        의심스러운 것을 하나씩 없애 보면 원인이 드러난다. He 초기화로 가중치를 키워도 달라지는 것이 없다. 편향이 0이면
        가중치를 몇 배로 키워도 합의 부호가 그대로여서 똑같은 유닛이 죽기 때문이다. Leaky ReLU를 쓰거나
        편향을 0.1로 시작하면 유닛이 살아 있고, 가중치와 너비와 깊이가 그대로여도 모든 시드가 학습에 성공한다. 선형 층으로 바꾸어도
        성공한다. 층을 줄이거나 넓히는 것은 어느 정도 도움이 된다. 층이 통째로 죽을 확률이 낮아지기 때문이다. 유닛 n개짜리
        층이 L개일 때 그 확률은 1 − (1 − 2⁻ⁿ)ᴸ을 넘지 않는다.

        작은 가중치는 넓은 신경망에서만 문제가 된다. 넓은 신경망은 산 채로 시작하지만 일부가 훈련 도중에 죽고, He 초기화는 그
        대부분을 막아 준다.
        """,
    ),
    seeds=(64, 256),
    seconds=(6.0, 24.0),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="hardly-learns",
            text=Text("Twelve ReLU layers of two hardly ever learn OR.", "유닛 2개짜리 ReLU 12층은 OR을 거의 배우지 못한다."),
            rule=Text(
                "Holds if Wilson's 95 % interval of the share that learns lies below 15 %.",
                "학습에 성공한 시드 비율의 윌슨 95 % 구간 전체가 15 %보다 작으면 성립.",
            ),
            decide=_hardly_learns,
        ),
        Claim(
            key="because-binary",
            text=Text(
                "It is because OR is binary: most such networks learn a continuous target.",
                "OR이 이진이기 때문이다. 목표가 연속인 값이라면 같은 신경망도 대부분 학습에 성공한다.",
            ),
            rule=Text(
                "The same network on a plane. Wilson's interval of the share that reaches the target R², above 50 %.",
                "같은 신경망으로 평면을 회귀한다. 목표 R²에 이른 비율의 윌슨 구간 전체가 50 %보다 크면 성립.",
            ),
            decide=_because_binary,
        ),
        Claim(
            key="one-cause-alone",
            text=Text("Turning off any one suspected cause lets most seeds learn.", "의심되는 원인을 하나만 없애도 대부분의 시드가 학습에 성공한다."),
            rule=Text(
                "One at a time; Wilson's interval of the share that learns, above 50 %.",
                "한 번에 하나씩. 학습에 성공한 시드 비율의 윌슨 구간 전체가 50 %보다 크면 성립.",
            ),
            decide=_one_cause,
        ),
        Claim(
            key="dead-layer-behind-failure",
            text=Text("Behind failure there is a dead layer.", "실패한 신경망에는 죽은 층이 있다."),
            rule=Text(
                "Of the networks that fail, those with a layer that answers 0 to every row; Wilson's interval above 90 %.",
                "실패한 신경망 가운데 모든 행에 0만 내놓는 층이 있는 비율의 윌슨 구간 전체가 90 %보다 크면 성립.",
            ),
            decide=_dead_behind_failure,
        ),
        Claim(
            key="larger-weights-live",
            text=Text(
                "He's initialiser spares more than ten in a hundred networks a dead layer at the start.",
                "He 초기화를 쓰면 시작할 때 죽은 층이 있는 신경망이 100개 중 10개 넘게 줄어든다.",
            ),
            rule=Text(
                "Difference of the shares over the same seeds, above 0.1; Newcombe's interval.",
                "같은 시드끼리 비교한 비율의 차가 0.1보다 큰지 뉴컴 구간으로 판정.",
            ),
            decide=_larger_weights_live,
        ),
        Claim(
            key="he-helps",
            text=Text(
                "He's initialiser lets more than ten in a hundred more seeds learn, at any width.",
                "너비가 얼마이든 He 초기화를 쓰면 학습에 성공하는 시드가 100개 중 10개 넘게 늘어난다.",
            ),
            rule=Text(
                "Difference of the shares over the same seeds, above 0.1; Newcombe's interval.",
                "같은 시드끼리 비교한 비율의 차가 0.1보다 큰지 뉴컴 구간으로 판정.",
            ),
            decide=_he_helps,
        ),
    ),
    drawings=(
        Drawing(key="off", heading=Text("One suspected cause off at a time", "원인을 하나씩 없애기"), draw=_off),
        Drawing(key="born-dead", heading=Text("Dead before the first step", "첫 스텝 전에 이미 죽은 신경망"), draw=_born_dead),
        Drawing(key="widths", heading=Text("Width and initialiser together", "너비와 초기화를 함께"), draw=_widths),
        Drawing(key="loss", heading=Text("Loss while training", "훈련 중의 손실"), draw=_curves),
    ),
)  # fmt: skip
