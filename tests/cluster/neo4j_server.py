"""A real Neo4j community server, from jars that Maven fetches once; needs `java` and `mvn` on the path.

`AEGIS_TEST_NEO4J_JARS` names the folder of the jars; the default is in the user's cache.
"""

import fcntl
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.cluster.server import Server, free_ports

USER, PASSWORD = "neo4j", "a-password-of-tests"
_POM = Path(__file__).with_name("neo4j_jars") / "pom.xml"
_HANDSHAKE = bytes.fromhex("6060b01700000405") + bytes(12)
_MEMORY = ("-Xms512m", "-Xmx512m", "-XX:MaxMetaspaceSize=256m", "-XX:ReservedCodeCacheSize=128m")
_JAVA = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    *_MEMORY,
    "-XX:+ExitOnOutOfMemoryError",
    "-Dfile.encoding=UTF-8",
    "-Dlog4j2.disable.jmx=true",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
)


def jars() -> Path:
    """The folder with the jars; skips the test where Java or Maven is missing."""
    if not (shutil.which("java") and shutil.which("mvn")):
        pytest.skip("needs java and mvn")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get("AEGIS_TEST_NEO4J_JARS") or cache / "aegisrag-tests" / "neo4j-5.26.30")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process of the tests may fetch them too
        if not (folder / "complete").exists():
            _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    command = ["mvn", "-q", "-B", "-f", str(_POM), "package", f"-Djars={folder}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        pytest.skip(f"Maven cannot fetch Neo4j: {done.stdout[-500:]}{done.stderr[-500:]}")
    (folder / "complete").touch()


class Neo4jServer(Server):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._jars = jars()
        [self.port] = free_ports(1)
        self._configure()

    @property
    def uri(self) -> str:
        return f"bolt://127.0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        return {"AEGIS_NEO4J_URI": self.uri, "AEGIS_NEO4J_USER": USER, "AEGIS_NEO4J_PASSWORD": PASSWORD}

    def command(self) -> list[str]:
        home = self.folder
        place = [f"--home-dir={home}", f"--config-dir={home}/conf", "--console-mode"]
        return ["java", *_JAVA, "-cp", f"{self._jars}/*", "org.neo4j.server.CommunityEntryPoint", *place]

    def answers(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(_HANDSHAKE)
            return len(connection.recv(4)) == 4

    def _configure(self) -> None:
        settings = {
            "server.default_listen_address": "127.0.0.1",
            "server.bolt.listen_address": f"127.0.0.1:{self.port}",
            "server.bolt.advertised_address": f"127.0.0.1:{self.port}",
            "server.bolt.tls_level": "DISABLED",
            "server.http.enabled": "false",
            "server.https.enabled": "false",
            "server.memory.pagecache.size": "128m",
            "db.tx_log.rotation.size": "64m",
            "dbms.usage_report.enabled": "false",
            **{f"server.directories.{name}": f"{self.folder}/{name}" for name in ("data", "logs", "run", "import")},
        }
        (self.folder / "conf").mkdir(exist_ok=True)
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        (self.folder / "conf" / "neo4j.conf").write_text(lines)
        environ = {**os.environ, "NEO4J_HOME": str(self.folder), "NEO4J_CONF": str(self.folder / "conf")}
        admin = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{self._jars}/*", "org.neo4j.server.startup.Neo4jAdminBoot"]
        subprocess.run(
            [*admin, "dbms", "set-initial-password", PASSWORD],
            env=environ,
            check=True,
            capture_output=True,
            timeout=120,
        )
