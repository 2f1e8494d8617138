"""Small files of a user's own data, for tests."""

from __future__ import annotations

from pathlib import Path

FLOWERS = "length,width,species\n" + "".join(
    f"{i % 7 + 0.5},{i % 5 + 0.25},{('rose', 'tulip', 'lily')[i % 3]}\n" for i in range(30)
)


def write(folder: Path, text: str | bytes, name: str = "table.csv") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return f"file:{path}"


def said(data, words: str) -> bool:
    return any(words in note for note in data.notes)
