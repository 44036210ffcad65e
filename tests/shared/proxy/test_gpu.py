"""How busy the GPU is, as the program of its maker says; nothing where it says nothing."""

from pathlib import Path

import pytest

from shared.proxy.routing.gpu import Gpu


def program(folder: Path, script: str) -> str:
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\necho asked >> {folder}/asked\n{script}\n")
    path.chmod(0o755)
    return str(path)


async def test_the_busiest_counts_and_is_asked_once_in_a_while(tmp_path: Path) -> None:
    gpu = Gpu(program(tmp_path, "printf '7\\n93\\n'"))
    assert [await gpu.busy() for _ in range(3)] == [0.93] * 3
    assert (tmp_path / "asked").read_text().count("asked") == 1


@pytest.mark.parametrize("script", ["echo '[N/A]'", "exit 9", "exec sleep 20"])
async def test_what_it_does_not_say_is_not_known(script: str, tmp_path: Path) -> None:
    assert await Gpu(program(tmp_path, script)).busy() is None


async def test_a_program_that_does_not_run_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "nvidia-smi"
    path.write_bytes(b"\x7fELF, but no more")
    path.chmod(0o755)
    assert await Gpu(str(path)).busy() is None


async def test_without_a_gpu_nothing_is_asked() -> None:
    assert await Gpu("no such program").busy() is None
