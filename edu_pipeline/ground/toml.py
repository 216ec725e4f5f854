"""Keys and texts as TOML has them, ready to paste."""

import json
from collections.abc import Iterable


def toml_text(text: str) -> str:
    """A text as a TOML string, ready to paste."""
    return json.dumps(text, ensure_ascii=False)


def toml_list(texts: Iterable[str]) -> str:
    """Texts as a TOML array."""
    return f"[{', '.join(map(toml_text, texts))}]"


def toml_key(code: str) -> str:
    """A text as a key of a TOML table, quoted where it must be."""
    bare = code.isascii() and code.replace("-", "").replace("_", "").isalnum()
    return code if bare else toml_text(code)
