"""Pages for whoever sits at the portal's own machine, as long as the portal has no sign-in."""

from __future__ import annotations

import ipaddress

from flask import request


def comes_from_here() -> bool:
    """Whether a request was made on this machine, to it by a name of its own.

    By another name it may come through a proxy, or from a page whose name was made to lead here.
    """
    name = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
    try:
        by_address = name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
        return by_address and ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
