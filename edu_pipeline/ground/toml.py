"""Keys and texts as TOML has them, ready to paste."""

import json


def toml_text(text: str) -> str:
    """A text as a TOML string, ready to paste."""
    return json.dumps(text, ensure_ascii=False)


def toml_key(code: str) -> str:
    """A text as a key of a TOML table, quoted where it must be."""
    bare = code.isascii() and code.replace("-", "").replace("_", "").isalnum()
    return code if bare else toml_text(code)
