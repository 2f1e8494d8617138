"""Lists in a line of text."""

from __future__ import annotations


def split_list(text: str) -> list[str]:
    """The parts of a comma list; commas inside parentheses belong to a formula."""
    parts, level, start = [], 0, 0
    for place, sign in enumerate(text):
        level = max(0, level + (sign == "(") - (sign == ")"))
        if sign == "," and not level:
            parts.append(text[start:place])
            start = place + 1
    parts.append(text[start:])
    return [part.strip() for part in parts]
