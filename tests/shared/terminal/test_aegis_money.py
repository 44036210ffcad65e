"""Usage, budgets, the audit and the book at a prompt."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from shared.blobs.folder import FolderBlobs
from shared.usage.journal import Journal
from shared.usage.paths import ledger_folder
from shared.usage.sealing import seal
from tests.shared.terminal.conftest import Aegis
from tests.shared.terminal.fake_server import Answer, FakeServer
from tests.shared.usage.samples import TODAY, outbound, settled

USAGE = {
    "items": [{"day": "2026-11-22", "unit": "output_token", "quantity": 1200, "cost_usd": 0.000721}],
    "total_usd": 0.000721,
}
WINDOW = {
    "scope": "tenant",
    "id": "ten_1",
    "window": "day",
    "cap_usd": 1.5,
    "spent_usd": 0.25,
    "reserved_usd": 0.000001,
    "remaining_usd": 1.249999,
    "resets_at": "2026-11-23T00:00:00Z",
}
RECORD: dict[str, Any] = {
    "usage_id": "op_1",
    "at": "2026-11-22T10:00:00Z",
    "request_id": "req_1",
    "label": "my-own-label",
    "key_id": "key_1",
    "document_id": "",
    "function": "ask",
    "location": "cloud",
    "model": "gpt-oss:120b",
    "reason": "quality",
    "lines": [
        {"unit": "input_token", "quantity": 1_000_000, "cost_usd": 0.15},
        {"unit": "output_token", "quantity": 1000, "cost_usd": 0.0006},
    ],
    "cost_usd": 0.1506,
    "reserved_usd": 0.2,
    "estimated": False,
    "adjusts": None,
    "decision": None,
    "passages": [{"passage_id": "psg_1", "score": 0.83}],
}
CALL = {
    "kind": "outbound",
    "operation_id": "op_1",
    "at": "2026-11-22T09:59:58Z",
    "model": "gpt-oss:120b",
    "classification": "internal",
    "reserved_usd": 0.2,
    "prompt_hash": "ab" * 32,
}


def listed(*items: Any) -> Answer:
    return Answer(body={"items": list(items), "next_cursor": None})


CSV = b"usage_id,cost_usd\r\nop_1,0.000210\r\n"


def test_usage_is_exported_as_the_server_sends_it(aegis: Aegis, served: FakeServer) -> None:
    served.on("GET", "/usage/export", Answer(headers={"Content-Type": "text/csv"}, pieces=[CSV[:9], CSV[9:]]))
    ended = aegis("usage", "export", "--format", "focus", "--from", "2026-11-01")
    assert ended.exit == 0
    assert ended.out.replace("\r\n", "\n") == CSV.decode().replace("\r\n", "\n")
    assert served.asked[-1].query == {"format": "focus", "from": "2026-11-01"}


def test_an_export_as_json_is_one_object(aegis: Aegis, served: FakeServer) -> None:
    served.on("GET", "/usage/export", Answer(headers={"Content-Type": "text/csv"}, pieces=[CSV]))
    assert aegis("usage", "export", "--json").json == {"format": "csv", "content": CSV.decode()}


def test_an_export_that_breaks_off_is_no_success(aegis: Aegis, served: FakeServer) -> None:
    served.on("GET", "/usage/export", Answer(headers={"Content-Type": "text/csv"}, pieces=[CSV], drop=True))
    assert aegis("usage", "export").exit == 6


def test_usage_is_summed_as_asked(aegis: Aegis, served: FakeServer) -> None:
    served.on("GET", "/usage", Answer(body=USAGE))
    ended = aegis("usage", "--from", "2026-11-01", "--by", "day")
    assert ended.out.splitlines()[1].split() == ["2026-11-22", "output_token", "1200", "0.000721"]
    assert ended.out.splitlines()[-1] == "total $0.000721"
    assert aegis("usage", "--json").json == USAGE


def test_single_records_can_be_listed(aegis: Aegis, served: FakeServer) -> None:
    served.on("GET", "/usage/ledger", listed(RECORD))
    row = aegis("usage", "--records").out.splitlines()[1]
    assert row.split()[1:] == ["ask", "gpt-oss:120b", "-", "req_1", "0.1506", "no"]
    assert aegis("usage", "--request", "req_1", "--json").json["items"][0]["usage_id"] == "op_1"


def test_budgets_are_shown_with_all_their_digits(aegis: Aegis, served: FakeServer) -> None:
    served.on("GET", "/budget", Answer(body={"scopes": [WINDOW]}))
    row = aegis("budget", "show").out.splitlines()[1].split()
    assert row == ["tenant", "ten_1", "day", "1.5", "0.25", "0.000001", "1.249999", "2026-11-23T00:00:00Z"]


def test_a_cap_is_set_or_taken_away_and_the_other_stays(aegis: Aegis, served: FakeServer) -> None:
    served.on("PUT", "/budget", Answer(body={"scopes": [WINDOW]}))
    assert aegis("budget", "set", "key", "key_1", "--daily-usd", "0.5", "--no-monthly").exit == 0
    assert served.asked[-1].json == {"scope": "key", "id": "key_1", "daily_usd": 0.5, "monthly_usd": None}
    assert aegis("budget", "set", "tenant", "--monthly-usd", "0", "--json").json == {"scopes": [WINDOW]}
    assert served.asked[-1].json == {"scope": "tenant", "monthly_usd": 0.0}
    assert aegis("budget", "set", "tenant", "--daily-usd", "1", "--no-daily").exit == 2


def test_models_are_listed_and_switched_by_the_operator(aegis: Aegis, served: FakeServer) -> None:
    model = {"model": "org/m:1b", "enabled": False, "input_usd": 0.15, "output_usd": 0.6, "reason": "operator"}
    served.on("GET", "/budget/models", Answer(body={"models": [model]}))
    assert aegis("budget", "models").out.splitlines()[1].split() == ["org/m:1b", "off", "0.15", "0.6", "operator", "-"]
    assert aegis("budget", "models", "--json").json == {"models": [model]}
    served.on("PUT", "/budget/models/org%2Fm%3A1b", Answer(body={**model, "enabled": True, "reason": None}))
    assert aegis("budget", "models", "enable", "org/m:1b").out.splitlines()[1].split()[:2] == ["org/m:1b", "on"]
    assert served.asked[-1].json == {"enabled": True}
    assert aegis("budget", "models", "disable", "org/m:1b", "--json").exit == 0
    assert served.asked[-1].json == {"enabled": False}


def test_the_defaults_need_no_server_and_load_again(aegis: Aegis, tmp_path: Path) -> None:
    from shared.proxy.config.proxy_config import ProxyConfig

    ended = aegis("budget", "show", "--defaults")
    assert ended.exit == 0
    file = tmp_path / "proxy.yaml"
    file.write_text(ended.out)
    assert ProxyConfig.load(file, {"OLLAMA_CLOUD_API_KEY": ""}) == ProxyConfig.load(None, {})
    assert aegis("budget", "show", "--defaults", "--json").json["tiers"]["pro"] == {"monthly_usd": 20}


def test_past_usage_is_priced_again(aegis: Aegis, served: FakeServer) -> None:
    served.on("GET", "/usage/ledger", listed(RECORD))
    found = aegis("budget", "simulate", "--strategy", "cost_optimized", "--last", "7d", "--json").json
    assert (found["calls"], found["was_usd"], found["strategy"]) == (1, 0.1506, "cost_optimized")
    assert "cost usd" in aegis("budget", "simulate", "--strategy", "hybrid").out
    assert aegis("budget", "simulate", "--strategy", "hybrid", "--last", "soon").exit == 2


def test_a_request_is_explained_in_the_order_in_which_it_happened(aegis: Aegis, served: FakeServer) -> None:
    parsed = {**RECORD, "usage_id": "stage_1", "location": None, "function": "parse", "decision": None, "lines": []}
    decided = {**RECORD, "decision": {"vetoes": ["privacy", "budget"]}}
    served.on("GET", "/usage/ledger", listed(decided, parsed))
    served.on("GET", "/audit", listed(CALL))
    ended = aegis("explain", "my-own-label")
    assert ended.exit == 0
    positions = [
        ended.out.index(word) for word in ("left for the cloud", "parse", "ask: gpt-oss:120b, cloud, reason quality")
    ]
    assert positions == sorted(positions)
    for word in ("vetoes: privacy; budget", "reserved $0.2, settled $0.1506", "psg_1  0.83", "ab" * 32):
        assert word in ended.out
    explained = aegis("explain", "my-own-label", "--json").json
    assert [one["usage_id"] for one in explained["records"]] == ["stage_1", "op_1"]


def test_an_unknown_request_fails(aegis: Aegis, served: FakeServer) -> None:
    served.on("GET", "/usage/ledger", listed())
    served.on("GET", "/audit", listed())
    assert aegis("explain", "req_none").exit == 1


def test_the_audit_is_listed_and_counted(aegis: Aegis, served: FakeServer) -> None:
    reached = {"kind": "threshold", "at": "2026-11-22T09:00:00Z", "scope": "platform", "threshold_pct": 80}
    served.on("GET", "/audit", listed(CALL, reached))
    served.on("GET", "/audit/report", Answer(body={"calls": {"total": 1}, "settled_usd": 0.1506}))
    rows = aegis("audit", "list", "--operator").out
    assert "platform reached 80 %" in rows and "gpt-oss:120b" in rows
    assert "total 1" in aegis("audit", "report").out
    assert aegis("audit", "report", "--json").json["settled_usd"] == 0.1506


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder whose usage ledger has one call in one seal."""

    async def write() -> None:
        blobs = FolderBlobs(tmp_path / "data" / "blobs")
        journal, call = Journal(blobs), outbound(1)
        await journal.append(call)
        await journal.append(settled(call, 70))
        await seal(blobs)

    asyncio.run(write())
    return tmp_path / "data"


def test_a_ledger_is_verified_where_it_stands(aegis: Aegis, folder: Path) -> None:
    ended = aegis("audit", "verify", "--data", folder, "--json")
    assert ended.exit == 0
    assert {name: ended.json[name] for name in ("ok", "seals", "records")} == {"ok": True, "seals": 1, "records": 2}


def test_a_changed_ledger_fails_and_names_the_blob(aegis: Aegis, folder: Path) -> None:
    (blob,) = (folder / "blobs" / ledger_folder("ten_a")).glob("*/*")
    blob.write_bytes(blob.read_bytes().replace(b"70", b"07"))
    ended = aegis("audit", "verify", "--data", folder)
    assert ended.exit == 1
    assert blob.name in ended.err
    assert aegis("audit", "verify", "--data", folder, "--json").exit == 1


def test_verifying_leaves_alone_what_a_server_is_writing(aegis: Aegis, folder: Path) -> None:
    unfinished = folder / "blobs" / ".part" / "unfinished"
    unfinished.write_text("half")
    aegis("audit", "verify", "--data", folder)
    assert unfinished.exists()


@pytest.mark.parametrize("command", [("audit", "verify"), ("reconcile",)])
def test_a_folder_that_is_none_of_ours_is_said_to_be_so(aegis: Aegis, tmp_path: Path, command: tuple[str, ...]) -> None:
    ended = aegis(*command, "--data", tmp_path / "none")
    assert ended.exit == 2
    assert "no data folder" in ended.err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "bill", ["2026-11-22", "yesterday=1", "2026-11-22=-1", "2026-11-22=0.0000001", "2026-11-22=NaN"]
)
def test_a_bill_that_is_none_is_refused(aegis: Aegis, folder: Path, bill: str) -> None:
    assert aegis("reconcile", "--data", folder, "--billed", bill).exit == 2


def test_a_folder_without_a_server_is_reconciled(aegis: Aegis, folder: Path) -> None:
    (folder / "aegis.json").write_text('{"layout": 1}')
    found = aegis("reconcile", "--data", folder, "--billed", f"{TODAY}=0.00005", "--json").json
    assert found["days"] == [{"day": TODAY, "provider_usd": 0.00005, "book_usd": 0.00007, "lowered_usd": 0}]
