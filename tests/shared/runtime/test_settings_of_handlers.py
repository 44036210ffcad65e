"""A handler that asks for the process' settings gets those, and not what the row's settings would make of them."""

from shared.runtime.wiring.cluster import cluster_services
from shared.runtime.wiring.injection import plan, provide
from shared.runtime.wiring.settings import Settings
from shared.table.table import load
from shared.types.call import Call


def test_the_inbox_takes_no_more_than_the_environment_allows() -> None:
    table = load()
    function = table.function("intake")
    services = cluster_services(table, Settings(max_upload_bytes=7), {})
    wanted = tuple(one for one in plan(function, function.operations[0])[1] if one[0] == "settings")
    assert provide(services, wanted, Call("intake")) == {"settings": services.settings}


def test_the_rows_settings_still_reach_their_handler() -> None:
    table = load()
    function = table.function("chunk")
    wanted = tuple(one for one in plan(function, function.operations[0])[1] if one[0] == "settings")
    services = cluster_services(table, Settings(), {})
    assert provide(services, wanted, Call("chunk"))["settings"].max_tokens == 220
