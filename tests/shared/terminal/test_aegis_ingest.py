"""Bringing files in: what is sent, what is waited for, and going on after whatever came between."""

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from shared.terminal import client, retry
from tests.shared.terminal.conftest import Aegis
from tests.shared.terminal.fake_server import Answer, Asked, FakeServer, document, problem, stream
from tests.timing import within

RUN = "import sys; from shared.terminal.program import main; sys.exit(main())"


def accepts(server: FakeServer, ends: Callable[[str, bytes], dict[str, Any]] | None = None) -> None:
    """A server that takes any file, says `ready` of it, and knows it the next time."""
    known: set[str] = set()

    def upload(asked: Asked) -> Answer:
        name, content = asked.parts()["file"]
        document_id = "doc_" + sha256(content).hexdigest()[:8]
        end = ends(str(name), content) if ends else {"status": "ready"}
        final = document(document_id, **end)
        server.on("GET", f"/documents/{document_id}/events", stream(("stage", {"stage": "parse"}), ("done", final)))
        server.on("GET", f"/documents/{document_id}", Answer(body=final))
        if document_id in known:
            return Answer(200, final)
        known.add(document_id)
        return Answer(202, {"document_id": document_id, "status": "stored", "route": "cpu", "status_url": "/x"})

    server.on("POST", "/upload", upload)


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def uploaded(server: FakeServer) -> list[str | None]:
    return [asked.parts()["file"][0] for asked in server.requests("POST", "/upload")]


def test_a_file_is_sent_and_waited_for(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    accepts(served)
    write(tmp_path, a_md="# A")
    ended = aegis(
        "ingest", tmp_path / "a.md", "--title", "Über A", "--classification", "confidential", "--max-cost-usd", "0.1"
    )
    assert ended.exit == 0
    assert ended.out.split() == ["outcome", "files", "ok", "1"]
    parts = served.requests("POST", "/upload")[0].parts()
    assert parts["file"] == ("a.md", b"# A")
    assert parts["title"][1].decode() == "Über A"
    assert parts["classification"][1] == b"confidential"
    assert float(parts["max_cost_usd"][1]) == 0.1
    assert "[1/1] ok" in ended.err


def test_json_tells_of_each_document_on_its_line(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    reason = {"code": "encrypted", "detail": "the file has a password"}
    accepts(served, lambda name, _: {"status": "rejected", "reason": reason} if name == "b.md" else {"status": "ready"})
    write(tmp_path, a_md="a", b_md="b")
    ended = aegis("ingest", tmp_path, "--json")
    assert ended.exit == 1
    by_path = {Path(outcome["path"]).name: outcome for outcome in ended.json_lines}
    assert by_path["a.md"]["outcome"] == "ok"
    assert by_path["a.md"]["status"] == "ready"
    assert by_path["a.md"]["document_id"].startswith("doc_")
    assert by_path["b.md"] | {"outcome": "rejected", "status": "rejected", "reason": reason} == by_path["b.md"]


def test_a_folder_is_walked_in_order_without_what_is_hidden(
    aegis: Aegis, served: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.terminal.ingest.AT_ONCE", 1)
    accepts(served)
    write(tmp_path / "in", b_md="b", a_md="a", sub__c_md="c")
    for hidden in (".git/config", ".hidden.md", "data/server.json"):
        (tmp_path / "in" / hidden).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / hidden).write_text("{}")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    os.mkfifo(tmp_path / "in" / "pipe")
    assert aegis("ingest", tmp_path / "in", "--data", tmp_path / "in" / "data").exit == 0
    assert uploaded(served) == ["a.md", "b.md", "c.md"]
    served.asked.clear()
    assert aegis("ingest", "in", "in/a.md", "--no-recursive").exit == 0
    assert uploaded(served) == ["a.md", "b.md"], "a file named twice is sent once"
    served.asked.clear()
    assert aegis("ingest", "in/.hidden.md").exit == 0
    assert uploaded(served) == [".hidden.md"], "what is named is not hidden"


def test_an_empty_folder_is_no_failure(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    ended = aegis("ingest", tmp_path / "in")
    assert (ended.exit, ended.out, ended.err) == (0, "", "no files found\n")


def test_the_same_command_again_finds_everything_known(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    accepts(served)
    write(tmp_path / "in", a_md="a", b_md="b")
    assert aegis("ingest", tmp_path / "in").exit == 0
    write(tmp_path / "in", c_md="c")
    ended = aegis("ingest", tmp_path / "in")
    assert ended.exit == 0
    assert ended.out.split() == ["outcome", "files", "ok", "1", "known", "2"]


def test_known_bytes_of_a_document_that_failed_are_no_success(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    served.on("POST", "/upload", Answer(200, document("doc_1", "failed")))
    write(tmp_path, a_md="a")
    ended = aegis("ingest", tmp_path / "a.md", "--json")
    assert (ended.exit, ended.json["outcome"]) == (1, "failed")


def test_no_wait_sends_and_leaves(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    accepts(served)
    write(tmp_path, a_md="a")
    ended = aegis("ingest", tmp_path / "a.md", "--no-wait", "--json")
    assert ended.exit == 0
    assert (ended.json["outcome"], ended.json["status"]) == ("sent", "stored")
    assert [asked.path for asked in served.asked] == ["/health", "/upload"]


@pytest.mark.parametrize(
    ("status", "slug"), [(413, "too-large"), (415, "unsupported-format"), (422, "empty-file"), (400, "invalid-request")]
)
def test_a_file_that_is_not_taken_does_not_stop_the_others(
    aegis: Aegis, served: FakeServer, tmp_path: Path, status: int, slug: str
) -> None:
    accepts(served)
    taking = served._answers["POST", "/upload"][0]
    assert callable(taking)

    def upload(asked: Asked) -> Answer:
        if asked.parts()["file"][0] == "b.bin":
            return Answer(status, problem(status, slug, "Not taken", "because"))
        return taking(asked)

    served.on("POST", "/upload", upload)
    write(tmp_path / "in", a_md="a", b_bin="b", c_md="c")
    ended = aegis("ingest", tmp_path / "in", "--json")
    assert ended.exit == 1
    by_name = {Path(line["path"]).name: line for line in ended.json_lines}
    assert [by_name[name]["outcome"] for name in ("a.md", "b.bin", "c.md")] == ["ok", "rejected", "ok"]
    assert by_name["b.bin"]["reason"] == {"code": slug, "detail": "because"}
    printed = aegis("ingest", tmp_path / "in")
    assert f"{slug}: because" in printed.out
    assert "known" in printed.out


def test_a_document_that_fails_is_told_with_its_reason(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    accepts(
        served, lambda *_: {"status": "failed", "reason": {"code": "internal", "detail": "a store \x1b[2J was away"}}
    )
    write(tmp_path, a_md="a")
    ended = aegis("ingest", tmp_path / "a.md")
    assert ended.exit == 1
    assert r"internal: a store \x1b[2J was away" in ended.out
    assert "\x1b" not in ended.out + ended.err


def test_a_limit_is_waited_for_as_long_as_it_asks(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    accepts(served)
    taking = served._answers["POST", "/upload"][0]
    limited = Answer(429, problem(429, "rate-limited", "Too many requests", "10 a minute"), {"Retry-After": "1"})
    served.on("POST", "/upload", limited, taking)
    write(tmp_path, a_md="a")
    begin = monotonic()
    ended = aegis("ingest", tmp_path / "a.md")
    assert ended.exit == 0
    assert monotonic() - begin >= 1.0
    assert "10 a minute; retrying in 1 s" in ended.err


def test_a_limit_while_waiting_for_the_end_is_waited_for_too(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    limited = Answer(429, problem(429, "rate-limited", "Too many requests"), {"Retry-After": "0"})
    served.on("POST", "/upload", Answer(202, {"document_id": "doc_1", "status": "stored"}))
    served.on("GET", "/documents/doc_1/events", limited)
    served.on("GET", "/documents/doc_1", limited, Answer(body=document("doc_1", "ready")))
    write(tmp_path, a_md="a")
    assert aegis("ingest", tmp_path / "a.md").exit == 0


def test_a_limit_that_lasts_for_hours_ends_the_command(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    limited = Answer(429, problem(429, "rate-limited", "Too many requests", "100 a day"), {"Retry-After": "40000"})
    served.on("POST", "/upload", limited)
    write(tmp_path, a_md="a")
    ended = aegis("ingest", tmp_path / "a.md")
    assert ended.exit == 5
    assert f"continue with: aegis ingest {tmp_path / 'a.md'}" in ended.err


def test_a_server_that_comes_back_is_gone_on_with(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    accepts(served)
    taking = served._answers["POST", "/upload"][0]
    away = Answer(503, problem(503, "store-unavailable", "A store does not answer"), {"Retry-After": "0"})
    served.on("POST", "/upload", Answer(drop=True), away, Answer(500, problem(500, "internal", "Oh")), taking)
    write(tmp_path, a_md="a")
    assert aegis("ingest", tmp_path / "a.md").exit == 0
    assert uploaded(served) == ["a.md"] * 4


def test_a_server_that_stays_away_is_not_asked_for_ever(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    served.on("POST", "/upload", Answer(503, problem(503, "store-unavailable", "A store does not answer")))
    write(tmp_path, a_md="a")
    ended = aegis("ingest", tmp_path / "a.md", "--title", "two words")
    assert ended.exit == 6
    assert len(uploaded(served)) == 1 + retry.MAX_RETRIES
    again = ended.err.splitlines()[-1].removeprefix("continue with: ")
    assert shlex.split(again) == ["aegis", "ingest", str(tmp_path / "a.md"), "--title", "two words"]


@pytest.mark.parametrize(("status", "slug", "code"), [(401, "unauthenticated", 4), (402, "budget-exceeded", 5)])
def test_what_would_meet_every_file_ends_the_command(
    aegis: Aegis, served: FakeServer, tmp_path: Path, status: int, slug: str, code: int
) -> None:
    served.on("POST", "/upload", Answer(status, problem(status, slug, "No", "not you")))
    write(tmp_path / "in", **{f"f{number}_md": str(number) for number in range(40)})
    ended = aegis("ingest", tmp_path / "in")
    assert ended.exit == code
    assert ended.err.startswith("error: No: not you\n")
    assert len(served.requests("POST", "/upload")) < 40


def test_a_file_too_dear_for_its_own_bound_does_not_stop_the_others(
    aegis: Aegis, served: FakeServer, tmp_path: Path
) -> None:
    served.on("POST", "/upload", Answer(402, problem(402, "budget-exceeded", "Too dear", "0.2 of 0.1 USD")))
    write(tmp_path / "in", a_md="a", b_md="b")
    ended = aegis("ingest", tmp_path / "in", "--max-cost-usd", "0.1", "--json")
    assert ended.exit == 1
    assert [outcome["outcome"] for outcome in ended.json_lines] == ["failed", "failed"]


def test_without_events_the_document_is_asked_for(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    served.on("POST", "/upload", Answer(202, {"document_id": "doc_1", "status": "stored"}))
    served.on("GET", "/documents/doc_1/events", Answer(body={"no": "stream"}))
    steps = [Answer(body=document("doc_1", status)) for status in ("parsed", "waiting", "linked", "ready")]
    served.on("GET", "/documents/doc_1", *steps)
    write(tmp_path, a_md="a")
    assert aegis("ingest", tmp_path / "a.md").exit == 0
    assert len(served.requests("GET", "/documents/doc_1")) == 4


def test_a_watch_that_ends_early_is_gone_on_with_where_it_was(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    final = document("doc_1", "ready")
    served.on("POST", "/upload", Answer(202, {"document_id": "doc_1", "status": "stored"}))
    broken = stream(("stage", {"stage": "parse"}), ("stage", {"stage": "chunk"}))
    broken.drop = True
    served.on("GET", "/documents/doc_1/events", broken, stream(("done", final)))
    served.on("GET", "/documents/doc_1", Answer(body=document("doc_1", "chunked")), Answer(body=final))
    write(tmp_path, a_md="a")
    assert aegis("ingest", tmp_path / "a.md").exit == 0
    watched = served.requests("GET", "/documents/doc_1/events")
    assert [asked.headers["last-event-id"] for asked in watched] == [None, "2"]


def test_a_document_deleted_meanwhile_has_failed(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    served.on("POST", "/upload", Answer(202, {"document_id": "doc_1", "status": "stored"}))
    write(tmp_path, a_md="a")
    ended = aegis("ingest", tmp_path / "a.md", "--json")
    assert ended.exit == 1
    assert ended.json["reason"]["code"] == "deleted"


def test_a_file_that_cannot_be_read_has_failed(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    accepts(served)
    write(tmp_path / "in", a_md="a", b_md="b")
    (tmp_path / "in" / "gone.md").symlink_to("/proc/self/mem")
    ended = aegis("ingest", tmp_path / "in", "--json")
    assert ended.exit == 1
    by_name = {Path(line["path"]).name: line for line in ended.json_lines}
    assert by_name["gone.md"]["outcome"] == "failed"
    assert by_name["a.md"]["outcome"] == by_name["b.md"]["outcome"] == "ok"


def test_a_name_that_is_no_text_is_sent_as_text(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    accepts(served)
    (tmp_path / "in").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/caf\xe9\n.md")).write_text("a")
    ended = aegis("ingest", tmp_path / "in", "--json")
    assert ended.exit == 0
    assert uploaded(served) == [r"caf\udce9\x0a.md"]


def test_a_title_is_for_one_file(aegis: Aegis, served: FakeServer, tmp_path: Path) -> None:
    write(tmp_path / "in", a_md="a", b_md="b")
    assert aegis("ingest", tmp_path / "in", "--title", "T").exit == 2
    assert served.asked == []


def test_a_server_that_is_not_there_is_told_of_at_once(
    aegis: Aegis, server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEGIS_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AEGIS_API_KEY", "k")
    monkeypatch.setattr(retry, "FIRST_PAUSE", 30.0)
    write(tmp_path, a_md="a")
    with within(5):
        assert aegis("ingest", tmp_path / "a.md").exit == 6


def test_a_large_file_is_not_held_in_memory(served: FakeServer, tmp_path: Path) -> None:
    served.on("POST", "/upload", Answer(202, {"document_id": "doc_1", "status": "stored"}))
    with (tmp_path / "large.txt").open("wb") as file:
        file.truncate(64 * 2**20)
    code = f"import resource; before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n{RUN}".replace(
        "sys.exit(main())", "main(); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    output = subprocess.run(
        [sys.executable, "-c", code, "ingest", str(tmp_path / "large.txt"), "--no-wait", "--json"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert json.loads(output[0])["outcome"] == "sent"
    assert len(served.requests("POST", "/upload")[0].body) > 64 * 2**20
    assert int(output[1]) < 48 * 1024, "KiB more than at the start"


def test_ctrl_c_exits_130_with_the_command_that_goes_on(served: FakeServer, tmp_path: Path) -> None:
    accepts(served)
    write(tmp_path, a_md="a")
    waiting = stream(("stage", {"stage": "parse", "status": "running"}))
    waiting.hold = threading.Event()
    served.on("POST", "/upload", Answer(202, {"document_id": "doc_1", "status": "stored"}))
    served.on("GET", "/documents/doc_1/events", waiting)
    arguments = ["ingest", str(tmp_path / "a.md"), "--json"]
    command = subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until = monotonic() + 60
    while not served.requests("GET", "/documents/doc_1/events") and monotonic() < until:
        sleep(0.02)
    sleep(0.1)
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=20)
    waiting.hold.set()
    assert (command.returncode, out) == (130, "")
    assert err.splitlines() == ["interrupted after 0 of 1 files", f"continue with: {shlex.join(['aegis', *arguments])}"]


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}, {"CI": "true"}])
def test_bars_are_for_a_terminal_that_wants_them(served: FakeServer, tmp_path: Path, variables: dict[str, str]) -> None:
    accepts(served, lambda name, _: {"status": "rejected" if name == "b.md" else "ready"})
    write(tmp_path / "in", a_md="a", b_md="b")
    ours, theirs = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", **variables}
    if not variables:
        environment = {name: value for name, value in environment.items() if name not in ("NO_COLOR", "CI")}
    command = subprocess.Popen(
        [sys.executable, "-c", RUN, "ingest", str(tmp_path / "in")],
        stdout=subprocess.PIPE, stderr=theirs, text=True, env=environment,
    )  # fmt: skip
    os.close(theirs)
    printed = b""
    try:
        while piece := os.read(ours, 4096):
            printed += piece
    except OSError:
        pass  # How a terminal says that the other side has gone.
    os.close(ours)
    out = command.communicate(timeout=20)[0]
    assert command.returncode == 1
    assert out.splitlines()[0] == "outcome   files"
    assert (b"\x1b[" in printed) == (not variables)
    assert b"rejected  " in printed


def test_the_patience_of_a_stream_is_longer_than_the_servers_silence() -> None:
    assert client.STREAM_SECONDS > 2 * 15


def test_a_file_that_waits_for_a_higher_bound_is_told_and_not_waited_for(
    aegis: Aegis, served: FakeServer, tmp_path: Path
) -> None:
    reason = {"code": "budget", "detail": "Retry it with a higher `max_cost_usd`."}
    held = document("doc_1", "waiting", waiting_for="budget", reason=reason)
    served.on("POST", "/upload", Answer(202, {"document_id": "doc_1", "status": "stored"}))
    waiting = ("waiting", {"stage": "parse", "status": "waiting", "reason": reason})
    served.on("GET", "/documents/doc_1/events", stream(waiting))
    served.on("GET", "/documents/doc_1", Answer(body=held))
    write(tmp_path, a_md="# A")
    ended = aegis("ingest", tmp_path / "a.md", "--max-cost-usd", "0.0001", "--json")
    assert ended.exit == 5 and json.loads(ended.out)["outcome"] == "waiting"
    plain = aegis("ingest", tmp_path / "a.md", "--max-cost-usd", "0.0001")
    assert plain.exit == 5 and "budget: Retry it with a higher" in plain.out
