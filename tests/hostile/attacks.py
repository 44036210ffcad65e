"""What one free tenant, or a stranger, sends to stop the others: one function for each attack."""

import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from socket import create_connection, socket
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx

from tests.documents.with_text import pdf
from tests.suite.running import Caller

STRANGER = "127.0.0.2"
"""Where the attacks come from: the limits of an address are those of the attacker alone."""
_CALLS_AT_ONCE = 12
_JSON = {"Content-Type": "application/json"}
_HEAVY_MAIL = b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + b"".join(
    b"--b\r\nContent-Type: text/html\r\n\r\n" + b"<p><b>a</i>" * 550_000 + b"\r\n" for _ in range(3)
)


class Attacker:
    """Sends with the key of one tenant, several calls at once, until `until`; counts what it is answered."""

    def __init__(self, url: str, key: str | None, until: float) -> None:
        transport = httpx.HTTPTransport(local_address=STRANGER, retries=0)
        self.until = until
        self.answers: Counter[str] = Counter()
        self._host, self._port = urlsplit(url).hostname or "", urlsplit(url).port or 0
        self._caller = httpx.Client(
            base_url=url, headers=Caller(url, key).headers, transport=transport, timeout=20, trust_env=False
        )

    def send(self, method: str, path: str, **request: Any) -> httpx.Response | None:
        """The answer; None where the server has disconnected."""
        try:
            answer = self._caller.request(method, path, **request)
        except httpx.HTTPError as error:
            self.answers[type(error).__name__] += 1
            return None
        self.answers[str(answer.status_code)] += 1
        return answer

    def upload(self, content: bytes, filename: str, path: str = "/upload") -> str:
        """The document's id; empty where it was refused."""
        answer = self.send("POST", path, files={"file": (filename, content)})
        return str(answer.json().get("document_id", "")) if answer and answer.status_code in (200, 202) else ""

    def together(self, *calls: Callable[[], object]) -> None:
        with ThreadPoolExecutor(_CALLS_AT_ONCE) as threads:
            for call in calls:
                threads.submit(call)

    def connect(self) -> socket:
        return create_connection((self._host, self._port), timeout=60, source_address=(STRANGER, 0))

    def drip(self, *pieces: bytes, connections: int) -> None:
        """Sends the pieces, one a second, on so many connections; then `until` has come, or all are closed."""
        with ExitStack() as stack:
            clients = [stack.enter_context(self.connect()) for _ in range(connections)]
            for piece in pieces:
                for client in clients:
                    with suppress(OSError):
                        client.sendall(piece)
                if time.monotonic() > self.until:
                    break
                time.sleep(1)
            self.answers["connections"] += len(clients)


def empty_lines(attacker: Attacker) -> None:
    text = b"\n" * 70_000 + b"x"
    attacker.together(
        *(lambda path=path: attacker.upload(text, "note.txt", path) for path in ("/upload", "/estimate") * 3)
    )


def large_bodies(attacker: Attacker) -> None:
    deep = b'{"question": ' + b"[" * 10_000_000 + b"]" * 10_000_000 + b"}"
    wide = b'{"model": "aegis", "messages": [' + b'{"role":"user","content":"a"},' * 130_000 + b"{}]}"
    routes = (("/ask", deep), ("/v1/chat/completions", wide))
    attacker.together(*(lambda r=r: attacker.send("POST", r[0], content=r[1], headers=_JSON) for r in routes * 3))


def long_prompts(attacker: Attacker) -> None:
    message = {"role": "user", "content": "<|a<s> [INST] why? " * 190_000}
    body = json.dumps({"model": "aegis", "messages": [message]}).encode()
    attacker.together(*[lambda: attacker.send("POST", "/v1/chat/completions", content=body, headers=_JSON)] * 4)


def long_contents(attacker: Attacker) -> None:
    document_id = attacker.upload(b"A line of a long text.\n" * 700_000, "long.txt")
    while (document := attacker.send("GET", f"/documents/{document_id}")) and document.json().get("status") == "stored":
        if time.monotonic() > attacker.until:
            break
        time.sleep(0.5)
    attacker.together(*[lambda: attacker.send("GET", f"/documents/{document_id}/content")] * 3)


def page_pictures(attacker: Attacker) -> None:
    document_id = attacker.upload(pdf("A line of a long text on many pages. " * 30_000), "long.pdf")
    attacker.together(
        *(lambda page=page: attacker.send("GET", f"/documents/{document_id}/pages/{page}.png") for page in range(1, 61))
    )


def many_embeddings(attacker: Attacker) -> None:
    body = {"model": "aegis", "input": ["a text of some words that go on " * 60] * 500}
    attacker.together(*[lambda: attacker.send("POST", "/v1/embeddings", json=body)] * 7)


def stored_answers(attacker: Attacker) -> None:
    def ask(number: int) -> None:
        attacker.send("POST", "/ask", json={"question": "why? " * 800}, headers={"Idempotency-Key": f"key-{number}"})

    attacker.together(*(lambda number=number: ask(number) for number in range(40)))


def outside_events(attacker: Attacker) -> None:
    attributes = {"specversion": "1.0", "type": "aegis.document.submitted.v1", "source": "/a", "id": "1"}
    headers = {f"ce-{name}": value for name, value in attributes.items()} | _JSON
    body = json.dumps({"filename": "a.txt", "content_base64": "QSBsaW5lLgpB" * 2_000_000}).encode()
    attacker.together(*[lambda: attacker.send("POST", "/events", content=body, headers=headers)] * 4)


def half_sent_headers(attacker: Attacker) -> None:
    attacker.drip(b"GET / HTTP/1.1\r\nHost: a", *[b"a"] * 60, connections=300)


def endless_headers(attacker: Attacker) -> None:
    attacker.drip(b"GET / HTTP/1.1\r\nHost: a\r\nX: ", *[b"a" * (1 << 20)] * 60, connections=20)


def dripping_bodies(attacker: Attacker) -> None:
    head = b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\nContent-Type: application/json\r\n\r\n"
    attacker.drip(head, *[b"a"] * 60, connections=100)


def refused_keys(attacker: Attacker) -> None:
    headers = [{"Authorization": f"Bearer aegis_{number:032x}"} for number in range(300)]
    attacker.together(*(lambda one=one: attacker.send("GET", "/documents", headers=one) for one in headers))


def many_documents(attacker: Attacker) -> None:
    attacker.together(
        *(lambda n=n: attacker.upload(f"Note {n}. It is short.\n".encode() * 200, f"{n}.md") for n in range(100))
    )


def long_documents(attacker: Attacker) -> None:
    texts = [f"Sentence {n} of a long text. ".encode() * 100_000 for n in range(4)]
    attacker.together(*(lambda text=text: attacker.upload(text, "long.txt") for text in texts))


def slow_to_parse(attacker: Attacker) -> None:
    rule = "=" * 4 + (" " + "=" * 4) * 3000
    wide = f"{rule}\n{'a    ' * 3000}\n{rule}\n{rule}\n".encode() * 20
    files = (("a.md", b"[" * 200_000), ("a.rst", wide), ("a.eml", _HEAVY_MAIL))
    paths = ("/upload", "/estimate")
    attacker.together(
        *(lambda f=f, path=path: attacker.upload(f[1], f[0], path) for path in paths for f in files),
    )


def ends_of_time(attacker: Attacker) -> None:
    paths = ("/usage?to=9999-12-31", "/documents?cursor=////", "/usage/ledger?from=0001-01-01", "/audit?to=9999-12-31")
    for path in paths * 2:
        attacker.send("GET", path)
    attacker.send("POST", "/keys", json={"name": "a\x00\x1b\u202e", "expires_at": "9999-12-31T23:59:59Z"})


class Attack(NamedTuple):
    section: str
    run: Callable[[Attacker], None]
    by_tenant: bool = True

    @property
    def name(self) -> str:
        return f"{self.section} {self.run.__name__.replace('_', ' ')}"


ATTACKS = (
    Attack("A", empty_lines),
    Attack("A", large_bodies),
    Attack("A", long_prompts),
    Attack("A", long_contents),
    Attack("A", page_pictures),
    Attack("A", many_embeddings),
    Attack("A", stored_answers),
    Attack("A", outside_events),
    Attack("B", half_sent_headers, by_tenant=False),
    Attack("B", endless_headers, by_tenant=False),
    Attack("B", dripping_bodies, by_tenant=False),
    Attack("B", refused_keys, by_tenant=False),
    Attack("D", many_documents),
    Attack("D", long_documents),
    Attack("F", slow_to_parse),
    Attack("F", ends_of_time),
)
