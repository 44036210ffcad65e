"""A process of its own that asks /health at `URL` every 20 ms until its stdin ends; then it prints, in milliseconds,
how long each answer took."""

import http.client
import select
import sys
import time
from urllib.parse import urlsplit


def main(url: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    took = []
    while not select.select([sys.stdin], [], [], 0.02)[0]:
        began = time.perf_counter()
        connection.request("GET", "/health")
        answer = connection.getresponse()
        assert answer.read() and answer.status == 200
        took.append((time.perf_counter() - began) * 1000)
    print(*(f"{ms:.1f}" for ms in took))


if __name__ == "__main__":
    main(sys.argv[1])
