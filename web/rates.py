"""How often somebody may ask: counted in Redis for all portals together, and in this process while Redis is away."""

from __future__ import annotations

import ipaddress
import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import unquote

import redis
from flask import request
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from sqlalchemy import make_url

from stylesearch.errors import ServiceError, StylesearchError
from stylesearch.ingest.doorbell import broker_url
from stylesearch.settings import Settings
from web.identity import current

View = TypeVar("View", bound=Callable[..., Any])
RATE = "rate"
"""Attribute of a view function that names its rate."""

NAMES = ("search", "describe", "api", "tiles", "login", "withdraw")
AWAY_SECONDS = 10.0
"""For so long, a Redis that did not answer is not asked again."""

ANSWER_SECONDS = 0.5
NETWORK_BITS = 64  # of an IPv6 address: one house has all the rest

log = logging.getLogger(__name__)


class TooManyError(StylesearchError):
    """Somebody asks too often; ``retry_after`` is in how many seconds they may again."""

    code = "too_many"

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            "That was too often in too short a time.",
            hint=f"Wait {retry_after} second{'s' if retry_after != 1 else ''}, and try again.",
        )
        self.retry_after = retry_after


class Rates:
    """Counts; one a process, for all its threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._items: dict[str, RateLimitItem] = {
            name: parse(rate) for name in NAMES if (rate := getattr(settings, f"rate_{name}"))
        }
        self._here = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._guard = threading.Lock()
        self._shared: SlidingWindowCounterRateLimiter | None = None
        self._away_until = 0.0

    def take(self, name: str, who: str) -> None:
        """Count a request.

        Parameters
        ----------
        name:
            One of :data:`NAMES`.
        who:
            Who makes it.

        Raises
        ------
        TooManyError
            If that is one too many.
        """
        item = self._items.get(name)
        if item is None:
            return
        shared = self._reach()
        if shared is not None:
            try:
                self._take(shared, item, name, who)
            except redis.RedisError as error:
                self._lose(error)
            else:
                return
        self._take(self._here, item, name, who)

    def _take(
        self, counter: SlidingWindowCounterRateLimiter, item: RateLimitItem, name: str, who: str
    ) -> None:
        if not counter.hit(item, name, who):
            left = counter.get_window_stats(item, name, who).reset_time - time.time()
            raise TooManyError(max(1, math.ceil(left)))

    def _reach(self) -> SlidingWindowCounterRateLimiter | None:
        """Return the counter in Redis, or ``None`` while it is away."""
        if time.monotonic() < self._away_until:
            return None
        with self._guard:
            if self._shared is None:
                try:
                    storage = RedisStorage("redis://", connection_pool=_pool(broker_url(self._settings)))
                    self._shared = SlidingWindowCounterRateLimiter(storage)
                except (redis.RedisError, ServiceError) as error:
                    self._lose(error)
            return self._shared

    def _lose(self, error: Exception) -> None:
        log.warning("requests are counted in this process, since Redis is away: %s", error)
        self._away_until = time.monotonic() + AWAY_SECONDS


def limited(name: str) -> Callable[[View], View]:
    """Have a view count towards a rate. Below the route's decorator."""
    assert name in NAMES, name

    def mark(view: View) -> View:
        setattr(view, RATE, name)
        return view

    return mark


def who_asks() -> str:
    """Return under what name requests are counted: the user, or where they come from."""
    known = current().user_id
    if known is not None:
        return f"user:{known}"
    sender = request.remote_addr or ""
    try:
        address = ipaddress.ip_address(sender)
    except ValueError:
        return f"from:{sender}"
    if isinstance(address, ipaddress.IPv6Address):
        return f"from:{ipaddress.ip_network((address, NETWORK_BITS), strict=False)}"
    return f"from:{address}"


def _pool(url: str) -> redis.ConnectionPool:
    """Return connections to the broker's server; Celery writes the address of a socket otherwise than Redis does."""
    patience: dict[str, Any] = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": ANSWER_SECONDS}
    if not url.startswith("redis+socket://"):
        return redis.ConnectionPool.from_url(url, **patience)
    rest, _, number = url.partition("?virtual_host=")
    password = make_url(
        rest.replace("redis+socket://", "redis://", 1).replace("@/", "@localhost/", 1)
    ).password
    path = "/" + unquote(rest.split("@/", 1)[-1].removeprefix("redis+socket://")).lstrip("/")
    return redis.ConnectionPool(
        connection_class=redis.UnixDomainSocketConnection,
        path=path,
        db=int(number or 0),
        password=password,
        **patience,
    )
