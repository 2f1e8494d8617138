"""P11: the sigmoid's slope by a difference over h = 1e-15, and what the best h is."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability import activations
from trainability.lab.differences import Method, estimate, rule
from trainability.lab.phenomenon import Claim, Drawing, Phenomenon, Records, Reported, Setting
from trainability.lab.text import Lang, Text, prose, same
from trainability.lab.verdicts import Verdict, everywhere, median
from trainability.report.gather import quantiles
from trainability.report.style import INK, SERIES, Picture, drawing, grid_lines, legend_above, new_figure, power_ticks
from trainability.report.words import number

REACH: Final = 10.0
CURVE: Final = np.linspace(-REACH, REACH, 2001)
NOTES_STEP: Final = 1e-15
POINTS: Final = 64
"""Places that a seed draws; its error is the root mean square over them."""
PER_DECADE: Final = (4, 8)
METHODS: Final[tuple[Method, ...]] = ("forward", "central", "complex")
NAMES: Final = {
    "forward": Text("forward difference", "전진 차분"),
    "central": Text("central difference", "중앙 차분"),
    "complex": Text("complex step", "복소 스텝"),
}
TYPES: Final = {"float64": np.float64, "float32": np.float32}
SHOWN: Final[tuple[tuple[Method, float], ...]] = (
    ("forward", NOTES_STEP), ("forward", 1e-8), ("central", 1e-5), ("complex", NOTES_STEP),
)  # fmt: skip
CRUDE: Final = 1e-2


def sigmoid(z: Any) -> Any:
    """σ as the notes write it; it takes complex numbers too."""
    return 1 / (1 + np.exp(-z))


def slope(x: np.ndarray) -> np.ndarray:
    """σ(1 − σ) in float64, as σ(x) σ(−x), which does not cancel."""
    x = x.astype(np.float64)
    return sigmoid(x) * sigmoid(-x)


def run(setting: Setting) -> Records:
    """The curves of the notes; the error at every h, for each method and precision, and for each smooth activation."""
    generator = np.random.Generator(np.random.Philox(setting.seed))
    x = generator.uniform(-REACH, REACH, (setting.seeds, POINTS))
    h = 10 ** np.linspace(-17, 0, 17 * PER_DECADE[0 if setting.quick else 1] + 1)
    steps = {"grid": h, "notes": np.array([NOTES_STEP]), "crude": np.array([CRUDE]), "fine": np.array([1e-8, 1e-5])}
    errors = {
        (dtype, method): {
            name: _errors(sigmoid, slope, x.astype(kind), values, method) for name, values in steps.items()
        }
        for dtype, kind in TYPES.items()
        for method in METHODS
    }
    return {
        "h": h,
        "curves": {(method, step): estimate(sigmoid, CURVE, step, method) for method, step in SHOWN},
        "errors": errors,
        "size": np.sqrt(np.mean(slope(x) ** 2, axis=1)),
        "ulps": {dtype: _ulps(x.astype(kind)) for dtype, kind in TYPES.items()},
        "smooth": {name: _best(x, h, *functions) for name, functions in smooth().items()},
    }


def smooth() -> dict[str, tuple[Any, Any]]:
    """Every activation of one number without a kink: name to function and derivative."""
    choices = [activations.default_choice(entry) for entry in activations.ACTIVATIONS]
    return {
        choice.entry.name: (activations.numpy_function(choice), activations.numpy_slope(choice))
        for choice in choices
        if activations.is_elementwise(choice.entry) and not activations.kinks(choice)
    }


def _errors(f: Any, exact: Any, x: np.ndarray, h: np.ndarray, method: Method) -> np.ndarray:
    """Root mean square errors over a seed's points, shape (seeds, steps)."""
    truth = exact(x.astype(np.float64))
    found = [np.sqrt(np.mean((estimate(f, x, step, method) - truth) ** 2, axis=1)) for step in h]
    return np.stack(found, axis=1)


def _best(x: np.ndarray, h: np.ndarray, f: Any, exact: Any) -> np.ndarray:
    """Each seed's best step for a forward difference in float64, shape (seeds,)."""
    return h[np.argmin(_errors(f, exact, x, h, "forward"), axis=1)]


def _ulps(x: np.ndarray) -> np.ndarray:
    """The largest relative error of the complex step at h = 1e-15 over a seed's points, in units of ε."""
    truth = slope(x)
    found = np.abs(estimate(sigmoid, x, NOTES_STEP, "complex") / truth - 1)
    return found.max(axis=1) / float(np.finfo(x.dtype).eps)


def reported(records: Records) -> tuple[Reported, ...]:
    """The notes show the curve and no number."""
    exact = slope(CURVE)
    noisy = np.abs(records["curves"]["forward", NOTES_STEP] - exact).max()
    fine = np.abs(records["curves"]["forward", 1e-8] - exact).max()
    what = Text(
        "largest error of the curve, h = {h} (the slope itself is at most 0.25; the notes show a curve of noise)",
        "그린 곡선의 최대 오차, h = {h} (도함수의 최댓값은 0.25, 노트에는 잡음 같은 그림만 있다)",
    )
    return (
        Reported(what.filled(h="1e-15"), "–", number(float(noisy))),
        Reported(what.filled(h="1e-8"), "–", number(float(fine))),
    )


def _log_ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.log10(np.maximum(a, 1e-300) / np.maximum(b, 1e-300))


def _labels() -> dict[str, Text]:
    return {
        f"{method}-{dtype}": Text(f"{NAMES[method].en}, {dtype}", f"{NAMES[method].ko}, {dtype}")
        for dtype in TYPES
        for method in METHODS
    }


def _notes_step(records: Records) -> Verdict:
    said = Text("error over the slope's size (RMS), h = 1e-15", "도함수 크기에 대한 오차의 비 (RMS), h = 1e-15")
    return median(records["errors"]["float64", "forward"]["notes"][:, 0] / records["size"], said, below=0.01)


def _smaller(records: Records) -> Verdict:
    said = Text("log₁₀ of the error at h = 1e-15 over that at h = 0.01", "h = 1e-15의 오차 ÷ h = 0.01의 오차, log₁₀")
    parts = {
        f"{method}-{dtype}": median(_log_ratio(found["notes"][:, 0], found["crude"][:, 0]), said, below=0.0)
        for (dtype, method), found in records["errors"].items()
    }
    return everywhere(parts, Text("the method", "방법"), _labels())


def _near(records: Records, method: Method) -> Verdict:
    said = Text(
        "decades between a seed's best h and the rule's", "시드별 가장 좋은 h와 규칙이 말하는 h의 거리 (자릿수)"
    )
    parts = {}
    for dtype, kind in TYPES.items():
        best = records["h"][np.argmin(records["errors"][dtype, method]["grid"], axis=1)]
        parts[dtype] = median(np.abs(np.log10(best / rule(method, kind))), said, below=1.0)
    return everywhere(parts, Text("the precision", "정밀도"))


def _every_function(records: Records) -> Verdict:
    said = Text("decades between a seed's best h and √ε", "시드별 가장 좋은 h와 √ε의 거리 (자릿수)")
    wanted = rule("forward", np.float64)
    parts = {name: median(np.abs(np.log10(best / wanted)), said, below=1.0) for name, best in records["smooth"].items()}
    return everywhere(parts, Text("the function", "함수"))


def _central_wins(records: Records) -> Verdict:
    said = Text(
        "log₁₀ of the central difference's error over the forward one's", "중앙 차분의 오차 ÷ 전진 차분의 오차, log₁₀"
    )
    forward, central = (records["errors"]["float64", method] for method in ("forward", "central"))
    pairs = {
        "h = 1e-15": (central["notes"][:, 0], forward["notes"][:, 0]),
        "h = 1e-8": (central["fine"][:, 0], forward["fine"][:, 0]),
        "h = 1e-5": (central["fine"][:, 1], forward["fine"][:, 1]),
        "h = 0.01": (central["crude"][:, 0], forward["crude"][:, 0]),
        "best": (central["grid"].min(axis=1), forward["grid"].min(axis=1)),
    }
    # Ten times better: less would be what two roundings instead of one can give by luck.
    parts = {name: median(_log_ratio(*pair), said, below=-1.0) for name, pair in pairs.items()}
    return everywhere(parts, same("h"), {"best": Text("each at its best h", "각자 가장 좋은 h에서")})


def _complex_exact(records: Records) -> Verdict:
    said = Text("a seed's largest relative error, in ε", "시드별 최대 상대오차 (단위 ε)")
    parts = {dtype: median(found, said, below=8.0) for dtype, found in records["ulps"].items()}
    return everywhere(parts, Text("the precision", "정밀도"))


def _draw_curves(records: Records, lang: Lang) -> Picture:
    from matplotlib.lines import Line2D

    exact = slope(CURVE)
    with drawing():
        figure = new_figure(2.9)
        grid = figure.subplots(1, len(SHOWN), sharey=True)
        for axes, (method, step) in zip(grid, SHOWN, strict=True):
            axes.plot(CURVE, records["curves"][method, step], color=SERIES[1], linewidth=0.7, rasterized=True)
            axes.plot(CURVE, exact, color=SERIES[0], linewidth=1.8, linestyle=(0, (4, 2)))
            axes.set_title(f"{NAMES[method].to(lang)}, h = {step:.0e}".replace("e-0", "e-"), loc="left")
            axes.set_xlabel("x")
            grid_lines(axes)
        handles = [Line2D([], [], color=SERIES[1]), Line2D([], [], color=SERIES[0], linestyle=(0, (4, 2)))]
        legend_above(figure, handles, [Text("numerical", "수치 미분").to(lang), "σ(x)(1 − σ(x))"])
    caption = Text(
        "The sigmoid's derivative in float64. Left as in the notes: with h = 1e-15 the curve is noise.",
        "float64로 구한 시그모이드의 도함수. 맨 왼쪽이 노트의 설정이다. h = 1e-15에서는 곡선이 잡음이 된다.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _draw_errors(records: Records, lang: Lang) -> Picture:
    from matplotlib.lines import Line2D

    h = records["h"]
    with drawing():
        figure = new_figure(3.8)
        grid = figure.subplots(1, 2, sharey=True)
        for axes, (dtype, kind) in zip(grid, TYPES.items(), strict=True):
            for i, method in enumerate(METHODS):
                low, middle, high = quantiles(records["errors"][dtype, method]["grid"], (0.05, 0.5, 0.95))
                axes.fill_between(h, low, high, color=SERIES[i], alpha=0.25, linewidth=0)
                axes.plot(h, middle, color=SERIES[i])
                if method != "complex":
                    axes.axvline(rule(method, kind), color=SERIES[i], linestyle=(0, (2, 2)), linewidth=1.1)
            axes.set(xscale="log", yscale="log", title=dtype, xlim=(h[0], h[-1]))
            axes.set_xlabel("h")
            for axis in (axes.xaxis, axes.yaxis):
                power_ticks(axis)
            grid_lines(axes)
        grid[0].set_ylabel(Text("error (RMS over points)", "오차 (여러 점의 RMS)").to(lang))
        handles = [Line2D([], [], color=SERIES[i]) for i in range(len(METHODS))]
        handles.append(Line2D([], [], color=INK, linestyle=(0, (2, 2)), linewidth=1.1))
        rules = Text("rules of thumb: √ε, ε^(1/3)", "경험칙 √ε, ε^(1/3)").to(lang)
        legend_above(figure, handles, [*(NAMES[method].to(lang) for method in METHODS), rules])
    caption = Text(
        "Error against h. On the right of each valley the formula is too coarse, on the left rounding takes over; "
        "the complex step has no left side. Lines are medians over seeds, bands hold 90 % of them.",
        "h에 따른 오차. 골짜기 오른쪽에서는 식 자체의 절단 오차가, 왼쪽에서는 반올림 오차가 크다. "
        "복소 스텝에는 왼쪽 오르막이 없다. 선은 시드들의 중앙값, 띠는 시드의 90 %가 들어가는 범위.",
    ).to(lang)
    return Picture(figure, caption, caption)


def _draw_best(records: Records, lang: Lang) -> Picture:
    ordered = sorted(records["smooth"].items(), key=lambda item: float(np.median(item[1])))
    with drawing():
        figure = new_figure(0.8 + 0.21 * len(ordered))
        axes = figure.subplots()
        for place, (_, best) in enumerate(ordered):
            low, middle, high = quantiles(best, (0.05, 0.5, 0.95))
            axes.plot([low, high], [place, place], color=SERIES[0], linewidth=2.2, alpha=0.55)
            axes.plot(middle, place, "o", color=SERIES[0], markersize=5)
        wanted = rule("forward", np.float64)
        axes.axvline(wanted, color=SERIES[1], linestyle=(0, (2, 2)), linewidth=1.1)
        axes.axvspan(wanted / 10, wanted * 10, color=SERIES[1], alpha=0.1, linewidth=0)
        axes.set_yticks(range(len(ordered)), [name for name, _ in ordered])
        axes.set(xscale="log", ylim=(-0.7, len(ordered) - 0.3))
        axes.set_xlabel(Text("best h of a forward difference, float64", "전진 차분에서 가장 좋은 h, float64").to(lang))
        power_ticks(axes.xaxis)
        grid_lines(axes)
    caption = Text(
        "The best h of every smooth activation; the dashed line is √ε, the band a factor of ten around it.",
        "매끄러운 활성화 함수마다 가장 좋은 h. 점선은 √ε, 띠는 그 10배 안쪽.",
    ).to(lang)
    return Picture(figure, caption, caption)


NUMERICAL_DERIVATIVE = Phenomenon(
    name="numerical-derivative",
    aliases=("p11",),
    summary="which step h gives the best numerical derivative?",
    number=11,
    title=Text("A numerical derivative that is noise", "잡음이 되어 버린 수치 미분"),
    question=Text(
        "(f(x + h) − f(x)) / h with h = 1e-15 gives noise in place of the sigmoid's slope. Which h is right?",
        "h = 1e-15로 (f(x + h) − f(x)) / h를 계산하면 시그모이드의 도함수 대신 잡음이 나온다. h는 얼마가 좋을까?",
    ),
    explanation=prose(
        """
        A derivative is a limit, so a tiny h seems to be the best. But a computer rounds. A float64 carries 16 digits: its
        relative spacing ε is 2.2e-16. Near x = 9 neighbouring numbers lie 1.8e-15 apart, so x + 1e-15 is not even
        there; and f(x + h) − f(x) is a difference of two numbers that agree in nearly all digits. What is left is
        mostly rounding, and the division by 1e-15 makes it large. That is the noise in the notes' figure.

        Two errors pull in opposite directions. The formula's own error falls with h: like h for the forward difference,
        like h² for the central one. The rounding error grows like ε/h. Their sum is a valley with its lowest point near
        √ε (1.5e-8) for the forward and near ε^(1/3) (6e-6) for the central difference; the best central error is hundreds
        of times smaller. In float32 the valleys lie further right and higher. These rules suppose that the function
        bends: a straight line has no formula error, so for the identity the largest h is the best.

        The complex step, Im f(x + ih)/h, subtracts nothing. It has no left side of the valley, and with h = 1e-15 it is
        right to the last digits. Automatic differentiation, which backpropagation is, needs no h at all.
        """,
        """
        도함수는 극한으로 정의되므로 h는 작을수록 좋아 보인다. 그러나 컴퓨터는 수를 반올림한다. float64의
        유효 숫자는 약 16자리이고, 이웃한 두 수의 상대 간격 ε은 2.2e-16이다. x = 9 근처에서는 이웃한 두 수가
        1.8e-15만큼 떨어져 있어서 x + 1e-15라는 수를 나타낼 수조차 없다. 게다가 f(x + h) − f(x)는 거의 모든 자릿수가 같은
        두 수의 차이다. 빼고 나면 남는 것은 대부분 반올림 오차이고, 이를 1e-15로 나누면 크게 부풀려진다.
        노트의 그림에 보이는 잡음이 바로 이것이다.

        두 가지 오차가 서로 반대로 움직인다. 식 자체의 오차(절단 오차)는 h를 줄이면 작아지는데, 전진 차분은 h에,
        중앙 차분은 h²에 비례한다. 반올림 오차는 ε/h에 비례하여 커진다. 둘을 더하면 골짜기 모양이 되고, 가장 낮은 곳은
        전진 차분이 √ε(1.5e-8) 근처, 중앙 차분이 ε^(1/3)(6e-6) 근처이다. 가장 좋은 h에서 중앙 차분의 오차는
        전진 차분의 수백분의 1이다. float32에서는 골짜기가 더 오른쪽, 더 높은 곳에 있다. 이 규칙은 함수가 휘어
        있을 때의 이야기다. 직선에는 절단 오차가 없으므로 항등 함수에서는 h가 클수록 좋다.

        복소 스텝 Im f(x + ih)/h에는 뺄셈이 없다. 그래서 골짜기의 왼쪽 오르막이 없고, h = 1e-15에서도 거의 마지막
        자릿수까지 맞는다. 역전파와 같은 자동 미분에는 h가 아예 필요 없다.
        """,
    ),
    seeds=(64, 256),
    seconds=(1.5, 2.0),
    run=run,
    reported=reported,
    claims=(
        Claim(
            key="notes-step",
            text=Text("With h = 1e-15 the forward difference draws the sigmoid's derivative.", "h = 1e-15인 전진 차분으로 시그모이드의 도함수를 그릴 수 있다."),
            rule=Text(
                "Each seed draws 64 points of [−10, 10]. Holds if the median over seeds of the relative error is below 1 %; sign test.",
                "시드마다 [−10, 10]에서 점 64개를 뽑는다. 상대오차의 시드별 중앙값이 1 %보다 작으면 성립 (부호검정).",
            ),
            decide=_notes_step,
        ),
        Claim(
            key="smaller-is-better",
            text=Text("The smaller h, the better.", "h는 작을수록 좋다."),
            rule=Text(
                "Per seed, the error at h = 1e-15 over that at h = 0.01; sign test of the median of log₁₀, below 0.",
                "시드마다 h = 1e-15의 오차를 h = 0.01의 오차로 나눈다. log₁₀의 중앙값이 0보다 작은지 부호검정.",
            ),
            decide=_smaller,
        ),
        Claim(
            key="forward-best-near-root",
            text=Text("The best h of the forward difference lies near √ε.", "전진 차분에서 가장 좋은 h는 √ε 근처이다."),
            rule=Text("Median over seeds of |log₁₀(best h / √ε)|, below 1; sign test.", "시드별 |log₁₀(가장 좋은 h ÷ √ε)|의 중앙값이 1보다 작은지 부호검정."),
            decide=lambda records: _near(records, "forward"),
        ),
        Claim(
            key="central-best-near-cube-root",
            text=Text("The best h of the central difference lies near ε^(1/3).", "중앙 차분에서 가장 좋은 h는 ε^(1/3) 근처이다."),
            rule=Text("Median over seeds of |log₁₀(best h / ε^(1/3))|, below 1; sign test.", "시드별 |log₁₀(가장 좋은 h ÷ ε^(1/3))|의 중앙값이 1보다 작은지 부호검정."),
            decide=lambda records: _near(records, "central"),
        ),
        Claim(
            key="root-rule-for-every-function",
            text=Text("√ε is near the best forward step for every smooth activation.", "매끄러운 활성화 함수라면 무엇이든 전진 차분의 가장 좋은 h는 √ε 근처이다."),
            rule=Text("For each smooth activation, the median of |log₁₀(best h / √ε)| is below 1; sign test.", "매끄러운 활성화 함수마다 |log₁₀(가장 좋은 h ÷ √ε)|의 중앙값이 1보다 작은지 부호검정."),
            decide=_every_function,
        ),
        Claim(
            key="central-beats-forward",
            text=Text("The central difference is at least ten times as accurate as the forward one.", "중앙 차분은 전진 차분보다 10배 이상 정확하다."),
            rule=Text("Per seed and h, the ratio of their errors in float64; sign test of the median of log₁₀, below −1.", "float64에서 시드와 h마다 두 오차의 비를 구한다. log₁₀의 중앙값이 −1보다 작은지 부호검정."),
            decide=_central_wins,
        ),
        Claim(
            key="complex-step-exact",
            text=Text("The complex step with h = 1e-15 is right but for rounding.", "복소 스텝은 h = 1e-15에서도 반올림 오차 말고는 정확하다."),
            rule=Text("A seed's largest relative error over its 64 points; median over seeds, below 8 ε; sign test.", "시드별 점 64개의 최대 상대오차. 중앙값이 8 ε보다 작은지 부호검정."),
            decide=_complex_exact,
        ),
    ),
    drawings=(
        Drawing(key="curves", heading=Text("The derivative as drawn", "수치로 구한 도함수"), draw=_draw_curves),
        Drawing(key="errors", heading=Text("Error against h", "h에 따른 오차"), draw=_draw_errors),
        Drawing(key="best", heading=Text("The best h of every smooth activation", "활성화 함수별 가장 좋은 h"), draw=_draw_best),
    ),
)  # fmt: skip
