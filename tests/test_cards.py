"""The card of every activation: its numbers are the theory's, its pictures show something, its lines run."""

from __future__ import annotations

import io
import math
import re
import shlex
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import jax
import keras
import matplotlib.image
import numpy as np
import pytest
import torch

from tests.command import Cli, strict_json
from tests.made_pages import Elements, svgs
from trainability import theory
from trainability.activations import ACTIVATIONS, is_elementwise, pieces_of
from trainability.report.card import Card, card, sheet
from trainability.report.card.card import WIDTH
from trainability.report.card.figure import gain_rows, pictures
from trainability.report.card.formula import fitted
from trainability.report.card.maps import settings
from trainability.report.card.picture import SIDE, own_picture, read_picture, standardized
from trainability.report.style import to_svg
from trainability.theory.phases import recommended

NAMES = [entry.name for entry in ACTIVATIONS]
ELEMENTWISE = [entry.name for entry in ACTIVATIONS if is_elementwise(entry)]
# Beside the catalogue: long, with nothing finite on the left, without any moment, steep, flat, of a gate.
FORMULAS = (
    "expr:where(x > 0, x*sigmoid(1.7*x) + 0.1*tanh(x)**2, 0.3*expm1(x)/(1 + x*x))*cos(x/7)",
    "expr:log(x)", "expr:exp(x*x)", "expr:tanh(40*x)", "expr:0*x + 1e-30*x", "expr:x1*tanh(x2)", "expr:max(x1, x2, x3)",
)  # fmt: skip


def _ink(path: Path) -> float:
    """The share of pixels that are not white."""
    return float((matplotlib.image.imread(path)[..., :3].min(axis=-1) < 0.9).mean())


@pytest.mark.parametrize("name", NAMES)
def test_its_numbers_are_the_theorys(name: str):
    made = card(name)
    strict_json(made.to_json())
    assert made.conclusion
    phi = theory.at_width(name, WIDTH)
    assert made.width == (None if phi == made.choice else WIDTH)
    assert made.gain == pytest.approx(theory.gain(phi), rel=1e-12)
    assert (made.recommended is None) == any("no critical initialisation" in note for note in made.notes)
    if made.recommended is not None:
        point = recommended(phi)
        assert made.recommended.sigma_w == pytest.approx(point.sigma_w, rel=1e-9)
        assert made.recommended.sigma_b == pytest.approx(point.sigma_b, rel=1e-9)
    for default in made.defaults:
        if default.q is not None:  # it reproduces itself
            after = theory.variance_map(phi, default.q, default.sigma_w**2, default.sigma_b**2)
            assert after == pytest.approx(default.q, rel=1e-8)
    for x, value, slope in made.values():
        assert math.isfinite(value), x
        assert math.isfinite(slope), x


# Sources: PyTorch's Linear, Keras' Dense and Flax's Dense, asked for their own weights.
def test_the_defaults_are_what_the_libraries_do():
    found = {default.label: default for default in card("tanh").defaults}
    torch.manual_seed(0)
    layer = torch.nn.Linear(256, 256)
    dense = keras.layers.Dense(256)
    dense.build((None, 256))
    flax = jax.nn.initializers.lecun_normal()(jax.random.key(0), (256, 256))
    for label, weight, bias in (
        ("PyTorch", layer.weight.detach().numpy(), layer.bias.detach().numpy()),
        ("Keras, JAX", keras.ops.convert_to_numpy(dense.kernel), keras.ops.convert_to_numpy(dense.bias)),
        ("Keras, JAX", np.asarray(flax), np.zeros(256)),
    ):
        assert found[label].sigma_w == pytest.approx(16 * weight.std(), rel=0.02)
        assert found[label].sigma_b == pytest.approx(bias.std(), rel=0.1, abs=1e-12)


@pytest.mark.parametrize("name", [*NAMES, *FORMULAS])
def test_its_pictures_show_something(name: str, tmp_path: Path):
    path = card(name).save(tmp_path / "card.png")
    assert _ink(path) > 0.02


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_card_has_every_panel(name: str):
    axes = {panel.get_title(): panel for panel in card(name).figure().axes}
    assert set(axes) >= {
        "function and derivative", "samples before and after", "picture before", "picture after",
        "variance map and where it settles", "correlation map",
    }  # fmt: skip
    assert [title for title in axes if "edge of chaos" in title]
    lines = axes["function and derivative"].get_lines()
    slope, differences = lines[1], lines[2]
    x, numerical = (np.asarray(part, float) for part in differences.get_data())
    analytic = np.interp(x, *(np.asarray(part, float) for part in slope.get_data()))
    away = np.abs(np.diff(analytic, prepend=analytic[0])) < 0.2  # not between the two sides of a jump
    assert numerical[away] == pytest.approx(analytic[away], rel=1e-2, abs=1e-2)
    assert len(axes["variance map and where it settles"].get_lines()) >= 4


def test_a_card_says_where_chi_1_leaves_something_out():
    assert any("predict has this in it" in note for note in card("log_softmax").notes)
    assert not any("predict" in note for note in card("gelu").notes)


@pytest.mark.parametrize("name", ["gelu", "sigmoid", "softmax", "glu", "prelu", FORMULAS[0], FORMULAS[2]])
def test_svg_and_html_stand_by_themselves(name: str, tmp_path: Path):
    made = card(name)
    ElementTree.fromstring(made.save(tmp_path / "card.svg").read_text("utf-8"))
    text = made.save(tmp_path / "card.html").read_text("utf-8")
    for svg in svgs(text):
        ElementTree.fromstring(svg)
    formula, *figures = svgs(text)
    assert "<text" not in formula
    assert all("<text" in svg for svg in figures)
    tags = [tag for tag, _ in _tags(text)]
    assert not {"script", "img", "iframe"} & set(tags)
    assert not [
        v for _, given in _tags(text) for k, v in given.items() if k in ("src", "href") and v.startswith("http")
    ]
    assert tags.count("pre") == len(made.lines)


def _tags(text: str) -> list[tuple[str, dict[str, str]]]:
    return Elements(text + "<table></table>").tags


@pytest.mark.parametrize("name", NAMES)
def test_every_formula_of_the_catalogue_is_set_in_mathematics(name: str):
    _, size, mathematical = fitted(card(name), 10.0)
    assert mathematical
    assert size >= 8


def _run(code: tuple[str, ...], **known: Any) -> dict[str, Any]:
    exec("\n".join(code), known)
    return known


@pytest.mark.parametrize("name", NAMES)
def test_its_lines_run_and_draw_the_right_variance(name: str):
    made: Card = card(name)
    lines = {found.library: found.code for found in made.lines}
    assert set(lines) == {"PyTorch", "Keras", "JAX"}
    if made.recommended is None:
        assert made.gain is not None
        sigma_w, sigma_b = made.gain, 0.0
    else:
        sigma_w, sigma_b = made.recommended.sigma_w, made.recommended.sigma_b
    torch.manual_seed(0)
    keras.utils.set_random_seed(0)
    weights, biases = [], []
    for layer, fan_in in ((torch.nn.Linear(300, 500), 300), (torch.nn.Conv2d(40, 500, 3), 360)):
        _run(lines["PyTorch"], layer=layer)
        weights.append(math.sqrt(fan_in) * float(layer.weight.detach().std()))
        biases.append(float(layer.bias.detach().std()))  # pyright: ignore[reportOptionalMemberAccess]
    found = _run(lines["Keras"])
    dense = keras.layers.Dense(500, kernel_initializer=found["kernel"], bias_initializer=found["bias"])
    dense.build((None, 300))
    found = _run(lines["JAX"])
    key = jax.random.key(0)
    for kernel, bias in (dense.get_weights(), (found["kernel"](key, (300, 500)), found["bias"](key, (500,)))):
        weights.append(math.sqrt(300) * float(np.std(kernel)))
        biases.append(float(np.std(bias)))
    assert weights == pytest.approx([sigma_w] * 4, rel=0.01)
    assert biases == pytest.approx([sigma_b] * 4, rel=0.12, abs=1e-12)


@pytest.mark.parametrize("name", ["glu", "maxout", "maxout:3", "expr:x1*relu(x2)", "expr:tanh(x1*x2 + x3)"])
def test_a_card_of_a_gate_has_its_panels(name: str):
    made = card(name)
    titles = {panel.get_title() for panel in made.figure().axes}
    assert titles >= {
        "samples before and after", "a layer of eight units before and after", "variance map and where it settles",
        "correlation map",
    }  # fmt: skip
    assert [title for title in titles if "edge of chaos" in title]
    # All pieces of a unit are outputs of its layer: Glorot's weights are smaller than LeCun's.
    pieces = pieces_of(made.choice)
    gains = {default.label: default.sigma_w for default in made.defaults}
    assert gains["Keras"] == pytest.approx(math.sqrt(2 / (1 + pieces)))
    assert gains["JAX"] == pytest.approx(1.0)
    assert len({s.colour for s in settings(made)}) == len(settings(made))
    assert f"x_{{{pieces}}}" in made.latex or f"x_{pieces}" in made.latex


@pytest.mark.parametrize("name", ["gelu", "glu"])
def test_the_formulas_letters_keep_their_size_on_a_page(name: str):
    """Matplotlib draws outlines 64 times as large and scales them down: 0.015625 is not 0.01."""
    figure = pictures(card(name))["formula"][1].figure
    raw = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "path"}):
        figure.savefig(raw, format="svg")
    scales = set(re.findall(r"scale\([^)]*\)", raw.getvalue()))
    assert any(len(scale) > len("scale(0.00)") for scale in scales)
    assert set(re.findall(r"scale\([^)]*\)", to_svg(pictures(card(name))["formula"][1], "formula"))) == scales


def test_the_marks_lie_where_the_numbers_say():
    made = card("gelu")
    marks = {s.label: s for s in settings(made)}
    sigma_w2, sigma_b2, q = theory.double_critical("gelu")
    found = (marks["critical"].sigma_w, marks["critical"].sigma_b, marks["critical"].q)
    assert found == pytest.approx((math.sqrt(sigma_w2), math.sqrt(sigma_b2), q), rel=1e-9)
    assert len({s.colour for s in marks.values()}) == len(marks) == 4


# The picture.


def test_our_picture_has_every_brightness():
    picture = own_picture()
    assert picture.shape == (SIDE, SIDE)
    assert (picture.min(), picture.max()) == (0, 1)
    assert len(np.unique(np.round(picture, 2))) > 60
    shown = standardized(picture)
    assert (shown.mean(), shown.std()) == (pytest.approx(0, abs=1e-12), pytest.approx(1))
    assert not standardized(np.ones((3, 3))).any()


@pytest.mark.parametrize("shape", [(40, 30), (40, 30, 3), (40, 30, 4), (900, 700, 3)])
def test_a_picture_of_the_users_is_read(tmp_path: Path, shape: tuple[int, ...]):
    pixels = np.random.default_rng(0).random(shape)
    if shape[-1] == 4:
        pixels[..., 3] = 1
    matplotlib.image.imsave(tmp_path / "p.png", pixels, cmap="gray", vmin=0, vmax=1)
    found = read_picture(tmp_path / "p.png")
    grey = pixels if len(shape) == 2 else pixels[..., :3].mean(axis=-1)
    stride = 4 if shape[0] == 900 else 1
    assert found == pytest.approx(grey[::stride, ::stride], abs=0.01)


def _large_png(path: Path) -> None:
    matplotlib.image.imsave(path, np.zeros((2, 2)))
    made = bytearray(path.read_bytes())
    made[16:24] = (100_000).to_bytes(4, "big") * 2
    path.write_bytes(made)


WRONG = [
    ("", "no activation is named; give one such as gelu"),
    ("gelo", "unknown activation 'gelo'; did you mean 'gelu'"),
    ("elu:x", "'x' is not a number"),
    ("'x*tanh(x)'", "write 'expr:x*tanh(x)' for a formula"),
    ("expr:3", "its output is a constant"),
    ("gelu --list", "leave out the name"),
    ("--list --image p.png", "leave out the name, --image and --width"),
    ("gelu --out card.pdf", "'card.pdf' must end in .html, .png or .svg"),
    ("gelu --out none/card.png", "there is no directory 'none'"),
    ("gelu --image none.png", "cannot read the picture 'none.png': no such file or directory"),
    ("gelu --image .", "cannot read the picture '.': is a directory"),
    ("gelu --image text.png", "'text.png' is not a PNG picture"),
    ("gelu --image cut.png", "the picture 'cut.png' is damaged"),
    ("gelu --image large.png", "100,000 × 100,000 pixels"),
]


@pytest.mark.parametrize(("words", "sentence"), WRONG, ids=[words or "nothing" for words, _ in WRONG])
def test_a_mistake_gets_one_sentence(
    words: str, sentence: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path("text.png").write_text("not a picture, but long enough to be read as one")
    matplotlib.image.imsave("cut.png", np.random.default_rng(0).random((20, 20)))
    Path("cut.png").write_bytes(Path("cut.png").read_bytes()[:200])
    _large_png(Path("large.png"))
    code, out, err = cli("activation", *shlex.split(words))
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert sentence in err
    assert err.count("\n") == 1


# The command.


def test_the_command_shows_and_draws_a_card(cli: Cli, tmp_path: Path):
    matplotlib.image.imsave(tmp_path / "p.png", np.random.default_rng(0).random((20, 20)))
    path = tmp_path / "card.html"
    code, out, err = cli("activation", "expr:x*tanh(x)", "--out", path, "--image", tmp_path / "p.png")
    assert (code, err) == (0, "")
    assert out.endswith(f"drawn: {path}\n")
    for line in (line for found in card("expr:x*tanh(x)").lines for line in found.code):
        assert line in out.splitlines()
    code, out, _ = cli("activation", "elu:0.5", "--json")
    assert code == 0
    assert strict_json(out)["parameters"] == {"alpha": 0.5}


@pytest.mark.parametrize("name", ["expr:exp(x*x)", "expr:log(x)", "expr:exp(exp(x))"])
def test_what_has_no_theory_says_so(cli: Cli, name: str):
    code, out, err = cli("activation", name)
    assert (code, err) == (0, "")
    assert "note: " in out
    assert "gain" not in out


def test_a_softmaxs_width_is_said(cli: Cli):
    code, out, _ = cli("activation", "softmax", "--width", "10")
    assert code == 0
    assert "in a layer of 10 units" in out
    assert f"gain {theory.gain('softmax', width=10):.6g}" in out
    code, out, err = cli("activation", "gelu", "--width", "10")
    assert (code, out) == (2, "")
    assert "'gelu' answers alike in layers of any width" in err
    code, _, err = cli("activation", "--list", "--width", "10")
    assert code == 2
    assert "leave out the name, --image and --width" in err


@pytest.mark.parametrize("ending", ["png", "svg", "html"])
def test_all_are_shown_on_one_sheet(cli: Cli, tmp_path: Path, ending: str):
    path = tmp_path / f"sheet.{ending}"
    code, out, err = cli("activation", "--list", "--out", path)
    assert (code, err) == (0, "")
    assert {line.split()[0] for line in out.splitlines() if line} >= set(NAMES)
    if ending == "png":
        assert _ink(path) > 0.02
    else:
        for svg in svgs(path.read_text("utf-8")):
            ElementTree.fromstring(svg)


def test_the_sheet_is_json_too(cli: Cli):
    code, out, _ = cli("activation", "--list", "--json")
    assert code == 0
    assert [made["name"] for made in strict_json(out)["activations"]] == [c.name for c in sheet().cards]


def test_a_card_does_not_say_that_a_bounded_variance_grows():
    """x1/(|x1| + |x2|) has no finite E[φ′²], and a variance below 1."""
    made = card("expr:x1/(abs(x1) + abs(x2))")
    assert made.defaults
    assert not any(default.grows for default in made.defaults)
    assert all("not known" in words for label, words in gain_rows(made) if label.endswith("default"))
