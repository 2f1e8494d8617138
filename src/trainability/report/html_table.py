"""The table of the cells as HTML, best first."""

from __future__ import annotations

from html import escape
from typing import Any, Final

from trainability.report.inputs import HELD_OUT, RunRecord, has_held_out
from trainability.report.words import axis_label, interval, missing, number, percent, ranked, value

_TALL: Final = 30


def table_html(record: RunRecord) -> str:
    """One row per cell; each figure carries its plain value for sorting."""
    score = "R²" if record.dataset.task == "regression" else "accuracy"
    held_out = has_held_out(record.cells)
    heads = [(axis_label(axis), True) for axis in record.axes]
    heads += [
        ("solved", False),
        ("0 to 100 %", False),
        ("95 % interval", False),
        ("median steps", False),
        ("loss", False),
        (score, False),
        *([("held out", False)] if held_out else []),
        ("gradient ratio", False),
        ("dead", False),
        ("NaN", False),
    ]
    head = "".join(f'<th scope="col"{" class=name" if name else ""}>{escape(text)}</th>' for text, name in heads)
    rows = "\n".join(_row(cell, record.axes, held_out) for cell in ranked(record.cells).iter_rows(named=True))
    tall = " tall" if record.cells.height > _TALL else ""
    return (
        f'<div class="scroll{tall}"><table class="sortable"><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n'
        "</tbody></table></div>"
    )


def _row(cell: dict[str, Any], axes: tuple[str, ...], held_out: bool) -> str:
    parts = [_data(cell[axis], escape(value(cell[axis])), "name") for axis in axes]
    unit = "" if missing(cell["solved"]) else " %"
    low, high = cell["solved_low"], cell["solved_high"]
    parts += [
        _data(cell["solved"], percent(cell["solved"]) + unit),
        _data(cell["solved"], _bar(cell["solved"], low, high), "bar"),
        _data(low, "–" if missing(low) else interval(low, high)),
        _data(cell["median_steps"], _steps(cell)),
        _data(cell["final_loss"], number(cell["final_loss"])),
        _data(cell["accuracy"], number(cell["accuracy"])),
        *([_data(cell[HELD_OUT], number(cell[HELD_OUT]))] if held_out else []),
        _data(cell["gradient_ratio"], number(cell["gradient_ratio"], 2)),
        _data(cell["dead"], percent(cell["dead"]) + ("" if missing(cell["dead"]) else " %")),
        _data(cell["nan"], percent(cell["nan"]) + ("" if missing(cell["nan"]) else " %")),
    ]
    return f"<tr>{''.join(parts)}</tr>"


def _data(key: object, text: str, kind: str = "") -> str:
    plain = "" if missing(key) else escape(f"{key:.6g}" if isinstance(key, float) else str(key))
    return f'<td{f" class={kind}" if kind else ""} data-value="{plain}">{text}</td>'


def _bar(share: float | None, low: float | None, high: float | None) -> str:
    if missing(share) or share is None or low is None or high is None:
        return ""
    label = f"{percent(share)} % solved, 95 % interval {interval(low, high)}"
    return (
        f'<span class="track" role="img" aria-label="{label}"><i style="width:{100 * share:.1f}%"></i>'
        f'<b style="left:{100 * low:.1f}%;width:{max(100 * (high - low), 0.5):.1f}%"></b></span>'
    )


def _steps(cell: dict[str, Any]) -> str:
    if missing(cell["median_steps"]):
        return "–"
    quartiles = (
        ""
        if missing(cell["steps_q1"])
        else (f" <small>({number(cell['steps_q1'])}–{number(cell['steps_q3'])})</small>")
    )
    return number(cell["median_steps"]) + quartiles
