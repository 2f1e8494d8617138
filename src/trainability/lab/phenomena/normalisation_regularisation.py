"""P18: which normalisation and which regularisation rescue networks that do not learn, and which help against overfitting."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np

from trainability.lab.figures.curves import Curve, curves
from trainability.lab.figures.gains import gains
from trainability.lab.figures.shares import shares
from trainability.lab.phenomena.or_depth import NOTES as OR_NOTES
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.text import Lang, Text, prose, same
from trainability.lab.verdicts import Verdict, everywhere, median, share
from trainability.report.gather import history, trials_of
from trainability.report.style import Picture

NORMALISATION: Final[dict[str, tuple[Text, dict[str, Any]]]] = {
    "standardised": (Text("standardised inputs", "입력 표준화"), {"standardize": True}),
    "batch": (Text("batch normalisation", "배치 정규화"), {"norm": "batch"}),
    "layer": (Text("layer normalisation", "층 정규화"), {"norm": "layer"}),
    "rms": (Text("RMS normalisation", "RMS 정규화"), {"norm": "rms"}),
}
REGULARISATION: Final[dict[str, Text]] = {
    "l1": same("L1"), "l2": same("L2"), "decay": Text("decoupled decay", "분리된 가중치 감쇠"), "dropout": Text("dropout", "드롭아웃"),
    "early": Text("early stopping", "조기 종료"),
}  # fmt: skip
GENTLE: Final[dict[str, dict[str, Any]]] = {
    "l1": {"l1": 1e-4}, "l2": {"l2": 1e-3}, "decay": {"decay": 0.1}, "dropout": {"dropout": 0.1}, "early": {"early_stopping": 10},
}  # fmt: skip
"""Strengths for networks of two or five units a layer."""
STRONG: Final[dict[str, dict[str, Any]]] = {
    "l1": {"l1": 0.01}, "l2": {"l2": 0.01}, "decay": {"decay": 1.0}, "dropout": {"dropout": 0.5}, "early": {"early_stopping": 10},
}  # fmt: skip
"""Strengths for a network that has far more weights than samples."""
STUCK: Final[dict[str, tuple[Text, str, dict[str, Any], int]]] = {
    "p1": (Text("P1: OR, twelve sigmoid layers", "P1: OR, 시그모이드 12층"), "or_rows", {**OR_NOTES, "depth": 12}, 16),
    "p3": (Text("P3: XOR, nine sigmoid layers", "P3: XOR, 시그모이드 9층"), "xor", {
        "depth": 9, "width": 5, "activation": "sigmoid", "init": "uniform:1", "optimizer": "sgd", "lr": 0.1, "batch": 4, "steps": 10_000,
    }, 4),
}  # fmt: skip
"""Problem, settings, and the batch for batch normalisation, which needs several samples."""
NONE: Final = Text("nothing", "아무것도 안 함")
OVERFIT: Final[dict[str, Any]] = {
    "samples": 240, "noise": 1.0, "validation": 0.8, "hidden": "32-32", "activation": "relu", "init": "he_normal", "lr": 0.01,
    "batch": 16, "steps": 1000,
}  # fmt: skip
"""48 training samples of two half moons, blurred by a standard deviation of 1, and about 1,200 weights."""
DRAWS: Final = (8, 24)
MORE: Final = 4
"""So many times as many seeds where networks are stuck: they are small, and what is asked is a share."""


def run(setting: Setting) -> Records:
    """Every treatment on P1, on P3, and on many draws of data that overfits."""
    many = setting.with_seeds(MORE * setting.seeds)
    stuck = {}
    for key, (_, problem, settings, batch) in STUCK.items():
        treated = {name: change for name, (_, change) in NORMALISATION.items()} | GENTLE
        treated["batch"] = treated["batch"] | {"batch": batch}
        if problem == "xor":
            del treated["early"]  # all four rows are trained on; none can be held out
        stuck[key] = {
            name: many.compare(problem, **{**settings, **change}) for name, change in {"none": {}, **treated}.items()
        }
    overfit: dict[str, list[np.ndarray]] = {}
    first: dict[str, Any] = {}
    for draw in range(DRAWS[0 if setting.quick else 1]):
        of_draw = dataclasses.replace(setting, seed=(setting.seed + draw) % 2**63)
        for name, change in {
            "norm": {"norm": ["none", "batch", "layer", "rms"]},
            "standardised": {"standardize": True},
            **STRONG,
        }.items():
            result = of_draw.compare("moons", **{**OVERFIT, **change})
            for row in result.table.iter_rows(named=True):
                trials = trials_of(result.trials, row["cell"])
                key = row["norm"] if name == "norm" else name
                overfit.setdefault(key, []).append(trials["validation_score"].fill_nan(0.0).to_numpy())
                if draw == 0:
                    first[key] = {split: history(trials, f"history_{split}_loss") for split in ("train", "validation")}
    return {"stuck": stuck, "overfit": {key: np.array(values) for key, values in overfit.items()}, "first": first}


def gain(records: Records, treatment: str) -> np.ndarray:
    """Held-out accuracy with a treatment minus that without any, mean over seeds, for each draw of the data."""
    found = records["overfit"]
    return (found[treatment] - found["none"]).mean(axis=1)


def name_of(treatment: str) -> Text:
    """What a treatment is called."""
    return NORMALISATION[treatment][0] if treatment in NORMALISATION else REGULARISATION.get(treatment, NONE)


def reported(records: Records) -> tuple[Reported, ...]:
    """Training accuracy of the first seed; the notes leave this heading empty."""
    said = Text("training accuracy, {p}, {t}", "훈련 정확도, {p}, {t}")
    return tuple(
        Reported(said.filled(p=STUCK[key][0], t=name_of(t)), "–", f"{results[t].trials['train_score'][0]:.1%}")
        for key, results in records["stuck"].items()
        for t in ("none", "batch", "layer")
    )


def _rescue(records: Records, treatments: Any, above: float) -> Verdict:
    said = Text("share of seeds that learn", "배운 시드의 비율")
    parts, labels = {}, {}
    for key, results in records["stuck"].items():
        for treatment in treatments:
            if treatment in results:
                parts[f"{key} {treatment}"] = share(results[treatment].trials["solved"].to_numpy(), said, above=above)
                labels[f"{key} {treatment}"] = Text("{p}, {t}", "{p}, {t}").filled(p=key.upper(), t=name_of(treatment))
    return everywhere(parts, Text("which kind it is", "어느 방법인가"), labels)


def _helps(records: Records, treatments: Any) -> Verdict:
    said = Text(
        "gain in held-out accuracy, median over draws of the data", "검증 정확도의 이득, 데이터 표본들의 중앙값"
    )
    parts = {treatment: median(gain(records, treatment), said, above=0.01) for treatment in treatments}
    return everywhere(parts, Text("which kind it is", "어느 방법인가"), {t: name_of(t) for t in treatments})


def _rescued(records: Records, lang: Lang) -> Picture:
    order = ["none", *NORMALISATION, *REGULARISATION]
    groups = {
        name_of(t).to(lang): {
            STUCK[key][0].to(lang): results[t].trials["solved"].to_numpy()
            for key, results in records["stuck"].items()
            if t in results
        }
        for t in order
    }
    figure = shares(groups, Text("seeds that learn, %", "배운 시드, %").to(lang))
    caption = Text(
        "Two networks of stacked sigmoid layers that learn nothing, with one treatment at a time; the lines are 95 % intervals. "
        "XOR has no rows to hold out, so early stopping has nothing to watch there.",
        "시그모이드 층을 쌓아 아무것도 배우지 못하는 두 망에 처방을 하나씩 써 보았다. 선은 95 % 구간. XOR에는 떼어 둘 행이 없어 "
        "조기 종료를 쓸 수 없다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _gains(records: Records, lang: Lang) -> Picture:
    rows = {name_of(t).to(lang): gain(records, t) for t in (*NORMALISATION, *REGULARISATION)}
    figure = gains(rows, Text("gain in held-out accuracy, points", "검증 정확도의 이득, %포인트").to(lang))
    caption = Text(
        "Data that overfits: 48 blurred samples, 1,200 weights. Grey dots are draws of the data (mean over seeds), diamonds their "
        "median, bars its 95 % interval.",
        "과적합이 일어나는 데이터: 번진 표본 48개, 가중치 약 1,200개. 회색 점은 데이터 표본 하나(시드 평균)이고, 마름모는 중앙값, 띠는 그 95 % 구간이다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _overfitting(records: Records, lang: Lang) -> Picture:
    shown = ("none", "layer", "l2", "dropout", "early", "batch")
    names = {"train": Text("training", "훈련").to(lang), "validation": Text("validation", "검증").to(lang)}
    panels = {name_of(t).to(lang): [Curve(names[split], *records["first"][t][split]) for split in names] for t in shown}
    figure = curves(
        panels, Text("step", "스텝").to(lang), Text("cross-entropy", "교차 엔트로피").to(lang), lang, floor=1e-3
    )
    caption = Text(
        "Loss on the first draw of the data. Untreated, the training loss falls while the validation loss climbs: overfitting.",
        "첫 데이터 표본에서의 손실. 그대로 두면 훈련 손실은 내려가는데 검증 손실은 올라간다. 이것이 과적합이다.",
    ).to(lang)
    return Picture(figure, caption, caption)


NORMALISATION_REGULARISATION = Phenomenon(
    name="normalisation-regularisation",
    aliases=("p18", "normalization-regularization"),
    summary="what do normalisation and regularisation rescue, and what not?",
    number=18,
    title=Text("Normalisation and regularisation", "정규화와 규제"),
    question=Text(
        "Which of them rescues a network that does not learn, and which helps one that learns its data by heart?",
        "배우지 못하는 망을 살리는 것은 무엇이고, 데이터를 외워 버리는 망을 돕는 것은 무엇일까?",
    ),
    explanation=prose(
        """
        The two words are often named in one breath, but they answer different questions. Can the network learn at all?
        That is what normalisation is about. Does what it learned hold for new data? That is regularisation's.

        Stacked sigmoid layers fail because every layer squeezes the differences between inputs. Batch normalisation
        undoes this: it looks at each unit over a batch and stretches the differences between samples back to size one,
        in every layer. So it rescues both networks for most seeds. Layer and RMS normalisation look at one sample at a time,
        across its units. What all samples have in common they do not remove, so the differences stay small; they rescue
        few seeds or none. Standardising the inputs helps the first layer alone.

        L1, L2, decay, dropout and early stopping hold a network back. A network that does not learn has nothing to be held
        back from, and none of them rescues it.

        On 48 blurred samples the picture turns round. The untreated network fits nearly every training sample and its
        validation loss climbs. Now holding back is right: the regularisers gain several points of held-out accuracy, while
        layer and RMS normalisation and standardised inputs gain about nothing.
        """,
        """
        정규화와 규제는 함께 묶여 불리지만 답하는 물음이 다르다. 정규화는 망이 애초에 배울 수 있는가를 다루고,
        규제는 배운 것이 새 데이터에도 통하는가를 다룬다.

        시그모이드 층을 쌓으면 층을 지날 때마다 입력들의 차이가 줄어들어 배우지 못한다. 배치 정규화는 유닛마다
        배치 전체를 보고 표본들 사이의 차이를 다시 1 크기로 늘려 준다. 이 일을 모든 층에서 하므로 두 망 모두 대부분의
        시드가 살아난다. 층 정규화와 RMS 정규화는 표본 하나 안에서 유닛들을 가로질러 본다. 모든 표본에 공통된 값은
        그대로 남아 차이는 여전히 작고, 살아나는 시드가 적거나 없다. 입력 표준화는 첫 층만 돕는다.

        L1, L2, 가중치 감쇠, 드롭아웃, 조기 종료는 망이 지나치게 배우지 못하도록 붙잡는다. 배우지 못하는 망에는 붙잡을
        것이 없으니 어느 것도 망을 살리지 못한다.

        번진 표본 48개에서는 상황이 뒤집힌다. 그대로 두면 망은 훈련 표본을 거의 다 외우고 검증 손실은 올라간다. 이때는
        붙잡는 것이 옳다. 규제는 검증 정확도를 몇 %포인트씩 올리지만, 층 정규화와 RMS 정규화, 입력 표준화로 얻는 것은
        거의 없다.
        """,
    ),
    seeds=(16, 32),
    seconds=(7.0, 25.0),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="normalisation-rescues",
            text=Text("Normalisation rescues the deep sigmoid networks of P1 and P3.", "정규화는 P1과 P3의 깊은 시그모이드 망을 살린다."),
            rule=Text(
                "Holds for a kind if Wilson's 95 % interval of the share of seeds that learn lies above 50 %.",
                "배운 시드 비율의 윌슨 95 % 구간 전체가 50 %보다 크면 그 방법에서 성립.",
            ),
            decide=lambda records: _rescue(records, NORMALISATION, 0.5),
        ),
        Claim(
            key="regularisation-rescues",
            text=Text("Regularisation rescues some of them as well.", "규제로도 일부는 살릴 수 있다."),
            rule=Text("Holds for a kind if that interval lies above 10 %.", "같은 구간 전체가 10 %보다 크면 그 방법에서 성립."),
            decide=lambda records: _rescue(records, REGULARISATION, 0.1),
        ),
        Claim(
            key="regularisation-generalises",
            text=Text("On data that overfits every regulariser helps.", "과적합이 일어나는 데이터에서는 어느 규제든 도움이 된다."),
            rule=Text(
                "Gain in held-out accuracy, mean over seeds, for each draw of the data; sign test of the median over draws, above 1 point.",
                "데이터 표본마다 시드 평균 검증 정확도의 이득을 잰다. 표본들의 중앙값이 1 %포인트보다 큰지 부호검정.",
            ),
            decide=lambda records: _helps(records, REGULARISATION),
        ),
        Claim(
            key="normalisation-generalises",
            text=Text("On data that overfits normalisation helps, too.", "과적합이 일어나는 데이터에서는 정규화도 도움이 된다."),
            rule=Text("As above.", "위와 같다."),
            decide=lambda records: _helps(records, NORMALISATION),
        ),
    ),
    drawings=(
        Drawing(key="rescued", heading=Text("What rescues networks that learn nothing", "배우지 못하는 망을 살리는 것"), draw=_rescued),
        Drawing(key="gains", heading=Text("What helps against overfitting", "과적합에 도움이 되는 것"), draw=_gains),
        Drawing(key="overfitting", heading=Text("Overfitting, and what holds it back", "과적합, 그리고 그것을 막는 것"), draw=_overfitting),
    ),
)  # fmt: skip
