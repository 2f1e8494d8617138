"""P7: one sigmoid unit on OR, AND and XOR; quadratic features; two hidden sigmoid units and a linear output."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability.lab.figures.curves import Curve, curves
from trainability.lab.figures.regions import grid, maps
from trainability.lab.figures.shares import shares
from trainability.lab.networks import trained
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.text import Lang, Text, prose
from trainability.lab.verdicts import Verdict, everywhere, share
from trainability.problems.features import apply_features
from trainability.report.gather import history
from trainability.report.style import Picture

UNIT: Final[dict[str, Any]] = {
    "depth": 0, "output": "sigmoid", "loss": "mse", "optimizer": "adam", "lr": 0.01, "batch": "full", "epochs": 1000,
}  # fmt: skip
"""The notes do not name the batch; Keras' own of 32 takes all four rows at once, as ours does."""
QUADRATIC: Final = {**UNIT, "features": "polynomial:2"}
HIDDEN: Final = {**UNIT, "depth": 1, "width": 2, "activation": "sigmoid", "output": "linear"}
MODELS: Final[dict[str, tuple[Text, str, dict[str, Any]]]] = {
    "or": (Text("OR, one unit", "OR, 유닛 하나"), "or", UNIT),
    "and": (Text("AND, one unit", "AND, 유닛 하나"), "and", UNIT),
    "xor": (Text("XOR, one unit", "XOR, 유닛 하나"), "xor", UNIT),
    "quadratic": (Text("XOR, quadratic features", "XOR, 이차 특성"), "xor", QUADRATIC),
    "hidden": (Text("XOR, two hidden units", "XOR, 은닉 유닛 둘"), "xor", HIDDEN),
}
CHANGES: Final[dict[str, tuple[Text, dict[str, Any]]]] = {
    "notes": (Text("as in the notes", "노트 그대로"), {}),
    "epochs": (Text("10,000 epochs", "10,000 에폭"), {"epochs": 10_000}),
    "rate": (Text("learning rate 0.1", "학습률 0.1"), {"lr": 0.1}),
    "batch": (Text("batch of 1", "배치 크기 1"), {"batch": 1}),
    "normal": (Text("first weights N(0, 1)", "처음 가중치 N(0, 1)"), {"init": "normal:1"}),
    "output": (Text("sigmoid output", "시그모이드 출력"), {"output": "sigmoid"}),
    "tanh": (Text("tanh", "tanh"), {"activation": "tanh"}),
    "relu": (Text("ReLU", "ReLU"), {"activation": "relu"}),
    "three": (Text("3 hidden units", "은닉 유닛 3개"), {"width": 3}),
    "eight": (Text("8 hidden units", "은닉 유닛 8개"), {"width": 8}),
}
PORTRAYED: Final = 32
"""Among so many hidden networks one that learned and one that did not are drawn."""


def run(setting: Setting) -> Records:
    """The notes' five networks with many seeds, the last with one thing changed at a time; and their answers."""
    made = {
        key: trained(gate, **settings, seeds=PORTRAYED if key == "hidden" else 1, seed=setting.seed)
        for key, (_, gate, settings) in MODELS.items()
    }
    plane = grid().reshape(-1, 2)
    quadratic, _ = apply_features(plane, ("a", "b"), ("polynomial:2",))

    def answered(key: str, trial: int = 0) -> np.ndarray:
        answers = made[key].answers(trial, quadratic if key == "quadratic" else plane)
        return answers.reshape(grid().shape[:2])

    solved = made["hidden"].columns["solved"]
    regions = {key: answered(key) for key in MODELS if key != "hidden"}
    regions |= {
        f"hidden {outcome}": answered("hidden", int(np.argmax(solved == outcome))) for outcome in np.unique(solved)
    }
    return {
        "runs": {key: setting.compare(gate, **settings) for key, (_, gate, settings) in MODELS.items()},
        "changes": {key: setting.compare("xor", **{**HIDDEN, **change}) for key, (_, change) in CHANGES.items()},
        "rows": {key: networks.answers(0, networks.data.x_train)[:, 0] for key, networks in made.items()},
        "regions": regions,
    }


def _solved(result: Any) -> np.ndarray:
    return result.trials["solved"].to_numpy()


def reported(records: Records) -> tuple[Reported, ...]:
    """What the first seed's networks answer to the rows 00, 01, 10, 11."""
    rows = []
    for key, (name, _, _) in MODELS.items():
        what = Text("answers to 00, 01, 10, 11: {name}", "00, 01, 10, 11에 대한 출력: {name}").filled(name=name)
        answers = ", ".join(
            f"{max(answer, 0.0) if abs(answer) < 0.005 else answer:.2f}" for answer in records["rows"][key]
        )
        rows.append(Reported(what, "✗" if key == "xor" else "✓", answers))
    return tuple(rows)


_SHARE: Final = Text("share of seeds with every row right", "네 행을 모두 맞힌 시드의 비율")


def _or_and(records: Records) -> Verdict:
    parts = {key.upper(): share(_solved(records["runs"][key]), _SHARE, above=0.95) for key in ("or", "and")}
    return everywhere(parts, Text("the gate", "게이트"))


def _xor_not(records: Records) -> Verdict:
    return share(_solved(records["runs"]["xor"]), _SHARE, below=0.05)


def _quadratic(records: Records) -> Verdict:
    return share(_solved(records["runs"]["quadratic"]), _SHARE, above=0.95)


def _hidden(records: Records) -> Verdict:
    parts = {key: share(_solved(result), _SHARE, above=0.95) for key, result in records["changes"].items()}
    on = Text("how many units there are, and on what else is changed", "은닉 유닛의 수와 함께 바꾼 것")
    return everywhere(parts, on, {key: label for key, (label, _) in CHANGES.items()})


def _curves(records: Records, lang: Lang) -> Picture:
    label = Text("loss", "손실").to(lang)
    panels = {
        name.to(lang): [Curve(label, *history(records["runs"][key].trials, "history_train_loss"), single=True)]
        for key, (name, _, _) in MODELS.items()
    }
    words = Text("epoch", "에폭").to(lang), Text("mean squared error", "평균제곱오차").to(lang)
    figure = curves(panels, *words, lang, y_scale="linear")
    caption = Text(
        "Loss while training. One unit on XOR stays at 1/4, the loss of the answer 1/2 to everything.",
        "훈련 중의 손실. XOR을 배우는 유닛 하나는 모든 입력에 1/2로 답할 때의 손실인 1/4에 머문다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _regions(records: Records, lang: Lang) -> Picture:
    titles = {key: name.to(lang) for key, (name, _, _) in MODELS.items()}
    titles["hidden True"] = Text("XOR, two hidden: learned", "XOR, 은닉 유닛 둘: 성공").to(lang)
    titles["hidden False"] = Text("XOR, two hidden: not learned", "XOR, 은닉 유닛 둘: 실패").to(lang)
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    labels = {"or": np.array([0, 1, 1, 1]), "and": np.array([0, 0, 0, 1])}
    regions = {
        key: records["regions"][key]
        for key in ("or", "and", "xor", "quadratic", "hidden True", "hidden False")
        if key in records["regions"]
    }
    points = {titles[key]: (corners, labels.get(key, np.array([0, 1, 1, 0]))) for key in regions}
    figure = maps({titles[key]: answers for key, answers in regions.items()}, points, surface=True, columns=3)
    caption = Text(
        "Answers on 101 × 101 points, from 0 (blue) to 1 (red), and as a surface; the line is the border at 1/2. One unit is one smooth step; a ridge takes quadratic features or two hidden units.",
        "101 × 101개 점에서의 출력(파랑 0, 빨강 1)과 그 곡면. 검은 선은 출력이 1/2인 결정 경계이다. 유닛 하나는 매끄러운 계단 하나이고, 능선 모양은 이차 특성이나 은닉 유닛 두 개가 있어야 나온다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _changes(records: Records, lang: Lang) -> Picture:
    groups = {CHANGES[key][0].to(lang): {"": _solved(result)} for key, result in records["changes"].items()}
    figure = shares(groups, Text("seeds that learn XOR, %", "XOR 학습에 성공한 시드, %").to(lang))
    caption = Text(
        "One hidden layer on XOR, one thing changed at a time; the lines are 95 % intervals.",
        "은닉층 하나로 XOR 배우기. 한 번에 한 가지만 바꾸었다. 선은 95 % 구간.",
    ).to(lang)
    return Picture(figure, caption, caption)


SIGMOID_NEURON = Phenomenon(
    name="sigmoid-neuron",
    aliases=("p7",),
    summary="which gates does one sigmoid unit learn, and what does XOR need?",
    number=7,
    title=Text("One sigmoid unit", "시그모이드 뉴런 하나"),
    question=Text(
        "One sigmoid unit learns OR and AND but not XOR. Do quadratic features help, and two hidden units?",
        "시그모이드 유닛 하나는 OR과 AND는 배우지만 XOR은 못 배운다. 이차 특성이나 은닉 유닛 두 개를 더하면 될까?",
    ),
    explanation=prose(
        """
        A sigmoid unit is a smooth step: its answer is 1/2 on a straight line and grows to 1 on one side of it. Adam
        turns and steepens the step until OR or AND is right, from every start. For XOR no straight line is right, and
        the best that one unit can do in mean squared error is to answer 1/2 everywhere: the loss stops at 1/4.

        There are two ways out. Give the unit more inputs: with x₁², x₂² and x₁x₂ the border may be a curve, and
        nearly every seed finds a right one. Or let two hidden units draw two lines and an output add them.

        The second way is said to work, but it is not sure. As in the notes, with 1000 epochs, about seven seeds in ten learn XOR.
        Most of the others are only slow: after 10,000 epochs more than nine in ten have learned it. The rest sit at a loss
        of 1/8: two rows are right, and the other two, which want different answers, both get 1/2. The hidden units are
        saturated there, so that these two rows look alike to the output and no gradient comes back to part them. More units
        make this rare, and with eight nearly every seed learns. ReLU is the worst choice here: often one of the two units
        is 0 for every row, and then it stays so.
        """,
        """
        시그모이드 유닛은 매끄러운 계단이다. 어떤 직선 위에서 출력이 1/2이고 그 한쪽으로 가면 1에 다가간다.
        Adam은 이 계단을 돌리고 세워서, 어디서 시작하든 OR과 AND를 맞힌다. 그러나 XOR을 맞히는 직선은 없다.
        유닛 하나가 평균제곱오차를 가장 작게 하는 길은 모든 입력에 1/2로 답하는 것이고, 손실은 1/4에서 멈춘다.

        빠져나갈 길은 둘이다. 하나는 입력을 늘리는 것이다. x₁², x₂², x₁x₂를 함께 넣어 주면 결정 경계가 곡선이 될 수
        있고, 거의 모든 시드가 그런 경계를 찾아낸다. 다른 하나는 은닉 유닛 두 개로 직선을 두 개 긋고 출력층에서 더하는 것이다.

        은닉층을 쓰면 된다고들 하지만 언제나 되는 것은 아니다. 노트대로 1000 에폭을 돌리면 열에 일곱쯤만 XOR을 배운다. 못 배운
        시드의 대부분은 느릴 뿐이어서, 10,000 에폭을 돌리면 열에 아홉 넘게 배운다. 나머지는 손실 1/8에 갇힌다.
        두 행은 맞히고, 답이 서로 다른 나머지 두 행에는 똑같이 1/2로 답하는 상태이다. 은닉 유닛이 포화되어 출력층에게는 이 두
        행이 똑같아 보이고, 둘을 갈라놓을 기울기도 돌아오지 않는다. 유닛이 많으면 이런 일이 드물어지고, 8개이면 거의 모든
        시드가 배운다. 여기서는 ReLU가 가장 나쁘다. 두 유닛 가운데 하나가 모든 행에 0을 내놓는 일이 잦고, 그런 유닛은
        다시 살아나지 못하기 때문이다.
        """,
    ),
    seeds=(256, 1000),
    seconds=(1.5, 2.0),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="learns-or-and",
            text=Text("One sigmoid unit learns OR and AND.", "시그모이드 유닛 하나는 OR과 AND를 배운다."),
            rule=Text(
                "Holds for a gate if Wilson's 95 % interval of the share that learns lies above 95 %.",
                "학습에 성공한 비율의 윌슨 95 % 구간 전체가 95 %보다 크면 그 게이트에서 성립.",
            ),
            decide=_or_and,
        ),
        Claim(
            key="xor-not",
            text=Text("One sigmoid unit does not learn XOR.", "시그모이드 유닛 하나는 XOR을 배우지 못한다."),
            rule=Text(
                "Holds if Wilson's 95 % interval of the share that learns lies below 5 %.",
                "학습에 성공한 비율의 윌슨 95 % 구간 전체가 5 %보다 작으면 성립.",
            ),
            decide=_xor_not,
        ),
        Claim(
            key="quadratic-features",
            text=Text("With quadratic features one unit learns XOR.", "이차 특성을 넣어 주면 유닛 하나로 XOR을 배운다."),
            rule=Text(
                "Holds if Wilson's 95 % interval of the share that learns lies above 95 %.",
                "학습에 성공한 비율의 윌슨 95 % 구간 전체가 95 %보다 크면 성립.",
            ),
            decide=_quadratic,
        ),
        Claim(
            key="two-hidden-units",
            text=Text("A hidden layer of two sigmoid units with a linear output learns XOR.", "시그모이드 유닛 두 개짜리 은닉층과 선형 출력이면 XOR을 배운다."),
            rule=Text(
                "One change at a time; holds for a change if the interval of the share that learns lies above 95 %.",
                "한 번에 한 가지만 바꾼다. 학습에 성공한 비율의 구간 전체가 95 %보다 크면 그 조건에서 성립.",
            ),
            decide=_hidden,
        ),
    ),
    drawings=(
        Drawing(key="loss", heading=Text("Training loss", "훈련 손실"), draw=_curves),
        Drawing(key="regions", heading=Text("What the networks answer", "신경망의 출력"), draw=_regions),
        Drawing(key="changes", heading=Text("How often one hidden layer learns XOR", "은닉층 하나가 XOR 학습에 성공하는 비율"), draw=_changes),
    ),
)  # fmt: skip
