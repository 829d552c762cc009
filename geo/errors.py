"""The common base of everything that can go wrong in ``geo``."""

from __future__ import annotations

from typing import ClassVar


class GeoError(ValueError):
    """A failure of the pure library, with a stable machine-readable ``code``.

    ``str(error)`` and ``message`` are English; ``message_zh`` is the same sentence in Chinese
    (empty when a subclass gives none). Subclasses set ``code`` and add structured attributes.
    """

    code: ClassVar[str] = "geo_error"

    def __init__(self, message: str = "", *, zh: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.message_zh = zh
