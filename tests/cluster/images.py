"""Images of this repository, built and run with buildah and podman.

They stand on `AEGIS_TEST_IMAGE_BASE`, or on a Debian made here by debootstrap (as root, once for each machine), which
needs no registry.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cluster.server import free_ports

ROOT = Path(__file__).resolve().parents[2]
_OWN_BASE = "localhost/aegis-test-base:bookworm"
_BASE_PACKAGES = "python3,python3-venv,ca-certificates"
_OF_THE_MACHINE = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf")
_CONFINED = ("--read-only", "--tmpfs", "/tmp:size=64m", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


class Images:
    """Runs both programs with settings that hold in a container and on a bare machine."""

    def __init__(self, folder: Path) -> None:
        for name in ("buildah", "podman"):
            _needs(name)
        runtime = f'runtime = "{found}"\n' if (found := shutil.which("runc")) else ""
        (folder / "containers.conf").write_text(
            '[containers]\ndefault_ulimits = ["nofile=1024:4096", "nproc=2048:2048"]\n'
            'netns = "host"\ncgroupns = "host"\n'
            f'[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n{runtime}'
        )
        self._folder = folder
        self._environ = {**os.environ, "CONTAINERS_CONF": str(folder / "containers.conf")}

    def run(self, *words: str, within_s: float = 60) -> str:
        """What it printed. A failure shows the end of what it said."""
        done = subprocess.run(words, env=self._environ, capture_output=True, text=True, timeout=within_s, check=False)
        assert done.returncode == 0, f"{' '.join(words[:3])}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout.strip()

    def code(self, *words: str, within_s: float = 60) -> tuple[int, str]:
        done = subprocess.run(words, env=self._environ, capture_output=True, text=True, timeout=within_s, check=False)
        return done.returncode, done.stderr

    def build(self, name: str) -> str:
        """Builds `infra/images/NAME` and returns the image's name."""
        tag = f"localhost/aegisrag/{name}:test"
        mounts = [word for file in _OF_THE_MACHINE if Path(file).exists() for word in ("--volume", f"{file}:{file}:ro")]
        self.run(
            *("buildah", "bud", "--isolation", "chroot", "--network", "host", *mounts),
            *("--build-arg", f"BASE={self._base()}", "--file", str(ROOT / "infra/images" / name / "Containerfile")),
            *("--tag", tag, str(ROOT)),
            within_s=280,
        )
        return tag

    def configuration(self, image: str) -> dict[str, Any]:
        (described,) = json.loads(self.run("podman", "image", "inspect", image))
        return dict(described["Config"])

    def inside(self, image: str, *command: str) -> str:
        """Runs a program of the image, confined as on a cluster."""
        program, *words = command
        return self.run("podman", "run", "--rm", *_CONFINED, "--entrypoint", program, image, *words)

    @contextmanager
    def running(self, image: str, function: str, **variables: str) -> Iterator["Container"]:
        [port] = free_ports(1)
        given = [
            word for key, value in {**variables, "PORT": str(port)}.items() for word in ("--env", f"{key}={value}")
        ]
        name = self.run("podman", "run", "--detach", "--network", "host", *_CONFINED, *given, image, function)
        try:
            yield Container(self, name, port)
        finally:
            self.run("podman", "rm", "--force", "--time", "0", name)

    def _base(self) -> str:
        given = os.environ.get("AEGIS_TEST_IMAGE_BASE")
        if given:
            return given
        if self.code("podman", "image", "exists", _OWN_BASE)[0] != 0:
            self._bootstrap()
        return _OWN_BASE

    def _bootstrap(self) -> None:
        _needs("debootstrap", "or AEGIS_TEST_IMAGE_BASE, an image with Python 3.11")
        if os.geteuid() != 0:
            pytest.skip("needs root for debootstrap, or AEGIS_TEST_IMAGE_BASE")
        root, archive = self._folder / "debian", self._folder / "debian.tar"
        self.run("debootstrap", "--variant=minbase", f"--include={_BASE_PACKAGES}", "bookworm", str(root), within_s=240)
        self.run("tar", "--directory", str(root), "--create", "--file", str(archive), ".")
        shutil.rmtree(root)
        self.run("podman", "import", str(archive), _OWN_BASE)
        archive.unlink()


class Container:
    """One function, running."""

    def __init__(self, images: Images, name: str, port: int) -> None:
        self._images = images
        self.name = name
        self.url = f"http://127.0.0.1:{port}"

    def ready(self, within_s: float = 30) -> httpx.Response:
        """The answer of its readiness, when it says yes."""
        until = time.monotonic() + within_s
        while True:
            try:
                answer = httpx.get(f"{self.url}/health/ready")
                if answer.status_code == 200:
                    return answer
            except httpx.TransportError:
                pass
            assert time.monotonic() < until, self._images.code("podman", "logs", self.name)
            time.sleep(0.05)

    def execute(self, *command: str) -> tuple[int, str]:
        return self._images.code("podman", "exec", self.name, *command)

    def terminate(self, within_s: float) -> int:
        """Its exit code after SIGTERM."""
        self._images.run("podman", "kill", "--signal", "TERM", self.name)
        return int(self._images.run("podman", "wait", self.name, within_s=within_s))


def _needs(program: str, otherwise: str = "") -> None:
    if shutil.which(program) is None:
        pytest.skip(f"needs {program} {otherwise}".strip())
