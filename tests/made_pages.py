"""The rendered reports of the made runs, each drawn once, and the parts of their HTML."""

from __future__ import annotations

import functools
import re
from html.parser import HTMLParser

from tests.made_runs import run
from trainability.report import render


@functools.cache
def page(name: str) -> str:
    return render(run(name))


class Elements(HTMLParser):
    """Every start tag with its attributes, and the rows of text of each table; `rows` are the first table's."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.tables: list[list[list[str]]] = []
        self.inside = False
        self.feed(text)
        self.rows = self.tables[0]

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, {k: v or "" for k, v in attrs}))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.tables[-1][-1][-1] += data


def svgs(text: str) -> list[str]:
    return re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)
