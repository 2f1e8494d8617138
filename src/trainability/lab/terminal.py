"""The gallery on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trainability.lab.exhibit import Exhibit
from trainability.lab.phenomenon import in_order
from trainability.lab.text import Text
from trainability.lab.words import evidence, kind_words

if TYPE_CHECKING:
    from rich.console import RenderableType

_HEAD: Final = (
    Text("name", "이름"),
    Text("title and question", "제목과 질문"),
    Text("quick, full", "빠른 실행, 전체 실행"),
)
_NOTES: Final = Text("in the notes {notes}, here {ours}", "노트 {notes}, 측정 {ours}")
_STYLES: Final = {"holds": "green", "fails": "red", "depends": "yellow", "open": "bright_black"}


def duration(seconds: float) -> str:
    """``8 s``, ``3 min``; nothing is said to take less than a second."""
    seconds = max(1.0, seconds)
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def listing(lang: str) -> RenderableType:
    """All phenomena with title, question and the time that they need."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=True)
    for i, head in enumerate(_HEAD):
        table.add_column(head.to(lang), no_wrap=i != 1)
    for phenomenon in in_order():
        quick, full = phenomenon.seconds
        title, question = phenomenon.title.to(lang), phenomenon.question.to(lang)
        table.add_row(
            f"P{phenomenon.number} {phenomenon.name}",
            f"[bold]{title}[/]: {question}",
            f"{duration(quick)}, {duration(full)}",
        )
    return table


def text(exhibit: Exhibit) -> RenderableType:
    """What came out of one."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text as Line

    to, phenomenon = exhibit.lang, exhibit.phenomenon
    lines: list[RenderableType] = [
        Line(f"P{phenomenon.number} {phenomenon.title.to(to)}", style="bold"),
        Line(phenomenon.question.to(to)),
    ]
    for row in exhibit.reported:
        said = _NOTES.to(to).format(notes=row.notes, ours=row.ours)
        lines.append(Padding(Line(f"{row.what.to(to)}: {said}"), (0, 0, 0, 2)))
    for claim, verdict in exhibit.claims:
        line = Line(kind_words(verdict, to), style=f"bold {_STYLES[verdict.kind]}")
        lines.append(Line.assemble("• ", line, f"  {claim.text.to(to)}"))
        lines.append(Padding(Line(evidence(verdict, to)), (0, 0, 0, 2)))
        for name, part in verdict.parts.items():
            lines.append(
                Padding(Line(f"{verdict.label(name, to)}: {kind_words(part, to)}; {evidence(part, to)}"), (0, 0, 0, 4))
            )
    return Group(*lines)
