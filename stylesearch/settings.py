"""Every setting, in one typed object read from the environment and an optional TOML file."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from stylesearch.errors import InputError

ENV_PREFIX = "STYLESEARCH_"
RATE = r"^(|[1-9][0-9]{0,8}/(second|minute|hour|day))$"
RATE_WORDS = "as 300/minute; empty for any number"


def default_home() -> Path:
    """Return the data folder: the user's own, or a machine-wide one under root.

    Root's own data folder cannot be entered by the system user that PostgreSQL must run as.
    """
    if sys.platform != "win32" and os.geteuid() == 0:
        return Path("/var/lib/stylesearch")
    return Path(platformdirs.user_data_dir("stylesearch", appauthor=False))


def config_file() -> Path:
    """Return the settings file's path; the file itself is optional."""
    named = os.environ.get(f"{ENV_PREFIX}CONFIG")
    if named:
        return Path(named)
    return Path(platformdirs.user_config_dir("stylesearch", appauthor=False)) / "stylesearch.toml"


class Settings(BaseSettings):
    """Settings; each is an environment variable (``STYLESEARCH_`` + its name) or a line of the TOML file.

    The environment wins over the file. Sizes are in bytes, times in seconds, unless a name says otherwise.
    """

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True)

    home: Annotated[
        Path, Field(description="Data folder of the local services, the image store and secrets.")
    ] = Field(default_factory=default_home)
    database_url: Annotated[
        SecretStr | None,
        Field(
            description="PostgreSQL to use instead of the local one: postgresql://user:password@host/database."
        ),
    ] = None
    redis_url: Annotated[
        SecretStr | None,
        Field(description="Redis or Valkey to use instead of the local one: redis://:password@host:6379/0."),
    ] = None
    store_url: Annotated[
        str | None,
        Field(
            description="Image store, any fsspec URL (s3://bucket/prefix needs the s3 extra); default: HOME/store."
        ),
    ] = None
    spool_url: Annotated[
        str | None,
        Field(
            description="Where pictures wait between decoding and describing, any fsspec URL that all workers reach;"
            " default: in the image store."
        ),
    ] = None
    spool_max_bytes: Annotated[
        int,
        Field(description="Most bytes that wait there; decoding pauses while there are more.", ge=1024**2),
    ] = 2 * 1024**3
    local_transport: Annotated[
        Literal["socket", "tcp"],
        Field(
            description="How the local services are reached: Unix sockets, or free loopback ports with passwords."
        ),
    ] = "socket"

    encoder: Annotated[
        str, Field(description="Slug of the encoder that new collections are described with.")
    ] = "lite"
    device: Annotated[
        str,
        Field(
            description="Where encoders run: auto, cpu, cuda, cuda:1, mps.",
            pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
        ),
    ] = "auto"
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "fp16"],
        Field(description="What large encoders compute in; auto is a half on CUDA and fp32 elsewhere."),
    ] = "auto"

    max_file_bytes: Annotated[int, Field(description="Largest image file taken in.", gt=0)] = 256 * 1024**2
    max_pixels: Annotated[
        int,
        Field(
            description="Most pixels an image may have, checked before decoding; one that must be held in memory whole"
            " takes no more than as many pixels of three bytes.",
            gt=0,
        ),
    ] = 200_000_000
    max_upload_bytes: Annotated[
        int, Field(description="Largest file a visitor may upload as a query.", gt=0)
    ] = 32 * 1024**2

    ingest_batch_size: Annotated[
        int, Field(description="Items that are fetched and decoded at a time by one process.", ge=1, le=1024)
    ] = 16
    embed_batch_size: Annotated[
        int,
        Field(
            description="Most pictures that are described and written at a time; the number in use adapts to the device.",
            ge=1,
            le=4096,
        ),
    ] = 128
    ingest_threads: Annotated[
        int,
        Field(
            description="Threads that wait for servers in one process, and that decode ahead with --inline.",
            ge=1,
            le=64,
        ),
    ] = 4
    decode_pixels: Annotated[
        int,
        Field(description="Most pixels that the threads of one process decode at the same time.", gt=0),
    ] = 200_000_000
    ingest_max_attempts: Annotated[
        int, Field(description="Times an item is tried before it is quarantined.", ge=1, le=20)
    ] = 3
    ingest_lease_seconds: Annotated[
        int, Field(description="How long a worker may hold items before others may take them over.", ge=1)
    ] = 60
    worker_stall_seconds: Annotated[
        int,
        Field(
            description="A worker that holds items and has not moved for this long ends itself, to be started again.",
            ge=1,
        ),
    ] = 900
    worker_concurrency: Annotated[
        int, Field(description="Processes a worker runs; 0 means one for each core, 8 at most.", ge=0, le=256)
    ] = 0

    fetch_private: Annotated[
        str,
        Field(
            description="Networks that images and manifests may be fetched from though they are not public, parted by"
            " commas: 10.0.0.0/8,127.0.0.1; or all."
        ),
    ] = ""
    fetch_contact: Annotated[
        str | None,
        Field(
            description="Page or e-mail address that servers are told, so that they know whom to ask about our requests."
        ),
    ] = None
    fetch_per_host: Annotated[
        int, Field(description="Requests that one process has open to one server at a time.", ge=1, le=64)
    ] = 2
    fetch_delay_seconds: Annotated[
        float, Field(description="Time between the beginnings of two requests to one server.", ge=0)
    ] = 0.0
    fetch_deadline_seconds: Annotated[
        float, Field(description="Longest a server may take to send one file.", gt=0)
    ] = 300.0
    fetch_tries: Annotated[
        int, Field(description="Times a request is made while a server fails to answer.", ge=1, le=20)
    ] = 4
    honour_reservations: Annotated[
        bool,
        Field(
            description="Whether works are left out whose servers or files say noai or noimageai; other reservations"
            " are recorded either way."
        ),
    ] = True

    search_exact_rows: Annotated[
        int,
        Field(
            description="Up to this many matching descriptors are always compared exactly; above, the way that costs least"
            " is taken.",
            ge=0,
        ),
    ] = 8_000
    search_ef: Annotated[
        int, Field(description="hnsw.ef_search: wider finds more and takes longer.", ge=1, le=1000)
    ] = 200
    search_timeout_seconds: Annotated[
        float,
        Field(
            description="Longest a search may take in the database; what was found until then is given.", gt=0
        ),
    ] = 30.0

    trust_anchors: Annotated[
        Path | None,
        Field(
            description="PEM file with the certificates of those whose content credentials are called trusted in reports."
        ),
    ] = None

    web_host: Annotated[str, Field(description="Address the portal listens on.")] = "127.0.0.1"
    web_port: Annotated[int, Field(description="Port the portal listens on.", ge=1, le=65535)] = 8080
    web_url: Annotated[
        str | None,
        Field(
            description="Address that the portal is known by, such as https://styles.example.org: what is written into"
            " links of the API, manifests and harvested records; default: the one that was asked.",
            pattern=r"^https?://[^\s/?#@]+/?$",
        ),
    ] = None
    web_threads: Annotated[int, Field(description="Threads that answer requests.", ge=1, le=256)] = 8
    web_secret_key: Annotated[
        SecretStr | None,
        Field(description="Key that signs forms and sessions; default: one made once and kept in HOME."),
    ] = None
    query_keep_days: Annotated[
        float, Field(description="How long an image that a visitor searched with is kept.", gt=0)
    ] = 7.0
    web_fetch: Annotated[
        bool, Field(description="Whether visitors may search with the address of an image on the net.")
    ] = True
    web_fetch_private: Annotated[
        str,
        Field(
            description="Networks that visitors' addresses may lead to though they are not public, parted by commas; those"
            " of ingestion do not count here."
        ),
    ] = ""
    zoom_cache_bytes: Annotated[
        int,
        Field(
            description="Most bytes of HOME/zoom, where pictures that somebody has zoomed into are kept in tiles.",
            ge=64 * 1024**2,
        ),
    ] = 1024**3
    web_visitors: Annotated[
        bool,
        Field(
            description="Whether the portal shows collections that are open to everybody to those who have not signed in."
        ),
    ] = True
    web_trusted_proxy: Annotated[
        str | None, Field(description="Address of the TLS proxy whose X-Forwarded headers are believed.")
    ] = None

    api_token: Annotated[
        SecretStr | None,
        Field(description="Token that commands with --server show to that server."),
    ] = None
    rate_search: Annotated[
        str, Field(description=f"Searches that one visitor may make; {RATE_WORDS}.", pattern=RATE)
    ] = "300/minute"
    rate_describe: Annotated[
        str,
        Field(
            description=f"Images that one visitor may have described, and reports made; {RATE_WORDS}.",
            pattern=RATE,
        ),
    ] = "30/minute"
    rate_api: Annotated[
        str, Field(description=f"Requests that one program may make to the API; {RATE_WORDS}.", pattern=RATE)
    ] = "600/minute"
    rate_tiles: Annotated[
        str,
        Field(description=f"Parts of images that one viewer may have cut; {RATE_WORDS}.", pattern=RATE),
    ] = "3000/minute"
    rate_login: Annotated[
        str,
        Field(
            description=f"Tries to sign in from one address, and for one user; {RATE_WORDS}.", pattern=RATE
        ),
    ] = "10/minute"
    rate_withdraw: Annotated[
        str, Field(description=f"Requests for a withdrawal from one address; {RATE_WORDS}.", pattern=RATE)
    ] = "10/hour"

    oidc_issuer: Annotated[
        str | None,
        Field(
            description="Address of an OpenID provider with which people sign in, without /.well-known; needs the oidc extra."
        ),
    ] = None
    oidc_client_id: Annotated[
        str | None, Field(description="What the portal is called at the OpenID provider.")
    ] = None
    oidc_client_secret: Annotated[
        SecretStr | None,
        Field(description="With what the portal shows the OpenID provider that it is itself."),
    ] = None
    oidc_label: Annotated[
        str, Field(description="What the button says that signs in with the OpenID provider.")
    ] = "Sign in with your organisation"
    oidc_role: Annotated[
        Literal["none", "viewer", "curator"],
        Field(
            description="What somebody becomes who signs in with the OpenID provider for the first time; none lets in only"
            " those whom an administrator has added by their e-mail address."
        ),
    ] = "none"

    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="How much the services log.")
    ] = "info"

    log_format: Annotated[
        Literal["text", "json"], Field(description="Whether the services log lines for people or JSON.")
    ] = "text"
    metrics: Annotated[
        bool,
        Field(
            description="Whether the portal shows figures for Prometheus at /metrics, to anybody who asks."
        ),
    ] = False

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the file."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_file()))

    @property
    def encoders_folder(self) -> Path:
        """Where encoders that a person added are kept."""
        return self.home / "encoders"

    @property
    def uses_local_database(self) -> bool:
        """Whether the database is the local one."""
        return self.database_url is None

    @property
    def uses_local_broker(self) -> bool:
        """Whether the broker is the local one."""
        return self.redis_url is None


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Read the settings once a process.

    Raises
    ------
    InputError
        If a variable or a line of the file has a value that cannot be used, naming it.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"The setting {ENV_PREFIX}{name.upper()} cannot be used: {first['msg']}.",
            hint="See docs/settings.md.",
            code="setting",
        ) from None
    except ValueError as error:  # a TOML file that does not parse
        raise InputError(
            f"{config_file()} cannot be read: {error}.", hint="Mend it or move it away.", code="setting"
        ) from None
