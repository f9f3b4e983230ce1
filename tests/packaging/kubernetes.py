"""kubernetes.py - the manifests, against a schema of the parts that they use

A field that is not in SCHEMA is a fault, be it misspelt, misplaced or new: a
server would drop it in silence, and a securityContext that is dropped is the
last thing one notices.
"""
import pathlib
import shutil
import subprocess

from lab import Skip, check

TOP = pathlib.Path(__file__).resolve().parent.parent.parent

NAMES = {"name": str, "namespace": str, "labels": {"*": str}}
PROBE = {
    "httpGet": {"host": str, "path": str, "port": int}, "timeoutSeconds": int, "periodSeconds": int, "failureThreshold": int,
}
CONTAINER = {
    "name": str, "image": str, "args": [str], "ports": [{"name": str, "containerPort": int}],
    "livenessProbe": PROBE, "readinessProbe": PROBE,
    "securityContext": {
        "runAsNonRoot": bool, "runAsUser": int, "runAsGroup": int, "readOnlyRootFilesystem": bool,
        "allowPrivilegeEscalation": bool, "capabilities": {"drop": [str], "add": [str]}, "seccompProfile": {"type": str},
    },
    "resources": {"requests": {"cpu": str, "memory": str}, "limits": {"cpu": str, "memory": str}},
    "volumeMounts": [{"name": str, "mountPath": str, "readOnly": bool}],
}
POD = {
    "hostNetwork": bool, "dnsPolicy": str, "automountServiceAccountToken": bool, "nodeSelector": {"*": str},
    "tolerations": [{"key": str, "operator": str, "value": str, "effect": str}],
    "containers": [CONTAINER], "volumes": [{"name": str, "configMap": {"name": str}}],
}
WORKLOAD = {"selector": {"matchLabels": {"*": str}}, "template": {"metadata": {"labels": {"*": str}}, "spec": POD}}
SCHEMA = {
    ("v1", "Namespace"): {"metadata": NAMES},
    ("v1", "ConfigMap"): {"metadata": NAMES, "data": {"*": str}},
    ("apps/v1", "Deployment"): {"metadata": NAMES, "spec": {"replicas": int, **WORKLOAD}},
    ("apps/v1", "DaemonSet"): {"metadata": NAMES, "spec": WORKLOAD},
    ("monitoring.coreos.com/v1", "PodMonitor"): {"metadata": NAMES, "spec": {
        "selector": {"matchLabels": {"*": str}}, "podMetricsEndpoints": [{"port": str, "path": str, "interval": str}]}},
    ("kustomize.config.k8s.io/v1beta1", "Kustomization"): {
        "resources": [str], "images": [{"name": str, "newName": str, "newTag": str}]},
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


def option(text, name):
    """The value of an option in a configuration file, or None."""
    found = [line.partition("=")[2].strip() for line in text.splitlines() if line.partition("=")[0].strip() == name]
    return found[-1] if found else None


def check_probes(container, config, host_network, place):
    """They ask where --admin listens, and a sidecar's cannot take the model out of service."""
    probes = {name: container[name]["httpGet"] for name in ("livenessProbe", "readinessProbe") if name in container}
    check("livenessProbe" in probes, f"{place}: no livenessProbe")
    check(host_network == ("readinessProbe" in probes), f"{place}: a readinessProbe is for the tap that has a pod of its own")
    address, _, port = (option(config, "admin") or "").rpartition(":")
    for name, get in probes.items():
        check(get["path"] == "/healthz" and str(get["port"]) == port, f"{place}: {name} asks {get}, --admin is {address}:{port}")
        # in the node's own network the kubelet reaches the loopback address, in a pod's it comes from outside
        check(get.get("host") == ("127.0.0.1" if host_network else None), f"{place}: {name} asks {get}")
        check(address == "0.0.0.0" or (host_network and address == "127.0.0.1"), f"{place}: {name} does not get to {address}")
    check(int(port) in [p["containerPort"] for p in container["ports"]], f"{place}: port {port} is not named")


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
    config = configs[mounts[str(name.parent)]]
    check(name.name in config, f"{place}: {name} is not in the ConfigMap")
    check_probes(taps[0], config[name.name], bool(pod.get("hostNetwork")), place)
    if document["kind"] == "DaemonSet":
        check({"operator": "Exists", "effect": "NoSchedule"} in pod["tolerations"], f"{place}: a tainted node with the label has none")


def check_config(binary, text, directory, place):
    path = directory / "shadowtap.conf"
    path.write_text(text)
    done = subprocess.run([binary, "--check-config", "-f", path], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    check(done.returncode == 0, f"{place}: {done.stdout}")


def check_kustomization(folder, load):
    """All that it names is there, its image is one of those, and the monitor, once added, finds the pods and their port."""
    kustomization = load("kustomization.yaml")[0]
    resources = [d for name in kustomization["resources"] for d in load(name)]
    taps = [c for d in resources if d["kind"] == "DaemonSet" for c in d["spec"]["template"]["spec"]["containers"]]
    check(len(taps) == 1, f"kustomization.yaml: {len(taps)} containers in its DaemonSets")
    names = {c["image"].rpartition(":")[0] for c in taps}
    check({i["name"] for i in kustomization["images"]} == names, f"kustomization.yaml: images are {kustomization['images']}, used {names}")
    check({f"{i['newName']}:{i['newTag']}" for i in kustomization["images"]} == {c["image"] for c in taps},
          "kustomization.yaml: it and the DaemonSet name two versions")
    text = (folder / "kustomization.yaml").read_text()
    check("# - podmonitor.yaml\n" in text, "kustomization.yaml: the monitor, which not every cluster can take, is not offered")
    monitor = load("podmonitor.yaml")[0]
    target = [d for d in resources if d["kind"] == "DaemonSet"][0]
    check(monitor["metadata"]["namespace"] == target["metadata"]["namespace"], "podmonitor.yaml: another namespace")
    labels = target["spec"]["template"]["metadata"]["labels"]
    check(monitor["spec"]["selector"]["matchLabels"].items() <= labels.items(), "podmonitor.yaml: it selects no pod")
    ports = {p["name"] for p in taps[0]["ports"]}
    check({e["port"] for e in monitor["spec"]["podMetricsEndpoints"]} <= ports, f"podmonitor.yaml: the ports are {ports}")
    if shutil.which("kubectl"):
        done = subprocess.run(["kubectl", "kustomize", folder], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        check(done.returncode == 0 and done.stdout.count("\nkind: ") == len(resources), f"kubectl kustomize: {done.stdout[-400:]}")


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
            if d["kind"] in ("Deployment", "DaemonSet"):
                check_workload(d, configs, place)
        for data in configs.values():
            for text in data.values():
                check_config(binary, text, directory, path.name)
    folder = TOP / "packaging/kubernetes"
    check_kustomization(folder, lambda name: list(yaml.safe_load_all((folder / name).read_text())))


manifests.title = "kubernetes"
