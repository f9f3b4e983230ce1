"""kubernetes.py - the manifests, against a schema of the parts that they use

A field that is not in SCHEMA is a fault, be it misspelt, misplaced or new: a
server would drop it in silence, and a securityContext that is dropped is the
last thing one notices.
"""
import pathlib
import subprocess

from lab import Skip, check

TOP = pathlib.Path(__file__).resolve().parent.parent.parent

NAMES = {"name": str, "namespace": str, "labels": {"*": str}}
CONTAINER = {
    "name": str, "image": str, "args": [str], "ports": [{"containerPort": int}],
    "livenessProbe": {"httpGet": {"path": str, "port": int}, "timeoutSeconds": int, "periodSeconds": int, "failureThreshold": int},
    "securityContext": {
        "runAsNonRoot": bool, "runAsUser": int, "runAsGroup": int, "readOnlyRootFilesystem": bool,
        "allowPrivilegeEscalation": bool, "capabilities": {"drop": [str], "add": [str]}, "seccompProfile": {"type": str},
    },
    "resources": {"requests": {"cpu": str, "memory": str}, "limits": {"cpu": str, "memory": str}},
    "volumeMounts": [{"name": str, "mountPath": str, "readOnly": bool}],
}
POD = {
    "hostNetwork": bool, "dnsPolicy": str, "automountServiceAccountToken": bool, "nodeSelector": {"*": str},
    "containers": [CONTAINER], "volumes": [{"name": str, "configMap": {"name": str}}],
}
WORKLOAD = {"selector": {"matchLabels": {"*": str}}, "template": {"metadata": {"labels": {"*": str}}, "spec": POD}}
SCHEMA = {
    ("v1", "Namespace"): {"metadata": NAMES},
    ("v1", "ConfigMap"): {"metadata": NAMES, "data": {"*": str}},
    ("apps/v1", "Deployment"): {"metadata": NAMES, "spec": {"replicas": int, **WORKLOAD}},
    ("apps/v1", "DaemonSet"): {"metadata": NAMES, "spec": WORKLOAD},
}


def conforms(value, schema, place):
    if isinstance(schema, dict):
        check(isinstance(value, dict), f"{place} is no mapping")
        for key, inner in value.items():
            check(key in schema or "*" in schema, f"{place}.{key} is no field of it")
            conforms(inner, schema.get(key, schema.get("*")), f"{place}.{key}")
    elif isinstance(schema, list):
        check(isinstance(value, list) and value, f"{place} is no list, or empty")
        for inner in value:
            conforms(inner, schema[0], f"{place}[]")
    else: # True is an int, too
        check(type(value) is schema, f"{place} is {type(value).__name__}, not {schema.__name__}")


def check_tap(container, place):
    security = container.get("securityContext", {})
    check(security.get("capabilities") == {"drop": ["ALL"], "add": ["NET_RAW"]}, f"{place}: more or less than NET_RAW")
    check(security.get("runAsNonRoot") is True and security.get("runAsUser"), f"{place}: it may be root")
    check(security.get("allowPrivilegeEscalation") is False, f"{place}: it may gain privileges")
    check("command" not in container, f"{place}: a program in front of it would lose the capability")
    check(security.get("readOnlyRootFilesystem") is True, f"{place}: it may write to its root")
    check(container.get("resources", {}).get("limits"), f"{place}: no limits")


def check_workload(document, configs, place):
    spec = document["spec"]
    labels, pod = spec["template"]["metadata"]["labels"], spec["template"]["spec"]
    check(spec["selector"]["matchLabels"].items() <= labels.items(), f"{place}: the selector does not match its pods")
    volumes = {volume["name"]: volume["configMap"]["name"] for volume in pod["volumes"]}
    taps = [c for c in pod["containers"] if "shadowtap" in c["image"]]
    check(len(taps) == 1, f"{place}: {len(taps)} containers of shadowtap")
    check(not pod.get("hostNetwork") or document["kind"] == "DaemonSet", f"{place}: in the host's network")
    check_tap(taps[0], place)
    mounts = {m["mountPath"]: volumes.get(m["name"]) for m in taps[0]["volumeMounts"]}
    check(set(mounts.values()) <= configs.keys(), f"{place}: it mounts {mounts}, there are {list(configs)}")
    name = pathlib.PurePath(taps[0]["args"][taps[0]["args"].index("-f") + 1])
    check(name.name in configs[mounts[str(name.parent)]], f"{place}: {name} is not in the ConfigMap")


def check_config(binary, text, directory, place):
    path = directory / "shadowtap.conf"
    path.write_text(text)
    done = subprocess.run([binary, "--check-config", "-f", path], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    check(done.returncode == 0, f"{place}: {done.stdout}")


def manifests(binary, directory):
    """Each document is what a server would take, and each configuration what the program takes."""
    try:
        import yaml
    except ImportError:
        raise Skip("no python3-yaml; see tests/packages.txt") from None
    for path in sorted((TOP / "packaging/kubernetes").glob("*.yaml")):
        documents = list(yaml.safe_load_all(path.read_text()))
        configs = {d["metadata"]["name"]: d["data"] for d in documents if d["kind"] == "ConfigMap"}
        for d in documents:
            place = f"{path.name}: {d['kind']}"
            kind = (d.get("apiVersion"), d.get("kind"))
            check(kind in SCHEMA, f"{place}: no such kind in {kind[0]}")
            conforms({k: v for k, v in d.items() if k not in ("apiVersion", "kind")}, SCHEMA[kind], place)
            if "spec" in d:
                check_workload(d, configs, place)
        for data in configs.values():
            for text in data.values():
                check_config(binary, text, directory, path.name)


manifests.title = "kubernetes"
