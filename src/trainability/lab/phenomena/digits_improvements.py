"""P16: five changes to a network that reads digits, one at a time and in all 32 combinations."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from trainability.lab import digit_networks
from trainability.lab.digit_networks import BASE, CHANGES, NOTES, place, settings, watch
from trainability.lab.factorial import Factorial
from trainability.lab.figures.combinations import combinations, effects
from trainability.lab.figures.curves import Curve, curves
from trainability.lab.figures.digit import digit
from trainability.lab.figures.steps import steps
from trainability.lab.images import as_images, at_most
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.text import Lang, Text, prose
from trainability.lab.verdicts import Verdict, everywhere, median
from trainability.report.gather import history, trials_of
from trainability.report.style import Picture

LONGER: Final = (10, 30)
"""Epochs of a second look at the notes' networks, quick and full: three epochs of these digits are 4,044 steps, where the
60,000 images of MNIST give 180,000. Not done on the user's own images."""
SAMPLES: Final = (2_000, 10_000)
"""Images of the user's own that are trained on at most, quick and full."""


def run(setting: Setting) -> Records:
    """All 32 combinations with many seeds; the notes' six networks watched at every step, two of them with more seeds."""
    problem, samples = _source(setting)
    axes = {
        "activation": ("sigmoid", "leaky_relu:0.02"),
        "optimizer": ("sgd", "adam"),
        "lr": (0.01, 0.001),
        "norm": ("none", "layer"),
    }
    halves = [setting.compare(problem, samples=samples, **{**settings(first), **axes}) for first in ((), ("bce",))]
    data = halves[0].dataset
    accuracy = np.empty((2,) * len(CHANGES) + (setting.seeds,))
    histories: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    networks = {changes: key for key, (_, changes) in NOTES.items()}
    for i, result in enumerate(halves):
        for row in result.table.iter_rows(named=True):
            made = ("bce",) * i + tuple(
                n for n in list(CHANGES)[1:] if all(row[k] == v for k, v in CHANGES[n][1].items())
            )
            trials = trials_of(result.trials, row["cell"])
            # A network that became NaN answers nothing right.
            accuracy[tuple(int(name in made) for name in CHANGES)] = trials["validation_score"].fill_nan(0.0).to_numpy()
            if made in networks:
                histories[networks[made]] = history(trials, "history_train_score")
    with ThreadPoolExecutor(2) as threads:
        watched = dict(
            zip(
                NOTES,
                threads.map(lambda key: watch(setting, problem, samples, data, NOTES[key][1]), NOTES),
                strict=True,
            )
        )
    epochs = LONGER[0 if setting.quick else 1]
    longer = {
        key: setting.compare(problem, **{**settings(changes), "epochs": epochs})
        .trials["validation_score"]
        .fill_nan(0.0)
        .to_numpy()
        for key, (_, changes) in NOTES.items()
        if setting.data is None
    }
    return {
        "longer": longer, "epochs": epochs,
        "result": Factorial(tuple(CHANGES), accuracy), "histories": {key: histories[key] for key in NOTES},
        "watched": watched, "data": data, "place": place(data),
    }  # fmt: skip


def _source(setting: Setting) -> tuple[str, int | None]:
    """The problem, and how many of its images are used."""
    if setting.data is None:
        return "digits", None
    return setting.data, at_most(setting.data, SAMPLES[0 if setting.quick else 1])


def reported(records: Records) -> tuple[Reported, ...]:
    """Held-out accuracy of the first seed; the notes speak of their curves in words alone."""
    said = Text("held-out accuracy, {n}", "검증 정확도, {n}")
    result = records["result"]
    return tuple(
        Reported(said.filled(n=name), "–", f"{result.at(*changes)[0]:.1%}") for name, changes in NOTES.values()
    )


def _alone(records: Records) -> Verdict:
    said = Text("gain in held-out accuracy over the first network", "처음 망보다 오른 검증 정확도")
    alone = {key: NOTES[key] for key in NOTES if key not in ("base", "all")}
    parts, labels = {}, {}
    when = Text("{name}, {n} epochs", "{name}, {n}에폭")
    for key, (name, changes) in alone.items():
        parts[key] = median(records["result"].gain(*changes), said, above=0.0)
        labels[key] = when.filled(name=name, n=BASE["epochs"])
        if records["longer"]:
            parts[f"{key} longer"] = median(records["longer"][key] - records["longer"]["base"], said, above=0.0)
            labels[f"{key} longer"] = when.filled(name=name, n=records["epochs"])
    return everywhere(
        parts, Text("which change it is and how long training lasts", "무엇을 바꾸었는지와 훈련의 길이"), labels
    )


def _together(records: Records) -> Verdict:
    result = records["result"]
    singles = [result.at(*changes) for key, (_, changes) in NOTES.items() if key not in ("base", "all")]
    said = Text(
        "accuracy of all together minus that of the best single change",
        "모두 함께한 망의 정확도 − 하나만 바꾼 망 중 가장 높은 정확도",
    )
    return median(result.at(*CHANGES) - max(singles, key=np.mean), said, above=0.0)


def _adds_up(records: Records) -> Verdict:
    result = records["result"]
    singles = [result.gain(*changes) for key, (_, changes) in NOTES.items() if key not in ("base", "all")]
    said = Text("gain of all together minus the sum of the gains alone", "모두 함께 얻은 것 − 따로따로 얻은 것의 합")
    return median(result.gain(*CHANGES) - np.sum(singles, axis=0), said, above=-0.05)


def _rate(records: Records) -> Verdict:
    result = records["result"]
    said = Text(
        "gain in held-out accuracy from rate 0.01 to 0.001, mean over the other changes",
        "학습률을 0.01에서 0.001로 바꾸어 오른 검증 정확도, 나머지 변화에 대한 평균",
    )
    values = result.values
    gains = {"sgd": (values[:, :, 0, 1] - values[:, :, 0, 0]), "adam": (values[:, :, 1, 1] - values[:, :, 1, 0])}
    parts = {key: median(gain.reshape(-1, gain.shape[-1]).mean(axis=0), said, above=0.0) for key, gain in gains.items()}
    labels = {"sgd": Text("with gradient descent", "경사하강법에서"), "adam": Text("with Adam", "Adam에서")}
    return everywhere(parts, Text("the optimiser", "최적화 방법"), labels)


def _sooner(records: Records) -> Verdict:
    said = Text(
        "log₂ of the steps to 50 % training accuracy, leaky ReLU over sigmoid",
        "훈련 정확도 50 %까지의 스텝 수, leaky ReLU ÷ 시그모이드, log₂",
    )
    rectified, sigmoid = (digit_networks.steps_to(*records["histories"][key]) for key in ("leaky", "base"))
    with np.errstate(invalid="ignore"):  # where neither gets there, nothing is said
        return median(np.log2(rectified) - np.log2(sigmoid), said, below=-1.0)


def _first_falls_sooner(records: Records) -> Verdict:
    said = Text(
        "log₂ of the steps to half of the loss's fall, first network over cross-entropy",
        "손실이 절반만큼 떨어질 때까지의 스텝 수, 처음 망 ÷ 교차 엔트로피, log₂",
    )
    first, other = (digit_networks.half_way(records["watched"][key][0]) for key in ("base", "bce"))
    return median(np.log2(first / other), said, below=0.0)


def _larger_yet_better(records: Records) -> Verdict:
    gained = Text("gain in held-out accuracy over the first network", "처음 망보다 오른 검증 정확도")
    mean = Text("log₂ of its mean loss over the first network's", "손실의 평균 ÷ 처음 망의 평균, log₂")
    deviation = Text("log₂ of its loss's deviation over the first network's", "손실의 표준편차 ÷ 처음 망의 값, log₂")
    (first, first_noise), (other, noise) = (
        digit_networks.last_third(records["watched"][key][0]) for key in ("base", "bce")
    )
    gains = {BASE["epochs"]: records["result"].gain("bce")}
    if records["longer"]:
        gains[records["epochs"]] = records["longer"]["bce"] - records["longer"]["base"]
    parts = {
        "larger": median(np.log2(other / first), mean, above=0.0),
        "noisier": median(np.log2(noise / first_noise), deviation, above=0.0),
        **{f"better {n}": median(gain, gained, above=0.0) for n, gain in gains.items()},
    }
    better = Text("it is more accurate, {n} epochs", "더 정확하다, {n}에폭")
    labels = {
        "larger": Text("its loss is larger", "손실이 더 크다"),
        "noisier": Text("its loss is noisier", "손실이 더 들쭉날쭉하다"),
        **{f"better {n}": better.filled(n=n) for n in gains},
    }
    return everywhere(
        parts, Text("what is looked at, and how long training lasts", "무엇을 보는지와 훈련의 길이"), labels
    )


def _losses(records: Records, lang: Lang) -> Picture:
    panels = {name.to(lang): records["watched"][key][0][0] for key, (name, _) in NOTES.items()}
    window = Text("mean over {n} steps", "{n}스텝 평균").filled(n=digit_networks.WINDOW).to(lang)
    figure = steps(
        panels,
        Text("step", "스텝").to(lang),
        Text("loss of the step's image", "그 스텝 이미지의 손실").to(lang),
        digit_networks.WINDOW,
    )
    caption = (
        Text(
            "One seed: the loss of every step (dots) and its {w} (line). Panels with binary cross-entropy are in other units than those "
            "with squared error, so their heights say nothing about which is better.",
            "시드 하나: 스텝마다의 손실(점)과 {w}(선). 교차 엔트로피와 제곱오차는 단위가 다르므로 선의 높이로 우열을 가릴 수 없다.",
        )
        .filled(w=window)
        .to(lang)
    )
    return Picture(figure, caption, caption)


def _accuracy(records: Records, lang: Lang) -> Picture:
    panels = {
        NOTES[key][0].to(lang): [Curve(Text("training", "훈련").to(lang), marks, 100 * scores, single=True)]
        for key, (marks, scores) in records["histories"].items()
    }
    figure = curves(
        panels, Text("step", "스텝").to(lang), Text("accuracy, %", "정확도, %").to(lang), lang, y_scale="linear"
    )
    caption = Text(
        "Accuracy over the training images: a measure that means the same with every loss.",
        "훈련 이미지에 대한 정확도. 손실이 달라도 뜻이 같은 척도이다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _combinations(records: Records, lang: Lang) -> Picture:
    labels = {key: name.to(lang) for key, (name, _) in CHANGES.items()}
    figure = combinations(records["result"], labels, Text("held-out accuracy, %", "검증 정확도, %").to(lang))
    caption = Text(
        "All 32 combinations from the worst to the best, mean over seeds with its 95 % interval; coloured dots are the changes made.",
        "32가지 조합을 나쁜 것부터 늘어놓았다. 시드 평균과 95 % 구간이며, 색이 있는 점이 그 조합에서 바꾼 것이다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _effects(records: Records, lang: Lang) -> Picture:
    labels = {key: name.to(lang) for key, (name, _) in CHANGES.items()}
    kinds = (
        Text("on average over the 16 others", "나머지 16조합 평균").to(lang),
        Text("alone", "그것만 바꿀 때").to(lang),
    )
    title = Text(
        "how much more the row earns with the column, points", "열을 함께 바꿀 때 행이 더 얻는 것, %포인트"
    ).to(lang)
    figure = effects(
        records["result"], labels, kinds, title, Text("gain in accuracy, points", "정확도 이득, %포인트").to(lang)
    )
    caption = Text(
        "Which change earned what: main effects with 95 % intervals, and interactions. "
        "Red: the row earns less with the column than without; blue: more.",
        "무엇이 얼마를 벌었는가: 주효과와 95 % 구간, 그리고 상호작용. "
        "붉은 칸은 열의 변화가 있으면 행의 이득이 줄어든다는 뜻이고, 푸른 칸은 늘어난다는 뜻이다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _digit(records: Records, lang: Lang) -> Picture:
    data, shown = records["data"], records["place"]
    image = as_images(data, data.x_validation[shown][None])[0]
    label = data.classes[data.y_validation[shown]]
    panels = {name.to(lang): records["watched"][key][1] for key, (name, _) in NOTES.items()}
    title = Text("image {n}, a “{k}”", "{n}번 이미지 ‘{k}’").filled(n=shown, k=label).to(lang)
    figure = digit(
        image[..., 0] if image.shape[-1] == 1 else image, data.classes, int(data.y_validation[shown]), panels, title
    )
    caption = Text(
        "A held-out image and the outputs of six networks for it; green is the right class, a mark the largest output. The "
        "notes show number 19, a “4”; here it is the first “4” from number 19 on.",
        "검증 이미지 하나와 그것에 대한 여섯 망의 출력. 초록이 정답이고, 삼각형이 가장 큰 출력이다. 노트는 19번 이미지 ‘4’를 "
        "보았고, 여기서는 19번부터 처음 나오는 ‘4’이다.",
    ).to(lang)
    return Picture(figure, caption, caption)


DIGITS_IMPROVEMENTS = Phenomenon(
    name="digits-improvements",
    aliases=("p16",),
    summary="which of five changes to a network that reads digits earns what?",
    number=16,
    title=Text("Five changes to a network that reads digits", "숫자를 읽는 망을 고치는 다섯 가지"),
    question=Text(
        "Loss, activation, optimiser, its rate, normalisation: which change earned how much, alone and together?",
        "손실, 활성화 함수, 최적화 방법, 학습률, 정규화: 무엇을 바꾼 것이 얼마나 도움이 되었을까?",
    ),
    explanation=prose(
        """
        The notes change one thing at a time and look at the loss. But squared error and cross-entropy are different
        units: a larger loss may belong to the better network. Accuracy means the same for both, so it is measured here.

        Three epochs of these small digits are only 4,044 steps, and the first network hardly leaves chance in them. Its
        squared error is nearly flat: a sigmoid output multiplies every gradient by its slope, and plain descent at 0.01
        walks slowly. Adam sets the length of every weight's step itself and earns by far the most. Leaky ReLU and layer
        normalisation, which send larger gradients back, earn much alone and little once Adam is there: they mend the
        same fault. So the gains do not add up; accuracy cannot pass 100 %.

        Cross-entropy takes the output's slope out of the gradient. In three epochs alone it earns nothing that can be
        told from 0; in thirty it earns more than twenty points. Its loss is larger and noisier all the same, as the
        notes saw; but it falls sooner than the first network's, not later. What a change is worth depends on what else is there and on
        how long one waits.

        "Adam" in the notes is two changes: the method, and its usual rate of 0.001. Taken apart, the small rate
        ruins plain descent and helps Adam. Optimiser and rate are one choice. All together read the digits best.
        """,
        """
        노트는 한 번에 하나씩 바꾸며 손실을 보았다. 그러나 제곱오차와 교차 엔트로피는 단위가 다르다. 손실이 더 큰
        망이 더 나은 망일 수도 있다. 정확도는 어느 쪽에서나 뜻이 같으므로 여기서는 정확도를 잰다.

        이 작은 숫자 이미지에서 3에폭은 4,044스텝밖에 되지 않아, 처음 망은 찍기 수준을 겨우 벗어난다. 시그모이드
        출력은 모든 기울기에 자기 기울기를 곱해 작게 만들고, 학습률 0.01의 경사하강법은 천천히 걷기 때문이다. Adam은
        가중치마다 걸음의 길이를 스스로 정하므로 가장 크게 기여한다. leaky ReLU와 층 정규화는 더 큰 기울기를 돌려보내
        혼자서는 큰 도움이 되지만, Adam이 있으면 보탬이 작다. 같은 결함을 고치기 때문이다. 그래서 이득은 그대로
        합쳐지지 않는다. 정확도는 100 %를 넘을 수 없다.

        교차 엔트로피를 쓰면 기울기에서 출력의 기울기가 빠진다. 이것만 바꾸면 3에폭 동안에는 이득이 0과 구별되지
        않지만, 30에폭이면 20 %포인트가 넘는다. 그런데도 손실은 노트에서 본 대로 더 크고 들쭉날쭉하다. 다만 노트와 달리 처음 망의
        손실보다 먼저 떨어진다. 어떤 변화의 값어치는 다른 무엇과 함께 쓰는지, 얼마나 기다리는지에
        달려 있다.

        노트의 ‘Adam’은 두 가지를 함께 바꾼 것이다. 방법과, 그 방법이 흔히 쓰는 학습률 0.001이다. 둘을 떼어 보면 작은
        학습률은 경사하강법을 망치고 Adam은 돕는다. 최적화 방법과 학습률은 함께 골라야 한다. 모두 함께 바꾼 망이
        숫자를 가장 잘 읽는다.
        """,
    ),
    seeds=(8, 32),
    seconds=(16.0, 60.0),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="each-alone-improves",
            text=Text("Each of the notes' changes alone makes the network more accurate.", "노트의 변화는 하나만으로도 망을 더 정확하게 한다."),
            rule=Text(
                "Same seeds, held-out accuracy; sign test of the median gain over the first network, above 0.",
                "같은 시드의 검증 정확도. 처음 망에 대한 이득의 중앙값이 0보다 큰지 부호검정.",
            ),
            decide=_alone,
        ),
        Claim(
            key="together-is-best",
            text=Text("All changes together are better than the best single one.", "모두 함께 바꾸는 것이 가장 좋은 하나보다 낫다."),
            rule=Text("As above, all together against the best single change.", "위와 같은 방법으로, 모두 함께한 망과 하나만 바꾼 가장 좋은 망을 비교."),
            decide=_together,
        ),
        Claim(
            key="gains-add-up",
            text=Text("What the changes earn adds up.", "각각 얻은 이득은 그대로 합쳐진다."),
            rule=Text(
                "The gain of all minus the sum of the single gains; holds if the interval of the median lies above −5 points.",
                "모두 함께 얻은 것에서 따로따로 얻은 것의 합을 뺀다. 중앙값의 구간 전체가 −5 %포인트보다 크면 성립.",
            ),
            decide=_adds_up,
        ),
        Claim(
            key="smaller-rate",
            text=Text("The smaller rate that comes with Adam is an improvement by itself.", "Adam과 함께 쓰는 작은 학습률은 그 자체로 개선이다."),
            rule=Text(
                "Rate 0.001 against 0.01, mean over the other changes, for each optimiser; sign test of the median gain, above 0.",
                "최적화 방법마다 학습률 0.001과 0.01을 비교한다. 나머지 변화에 대해 평균한 이득의 중앙값이 0보다 큰지 부호검정.",
            ),
            decide=_rate,
        ),
        Claim(
            key="first-loss-falls-sooner",
            text=Text("The loss of the first network falls sooner than that with cross-entropy.", "처음 망의 손실은 교차 엔트로피를 쓴 망의 손실보다 먼저 떨어진다."),
            rule=Text(
                "Loss of every step, mean over 100; steps until half of its fall is done, same seeds; sign test of the median log₂ ratio, below 0.",
                "스텝마다의 손실을 100스텝씩 평균하고, 떨어지는 폭의 절반까지 걸린 스텝을 같은 시드끼리 비교한다. 비의 log₂ 중앙값이 0보다 작은지 부호검정.",
            ),
            decide=_first_falls_sooner,
        ),
        Claim(
            key="larger-loss-yet-better",
            text=Text(
                "With cross-entropy the loss is larger and noisier, and yet the network is more accurate.",
                "교차 엔트로피를 쓰면 손실은 더 크고 들쭉날쭉하지만 망은 더 정확하다.",
            ),
            rule=Text(
                "Against the first network, same seeds: mean and deviation of the last third of the steps' losses, and held-out accuracy; sign tests of the medians, above 0.",
                "같은 시드의 처음 망과 비교한다. 마지막 3분의 1 스텝의 손실의 평균과 표준편차, 그리고 검증 정확도. 중앙값이 0보다 큰지 부호검정.",
            ),
            decide=_larger_yet_better,
        ),
        Claim(
            key="leaky-relu-sooner",
            text=Text("With leaky ReLU the network learns in at most half the steps.", "leaky ReLU를 쓰면 절반 이하의 스텝으로 배운다."),
            rule=Text(
                "Steps until half of the training images are right, same seeds; sign test of the median log₂ ratio, below −1.",
                "훈련 이미지의 절반을 맞히기까지의 스텝을 같은 시드끼리 비교한다. 비의 log₂ 중앙값이 −1보다 작은지 부호검정.",
            ),
            decide=_sooner,
        ),
    ),
    drawings=(
        Drawing(key="combinations", heading=Text("All 32 combinations", "32가지 조합"), draw=_combinations),
        Drawing(key="effects", heading=Text("Which change earned what", "무엇이 얼마를 벌었는가"), draw=_effects),
        Drawing(key="accuracy", heading=Text("Accuracy while training", "훈련 중의 정확도"), draw=_accuracy),
        Drawing(key="losses", heading=Text("Loss per step", "스텝별 손실"), draw=_losses),
        Drawing(key="digit", heading=Text("What they say of one digit", "숫자 하나에 대한 답"), draw=_digit),
    ),
    data=("mnist", "cifar10"),
    seconds_of_data={"mnist": (120.0, 1500.0), "cifar10": (470.0, 6000.0)},
)  # fmt: skip
