"""The tools: search, ask, get_document, list_documents."""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from functions.mcp.messages import INVALID_PARAMS, RpcError
from shared.answers.answering import AnswerExecution, Answering, QuestionTask
from shared.catalogue.catalogue import Catalogue
from shared.catalogue.finding import find, list_views
from shared.catalogue.view import DocumentView, view
from shared.parsing.document_text import document_text
from shared.parsing.pool import ParserPool
from shared.records.records import TenantRecords
from shared.retrieval.retrieve import Mode
from shared.retrieval.searching import SearchAnswer, search
from shared.runtime.http.requests import explained
from shared.table.table import Table
from shared.types.call import Call
from shared.types.citation import Citation
from shared.types.errors import Conflict, FieldError, InvalidRequest, Problem
from shared.types.paging import PageLimit
from shared.types.principal import Scope
from shared.types.question import QuestionText
from shared.types.usage import Usage
from shared.usage.metering import Meter

_LONGEST_PART = 100_000
"""Characters of a document in one answer."""


class TenantDocuments(Struct, frozen=True):
    """What the tools work with."""

    answering: Answering
    catalogue: Catalogue
    records: TenantRecords
    parsers: ParserPool
    table: Table
    meter: Meter
    call: Call


DocumentIds = Annotated[
    tuple[str, ...], Meta(max_length=1000, description="Only these documents are searched, such as doc_4f1c.")
]
Places = Annotated[int, Meta(ge=1, le=50, description="How many passages are looked at, at most.")]


class SearchArguments(Struct, frozen=True, forbid_unknown_fields=True):
    query: Annotated[QuestionText, Meta(description="What to look for, in words or as a question.")]
    limit: Places = 8
    mode: Mode = "hybrid"
    document_ids: DocumentIds | None = None


class AskArguments(Struct, frozen=True, forbid_unknown_fields=True):
    question: Annotated[QuestionText, Meta(description="One question, complete in itself.")]
    limit: Places = 8
    mode: Mode = "hybrid"
    document_ids: DocumentIds | None = None


class AskAnswer(Struct, frozen=True):
    """`answered` is false, and `answer` empty, where the documents hold no answer. `[n]` is the index of a citation."""

    request_id: str
    answered: bool
    answer: str
    citations: tuple[Citation, ...]
    usage: Usage
    execution: AnswerExecution
    degraded: tuple[str, ...]


class GetDocumentArguments(Struct, frozen=True, forbid_unknown_fields=True):
    document_id: Annotated[str, Meta(description="As search and list_documents give it.", max_length=100)]
    offset: Annotated[int, Meta(ge=0, description="The first character of the text; see next_offset.")] = 0
    limit: Annotated[int, Meta(ge=1, le=_LONGEST_PART, description="Characters of the text, at most.")] = 20_000


class DocumentText(Struct, frozen=True):
    """A part of a document's text, in Markdown. `text` is null where the document has none yet: see its status.
    `next_offset` is null at the end."""

    document: DocumentView
    text: str | None
    offset: int
    total_chars: int | None
    next_offset: int | None


class ListDocumentsArguments(Struct, frozen=True, forbid_unknown_fields=True):
    limit: PageLimit = 50
    cursor: Annotated[str, Meta(description="The next_cursor of the page before.", max_length=200)] | None = None


class DocumentList(Struct, frozen=True):
    """Documents, newest first. `next_cursor` is null on the last page."""

    items: list[DocumentView]
    next_cursor: str | None


class McpTool(Struct, frozen=True):
    title: str
    description: str
    scope: Scope
    arguments: type[Struct]
    answer: type[Struct]
    run: Callable[[Any, TenantDocuments], Awaitable[Struct]]


async def _search(wanted: SearchArguments, documents: TenantDocuments) -> SearchAnswer:
    payer, library = documents.call.payer, documents.answering.library
    return await search(library, documents.meter, payer, wanted.query, wanted.mode, wanted.limit, wanted.document_ids)


async def _ask(wanted: AskArguments, documents: TenantDocuments) -> AskAnswer:
    call = documents.call
    task = QuestionTask(
        question=wanted.question,
        payer=call.payer,
        mode=wanted.mode,
        limit=wanted.limit,
        document_ids=wanted.document_ids,
        on_remaining=call.on_remaining,
    )
    result = await documents.answering.answer(task, await documents.answering.sources(task))
    return AskAnswer(
        request_id=call.request_id,
        answered=result.answered,
        answer=result.text,
        citations=result.citations,
        usage=result.usage,
        execution=result.execution,
        degraded=result.degraded,
    )


async def _get_document(wanted: GetDocumentArguments, documents: TenantDocuments) -> DocumentText:
    entry = await find(wanted.document_id, documents.catalogue)
    document = view(entry, documents.table.stages(entry.record.route))
    try:
        written = await document_text(entry.record, documents.records, documents.table, documents.parsers)
    except Conflict:
        return DocumentText(document, None, wanted.offset, None, None)
    text = written.decode()
    end = wanted.offset + wanted.limit
    return DocumentText(document, text[wanted.offset : end], wanted.offset, len(text), end if end < len(text) else None)


async def _list_documents(wanted: ListDocumentsArguments, documents: TenantDocuments) -> DocumentList:
    return DocumentList(*await list_views(documents.catalogue, documents.table, wanted.limit, wanted.cursor))


TOOLS = {
    "search": McpTool(
        "Search documents",
        "Finds the passages of the documents that match a query best, by meaning and by words, with their documents "
        "and pages.",
        "ask",
        SearchArguments,
        SearchAnswer,
        _search,
    ),
    "ask": McpTool(
        "Ask the documents",
        "Answers a question from the documents, with citations whose quotes stand literally in them. It says so when "
        "they hold no answer.",
        "ask",
        AskArguments,
        AskAnswer,
        _ask,
    ),
    "get_document": McpTool(
        "Read a document",
        "Returns a document's properties and its text as Markdown, part by part.",
        "read",
        GetDocumentArguments,
        DocumentText,
        _get_document,
    ),
    "list_documents": McpTool(
        "List documents",
        "Lists the documents, newest first, with their status.",
        "read",
        ListDocumentsArguments,
        DocumentList,
        _list_documents,
    ),
}


def list_tools(scopes: tuple[Scope, ...]) -> list[dict[str, Any]]:
    """The tools that a credential with these scopes may call."""
    return [_described(name) for name, tool in TOOLS.items() if tool.scope in scopes]


async def call_tool(params: dict[str, Any], documents: TenantDocuments) -> dict[str, Any]:
    """The tool's result. What is wrong with the arguments, or went wrong, is a result too, which a model can read.
    Raises `RpcError` for a tool that does not exist."""
    name, arguments = params.get("name"), params.get("arguments", {})
    tool = TOOLS.get(name) if isinstance(name, str) else None
    if tool is None:
        raise RpcError(INVALID_PARAMS, f"Unknown tool: {str(name)[:100]}. There are {', '.join(TOOLS)}.")
    principal = documents.call.principal
    if principal is None or tool.scope not in principal.scopes:
        return _failed(f"This takes a key with the scope `{tool.scope}`.")
    try:
        answer = await tool.run(_converted(arguments, tool.arguments), documents)
    except Problem as problem:
        if problem.status == Problem.status:
            raise
        return _failed(_explained(problem))
    return {
        "content": [{"type": "text", "text": msgspec.json.encode(answer).decode()}],
        "structuredContent": msgspec.to_builtins(answer),
        "isError": False,
    }


def _converted(arguments: Any, kind: type[Struct]) -> Struct:
    try:
        return msgspec.convert(arguments, kind)
    except msgspec.ValidationError as error:
        raise explained(error, "/arguments") from None


def _failed(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": True}


def _explained(problem: Problem) -> str:
    def line(error: FieldError) -> str:
        return f"{error.pointer}: {error.detail}"

    details = [line(error) for error in problem.errors] if isinstance(problem, InvalidRequest) else []
    wait = f"Try again in {problem.retry_after} s." if problem.retry_after else ""
    return " ".join(part for part in (problem.detail, *details, wait) if part)


@cache
def _described(name: str) -> dict[str, Any]:
    tool = TOOLS[name]
    return {
        "name": name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": _schema(tool.arguments),
        "outputSchema": _schema(tool.answer),
        "annotations": {"title": tool.title, "readOnlyHint": True, "openWorldHint": False},
    }


def _schema(kind: type[Struct]) -> dict[str, Any]:
    """A schema whose root is an object, as clients expect it."""
    (reference,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    root = components.pop(reference["$ref"].removeprefix("#/$defs/"))
    return {**root, **({"$defs": components} if components else {})}
