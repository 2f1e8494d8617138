"""The gallery as HTML: a page for each phenomenon, and an index with a card for each."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from trainability.lab.exhibit import Exhibit
from trainability.lab.text import Text, check_language
from trainability.lab.words import KINDS, evidence, kind_words
from trainability.report.document import document, figure_section, together, write_whole

_CLAIMS: Final = Text("What is claimed, and what came out", "주장과 결과")
_NOTES: Final = Text("The study notes' own configuration, one seed", "학습 노트의 설정 그대로, 시드 하나")
_COLUMNS: Final = (Text("what", "항목"), Text("in the notes", "노트의 값"), Text("here", "측정값"))
_EXPLAINED: Final = Text("What happens here", "해설")
_REPEAT: Final = Text("How to repeat this", "재현 방법")
_BACK: Final = Text("← all phenomena", "← 모든 현상")
_TITLE: Final = Text("Why networks learn, and why not", "신경망은 왜 학습에 성공하고, 왜 실패하는가")
_LEAD: Final = Text(
    "Twenty phenomena of study notes on activation functions. Each is run as the notes did, on one seed, and then with "
    "many seeds, changing one thing at a time. Nobody's verdict is taken over: it is measured.",
    "활성화 함수 학습 노트에서 나온 현상 스무 가지. 먼저 노트대로 시드 하나로 돌려 보고, "
    "다음에는 여러 시드로 한 번에 한 가지씩 바꾸어 본다. "
    "누구의 결론도 그대로 받아들이지 않고 직접 측정한다.",
)
_RUN: Final = Text(
    "{seeds:,} seeds a cell or a multiple of that, {form}; about {seconds:.0f} s on two cores, "
    "less where results are kept.",
    "조건마다 시드 {seeds:,}개 또는 그 배수, {form}; 코어 두 개로 약 {seconds:.0f}초, 저장된 결과가 있으면 더 짧다.",
)
_FORMS: Final = {True: Text("the quick form", "빠른 실행"), False: Text("the full form", "전체 실행")}


def render(exhibit: Exhibit, index: str | None = None) -> str:
    """The page of one phenomenon; `index` is the address of the page that lists all."""
    to = check_language(exhibit.lang)
    phenomenon = exhibit.phenomenon
    back = f'<nav><a href="{escape(index)}">{_BACK.to(to)}</a></nav>' if index else ""
    sections = [back, _claims(exhibit), _reported(exhibit)]
    for drawing in phenomenon.drawings:
        picture = drawing.draw(exhibit.records, to)
        # A figure's Korean letters are outlines: its layout was made with this font, not with the reader's.
        picture = dataclasses.replace(picture, outlines=picture.outlines or to == "ko")
        sections.append(figure_section(drawing.heading.to(to), picture, drawing.key))
    paragraphs = phenomenon.explanation.to(to).split("\n\n")
    sections.append(_section(_EXPLAINED.to(to), "".join(f"<p>{escape(part)}</p>\n" for part in paragraphs)))
    sections.append(_repeat(exhibit))
    title = f"P{phenomenon.number} {phenomenon.title.to(to)}"
    return document(title, phenomenon.question.to(to), "", [part for part in sections if part], lang=to)


def write_site(exhibits: Sequence[Exhibit], directory: str | os.PathLike[str]) -> Path:
    """Write a page for each and ``index.html``, ready for a web server; return the index's path."""
    folder = Path(directory)
    for exhibit in exhibits:
        write_whole(render(exhibit, "index.html"), folder / f"{exhibit.phenomenon.name}.html")
    return write_whole(index(exhibits), folder / "index.html")


def index(exhibits: Sequence[Exhibit]) -> str:
    """The page that lists phenomena with their verdicts."""
    to = check_language(exhibits[0].lang)
    cards = "".join(_card(exhibit) for exhibit in exhibits)
    return document(_TITLE.to(to), _LEAD.to(to), "", [f'<div class="cards">{cards}</div>'], lang=to)


def _card(exhibit: Exhibit) -> str:
    phenomenon, to = exhibit.phenomenon, exhibit.lang
    claims = "".join(
        f"<li>{_badge(verdict.kind, to)} {escape(claim.text.to(to))}</li>" for claim, verdict in exhibit.claims
    )
    return (
        f'<article class="card"><h2><a href="{phenomenon.name}.html">P{phenomenon.number} '
        f"{escape(phenomenon.title.to(to))}</a></h2><p>{escape(phenomenon.question.to(to))}</p><ul>{claims}</ul></article>\n"
    )


def _badge(kind: str, lang: str) -> str:
    return f'<span class="badge {kind}">{escape(KINDS[kind].to(lang))}</span>'


def _section(heading: str, body: str) -> str:
    return f"<section><h2>{escape(heading)}</h2>\n{body}</section>"


def _whole(line: str) -> str:
    """Evidence that is not broken inside ``n = 256``."""
    return together(line).replace(" = ", "\u00a0=\u00a0")


def _claims(exhibit: Exhibit) -> str:
    to, parts = exhibit.lang, []
    for claim, verdict in exhibit.claims:
        on = f" <small>({escape(kind_words(verdict, to))})</small>" if verdict.on is not None else ""
        lines = [evidence(verdict, to), claim.rule.to(to)]
        details = "".join(f"<p class=note>{escape(_whole(line))}</p>" for line in lines)
        rows = "".join(
            f"<li>{_badge(part.kind, to)} {escape(verdict.label(name, to))}: {escape(_whole(evidence(part, to)))}</li>"
            for name, part in verdict.parts.items()
        )
        listed = f"<ul class=note>{rows}</ul>" if rows else ""
        parts.append(f"<h3>{_badge(verdict.kind, to)} {escape(claim.text.to(to))}{on}</h3>\n{details}{listed}\n")
    return _section(_CLAIMS.to(to), "".join(parts))


def _reported(exhibit: Exhibit) -> str:
    if not exhibit.reported:
        return ""
    to = exhibit.lang
    head = "".join(f'<th scope="col" class="name">{escape(column.to(to))}</th>' for column in _COLUMNS)
    rows = "".join(
        f'<tr><td class="words name">{escape(row.what.to(to))}</td><td class="name">{escape(row.notes)}</td>'
        f'<td class="name">{escape(row.ours)}</td></tr>'
        for row in exhibit.reported
    )
    table = f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div>'
    return _section(_NOTES.to(to), table)


def _repeat(exhibit: Exhibit) -> str:
    to, setting = exhibit.lang, exhibit.setting
    words = [f"trainability lab {exhibit.phenomenon.name}", f"--seeds {setting.seeds}"]
    words += ["--quick"] if setting.quick else []
    words += [f"--data {setting.data}"] if setting.data else []
    words += [f"--expression {shlex.quote(setting.expression)}"] if setting.expression else []
    needed = exhibit.phenomenon.seconds[0 if setting.quick else 1]
    said = _RUN.to(to).format(seeds=setting.seeds, form=_FORMS[setting.quick].to(to), seconds=needed)
    body = f"<p class=note>{escape(said)}</p><pre><code>{escape(' '.join(words))}</code></pre>"
    return _section(_REPEAT.to(to), body)
