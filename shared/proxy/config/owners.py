"""Which server a model's name stands for, where the file names it at one or at several."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from shared.proxy.config.file import ConfigError, Marked
from shared.types.model import KINDS, OLLAMA, OLLAMA_CLOUD

if TYPE_CHECKING:
    from shared.proxy.config.proxy_config import ProxyConfig

_TAKEN = (OLLAMA, OLLAMA_CLOUD, "aegis")


class _Claim(Struct, frozen=True):
    """A place of the file, or a default, that names a model at a server."""

    model: str
    server: str
    path: tuple[str | int, ...]
    is_preferred: bool

    @property
    def dotted(self) -> str:
        return ".".join(str(step) for step in self.path if isinstance(step, str))


def declared_servers(config: "ProxyConfig") -> dict[str, str]:
    """By model, the server that a caller who names it gets. A model of Ollama Cloud is not declared here unless it is
    preferred: the local Ollama may have one of the same name, which is nearer."""
    found: dict[str, str] = {}
    for claim in sorted(_claims(config), key=lambda claim: not claim.is_preferred):
        if claim.server != OLLAMA_CLOUD or claim.is_preferred:
            found.setdefault(claim.model, claim.server)
    return found


def check_owners(config: "ProxyConfig", root: Marked, file: str) -> None:
    """Raises `ConfigError` for a name that stands for two servers, and for a server with a name of ours."""
    for name in config.openai:
        if name in _TAKEN:
            line = root.at(["openai", name]).line
            raise ConfigError(
                f"{file}:{line}", f"`openai.{name}`: `{name}` is a name of ours; call this server another"
            )
    by_model: dict[str, list[_Claim]] = {}
    for claim in _claims(config):
        by_model.setdefault(claim.model.removesuffix(":latest"), []).append(claim)
    for model, claims in by_model.items():
        servers = {claim.server: claim for claim in claims}
        preferred = sum(claim.is_preferred for claim in servers.values())
        if len(servers) > 1 and preferred != 1:
            raise _two_owners(model, list(servers.values()), root, file, preferred)


def _two_owners(model: str, claims: list[_Claim], root: Marked, file: str, preferred: int) -> ConfigError:
    line = max(root.at(claim.path).line for claim in claims)
    places = " and ".join(f"`{claim.dotted}`" for claim in claims)
    problem = "more than one of them says `preferred: true`" if preferred else "nothing says whose it is"
    allowed = "name it at one server, or write `preferred: true` at the one server that callers get for this name"
    return ConfigError(f"{file}:{line}", f"{places} name the model {model!r}, and {problem}; {allowed}")


def _claims(config: "ProxyConfig") -> Iterator[_Claim]:
    """Those of servers that may be used."""
    for name, server in config.openai.items():
        if server.is_usable:
            for place, model in enumerate(server.models):
                yield _Claim(model, name, ("openai", name, "models", place), server.preferred)
    for kind in KINDS:
        local = config.ollama
        yield _Claim(local.model_for(kind), OLLAMA, ("ollama", "models", kind), local.preferred)
        if config.ollama_cloud.is_usable:
            cloud = config.ollama_cloud
            path = ("ollama_cloud", "models", f"{kind}_cloud")
            yield _Claim(cloud.model_for(kind), OLLAMA_CLOUD, path, cloud.preferred)
