"""cases_tls.py - shadows behind TLS (nginx, with an authority of the case's own), behind a Unix socket, at other paths

The recording is pcaps/demo.pcap: what reaches the shadow must be what its
.expected.json says, whatever lies between. TLS ends in nginx, which passes
everything on to the shadow that writes it down.
"""
import json
import re
import subprocess

from lab import PCAPS, check, check_heads, compare, mirrored, need_program, wait_for

NAME = "shadow.test"


def openssl(lab, *args):
    done = subprocess.run(["openssl", *map(str, args)], cwd=lab.directory, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    check(done.returncode == 0, f"openssl {args[0]}: {done.stderr[-300:]}")


def make_authority(lab):
    openssl(lab, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 1,
            "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")


def make_certificate(lab, name, san, days=1):
    openssl(lab, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
            "-keyout", f"{name}.key", "-out", f"{name}.csr")
    (lab.directory / f"{name}.ext").write_text(f"subjectAltName={san}\n")
    openssl(lab, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", days, "-extfile", f"{name}.ext", "-out", f"{name}.pem")


def nginx(lab, ns, server, listen="listen 127.0.0.1:9443 ssl;"):
    """nginx in front of the shadow on port 9000; @server are more lines of its server block."""
    need_program("nginx")
    where = lab.directory / lab.label("nginx")
    where.mkdir()
    where.chmod(0o777)
    (where / "nginx.conf").write_text(f"""
daemon off; master_process off; user root; error_log stderr; pid {where}/pid;
events {{ worker_connections 512; }}
http {{
  log_format tls '{{"protocol":"$ssl_protocol","reused":"$ssl_session_reused","name":"$ssl_server_name",'
                 '"conn":$connection,"verify":"$ssl_client_verify","uri":"$request_uri"}}';
  access_log {where}/access.log tls;
  client_body_temp_path {where}/b; proxy_temp_path {where}/p; fastcgi_temp_path {where}/f;
  uwsgi_temp_path {where}/u; scgi_temp_path {where}/s; client_max_body_size 0;
  server {{
    {listen}
    ssl_certificate {lab.directory}/good.pem; ssl_certificate_key {lab.directory}/good.key;
    {server}
    location / {{ proxy_pass http://127.0.0.1:9000; proxy_http_version 1.1; proxy_set_header Connection "";
                  proxy_set_header Host $http_host; }}
  }}
}}
""")
    process = lab.start(ns, "nginx", "-p", where, "-c", where / "nginx.conf", label="nginx")
    process.access = where / "access.log"
    return process


def accessed(process):
    return [json.loads(line) for line in process.access.read_text().splitlines()]


def world(lab, server="", san=f"DNS:{NAME},IP:127.0.0.1"):
    need_program("openssl", "nginx")
    ns = lab.namespace()
    shadow = lab.shadow(ns)
    make_authority(lab)
    make_certificate(lab, "good", san)
    front = nginx(lab, ns, server)
    lab.wait_listening(ns, 9443, front)
    return ns, shadow, front


def expected():
    return mirrored(json.loads((PCAPS / "demo.expected.json").read_text()))


def replay(lab, ns, target, *args):
    tap = lab.tap(ns, "-r", lab.pcap("demo"), "-x", "max", "-t", target, "-m", "10s", *args)
    return tap, tap.finish()


def tls_is_spoken(lab):
    """nginx with TLS 1.2 and 1.3: everything arrives, on few connections, checked against --cacert."""
    seen = 0
    ns, shadow, front = world(lab, "ssl_protocols TLSv1.2 TLSv1.3;")
    for args in ([], ["--connections", "2"]):
        _, report = replay(lab, ns, "https://127.0.0.1:9443", "--cacert", "ca.pem", *args)
        requests = shadow.requests()[seen:]
        compare(requests, expected())
        check_heads(requests, "127.0.0.1:9443")
        seen += len(requests)
        check(report["targets"]["default"]["answered"]["2xx"] == len(requests), f"{report['targets']['default']}")
    last = accessed(front)[-len(requests):]
    check({entry["protocol"] for entry in last} == {"TLSv1.3"}, f"protocols: {last[:1]}")
    check(len({entry["conn"] for entry in last}) <= 2, "connections were not kept")


def tls_sessions(lab):
    """A server that closes after three requests: the sessions are taken up, in both versions."""
    for version in ("TLSv1.3", "TLSv1.2"):
        ns, shadow, front = world(lab, f"ssl_protocols {version}; keepalive_requests 3;")
        _, report = replay(lab, ns, "https://127.0.0.1:9443", "--cacert", "ca.pem", "--connections", "1")
        compare(shadow.requests(), expected())
        entries = accessed(front)
        fresh = {entry["conn"] for entry in entries if entry["reused"] != "r"}
        check(len({entry["conn"] for entry in entries}) >= 10, f"three requests a connection: {entries[:2]}")
        check(len(fresh) == 1, f"{version}: {len(fresh)} connections began a session of their own")


def tls_is_checked(lab):
    """A certificate that is not right: nothing is sent, the log says why, and -k overrules."""
    ns, shadow, _ = world(lab, san="DNS:other.test")
    for args, why in ((["--cacert", "ca.pem"], "IP address mismatch"), ([], "unable to get local issuer certificate")):
        tap = lab.tap(ns, "-r", lab.pcap("demo"), "-x", "max", "-t", "https://127.0.0.1:9443", "-m", "10s", *args)
        status = tap.wait()
        if status == 1 and "--cacert" in tap.err:  # a host without authorities of its own
            continue
        check(status == 0, f"exit {status}: {tap.err[-300:]}")
        target = tap.report()["targets"]["default"]
        check(target["failed"]["tls"] >= 10 and target["breaker"]["opened"] == 1, f"{target}")
        check(target["failed"]["tls"] + target["shed"]["breaker"] == len(expected()), f"{target}")
        lines, _ = tap.failures()
        check(lines and all(x["reason"] == "tls" and x["detail"] == why for x in lines), f"{lines[:1]}")
    check(not shadow.requests(), "a request went to a server that is not who it should be")
    _, report = replay(lab, ns, "https://127.0.0.1:9443", "-k")
    compare(shadow.requests(), expected())


def tls_asks_for_a_certificate(lab):
    """nginx wants one: without it, its 400 is what counts; with it all is well."""
    ns, shadow, front = world(lab, f"ssl_client_certificate {lab.directory}/ca.pem; ssl_verify_client on;")
    make_certificate(lab, "client", "DNS:client")
    _, report = replay(lab, ns, "https://127.0.0.1:9443", "--cacert", "ca.pem")
    check(report["targets"]["default"]["answered"]["4xx"] == len(expected()), f"{report['targets']['default']}")
    replay(lab, ns, "https://127.0.0.1:9443", "--cacert", "ca.pem", "--cert", "client.pem", "--key", "client.key")
    compare(shadow.requests(), expected())
    check(accessed(front)[-1]["verify"] == "SUCCESS", f"{accessed(front)[-1]}")


def tls_server_restarts(lab):
    """Killed while requests flow, and started again: found again, and its new session keys are no trouble."""
    ns, shadow, front = world(lab)
    tap = lab.tap(ns, "-r", lab.pcap("demo"), "--loop", "0", "--max-sleep", "20ms", "-t", "https://127.0.0.1:9443",
                  "--cacert", "ca.pem", "-m", "10s", "--breaker", "3")
    wait_for("replays", lambda: len(shadow.entries("request")) >= 20)
    front.end()
    wait_for("failures", lambda: tap.failures()[0])
    front = nginx(lab, ns, "")
    lab.wait_listening(ns, 9443, front)
    had = len(shadow.entries("request"))
    wait_for("replays after the restart", lambda: len(shadow.entries("request")) >= had + 20)
    report = tap.stop()
    target = report["targets"]["default"]
    check(target["failed"]["tls"] == 0, f"{target}")
    check(len(shadow.requests()) >= target["answered"]["2xx"], f"arrived {len(shadow.requests())}, {target}")


def tls_files_are_read_first(lab):
    """A file that is not right: one sentence and exit 1, before anything is captured."""
    ns = lab.namespace()
    (lab.directory / "empty.pem").write_text("")
    for args, words in ((["--cacert", "none.pem"], ["none.pem", "No such file"]),
                        (["--cacert", "empty.pem"], ["empty.pem", "PEM"]),
                        (["-k", "--cert", "empty.pem"], ["empty.pem", "--cert"])):
        tap = lab.tap(ns, "-r", lab.pcap("demo"), "-t", f"https://{NAME}", *args)
        status = tap.wait()
        check(status == 1, f"{args}: exit {status}")
        check(all(word in tap.err for word in words), f"{args}: {tap.err!r}")
        check(tap.err.count("\n") == 1, f"more than a sentence: {tap.err!r}")
    tap = lab.tap(ns, "-r", lab.pcap("demo"), "-t", f"https://{NAME}", "--key", "x.key")
    check(tap.wait() == 2 and "--cert" in tap.err, f"--key alone: {tap.err!r}")


def tls_to_a_plain_port(lab):
    """https to a server that speaks HTTP: the log says what is the matter."""
    ns = lab.namespace()
    need_program("nginx")
    make_authority(lab)
    make_certificate(lab, "good", "IP:127.0.0.1")
    front = nginx(lab, ns, "", "listen 127.0.0.1:9443;")
    lab.wait_listening(ns, 9443, front)
    tap, report = replay(lab, ns, "https://127.0.0.1:9443", "-k")
    lines, _ = tap.failures()
    check(lines and "not TLS" in lines[0]["detail"], f"{lines[:1]}")
    check(report["targets"]["default"]["answered"]["4xx"] == 0, f"{report['targets']['default']}")


def unix_socket(lab):
    """Through nginx on a Unix socket, with a prefix; the Host is localhost."""
    need_program("openssl", "nginx")
    ns = lab.namespace()
    shadow = lab.shadow(ns)
    path = lab.directory / "model.sock"
    make_authority(lab)
    make_certificate(lab, "good", "IP:127.0.0.1")
    nginx(lab, ns, "", f"listen unix:{path};")
    wait_for("the socket", path.exists)
    path.chmod(0o666)
    tap, report = replay(lab, ns, f"unix:{path}:/base", "-Z", "root")
    want = [dict(entry, target="/base" + entry["target"]) for entry in expected()]
    compare(shadow.requests(), want)
    check_heads(shadow.requests(), "localhost")


def path_is_rewritten(lab):
    """--rewrite-path for two targets, in the order given, before the prefix."""
    ns = lab.namespace()
    one, two = lab.shadow(ns), lab.shadow(ns, port=9001)
    tap = lab.tap(ns, "-r", lab.pcap("demo"), "-x", "max", "-m", "10s", "-t", "a=http://127.0.0.1:9000",
                  "-t", "b=http://127.0.0.1:9001/base", "--rewrite-path", r"^/v1/models/(\w+):predict=>/v2/models/$1/infer",
                  "--rewrite-path", "/infer$=>/infer/now")
    tap.finish()

    def rewrite(path):
        return re.sub("/infer$", "/infer/now", re.sub(r"^/v1/models/(\w+):predict", r"/v2/models/\1/infer", path))

    def rewritten(prefix):
        return [dict(entry, target=prefix + rewrite(entry["target"])) for entry in expected()]
    check(any("infer/now" in entry["target"] for entry in rewritten("")), "the recording has no such path")
    compare(one.requests(), rewritten(""))
    compare(two.requests(), rewritten("/base"))
    for bad in ("/v1", "(=>/v1", "(a)=>$2"):
        tap = lab.tap(ns, "-r", lab.pcap("demo"), "-t", "sink:", "--rewrite-path", bad)
        check(tap.wait() == 2 and "example" in tap.err, f"--rewrite-path {bad!r}: {tap.err!r}")


CASES = [tls_is_spoken, tls_sessions, tls_is_checked, tls_asks_for_a_certificate, tls_server_restarts,
         tls_files_are_read_first, tls_to_a_plain_port, unix_socket, path_is_rewritten]
