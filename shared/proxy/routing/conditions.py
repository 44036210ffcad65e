"""How things stand when a task comes: which servers answer, how fast, how busy the GPU is."""

from shared.proxy.prices import PriceTable
from shared.proxy.routing.gpu import Gpu
from shared.proxy.routing.servers import ModelServers
from shared.proxy.routing.strategies import RoutingState
from shared.proxy.task import LLMTask


class Conditions:
    def __init__(self, servers: ModelServers, prices: PriceTable, gpu: Gpu) -> None:
        self._servers = servers
        self._prices = prices
        self._gpu = gpu

    async def now(self, task: LLMTask) -> RoutingState:
        """Asks the local server for its models, at most once a minute, and nothing of the cloud."""
        servers = self._servers
        local, cloud = servers.local, servers.cloud
        local_model = task.model or servers.model_of("local", task.kind)
        cloud_model = task.model or servers.model_of("cloud", task.kind)
        named = await servers.owner(task.model) if task.model else None
        info = await (named or local).may_have(local_model)
        away_from = named or cloud
        return RoutingState(
            local_model=local_model,
            cloud_model=cloud_model,
            local_available=info is not None and (named is not None or local.circuits.closed(local_model)),
            local_model_bytes=info.size or None if info else None,
            local_context_tokens=info.context_tokens or None if info else None,
            local_latency_ms=local.latency_ms,
            gpu_busy=await self._gpu.busy(),
            cloud_configured=cloud is not None or (named is not None and named.location == "cloud"),
            circuit_open=away_from is not None and not away_from.circuits.closed(cloud_model),
            budget_ok=named is not None or self._prices.price(cloud_model) is not None,
            cloud_latency_ms=cloud.latency_ms if cloud else None,
            named_location=named.location if named else None,
            named_server=named.name if named else "",
        )
