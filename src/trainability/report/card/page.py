"""A card as an HTML page, a PNG or an SVG."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path

from trainability.report.card.card import Card
from trainability.report.card.figure import gain_rows, pictures
from trainability.report.document import document, figure_section, write_whole
from trainability.report.images import check_ending, image
from trainability.report.words import number, value


def write(card: Card, path: str | os.PathLike[str]) -> Path:
    """Write the card as its ending says."""
    ending = check_ending(path)
    return write_whole(render(card) if ending == ".html" else image(card.figure(), ending), path, "card")


def render(card: Card) -> str:
    """The card as one HTML file that fetches nothing."""
    sections = [figure_section(heading, made, name) for name, (heading, made) in pictures(card).items()]
    sections += [_gains(card), _values(card), _lines(card), _about(card)]
    entry = card.choice.entry
    return document(f"Activation: {card.name}", entry.summary, card.conclusion, [part for part in sections if part])


def _gains(card: Card) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in gain_rows(card))
    notes = "".join(f"<p class=note>{escape(note)}</p>" for note in card.notes)
    return f"<section><h2>Gains</h2>\n<dl>{rows}</dl>{notes}</section>" if rows or notes else ""


def _values(card: Card) -> str:
    rows = "".join(
        f"<tr><td>{number(x)}</td><td>{number(f, 6)}</td><td>{number(slope, 6)}</td></tr>"
        for x, f, slope in card.values()
    )
    head = '<thead><tr><th scope="col">x</th><th scope="col">φ(x)</th><th scope="col">φ′(x)</th></tr></thead>'
    if not rows:
        return ""
    return f'<section><h2>Values</h2>\n<div class="scroll"><table>{head}\n<tbody>{rows}</tbody></table></div></section>'


def _lines(card: Card) -> str:
    blocks = "".join(
        f"<h3>{made.library}</h3>\n<pre><code>{escape(chr(10).join(made.code))}</code></pre>\n" for made in card.lines
    )
    return f"<section><h2>Lines to copy</h2>\n{blocks}</section>" if blocks else ""


def _about(card: Card) -> str:
    entry = card.choice.entry
    facts = {
        "formula": card.formula,
        "parameters": ", ".join(f"{k} = {value(v)}" for k, v in card.choice.named.items()),
    }
    facts |= {"also named": ", ".join(entry.aliases), "source": entry.reference}
    peers = [peer.path for peer in (entry.torch, entry.keras, entry.jax) if peer]
    facts["the same in"] = ", ".join(peers)
    rows = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in facts.items() if text)
    return f"<section><h2>About it</h2>\n<dl>{rows}</dl></section>" if rows else ""
