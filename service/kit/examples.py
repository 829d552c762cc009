"""How examples of request bodies are written down: by name, with a title in both languages."""

from __future__ import annotations

from typing import Any

Examples = dict[str, tuple[str, Any]]


def one(zh: str, en: str, body: Any) -> Examples:
    """A single example, named after its English title."""
    return {en.replace(" ", "_").replace(",", ""): (f"{zh} {en}", body)}
