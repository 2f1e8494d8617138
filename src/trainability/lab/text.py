"""Words in English and Korean, kept side by side so that neither can be forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from trainability.core.errors import UnknownName

Lang: TypeAlias = Literal["en", "ko"]
LANGUAGES: tuple[str, ...] = get_args(Lang)


@dataclass(frozen=True)
class Text:
    """The same words in each language."""

    en: str
    ko: str

    def to(self, lang: str) -> str:
        """The words in that language, ``en`` or ``ko``."""
        return self.ko if lang == "ko" else self.en

    def filled(self, **values: Any) -> Text:
        """The words with ``{name}`` filled in; a value that is a `Text` goes into each language in its own."""
        return Text(*(
            text.format(**{k: v.to(lang) if isinstance(v, Text) else v for k, v in values.items()})
            for lang, text in (("en", self.en), ("ko", self.ko))
        ))  # fmt: skip


def prose(en: str, ko: str) -> Text:
    """Paragraphs as they stand in a file: an empty line parts them, other line breaks are spaces."""
    return Text(*("\n\n".join(" ".join(part.split()) for part in text.split("\n\n")).strip() for text in (en, ko)))


def same(text: str) -> Text:
    """Words that both languages write alike: names, formulas, numbers."""
    return Text(text, text)


def check_language(lang: str) -> Lang:
    """`lang` if it is one; UnknownName otherwise."""
    if lang not in LANGUAGES:
        raise UnknownName("language", lang, LANGUAGES)
    return "ko" if lang == "ko" else "en"
