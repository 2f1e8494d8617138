"""Applying a unified diff, and running what comes out."""

from __future__ import annotations

import re
from typing import Any

HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def applied(diff: str, text: str) -> str:
    """The text with a unified diff applied, every line of which has to fit to the byte."""
    if not diff:
        return text
    lines = [part for part in re.split(r"(?<=\n)", text) if part]
    said = re.split(r"(?<=\n)", diff)[:-1]
    assert said[0].startswith("--- a/")
    assert said[1].startswith("+++ b/")
    out: list[str] = []
    at = 0
    for i, line in enumerate(said[2:], 2):
        last = said[i + 1].startswith("\\ No newline") if i + 1 < len(said) else False
        content = line[1:-1] if last else line[1:]
        head = HUNK.match(line)
        if head:
            start = int(head[1]) - (head[2] != "0")
            assert start >= at
            out += lines[at:start]
            at = start
        elif line[0] in " -":
            assert lines[at] == content, (lines[at], content)
            out += [content] if line[0] == " " else []
            at += 1
        elif line[0] == "+":
            out.append(content)
        else:
            assert line.startswith("\\ No newline")
    return "".join(out + lines[at:])


def ran(source: str, **names: Any) -> dict[str, Any]:
    """The names that a source leaves."""
    space: dict[str, Any] = {"__name__": "patched", **names}
    exec(compile(source, "patched.py", "exec"), space)
    return space
