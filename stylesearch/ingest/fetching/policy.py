"""How servers on the net are asked: limits, patience, politeness."""

from __future__ import annotations

from dataclasses import dataclass

import stylesearch
from stylesearch.ingest.fetching.reservations import AGENT
from stylesearch.settings import Settings


@dataclass(frozen=True, slots=True)
class WebPolicy:
    """How servers are asked. Times are in seconds.

    Attributes
    ----------
    connect_seconds, read_seconds:
        Longest wait for a connection, and for the next packet.
    deadline_seconds:
        Longest time for one answer, whole; after as long, no further try is begun.
    max_bytes:
        Most bytes of a body, unless a request says otherwise.
    redirects:
        Most redirects that are followed, each checked like a first address.
    tries:
        How often a request is made while the trouble is of a kind that may pass.
    longest_wait:
        Longest pause that a server may ask for before it counts as busy.
    per_host, delay_seconds:
        Requests to one host at a time, and the time from one's beginning to the next one's.
    private:
        Networks that may be asked though they are not public; ``all`` for every one.
    contact:
        Address or page that the User-Agent names, so that a server's keeper knows whom to ask.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    deadline_seconds: float = 300.0
    max_bytes: int = 256 * 1024**2
    redirects: int = 5
    tries: int = 4
    longest_wait: float = 30.0
    per_host: int = 2
    delay_seconds: float = 0.0
    private: tuple[str, ...] = ()
    contact: str | None = None

    @property
    def user_agent(self) -> str:
        """Who we say we are."""
        about = f" (+{self.contact})" if self.contact else ""
        return f"{AGENT}/{stylesearch.__version__}{about}"


def web_policy(settings: Settings) -> WebPolicy:
    """Return the policy that the settings describe."""
    return WebPolicy(
        deadline_seconds=settings.fetch_deadline_seconds,
        max_bytes=settings.max_file_bytes,
        tries=settings.fetch_tries,
        per_host=settings.fetch_per_host,
        delay_seconds=settings.fetch_delay_seconds,
        private=tuple(name.strip() for name in settings.fetch_private.split(",") if name.strip()),
        contact=settings.fetch_contact,
    )
