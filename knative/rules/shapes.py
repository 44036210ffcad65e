"""The fields of the kinds that are checked here, as of Knative 1.23 (Serving) and 1.22 (Eventing)."""

from knative.rules.fields import ANYTHING, Each, Flagged, Refused, Shape

TEXTS = Each(str)
INT_OR_TEXT = (int, str)

METADATA: Shape = {
    "name": str,
    "generateName": str,
    "namespace": str,
    "labels": TEXTS,
    "annotations": TEXTS,
    "finalizers": [str],
    "ownerReferences": [ANYTHING],
}
_TOP: dict[str, Shape] = {"apiVersion": str, "kind": str, "metadata": METADATA, "status": ANYTHING}

_KEY_OF: Shape = {"name": str, "key": str, "optional": bool}
_NAMED: Shape = {"name": str, "optional": bool}
_KEY_TO_PATH: Shape = {"key": str, "path": str, "mode": int}
_PROBE: Shape = {
    "exec": {"command": [str]},
    "httpGet": {
        "path": str,
        "port": INT_OR_TEXT,
        "host": str,
        "scheme": str,
        "httpHeaders": [{"name": str, "value": str}],
    },
    "tcpSocket": {"port": INT_OR_TEXT, "host": str},
    "grpc": {"port": int, "service": str},
    "initialDelaySeconds": int,
    "periodSeconds": int,
    "timeoutSeconds": int,
    "successThreshold": int,
    "failureThreshold": int,
}
_CONTAINER: Shape = {
    "name": str,
    "image": str,
    "imagePullPolicy": str,
    "command": [str],
    "args": [str],
    "workingDir": str,
    "env": [
        {
            "name": str,
            "value": str,
            "valueFrom": {
                "configMapKeyRef": _KEY_OF,
                "secretKeyRef": _KEY_OF,
                "fieldRef": Flagged("kubernetes.podspec-fieldref"),
                "resourceFieldRef": Flagged("kubernetes.podspec-fieldref"),
            },
        }
    ],
    "envFrom": [{"prefix": str, "configMapRef": _NAMED, "secretRef": _NAMED}],
    "ports": [{"name": str, "containerPort": int, "protocol": str}],
    "resources": {"requests": Each((int, float, str)), "limits": Each((int, float, str))},
    "livenessProbe": _PROBE,
    "readinessProbe": _PROBE,
    "startupProbe": _PROBE,
    "securityContext": {
        "allowPrivilegeEscalation": bool,
        "capabilities": {"drop": [str], "add": Flagged("kubernetes.containerspec-addcapabilities")},
        "privileged": Refused(),
        "readOnlyRootFilesystem": bool,
        "runAsGroup": int,
        "runAsNonRoot": bool,
        "runAsUser": int,
        "seccompProfile": {"type": str, "localhostProfile": str},
    },
    "terminationMessagePath": str,
    "terminationMessagePolicy": str,
    "volumeMounts": [{"name": str, "mountPath": str, "subPath": str, "readOnly": bool}],
}
_VOLUME: Shape = {
    "name": str,
    "emptyDir": {"medium": str, "sizeLimit": (int, str)},
    "secret": {"secretName": str, "items": [_KEY_TO_PATH], "defaultMode": int, "optional": bool},
    "configMap": {"name": str, "items": [_KEY_TO_PATH], "defaultMode": int, "optional": bool},
    "projected": {"sources": [ANYTHING], "defaultMode": int},
    "persistentVolumeClaim": Flagged("kubernetes.podspec-persistent-volume-claim"),
    "hostPath": Flagged("kubernetes.podspec-volumes-hostpath"),
    "image": Flagged("kubernetes.podspec-volumes-image"),
    "csi": Flagged("kubernetes.podspec-volumes-csi"),
}
_POD: Shape = {
    "containers": [_CONTAINER],
    "volumes": [_VOLUME],
    "serviceAccountName": str,
    "automountServiceAccountToken": bool,
    "enableServiceLinks": bool,
    "imagePullSecrets": [{"name": str}],
    "containerConcurrency": int,
    "timeoutSeconds": int,
    "responseStartTimeoutSeconds": int,
    "idleTimeoutSeconds": int,
    "affinity": Flagged("kubernetes.podspec-affinity"),
    "dnsConfig": Flagged("kubernetes.podspec-dnsconfig"),
    "dnsPolicy": Flagged("kubernetes.podspec-dnspolicy"),
    "hostAliases": Flagged("kubernetes.podspec-hostaliases"),
    "hostIPC": Flagged("kubernetes.podspec-hostipc"),
    "hostNetwork": Flagged("kubernetes.podspec-hostnetwork"),
    "hostPID": Flagged("kubernetes.podspec-hostpid"),
    "initContainers": Flagged("kubernetes.podspec-init-containers"),
    "nodeSelector": Flagged("kubernetes.podspec-nodeselector"),
    "priorityClassName": Flagged("kubernetes.podspec-priorityclassname"),
    "runtimeClassName": Flagged("kubernetes.podspec-runtimeclassname"),
    "schedulerName": Flagged("kubernetes.podspec-schedulername"),
    "securityContext": Flagged("kubernetes.podspec-securitycontext"),
    "shareProcessNamespace": Flagged("kubernetes.podspec-shareprocessnamespace"),
    "tolerations": Flagged("kubernetes.podspec-tolerations"),
    "topologySpreadConstraints": Flagged("kubernetes.podspec-topologyspreadconstraints"),
}
SERVICE: Shape = {
    **_TOP,
    "spec": {
        "template": {"metadata": METADATA, "spec": _POD},
        "traffic": [
            {
                "revisionName": str,
                "latestRevision": bool,
                "percent": int,
                "tag": str,
                "configurationName": Refused(),
                "url": Refused(),
            }
        ],
    },
}

_REFERENCE: Shape = {"apiVersion": str, "kind": str, "name": str, "namespace": str, "group": str, "address": str}
_DESTINATION: Shape = {"ref": _REFERENCE, "uri": str, "CACerts": str, "audience": str}
_DELIVERY: Shape = {
    "retry": int,
    "backoffPolicy": str,
    "backoffDelay": str,
    "timeout": str,
    "deadLetterSink": _DESTINATION,
    "retryAfterMax": Flagged("delivery-retryafter"),
}
_FILTER: dict[str, Shape] = {"exact": TEXTS, "prefix": TEXTS, "suffix": TEXTS, "cesql": str}
_FILTER |= {"all": [_FILTER], "any": [_FILTER], "not": _FILTER}
TRIGGER: Shape = {
    **_TOP,
    "spec": {
        "broker": str,
        "filter": {"attributes": TEXTS},
        "filters": [_FILTER],
        "subscriber": _DESTINATION,
        "delivery": _DELIVERY,
    },
}
BROKER: Shape = {**_TOP, "spec": {"config": _REFERENCE, "delivery": _DELIVERY}}
PING_SOURCE: Shape = {
    **_TOP,
    "spec": {
        "schedule": str,
        "timezone": str,
        "contentType": str,
        "data": str,
        "dataBase64": str,
        "sink": _DESTINATION,
        "ceOverrides": {"extensions": TEXTS},
    },
}
