"""Refuses what a web page of another site sends: it could reach a server on this machine under a name of its own."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from shared.runtime.wiring.settings import Settings
from shared.types.errors import Forbidden


def check_origin(headers: Mapping[str, str], settings: Settings) -> None:
    """Raises `Forbidden`. A server that listens on this machine alone takes only its own names as `Host`, unless a
    trusted proxy stands before it."""
    host = _hostname(f"//{headers.get('host', '')}")
    if _is_local(settings.host) and not settings.trusted_proxies and not _is_local(host):
        raise Forbidden(
            "The `Host` is not this machine. Behind a proxy, name it in AEGIS_TRUSTED_PROXIES, or set HOST to the "
            "address to listen on."
        )
    origin = headers.get("origin")
    if origin is None or {"*", origin} & set(settings.cors_origins):
        return
    if not (_is_local(_hostname(origin)) and _is_local(host)):
        raise Forbidden("Pages of this origin may not call; AEGIS_CORS_ORIGINS lists those that may.")


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
