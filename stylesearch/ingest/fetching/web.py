"""Asking servers on the net: guarded, limited, patient and polite."""

from __future__ import annotations

import json
import random
import ssl
import threading
import time
from dataclasses import dataclass, replace
from functools import lru_cache

import httpcore2
import httpx2

from stylesearch.errors import ImageError, StylesearchError
from stylesearch.ingest.fetching import answers, reservations
from stylesearch.ingest.fetching.answers import Headers, TroubleError, WebAnswer
from stylesearch.ingest.fetching.bodies import read_body, too_large
from stylesearch.ingest.fetching.guard import GuardedBackend, Resolve, deadline, networks, resolve
from stylesearch.ingest.fetching.policy import WebPolicy, web_policy
from stylesearch.ingest.fetching.politeness import Gate
from stylesearch.ingest.fetching.reservations import Reservation
from stylesearch.settings import Settings

TDMREP = "/.well-known/tdmrep.json"
TDMREP_BYTES = 256 * 1024
TDMREP_SECONDS = 24 * 3600.0
LONGEST_URL = 8000
FIRST_WAIT = 0.5
_MOVED = frozenset([301, 302, 303, 307, 308])
_PASSING = frozenset([408, 425, 429, 500, 502, 503, 504])


def web_client(settings: Settings) -> WebClient:
    """Return a client with the policy of the settings."""
    return WebClient(web_policy(settings))


@dataclass(frozen=True, slots=True)
class _Request:
    url: httpx2.URL
    headers: Headers
    max_bytes: int
    media_types: tuple[str, ...] = ()
    version: str | None = None

    @property
    def place(self) -> str:
        return f"{self.url.host}:{self.url.port or self.url.scheme}"


@dataclass(frozen=True, slots=True)
class _Moved:
    location: str


class WebClient:
    """Fetches what web addresses lead to. One a process; may be used from several threads.

    Only public addresses are asked, through every redirect; see :class:`WebPolicy` for the limits. Environment
    variables that name proxies are not heeded, for what goes through a proxy cannot be checked.

    Parameters
    ----------
    policy:
        Limits, patience and politeness.
    resolver:
        From a name to its addresses.
    ssl_context:
        How certificates are checked, instead of the usual.
    """

    def __init__(
        self,
        policy: WebPolicy,
        *,
        resolver: Resolve = resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.policy = policy
        self._gate = Gate(per_host=policy.per_host, delay=policy.delay_seconds)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=ssl_context or _usual_ssl(),
            network_backend=GuardedBackend(networks(policy.private), resolver),
            max_connections=100,
            keepalive_expiry=15.0,
        )
        self._sites: dict[str, tuple[float, object]] = {}
        self._sites_guard = threading.Lock()

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def get(
        self,
        url: str,
        *,
        max_bytes: int | None = None,
        accept: str = "*/*",
        media_types: tuple[str, ...] = (),
        version: str | None = None,
    ) -> WebAnswer:
        """Fetch what an address leads to.

        Parameters
        ----------
        url:
            With the scheme ``http`` or ``https``, and without name and password.
        max_bytes:
            Most bytes of the body, instead of the policy's.
        accept:
            The header of that name.
        media_types:
            How the answer's media type may begin, such as ``image/``; none for any. An answer without one passes.
        version:
            An earlier answer's; the body is then sent only if it is another now.

        Raises
        ------
        ImageError
            What will not pass by itself: ``address_invalid``, ``address_refused``, ``redirect_refused``,
            ``fetch_status``, ``fetch_type``, ``fetch_too_large``.
        ServiceError
            What may pass, after some tries: ``fetch_timeout``, ``fetch_failed``, ``fetch_busy``.
        """
        headers = [("accept", accept), *answers.conditions(version)]
        limit = self.policy.max_bytes if max_bytes is None else max_bytes
        request = _Request(_parse(url), headers, limit, media_types, version)
        for hop in range(self.policy.redirects + 1):
            try:
                answer = self._ask(request, tries=self.policy.tries)
            except ImageError as error:
                if hop and error.code in ("address_refused", "address_invalid"):
                    raise _redirect_refused(error.message) from error
                raise
            if isinstance(answer, WebAnswer):
                return replace(answer, reservations=answer.reservations + self._site_reservations(request))
            try:
                request = replace(request, url=_parse(str(request.url.join(answer.location))))
            except (ImageError, httpx2.InvalidURL) as error:
                raise _redirect_refused(str(error)) from error
        raise _redirect_refused(f"there are more than {self.policy.redirects} of them")

    def _ask(self, request: _Request, *, tries: int) -> WebAnswer | _Moved:
        """Make a request, again and again while the trouble may pass."""
        began = time.monotonic()
        for attempt in range(tries):
            try:
                with self._gate.turn(request.place):
                    return self._once(request)
            except TroubleError as error:
                wait = FIRST_WAIT * 2**attempt * (0.5 + random.random())
                if error.retry_after is not None:
                    wait = error.retry_after
                    self._gate.hold_off(request.place, min(wait, self.policy.longest_wait))
                over = time.monotonic() + wait - began > self.policy.deadline_seconds
                if attempt == tries - 1 or wait > self.policy.longest_wait or over:
                    raise
                time.sleep(wait)
        raise AssertionError("a request is made at least once")

    def _once(self, request: _Request) -> WebAnswer | _Moved:
        policy = self.policy
        headers = [
            ("host", request.url.netloc.decode("ascii")),
            ("user-agent", policy.user_agent),
            ("accept-encoding", "gzip"),
            *request.headers,
        ]
        times = dict.fromkeys(("connect", "pool"), policy.connect_seconds)
        times |= dict.fromkeys(("read", "write"), policy.read_seconds)
        end = deadline.set(time.monotonic() + policy.deadline_seconds)
        try:
            with self._pool.stream(
                "GET", _core_url(request.url), headers=headers, extensions={"timeout": times}
            ) as response:
                return self._judge(request, response)
        except httpcore2.TimeoutException as error:
            raise TroubleError(
                f"{request.url.host} did not answer in time{_why(error)}.", code="fetch_timeout"
            ) from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise TroubleError(
                f"The connection to {request.url.host} failed{_why(error)}.", code="fetch_failed"
            ) from error
        finally:
            deadline.reset(end)

    def _judge(self, request: _Request, response: httpcore2.Response) -> WebAnswer | _Moved:
        headers = [
            (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers
        ]
        values = dict(reversed(headers))  # of several of one name, the first
        status, url = response.status, str(request.url)
        if status in _MOVED and "location" in values:
            return _Moved(values["location"])
        if status == 304 and request.version is not None:
            return WebAnswer(
                url,
                b"",
                version=request.version,
                not_modified=True,
                reservations=reservations.read_headers(headers),
            )
        if status in _PASSING:
            raise TroubleError(
                f"{request.url.host} answers with status {status}.",
                code="fetch_busy",
                retry_after=answers.retry_after(values.get("retry-after")),
            )
        if not 200 <= status < 300:
            raise ImageError(f"{request.url.host} answers with status {status}.", code="fetch_status")
        media_type, charset = answers.content_type(values.get("content-type", ""))
        answers.check_type(media_type, request.media_types)
        if values.get("content-length", "").isdecimal() and int(values["content-length"]) > request.max_bytes:
            raise too_large(request.max_bytes)
        data = read_body(
            response.iter_stream(), coding=values.get("content-encoding", ""), max_bytes=request.max_bytes
        )
        return WebAnswer(
            url,
            data,
            media_type,
            charset,
            answers.version(values),
            reservations=reservations.read_headers(headers),
        )

    def _site_reservations(self, request: _Request) -> tuple[Reservation, ...]:
        """Return what the site's ``tdmrep.json`` reserves; it is fetched once a day and site."""
        site = f"{request.url.scheme}://{request.place}"
        now = time.monotonic()
        with self._sites_guard:
            known = self._sites.get(site)
        if known is None or known[0] < now:
            known = (now + TDMREP_SECONDS, self._read_tdmrep(request.url))
            with self._sites_guard:
                self._sites[site] = known
        return reservations.read_tdmrep(known[1], request.url.raw_path.decode("ascii"))

    def _read_tdmrep(self, url: httpx2.URL) -> object:
        asked = _Request(url.join(TDMREP), [("accept", "application/json")], TDMREP_BYTES)
        try:
            answer = self._ask(asked, tries=1)
            return json.loads(answer.text) if isinstance(answer, WebAnswer) else None
        except (StylesearchError, ValueError, RecursionError):
            return None  # most sites have none


@lru_cache(maxsize=1)
def _usual_ssl() -> ssl.SSLContext:
    """Return how certificates are checked; reading those of the authorities takes long enough to be done once."""
    return httpx2.create_ssl_context(trust_env=False)


def _parse(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url[: LONGEST_URL + 1])
    except (httpx2.InvalidURL, UnicodeError, TypeError) as error:
        raise _invalid(f"{url[:100]!r} is no web address ({error})") from None
    if len(url) > LONGEST_URL:
        raise _invalid(f"it is longer than {LONGEST_URL} characters")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise _invalid(f"{url[:100]!r} does not begin with http:// or https:// and a host")
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise _invalid(f"there is no port {parsed.port}")
    if parsed.userinfo:
        raise _invalid("it holds a name or a password")
    return parsed


def _core_url(url: httpx2.URL) -> httpcore2.URL:
    return httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _invalid(why: str) -> ImageError:
    return ImageError(f"The address cannot be used: {why}.", code="address_invalid")


def _redirect_refused(why: str) -> ImageError:
    return ImageError(f"A redirect is not followed: {why.rstrip('.')}.", code="redirect_refused")


def _why(error: Exception) -> str:
    text = " ".join(str(error).split())[:200]
    return f" ({text})" if text else ""
