"""A fuzzer that reads /openapi.json finds no answer that is not described there, and no fault of ours."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.suite.running import Running

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
CONFIGURATION = """
[generation]
max-examples = 4
[checks]
# What a schema cannot say is refused all the same: a used idempotency key, an empty file, a password that is its name.
positive_data_acceptance.enabled = false
"""
WITHOUT = r"^/(events|auth/signing-keys|tenants/.tenant_id.|keys/.key_id.)$"
"""The entrance of events has a media type that the fuzzer does not make; the others end the keys that it uses."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    if not SCHEMATHESIS.exists():
        pytest.skip("needs schemathesis")
    running = Running(tmp_path / "data").start()
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize("role", ["admin", "operator", "nobody"])
def test_no_route_answers_otherwise_than_it_is_described(server: Running, role: str, tmp_path: Path) -> None:
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    key = {"admin": server.api_key, "operator": server.operator_key, "nobody": ""}[role]
    with server.caller(server.api_key) as admin:
        admin.ingest(b"# Tides\n\nThe tide at Molde is two metres high.\n")
    command = [str(SCHEMATHESIS), "--config-file", str(configuration), "run", f"{server.url}/openapi.json"]
    phases = "examples,coverage,fuzzing,stateful" if role == "admin" else "coverage"
    options = ["--phases", phases, "--workers", "2", "--exclude-path-regex", WITHOUT]
    credential = ["-H", f"Authorization: Bearer {key}"] if key else []
    limits = ["--generation-deterministic", "--max-failures", "20", "--request-timeout", "60"]
    unchecked = ["--suppress-health-check", "all"]  # how hard it is to make a body that fits
    ran = subprocess.run(
        [*command, *options, *credential, *limits, *unchecked, "--no-color"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=900,
    )
    # Its own errors, which are none of the suite, also end it with another code.
    found = re.search(r"(\d+) generated, (\d+) passed", ran.stdout)
    assert found and "Failures:" not in ran.stdout, ran.stdout[-12_000:]
    assert int(found[1]) == int(found[2]) > 500
