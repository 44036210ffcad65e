"""Shows the whole job on one machine: upload documents, ask questions, print citations and costs.

Runs the same commands that a person would type, on a data folder of its own (`.demo/`, made anew each time).
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / ".demo"
AEGIS = Path(sys.executable).with_name("aegis")
DOCUMENTS = Path("docs/examples/documents")
QUESTIONS = (
    "How much can the Kestrel crane lift?",
    "Who founded Lindgren Ferries?",
    "How many days of paid leave do employees have?",
    "What do bicycles cost?",
    "Who painted the Kestrel crane?",
)
NO_ANSWER = 3


def main() -> int:
    started = time.monotonic()
    shutil.rmtree(DATA, ignore_errors=True)
    server = subprocess.Popen(
        [AEGIS, "serve", "--data", DATA, "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=(ROOT / ".demo.log").open("w"),
        text=True,
    )
    try:
        assert server.stdout is not None
        ready = server.stdout.readline().strip()
        if not ready.startswith("ready"):
            print(f"The server did not start; see {ROOT / '.demo.log'}.", file=sys.stderr)
            return 1
        print(ready)
        ok = run("ingest", str(DOCUMENTS)) == 0
        answered = [run("ask", question) for question in QUESTIONS]
        ok = ok and all(code in (0, NO_ANSWER) for code in answered)
        print(f"\n{answered.count(0)} questions answered, {answered.count(NO_ANSWER)} refused because the documents do")
        print(f"not say, in {time.monotonic() - started:.0f} s. To go on by yourself: make serve")
        return 0 if ok else 1
    finally:
        server.terminate()
        server.wait(timeout=40)


def run(*arguments: str) -> int:
    command = " ".join(f'"{word}"' if " " in word else word for word in arguments)
    print(f"\n$ aegis {command}", flush=True)
    environment = {**os.environ, "AEGIS_DATA": str(DATA)}
    return subprocess.run([AEGIS, *arguments], cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
