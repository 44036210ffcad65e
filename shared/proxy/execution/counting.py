"""Which tokens a call of a paid model is charged for: those its server counted, as far as they can be true."""

from msgspec import Struct

from shared.proxy.prices import PriceTable
from shared.types.model import TokenCounts
from shared.upstreams.port import ModelCall


class ChargedCounts(Struct, frozen=True):
    """`counts` is None where nothing is known of them; `estimated` where the server did not count them itself;
    `impossible` where it counted more than the prompt and the answer can have."""

    counts: TokenCounts | None
    estimated: bool = True
    impossible: bool = False


def charged_counts(call: ModelCall, prices: PriceTable, counts: TokenCounts | None, text_bytes: int) -> ChargedCounts:
    """Text whose output was not counted is estimated by its bytes: no tokenizer makes more tokens of it."""
    if counts is None or (text_bytes and not counts.prompt):
        return ChargedCounts(None)
    most_prompt = prices.most_prompt_tokens(call.model, call.messages, call.schema, call.tools)
    if counts.completion > max(call.max_output_tokens, text_bytes) or counts.prompt > (most_prompt or counts.prompt):
        return ChargedCounts(None, impossible=True)
    if text_bytes and not counts.completion:
        output = call.max_output_tokens if call.thinking else min(text_bytes, call.max_output_tokens)
        return ChargedCounts(TokenCounts(counts.prompt, output, counts.cached))
    return ChargedCounts(counts, estimated=False)
