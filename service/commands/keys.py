"""`gridward keys`: new secrets for a deployment."""

from __future__ import annotations

import base64
import secrets

import typer

from service.commands.speech import out, warn
from service.kit import clock
from service.kit.crypto import KEY_BYTES, FieldCipher

SIGNING_BYTES = 48

keys = typer.Typer(no_args_is_help=True, help="Make secrets for a deployment.")


@keys.callback()
def group() -> None:
    """Make secrets for a deployment."""


@keys.command("generate")
def generate() -> None:
    """Print a new signing key and a new field key, as lines for the environment."""
    key_id = f"k{clock.now():%Y%m%d%H%M%S}"
    field_key = f"{key_id}:{base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"
    FieldCipher.from_setting(field_key)
    out.print(f"GRIDWARD_SIGNING_KEY={secrets.token_urlsafe(SIGNING_BYTES)}", markup=False)
    out.print(f"GRIDWARD_FIELD_KEYS={field_key}", markup=False)
    warn(
        "更换字段密钥时，新密钥写在旧密钥之前，以逗号分隔；旧密钥须保留，否则旧数据无法解密",
        "to change field keys put the new one before the old ones, separated by commas, and keep "
        "those: what they encrypted cannot be read without them",
    )
