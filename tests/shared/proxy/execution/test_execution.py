"""What the proxy promises of a task: it runs where it may, and costs what the ledger says."""

from shared.proxy.task import LLMResult, Token
from tests.shared.proxy.execution.environment import CLOUD, LOCAL, ProxyEnvironment, task


async def test_a_hard_question_goes_to_the_cloud_and_is_paid_for(env: ProxyEnvironment) -> None:
    result = await env.proxy.execute(task("a hard question"))
    assert (result.text, result.execution.location, result.execution.model) == ("from the cloud", "cloud", CLOUD)
    assert result.execution.reason == "quality"
    assert result.counts.prompt > 0
    assert result.cost_microusd > 0
    window = await env.window()
    assert (window.spent_microusd, window.reserved_microusd) == (result.cost_microusd, 0)
    (usage,) = await env.booked()
    assert (usage.cost_microusd, usage.model, usage.estimated) == (result.cost_microusd, CLOUD, False)


async def test_a_simple_question_stays_here_and_is_free(env: ProxyEnvironment) -> None:
    result = await env.proxy.execute(task("a simple one", quality="standard", complexity="simple"))
    assert (result.text, result.execution.location, result.execution.reason) == ("from here", "local", "default")
    assert result.cost_microusd == 0
    (usage,) = await env.booked()
    assert (usage.location, usage.model, usage.cost_microusd) == ("local", LOCAL, 0)
    assert env.cloud.seen == []


async def test_a_stream_is_the_answer_in_pieces_and_then_the_result(env: ProxyEnvironment) -> None:
    events = [event async for event in env.proxy.stream(task())]
    *tokens, last = events
    assert isinstance(last, LLMResult)
    assert len(tokens) > 1
    assert "".join(token.text for token in tokens if isinstance(token, Token)) == last.text
