"""P10: what the activations of the notes do to numbers and to a picture."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.subjects import SUBJECTS
from trainability.lab.text import Lang, Text, prose, same
from trainability.lab.verdicts import Verdict, at_least, at_most, everywhere, median
from trainability.report.card.picture import own_picture
from trainability.report.gather import quantiles
from trainability.report.style import INK, MARKERS, SERIES, Picture, drawing, grid_lines, legend_above, new_figure
from trainability.report.words import number

REACH: Final = 10.0
AXIS: Final = np.linspace(-REACH, REACH, 4000)
"""An even number of points: the kinks at 0 lie between two of them."""
SAMPLES: Final = 1000
LEVELS: Final = 256
FLAT: Final = 0.01

INPUTS: Final[dict[str, Text]] = {
    "uniform": Text("uniform on [0, 1], minus the mean (notes)", "[0, 1] 균등분포, 평균을 뺌 (노트)"),
    "wide": Text("twenty times as wide", "폭을 20배로"),
    "skewed": Text("exponential, minus the mean", "지수분포, 평균을 뺌"),
    "picture": Text("pixels minus the picture's median", "그림의 화소, 중앙값을 뺌"),
    "raw": Text("uniform on [0, 1] as it is", "[0, 1] 균등분포 그대로"),
}


def grey_picture() -> np.ndarray:
    """Our test picture in 256 grey levels, from 0 to 1."""
    return np.round(own_picture() * (LEVELS - 1)) / (LEVELS - 1)


def draw_inputs(generator: np.random.Generator, seeds: int) -> dict[str, np.ndarray]:
    """Inputs of each kind, shape (seeds, SAMPLES)."""
    uniform = generator.random((seeds, SAMPLES))
    skewed = generator.standard_exponential((seeds, SAMPLES))
    picture = grey_picture()
    centred = lambda x: x - x.mean(axis=1, keepdims=True)  # noqa: E731
    return {
        "uniform": centred(uniform),
        "wide": centred(20 * uniform),
        "skewed": centred(skewed),
        "picture": generator.choice((picture - np.median(picture)).ravel(), (seeds, SAMPLES)),
        "raw": uniform,
    }


def run(setting: Setting) -> Records:
    """Each seed's mean over deviation of the answers, the share of zeros, and one sample and one picture in full."""
    inputs = draw_inputs(np.random.Generator(np.random.Philox(setting.seed)), setting.seeds)
    off, zeros = {}, {}
    for kind, x in inputs.items():
        for name, subject in SUBJECTS.items():
            after = np.stack([subject.layer(row) for row in x])
            spread = after.std(axis=1)
            off[name, kind] = np.abs(after.mean(axis=1)) / np.where(spread > 0, spread, np.nan)
            zeros[name, kind] = np.mean(after == 0, axis=1)
    sample = inputs["uniform"][0]
    picture = grey_picture()
    picture = picture - np.median(picture)
    return {
        "off": off,
        "zeros": zeros,
        "sample": sample,
        "after": {name: subject.layer(sample) for name, subject in SUBJECTS.items()},
        "picture": picture,
        "pictures": {name: subject.layer(picture) for name, subject in SUBJECTS.items()},
        "identity": float(np.abs(np.tanh(AXIS) - (2 * SUBJECTS["sigmoid"].value(2 * AXIS) - 1)).max()),
    }


def reported(records: Records) -> tuple[Reported, ...]:
    """The notes show figures and no numbers."""
    what = Text(
        "mean and deviation of the answers of {name} to 1000 uniform samples (a figure in the notes)",
        "균등분포 표본 1000개에 대한 {name} 출력의 평균과 표준편차 (노트에는 그림만 있다)",
    )
    rows = []
    for name in ("sigmoid", "tanh", "relu"):
        after = records["after"][name]
        ours = f"{number(float(after.mean()))}, {number(float(after.std()))}"
        rows.append(Reported(what.filled(name=SUBJECTS[name].label), "–", ours))
    return tuple(rows)


_ON_INPUTS: Final = Text("the inputs", "입력")
_ON_ACTIVATION: Final = Text("the activation", "활성화 함수")
_LABELS: Final = {name: subject.label for name, subject in SUBJECTS.items()}


def _identity(records: Records) -> Verdict:
    said = Text("largest |tanh(x) − (2σ(2x) − 1)| on [−10, 10]", "[−10, 10]에서 |tanh(x) − (2σ(2x) − 1)|의 최댓값")
    return at_most(records["identity"], 4 * float(np.finfo(float).eps), said, len(AXIS))


def _off_centre(records: Records, name: str, *, above: float | None = None, below: float | None = None) -> Verdict:
    said = Text("mean of the answers over their deviation", "출력의 평균 ÷ 표준편차 (절댓값)")
    parts = {kind: median(records["off"][name, kind], said, above=above, below=below) for kind in INPUTS}
    return everywhere(parts, _ON_INPUTS, INPUTS)


def _half(records: Records) -> Verdict:
    said = Text("distance of the share of zeros from 1/2", "0이 된 비율과 1/2의 차이")
    parts = {kind: median(np.abs(records["zeros"]["relu", kind] - 0.5), said, below=0.05) for kind in INPUTS}
    return everywhere(parts, _ON_INPUTS, INPUTS)


def _flat(records: Records) -> Verdict:
    said = Text("share of [−10, 10] where the slope is below 0.01", "[−10, 10] 중 기울기의 크기가 0.01보다 작은 비율")
    parts = {
        name: at_least(float(np.mean(np.abs(subject.slope(AXIS)) < FLAT)), 0.5, said)
        for name, subject in SUBJECTS.items()
    }
    return everywhere(parts, _ON_ACTIVATION, _LABELS)


def _keeps(records: Records) -> Verdict:
    said = Text("share of the picture's grey levels that are still told apart", "통과한 뒤에도 구별되는 밝기 값의 비율")
    levels = lambda picture: len(np.unique(np.round(picture, 12)))  # noqa: E731 - two roundings of one level are one
    before = levels(records["picture"])
    parts = {name: at_least(levels(records["pictures"][name]) / before, 0.99, said, before) for name in SUBJECTS}
    return everywhere(parts, _ON_ACTIVATION, _LABELS)


def _draw_functions(records: Records, lang: Lang) -> Picture:
    from matplotlib.lines import Line2D

    with drawing():
        figure = new_figure(4.6)
        grid = figure.subplots(2, 5, sharex=True)
        for axes, subject in zip(grid.flat, SUBJECTS.values(), strict=True):
            value, slope = subject.value(AXIS), subject.slope(AXIS)
            axes.axhline(0, color=INK, linewidth=0.5, alpha=0.5)
            axes.axvline(0, color=INK, linewidth=0.5, alpha=0.5)
            axes.plot(AXIS, value, color=SERIES[0])
            axes.plot(AXIS, slope, color=SERIES[1], linewidth=1.2)
            axes.set_title(subject.label.to(lang), loc="left")
            axes.set_xlim(-REACH, REACH)
            low, high = max(min(value.min(), slope.min()), -3), min(max(value.max(), slope.max()), 3)
            room = 0.08 * (high - low)
            axes.set_ylim(low - room, high + room)
            grid_lines(axes)
        handles = [Line2D([], [], color=SERIES[i]) for i in range(2)]
        legend_above(figure, handles, [Text("function", "함수").to(lang), Text("derivative", "도함수").to(lang)])
    caption = Text(
        "The activations of the notes with their derivatives on [−10, 10]; the vertical axis ends at ±3. "
        "Of softmax, the share that the first of the two scores (x, 0) gets.",
        "노트에 나오는 활성화 함수와 도함수. [−10, 10]에서 그렸고 세로축은 ±3까지만 보인다. "
        "소프트맥스는 두 점수 (x, 0) 가운데 첫째 점수가 받는 비율을 그렸다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _draw_histograms(records: Records, lang: Lang) -> Picture:
    from matplotlib.patches import Patch

    before = records["sample"]
    with drawing():
        figure = new_figure(4.6)
        grid = figure.subplots(2, 5)
        for axes, (name, subject) in zip(grid.flat, SUBJECTS.items(), strict=True):
            after = records["after"][name]
            low, high = min(before.min(), after.min()), max(before.max(), after.max())
            bins = np.linspace(low, high, 41)
            shares = [100 * np.histogram(values, bins)[0] / SAMPLES for values in (before, after)]
            top = min(shares[1].max(), 20.0)
            axes.stairs(shares[1], bins, fill=True, color=SERIES[1], alpha=0.6)
            axes.stairs(shares[0], bins, color=SERIES[0], linewidth=1.3)
            axes.set_title(subject.label.to(lang), loc="left")
            axes.set_ylim(0, 1.15 * max(top, shares[0].max()))
            for place in np.flatnonzero(shares[1] > 1.1 * max(top, shares[0].max())):
                right = bins[place] > 0.6 * low + 0.4 * high
                axes.annotate(
                    f"{shares[1][place]:.0f} %", (bins[place + (not right)], 1.02 * top), fontsize=7.5,
                    xytext=(-3 if right else 3, 0), textcoords="offset points", ha="right" if right else "left",
                )  # fmt: skip
            grid_lines(axes)
        figure.supylabel(Text("share of samples, %", "표본의 비율, %").to(lang), fontsize=9)
        handles = [Patch(facecolor="none", edgecolor=SERIES[0]), Patch(color=SERIES[1], alpha=0.6)]
        legend_above(figure, handles, [Text("before", "통과 전").to(lang), Text("after", "통과 후").to(lang)])
    caption = Text(
        "1000 uniform samples minus their mean, before and after. A bar that leaves the panel says how much it holds. "
        "Softmax takes all 1000 as one layer, so that each gets about 1/1000.",
        "평균을 뺀 균등분포 표본 1000개의 통과 전과 통과 후. 그림 밖으로 나간 막대에는 비율을 적었다. "
        "소프트맥스는 1000개를 한 층으로 보므로 값이 하나하나 1/1000 정도가 된다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _draw_pictures(records: Records, lang: Lang) -> Picture:
    shown = {Text("before", "통과 전").to(lang): records["picture"]}
    shown |= {subject.label.to(lang): records["pictures"][name] for name, subject in SUBJECTS.items()}
    with drawing():
        figure = new_figure(4.0)
        grid = figure.subplots(2, 6)
        for axes in grid.flat[len(shown) :]:
            axes.set_axis_off()
        for axes, (title, values) in zip(grid.flat, shown.items(), strict=False):
            axes.imshow(values, cmap="gray", vmin=values.min(), vmax=values.max())
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(visible=True, color=SERIES[4])  # a white sky ends where the white page begins
            axes.set_title(title, loc="left", fontsize=8.5)
    caption = Text(
        "A grey picture with its median taken off, before and after; black is each picture's least value, white its "
        "largest. What lay below the median is gone after ReLU; the binary step leaves an outline.",
        "중앙값을 뺀 흑백 그림의 통과 전과 통과 후. 그림마다 가장 작은 값이 검정, 가장 큰 값이 흰색이다. "
        "ReLU를 지나면 중앙값보다 어두운 부분이 사라지고, 계단 함수를 지나면 윤곽만 남는다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _draw_centres(records: Records, lang: Lang) -> Picture:
    from matplotlib.lines import Line2D

    with drawing():
        figure = new_figure(5.2)
        axes = figure.subplots()
        for place, name in enumerate(SUBJECTS):
            for i, kind in enumerate(INPUTS):
                low, middle, high = np.maximum(quantiles(records["off"][name, kind], (0.025, 0.5, 0.975)), 1e-3)
                y = place + 0.7 * ((i + 0.5) / len(INPUTS) - 0.5)
                axes.plot([low, high], [y, y], color=SERIES[i], linewidth=2.0, alpha=0.5)
                axes.plot(middle, y, MARKERS[i], color=SERIES[i], markersize=4)
        axes.axvline(0.1, color=INK, linestyle=(0, (2, 2)), linewidth=1)
        axes.axvline(1, color=INK, linestyle=(0, (2, 2)), linewidth=1)
        axes.set_yticks(range(len(SUBJECTS)), [subject.label.to(lang) for subject in SUBJECTS.values()])
        axes.set_ylim(len(SUBJECTS) - 0.5, -0.5)
        axes.set_xscale("log")
        axes.set_xticks([0.001, 0.01, 0.1, 1, 10], ["≤ 0.001", "0.01", "0.1", "1", "10"])
        axes.minorticks_off()
        axes.set_xlabel(Text("|mean| / deviation of the answers", "|출력의 평균| ÷ 표준편차").to(lang))
        grid_lines(axes)
        handles = [
            Line2D([], [], color=SERIES[i], marker=MARKERS[i], markersize=4, linewidth=0) for i in range(len(INPUTS))
        ]
        figure.legend(handles, [text.to(lang) for text in INPUTS.values()], loc="outside upper left", ncols=3)
    caption = Text(
        "How far the answers are off centre, for five kinds of inputs: median over seeds and 95 % of them. Left of 0.1 "
        "answers count as centred, right of 1 as not centred.",
        "출력이 0에서 얼마나 치우쳤는지를 다섯 가지 입력에 대해 측정한 값. 점은 시드별 중앙값, 선은 시드의 95 %가 들어가는 범위. "
        "0.1보다 왼쪽이면 0을 중심으로 한다고 보고, 1보다 오른쪽이면 치우쳤다고 본다.",
    ).to(lang)
    return Picture(figure, caption, caption)


ACTIVATION_CARD = Phenomenon(
    name="activation-card",
    aliases=("p10",),
    summary="what does each activation do to numbers and to a picture?",
    number=10,
    title=Text("What an activation does", "활성화 함수가 하는 일"),
    question=Text(
        "What do the ten activations of the notes do to centred numbers and to a grey picture?",
        "노트에 나오는 활성화 함수 열 가지는 평균을 뺀 수들과 흑백 그림을 어떻게 바꿀까?",
    ),
    explanation=prose(
        """
        An activation is applied to every number of a layer. What it keeps and what it throws away is best seen by
        sending known numbers through it. The sigmoid squeezes everything into (0, 1): its answers are all positive, so
        they are off centre even where the inputs were centred. Tanh is the same curve, stretched and shifted,
        tanh(x) = 2σ(2x) − 1, and lies around 0. But only if the inputs lie evenly around 0: skewed numbers come out of
        tanh off centre even where their mean was 0, and so do the pixels of a picture minus their median.

        ReLU makes 0 of what is negative. That is half of the numbers where half are negative, and nothing else: of
        skewed numbers minus their mean it is more, of pixel values as they are it is none. In the picture all that was
        darker than the median becomes one flat black; the binary step leaves a single bit for each pixel. Leaky ReLU,
        PReLU and ELU keep every grey level apart, if darkly.

        Gradients pass where the slope is not near 0. Over at least half of [−10, 10] the slopes of the step, the
        sigmoid, tanh and ReLU are below 0.01; those of ELU, leaky ReLU, PReLU and maxout are not. Softmax looks at the
        whole layer: its answers are shares that sum to 1.
        """,
        """
        활성화 함수는 한 층의 모든 수에 적용된다. 무엇이 남고 무엇이 버려지는지는 아는 수를 넣어 보면 가장 잘 보인다.
        시그모이드는 모든 수를 (0, 1) 안으로 눌러 넣는다. 출력이 모두 양수이므로 입력의 평균이 0이어도 출력은 0을
        중심으로 하지 않는다. tanh는 시그모이드를 늘이고 옮긴 것, 곧 tanh(x) = 2σ(2x) − 1이며 0을 중심으로 한다.
        다만 입력이 0을 중심으로 고르게 퍼져 있을 때만 그렇다. 한쪽으로 치우친 분포라면 평균이 0이어도 tanh의 출력은
        0에서 벗어나고, 중앙값을 뺀 그림의 화소도 그렇다.

        ReLU는 음수를 0으로 만든다. 입력의 절반이 음수일 때만 절반이 0이 된다. 치우친 분포에서 평균을 빼면 절반이 넘게
        0이 되고, 화소처럼 모두 양수인 값을 그대로 넣으면 하나도 0이 되지 않는다. 그림에서는 중앙값보다
        어두운 부분이 모두 똑같은 검정이 된다. 계단 함수를 지나면 화소마다 1비트만 남는다. Leaky ReLU,
        PReLU, ELU는 어두운 곳의 밝기 차이를 줄이기는 하지만 없애지는 않는다.

        기울기는 도함수가 0에 가깝지 않은 곳으로만 전해진다. 계단 함수, 시그모이드, tanh, ReLU는 [−10, 10]의
        절반 이상에서 도함수가 0.01보다 작고, ELU, Leaky ReLU, PReLU, 맥스아웃은 그렇지 않다. 소프트맥스는
        층 전체를 보고, 합이 1인 비율을 내놓는다.
        """,
    ),
    seeds=(100, 1000),
    seconds=(1.5, 2.5),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="tanh-is-a-sigmoid",
            text=same("tanh(x) = 2σ(2x) − 1"),
            rule=Text("Holds if both sides differ by at most 4 ε on 4000 points of [−10, 10].", "[−10, 10]의 점 4000개에서 양변의 차이가 4 ε 이하이면 성립."),
            decide=_identity,
        ),
        Claim(
            key="sigmoid-is-not-centred",
            text=Text("The sigmoid's answers are not centred, whatever the inputs.", "시그모이드의 출력은 입력이 무엇이든 0을 중심으로 하지 않는다."),
            rule=Text(
                "Per seed, 1000 samples; |mean| / deviation of the answers. Holds for an input if the median over seeds is above 1; sign test.",
                "시드마다 표본 1000개. |출력의 평균| ÷ 표준편차의 시드별 중앙값이 1보다 크면 그 입력에서 성립 (부호검정).",
            ),
            decide=lambda records: _off_centre(records, "sigmoid", above=1.0),
        ),
        Claim(
            key="tanh-is-centred",
            text=Text("The answers of tanh are centred.", "tanh의 출력은 0을 중심으로 한다."),
            rule=Text("The same statistic, below 0.1; sign test.", "같은 통계량이 0.1보다 작으면 성립 (부호검정)."),
            decide=lambda records: _off_centre(records, "tanh", below=0.1),
        ),
        Claim(
            key="relu-zeroes-half",
            text=Text("ReLU makes half of the values 0.", "ReLU는 값의 절반을 0으로 만든다."),
            rule=Text(
                "Per seed, the share of zeros; holds if the median of its distance from 1/2 is below 0.05; sign test.",
                "시드마다 0이 된 비율. 1/2과의 차이의 중앙값이 0.05보다 작으면 성립 (부호검정).",
            ),
            decide=_half,
        ),
        Claim(
            key="flat-over-half",
            text=Text("Over at least half of [−10, 10] an activation is flat.", "활성화 함수는 [−10, 10]의 절반 이상에서 평평하다."),
            rule=Text("Holds for an activation if |slope| < 0.01 on at least half of 4000 points.", "점 4000개 가운데 절반 이상에서 |도함수| < 0.01이면 그 함수에서 성립."),
            decide=_flat,
        ),
        Claim(
            key="picture-is-kept",
            text=Text("Pixels that differ before the activation differ after it.", "통과 전에 달랐던 화소는 통과 후에도 다르다."),
            rule=Text("Holds for an activation if at least 99 % of the picture's grey levels stay apart.", "그림의 밝기 값 가운데 99 % 이상이 여전히 구별되면 그 함수에서 성립."),
            decide=_keeps,
        ),
    ),
    drawings=(
        Drawing(key="functions", heading=Text("Function and derivative", "함수와 도함수"), draw=_draw_functions),
        Drawing(key="histograms", heading=Text("Numbers before and after", "통과 전과 통과 후의 수"), draw=_draw_histograms),
        Drawing(key="pictures", heading=Text("A picture before and after", "통과 전과 통과 후의 그림"), draw=_draw_pictures),
        Drawing(key="centres", heading=Text("How far off centre", "0에서 얼마나 치우치는가"), draw=_draw_centres),
    ),
)  # fmt: skip
