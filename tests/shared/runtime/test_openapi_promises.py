"""The description of the API says what handlers declare, and refers to nothing that it lacks."""

import sys
from types import ModuleType
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from shared.runtime.http.openapi import describe
from shared.runtime.http.openapi_schemas import references
from shared.table.table import Function, Operation, Table, load
from shared.types.http import Paged

SUITE = load()
DESCRIBED: dict[str, Any] = msgspec.json.decode(describe(SUITE))
ROUTES = [pytest.param(function, op, id=op.on) for function, op in SUITE.routes()]


def operation_of(row: Operation, described: dict[str, Any] = DESCRIBED) -> Any:
    return described["paths"][row.path][row.method.lower()]


def header_parameters(row: Operation) -> set[str]:
    return {one["name"] for one in operation_of(row)["parameters"] if one["in"] == "header"}


def names_of(described: dict[str, Any]) -> set[str]:
    return {reference.rpartition("/")[2] for reference in references(described)}


def test_every_schema_that_is_referred_to_is_there_and_no_other() -> None:
    assert names_of(DESCRIBED) == set(DESCRIBED["components"]["schemas"])


def test_nothing_is_described_that_only_the_server_knows() -> None:
    assert not {"SpooledFile", "Upload", "CloudEvent"} & set(DESCRIBED["components"]["schemas"])


def test_two_types_of_one_name_are_two_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    class Empty(Struct):
        pass

    def endpoint(name: str, field: str) -> Function:
        answer = msgspec.defstruct("Answer", [(field, str)], module=f"odd.{name}.handler")

        async def handle(request):  # type: ignore[no-untyped-def]
            raise NotImplementedError

        handle.__annotations__ = {"request": Empty, "return": answer}
        module = ModuleType(f"odd.{name}.handler", "Answers.")
        module.handle = handle  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return Function("Answers.", (), (Operation(f"GET /{name}", "Answer", role="public"),), name=name, package="odd")

    described = msgspec.json.decode(describe(Table((endpoint("one", "first"), endpoint("two", "second")))))
    schemas = described["components"]["schemas"]
    assert names_of(described) == set(schemas)
    for path, field in {"/one": "first", "/two": "second"}.items():
        reference = described["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        assert list(schemas[reference.rpartition("/")[2]]["properties"]) == [field]


@pytest.mark.parametrize(("function", "row"), ROUTES)
def test_a_route_has_its_rows_summary_and_its_handlers_whole_docstring(function: Function, row: Operation) -> None:
    described = operation_of(row)
    assert described["summary"] == row.summary
    assert described["description"].split() == (function.module(row).__doc__ or "").split()


@pytest.mark.parametrize(("function", "row"), ROUTES)
def test_a_route_describes_the_errors_that_its_handler_declares(function: Function, row: Operation) -> None:
    is_openai = row.path.startswith("/v1/")
    statuses = {str(429 if is_openai and one.status == 402 else one.status) for one in function.errors(row)}
    assert statuses <= set(operation_of(row)["responses"])


@pytest.mark.parametrize(("function", "row"), ROUTES)
def test_each_answer_describes_its_headers(function: Function, row: Operation) -> None:
    for status, answer in operation_of(row)["responses"].items():
        headers = set(answer["headers"])
        assert headers >= {"X-Request-ID", "Aegis-Version", "X-RateLimit-Limit", "X-RateLimit-Remaining"}
        assert ("Retry-After" in headers) == (status in ("429", "503"))
        assert ("X-Budget-Remaining" in headers) == row.spends
        if status in ("200", "201", "202", "204"):
            assert ("Idempotent-Replayed" in headers) == (row.method == "POST" and row.role != "public")


@pytest.mark.parametrize(("function", "row"), ROUTES)
def test_request_headers_are_described_where_they_are_read(function: Function, row: Operation) -> None:
    streams = "text/event-stream" in operation_of(row)["responses"].get("200", {}).get("content", {})
    assert ("Idempotency-Key" in header_parameters(row)) == (row.method == "POST" and row.role != "public")
    assert ("Last-Event-ID" in header_parameters(row)) == (streams and row.method == "GET")


def test_a_list_describes_the_link_to_its_next_page() -> None:
    answer = DESCRIBED["paths"]["/documents"]["get"]["responses"]["200"]
    assert "Link" in answer["headers"]
    schema = DESCRIBED["components"]["schemas"][answer["content"]["application/json"]["schema"]["$ref"].split("/")[-1]]
    assert set(Paged.__struct_fields__) <= set(schema["properties"])


def test_an_event_may_be_sent_structured_or_binary() -> None:
    described = DESCRIBED["paths"]["/events"]["post"]
    content = described["requestBody"]["content"]
    assert set(content) == {"application/cloudevents+json", "application/json"}
    structured = content["application/cloudevents+json"]["schema"]
    assert structured["properties"]["data"] == content["application/json"]["schema"]
    assert structured["properties"]["data_base64"]["contentSchema"] == structured["properties"]["data"]
    assert structured["oneOf"] == [{"required": ["data"]}, {"required": ["data_base64"]}]
    assert {"ce-id", "ce-source", "ce-type", "ce-specversion"} <= {one["name"] for one in described["parameters"]}


@pytest.mark.parametrize("path", ["/upload", "/estimate"])
def test_a_file_is_sent_in_a_form(path: str) -> None:
    ((media_type, content),) = DESCRIBED["paths"][path]["post"]["requestBody"]["content"].items()
    assert media_type == "multipart/form-data"
    file = content["schema"]["properties"]["file"]
    assert file == {"type": "string", "contentMediaType": "application/octet-stream"}
    assert content["schema"]["required"] == ["file"]
