"""The proxy's file: which servers there are, what they cost, and what may be spent.

Every key may be left out. Attributes that hold money are integer micro-dollars, whatever their key in the file says.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from shared.proxy.config.file import Marked, read
from shared.proxy.config.owners import check_owners
from shared.proxy.config.reading import ConfigReader, address, with_thresholds
from shared.proxy.config.values import ADDRESS, SAFE_ADDRESS, CloudUrl, MicroUsd, Secret, Url, is_safe
from shared.proxy.prices import Peak, Price, PriceTable
from shared.types.model import Location, StrategyName, TaskKind
from shared.types.principal import Tier
from shared.usage.records import Unit

Percent = Annotated[int, Meta(ge=1, le=100)]
Calls = Annotated[int, Meta(ge=1, le=1000)]
Seconds = Annotated[int, Meta(ge=1, le=600)]
Tokens = Annotated[int, Meta(ge=512, le=1_048_576)]
Preferred = Annotated[
    bool, Meta(description="where another server has a model of the same name, who names it gets this one's")
]


class CloudModels(Struct, frozen=True, forbid_unknown_fields=True):
    extraction: str = field(name="extraction_cloud", default="gpt-oss:20b")
    generation: str = field(name="generation_cloud", default="gpt-oss:120b")
    vision: str = field(name="vision_cloud", default="gemma4:31b")


class LocalModels(Struct, frozen=True, forbid_unknown_fields=True):
    extraction: str = "gemma3:4b"
    generation: str = "llama3.2:3b"
    vision: str = "llava:7b"
    embedding: str = "bge-m3"


class CostLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """Of the whole installation. None: no limit."""

    daily_microusd: MicroUsd | None = field(name="daily_budget_usd", default=5_000_000)
    monthly_microusd: MicroUsd | None = field(name="monthly_budget_usd", default=100_000_000)
    alert_thresholds_pct: tuple[Percent, ...] = (80, 90, 100)


class FallbackRules(Struct, frozen=True, forbid_unknown_fields=True):
    on_budget_exceeded: Literal["local"] = "local"
    on_cloud_unavailable: Literal["local"] = "local"
    on_rate_limit: Literal["queue", "local"] = "queue"


class OllamaCloudConfig(Struct, frozen=True, forbid_unknown_fields=True):
    enabled: bool = True
    api_key: Annotated[Secret, Meta(description="empty, or its variable unset: the cloud is off")] = Secret()
    base_url: CloudUrl = "https://ollama.com"
    models: CloudModels = CloudModels()
    cost_limits: CostLimits = CostLimits()
    decision_strategy: StrategyName = "hybrid"
    fallback: FallbackRules = FallbackRules()
    concurrency: Annotated[Calls, Meta(description="calls at a time over all processes, as the plan allows")] = 3
    queue_s: Annotated[Seconds, Meta(description="the longest that a call waits for its turn")] = 20
    timeout_s: Annotated[Seconds, Meta(description="the longest that a call lasts")] = 120
    preferred: Preferred = False

    @property
    def is_usable(self) -> bool:
        return self.enabled and bool(self.api_key)

    def model_for(self, kind: TaskKind) -> str:
        return _model_for(self.models, kind)


class OllamaConfig(Struct, frozen=True, forbid_unknown_fields=True):
    base_url: Url = "http://127.0.0.1:11434"
    models: LocalModels = LocalModels()
    concurrency: Annotated[Calls, Meta(description="calls at a time, as OLLAMA_NUM_PARALLEL allows")] = 1
    queue_s: Annotated[Seconds, Meta(description="the longest that a call waits for its turn")] = 60
    timeout_s: Annotated[Seconds, Meta(description="the longest that a call lasts")] = 300
    context_steps: Annotated[
        tuple[Tokens, ...],
        Meta(description="sizes of a model's window; a call takes the first that it fits in", min_length=1),
    ] = (4096, 8192, 16384, 32768)
    preferred: Preferred = False

    def model_for(self, kind: TaskKind) -> str:
        return _model_for(self.models, kind)


class OpenAIServer(Struct, frozen=True, forbid_unknown_fields=True):
    """A server with OpenAI's interface. One in the cloud is only used with a key, https and prices."""

    base_url: Url = "http://127.0.0.1:8080/v1"
    api_key: Secret = Secret()
    models: Annotated[tuple[str, ...], Meta(description="the models that it answers for")] = ()
    location: Annotated[Location, Meta(description="what is confidential goes to none in the cloud")] = "cloud"
    enforces_schema: Annotated[bool, Meta(description="it gives nothing but what a JSON schema allows")] = False
    concurrency: Calls = 4
    timeout_s: Seconds = 120
    preferred: Preferred = False

    def __post_init__(self) -> None:
        if self.location == "cloud" and not is_safe(self.base_url):
            raise ValueError("a server in the cloud needs a base_url that begins with https://")

    @property
    def is_usable(self) -> bool:
        return self.location == "local" or bool(self.api_key)


class ConfiguredCaps(Struct, frozen=True, forbid_unknown_fields=True):
    """None: no limit."""

    daily_microusd: MicroUsd | None = field(name="daily_usd", default=None)
    monthly_microusd: MicroUsd | None = field(name="monthly_usd", default=None)


class FreeCaps(ConfiguredCaps, frozen=True, forbid_unknown_fields=True):
    daily_microusd: MicroUsd | None = field(name="daily_usd", default=0)
    monthly_microusd: MicroUsd | None = field(name="monthly_usd", default=0)


class ProCaps(ConfiguredCaps, frozen=True, forbid_unknown_fields=True):
    monthly_microusd: MicroUsd | None = field(name="monthly_usd", default=20_000_000)


class Tiers(Struct, frozen=True, forbid_unknown_fields=True):
    free: FreeCaps = FreeCaps()
    pro: ProCaps = ProCaps()
    enterprise: ConfiguredCaps = ConfiguredCaps()


class UnitPrices(Struct, frozen=True, forbid_unknown_fields=True):
    """Micro-dollars each."""

    page_parsed: MicroUsd = 0
    gpu_second: MicroUsd = 0
    embedded_1k_tokens: MicroUsd = 0
    gib_day: MicroUsd = 0
    function_second: MicroUsd = 0

    def of(self, unit: Unit) -> int:
        """Tokens of language models are priced by their model, not here."""
        return int(getattr(self, unit, 0))


def _seen(
    input_price: int, cached: int, output: int, peak: Peak | None = None, seen: date = date(2026, 9, 15)
) -> Price:
    return Price(input_price, cached, output, as_of=seen, peak=peak)


_WORKDAY_NOONS = Peak(("mon", "tue", "wed", "thu", "fri"), (12, 18), 2000)
PRICES: dict[str, Price] = {
    "gpt-oss:20b": _seen(70_000, 35_000, 300_000),
    "gpt-oss:120b": _seen(150_000, 14_000, 600_000),
    "gemma4:31b": _seen(140_000, 50_000, 400_000),
    "deepseek-v4.1-flash": _seen(150_000, 3_000, 600_000),
    "deepseek-v4-flash": _seen(220_000, 7_000, 660_000, _WORKDAY_NOONS),
    "deepseek-v4-pro": _seen(660_000, 22_000, 1_980_000, _WORKDAY_NOONS),
    "glm-5.3-flash": _seen(150_000, 30_000, 500_000),
    "glm-5.3": _seen(1_400_000, 260_000, 4_400_000),
    "glm-5.1": _seen(1_000_000, 200_000, 3_200_000),
    "kimi-k2.6": _seen(950_000, 160_000, 4_000_000),
    "kimi-k3": _seen(3_000_000, 300_000, 15_000_000),
}
"""A row of the file replaces the whole row here."""


class Vision(Struct, frozen=True, forbid_unknown_fields=True):
    describe_pictures: Annotated[
        bool, Meta(description="a vision model describes the pictures of new documents, so that they can be found")
    ] = False
    most_per_document: Annotated[int, Meta(ge=1, le=1000, description="pictures, the first ones")] = 20


Verify = Literal["rules", "model"]


class ProxyConfig(Struct, frozen=True):
    ollama_cloud: OllamaCloudConfig = OllamaCloudConfig()
    ollama: OllamaConfig = OllamaConfig()
    openai: dict[str, OpenAIServer] = field(default_factory=dict)
    prices: dict[str, Price] = field(default_factory=PRICES.copy)
    tiers: Tiers = Tiers()
    units: UnitPrices = UnitPrices()
    vision: Vision = Vision()
    verify: Annotated[
        Verify,
        Meta(description="who judges statements of an answer that the rules leave open; rules: they are left out"),
    ] = "rules"

    @classmethod
    def load(cls, path: Path | str | None, environ: Mapping[str, str]) -> "ProxyConfig":
        """The file's settings, or the defaults; the environment's addresses and key win. Raises `ConfigError`."""
        file = str(path)
        root = Marked(1, {}) if path is None else with_thresholds(read(Path(path), environ), file)
        reading = ConfigReader(root, file, cls.__struct_fields__)
        ollama = reading.section("ollama", OllamaConfig)
        config = cls(
            ollama_cloud=_cloud_of(reading.section("ollama_cloud", OllamaCloudConfig), environ),
            ollama=replace(ollama, base_url=address(environ, "AEGIS_OLLAMA_URL", ADDRESS, ollama.base_url)),
            openai=reading.rows("openai", OpenAIServer),
            prices={**PRICES, **reading.rows("prices", Price)},
            tiers=reading.section("tiers", Tiers),
            units=reading.section("units", UnitPrices),
            vision=reading.section("vision", Vision),
            verify=reading.value("verify", Verify, "rules"),
        )
        check_owners(config, root, file)
        return config

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "ProxyConfig":
        """As AEGIS_PROXY_CONFIG says. Raises `ConfigError`."""
        return cls.load(environ.get("AEGIS_PROXY_CONFIG") or None, environ)

    @property
    def price_table(self) -> PriceTable:
        return PriceTable(self.prices)

    @property
    def platform_caps(self) -> ConfiguredCaps:
        limits = self.ollama_cloud.cost_limits
        return ConfiguredCaps(limits.daily_microusd, limits.monthly_microusd)

    def tier_caps(self, tier: Tier) -> ConfiguredCaps:
        return {"free": self.tiers.free, "pro": self.tiers.pro, "enterprise": self.tiers.enterprise}[tier]


def _model_for(models: CloudModels | LocalModels, kind: TaskKind) -> str:
    return {"generation": models.generation, "extraction": models.extraction, "vision": models.vision}[kind]


def _cloud_of(cloud: OllamaCloudConfig, environ: Mapping[str, str]) -> OllamaCloudConfig:
    key = environ.get("OLLAMA_CLOUD_API_KEY") or environ.get("OLLAMA_API_KEY")
    return replace(
        cloud,
        base_url=address(environ, "AEGIS_OLLAMA_CLOUD_URL", SAFE_ADDRESS, cloud.base_url),
        api_key=Secret.of(key) if key else cloud.api_key,
    )
