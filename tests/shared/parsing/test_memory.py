"""Memory stays what it is, however many documents are read."""

from tests.speed.memory import MOST_GROWTH, measure

LIGHT = ("md", "txt", "html", "csv", "json", "ipynb", "xml", "rst", "org", "eml", "mhtml", "epub", "doc", "xls", "rtf")
WARM = 3
"""Tenths of the run after which every worker has met every format."""


async def test_memory_is_flat_over_hundreds_of_documents() -> None:
    grown = await measure(300, LIGHT)
    assert grown.service[-1] < (1 + MOST_GROWTH) * grown.service[WARM], grown
    assert grown.workers[-1] < (1 + MOST_GROWTH) * grown.workers[WARM], grown
