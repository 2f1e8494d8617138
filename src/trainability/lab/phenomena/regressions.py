"""P8: linear, multiple, polynomial, logistic and multinomial regression: solved, and found by gradient descent."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability.engine.closed_form import fit_log_odds, least_squares, probabilities, with_one
from trainability.lab.figures.curves import Curve, curves
from trainability.lab.networks import Trained, trained
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.text import Lang, Text, prose
from trainability.lab.verdicts import Verdict, at_most, everywhere, median, share
from trainability.report.gather import history, quantiles
from trainability.report.style import (
    INK,
    MARKERS,
    SERIES,
    Picture,
    drawing,
    grid_lines,
    legend_above,
    new_figure,
    power_ticks,
)
from trainability.report.words import number

DESCENT: Final[dict[str, Any]] = {
    "depth": 0, "optimizer": "sgd", "lr": 0.1, "batch": "full", "steps": 2000, "validation": 0,
}  # fmt: skip
_SINE: Final[dict[str, Any]] = {"noise": 0.2, "loss": "mse", "standardize": True}
MODELS: Final[dict[str, tuple[Text, str, dict[str, Any]]]] = {
    "linear": (Text("linear", "단순 선형"), "line", {"noise": 0.3, "loss": "mse"}),
    "multiple": (Text("multiple, 10 inputs", "다중, 입력 10개"), "diabetes", {"loss": "mse", "standardize": True}),
    "degree 3": (Text("polynomial, degree 3", "다항, 3차"), "sine", {**_SINE, "features": "polynomial:3"}),
    "degree 5": (Text("polynomial, degree 5", "다항, 5차"), "sine", {**_SINE, "features": "polynomial:5"}),
    "degree 9": (Text("polynomial, degree 9", "다항, 9차"), "sine", {**_SINE, "features": "polynomial:9"}),
    "logistic": (Text("logistic", "로지스틱"), "gauss", {"noise": 0.8, "loss": "bce"}),
    "multinomial": (Text("multinomial, 3 classes", "다항 로지스틱, 범주 3개"), "blobs:3", {"noise": 2.0, "loss": "cross_entropy"}),
}  # fmt: skip
CHANGES: Final[dict[str, tuple[Text, dict[str, Any]]]] = {
    "degree 9, steps": (Text("polynomial, degree 9, 20,000 steps", "다항, 9차, 20,000 스텝"), {"steps": 20_000}),
    "degree 9, adam": (Text("polynomial, degree 9, Adam", "다항, 9차, Adam"), {"optimizer": "adam"}),
}
LABELS: Final = {key: name for key, (name, *_) in (*MODELS.items(), *CHANGES.items())}
DEGREES: Final = (1, 3, 5, 9, 12)
SAMPLES: Final = 20
"""Points to which a polynomial is fitted; it is judged on 200 others."""


def best_loss(data: Any) -> float:
    """The least training loss that a linear model can have on a data set."""
    x, y = data.x_train, data.y_train
    if data.task == "regression":
        return float(((with_one(x) @ least_squares(x, y) - y) ** 2).mean())
    fitted = probabilities(x, fit_log_odds(x, y, len(data.classes)))
    return float(-np.log(fitted[np.arange(len(x)), y]).mean())


def held_out_errors(rng: np.random.Generator, draws: int) -> np.ndarray:
    """Mean squared errors of polynomials fitted to `SAMPLES` points of a noisy sine: (draws, degrees, train and test)."""
    errors = np.empty((draws, len(DEGREES), 2))
    for draw in range(draws):
        x = rng.uniform(-1, 1, SAMPLES + 200)
        y = np.sin(np.pi * x) + 0.3 * rng.normal(size=x.size)
        for i, degree in enumerate(DEGREES):
            # Legendre's polynomials span the same functions as the powers and depend less on each other.
            made = np.polynomial.legendre.legvander(x, degree)[:, 1:]
            beta = least_squares(made[:SAMPLES], y[:SAMPLES, None])
            squares = (with_one(made) @ beta - y[:, None]) ** 2
            errors[draw, i] = squares[:SAMPLES].mean(), squares[SAMPLES:].mean()
    return errors


def run(setting: Setting) -> Records:
    """Every model solved and trained; polynomials of several degrees on many draws of the data."""
    made = {
        key: trained(problem, **{**DESCENT, **model}, seed=setting.seed) for key, (_, problem, model) in MODELS.items()
    }
    runs = {key: setting.compare(problem, **{**DESCENT, **model}) for key, (_, problem, model) in MODELS.items()}
    _, problem, model = MODELS["degree 9"]
    runs |= {key: setting.compare(problem, **{**DESCENT, **model, **change}) for key, (_, change) in CHANGES.items()}
    best = {key: best_loss(one.data) for key, one in made.items()}
    several = made["multinomial"].data
    _, problem, model = MODELS["multinomial"]
    softmax = trained(problem, **{**DESCENT, **model, "steps": 20_000}, seed=setting.seed)
    return {
        "made": made,
        "softmax": softmax.answers(0, several.x_train),
        "runs": runs,
        "best": best | dict.fromkeys(CHANGES, best["degree 9"]),
        "sine x": np.linspace(-2 * np.pi, 2 * np.pi, len(made["degree 3"].data.x_train)),
        "logistic": fit_log_odds(made["logistic"].data.x_train, made["logistic"].data.y_train, 2),
        "references": [
            probabilities(several.x_train, fit_log_odds(several.x_train, several.y_train, 3, reference), reference)
            for reference in range(3)
        ],
        "errors": held_out_errors(np.random.Generator(np.random.Philox(setting.seed)), setting.seeds),
    }


def _one_seed(made: Trained) -> np.ndarray:
    return np.concatenate([made.weights[0][0], made.biases[0][0][None]])


def reported(records: Records) -> tuple[Reported, ...]:
    """The notes give no figures: gradient descent of the first seed beside the solution."""
    made = records["made"]["linear"]
    solved = least_squares(made.data.x_train, made.data.y_train)[:, 0]
    lines = [", ".join(number(value, 4) for value in values) for values in (_one_seed(made)[:, 0], solved)]
    what = Text(
        "slope and intercept of 2x + 1 with noise: gradient descent; solved",
        "잡음 섞인 2x + 1의 기울기와 절편: 경사하강법; 닫힌 해",
    )
    scores = _scores(records)
    dropped = Text(
        "largest value of 1 / (1 + exp(−βᵀx)); of 1 / exp(−βᵀx)", "1 / (1 + exp(−βᵀx))의 최댓값; 1 / exp(−βᵀx)의 최댓값"
    )
    largest = f"{1 / (1 + np.exp(-scores.max())):.4f}; {number(float(np.exp(scores.max())))}"
    return Reported(what, "–", "; ".join(lines)), Reported(dropped, "–", largest)


def _scores(records: Records) -> np.ndarray:
    return (with_one(records["made"]["logistic"].data.x_train) @ records["logistic"])[:, 0]


def _excess(records: Records, key: str) -> np.ndarray:
    return records["runs"][key].trials["train_loss"].to_numpy() / records["best"][key] - 1


def _arrives(records: Records) -> Verdict:
    said = Text("training loss over the least possible one, minus 1", "훈련 손실 ÷ 가능한 최소 손실 − 1")
    parts = {key: median(_excess(records, key), said, below=0.01) for key in records["runs"]}
    on = Text(
        "how strongly the features depend on each other, the number of steps and the optimiser",
        "특성끼리 얽힌 정도, 스텝 수, 최적화 방법",
    )
    return everywhere(parts, on, LABELS)


def _higher_degree(records: Records) -> Verdict:
    said = Text("log₁₀ of the held-out error over that of the lower degree", "낮은 차수에 대한 검증 오차 비의 log₁₀")
    error = np.log10(records["errors"][:, :, 1])
    parts = {
        f"{DEGREES[i]} → {DEGREES[i + 1]}": median(error[:, i + 1] - error[:, i], said, below=0.0)
        for i in range(len(DEGREES) - 1)
    }
    return everywhere(parts, Text("the degree", "차수"))


def _dropped(records: Records) -> Verdict:
    said = Text("share of samples where 1 / exp(−βᵀx) is at most 1", "1 / exp(−βᵀx)가 1 이하인 샘플의 비율")
    return share(_scores(records) <= 0, said, above=0.99)


def _softmax(records: Records) -> Verdict:
    said = Text("largest difference between probabilities", "확률 차이의 최댓값")
    first, *others = records["references"]
    parts = {
        f"{k + 2}": at_most(float(np.abs(other - first).max()), 1e-9, said, first.size)
        for k, other in enumerate(others)
    }
    parts["softmax"] = at_most(float(np.abs(records["softmax"] - first).max()), 0.001, said, first.size)
    labels = {
        "2": Text("second class as reference", "둘째 범주를 기준으로"),
        "3": Text("third class as reference", "셋째 범주를 기준으로"),
        "softmax": Text("softmax of three scores, by gradient descent", "점수 세 개의 소프트맥스, 경사하강법으로"),
    }
    return everywhere(parts, Text("how it is fitted", "맞추는 방법"), labels)


def _fits(records: Records, lang: Lang) -> Picture:
    from matplotlib.colors import ListedColormap

    made, dashed = records["made"], (0, (4, 2))
    with drawing():
        figure = new_figure(5.6)
        grid = figure.subplots(2, 3)
        places = {"linear": made["linear"].data.x_train[:, 0], **{f"degree {d}": records["sine x"] for d in (3, 5, 9)}}
        for axes, (key, x) in zip(grid.flat, places.items(), strict=False):
            data = made[key].data
            axes.plot(x, data.y_train, ".", color="0.6", markersize=3)
            axes.plot(x, with_one(data.x_train) @ least_squares(data.x_train, data.y_train), color=SERIES[0])
            axes.plot(x, made[key].answers(0, data.x_train), color=SERIES[1], linestyle=dashed)
        for axes, key in zip(grid.flat[4:], ("logistic", "multinomial"), strict=True):
            data = made[key].data
            _classes(axes, data, made[key], dashed, ListedColormap(SERIES[:3]))
        for axes, key in zip(grid.flat, (*places, "logistic", "multinomial"), strict=True):
            axes.set_title(LABELS[key].to(lang), loc="left")
            grid_lines(axes)
        from matplotlib.lines import Line2D

        handles = [
            Line2D([], [], color=SERIES[0]),
            Line2D([], [], color=SERIES[1], linestyle=dashed),
            Line2D([], [], color=INK),
        ]
        names = (
            Text("solved", "닫힌 해"),
            Text("gradient descent, one seed", "경사하강법, 시드 하나"),
            Text("border of two classes, solved", "두 범주의 경계, 최대가능도"),
        )
        legend_above(figure, handles, [name.to(lang) for name in names])
    caption = Text(
        "The solution and what 2000 steps of gradient descent found. At degree 9 the steps end far too soon.",
        "정확한 해와 경사하강법 2000스텝의 결과. 9차에서는 스텝이 턱없이 모자란다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _classes(axes: Any, data: Any, made: Trained, dashed: Any, colours: Any) -> None:
    classes = len(data.classes)
    reach = 1.05 * np.abs(data.x_train).max()
    axis = np.linspace(-reach, reach, 101)
    plane = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    solved = probabilities(plane, fit_log_odds(data.x_train, data.y_train, classes)).argmax(axis=1).reshape(101, 101)
    descent = made.answers(0, plane)
    descent = (descent[:, 0] > 0.5 if classes == 2 else descent.argmax(axis=1)).reshape(101, 101)
    for k in range(classes):
        chosen = data.y_train == k
        axes.plot(*data.x_train[chosen].T, MARKERS[k], color=colours(k), markersize=2.5, linestyle="none")
        axes.contour(axis, axis, solved == k, levels=[0.5], colors=INK, linewidths=1.1)
        axes.contour(axis, axis, descent == k, levels=[0.5], colors=SERIES[1], linewidths=1.1, linestyles=[dashed])


def _convergence(records: Records, lang: Lang) -> Picture:
    panels = {}
    label = Text("loss over the least one, minus 1", "손실 ÷ 최소 손실 − 1").to(lang)
    for key, result in records["runs"].items():
        steps, loss = history(result.trials, "history_train_loss")
        panels[LABELS[key].to(lang)] = [Curve(label, steps, loss / records["best"][key] - 1, single=True)]
    figure = curves(panels, Text("step", "스텝").to(lang), label, lang, floor=1e-6)
    caption = Text(
        "How far gradient descent is from the solution; 10⁻⁶ stands for that and less. It falls quickly where features are "
        "independent, and hardly where they are nearly the same.",
        "경사하강법이 정확한 해에서 얼마나 떨어져 있는가. 10⁻⁶은 그 이하를 뜻한다. 특성이 서로 독립에 가까우면 금세 줄고, 거의 같은 특성이 섞여 있으면 좀처럼 줄지 않는다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _degrees(records: Records, lang: Lang) -> Picture:
    from matplotlib.ticker import FixedLocator

    with drawing():
        figure = new_figure(3.0, 5.5)
        axes = figure.subplots()
        grid_lines(axes)
        names = Text("training", "훈련").to(lang), Text("held out", "검증").to(lang)
        for i, name in enumerate(names):
            low, middle, high = quantiles(records["errors"][:, :, i], (0.25, 0.5, 0.75))
            axes.fill_between(DEGREES, low, high, color=SERIES[i], alpha=0.25, linewidth=0)
            axes.plot(DEGREES, middle, color=SERIES[i], marker=MARKERS[i], markersize=4, label=name)
        axes.set_yscale("log")
        power_ticks(axes.yaxis)
        axes.xaxis.set_major_locator(FixedLocator(DEGREES))
        axes.set_xlabel(Text("degree of the polynomial", "다항식의 차수").to(lang))
        axes.set_ylabel(Text("mean squared error", "평균제곱오차").to(lang))
        legend_above(figure, axes.get_lines(), names)
    caption = Text(
        "Polynomials fitted to 20 points of a noisy sine, many draws (median and quartiles): the training error only falls, the held-out error turns round.",
        "잡음 섞인 사인의 점 20개에 맞춘 다항식(표본을 여러 번 새로 뽑은 중앙값과 사분위 구간). 훈련 오차는 줄기만 하지만 검증 오차는 다시 커진다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _one_plus(records: Records, lang: Lang) -> Picture:
    scores, labels = _scores(records), records["made"]["logistic"].data.y_train
    z = np.linspace(-6, 6, 201)
    with drawing():
        figure = new_figure(3.0, 5.5)
        axes = figure.subplots()
        grid_lines(axes)
        axes.axhspan(0, 1, color=SERIES[2], alpha=0.12, linewidth=0)
        axes.plot(z, 1 / (1 + np.exp(-z)), color=SERIES[0], label="1 / (1 + exp(−βᵀx))")
        axes.plot(z, np.exp(z), color=SERIES[7], label="1 / exp(−βᵀx)")
        axes.plot(np.clip(scores, -6, 6), labels, "|", color=INK, markersize=6, label=Text("samples", "샘플").to(lang))
        axes.set(ylim=(-0.15, 3.0), xlim=(-6.1, 6.1), xlabel="βᵀx", ylabel=Text("value", "값").to(lang))
        axes.legend(loc="upper left")
    caption = Text(
        'With and without the "1 +". Only the green band is a probability; without the "1 +" it is the odds, which leave the band where βᵀx > 0.',
        '"1 +"가 있을 때와 없을 때. 초록 띠 안만 확률이다. "1 +"를 빠뜨린 값은 오즈여서 βᵀx > 0이면 띠를 벗어난다.',
    ).to(lang)
    return Picture(figure, caption, caption)


REGRESSIONS = Phenomenon(
    name="regressions",
    aliases=("p8",),
    summary="does gradient descent arrive at what can be solved?",
    number=8,
    title=Text("Regressions, solved and trained", "회귀: 풀어서 구하기와 학습하기"),
    question=Text(
        "Linear, polynomial and logistic regressions can be solved. Does gradient descent arrive at the same answer, and what does a forgotten \"1 +\" do?",
        "선형, 다항, 로지스틱 회귀는 답을 바로 구할 수 있다. 경사하강법도 같은 답에 이를까? 그리고 \"1 +\"를 빠뜨리면 어떻게 될까?",
    ),
    explanation=prose(
        """
        A linear model, y = βᵀx, has one best β: least squares gives it in closed form, also for a polynomial, which is linear
        in the powers of x. Logistic regression has no closed form, but its likelihood has one summit, and Newton's method
        climbs it in a few steps. So here we know what gradient descent should find.

        It finds it where the features differ: in 2000 steps it is there for one input, for the ten of the diabetes
        data, for degree 3, for both kinds of classes. The powers of a higher degree look alike, x⁷ almost like x⁹.
        Then the loss is a long flat valley, and plain descent is still on its way: at degree 5 its loss is almost a tenth too large, at degree 9
        several times the least one, and ten times as many steps or Adam bring it closer but not home. And a better fit is not a better prediction: with 20 points, degree 3
        predicts better than 1, but 5 worse than 3, and higher ones worse still.

        The probability is p = 1 / (1 + exp(−βᵀx)), and the border p = 1/2 lies where βᵀx = 0. Without the "1 +" the
        formula gives exp(βᵀx) = p / (1 − p): the odds, which are more than 1 on half of the plane. With K classes, K − 1 log-odds against any one
        class say the same as a softmax of K scores.
        """,
        """
        선형 모형 y = βᵀx에는 가장 좋은 β가 하나 있고, 최소제곱법이 이를 식으로 바로 구해 준다. 다항 회귀도 x의 거듭제곱에
        대해서는 선형이므로 마찬가지이다. 로지스틱 회귀에는 그런 식이 없지만 가능도의 봉우리가 하나뿐이어서 뉴턴 방법으로 몇
        스텝이면 오른다. 그러니 여기서는 경사하강법이 찾아야 할 답을 미리 알고 있다.

        특성이 서로 다르면 경사하강법은 그 답을 찾는다. 입력이 하나일 때, 당뇨병 자료의 입력 열 개, 3차 다항식, 두 가지 분류 모두
        2000스텝이면 충분하다. 차수가 높으면 거듭제곱끼리 닮아 간다. x⁷과 x⁹은 거의 구별되지 않는다. 그러면 손실은
        길고 평평한 골짜기가 되고 경사하강법은 좀처럼 나아가지 못한다. 5차에서는 손실이 거의 10분의 1만큼 크고, 9차에서는 최솟값의 몇 배나 된다. 스텝을 열
        배로 늘리거나 Adam을 쓰면 가까워지지만 다 가지는 못한다. 또 더 잘 맞춘다고 더 잘 예측하는 것도 아니다. 점이 20개일 때 3차는
        1차보다 잘 예측하지만 5차는 3차보다 못하고, 더 높이면 더 나빠진다.

        확률은 p = 1 / (1 + exp(−βᵀx))이고, p = 1/2인 결정 경계는 βᵀx = 0이다. "1 +"를 빠뜨리면 exp(βᵀx) = p / (1 − p),
        곧 오즈가 되어 평면의 절반에서 1을 넘는다. 범주가 K개이면 어느 한 범주를 기준으로 한 로그 오즈 K − 1개와 점수 K개의
        소프트맥스가 같은 것을 말한다.
        """,
    ),
    seeds=(128, 512),
    seconds=(3.0, 5.0),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="descent-arrives",
            text=Text("Gradient descent arrives at the solution.", "경사하강법은 정확한 해에 이른다."),
            rule=Text(
                "Rate 0.1, 2000 steps, all samples at once. Median over seeds of the loss over the least one, minus 1, below 0.01; sign test.",
                "학습률 0.1, 2000스텝, 전체 배치. 시드별 (손실 ÷ 최소 손실 − 1)의 중앙값이 0.01보다 작은지 부호검정.",
            ),
            decide=_arrives,
        ),
        Claim(
            key="higher-degree-predicts-better",
            text=Text("A polynomial of a higher degree predicts better.", "차수가 높은 다항식이 더 잘 예측한다."),
            rule=Text(
                "20 points, many draws. Median of log₁₀ of the ratio of held-out errors, below 0; sign test.",
                "점 20개, 표본을 여러 번 새로 뽑는다. 검증 오차 비의 log₁₀ 중앙값이 0보다 작은지 부호검정.",
            ),
            decide=_higher_degree,
        ),
        Claim(
            key="without-one-plus",
            text=Text("1 / exp(−βᵀx), without the \"1 +\", is a probability.", "\"1 +\"를 뺀 1 / exp(−βᵀx)도 확률이다."),
            rule=Text(
                "Holds if Wilson's 95 % interval of the share of samples with a value of at most 1 lies above 99 %.",
                "값이 1 이하인 샘플 비율의 윌슨 95 % 구간 전체가 99 %보다 크면 성립.",
            ),
            decide=_dropped,
        ),
        Claim(
            key="log-odds-are-softmax",
            text=Text("K − 1 log-odds against one class equal a softmax of K scores.", "한 범주를 기준으로 한 로그 오즈 K − 1개는 점수 K개의 소프트맥스와 같다."),
            rule=Text(
                "Largest difference of the fitted probabilities from those against the first class: at most 1e-9 solved, 0.001 by 20,000 steps of gradient descent.",
                "첫 범주를 기준으로 구한 확률과의 차이의 최댓값. 정확히 푼 것은 1e-9, 경사하강법 20,000스텝은 0.001 이하.",
            ),
            decide=_softmax,
        ),
    ),
    drawings=(
        Drawing(key="fits", heading=Text("Fits", "맞춘 결과"), draw=_fits),
        Drawing(key="convergence", heading=Text("How gradient descent comes near", "경사하강법이 다가가는 모습"), draw=_convergence),
        Drawing(key="degrees", heading=Text("The degree of a polynomial", "다항식의 차수"), draw=_degrees),
        Drawing(key="one-plus", heading=Text("The forgotten \"1 +\"", "빠뜨린 \"1 +\""), draw=_one_plus),
    ),
)  # fmt: skip
