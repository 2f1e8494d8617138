"""P13: ReLU units that answer 0 to every input: what kills them, whether they come back, and what saves the network."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability.lab.figures.layers import layers
from trainability.lab.figures.shares import shares
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.text import Lang, Text, prose, same
from trainability.lab.verdicts import Verdict, everywhere, median, share
from trainability.report.gather import history, quantiles
from trainability.report.style import MARKERS, SERIES, Picture, drawing, grid_lines, legend_above, new_figure

USUAL: Final[dict[str, Any]] = {
    "width": 16, "depth": 3, "activation": "relu", "init": "he_uniform", "optimizer": "sgd", "lr": 0.1, "batch": 32,
    "steps": 1_000,
}  # fmt: skip
"""A network that learns the two moons with every seed; the notes name no configuration."""
RATES: Final = ((0.03, 0.3, 1.0, 3.0), (0.01, 0.03, 0.1, 0.3, 1.0, 2.0, 3.0))
BIASES: Final = ((-1.0, -0.5, 0.0, 0.2, 1.0), (-1.0, -0.7, -0.5, -0.2, 0.0, 0.2, 0.5, 1.0))
DEPTHS: Final = ((1, 2, 4, 8), (1, 2, 4, 8, 16))
ADAM: Final[dict[str, Any]] = {"optimizer": "adam", "lr": 0.1}
KILLERS: Final[dict[str, tuple[Text, dict[str, Any]]]] = {
    "rate": (Text("learning rate 3", "학습률 3"), {"lr": 3.0}),
    "bias": (Text("biases −1", "편향 −1"), {"bias_init": "constant:-1"}),
}
REMEDIES: Final[dict[str, tuple[Text, dict[str, Any]]]] = {
    "nothing": (Text("nothing", "아무것도 안 함"), {}),
    "rate": (Text("a tenth of the rate", "학습률을 10분의 1로"), {}),  # filled in by `_remedy`
    "bias": (Text("biases 0.2", "편향 0.2"), {"bias_init": "constant:0.2"}),
    "leaky_relu": (same("Leaky ReLU 0.01"), {"activation": "leaky_relu:0.01"}),
    "prelu": (same("PReLU"), {"activation": "prelu"}),
    "elu": (same("ELU"), {"activation": "elu"}),
    "maxout": (Text("Maxout", "맥스아웃"), {"activation": "maxout"}),
    "init": (Text("orthogonal initialiser", "직교 초기화"), {"init": "orthogonal"}),
    "clip": (Text("gradients clipped to 0.1", "기울기 클리핑 0.1"), {"clip": 0.1}),
    "batch_norm": (Text("batch normalisation", "배치 정규화"), {"norm": "batch"}),
}


def _remedy(killer: str, remedy: str) -> dict[str, Any]:
    change = {**KILLERS[killer][1], **REMEDIES[remedy][1]}
    return {**change, "lr": change.get("lr", USUAL["lr"]) / 10} if remedy == "rate" else change


def run(setting: Setting) -> Records:
    """Dead units against rate, bias and depth, under Adam, and networks that die under every remedy."""

    def learn(**change: Any) -> Any:
        return setting.compare("moons", **{**USUAL, **change})

    form = 0 if setting.quick else 1
    return {
        "rates": {rate: learn(lr=rate) for rate in RATES[form]},
        "biases": {bias: learn(bias_init=f"constant:{bias:g}") for bias in BIASES[form]},
        "depths": {depth: learn(depth=depth) for depth in DEPTHS[form]},
        "adam": learn(**ADAM),
        "remedies": {(killer, remedy): learn(**_remedy(killer, remedy)) for killer in KILLERS for remedy in REMEDIES},
    }


def reported(records: Records) -> tuple[Reported, ...]:
    """How many units of the first seed are dead; the notes give no figures of it."""
    said = Text("dead units at the start and at the end, {what}", "시작할 때와 끝날 때 죽은 유닛, {what}")
    runs = {KILLERS["rate"][0]: records["rates"][3.0], KILLERS["bias"][0]: records["biases"][-1.0]}
    return tuple(
        Reported(said.filled(what=what), "–", " → ".join(f"{100 * _share_at(run, when)[0]:.0f} %" for when in (0, -1)))
        for what, run in runs.items()
    )


def _dead(result: Any) -> np.ndarray:
    """Share of dead units per hidden layer, shape (trials, checkpoints, layers); NaN once a trial has become NaN."""
    _, dead = history(result.trials, "dead")
    return dead[:, :, :-1]


def _share_at(result: Any, when: int) -> np.ndarray:
    """Share of dead units over all hidden layers at checkpoint `when`, shape (trials,)."""
    return _dead(result)[:, when].mean(axis=1)


def _solved(result: Any) -> np.ndarray:
    return result.trials["solved"].to_numpy()


def revived(dead: np.ndarray) -> np.ndarray:
    """Whether fewer units were dead at a later checkpoint, of the trials that had a dead unit before the last one.

    Args:
        dead: shares of dead units, shape (trials, checkpoints, layers).

    Returns:
        Bool, shape (trials with a dead unit,).
    """
    had = np.any(dead[:, :-1] > 0, axis=(1, 2))
    return np.any(np.diff(dead, axis=1) < 0, axis=(1, 2))[had]


def _deadly(records: Records) -> dict[str, tuple[Text, Any]]:
    return {
        "sgd": (Text("gradient descent, rate 3", "경사하강법, 학습률 3"), records["rates"][3.0]),
        "adam": (Text("Adam, rate 0.1", "Adam, 학습률 0.1"), records["adam"]),
    }


def _revivals(records: Records) -> dict[str, tuple[Text, np.ndarray]]:
    places = {
        "first": (Text("first layer", "첫 층"), slice(0, 1)),
        "later": (Text("later layers", "뒤쪽 층"), slice(1, None)),
    }
    return {
        f"{place}-{run}": (
            Text("{place}, {run}", "{place}, {run}").filled(place=where, run=what), revived(_dead(result)[:, :, layer])
        )
        for run, (what, result) in _deadly(records).items()
        for place, (where, layer) in places.items()
    }  # fmt: skip


def _stays_dead(records: Records) -> Verdict:
    said = Text(
        "share of seeds in which the share of dead units ever falls",
        "죽은 유닛의 비율이 한 번이라도 줄어든 시드의 비율",
    )
    found = _revivals(records)
    parts = {key: share(outcomes, said, below=0.1) for key, (_, outcomes) in found.items()}
    on = Text("the layer and the optimiser", "층과 옵티마이저")
    return everywhere(parts, on, {key: label for key, (label, _) in found.items()})


def _rate_kills(records: Records) -> Verdict:
    said = Text(
        "share of dead units at the end, rate {b} minus rate {a}", "끝날 때 죽은 유닛의 비율, 학습률 {b} − 학습률 {a}"
    )
    parts, labels = {}, {}
    for a, b in ((0.03, 0.3), (0.3, 3.0)):
        change = _share_at(records["rates"][b], -1) - _share_at(records["rates"][a], -1)
        parts[f"{b}"] = median(change, said.filled(a=f"{a:g}", b=f"{b:g}"), above=0.1)
        labels[f"{b}"] = same(f"{a:g} → {b:g}")
    return everywhere(parts, Text("where the rate already is", "원래 학습률의 크기"), labels)


def _negative_bias_kills(records: Records) -> Verdict:
    said = Text(
        "share of dead units at the start, biases −1 minus biases 0", "시작할 때 죽은 유닛의 비율, 편향 −1 − 편향 0"
    )
    return median(_share_at(records["biases"][-1.0], 0) - _share_at(records["biases"][0.0], 0), said, above=0.1)


def _positive_bias_saves(records: Records) -> Verdict:
    said = Text(
        "share of dead units at the end, biases 0 minus biases 0.2", "끝날 때 죽은 유닛의 비율, 편향 0 − 편향 0.2"
    )
    return median(_share_at(records["biases"][0.0], -1) - _share_at(records["biases"][0.2], -1), said, above=0.05)


def _depth_kills(records: Records) -> Verdict:
    said = Text("share of dead units at the start, 8 layers minus 2", "시작할 때 죽은 유닛의 비율, 8층 − 2층")
    return median(_share_at(records["depths"][8], 0) - _share_at(records["depths"][2], 0), said, above=0.05)


def _many_dead_fail(records: Records) -> Verdict:
    said = Text(
        "of the seeds with a quarter of the units dead, the share that learns",
        "유닛의 4분의 1 이상이 죽은 시드 가운데 학습에 성공한 비율",
    )
    runs = _deadly(records)
    parts = {
        key: share(_solved(result)[_share_at(result, -1) >= 0.25], said, below=0.5) for key, (_, result) in runs.items()
    }
    return everywhere(parts, Text("how they died", "죽은 원인"), {key: label for key, (label, _) in runs.items()})


def _remedies_save(records: Records) -> Verdict:
    said = Text("share of seeds that learn", "학습에 성공한 시드의 비율")
    parts, labels = {}, {}
    for (killer, remedy), result in records["remedies"].items():
        if remedy == "nothing":
            continue
        parts[f"{killer}-{remedy}"] = share(_solved(result), said, above=0.5)
        labels[f"{killer}-{remedy}"] = Text("{killer}: {remedy}", "{killer}: {remedy}").filled(
            killer=KILLERS[killer][0], remedy=REMEDIES[remedy][0]
        )
    return everywhere(parts, Text("what killed the units, and the remedy", "유닛을 죽인 원인과 처방"), labels)


def _against(records: Records, lang: Lang) -> Picture:
    from matplotlib.lines import Line2D

    panels = {
        Text("learning rate", "학습률"): records["rates"],
        Text("biases at the start", "처음 편향"): records["biases"],
        Text("hidden layers", "은닉층의 수"): records["depths"],
    }
    with drawing():
        figure = new_figure(3.2)
        for axes, (title, results) in zip(figure.subplots(1, 3, sharey=True), panels.items(), strict=True):
            grid_lines(axes)
            x = list(range(len(results)))
            for i, when in enumerate((0, -1)):
                bands = [quantiles(100 * _share_at(result, when), (0.25, 0.5, 0.75)) for result in results.values()]
                low, middle, high = np.array(bands).T
                axes.fill_between(x, low, high, color=SERIES[i], alpha=0.25, linewidth=0)
                axes.plot(x, middle, color=SERIES[i], marker=MARKERS[i], markersize=4)
            learned = [100 * _solved(result).mean() for result in results.values()]
            axes.plot(x, learned, color=SERIES[2], marker=MARKERS[2], markersize=4, linestyle=(0, (1, 1.5)))
            axes.set_xticks(x, [f"{value:g}".replace("-", "−") for value in results])
            axes.set_xlabel(title.to(lang))
            axes.set_ylim(-3, 103)
        figure.supylabel("%", fontsize=9)
        names = (
            Text("dead units at the start", "시작할 때 죽은 유닛"), Text("at the end", "끝날 때"),
            Text("seeds that learn", "학습에 성공한 시드"),
        )  # fmt: skip
        styles = ("-", "-", (0, (1, 1.5)))
        handles = [Line2D([], [], color=SERIES[i], marker=MARKERS[i], linestyle=styles[i]) for i in range(3)]
        legend_above(figure, handles, [name.to(lang) for name in names])
    caption = Text(
        "Share of dead units, the median over seeds with quartiles, and of seeds that learn, with one thing changed at a "
        "time.",
        "죽은 유닛의 비율(시드의 중앙값과 사분위 구간)과 학습에 성공한 시드의 비율. 한 번에 한 가지만 바꾸었다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _by_layer(records: Records, lang: Lang) -> Picture:
    names = (Text("at the start", "시작").to(lang), Text("at the end", "끝").to(lang))
    runs = {f"{rate:g}": records["rates"][rate] for rate in (0.3, 1.0, 3.0)} | {"Adam 0.1": records["adam"]}
    panels = {}
    for title, result in runs.items():
        values = 100 * _dead(result)
        word = title if title.startswith("Adam") else Text("rate {r}", "학습률 {r}").filled(r=title).to(lang)
        panels[word] = dict(zip(names, (values[:, 0], values[:, -1]), strict=True))
    figure = layers(
        panels,
        Text("hidden layer", "은닉층").to(lang),
        Text("dead units, %", "죽은 유닛, %").to(lang),
        log=False,
        columns=4,
    )
    caption = Text(
        "Dead units by layer. Deep layers see only what the ones before let through, so more of theirs are dead.",
        "층별 죽은 유닛. 뒤쪽 층은 앞 층이 통과시킨 것만 받으므로 더 많이 죽는다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _revival(records: Records, lang: Lang) -> Picture:
    groups = {label.to(lang): {"": outcomes} for label, outcomes in _revivals(records).values()}
    figure = shares(groups, Text("seeds in which units come back, %", "유닛이 되살아난 시드, %").to(lang))
    caption = Text(
        "How often dead units answer again at some later checkpoint, of the seeds that have any; lines are 95 % intervals.",
        "죽은 유닛이 있는 시드 가운데, 나중에라도 죽은 유닛이 줄어든 비율. 선은 95 % 구간.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _saved(records: Records, lang: Lang) -> Picture:
    groups = {
        label.to(lang): {KILLERS[killer][0].to(lang): _solved(records["remedies"][killer, key]) for killer in KILLERS}
        for key, (label, _) in REMEDIES.items()
    }
    figure = shares(groups, Text("seeds that learn, %", "학습에 성공한 시드, %").to(lang))
    caption = Text(
        "Two ways to kill a ReLU network, and what each remedy does to it. Few remedies save from both.",
        "ReLU 신경망을 죽이는 두 가지 길과 처방의 효과. 양쪽에 다 듣는 처방은 드물다.",
    ).to(lang)
    return Picture(figure, caption, caption)


DYING_RELU = Phenomenon(
    name="dying-relu",
    aliases=("p13",),
    summary="what kills ReLU units, and what revives them?",
    number=13,
    title=Text("Dying ReLU", "죽어 가는 ReLU"),
    question=Text(
        "A ReLU unit that answers 0 to every input gets no gradient. What kills it, and can anything bring it back?",
        "모든 입력에 0을 내놓는 ReLU 유닛은 기울기를 받지 못한다. 무엇이 유닛을 죽이고, 무엇이 되살릴까?",
    ),
    explanation=prose(
        """
        A ReLU unit is dead if its sum is negative for every sample: it answers 0, its slope is 0, and no gradient
        reaches its weights. In the first layer under gradient descent that is final. Elsewhere it is not: a later
        layer's input changes as the layers before it learn, and Adam goes on moving weights for a while without a
        gradient. Units there often come back.

        Ten times a small rate kills hardly anything. Near the limit of stability one large step puts the sums of
        many units below zero for every sample, and most never return. Biases that start at −1 do the same. Every further layer
        loses some more at the start, since it gets only what the ones before let through. Biases a little above zero
        spare few units here.

        Some dead units do no harm: with Adam a good part of the units dies and all seeds learn. It is fatal when a whole
        layer dies.

        Which remedy helps depends on what killed. Against a rate that is too large only less of it helps: a smaller
        rate, clipped gradients, normalisation. Leaky ReLU, PReLU, ELU and Maxout do not die then, they diverge; the dead
        unit was the symptom. Against bad biases it is the other way round: a slope on the negative side, if it is not
        too small, or better biases save the network, and a smaller rate does nothing.
        """,
        """
        모든 표본에서 합이 음수인 ReLU 유닛은 죽은 유닛이다. 출력도 기울기도 0이라서 가중치에 아무 기울기도
        닿지 않는다. 경사하강법을 쓰는 첫 층에서는 한 번 죽으면 끝이다. 다른 곳에서는 그렇지 않다. 뒤쪽 층은 앞 층이 배우는
        동안 입력이 달라지고, Adam은 기울기가 없어도 한동안 가중치를 계속 움직인다. 그래서 유닛이 되살아나는 일이 많다.

        학습률이 작을 때는 10배로 올려도 거의 죽지 않는다. 안정성의 한계에 가까워지면 큰 스텝 한 번에 많은 유닛의 합이 모든
        표본에서 음수가 되고, 대부분 돌아오지 못한다. 편향을 −1에서 시작해도 같은 일이 일어난다. 층을 더할수록 시작할 때 죽어 있는
        유닛도 늘어난다. 앞 층이 통과시킨 것만 받기 때문이다. 편향을 0보다 조금 크게 잡는 것은 여기서는 별로 도움이 되지
        않는다.

        유닛이 조금 죽는 것은 해롭지 않다. Adam을 쓰면 꽤 많은 유닛이 죽어도 모든 시드가 학습에 성공한다. 치명적인 것은 한 층이 통째로
        죽는 경우이다.

        어떤 처방이 듣는지는 죽인 원인에 달려 있다. 학습률이 너무 크면 그것을 줄이는 것만이 듣는다. 학습률을 낮추거나, 기울기를
        잘라 내거나(클리핑), 정규화하는 것이다. Leaky ReLU, PReLU, ELU, 맥스아웃은 이때 죽지 않는 대신 발산한다. 죽은 유닛은
        증상이었을 뿐이다. 편향이 문제일 때는 반대이다. 음수 쪽에 너무 작지 않은 기울기를 두거나 편향을 바로잡으면 살아나고,
        학습률을 낮추는 것은 소용이 없다.
        """,
    ),
    seeds=(48, 256),
    seconds=(4.0, 18.0),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="stays-dead",
            text=Text("A unit that has died stays dead.", "한번 죽은 유닛은 되살아나지 않는다."),
            rule=Text(
                "Of the seeds with dead units, those whose share ever falls between checkpoints; Wilson's interval below 10 %.",
                "죽은 유닛이 있는 시드 가운데 그 비율이 한 번이라도 줄어든 시드. 윌슨 구간 전체가 10 %보다 작으면 성립.",
            ),
            decide=_stays_dead,
        ),
        Claim(
            key="rate-kills",
            text=Text("Ten times the learning rate kills more than a tenth more of the units.", "학습률을 10배로 올리면 유닛이 10 % 넘게 더 죽는다."),
            rule=Text(
                "Differences over the same seeds; sign test of the median, above 0.1.",
                "같은 시드끼리 뺀 차의 중앙값이 0.1보다 큰지 부호검정.",
            ),
            decide=_rate_kills,
        ),
        Claim(
            key="negative-bias-kills",
            text=Text("Biases of −1 kill more than a tenth of the units before the first step.", "편향이 −1이면 첫 스텝 전에 유닛이 10 % 넘게 더 죽어 있다."),
            rule=Text(
                "Differences over the same seeds; sign test of the median, above 0.1.",
                "같은 시드끼리 뺀 차의 중앙값이 0.1보다 큰지 부호검정.",
            ),
            decide=_negative_bias_kills,
        ),
        Claim(
            key="positive-bias-saves",
            text=Text("Biases a little above zero keep more than one in twenty units alive.", "편향을 0보다 조금 크게 잡으면 유닛이 20개 중 하나 넘게 더 살아남는다."),
            rule=Text(
                "Differences over the same seeds; sign test of the median, above 0.05.",
                "같은 시드끼리 뺀 차의 중앙값이 0.05보다 큰지 부호검정.",
            ),
            decide=_positive_bias_saves,
        ),
        Claim(
            key="depth-kills",
            text=Text("Deeper networks start with a larger share of dead units.", "깊은 신경망일수록 죽은 유닛의 비율이 큰 채로 시작한다."),
            rule=Text(
                "Eight layers minus two over the same seeds; sign test of the median, above 0.05.",
                "같은 시드끼리 8층에서 2층을 뺀 차의 중앙값이 0.05보다 큰지 부호검정.",
            ),
            decide=_depth_kills,
        ),
        Claim(
            key="many-dead-fail",
            text=Text("A network with a quarter of its units dead does not learn.", "유닛의 4분의 1이 죽은 신경망은 배우지 못한다."),
            rule=Text(
                "Of the seeds with at least a quarter dead at the end, those that learn; Wilson's interval below 50 %.",
                "끝날 때 4분의 1 이상이 죽은 시드 가운데 학습에 성공한 비율. 윌슨 구간 전체가 50 %보다 작으면 성립.",
            ),
            decide=_many_dead_fail,
        ),
        Claim(
            key="remedies-save",
            text=Text("Every usual remedy lets most seeds learn again.", "흔히 쓰는 처방은 어느 것이든 대부분의 시드를 다시 학습하게 한다."),
            rule=Text(
                "For each killer and remedy, Wilson's interval of the share that learns, above 50 %.",
                "원인과 처방마다 학습에 성공한 비율의 윌슨 구간 전체가 50 %보다 크면 성립.",
            ),
            decide=_remedies_save,
        ),
    ),
    drawings=(
        Drawing(key="against", heading=Text("Dead units against rate, bias and depth", "학습률, 편향, 깊이와 죽은 유닛"), draw=_against),
        Drawing(key="layers", heading=Text("Dead units by layer", "층별 죽은 유닛"), draw=_by_layer),
        Drawing(key="revival", heading=Text("Do they come back?", "되살아나는가"), draw=_revival),
        Drawing(key="remedies", heading=Text("What saves the network", "무엇이 신경망을 살리는가"), draw=_saved),
    ),
)  # fmt: skip
