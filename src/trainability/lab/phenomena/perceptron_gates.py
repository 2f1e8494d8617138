"""P6: a step unit on the gates AND, OR and XOR, gates set by hand, and which gates a line can part."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.lab.figures.curves import Curve, curves
from trainability.lab.figures.regions import grid, maps
from trainability.lab.figures.shares import shares
from trainability.lab.perceptron import TABLE, Order, Trained, answer, separating_line, train
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.text import Lang, Text, prose
from trainability.lab.verdicts import Verdict, at_least, everywhere, exactly, share
from trainability.report.style import Picture
from trainability.report.words import number

RATE: Final = 0.01
EPOCHS: Final = 1000
GATES: Final = {"AND": (0, 0, 0, 1), "OR": (0, 1, 1, 1), "XOR": (0, 1, 1, 0)}
NOTES: Final = {"AND": "1.0", "OR": "1.0", "XOR": "0.25"}
ALL: Final = (
    "0", "AND", "x₁ > x₂", "x₁", "x₁ < x₂", "x₂", "XOR", "OR",
    "NOR", "XNOR", "NOT x₂", "x₁ ≥ x₂", "NOT x₁", "x₁ ≤ x₂", "NAND", "1",
)  # fmt: skip
"""The gates of two inputs; the answers of number k to `TABLE` are its binary digits."""
BY_HAND: Final = {"AND": (1.0, 1.0, -1.5), "NAND": (-1.0, -1.0, 1.5), "OR": (1.0, 1.0, -0.5)}
ORDERS: Final[dict[Order, Text]] = {
    "table": Text("rows in the table's order", "표에 적힌 순서로"),
    "shuffled": Text("rows shuffled in every epoch", "에폭마다 섞어서"),
    "together": Text("all rows in one correction", "네 행을 한꺼번에"),
}
STARTS: Final[dict[str, tuple[Text, float, float]]] = {
    "notes": (Text("as in the notes", "노트 그대로"), RATE, 1.0),
    "slow": (Text("rate 0.001", "학습률 0.001"), 0.001, 1.0),
    "fast": (Text("rate 1", "학습률 1"), 1.0, 1.0),
    "small": (Text("weights start a tenth as large", "처음 가중치를 10분의 1로"), RATE, 0.1),
    "large": (Text("weights start ten times as large", "처음 가중치를 열 배로"), RATE, 10.0),
}  # fmt: skip
"""Learning rate, and the factor of the first weights."""


def row_answers(k: int) -> np.ndarray:
    """The answers of gate number k to the rows of `TABLE`, shape (4,)."""
    return np.array([(k >> (3 - row)) & 1 for row in range(4)], float)


def composed_xor(x: np.ndarray) -> np.ndarray:
    """AND of NAND and OR, all of them set by hand; x of shape (..., 2), answers of shape (...)."""
    unit = lambda name, inputs: answer(np.array([BY_HAND[name]]), inputs)[0]  # noqa: E731
    return unit("AND", np.stack([unit("NAND", x), unit("OR", x)], axis=-1))


def run(setting: Setting) -> Records:
    """The rule on three gates in three orders; AND and OR from other starts; a linear program for each of 16 gates."""
    rng = np.random.Generator(np.random.Philox(setting.seed))
    first = rng.normal(size=(setting.seeds, 3))

    def learned(gate: str, order: Order = "table", rate: float = RATE, scale: float = 1.0) -> Trained:
        y = np.array(GATES[gate], float)
        return train(TABLE, y, scale * first, rate=rate, epochs=EPOCHS, order=order, rng=rng)

    orders = {(gate, order): learned(gate, order) for gate in GATES for order in ORDERS}
    return {
        "orders": orders,
        "starts": {
            (gate, key): orders[gate, "table"] if key == "notes" else learned(gate, rate=rate, scale=scale)
            for gate in ("AND", "OR") for key, (_, rate, scale) in STARTS.items()
        },
        "lines": [separating_line(TABLE, row_answers(k)) for k in range(16)],
    }  # fmt: skip


def _ended(trained: Trained) -> np.ndarray:
    return trained.accuracy[:, -1]


def reported(records: Records) -> tuple[Reported, ...]:
    """The first seed's accuracies, rows in the table's order, and how often XOR ends at which accuracy."""
    what = Text("accuracy on {gate} after 1000 epochs", "1000 에폭 뒤 {gate} 정확도")
    rows = [
        Reported(what.filled(gate=gate), said, number(_ended(records["orders"][gate, "table"])[0]))
        for gate, said in NOTES.items()
    ]
    often = Text("seeds that end at 0.25, 0.5, 0.75 on XOR, {order}", "XOR에서 0.25, 0.5, 0.75로 끝난 시드, {order}")
    for order, title in ORDERS.items():
        ended = _ended(records["orders"]["XOR", order])
        shares = (f"{100 * (ended == level).mean():.1f} %" for level in (0.25, 0.5, 0.75))
        rows.append(Reported(often.filled(order=title), "–", ", ".join(shares)))
    return tuple(rows)


def _learned(records: Records) -> Verdict:
    said = Text("share of seeds with every row right", "네 행을 모두 맞힌 시드의 비율")
    parts = {
        f"{gate} {key}": share(_ended(made) == 1, said, above=0.99) for (gate, key), made in records["starts"].items()
    }
    labels = {
        f"{gate} {key}": Text(f"{gate}, {STARTS[key][0].en}", f"{gate}, {STARTS[key][0].ko}")
        for gate, key in records["starts"]
    }
    return everywhere(parts, Text("the learning rate and the first weights", "학습률과 처음 가중치"), labels)


def _quarter(records: Records) -> Verdict:
    said = Text("share of seeds that end at 0.25 on XOR", "XOR에서 정확도 0.25로 끝난 시드의 비율")
    parts = {order: share(_ended(records["orders"]["XOR", order]) == 0.25, said, above=0.5) for order in ORDERS}
    return everywhere(
        parts,
        Text("the order of the rows", "행을 보여 주는 순서"),
        {str(order): text for order, text in ORDERS.items()},
    )


def _fourteen(records: Records) -> Verdict:
    count = float(sum(line is not None for line in records["lines"]))
    said = Text("gates that a line parts", "직선으로 나뉘는 게이트의 수")
    return exactly(count, 14, said, 16)


def _composed(records: Records) -> Verdict:
    right = float((composed_xor(TABLE) == np.array(GATES["XOR"])).mean())
    said = Text("accuracy of AND(NAND, OR) on XOR", "AND(NAND, OR)의 XOR 정확도")
    return at_least(right, 1.0, said, 4)


def _ends(records: Records, lang: Lang) -> Picture:
    groups = {}
    shown: list[tuple[str, Order]] = [("AND", "table"), ("OR", "table"), *(("XOR", order) for order in ORDERS)]
    for gate, order in shown:
        ended = _ended(records["orders"][gate, order])
        groups[f"{gate}\n{ORDERS[order].to(lang)}"] = {f"{level:g}": ended == level for level in (0.25, 0.5, 0.75, 1.0)}
    figure = shares(groups, Text("seeds that end at this accuracy, %", "이 정확도로 끝난 시드, %").to(lang))
    caption = Text(
        "Where 1000 epochs end. AND and OR are always right; on XOR the order of the rows decides which wrong answers are left. Lines are 95 % intervals.",
        "1000 에폭이 끝났을 때의 정확도. AND와 OR은 언제나 다 맞힌다. XOR에서 무엇을 틀린 채 끝나는지는 행을 보여 주는 순서에 달려 있다. 선은 95 % 구간.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _epochs(records: Records, lang: Lang) -> Picture:
    panels = {}
    for gate in GATES:
        made = records["orders"][gate, "table"]
        panels[gate] = [Curve(Text("accuracy", "정확도").to(lang), made.epochs, made.accuracy, single=True)]
    figure = curves(panels, Text("epoch", "에폭").to(lang), Text("accuracy", "정확도").to(lang), lang, y_scale="linear")
    caption = Text(
        "Accuracy while the rule corrects, rows in the table's order. AND and OR come to rest at 1; XOR never comes to rest.",
        "규칙이 가중치를 고쳐 나가는 동안의 정확도(표에 적힌 순서). AND와 OR은 1에서 멈추지만 XOR은 끝내 멈추지 않는다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _regions(records: Records, lang: Lang) -> Picture:
    square, panels, points = grid(), {}, {}
    for gate, y in GATES.items():
        title = Text("{gate}, learned", "{gate}, 학습한 유닛").filled(gate=gate).to(lang)
        panels[title] = answer(records["orders"][gate, "table"].weights[:1], square)[0]
        points[title] = TABLE, np.array(y)
    title = Text("XOR, three units by hand", "XOR, 손으로 정한 유닛 셋").to(lang)
    panels[title], points[title] = composed_xor(square), (TABLE, np.array(GATES["XOR"]))
    figure = maps(panels, points, surface=True)
    caption = Text(
        "What the first seed's units answer on 101 × 101 points, and the same as a surface: one unit is one straight step. Squares should be red (1), circles blue (0).",
        "첫 시드의 유닛이 101 × 101개 점에서 내놓는 답과, 같은 것을 곡면으로 그린 모습. 유닛 하나는 곧은 계단 하나이다. 네모는 빨강(1), 동그라미는 파랑(0) 위에 있어야 맞다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _by_hand(records: Records, lang: Lang) -> Picture:
    square, panels, points = grid(-0.25, 1.25), {}, {}
    for gate, weights in BY_HAND.items():
        signs = ["−" if weight < 0 else "+" for weight in weights]
        sums = f"{signs[0]} x₁ {signs[1]} x₂ {signs[2]} {abs(weights[2]):g}".removeprefix("+ ").replace("− x₁", "−x₁")
        title = f"{gate}: {sums} ≥ 0"
        panels[title] = answer(np.array([weights]), square)[0]
        points[title] = TABLE, row_answers(ALL.index(gate))
    title = "XOR = AND(NAND, OR)"
    panels[title], points[title] = composed_xor(square), (TABLE, np.array(GATES["XOR"]))
    figure = maps(panels, points, low=-0.25, high=1.25)
    caption = Text(
        "Three gates with weights set by hand. The points on which both NAND and OR answer 1 are a band: that is XOR.",
        "가중치를 손으로 정한 게이트 세 개. NAND와 OR이 함께 1을 내놓는 곳은 띠 모양이 되고, 그것이 XOR이다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _sixteen(records: Records, lang: Lang) -> Picture:
    square, panels, points = grid(-0.35, 1.35), {}, {}
    for k, line in enumerate(records["lines"]):
        title = ALL[k] if line is not None else f"{ALL[k]}: {Text('no line', '직선 없음').to(lang)}"
        panels[title] = np.full(square.shape[:2], np.nan) if line is None else answer(line[None], square)[0]
        points[title] = TABLE, row_answers(k)
    figure = maps(panels, points, low=-0.35, high=1.35, columns=8, labels=False)
    caption = Text(
        "All sixteen gates of two inputs, each with a line that the linear program found; for XOR and XNOR it proved that there is none.",
        "입력이 두 개인 게이트 열여섯 개와 선형계획법으로 찾은 경계. XOR과 XNOR에는 그런 직선이 없음이 증명된다.",
    ).to(lang)
    return Picture(figure, caption, caption)


PERCEPTRON_GATES = Phenomenon(
    name="perceptron-gates",
    aliases=("p6",),
    summary="what does one step unit make of AND, OR and XOR?",
    number=6,
    title=Text("A perceptron and the gates", "퍼셉트론과 논리 게이트"),
    question=Text(
        "One step unit learns AND and OR. What does it do with XOR, and why do runs end at different accuracies?",
        "계단 함수 유닛 하나는 AND와 OR을 배운다. XOR에서는 어떻게 되고, 왜 돌릴 때마다 정확도가 다를까?",
    ),
    explanation=prose(
        """
        A step unit answers 1 on one side of a straight line and 0 on the other. The perceptron rule moves the line only
        when a row is wrong, by the learning rate times the row. If some line is right for all rows, the rule finds one
        after finitely many corrections (Rosenblatt's theorem). How many depends on how far the first weights are away
        in units of the learning rate: from weights ten times as large, or with a rate ten times as small, 1000 epochs
        end too soon for about half of the seeds, and nothing else is wrong with them.

        For XOR no line is right: the two rows that want 1 and the two that want 0 have the same midpoint, and a
        midpoint cannot lie on both sides. So the rule corrects for ever, and the accuracy is whatever it is when
        the epochs run out. In the order of the table most seeds stop at 0.25, the others at 0.5. Shuffled rows mostly stop at
        0.5, now and then at 0.25 or 0.75; with all rows in one correction every seed stops at 0.5. The
        notes' 0.25 and the 0.5 or 0.75 of others are the same failure, seen at different moments.

        Of the sixteen gates of two inputs fourteen can be parted by a line; a linear program decides it exactly. XOR
        needs a second layer: NAND and OR each draw a line, and AND takes what lies between.
        """,
        """
        계단 함수 유닛은 직선의 한쪽에서는 1을, 다른 쪽에서는 0을 내놓는다. 퍼셉트론 학습 규칙은 틀린 행이 나올 때만
        학습률에 그 행을 곱한 만큼 직선을 옮긴다. 모든 행을 맞히는 직선이 있기만 하면 규칙은 유한한 횟수 안에
        그런 직선을 찾는다(로젠블랫의 정리). 몇 번이나 고쳐야 하는지는 처음 가중치가 학습률에 비해 얼마나 먼 곳에
        있느냐에 달려 있다. 처음 가중치를 열 배로 키우거나 학습률을 10분의 1로 줄이면 시드의 절반쯤은 1000 에폭 안에
        다 배우지 못한다. 시간이 모자랄 뿐, 다른 잘못은 없다.

        XOR을 다 맞히는 직선은 없다. 답이 1인 두 행의 중점과 답이 0인 두 행의 중점이 같은 점인데, 한 점이
        직선의 양쪽에 있을 수는 없기 때문이다. 그래서 규칙은 끝없이 가중치를 고치고, 정확도는 에폭이 다한
        순간의 값이 된다. 표에 적힌 순서로 보여 주면 절반이 조금 넘는 시드가 0.25에서, 나머지는 0.5에서 끝난다.
        에폭마다 섞으면 대부분 0.5이고 가끔 0.25나 0.75가 나온다. 네 행을 한꺼번에 고치면 모든 시드가 0.5이다.
        노트의 0.25도, 다른 사람이 본 0.5나 0.75도 같은 실패를 서로 다른 순간에 본 것이다.

        입력이 두 개인 게이트 열여섯 개 가운데 열네 개는 직선 하나로 나뉜다. 이는 선형계획법으로 정확히 판정할 수
        있다. XOR에는 층이 하나 더 필요하다. NAND와 OR이 직선을 하나씩 긋고, AND가 그 사이를 골라낸다.
        """,
    ),
    seeds=(1000, 5000),
    seconds=(3.0, 8.0),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="learns-and-or",
            text=Text("A step unit learns AND and OR within 1000 epochs.", "계단 함수 유닛 하나는 1000 에폭 안에 AND와 OR을 배운다."),
            rule=Text(
                "One change at a time; holds for a change if Wilson's 95 % interval of the share that learns lies above 99 %.",
                "한 번에 한 가지만 바꾼다. 학습에 성공한 비율의 윌슨 95 % 구간 전체가 99 %보다 크면 그 조건에서 성립.",
            ),
            decide=_learned,
        ),
        Claim(
            key="xor-ends-at-a-quarter",
            text=Text("On XOR the unit ends at accuracy 0.25.", "XOR에서는 정확도 0.25로 끝난다."),
            rule=Text(
                "Holds for an order of the rows if Wilson's 95 % interval of the share that ends there lies above 50 %.",
                "0.25로 끝난 비율의 윌슨 95 % 구간 전체가 50 %보다 크면 그 순서에서 성립.",
            ),
            decide=_quarter,
        ),
        Claim(
            key="fourteen-gates",
            text=Text("A line parts 14 of the 16 gates of two inputs.", "입력이 두 개인 게이트 16개 가운데 14개는 직선 하나로 나뉜다."),
            rule=Text(
                "A linear program for each gate: weights that are right for every row by at least 1, or a proof that there are none.",
                "게이트마다 선형계획법을 푼다. 모든 행을 여유 1 이상으로 맞히는 가중치를 찾거나, 없음을 증명한다.",
            ),
            decide=_fourteen,
        ),
        Claim(
            key="composed-xor",
            text=Text("Three step units set by hand make XOR.", "손으로 정한 계단 함수 유닛 셋이면 XOR이 된다."),
            rule=Text("Accuracy on the four rows, 1.", "네 행의 정확도가 1이면 성립."),
            decide=_composed,
        ),
    ),
    drawings=(
        Drawing(key="ends", heading=Text("At which accuracy runs end", "어떤 정확도로 끝나는가"), draw=_ends),
        Drawing(key="epochs", heading=Text("Accuracy while training", "학습하는 동안의 정확도"), draw=_epochs),
        Drawing(key="regions", heading=Text("Decision regions", "결정 영역"), draw=_regions),
        Drawing(key="by-hand", heading=Text("Gates with weights set by hand", "손으로 정한 게이트"), draw=_by_hand),
        Drawing(key="gates", heading=Text("All sixteen gates", "게이트 열여섯 개"), draw=_sixteen),
    ),
)  # fmt: skip
