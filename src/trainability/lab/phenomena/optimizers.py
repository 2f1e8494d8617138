"""P17: gradient descent, momentum and Adam: over a hole, along a ravine, and on real data."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability.core.statistics import wilson
from trainability.lab.figures.against import Line, Panel, against
from trainability.lab.figures.paths import Walk, walks
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.surfaces import Surface, descend
from trainability.lab.text import Lang, Text, prose, same
from trainability.lab.verdicts import Verdict, everywhere, median, shares_differ
from trainability.report.gather import quantiles
from trainability.report.style import Picture

METHODS: Final = {
    "sgd": Text("gradient descent", "경사하강법"), "momentum": Text("momentum 0.9", "모멘텀 0.9"), "adam": same("Adam"),
}  # fmt: skip
RATE: Final = 0.02
"""Of all three over holes."""
HOLES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75)
"""Depths of the hole on the valley's floor, 4 away from the lowest point; from 0.2 on it has a minimum of its own, and up
to 0.8 that minimum is the higher one."""
CLAIMED: Final = (0.3, 0.5, 0.7)
STEEP: Final = (10, 100, 1000)
"""Curvature across the ravine over that along it."""
ANGLES: Final = {"aligned": 0.0, "turned": np.pi / 4}
RATES: Final = np.geomspace(0.004, 4.0, 13)
STEPS: Final = (2500, 2500)
"""Over a hole; along a ravine."""
DIGITS: Final[dict[str, Any]] = {
    "hidden": "32", "activation": "relu", "batch": 32, "steps": 100, "optimizer": tuple(METHODS),
    "lr": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
}  # fmt: skip
SAME_RATE: Final = 0.01


def hole(depth: float) -> Surface:
    """A valley along the first weight with a hole on its floor."""
    return Surface((0.1, 1.0), depth=depth, centre=(4.0, 0.0), width=0.3)


def ravine(steep: float, angle: float) -> Surface:
    """A ravine of curvature 1 across and 1/steep along."""
    return Surface((1 / steep, 1.0), angle)


def run(setting: Setting) -> Records:
    """All three methods over seven holes, along six ravines at thirteen rates each, and on digits at seven rates."""
    rng = np.random.Generator(np.random.Philox(key=[setting.seed, 17]))
    beyond = np.stack([rng.uniform(5, 7, setting.seeds), rng.uniform(-1.5, 1.5, setting.seeds)], axis=1)
    turn = rng.uniform(0, 2 * np.pi, setting.seeds)
    around = 5 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    holes = [hole(depth) for depth in HOLES]
    places = [(steep, angle) for steep in STEEP for angle in ANGLES.values()]
    ravines = [ravine(*place) for place in places for _ in RATES]
    return {
        "holes": {m: descend(m, holes, np.full(len(holes), RATE), beyond, STEPS[0]) for m in METHODS},
        "ravines": {m: descend(m, ravines, np.tile(RATES, len(places)), around, STEPS[1]) for m in METHODS},
        "digits": setting.compare("digits", **DIGITS),
    }


def through(records: Records, method: str, depth: float) -> np.ndarray:
    """Which starts ended beyond the hole, at the lowest point."""
    return np.linalg.norm(records["holes"][method].final[HOLES.index(depth)], axis=-1) < 0.5


def best(records: Records, method: str, steep: int, direction: str) -> tuple[int, np.ndarray]:
    """The row of the rate whose median number of steps is least, and the steps of all starts at it."""
    first = (STEEP.index(steep) * len(ANGLES) + list(ANGLES).index(direction)) * len(RATES)
    steps = records["ravines"][method].hit[first : first + len(RATES)]
    chosen = int(np.median(steps, axis=1).argmin())
    return first + chosen, steps[chosen]


def accuracy(records: Records, method: str, rate: float | None) -> np.ndarray:
    """Held-out accuracy on digits of each seed; of the rate that is best on average, if none is given."""
    import polars as pl

    result, wanted = records["digits"], DIGITS["lr"]
    cells = {r: result.table.row(by_predicate=(pl.col("optimizer") == method) & (pl.col("lr") == r), named=True) for r in wanted}  # fmt: skip
    values = {r: result.trials.filter(pl.col("cell") == row["cell"])["validation_score"].to_numpy() for r, row in cells.items()}  # fmt: skip
    return values[rate] if rate is not None else max(values.values(), key=np.mean)


def reported(records: Records) -> tuple[Reported, ...]:
    """Where the first start ends; the notes say it in words alone."""
    said = Text(
        "first weight at the end, hole of depth {d}, {m} (lowest point: 0)",
        "깊이 {d}인 구덩이, {m}: 마지막 첫째 가중치 (최저점은 0)",
    )
    return tuple(
        Reported(said.filled(d=depth, m=METHODS[m]), "–", f"{records['holes'][m].final[HOLES.index(depth), 0, 0]:.2f}")
        for depth in (CLAIMED[0], CLAIMED[-1])
        for m in METHODS
    )  # fmt: skip


def _rolls_through(records: Records) -> Verdict:
    said = Text(
        "share of starts that pass, momentum minus gradient descent", "통과한 출발점의 비율, 모멘텀 − 경사하강법"
    )
    parts = {
        str(depth): shares_differ(through(records, "momentum", depth), through(records, "sgd", depth), said, above=0.5)
        for depth in CLAIMED
    }
    labels = {str(d): Text("depth {d}", "깊이 {d}").filled(d=d) for d in CLAIMED}
    return everywhere(parts, Text("how deep the hole is", "구덩이의 깊이"), labels)


def _fewer(records: Records, a: str, b: str, places: list[tuple[int, str]], below: float, on: Text) -> Verdict:
    said = Text("log₂ of the steps of {a} over those of {b}", "{a}의 스텝 수 ÷ {b}의 스텝 수, log₂").filled(
        a=METHODS[a], b=METHODS[b]
    )
    parts, labels = {}, {}
    for steep, direction in places:
        ours, theirs = best(records, a, steep, direction)[1], best(records, b, steep, direction)[1]
        with np.errstate(invalid="ignore"):  # where neither arrives, nothing is said
            ratio = np.log2(ours) - np.log2(theirs)
        parts[f"{steep} {direction}"] = median(ratio, said, below=below)
        labels[f"{steep} {direction}"] = _place(steep, direction)
    return everywhere(parts, on, labels)


def _crosses(records: Records) -> Verdict:
    places = [(steep, "turned") for steep in STEEP]
    return _fewer(records, "momentum", "sgd", places, -1.0, Text("how steep the ravine is", "골짜기가 얼마나 가파른가"))


def _own_rates(records: Records) -> Verdict:
    places = [(steep, direction) for steep in STEEP[1:] for direction in ANGLES]
    return _fewer(
        records,
        "adam",
        "momentum",
        places,
        0.0,
        Text("the ravine's direction and steepness", "골짜기의 방향과 가파른 정도"),
    )


def _real(records: Records) -> Verdict:
    said = Text("difference in held-out accuracy after 100 steps", "100스텝 뒤 검증 정확도의 차이")
    parts, labels = {}, {}
    for method in ("momentum", "adam"):
        for rate, where in (
            (SAME_RATE, Text("all at 0.01", "모두 0.01")),
            (None, Text("each at its best rate", "저마다 가장 좋은 학습률")),
        ):
            key = f"{method} {rate or 'best'}"
            parts[key] = median(accuracy(records, method, rate) - accuracy(records, "sgd", rate), said, above=0.05)
            labels[key] = Text("{m}, {w}", "{m}, {w}").filled(m=METHODS[method], w=where)
    return everywhere(parts, Text("whether each has its own best rate", "저마다 가장 좋은 학습률을 쓰는가"), labels)


def _place(steep: int, direction: str) -> Text:
    turned = {"aligned": Text("along an axis", "축과 나란함"), "turned": Text("turned by 45°", "45° 돌림")}[direction]
    return Text("{s} : 1, {t}", "{s} : 1, {t}").filled(s=steep, t=turned)


def _paths(records: Records, lang: Lang) -> Picture:
    panels: dict[str, Walk] = {}
    for depth in (CLAIMED[0], CLAIMED[-1]):
        title = Text("a hole of depth {d}", "깊이 {d}인 구덩이").filled(d=depth).to(lang)
        i = HOLES.index(depth)
        paths = {METHODS[m].to(lang): records["holes"][m].paths[i, :3, :800] for m in METHODS}
        panels[title] = Walk(hole(depth), (-1.5, 7.5, -2.2, 2.2), paths)
    for direction, angle in ANGLES.items():
        title = Text("a ravine, {p}", "골짜기, {p}").filled(p=_place(STEEP[1], direction)).to(lang)
        walked = {}
        for m in METHODS:
            row = best(records, m, STEEP[1], direction)[0]
            walked[METHODS[m].to(lang)] = records["ravines"][m].paths[row, :1, :100]
        panels[title] = Walk(ravine(STEEP[1], angle), (-6.5, 6.5, -6.0, 6.0), walked)
    figure = walks(panels, Text("first weight", "첫째 가중치").to(lang), Text("second weight", "둘째 가중치").to(lang))
    caption = Text(
        "Loss surfaces with the optimisers' paths: dots are starts, crosses ends, stars the lowest points. Along the ravines "
        "each method has its best rate and 100 steps.",
        "손실 곡면과 최적화 경로. 점은 출발점, ×는 도착점, 별은 최저점이다. 골짜기에서는 방법마다 가장 좋은 학습률로 100스텝을 갔다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _statistics(records: Records, lang: Lang) -> Picture:
    escaped, crossed = [], []
    for m, name in METHODS.items():
        passed = [through(records, m, depth) for depth in HOLES]
        low, high = wilson([p.sum() for p in passed], [len(p) for p in passed])
        escaped.append(Line(name.to(lang), np.array(HOLES), 100 * np.mean(passed, axis=1), 100 * low, 100 * high))
        for direction in ANGLES:
            band = [quantiles(best(records, m, steep, direction)[1], (0.25, 0.5, 0.75)) for steep in STEEP]
            low, middle, high = np.transpose(band)
            crossed.append((direction, Line(name.to(lang), np.array(STEEP), middle, low, high)))
    steep, steps = (
        Text("curvature across over curvature along", "골짜기를 가로지르는 곡률 ÷ 따라가는 곡률"),
        Text("steps to 1/10,000 of the loss", "손실이 1/10,000이 되는 스텝"),
    )
    panels = {
        Text("over a hole, rate 0.02", "구덩이 넘기, 학습률 0.02").to(lang): Panel(
            escaped, Text("depth of the hole", "구덩이의 깊이").to(lang), Text("starts that pass, %", "통과한 출발점, %").to(lang),
        ),
        **{
            Text("a ravine, {p}", "골짜기, {p}").filled(p=_place(0, d).to(lang).partition(", ")[2]).to(lang): Panel(
                [line for direction, line in crossed if direction == d], steep.to(lang), steps.to(lang), x_log=True, y_log=True,
            )
            for d in ANGLES
        },
    }  # fmt: skip
    caption = Text(
        "Left: how many starts pass a hole (95 % intervals). Others: steps along a ravine, each method at its best rate; median and quartiles over the starts.",
        "왼쪽: 구덩이를 통과한 출발점의 비율(95 % 구간). 나머지: 골짜기를 지나는 데 걸린 스텝. 방법마다 가장 좋은 학습률을 썼고, 출발점들의 중앙값과 사분위수를 그렸다.",
    ).to(lang)
    return Picture(against(panels), caption, caption)


def _digits(records: Records, lang: Lang) -> Picture:
    rates = np.array(DIGITS["lr"])
    lines = []
    for m, name in METHODS.items():
        low, middle, high = np.transpose([quantiles(accuracy(records, m, rate), (0.25, 0.5, 0.75)) for rate in rates])
        lines.append(Line(name.to(lang), rates, 100 * middle, 100 * low, 100 * high))
    title = Text("digits, 32 ReLU units, 100 steps", "손글씨 숫자, ReLU 유닛 32개, 100스텝").to(lang)
    panel = Panel(
        lines,
        Text("learning rate", "학습률").to(lang),
        Text("held-out accuracy, %", "검증 정확도, %").to(lang),
        x_log=True,
    )
    caption = Text(
        "At one common rate the methods look far apart; at their own best rates they are close. Median and quartiles over seeds.",
        "학습률을 똑같이 두면 방법끼리 크게 달라 보이지만, 저마다 가장 좋은 학습률에서는 비슷하다. 시드들의 중앙값과 사분위수.",
    ).to(lang)
    return Picture(against({title: panel}), caption, caption)


OPTIMIZERS = Phenomenon(
    name="optimizers",
    aliases=("p17",),
    summary="what do momentum and Adam do that gradient descent does not?",
    number=17,
    title=Text("Gradient descent, momentum, Adam", "경사하강법, 모멘텀, Adam"),
    question=Text(
        "Does a heavy ball roll through small holes, and does a rate of its own for every weight help?",
        "무거운 공은 작은 구덩이를 지나쳐 굴러갈까? 가중치마다 학습률을 따로 두면 도움이 될까?",
    ),
    explanation=prose(
        """
        Gradient descent knows only the slope under its feet. In a hole it stops, however small the hole is. Momentum
        keeps nine tenths of its last step, so it arrives with speed and rolls through a shallow hole; a deep one
        catches it as well. It is a ball, not magic: the depth decides.

        A ravine is steep across and nearly flat along. The steep walls forbid a larger rate, and at that rate gradient
        descent creeps along the floor. Momentum adds up the small steps along and cancels those across. That pays once
        the ravine is steep; in a gentle one, with ten to one, the ball overshoots and gradient descent arrives first.

        Adam divides every weight's step by the usual size of that weight's gradient. Where the ravine lies along an
        axis, this makes it round, and Adam arrives a little before momentum. Turn the same ravine by 45° and both weights
        see gradients of the same size: there is nothing to divide away, and at a thousand to one Adam needs several
        times momentum's steps.

        On real data, at a common rate of 0.01, momentum and Adam look far ahead of gradient descent. But the methods use
        a rate differently. Give each its own best rate, and most of the lead was the rate's.
        """,
        """
        경사하강법은 발밑의 기울기밖에 모른다. 그래서 아무리 작은 구덩이라도 빠지면 멈춘다. 모멘텀은 직전
        걸음의 9할을 이어 가므로 속도가 붙은 채 구덩이에 들어가고, 얕은 구덩이는 그대로 지나친다. 하지만 깊은
        구덩이에는 모멘텀도 갇힌다. 결과를 가르는 것은 구덩이의 깊이다.

        골짜기는 가로지르는 쪽은 가파르고 따라가는 쪽은 거의 평평하다. 벽이 가팔라서 학습률을 키울 수 없고, 그
        학습률로는 바닥을 기어가듯 나아간다. 모멘텀을 쓰면 골짜기를 따라가는 작은 걸음은 쌓이고 가로지르는 걸음은
        서로 지워진다. 골짜기가 가파를수록 이득이 크다. 10 대 1처럼 완만하면 공이 최저점을 지나쳐 되돌아오느라
        오히려 경사하강법이 먼저 도착한다.

        Adam은 가중치마다 걸음을 그 가중치의 평소 기울기 크기로 나눈다. 골짜기가 축과 나란하면 이 나눗셈만으로
        골짜기가 둥글게 펴지고, Adam은 모멘텀보다 조금 먼저 도착한다. 같은 골짜기를 45° 돌리면 두 가중치의 기울기
        크기가 같아져 나눌 것이 없다. 1000 대 1인 골짜기라면 Adam은 모멘텀보다 몇 배나 많은 스텝을 써야 한다.

        실제 데이터에서 학습률을 모두 0.01로 두면 모멘텀과 Adam이 경사하강법을 크게 앞서 보인다. 그러나 같은
        학습률이라도 방법마다 쓰임이 다르다. 저마다 가장 좋은 학습률을 주면 차이는 대부분 사라진다. 앞선 것은
        방법이라기보다 학습률이었다.
        """,
    ),
    seeds=(64, 256),
    seconds=(9.0, 22.0),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="momentum-rolls-through",
            text=Text("Momentum rolls through a hole in which gradient descent stays.", "모멘텀은 경사하강법이 갇히는 구덩이를 지나쳐 굴러간다."),
            rule=Text(
                "Same starts, rate 0.02; holds if Newcombe's 95 % interval of the difference between the shares that pass lies above 50 points.",
                "같은 출발점, 학습률 0.02. 통과한 비율의 차이에 대한 뉴컴 95 % 구간 전체가 50 %포인트보다 크면 성립.",
            ),
            decide=_rolls_through,
        ),
        Claim(
            key="momentum-crosses-ravines",
            text=Text("Momentum needs at most half of gradient descent's steps along a ravine.", "골짜기에서 모멘텀은 경사하강법의 절반 이하의 스텝만 쓴다."),
            rule=Text(
                "Each at its best of 13 rates, same starts; sign test of the median log₂ ratio of steps, below −1.",
                "저마다 학습률 13개 중 가장 좋은 것, 같은 출발점. 스텝 비의 log₂ 중앙값이 −1보다 작은지 부호검정.",
            ),
            decide=_crosses,
        ),
        Claim(
            key="adam-beats-momentum",
            text=Text(
                "A rate of its own for every weight takes Adam along a ravine in fewer steps than momentum.",
                "가중치마다 학습률을 따로 두는 Adam은 골짜기에서 모멘텀보다 적은 스텝을 쓴다.",
            ),
            rule=Text("As above, Adam against momentum, below 0.", "위와 같은 방법으로 Adam과 모멘텀을 비교한다. 0보다 작으면 성립."),
            decide=_own_rates,
        ),
        Claim(
            key="ahead-on-real-data",
            text=Text("On real data momentum and Adam are far ahead of gradient descent.", "실제 데이터에서 모멘텀과 Adam은 경사하강법보다 크게 앞선다."),
            rule=Text(
                "Digits, 100 steps, same seeds; sign test of the median difference in held-out accuracy, above 5 points.",
                "손글씨 숫자, 100스텝, 같은 시드. 검증 정확도 차이의 중앙값이 5 %포인트보다 큰지 부호검정.",
            ),
            decide=_real,
        ),
    ),
    drawings=(
        Drawing(key="paths", heading=Text("Paths over the surfaces", "손실 곡면 위의 경로"), draw=_paths),
        Drawing(key="starts", heading=Text("From many starts", "여러 출발점에서"), draw=_statistics),
        Drawing(key="digits", heading=Text("On real data", "실제 데이터"), draw=_digits),
    ),
)  # fmt: skip
