"""P5: how many steps a small convolutional network needs to 25 % training error, with ReLU and with tanh."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability.lab.figures.against import Line, Panel, against
from trainability.lab.figures.curves import Curve, curves
from trainability.lab.images import as_images, at_most
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.text import Lang, Text, prose
from trainability.lab.verdicts import Verdict, everywhere, median
from trainability.problems import load
from trainability.report.gather import quantiles
from trainability.report.style import Picture

ACTIVATIONS: Final = ("relu", "tanh")
NAMES: Final = {"relu": "ReLU", "tanh": "tanh"}
RATES: Final = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
GOAL: Final = 0.25
BATCH: Final = 16
MARKS: Final = tuple(np.unique(np.round(1.1 ** np.arange(58)).astype(int)).tolist())
"""Steps at which the error is measured: every step at first, then a tenth further each time, up to 229."""
CONDITIONS: Final[dict[str, tuple[Text, dict[str, Any]]]] = {
    "first": (Text("Glorot's weights", "Glorot 초기화"), {}),
    "he": (Text("He's weights", "He 초기화"), {"init": "he_normal"}),
    "wide": (Text("twice as many filters", "필터 2배"), {"wider": 2}),
    "raw": (Text("pixels from 0 to 255", "픽셀 값 0~255"), {"scale": 255.0}),
}
"""One thing changed at a time."""
FILTERS: Final = (6, 12, 12)
SAMPLES: Final = (2_000, 10_000)
"""Images of the user's own that are trained on at most, quick and full."""
SIX: Final = 6.0


def run(setting: Setting) -> Records:
    """The training error of both activations at seven rates, under each condition, with the same weights and batches."""
    from trainability.engine import selection
    from trainability.engine.reference import convolution

    selection.make(None, None, "reference")  # says how XLA is to compile, before JAX starts
    samples = None if setting.data is None else at_most(setting.data, SAMPLES[0 if setting.quick else 1])
    data = load(setting.data or "digits", seed=setting.seed, samples=samples)
    x = as_images(data, data.x_train).astype(np.float32)
    x -= x.mean()
    seeds = np.arange(setting.seeds, dtype=np.uint32)
    order = convolution.batches(setting.seed, seeds, len(x), BATCH, MARKS[-1])
    errors = {}
    for key, (_, change) in CONDITIONS.items():
        filters = tuple(n * change.get("wider", 1) for n in FILTERS)
        for activation in ACTIVATIONS:
            network = convolution.ConvolutionalNetwork(x.shape[1:], filters, len(data.classes), activation)
            first = convolution.initial(network, change.get("init", "glorot_uniform"), setting.seed, seeds)
            # A row for each rate and seed: rates outside, seeds inside.
            layers = [{name: _tiled(part) for name, part in layer.items()} for layer in first]
            found = convolution.training_errors(
                network, layers, np.repeat(RATES, len(seeds)), _tiled(order), x * np.float32(change.get("scale", 1.0)),
                data.y_train, MARKS,
            )  # fmt: skip
            errors[key, activation] = found.reshape(len(RATES), len(seeds), -1)
    return {"errors": errors, "data": data.name}


def _tiled(array: np.ndarray) -> np.ndarray:
    return np.tile(array, (len(RATES),) + (1,) * (array.ndim - 1))


def steps(records: Records, condition: str, activation: str) -> np.ndarray:
    """Steps to 25 % training error, inf where it was not reached: shape (rates, seeds)."""
    reached = records["errors"][condition, activation] <= GOAL
    return np.where(reached.any(axis=-1), np.array(MARKS, float)[reached.argmax(axis=-1)], np.inf)


def best(records: Records, condition: str, activation: str) -> int:
    """The place of the rate that takes the fewest steps: by the median over seeds, then by the least mean error."""
    middle = np.median(steps(records, condition, activation), axis=1)
    errors = records["errors"][condition, activation].mean(axis=(1, 2))
    return int(np.lexsort((errors, middle))[0])


def sooner(records: Records, condition: str, rate: int | None = None) -> np.ndarray:
    """log₂ of ReLU's steps over tanh's, seed by seed: at one common rate, or else each at its best; NaN if none arrives."""
    relu, tanh = (
        steps(records, condition, activation)[best(records, condition, activation) if rate is None else rate]
        for activation in ACTIVATIONS
    )
    with np.errstate(invalid="ignore"):  # inf − inf: neither arrives
        return np.log2(relu) - np.log2(tanh)


def reported(records: Records) -> tuple[Reported, ...]:
    """How many times sooner ReLU is there, of the first seed."""
    said = Text("tanh's steps over ReLU's, {c}", "tanh의 스텝 수 ÷ ReLU의 스텝 수, {c}")
    factor = lambda key: 2.0 ** -sooner(records, key)[0]  # noqa: E731
    return tuple(
        Reported(said.filled(c=name), "6" if key == "first" else "–", f"{factor(key):.2f}")
        for key, (name, _) in CONDITIONS.items()
    )


_STATISTIC: Final = Text("log₂ of ReLU's steps over tanh's", "ReLU의 스텝 수 ÷ tanh의 스텝 수, log₂")


def _sooner(records: Records, below: float) -> Verdict:
    parts = {key: median(sooner(records, key), _STATISTIC, below=below) for key in CONDITIONS}
    on = Text("first weights, width and the inputs' scale", "초기 가중치, 너비, 입력의 크기")
    return everywhere(parts, on, {key: name for key, (name, _) in CONDITIONS.items()})


def _same_rate(records: Records) -> Verdict:
    parts, labels = {}, {}
    for key in ("first", "raw"):
        for i, rate in enumerate(RATES):
            difference = sooner(records, key, i)
            if np.isnan(difference).mean() <= 0.5:  # else neither activation arrives at this rate
                parts[f"{key} {rate}"] = median(difference, _STATISTIC, below=0.0)
                labels[f"{key} {rate}"] = Text("{c}, rate {r}", "{c}, 학습률 {r}").filled(c=CONDITIONS[key][0], r=rate)
    if not parts:
        return median(np.zeros(0), _STATISTIC, below=0.0)
    return everywhere(parts, Text("the rate and the inputs' scale", "학습률과 입력의 크기"), labels)


def _errors(records: Records, lang: Lang) -> Picture:
    panels = {
        name.to(lang): [
            Curve(NAMES[a], np.array(MARKS), 100 * records["errors"][key, a][best(records, key, a)], single=True)
            for a in ACTIVATIONS
        ]
        for key, (name, _) in CONDITIONS.items()
    }
    figure = curves(
        panels,
        Text("step", "스텝").to(lang),
        Text("training error, %", "훈련 오류율, %").to(lang),
        lang,
        y_scale="linear",
        columns=2,
    )
    for axes in figure.axes:
        axes.axhline(100 * GOAL, color="0.45", linewidth=0.9, linestyle=(0, (5, 3)))
    caption = Text(
        "Training error of a network of three convolutional layers and one dense layer, each activation at its best rate; dashed: 25 %.",
        "합성곱층 셋과 완전연결층 하나로 된 망의 훈련 오류율. 활성화 함수마다 가장 좋은 학습률을 썼다. 가로 점선은 25 %.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _rates(records: Records, lang: Lang) -> Picture:
    panels = {}
    for key, (name, _) in CONDITIONS.items():
        lines = []
        for a in ACTIVATIONS:
            low, middle, high = quantiles(steps(records, key, a).T, (0.25, 0.5, 0.75))
            lines.append(Line(NAMES[a], np.array(RATES), middle, low, np.minimum(high, MARKS[-1])))
        panels[name.to(lang)] = Panel(
            lines, Text("learning rate", "학습률").to(lang), Text("steps to 25 % error", "오류율 25 %까지의 스텝").to(lang), x_log=True, y_log=True,
        )  # fmt: skip
    figure = against(panels, columns=2)
    for axes in figure.axes:
        axes.set_xlim(RATES[0] / 1.3, RATES[-1] * 1.3)
        axes.set_ylim(8, MARKS[-1] * 1.3)
        axes.set_yticks([10, 20, 50, 100, 200])
    caption = (
        Text(
            "Steps to 25 % training error against the rate; median and quartiles over seeds. No mark: half of the seeds or more did not arrive in {n} steps.",
            "학습률에 따른, 훈련 오류율 25 %까지의 스텝. 시드들의 중앙값과 사분위수. 표시가 없으면 시드의 절반 이상이 {n}스텝 안에 이르지 못한 것이다.",
        )
        .filled(n=MARKS[-1])
        .to(lang)
    )
    return Picture(figure, caption, caption)


RELU_FASTER_THAN_TANH = Phenomenon(
    name="relu-faster-than-tanh",
    aliases=("p5",),
    summary="does ReLU reach 25 % training error six times sooner than tanh?",
    number=5,
    title=Text("Is ReLU faster than tanh?", "ReLU는 tanh보다 빠른가"),
    question=Text(
        "A well-known figure shows ReLU at 25 % training error six times sooner than tanh. Is it so here?",
        "ReLU가 tanh보다 여섯 배 빨리 훈련 오류율 25 %에 이른다는 유명한 그림이 있다. 여기서도 그럴까?",
    ),
    explanation=prose(
        """
        The figure comes from a paper on large networks for photographs: on CIFAR-10, tanh took six times as many passes
        over the data as ReLU to 25 % training error. The reason given is saturation: far from 0 tanh is flat and lets no
        gradient through, while ReLU's slope stays 1.

        Here the network is small, the images are digits, and each activation may have its own best rate, as in the paper.
        Then tanh is there first, in less than half of ReLU's steps. In the first steps nothing has saturated yet: tanh's slope
        near 0 is 1 and its outputs are centred, so whole layers work at once. ReLU starts with half of its units silent and
        with outputs that are never negative. He's weights, which make up for the lost half, speed both up; twice as many
        filters change little.

        Feeding raw pixels from 0 to 255 brings saturation about: the first tanh layer sits on its flat ends. Now at small
        rates ReLU learns where tanh has not begun. But tanh needs only a larger rate, at which ReLU fails. So at one
        common rate either can look faster; at its own best rate tanh stays ahead.

        This does not refute the figure for large networks and photographs: with --data cifar10:DIR you can ask there.
        """,
        """
        이 그림은 사진을 다루는 큰 망에 관한 논문에서 왔다. CIFAR-10에서 tanh는 훈련 오류율 25 %에 이르기까지 ReLU의
        여섯 배나 데이터를 되풀이해 보아야 했다. 이유로는 포화를 든다. tanh는 0에서 멀어지면 평평해져 기울기를 전하지
        못하지만, ReLU의 기울기는 1로 남는다.

        여기서는 망이 작고 이미지는 숫자이며, 논문처럼 활성화 함수마다 가장 좋은 학습률을 쓴다. 그러면 tanh가 ReLU의
        절반도 안 되는 스텝으로 먼저 도착한다. 처음 몇 스텝에서는 아직 아무것도 포화되지 않았다. tanh는 0 근처에서 기울기가
        1이고 출력이 0을 중심으로 하니 층 전체가 곧바로 일한다. ReLU는 유닛의 절반이 잠잠한 채로 시작하고 출력에
        음수가 없다. 잃은 절반을 메워 주는 He 초기화는 둘 다 빠르게 하고, 필터를 2배로 늘려도 달라지는 것은 적다.

        0에서 255까지의 픽셀 값을 그대로 넣으면 포화가 일어난다. 첫 tanh 층이 평평한 양 끝에 놓이기 때문이다. 이때 작은
        학습률에서는 tanh가 시작도 못 한 사이에 ReLU가 배운다. 그러나 tanh는 학습률만 키우면 되고, 그 학습률에서는 ReLU가
        배우지 못한다. 그래서 학습률을 똑같이 두면 어느 쪽이든 빨라 보일 수 있고, 저마다 가장 좋은 학습률에서는 tanh가
        앞선다.

        큰 망과 사진에 대한 원래 그림이 틀렸다는 뜻은 아니다. --data cifar10:DIR로 직접 물어볼 수 있다.
        """,
    ),
    seeds=(6, 24),
    seconds=(22.0, 60.0),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="relu-sooner",
            text=Text("ReLU reaches 25 % training error in fewer steps than tanh.", "ReLU는 tanh보다 적은 스텝으로 훈련 오류율 25 %에 이른다."),
            rule=Text(
                "Same weights and batches, each at its best of seven rates; sign test of the median log₂ ratio of steps, below 0.",
                "같은 초기 난수와 같은 배치, 저마다 학습률 일곱 개 중 가장 좋은 것. 스텝 비의 log₂ 중앙값이 0보다 작은지 부호검정.",
            ),
            decide=lambda records: _sooner(records, 0.0),
        ),
        Claim(
            key="six-times",
            text=Text("ReLU is six times sooner.", "ReLU가 여섯 배 빠르다."),
            rule=Text("As above, below −log₂ 6 = −2.58.", "위와 같다. −log₂ 6 = −2.58보다 작으면 성립."),
            decide=lambda records: _sooner(records, -float(np.log2(SIX))),
        ),
        Claim(
            key="relu-sooner-at-one-rate",
            text=Text("At one common rate ReLU is sooner.", "학습률이 같으면 ReLU가 빠르다."),
            rule=Text(
                "As above for each rate at which at least half of the seeds arrive with one of the two.",
                "두 함수 중 하나로라도 시드 절반 이상이 이르는 학습률마다 위와 같이 판정.",
            ),
            decide=_same_rate,
        ),
    ),
    drawings=(
        Drawing(key="errors", heading=Text("Training error", "훈련 오류율"), draw=_errors),
        Drawing(key="rates", heading=Text("Steps against the rate", "학습률과 스텝"), draw=_rates),
    ),
    data=("mnist", "cifar10"),
    seconds_of_data={"mnist": (360.0, 1000.0), "cifar10": (540.0, 1500.0)},
)  # fmt: skip
