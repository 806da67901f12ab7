"""The deployment's settings, read once at start from the environment and from the command line.

Every key is a field below; the environment spells it THREE_CLASSROOMS_<FIELD> (DATABASE_URL and REDIS_URL also without
the prefix, as hosting platforms set them). A key nobody knows is refused, because a typing mistake must not be silence.
"""

import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "THREE_CLASSROOMS_"
FLEET_KEY_LENGTH = 32

Locale = Literal["zh-CN", "en"]


class ConfigurationError(Exception):
    """The settings cannot be used; the text says which key and why. Remedy: correct that key and start again."""


class Configuration(BaseSettings):
    """What an operator may decide about one deployment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, populate_by_name=True)

    data_folder: Path = Path(".data/deployment")
    """Holds the SQLite database, journals, recordings and the demonstration's passwords."""
    database_url: str | None = Field(
        default=None, validation_alias=AliasChoices("database_url", f"{PREFIX}DATABASE_URL", "DATABASE_URL")
    )
    """SQLAlchemy address; SQLite in the data folder when not given."""
    redis_url: str | None = Field(
        default=None, validation_alias=AliasChoices("redis_url", f"{PREFIX}REDIS_URL", "REDIS_URL")
    )
    """Redis for the bus and the jobs of a deployment of several processes; in-process when not given."""
    fleet_key: SecretStr | None = None
    """Secret that all processes of a deployment with Redis share: they sign with it what they tell each other."""
    fleet_key_file: Path | None = None
    """File that holds the fleet's key, instead of the key itself."""
    relay_id: str = Field(default_factory=lambda: f"{socket.gethostname()}"[:64], pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    """Name of the relay that `three-classrooms relay` runs; two must not share one."""
    relay_drain_minutes: float = Field(default=60, ge=0, le=24 * 60)
    """How long a relay that is asked to stop waits for its lessons to end before it lets others take them over."""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    """TCP port of HTTP; 0 takes a free one."""
    public_url: str | None = None
    """Address people type, if it is not http://host:port (behind a proxy); its origin is accepted as our own."""
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses whose X-Forwarded-For and X-Forwarded-Proto are believed; comma-separated in the environment."""
    udp_port: int = Field(default=40000, ge=0, le=65535)
    """The relay's one UDP port; 0 takes a free one."""
    announced_addresses: Annotated[tuple[str, ...], NoDecode] = ()
    """IP addresses offered to clients for media; those of this machine when empty; comma-separated."""
    turn_urls: Annotated[tuple[str, ...], NoDecode] = ()
    """The deployment's TURN server for schools that let only port 443 through, such as
    turns:turn.example.cn:443?transport=tcp; comma-separated, the best first."""
    turn_secret: SecretStr | None = Field(default=None, min_length=16, max_length=200)
    """Shared with the TURN server (coturn's static-auth-secret); short-lived credentials are made from it."""
    turn_secret_file: Path | None = None
    """A file with that secret, for deployments that mount secrets."""
    time_zone: str = "Asia/Shanghai"
    """Zone in which dates and periods are meant."""
    default_locale: Locale = "zh-CN"
    session_idle_hours: int = Field(default=12, ge=1, le=24 * 30)
    session_days: int = Field(default=14, ge=1, le=365)
    answer_within_hours: float = Field(default=72, gt=0, le=24 * 365)
    """How long a receiving school that does not answer keeps its room, teacher and class claimed."""
    plan_processes: int = Field(default=2, ge=1, le=32)
    """Processes that search for one plan, at low priority; never more than there are cores."""
    relay_rooms: int | None = Field(default=200, ge=1)
    """Receiving rooms that one relay serves at one time; bookings beyond it are refused."""
    s3_endpoint: str | None = None
    """Address of an S3-compatible store for recordings, such as https://s3.example.cn; without it a local folder."""
    s3_bucket: str | None = None
    s3_region: str = "us-east-1"
    s3_prefix: str | None = None
    """Put before the names of all objects, where a bucket is shared."""
    s3_path_style: bool = True
    """Whether the bucket stands in the path of addresses; False puts it into the host name."""
    s3_access_key_id: str | None = None
    s3_secret_access_key: SecretStr | None = None
    s3_access_key_id_file: Path | None = None
    """A file with the key's id, for deployments that mount secrets; likewise the next."""
    s3_secret_access_key_file: Path | None = None
    media_address_minutes: int = Field(default=240, ge=1, le=24 * 60)
    """How long the address of a recording's file can be used after it was given to a session."""
    recording_warn_free_mb: int = Field(default=8192, ge=0)
    """Free MiB on the journals' disk below which operators are warned; the next four give up parts of recordings."""
    recording_room_pictures_free_mb: int = Field(default=4096, ge=0)
    recording_lead_pictures_free_mb: int = Field(default=2048, ge=0)
    recording_room_sound_free_mb: int = Field(default=1024, ge=0)
    recording_all_free_mb: int = Field(default=256, ge=0)
    observation_minutes: int = Field(default=5, ge=1, le=240)
    """Minutes of a lesson a researcher must really have watched, live or on replay, for it to count as observed."""
    observations_a_year: int = Field(default=80, ge=0, le=2000)
    """Lessons a researcher is expected to observe in a school year."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    """Text for people, or JSON for collectors: one object a line, described in service/monitoring/README.md."""
    metrics_token: SecretStr | None = Field(default=None, min_length=16, max_length=200)
    """What Prometheus sends to read /api/metrics; without it there are no metrics to read."""

    traces_endpoint: str | None = Field(default=None, pattern=r"^https?://[^\s/]+(/\S*)?$")
    """Where traces go by OTLP over HTTP, such as http://127.0.0.1:4318; without it there are none."""
    traces_share: float = Field(default=0.1, ge=0, le=1)
    """Part of all requests that is traced."""

    @field_validator("trusted_proxies", "announced_addresses", "turn_urls", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("database_url", "redis_url", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value  # how compose files leave something out

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("no such time zone; expected a name such as Asia/Shanghai")
        return value

    @model_validator(mode="after")
    def _whole_store(self) -> Self:
        s3 = (self.s3_endpoint, self.s3_bucket, self.s3_keys)
        if any(s3) and not all(s3):
            raise ValueError(
                "S3 needs S3_ENDPOINT, S3_BUCKET, and both keys (S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY)"
            )
        if self.s3_endpoint is not None and not self.s3_endpoint.startswith(("http://", "https://")):
            raise ValueError("S3_ENDPOINT must begin with http:// or https://")
        return self

    @field_validator("turn_urls")
    @classmethod
    def _are_turn_urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for url in value:
            if not re.fullmatch(r"turns?:[^\s/?@]+(:[0-9]{1,5})?(\?transport=(udp|tcp))?", url):
                raise ValueError(f"{url!r} is no TURN address; expected turns:turn.example.cn:443?transport=tcp")
        return value

    @model_validator(mode="after")
    def _secret_of_turn(self) -> Self:
        if self.turn_urls and self.turn_shared_secret is None:
            raise ValueError("TURN_URLS need TURN_SECRET or TURN_SECRET_FILE")
        return self

    @property
    def turn_shared_secret(self) -> str | None:
        """The secret shared with the TURN server, from its file or as given."""
        given = self.turn_secret.get_secret_value() if self.turn_secret else None
        return _text_of(self.turn_secret_file) or given

    @model_validator(mode="after")
    def _falling_space(self) -> Self:
        if list(self.recording_free_mb) != sorted(self.recording_free_mb, reverse=True):
            raise ValueError("the RECORDING_..._FREE_MB settings must fall from WARN to ALL")
        return self

    @property
    def recording_free_mb(self) -> tuple[int, int, int, int, int]:
        """Free MiB at which the levels of giving up begin, from the warning on."""
        return (
            self.recording_warn_free_mb,
            self.recording_room_pictures_free_mb,
            self.recording_lead_pictures_free_mb,
            self.recording_room_sound_free_mb,
            self.recording_all_free_mb,
        )

    @property
    def s3_keys(self) -> tuple[str, str] | None:
        """Id and secret of the S3 key, read anew from their files where files are given; None if one is missing."""
        secret = self.s3_secret_access_key
        key_id = _text_of(self.s3_access_key_id_file) or self.s3_access_key_id
        key = _text_of(self.s3_secret_access_key_file) or (secret.get_secret_value() if secret else None)
        return (key_id, key) if key_id and key else None

    @property
    def zone(self) -> ZoneInfo:
        """The deployment's zone."""
        return ZoneInfo(self.time_zone)

    @property
    def effective_fleet_key(self) -> str:
        """The fleet's key. Raises ConfigurationError when there is none, or it is too short to protect anything."""
        if self.fleet_key_file is not None:
            try:
                key = self.fleet_key_file.read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationError(f"the fleet's key in {self.fleet_key_file} cannot be read: {error}") from error
        else:
            key = self.fleet_key.get_secret_value() if self.fleet_key else ""
        if len(key) < FLEET_KEY_LENGTH:
            raise ConfigurationError(
                f"with REDIS_URL every process needs the same {PREFIX}FLEET_KEY_FILE (or {PREFIX}FLEET_KEY) "
                f"of at least {FLEET_KEY_LENGTH} characters; `openssl rand -hex 32` makes one"
            )
        return key

    @property
    def effective_database_url(self) -> str:
        """The address SQLAlchemy gets; plain postgresql:// is driven by psycopg 3."""
        if self.database_url is None:
            return f"sqlite:///{self.data_folder.absolute() / 'three-classrooms.sqlite3'}"
        scheme, separator, rest = self.database_url.partition("://")
        return f"postgresql+psycopg{separator}{rest}" if scheme in {"postgres", "postgresql"} else self.database_url

    @property
    def journal_folder(self) -> Path:
        """Where the relay appends what it receives, one folder per lesson."""
        return self.data_folder / "journals"

    @property
    def recording_folder(self) -> Path:
        """Where finished recordings are kept by the local object store."""
        return self.data_folder / "recordings"


def _text_of(path: Path | None) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip() if path is not None else None
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read") from error


def load_configuration(environment: Mapping[str, str] | None = None, **overrides: Any) -> Configuration:
    """The settings of `environment` (this process's by default) with the overrides that are not None.

    Raises ConfigurationError naming each key that is unknown or has an unusable value.
    """
    known = {f"{PREFIX}{name}".upper() for name in Configuration.model_fields}
    unknown = sorted(
        key for key in (environment or os.environ) if key.upper().startswith(PREFIX) and key.upper() not in known
    )
    if unknown:
        raise ConfigurationError(f"unknown setting {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    try:
        return Configuration(**{key: value for key, value in overrides.items() if value is not None})
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(f"unusable setting {problems}") from error
