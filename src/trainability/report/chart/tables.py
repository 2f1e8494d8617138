"""The tables of the chart's page: signs of the whole run, and what was seen of data, loss and wiring."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from trainability.core.chart import Chart, LossFacts, Pairing, TensorFacts
from trainability.diagnosis.run_signs import RUN_SIGNS, run_signs_of
from trainability.report.words import number

MOST: Final = 12
"""Names or labels that a cell lists."""
FIRST: Final = ("loss_at_start", "loss_at_end", "divergence", "oscillation", "plateau", "plateau_start")
"""The order of a run's signs; others follow."""


def whole_run(chart: Chart, when: str = "") -> str:
    """Each sign of the whole run with its usual range and its source."""
    values = run_signs_of(chart)
    order = sorted(values, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))
    rows = []
    for sign in (RUN_SIGNS[name] for name in order):
        value = values[sign.name]
        outside = " class=outside" if sign.fits(value) is False else ""
        shown = number(value) if math.isnan(value) or sign.unit == "share" else f"{number(value)} {_unit(sign.unit)}"
        words = f"{escape(sign.healthy)} <small>({escape(sign.reference)})</small>"
        rows.append(
            f"<tr><td class=name>{escape(sign.name.replace('_', ' '))}</td><td{outside}>{escape(shown)}</td>"
            f"<td class=words>{escape(sign.summary)}</td><td class=words>{words}</td></tr>"
        )
    heads = {"sign": " class=name", "value": "", "what it is": " class=name", "in a run that learns": " class=name"}
    head = "".join(f'<th scope="col"{name}>{text}</th>' for text, name in heads.items())
    return _section(f"The whole run{when}", f"<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(rows) + "</tbody>")


def _unit(unit: str) -> str:
    return "×" if unit == "times" else ""


def facts(chart: Chart, when: str = "") -> str:
    """What was seen of inputs, targets, loss, optimiser and parameters."""
    rows = "\n".join(
        f"<tr><td class=name>{escape(name)}</td><td class=words>{escape(words)}</td></tr>"
        for name, words in (*_data(chart), *_wiring(chart))
        if words
    )
    return _section(f"Data and wiring{when}", f"<tbody>\n{rows}</tbody>") if rows else ""


def _section(heading: str, table: str) -> str:
    return f"<section><h2>{escape(heading)}</h2>\n<div class=scroll><table>{table}</table></div></section>"


def _data(chart: Chart) -> Iterable[tuple[str, str]]:
    loss, seen = chart.loss, chart.validation
    yield "inputs", _numbers(chart.inputs)
    yield "targets", _numbers(loss.target if loss else None)
    yield "answers", _numbers(loss.output if loss else None)
    yield "labels", _labels(loss.counts if loss else {})
    yield "share of each label that is answered right", _shares(loss.right if loss else {})
    yield "held-out inputs", _numbers(seen.inputs if seen else None)
    yield "held-out targets", _numbers(seen.target if seen else None)
    yield "held-out labels", _labels(seen.counts if seen else {})
    yield "do inputs tell of targets", _pairing(chart.pairing)


def _numbers(seen: TensorFacts | None) -> str:
    if seen is None:
        return ""
    parts = [
        f"{_shape(seen.shape)}, from {number(seen.low)} to {number(seen.high)}, mean {number(seen.mean)}, deviation "
        f"{number(seen.std)}"
    ]
    shares = {"constant": seen.constant, "copies of another": seen.duplicate}
    parts += [f"{100 * share:.0f} % of features {what}" for what, share in shares.items() if share > 0]
    parts += [f"{100 * seen.bad:.2g} % NaN or infinite"] if seen.bad > 0 else []
    return "; ".join(parts)


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "one number"


def _labels(counts: Mapping[int, int]) -> str:
    total = sum(counts.values())
    return _shares({label: count / total for label, count in counts.items()}) if total else ""


def _shares(shares: Mapping[int, float]) -> str:
    parts = [f"{label}: {100 * share:.0f} %" for label, share in sorted(shares.items())]
    return _few(parts)


def _few(parts: list[str]) -> str:
    more = f", and {len(parts) - MOST} more" if len(parts) > MOST else ""
    return ", ".join(parts[:MOST]) + more


def _pairing(seen: Pairing | None) -> str:
    if seen is None or math.isnan(seen.p):
        return ""
    found = f"likeness {number(seen.likeness)}, p {number(seen.p)} over {seen.rows:,} samples"
    simple = f"; a simple method takes {100 * seen.attainable:.0f} % of the loss away"
    return found if math.isnan(seen.attainable) else found + simple


def _wiring(chart: Chart) -> Iterable[tuple[str, str]]:
    yield "loss", _loss(chart.loss)
    if chart.optimizer is not None:
        first, last = chart.optimizer.first, chart.optimizer.last
        changed = [f"{name} {number(value)}" + _became(value, last.get(name)) for name, value in first.items()]
        yield "optimiser", f"{chart.optimizer.name}: {', '.join(changed)}"
        foreign = chart.optimizer.foreign
        yield "parameters of others in the optimiser", str(foreign) if foreign else ""
    parameters = chart.parameters
    if parameters:
        yield "parameters", f"{sum(one.size for one in parameters):,} numbers in {len(parameters)} arrays"
    yield "not held by the optimiser", _few([one.name for one in parameters if one.wanted and not one.held])
    yield "frozen", _few([one.name for one in parameters if not one.wanted])
    yield "not used by the forward pass", _few([one.name for one in parameters if not one.used])
    yield "no gradient comes to", _few(list(chart.cut))
    yield "gradients before a backward pass", "old ones are still there" if chart.accumulated else ""
    yield "in evaluation mode while training", _few(list(chart.evaluating))
    yield "batch normalisation of one sample", _few(list(chart.normalized_one))
    yield "dropout", number(chart.dropout) if chart.dropout else ""


def _loss(loss: LossFacts | None) -> str:
    if loss is None:
        return ""
    shapes = f"answers {_shape(loss.output_shape)}" + (f", targets {_shape(loss.target_shape)}" if loss.target else "")
    parts = [f"{loss.name}, reduced by {loss.reduction}", shapes]
    parts += ["stretched against each other"] if loss.broadcast else []
    parts += [f"answers come out of {loss.last}"] if loss.last else []
    parts += [] if loss.decreasing else ["its sign is turned"]
    parts += [] if math.isnan(loss.constant) else [f"the best constant answer's is {number(loss.constant)}"]
    return "; ".join(parts)


def _became(first: float, last: float | None) -> str:
    return "" if last is None or last == first else f" → {number(last)}"
