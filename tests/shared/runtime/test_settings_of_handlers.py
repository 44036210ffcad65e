"""A handler that asks for the process' settings gets those, and not what the row's settings would make of them."""

from shared.runtime.cluster import cluster_worlds
from shared.runtime.needs import Call, plan, provide
from shared.runtime.settings import Settings
from shared.runtime.table import load


def test_the_inbox_takes_no_more_than_the_environment_allows() -> None:
    table = load()
    function = table.function("intake")
    worlds = cluster_worlds(table, Settings(max_upload_bytes=7), {})
    wanted = tuple(one for one in plan(function, function.operations[0])[1] if one[0] == "settings")
    assert provide(worlds, wanted, Call("intake")) == {"settings": worlds.settings}


def test_the_rows_settings_still_reach_their_handler() -> None:
    table = load()
    function = table.function("chunk")
    wanted = tuple(one for one in plan(function, function.operations[0])[1] if one[0] == "settings")
    worlds = cluster_worlds(table, Settings(), {})
    assert provide(worlds, wanted, Call("chunk"))["settings"].max_tokens == 220
