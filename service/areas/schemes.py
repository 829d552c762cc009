"""The code scheme that a deployment chose: the setting's short name to the scheme itself."""

from __future__ import annotations

from geo.codes import SCHEME_15, SCHEME_DB11, CodeScheme

SCHEMES_BY_SETTING: dict[str, CodeScheme] = {"cn15": SCHEME_15, "db11": SCHEME_DB11}


def scheme_of(setting: str) -> CodeScheme:
    """The scheme that `Settings.code_scheme` names. Raises KeyError for an unknown name."""
    return SCHEMES_BY_SETTING[setting]
