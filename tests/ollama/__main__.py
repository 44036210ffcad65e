"""The fake as a process, for runs that need a server beside them.

python -m tests.ollama --port N [--model NAME[=capability,…[=width]]]… [--answers module:function] [--cloud-key KEY]
                       [--parallel 1] [--seconds-per-token 0]
"""

import argparse
import asyncio
import signal
from importlib import import_module

from tests.ollama.cloud import Account
from tests.ollama.models import Answer, Model, plainly
from tests.ollama.server import FakeOllama


def _model(text: str, answer: Answer) -> Model:
    name, capabilities, width = [*text.split("="), "", ""][:3]
    abilities = tuple((capabilities or "completion").split(","))
    return Model(name, answer=answer, capabilities=abilities, width=int(width or Model.width))


def _answer(text: str | None) -> Answer:
    if text is None:
        return plainly
    module, _, function = text.partition(":")
    found: Answer = getattr(import_module(module), function)
    return found


async def _serve(arguments: argparse.Namespace) -> None:
    answer = _answer(arguments.answers)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with FakeOllama(
        *(_model(text, answer) for text in arguments.model or ["smol"]),
        account=Account(key=arguments.cloud_key) if arguments.cloud_key else None,
        parallel=arguments.parallel,
        seconds_per_token=arguments.seconds_per_token,
        port=arguments.port,
    ) as fake:
        print(f"ready {fake.url}", flush=True)
        await stopped.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.ollama", description="A stand-in for Ollama.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--model", action="append")
    parser.add_argument("--answers")
    parser.add_argument("--cloud-key")
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--seconds-per-token", type=float, default=0.0)
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
