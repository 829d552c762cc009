"""One settings class. Every value can be set as an environment variable `GRIDWARD_<NAME>`."""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[1]


class MissingKeys(Exception):
    """A key that nothing may be served without is not set; the text is its name."""


class Settings(BaseSettings):
    """What a deployment may set; the defaults suit one machine on loopback."""

    model_config = SettingsConfigDict(env_prefix="GRIDWARD_", extra="ignore")

    database_url: SecretStr = Field(
        default=SecretStr("postgresql://localhost/gridward"),
        validation_alias=AliasChoices("DATABASE_URL", "GRIDWARD_DATABASE_URL"),
    )
    read_connections: int = Field(default=8, ge=1, le=200)
    write_connections: int = Field(default=4, ge=2, le=100)
    session_connections: int = Field(default=4, ge=1, le=100)
    statement_timeout_ms: int = Field(default=15_000, ge=100)
    lock_timeout_ms: int = Field(default=2_000, ge=50)

    # County (6 digits) that this deployment serves, and its code scheme (see geo.codes).
    county: str = Field(default="511723", pattern=r"^\d{6}$")
    code_scheme: str = Field(default="cn15", pattern=r"^(cn15|db11)$")

    # Signs access tokens and cursors; a new one ends all sessions.
    signing_key: SecretStr | None = None
    # Field encryption keys, newest first: "id:base64url(32 bytes),…". What a lost key encrypted
    # is lost, so nothing serves without them: `gridward keys generate` prints new ones.
    field_keys: SecretStr | None = None
    access_token_seconds: int = Field(default=600, ge=30, le=3600)
    refresh_token_days: int = Field(default=30, ge=1, le=365)
    lockout_failures: int = Field(default=5, ge=2)
    lockout_seconds: int = Field(default=300, ge=1)
    subject_cache_seconds: float = Field(default=5.0, ge=0, le=60)

    # OIDC as the alternative issuer; off while `oidc_issuer` is empty.
    oidc_issuer: str = ""
    oidc_audience: str = "gridward"
    oidc_jwks_url: str = ""

    # Object storage: a folder, or an URL that obstore understands (s3://bucket/prefix).
    storage_url: str = ""
    attachment_max_bytes: int = Field(default=20_000_000, ge=1_000)
    json_max_bytes: int = Field(default=1_048_576, ge=1_024)
    upload_max_bytes: int = Field(default=50_000_000, ge=1_000)

    gather_queue: int = Field(default=2_000, ge=1)
    gather_batch: int = Field(default=64, ge=1, le=500)
    duplicate_radius_m: float = Field(default=100, gt=0, le=1_000)
    duplicate_days: int = Field(default=30, ge=1, le=365)
    # An out-of-list dispatch is decided within so many days, and used within as many after that.
    dispatch_approval_days: int = Field(default=15, ge=1, le=365)
    reveal_per_hour: int = Field(default=30, ge=1)
    occurred_max_age_days: int = Field(default=365, ge=1)
    clock_skew_seconds: int = Field(default=300, ge=0)
    checkpoint_minutes: int = Field(default=5, ge=1)
    idempotency_days: int = Field(default=90, ge=1)

    # Consoles that follow events (see service.dispatch.stream): how many a process takes, and how
    # many of the last events it can give again to one that comes back.
    stream_consoles: int = Field(default=2_000, ge=1)
    stream_replay: int = Field(default=10_000, ge=10, le=200_000)

    log_level: str = "INFO"
    log_json: bool = True
    access_log: bool = False

    @field_validator("storage_url")
    @classmethod
    def _default_storage(cls, value: str) -> str:
        return value or str(ROOT / ".local" / "attachments")

    @cached_property
    def dsn(self) -> str:
        """The database URL as libpq and asyncpg read it."""
        scheme, _, rest = self.database_url.get_secret_value().partition("://")
        driverless = scheme.split("+")[0]
        return f"{'postgresql' if driverless == 'postgres' else driverless}://{rest}"

    @property
    def signing_secret(self) -> bytes:
        """The key of tokens and cursors. Raises MissingKeys."""
        if self.signing_key is None:
            raise MissingKeys("GRIDWARD_SIGNING_KEY")
        return self.signing_key.get_secret_value().encode()

    @property
    def field_key_text(self) -> str:
        """The field encryption keys as set. Raises MissingKeys."""
        if self.field_keys is None:
            raise MissingKeys("GRIDWARD_FIELD_KEYS")
        return self.field_keys.get_secret_value()


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The process's settings, read once."""
    return Settings()
