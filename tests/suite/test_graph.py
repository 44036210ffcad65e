"""The routes of the graph: what one tenant imports it reads, exports and deletes, and no other sees."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.suite.running import Caller, Running

LINES = "application/x-ndjson"


def mention(name: str, kind: str = "other") -> dict[str, Any]:
    return {"name": name, "type": kind, "count": 1}


def line(document: str, position: int, names: list[str], **fields: Any) -> dict[str, Any]:
    return {
        "kind": "passage",
        "passage_id": f"psg_{document}_{position}",
        "document_id": document,
        "generation": 1,
        "position": position,
        "recorded_at": f"2026-01-01T00:00:{position + 10 * (document > 'doc_a'):02}Z",
        "mentions": [mention(name) for name in names],
        **fields,
    }


LEADS = {"source": 0, "type": "leads", "target": 1, "weight": 0.5, "valid_from": "2010-01-01", "valid_to": "2015-01-01"}
GRAPH = [
    line("doc_a", 0, ["Ada", "Acme"], relations=[LEADS]),
    line("doc_a", 1, ["Acme", "Turin"], sentences=[{"start": 0, "end": 9, "mentions": [0, 1], "vector": "AQI="}]),
    line("doc_b", 0, ["Turin", "Po"]),
    line("doc_b", 1, ["ACME"]),
    {"kind": "merge", "name": "Acme", "other": "Acme Corporation", "reason": "manual"},
]


def lines(graph: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in graph)


def merge(caller: Caller, content: bytes, media_type: str = LINES) -> httpx.Response:
    return caller.post("/graph/import", content=content, headers={"Content-Type": media_type})


def entity(caller: Caller, name: str) -> dict[str, Any]:
    found = caller.get("/graph/entities", params={"q": name}).raise_for_status().json()["items"]
    [one] = [one for one in found if name in (one["name"], *one["aliases"])]
    assert isinstance(one, dict)
    return one


@pytest.fixture(scope="module")
def ours(server: Running) -> Iterator[Caller]:
    _, caller = server.create_tenant("graph-ours")
    assert merge(caller, lines(GRAPH)).raise_for_status().json() == {"passages": 4, "merges": 1, "skipped": 0}
    yield caller
    caller.close()


@pytest.fixture(scope="module")
def theirs(server: Running) -> Iterator[Caller]:
    _, caller = server.create_tenant("graph-theirs")
    yield caller
    caller.close()


def test_entities_are_listed_newest_first_in_pages(ours: Caller) -> None:
    names: list[str] = []
    position: dict[str, str] = {}
    while True:
        page = ours.get("/graph/entities", params={"limit": "2", **position}).raise_for_status()
        names += [one["name"] for one in page.json()["items"]]
        if not page.json()["next_cursor"]:
            break
        position = {"cursor": page.json()["next_cursor"]}
        assert page.headers["link"].endswith('rel="next"')
    assert names[:2] == ["Po", "Turin"] and sorted(names[2:]) == ["Acme", "Ada"]


def test_an_entity_shows_its_aliases_counts_and_relations_at_a_time(ours: Caller) -> None:
    acme = entity(ours, "Acme")
    assert {**acme, "entity_id": ""} == {
        "entity_id": "",
        "name": "Acme",
        "type": "other",
        "aliases": ["ACME"],
        "mentions": 3,
        "documents": 2,
    }
    read = ours.get(f"/graph/entities/{acme['entity_id']}").raise_for_status().json()
    assert {name: read[name] for name in acme} == acme
    [relation] = read["relations"]
    assert (relation["type"], relation["weight"], relation["passages"]) == ("leads", 0.5, ["psg_doc_a_0"])
    assert (relation["source"]["name"], relation["target"]["name"]) == ("Ada", "Acme")
    assert relation["valid_from"] == "2010-01-01T00:00:00Z" and relation["recorded_at"] == "2026-01-01T00:00:00Z"
    assert relation["relation_id"].startswith("rel_") and acme["entity_id"].startswith("ent_")
    for day, count in [("2009-12-31", 0), ("2012-06-01", 1), ("2015-01-01", 0)]:
        at = ours.get(f"/graph/entities/{acme['entity_id']}", params={"as_of": day}).raise_for_status().json()
        assert len(at["relations"]) == count, day
    assert ours.get(f"/graph/entities/{acme['entity_id']}", params={"as_of": "soon"}).status_code == 400


def test_paths_go_over_relations_and_shared_passages(ours: Caller) -> None:
    ada, po = entity(ours, "Ada"), entity(ours, "Po")
    found = ours.get("/graph/paths", params={"from": ada["entity_id"], "to": "Po"}).raise_for_status().json()["paths"]
    assert [[one["name"] for one in path["entities"]] for path in found] == [["Ada", "Acme", "Turin", "Po"]]
    assert [one["type"] for one in found[0]["relations"]] == ["leads", "mentioned_with", "mentioned_with"]
    assert found[0]["entities"][-1]["entity_id"] == po["entity_id"] and 0 < found[0]["score"] < 1
    assert ours.get("/graph/paths", params={"from": "Ada", "to": "Po", "max_hops": 2}).json() == {"paths": []}
    assert ours.get("/graph/paths", params={"from": "Ada", "to": "Nobody"}).status_code == 404
    refused: list[dict[str, str]] = [{"from": "Ada"}, {"from": "Ada", "to": " "}]
    for wrong in [*refused, {"from": "Ada", "to": "Po", "max_hops": "9"}]:
        assert ours.get("/graph/paths", params=wrong).status_code == 400, wrong


def test_another_tenant_sees_nothing_of_it(ours: Caller, theirs: Caller) -> None:
    ada = entity(ours, "Ada")["entity_id"]
    assert theirs.get("/graph/entities").json()["items"] == []
    assert theirs.get(f"/graph/entities/{ada}").status_code == 404
    assert theirs.get(f"/graph/entities/{ada}").json()["detail"] == theirs.get("/graph/entities/ent_x").json()["detail"]
    assert theirs.get("/graph/paths", params={"from": ada, "to": ada}).status_code == 404
    assert theirs.get("/graph/export").content == b""


def test_an_export_merged_into_another_graph_exports_the_same(ours: Caller, theirs: Caller) -> None:
    exported = ours.get("/graph/export").raise_for_status()
    assert exported.headers["content-type"] == LINES
    assert len(exported.content.splitlines()) == len(GRAPH)
    for _ in range(2):
        assert merge(theirs, exported.content).status_code == 200
    assert theirs.get("/graph/export").content == exported.content
    ours_again, theirs_now = (caller.get("/graph/entities").json()["items"] for caller in (ours, theirs))
    for name in ("Ada", "Acme", "Turin", "Po"):
        [first], [second] = ([one for one in items if one["name"] == name] for items in (ours_again, theirs_now))
        assert first | {"entity_id": ""} == second | {"entity_id": ""} and first != second


BAD = {
    "no JSON": b"{",
    "no object": b"[]",
    "an unknown kind": b'{"kind": "node"}',
    "an unknown field": lines([{**GRAPH[0], "colour": "red"}]),
    "a mention that is none": lines([line("doc_z", 0, ["Ada"], relations=[LEADS])]),
    "a date that is none": lines([line("doc_z", 0, ["Ada", "Acme"], relations=[{**LEADS, "valid_from": "soon"}])]),
    "a name without a character": lines([line("doc_z", 0, [" "])]),
    "an id that is a path": lines([{**GRAPH[0], "document_id": "../../x"}]),
    "no UTF-8": b'{"kind": "merge", "name": "\xff", "other": "b"}',
    "a number that is none": lines([line("doc_z", 0, ["Ada", "Acme"], relations=[{**LEADS, "weight": 0}])]),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_file_with_a_wrong_line_is_refused_as_a_whole_and_names_the_line(ours: Caller, bad: str) -> None:
    before = ours.get("/graph/export").content
    answer = merge(ours, lines([line("doc_new", 0, ["Newcomer"])]) + BAD[bad] + b"\n")
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["pointer"].startswith("/2")
    assert ours.get("/graph/export").content == before


def test_fifty_imports_at_once_of_one_entity_make_one(ours: Caller) -> None:
    def write(number: int) -> int:
        name = "Moby Dick" if number % 2 else "MOBY DICK"
        return merge(
            ours, lines([line(f"doc_whale_{number}", 0, [name]), {**GRAPH[-1], "name": name, "other": "The Whale"}])
        ).status_code

    with ThreadPoolExecutor(50) as threads:
        assert set(threads.map(write, range(50))) == {200}
    found = entity(ours, "Moby Dick")
    assert (found["mentions"], found["documents"]) == (50, 50)


def test_an_import_takes_json_lines_from_an_admin(ours: Caller, server: Running) -> None:
    assert merge(ours, lines(GRAPH), "text/plain").status_code == 415
    reader = Caller(server.url, ours.create_key(role="reader", scopes=["read"])["api_key"])
    with reader:
        assert merge(reader, lines(GRAPH)).status_code == 403
        assert reader.get("/graph/export").status_code == 403
        assert reader.get("/graph/entities").status_code == 200


def test_an_import_and_an_export_are_in_the_audit_list(ours: Caller) -> None:
    for kind, action in (("change", "POST /graph/import"), ("access", "GET /graph/export")):
        listed = ours.get("/audit", params={"kind": kind}).raise_for_status().json()["items"]
        [first, *_] = [one for one in listed if one["action"] == action]
        assert not first.get("fields")


def test_lines_of_a_deleted_document_are_left_out(ours: Caller) -> None:
    document = ours.ingest(b"# Vanishing\n\nThis document is deleted again.\n", "vanishing.md")["document_id"]
    assert merge(ours, lines([line(document, 0, ["Vanisher"])])).json()["passages"] == 1
    assert entity(ours, "Vanisher")["documents"] == 1
    assert ours.delete(f"/documents/{document}").status_code == 204
    assert ours.get("/graph/entities", params={"q": "Vanisher"}).json()["items"] == []
    assert merge(ours, lines([line(document, 0, ["Vanisher"])])).json() == {"passages": 0, "merges": 0, "skipped": 1}
    assert ours.get("/graph/entities", params={"q": "Vanisher"}).json()["items"] == []


def test_documents_fill_the_graph_and_a_search_over_it_names_its_path(server: Running) -> None:
    _, caller = server.create_tenant("graph-filled")
    texts = (b"The painter Karel Purkyne died in Wroclaw in 1868.", b"In Wroclaw a tower has a bell. It is loud.")
    ids = [caller.upload(text, f"{n}.txt").json()["document_id"] for n, text in enumerate(texts)]
    assert [caller.final(one)["entities"] for one in ids] == [2, 1]
    asked = {"query": "Which bell rings where Karel Purkyne died?", "mode": "graph"}
    answer = caller.post("/search", json=asked).raise_for_status()
    found, found_by = answer.json(), answer.headers["x-request-id"]
    via = {one["document_id"]: one["via"] for one in found["passages"]}
    assert via == {ids[0]: ["Karel Purkyne"], ids[1]: ["Karel Purkyne", "Wroclaw"]}
    assert found["degraded"] == []
    used = caller.get("/usage/ledger", params={"request_id": found_by}).json()["items"][0]["passages"]
    assert [len(one["entity_ids"]) for one in used] == [1, 2]
    assert entity(caller, "Wroclaw")["documents"] == 2
    caller.delete(f"/documents/{ids[0]}").raise_for_status()
    caller.patch("/settings", json={"graph": "off"}).raise_for_status()
    third = caller.upload(b"Ada Holm lives in Wroclaw.", "3.txt").json()["document_id"]
    assert caller.final(third)["entities"] == 0
    assert entity(caller, "Wroclaw")["documents"] == 1
    assert caller.get("/graph/entities", params={"q": "Karel"}).json()["items"] == []
