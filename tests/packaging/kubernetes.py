"""kubernetes.py - the manifests, against a schema of the parts that they use

A field that is not in SCHEMA is a fault, be it misspelt, misplaced or new: a
server would drop it in silence, and a securityContext that is dropped is the
last thing one notices.
"""
import itertools
import os
import pathlib
import shutil
import subprocess

import nats_talk
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
    "env": [{"name": str, "value": str}],
}
POD = {
    "hostNetwork": bool, "dnsPolicy": str, "automountServiceAccountToken": bool, "nodeSelector": {"*": str},
    "tolerations": [{"key": str, "operator": str, "value": str, "effect": str}],
    "securityContext": {"fsGroup": int}, "terminationGracePeriodSeconds": int,
    "containers": [CONTAINER], "volumes": [{"name": str, "configMap": {"name": str}, "secret": {"secretName": str}}],
}
WORKLOAD = {"selector": {"matchLabels": {"*": str}}, "template": {"metadata": {"labels": {"*": str}}, "spec": POD}}
PEER = {"podSelector": {"matchLabels": {"*": str}}, "namespaceSelector": {"matchLabels": {"*": str}}, "ipBlock": {"cidr": str}}
OPEN = {"protocol": str, "port": int}
SCHEMA = {
    ("v1", "Namespace"): {"metadata": NAMES},
    ("v1", "ConfigMap"): {"metadata": NAMES, "data": {"*": str}},
    ("apps/v1", "Deployment"): {"metadata": NAMES, "spec": {"replicas": int, **WORKLOAD}},
    ("apps/v1", "DaemonSet"): {"metadata": NAMES, "spec": WORKLOAD},
    ("apps/v1", "StatefulSet"): {"metadata": NAMES, "spec": {"serviceName": str, "replicas": int, **WORKLOAD, "volumeClaimTemplates": [
        {"metadata": {"name": str}, "spec": {"accessModes": [str], "resources": {"requests": {"storage": str}}}}]}},
    ("v1", "Service"): {"metadata": NAMES, "spec": {"selector": {"*": str}, "ports": [{"name": str, "port": int}]}},
    ("networking.k8s.io/v1", "NetworkPolicy"): {"metadata": NAMES, "spec": {
        "podSelector": {"matchLabels": {"*": str}}, "policyTypes": [str],
        "ingress": [{"from": [PEER], "ports": [OPEN]}], "egress": [{"to": [PEER], "ports": [OPEN]}]}},
    ("keda.sh/v1alpha1", "ScaledObject"): {"metadata": NAMES, "spec": {
        "scaleTargetRef": {"name": str}, "minReplicaCount": int, "maxReplicaCount": int, "cooldownPeriod": int,
        "triggers": [{"type": str, "metadata": {"serverAddress": str, "query": str, "threshold": str}}]}},
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


def check_probes(container, config, host_network, alone, place):
    """They ask where --admin listens, and a sidecar's cannot take the model out of service."""
    probes = {name: container[name]["httpGet"] for name in ("livenessProbe", "readinessProbe") if name in container}
    check("livenessProbe" in probes, f"{place}: no livenessProbe")
    check(alone == ("readinessProbe" in probes), f"{place}: a readinessProbe is for the tap that has a pod of its own")
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
    volumes = {volume["name"]: volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume}
    secrets = {volume["name"] for volume in pod["volumes"] if "secret" in volume}
    taps = [c for c in pod["containers"] if "shadowtap" in c["image"]]
    check(len(taps) == 1, f"{place}: {len(taps)} containers of shadowtap")
    check(not pod.get("hostNetwork") or document["kind"] == "DaemonSet", f"{place}: in the host's network")
    check_tap(taps[0], place)
    mounts = {m["mountPath"]: volumes.get(m["name"]) for m in taps[0]["volumeMounts"] if m["name"] not in secrets}
    check(set(mounts.values()) <= configs.keys(), f"{place}: it mounts {mounts}, there are {list(configs)}")
    name = pathlib.PurePath(taps[0]["args"][taps[0]["args"].index("-f") + 1])
    config = configs[mounts[str(name.parent)]]
    check(name.name in config, f"{place}: {name} is not in the ConfigMap")
    check_probes(taps[0], config[name.name], bool(pod.get("hostNetwork")), len(pod["containers"]) == 1, place)
    key = option(config[name.name], "nkey")
    if key or secrets:
        held = {m["mountPath"] for m in taps[0]["volumeMounts"] if m["name"] in secrets}
        check(key and {str(pathlib.PurePath(key).parent)} == held, f"{place}: the key is {key}, Secrets are at {held}")
    if document["kind"] == "DaemonSet":
        check({"operator": "Exists", "effect": "NoSchedule"} in pod["tolerations"], f"{place}: a tainted node with the label has none")


def check_config(binary, text, directory, place):
    path = directory / "shadowtap.conf"
    path.write_text(text)
    done = subprocess.run([binary, "--check-config", "-f", path], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    check(done.returncode == 0, f"{place}: {done.stdout}")


def selected(selector, workloads):
    """The workloads whose pods these labels select."""
    return [w for w in workloads if selector["matchLabels"].items() <= w["spec"]["template"]["metadata"]["labels"].items()]


def check_monitors(monitors, workloads):
    for monitor in monitors:
        found = selected(monitor["spec"]["selector"], workloads)
        check(len(found) == 1, f"podmonitor.yaml: it selects the pods of {len(found)} workloads")
        check(monitor["metadata"]["namespace"] == found[0]["metadata"]["namespace"], "podmonitor.yaml: another namespace")
        ports = {p["name"] for c in found[0]["spec"]["template"]["spec"]["containers"] for p in c["ports"]}
        check({e["port"] for e in monitor["spec"]["podMetricsEndpoints"]} <= ports, f"podmonitor.yaml: the ports are {ports}")


def check_kustomization(folder, load):
    """All that it names is there, its image is one of those, and the monitor, once added, finds the pods and their port."""
    kustomization = load("kustomization.yaml")[0]
    resources = [d for name in kustomization["resources"] for d in load(name)]
    workloads = [d for d in resources if d["kind"] in ("DaemonSet", "Deployment", "StatefulSet")]
    used = {c["image"] for d in workloads for c in d["spec"]["template"]["spec"]["containers"] if "shadowtap" in c["image"]}
    check(len(used) == 1, f"kustomization.yaml: images of its workloads are {used}")
    names = {image.rpartition(":")[0] for image in used}
    check({i["name"] for i in kustomization["images"]} == names, f"kustomization.yaml: images are {kustomization['images']}, used {names}")
    check({f"{i['newName']}:{i['newTag']}" for i in kustomization["images"]} == used,
          "kustomization.yaml: it and its workloads name two versions")
    text = (folder / "kustomization.yaml").read_text()
    offered = [path.name for path in folder.glob("*.yaml") if f"# - {path.name}\n" in text]
    check("podmonitor.yaml" in offered, "kustomization.yaml: the monitor, which not every cluster can take, is not offered")
    check_monitors(load("podmonitor.yaml"), workloads)
    if shutil.which("kubectl"):
        done = subprocess.run(["kubectl", "kustomize", folder], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        check(done.returncode == 0 and done.stdout.count("\nkind: ") == len(resources), f"kubectl kustomize: {done.stdout[-400:]}")
    return resources, workloads


def check_policies(policies, workloads):
    """Each is about pods that are there, and opens ports that they have."""
    for policy in policies:
        place = f"NetworkPolicy {policy['metadata']['name']}"
        spec = policy["spec"]
        about = selected(spec["podSelector"], workloads)
        check(len(about) == 1, f"{place} is about the pods of {len(about)} workloads")
        ports = {p["containerPort"] for c in about[0]["spec"]["template"]["spec"]["containers"] for p in c["ports"]}
        opened = {p["port"] for rule in spec.get("ingress", []) for p in rule["ports"]}
        check(opened and opened <= ports, f"{place} opens {opened} of {ports}")
        rules = [("from", r) for r in spec.get("ingress", [])] + [("to", r) for r in spec.get("egress", [])]
        peers = [peer["podSelector"] for which, rule in rules for peer in rule[which] if "podSelector" in peer]
        check(all(selected(peer, workloads) for peer in peers), f"{place} names pods that are not there: {peers}")


def shared_lines(text):
    """nats.conf from its first setting on, without comments: what the packaged one and the cluster's have to have in common."""
    stripped = [line.split("#")[0].strip() for line in text.splitlines()]
    return [line for line in itertools.dropwhile(lambda line: not line.startswith("listen"), stripped) if line]


def check_server(resources, directory):
    """The cluster's nats.conf is the packaged one, with keys for passwords and a door for probes, and the server takes it."""
    theirs = [d for d in resources if d["kind"] == "ConfigMap" and "nats.conf" in d["data"]][0]["data"]["nats.conf"]
    ours = (TOP / "packaging/nats/nats.conf").read_text()
    for old, new in (('http: "127.0.0.1:8222"', 'http: "0.0.0.0:8222"'), ("# { nkey", "{ nkey"), ("{ user: tap", "# "), ("{ user: replayer", "# ")):
        check(old in ours, f"nats.conf has no {old}")
        ours = ours.replace(old, new)
    for a, b in itertools.zip_longest(shared_lines(ours), shared_lines(theirs)):
        check(a == b, f"packaging/nats/nats.conf has {a!r}, nats.yaml {b!r}")
    pod = [d for d in resources if d["kind"] == "StatefulSet"][0]["spec"]["template"]["spec"]
    env = {e["name"]: e["value"] for e in pod["containers"][0]["env"]}
    check(len(set(env.values())) == 2, "taps and replayers have one key")
    if shutil.which(nats_talk.SERVER):
        path = directory / "nats.conf"
        path.write_text(theirs.replace("/var/lib/nats", str(directory)))
        ok, said = nats_talk.checked(path, {**os.environ, **env})
        check(ok, f"nats.yaml: {said}")


def unlike(a, b, path=""):
    """Where two documents differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [found for key in sorted(a.keys() | b.keys()) for found in unlike(a.get(key), b.get(key), f"{path}.{key}")]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [found for i, (x, y) in enumerate(zip(a, b)) for found in unlike(x, y, f"{path}[{i}]")]
    return [] if a == b else [path]


def check_fleet(folder, load, alone, directory):
    """What the fleet's folder has beyond the other; its DaemonSet is the other's but for its name, its target and its key."""
    resources, workloads = check_kustomization(folder, load)
    check_policies([d for d in resources if d["kind"] == "NetworkPolicy"], workloads)
    check_server(resources, directory)
    taps = [d for d in resources if d["kind"] == "DaemonSet"][0]
    for place in unlike(taps, alone):
        check(place in (".metadata.name", ".spec.selector.matchLabels.app", ".spec.template.metadata.labels.app", ".spec.template.spec.volumes",
                        ".spec.template.spec.containers[0].volumeMounts"), f"the DaemonSets of both folders differ in {place}")
    configs = [text for d in resources if d["kind"] == "ConfigMap" for text in d["data"].values()]
    ends = {option(text, name) for text in configs for name in ("target", "read") if (option(text, name) or "").startswith("nats://")}
    services = {f"nats://{d['metadata']['name']}.{d['metadata']['namespace']}.svc.cluster.local:{d['spec']['ports'][0]['port']}/digits"
                for d in resources if d["kind"] == "Service"}
    check(ends == services, f"taps and replayers meet at {ends}, the server is {services}")
    scaled = load("scaledobject.yaml")[0]["spec"]
    check(scaled["scaleTargetRef"]["name"] in [w["metadata"]["name"] for w in workloads if w["kind"] == "Deployment"], "KEDA scales nothing")


def each_manifest(load, path, binary, directory):
    documents = load(path.name)
    configs = {d["metadata"]["name"]: d["data"] for d in documents if d["kind"] == "ConfigMap"}
    for d in documents:
        place = f"{path.name}: {d['kind']}"
        kind = (d.get("apiVersion"), d.get("kind"))
        check(kind in SCHEMA, f"{place}: no such kind in {kind[0]}")
        conforms({k: v for k, v in d.items() if k not in ("apiVersion", "kind")}, SCHEMA[kind], place)
        if d["kind"] in ("Deployment", "DaemonSet"):
            check_workload(d, configs, place)
    for data in configs.values():
        for name, text in data.items():
            if name.startswith("shadowtap"):
                check_config(binary, text, directory, path.name)


def manifests(binary, directory):
    """Each document is what a server would take, and each configuration what the program takes."""
    try:
        import yaml
    except ImportError:
        raise Skip("no python3-yaml; see tests/packages.txt") from None
    folder = TOP / "packaging/kubernetes"

    def loader(where):
        return lambda name: list(yaml.safe_load_all((where / name).read_text()))

    for place in (folder, folder / "fleet"):
        for path in sorted(place.glob("*.yaml")):
            each_manifest(loader(place), path, binary, directory)
    _, alone = check_kustomization(folder, loader(folder))
    check_fleet(folder / "fleet", loader(folder / "fleet"), alone[0], directory)


manifests.title = "kubernetes"
