"""policy.py - the verdicts of whole runs: the order of decisions and the books around them

Which routes are denied and what the presets hold is tested in the policy
floor's unit tests; here: that each verdict reaches its counter and its event.
"""
from harness import Capture, Failure, case, check, check_books, refused
from packets import DLT_EN10MB, T0, pcap

BODY = b'{"instances": [1]}'


def verdicts(name, args, *rows, requests=("-X", "any")):
    """rows: (method, target, headers, reason or None = chosen)"""
    @case(f"policy: {name}", sink=True)
    def fill(b):
        c = b.opened()
        for method, target, headers, reason in rows:
            b.ask(c, method=method, target=target, body=BODY if method in ("POST", "PUT") else b"", headers=headers,
                  verdict="filtered" if reason else "chosen", reason=reason)
            b.answer(c)
        c.close()
        b.args, b.requests_args = args, requests
        for reason in ("method", "denied", "path", "host", "header", "loop"):
            b.counters[f"requests.filtered.{reason}"] = sum(row[3] == reason for row in rows)


PREDICT, INFER = "/v1/models/m:predict", "/v2/models/m/infer"
verdicts("methods by default", [],
         ("POST", PREDICT, [], None), ("PUT", "/predictions/m", [], None), ("GET", "/v1/models/m", [], "method"),
         ("DELETE", "/v1/x", [], "method"), ("PATCH", "/v1/x", [], "method"), requests=())
verdicts("the deny list wins over any", [],
         ("POST", "/v2/repository/models/m/load", [], "denied"), ("POST", "/v2/repository/models/m/unload", [], "denied"),
         ("POST", "/v1/load_lora_adapter", [], "denied"), ("GET", "/v2/health/ready", [], "denied"),
         ("GET", "/metrics", [], "denied"), ("POST", INFER, [], None), ("POST", PREDICT, [], None))
verdicts("the deny list, overridden", ["--allow-side-effects"],
         ("POST", "/v2/repository/models/m/load", [], None), ("GET", "/metrics", [], None))
CHANGING = ["freeze_gc", "configure_logging", "open_session", "close_session", "start_expert_distribution_record",
            "stop_expert_distribution_record", "dump_expert_distribution_record", "workflows?url=https://archive.test/w.war",
            "props", "update_weights", "flush_cache", "models?url=m.mar"]
verdicts("routes that change a server: SGLang, TorchServe, llama.cpp, Ray Serve", [],
         *[("POST", f"/{route}", [], "denied") for route in CHANGING], ("PUT", "/api/serve/applications/", [], "denied"))
OPENAI = ["v1/chat/completions", "v1/audio/transcriptions", "v1/audio/translations", "v1/audio/speech", "v1/images/generations",
          "v1/images/edits", "v1/moderations", "openai/deployments/w/audio/transcriptions"]
verdicts("OpenAI's routes: what asks a model, and what keeps something", ["--preset", "openai"],
         *[("POST", f"/{route}", [], None) for route in OPENAI], ("POST", "/v1/files", [], "denied"), ("POST", "/v1/batches", [], "denied"),
         ("POST", "/openai/files", [], "denied"), ("POST", "/v1/other", [], "path"))
verdicts("preset", ["--preset", "v2"], ("POST", INFER, [], None), ("POST", "/other", [], "path"))
verdicts("path and not-path", ["--path", "^/v[12]/", "--not-path", "secret"],
         ("POST", PREDICT, [], None), ("POST", "/v3/x", [], "path"), ("POST", "/v1/secret", [], "path"))
verdicts("a target without a slash is judged with one, as it is sent", ["--path", "^/", "--not-path", "^/private"],
         ("POST", "predict", [], None), ("POST", "private/x", [], "path"), ("POST", "evil.com:80", [], None),
         ("POST", "http://other/private", [], "path"), ("POST", "http://other/x", [], None))
verdicts("host", ["--match-host", "^model\\.test$"], ("POST", PREDICT, [], None))
verdicts("another host", ["--match-host", "^other\\.test$"], ("POST", PREDICT, [], "host"))
verdicts("the loop guard", [], ("POST", PREDICT, [("X-Shadowtap", "0123456789abcdef")], "loop"), ("POST", PREDICT, [], None))
verdicts("order: method, denied, path, host, header, loop",
         ["--path", "^/v1/", "--match-host", "test", "--match-header", "X-Model: a"],
         ("GET", "/metrics", [], "method"), ("POST", "/v2/repository/models/m/load", [("X-Shadowtap", "1")], "denied"),
         ("POST", "/v9", [("X-Shadowtap", "1")], "path"), ("POST", "/v1/x", [("X-Shadowtap", "1")], "header"),
         ("POST", "/v1/x", [("X-Shadowtap", "1"), ("X-Model", "a")], "loop"), ("POST", "/v1/x", [("X-Model", "a")], None),
         requests=("-X", "POST"))


def many(count):
    b = Capture()
    for n in range(count // 20):
        c = b.opened()
        for number in range(20):
            b.ask(c, target=f"/{n}/{number}", body=BODY)
            b.answer(c)
        c.close()
    b.settle()
    return b


def sampled(bench, b, *args):
    result = bench.read("-r", bench.path("many.pcap", b.file()), *args)
    problems = check_books(result)
    if problems:
        raise Failure("; ".join(problems))
    if result.report["requests"]["seen"] != len(b.expected):
        raise Failure(f"saw {result.report['requests']['seen']} of {len(b.expected)}")
    return result


@check("policy: the share of requests is exact")
def exact_share(bench):
    b = many(400)
    for share, chosen in (("5%", 20), ("0.05", 20), ("25%", 100), ("0.5%", 2), ("100%", 400), ("1", 400), ("0%", 0)):
        got = sampled(bench, b, "-S", share).report["requests"]
        if got["chosen"] != chosen or got["unsampled"] != 400 - chosen:
            raise Failure(f"-S {share} chose {got['chosen']} and left {got['unsampled']} of 400")


@check("policy: a keyed share keeps a connection together, and is the same again")
def keyed_share(bench):
    b = many(2000)
    for key in ("connection", "client", "header:Host"):
        runs = [sampled(bench, b, "-S", "30%", "--sample-by", key) for _ in (0, 1)]
        chosen = [{e["id"] for e in r.requests if e["verdict"] == "chosen"} for r in runs]
        if chosen[0] != chosen[1]:
            raise Failure(f"{key}: two runs chose differently")
        split = {}
        for e in runs[0].requests:
            split.setdefault(e["src"] if key == "connection" else 0, set()).add(e["verdict"])
        if any(len(v) != 1 for v in split.values()):
            raise Failure(f"{key}: one {key} was chosen in part")
        if key == "connection" and not 100 <= len(chosen[0]) <= 1200:
            raise Failure(f"30% of 100 connections gave {len(chosen[0])} of 2000 requests")


@check("policy: a share by id is the same behind a translation of addresses, and by another clock")
def share_by_id(bench):
    chosen = []
    for client, server, start in (("10.0.0.1", "10.0.0.2:8000", T0), ("198.51.100.7", "192.0.2.9:31080", T0 + 3600 * 10**9)):
        b = Capture()
        for n in range(100):
            c = b.opened(client=f"{client}:{40000 + n}", server=server, isn=n * 2_654_435_761 % 2**32,
                         server_isn=n * 40_503_011 % 2**32, start=start)
            for number in range(20):
                b.ask(c, target=f"/{n}/{number}", body=BODY)
                b.answer(c)
            c.close()
        b.settle()
        result = sampled(bench, b, "-S", "30%", "--sample-by", "id")
        chosen.append({e["target"] for e in result.requests if e["verdict"] == "chosen"})
    if chosen[0] != chosen[1]:
        raise Failure(f"{len(chosen[0] - chosen[1])} and {len(chosen[1] - chosen[0])} were chosen at one place alone")
    if not 500 <= len(chosen[0]) <= 700:  # 600, with a deviation of 20
        raise Failure(f"30% of 2000 requests are {len(chosen[0])}")


@check("policy: -c stops after that many chosen requests")
def count(bench):
    b = many(100)
    result = bench.read("-r", bench.path("many.pcap", b.file()), "-c", "7")
    problems = check_books(result)
    if result.report["requests"]["chosen"] != 7:
        problems.append(f"-c 7 chose {result.report['requests']['chosen']}")
    if problems:
        raise Failure("; ".join(problems))


@check("policy: several targets, each with its own books", replays=True)
def targets(bench):
    b = many(200)
    path = bench.path("many.pcap", b.file())
    result = bench.read("-r", path, mode=("-t", "one=sink:", "-t", "two=sink:", "-x", "max", "-m", "300s"))
    problems = check_books(result, targets=2)
    if set(result.report["targets"]) != {"one", "two"}:
        problems.append(f"targets {sorted(result.report['targets'])}")
    for name, t in result.report["targets"].items():
        if t["answered"]["2xx"] != 200:
            problems.append(f"{name}: answered 2xx {t['answered']['2xx']} of 200")
    if problems:
        raise Failure("; ".join(problems[:5]))


@check("policy: a target that refuses connections, books balance", replays=True)
def dead_target(bench):
    import socket
    with socket.socket() as s:  # bound, not listening: connections are refused for as long as we hold it
        s.bind(("127.0.0.1", 0))
        b = many(100)
        result = bench.read("-r", bench.path("many.pcap", b.file()),
                            mode=("-t", f"http://127.0.0.1:{s.getsockname()[1]}", "-x", "max"))
    problems = check_books(result, targets=1)
    t = result.report["targets"].get("default", {})
    if not t.get("failed", {}).get("connect"):
        problems.append("no failure to connect was counted")
    if t.get("answered", {}).get("2xx"):
        problems.append("somebody answered")
    if problems:
        raise Failure("; ".join(problems[:5]))


USAGE = [
    (["-p", "0"], "port"), (["-p", "70000"], "port"), (["-p", "http"], "port"), (["-X", "FETCH IT"], "method"),
    (["--preset", "nothing"], "preset"), (["--path", "("], "path"), (["--match-header", "no colon"], "header"),
    (["--max-body", "-1"], "max-body"), (["-m", "soon"], "300ms"), (["-x", "0"], "range"),
    (["--no-such-option"], "no-such-option"),
    (["-t", "127.0.0.1:9000"], "http"), (["-t", "ftp://host/"], "http"), (["-t", "http://host:0"], "port"),
]

for arguments, word in USAGE:
    @check(f"policy: usage error, {' '.join(arguments)}")
    def usage(bench, arguments=arguments, word=word):
        path = bench.path("x.pcap", pcap([], DLT_EN10MB))
        mode = [] if "-t" in arguments else ["--dry-run"]
        refused(bench, ["-r", path, *mode, *arguments], 2, word)
