"""cases_privilege.py - what a running tap may still do: nothing but its work; and what it needs to begin"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

from lab import PYTHON, Skip, check, compare, need_program, need_python, wait_for

BASE = "http://127.0.0.1:8080"
NOBODY = 65534
TO_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
WORLD = 0o007


def status_of(pid):
    """name -> value of /proc/PID/status, of each thread"""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        yield dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)


def has_sandbox(lab):
    done = subprocess.run([lab.binary, "-V"], stdout=subprocess.PIPE, text=True, check=True)
    return "no sandbox" not in done.stdout


def pid_of(tap):
    """the tap's own: `ip netns exec` becomes the program, setpriv too"""
    return tap.popen.pid


def check_powerless(tap, uid=NOBODY, bounding=True, sandbox=True):
    threads = list(status_of(pid_of(tap)))
    check(len(threads) > 1, "a running tap has more threads than one")
    for status in threads:
        check(set(status["Uid"].split()) == {str(uid)}, f"Uid is {status['Uid']}")
        check(set(status["Gid"].split()) == {str(uid)}, f"Gid is {status['Gid']}")
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb", *(["CapBnd"] if bounding else [])):
            check(int(status[name], 16) == 0, f"{name} of a thread is {status[name]}")
        check(status["NoNewPrivs"] == "1", "no_new_privs is not set")
        # the sandbox is two, io_uring before the first loop apart; what closes packet sockets for sending stays without it
        check(status["Seccomp"] == "2", f"Seccomp is {status['Seccomp']}")
        filters = status.get("Seccomp_filters", "").strip()  # since Linux 5.9
        check(filters in ("", "3" if sandbox else "1"), f"{filters} filters")


def requests_of(lab, namespace, count, first=0):
    return lab.client(namespace, "library.py", "requests", BASE, count, first)


def powerless_and_at_work(lab):
    """As root: nobody without capabilities, no new ones, filtered; and it mirrors, to a target by name."""
    need_python("requests", "uvicorn", "numpy")
    need_hosts()
    ns = lab.namespace()
    lab.service(ns)
    shadow = lab.shadow(ns)
    before = os.umask(0)
    try:
        tap = lab.tap(ns, "-i", "lo", "-p", "8080", "-t", "http://localhost:9000", "-m", "10s", "-w", "w.pcapng")
        tap.wait_capturing()
    finally:
        os.umask(before)
    told = requests_of(lab, ns, 10)
    wait_for("all replays", lambda: len(shadow.entries("request")) >= len(told))
    check_powerless(tap, sandbox=has_sandbox(lab))
    report = tap.stop()
    compare(shadow.requests(), told)
    check(len([e for e in tap.events() if e["event"] == "outcome"]) == len(told), "events are missing")
    check(report["recording"]["packets"] > 0 and report["recording"]["dropped"] == 0, f"{report['recording']}")
    for path in ("w.pcapng", f"{tap.label}.ndjson", f"{tap.label}.json"):
        mode = (lab.directory / path).stat().st_mode & 0o777
        check(mode == 0o600, f"{path} has mode {mode:o} under umask 0")
    again = lab.tap(ns, "-r", "w.pcapng", "-t", "http://localhost:9000", "-x", "max", "-m", "10s")
    again.finish()
    ids = [[e["id"] for e in t.events() if e["event"] == "request" and e["verdict"] == "chosen"] for t in (tap, again)]
    check(ids[0] == ids[1] and len(ids[0]) == len(told), "the recording gives other requests")


def no_core_no_debugger(lab):
    """The memory of a running tap, full of what people sent, is closed to others of the same user."""
    ns = lab.namespace()
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "--dry-run")
    pid = pid_of(tap)
    done = subprocess.run([*TO_NOBODY, "--bounding-set=-all", "head", "-c1", f"/proc/{pid}/mem"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    check(done.returncode != 0 and "denied" in done.stderr, f"nobody may open the memory: {done.stderr!r}")
    tap.stop()


def stays_root(lab):
    """-Z root keeps the user and no capability."""
    ns = lab.namespace()
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "--dry-run", "-Z", "root")
    check_powerless(tap, uid=0, sandbox=has_sandbox(lab))
    tap.stop()


def without_sandbox(lab):
    """--no-sandbox: everything else is dropped all the same."""
    ns = lab.namespace()
    tap = lab.live_tap(ns, "-i", "lo", "-p", "8080", "--dry-run", "--no-sandbox")
    check_powerless(tap, sandbox=False)
    tap.stop()


def need_hosts():
    """A bare root made by debootstrap has no /etc/hosts: localhost means nothing there, and none can be put over it."""
    if not pathlib.Path("/etc/hosts").exists():
        raise Skip("this machine has no /etc/hosts")


def names_that_need_dns(lab):
    """In the sandbox: /etc/hosts, a DNS server that answers, one that does not, an answer that there is no such name."""
    need_hosts()
    ns = lab.namespace()
    shadow = lab.shadow(ns)
    etc = pathlib.Path(f"/etc/netns/{ns}")
    script = lab.directory / "dns.py"
    script.write_text(DNS)
    etc.mkdir(parents=True)
    try:
        (etc / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        (etc / "hosts").write_text("127.0.0.1 localhost file-name\n")
        server = lab.start(ns, PYTHON, script, label="dns")
        wait_for("the DNS server", lambda: "ready" in server.out)
        for number, (name, kind) in enumerate((("file-name", "2xx"), ("dns-name.test", "2xx"), ("no-name.test", "dns"))):
            tap = lab.tap(ns, "-r", lab.pcap("curl-small"), "-t", f"http://{name}:9000", "-x", "max", "-m", "20s")
            target = tap.finish()["targets"]["default"]
            counts = {**target["answered"], **target["failed"]}
            check(counts[kind] == target["sent"] > 0, f"{name}: {counts} {tap.err[-300:]!r}")
        check(shadow.requests(), "nothing arrived")
    finally:
        shutil.rmtree(etc, ignore_errors=True)


DNS = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    query, who = s.recvfrom(2000)
    end = query.index(b"\\0", 12) + 5
    a, known = query[end - 4:end - 2] == b"\\0\\1", b"dns-name" in query
    answer = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4\\x7f\\0\\0\\1" if a and known else b""
    head = query[:2] + (b"\\x81\\x80" if known else b"\\x81\\x83") + b"\\0\\1" + (b"\\0\\1" if answer else b"\\0\\0") + b"\\0" * 4
    s.sendto(head + query[12:end] + answer, who)
"""


def sandboxed_files(lab):
    """Recordings, read again for --loop, at their pace, from a pipe; signals; all in the sandbox."""
    ns = lab.namespace()
    shadow = lab.shadow(ns)
    copy = lab.directory / "copy.pcap"
    shutil.copy(lab.pcap("curl-small"), copy)
    copy.chmod(0o644)
    tap = lab.tap(ns, "-r", copy, "-t", "http://127.0.0.1:9000", "-x", "max", "--loop", "3", "-m", "10s",
                  "--stats-every", "100ms")
    sent = tap.finish()["targets"]["default"]["sent"]
    check(sent == len(shadow.requests()) > 0, f"{sent} sent, {len(shadow.requests())} arrived")


def violation_is_reported(lab):
    """A system call outside of the list ends the program with a line that names it, and what to do."""
    need_program("cc")
    if not has_sandbox(lab):
        raise Skip("this build has no sandbox")
    # A library in our place: the resolver of names is replaced by one that does what an intruder would.
    library, source = lab.directory / "intruder.so", lab.directory / "intruder.c"
    for call, name in (("fork()", "clone"), ("open(\"/tmp/x\", O_WRONLY | O_CREAT, 0600)", "openat"),
                       ("execl(\"/bin/sh\", \"sh\", (char *)0)", "execve"), ("ptrace(PTRACE_ATTACH, 1, 0, 0)", "ptrace"),
                       ("socket(AF_PACKET, SOCK_RAW, 0)", "socket"), ("kill(1, 0)", "kill"),
                       ("ioctl(2, TIOCSTI, \"x\")", "ioctl")):
        source.write_text("#define _GNU_SOURCE\n#include <fcntl.h>\n#include <netdb.h>\n#include <signal.h>\n"
                          "#include <sys/ioctl.h>\n#include <sys/ptrace.h>\n#include <sys/socket.h>\n#include <unistd.h>\n"
                          "int getaddrinfo(const char *a, const char *b, const struct addrinfo *c, struct addrinfo **d)\n"
                          "{ (void)a; (void)b; (void)d;\n"
                          "  if (c->ai_flags & AI_NUMERICHOST) return EAI_NONAME; /* asked before the sandbox is there */\n"
                          f"  return (int){call} ? EAI_FAIL : EAI_FAIL; }}\n")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        for option, status in (([], 1), (["--no-sandbox"], 0)):
            if option and name != "ptrace":
                continue
            done = subprocess.run([lab.binary, "-r", lab.pcap("curl-small"), "-t", "http://somewhere:9000", "-x", "max",
                                   *option], env={**os.environ, "LD_PRELOAD": str(library)}, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, check=False, timeout=60)
            check(done.returncode == status, f"{call}: exit {done.returncode}: {done.stderr[-300:]!r}")
            said = re.search(rf"the sandbox refused the system call {name}, number \d+; .*--no-sandbox", done.stderr)
            check(bool(said) == (not option), f"{call} {option}: {done.stderr[-300:]!r}")


# What libuv 1.50 does in each loop, for machines with an older one: a ring is made with the loop, and used while it runs.
# It fails where the sandbox lets a ring through that was made before.
RING = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
static int ring = -1;
int uv_loop_init(void *loop)
{
	int (*real)(void *) = (int (*)(void *))dlsym(RTLD_NEXT, "uv_loop_init");
	char params[120];
	memset(params, 0, sizeof(params));
	ring = (int)syscall(SYS_io_uring_setup, 8, params);
	return real(loop);
}
int uv_run(void *loop, int mode)
{
	int (*real)(void *, int) = (int (*)(void *, int))dlsym(RTLD_NEXT, "uv_run");
	if (ring >= 0)
		syscall(SYS_io_uring_enter, ring, 0, 0, 0, 0, 0);
	return real(loop, mode);
}
"""


def preload(lab, name, text):
    """The environment in which the library made of @text stands in front of the others."""
    source, library = lab.directory / f"{name}.c", lab.directory / f"{name}.so"
    source.write_text(text)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {**os.environ, "LD_PRELOAD": str(library)}


def loops_get_no_ring(lab):
    """A libuv that makes an io_uring with each loop runs in the sandbox: it is told that there is none. So does the doctor."""
    need_program("cc")
    if not has_sandbox(lab):
        raise Skip("this build has no sandbox")
    env = preload(lab, "ring", RING)
    for command in (["-r", lab.pcap("curl-small"), "-t", "sink:", "-x", "max"],
                    ["doctor", "-r", lab.pcap("curl-small"), "-t", "sink:"]):
        done = subprocess.run([lab.binary, *command], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False, timeout=60)
        check(done.returncode == 0, f"{command}: exit {done.returncode}: {(done.stdout + done.stderr)[-300:]!r}")


def kernel_without_filters(lab):
    """Where the kernel takes no filter, that is said, and what to do, and not what libseccomp calls it."""
    need_program("cc")
    if not has_sandbox(lab):
        raise Skip("this build has no sandbox")
    env = preload(lab, "refusing", "#include <errno.h>\nint seccomp_load(const void *filter) { (void)filter; return -ECANCELED; }\n")
    for option, status in (([], 1), (["--no-sandbox"], 0)):
        done = subprocess.run([lab.binary, "-r", lab.pcap("curl-small"), "-t", "sink:", "-x", "max", *option], env=env, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        check(done.returncode == status, f"{option}: exit {done.returncode}: {done.stderr[-300:]!r}")
        said = "the kernel takes no filter" in done.stderr and "--no-sandbox runs without" in done.stderr
        check(said == (not option) and "canceled" not in done.stderr, f"{option}: {done.stderr[-300:]!r}")


def doctor_tries_the_sandbox(lab):
    """A library that makes a call which the sandbox refuses: the doctor says so, and that this would not work."""
    need_program("cc")
    if not has_sandbox(lab):
        raise Skip("this build has no sandbox")
    env = preload(lab, "loop", "#include <unistd.h>\n#include <dlfcn.h>\nint uv_run(void *loop, int mode) {\n"
                               "int (*real)(void *, int) = (int (*)(void *, int))dlsym((void *)-1L, \"uv_run\");\n"
                               "return fork() == -2 ? 1 : real(loop, mode); }\n")
    command = [lab.binary, "doctor", "-r", lab.pcap("curl-small"), "-t", "sink:"]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    check(done.returncode == 1 and "would not work" in done.stdout and "--no-sandbox" in done.stdout, f"exit {done.returncode}: {done.stdout!r} {done.stderr!r}")
    check(re.search(r"the sandbox refused the system call clone, number \d+", done.stdout), f"{done.stdout!r}")


def frames_at(namespace, name):
    """how many frames the interface @name has received"""
    done = subprocess.run(["ip", "-n", namespace, "-s", "-j", "link", "show", "dev", name], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)[0]["stats64"]["rx"]["packets"]


def watched_cable(lab):
    """Two namespaces, an interface in each; the second hears what the first sends."""
    here, there = lab.namespace(), lab.namespace()
    lab.cable(here, "va", there, "vb")
    return here, there


def nothing_on_the_wire(lab):
    """Started with descriptors 0 to 2 closed, in every mixture: no log line goes out as a frame, or into the file of -o."""
    here, there = watched_cable(lab)
    for number, closed in enumerate(("0<&- 1>&- 2>&-", "0<&- 2>&-", "1>&- 2>&-", "2>&-", "0<&- 1>&-")):
        before, out, report = frames_at(there, "vb"), lab.directory / f"o{number}.ndjson", lab.directory / f"r{number}.json"
        command = ["sh", "-c", f"exec {closed}; exec \"$@\"", "sh", lab.binary, "-i", "va", "-p", "8080", "-t",
                   "http://127.0.0.1:9", "-v", "--stats-every", "100ms", "--duration", "1s", "-o", out, "--report", report]
        done = subprocess.run(lab.inside(here, command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False, timeout=60)
        check(done.returncode == 0, f"{closed}: exit {done.returncode}: {done.stderr[-300:]!r}")
        check(frames_at(there, "vb") == before, f"{closed}: {frames_at(there, 'vb') - before} frames went out")
        check(out.read_text() == "", f"{closed}: log lines in the file of -o: {out.read_text()[:200]!r}")
        check(json.loads(report.read_text())["shadowtap"], f"{closed}: no report")


INTRUDER = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
static char frame[60] = "an intruder's frame";
int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	struct timespec t = { timeout / 1000, timeout % 1000 * 1000000L };
	int domain = 0, fd = count ? fds[0].fd : -1;
	socklen_t size = sizeof(domain);
	if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_PACKET) CALL;
	return (int)syscall(SYS_ppoll, fds, count, timeout < 0 ? 0 : &t, 0, 0);
}
"""


def sockets_only_listen(lab):
    """A lane that writes to its own packet socket is stopped by the kernel, with and without the sandbox."""
    need_program("cc")
    here, there = watched_cable(lab)
    library, source = lab.directory / "intruder.so", lab.directory / "intruder.c"
    for name, call in (("write", "write(fd, frame, 60)"), ("sendto", "send(fd, frame, 60, 0)"),
                       ("dup", "write(dup(fd), frame, 60)"), ("fcntl", "write(fcntl(fd, F_DUPFD, 20), frame, 60)")):
        source.write_text(INTRUDER.replace("CALL", f"(void)!{call}"))
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        for option in ([], ["--no-sandbox"]):
            before = frames_at(there, "vb")
            command = ["env", f"LD_PRELOAD={library}", lab.binary, "-i", "va", "--dry-run", "--duration", "1s", *option]
            done = subprocess.run(lab.inside(here, command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  check=False, timeout=60)
            check(frames_at(there, "vb") == before, f"{call}: {frames_at(there, 'vb') - before} frames went out")
            if option or not has_sandbox(lab):
                check(done.returncode == -signal.SIGSYS, f"{call} {option}: exit {done.returncode}: {done.stderr[-300:]!r}")
            else:
                check(done.returncode == 1 and re.search(rf"refused the system call {name}, number \d+, which would have sent on "
                                                         "a packet socket", done.stderr), f"{call}: {done.stderr[-300:]!r}")


def only_cap_net_raw(lab):
    """An unprivileged user and a binary with the capability in its file: it captures, and has nothing afterwards."""
    need_program("setcap", "setpriv")
    need_python("requests", "uvicorn", "numpy")
    ns = lab.namespace()
    lab.service(ns)
    directory = lab.directory / "user"
    directory.mkdir()
    os.chown(directory, NOBODY, NOBODY)
    binary = lab.directory / "shadow tap"  # a space, so that the advice must be quoted
    shutil.copy(lab.binary, binary)
    binary.chmod(0o755)
    command = lab.inside(ns, [*TO_NOBODY, binary, "-i", "lo", "-p", "8080", "--dry-run", "-o",
                              directory / "o.ndjson", "--report", directory / "r.json"])
    refused = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    advice = re.search(r"setcap cap_net_raw\+ep (.*)$", refused.stderr.strip())
    check(refused.returncode == 1 and advice, f"exit {refused.returncode}: {refused.stderr!r}")
    check(advice.group(1) == f"'{binary}'", f"the advice is for {advice.group(1)}")
    done = subprocess.run(advice.group(0), shell=True, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Skip(f"this file system keeps no capabilities: {done.stderr.strip()}")
    tap = lab.tap(ns, "-h")  # for its place in the lab; the one that counts follows
    tap.wait()
    tap = type(tap)(command, lab.directory, lab.label("tap"))
    lab.processes.append(tap)
    tap.wait_capturing()
    told = requests_of(lab, ns, 5)
    check_powerless(tap, bounding=False, sandbox=has_sandbox(lab))
    tap.interrupt()
    check(tap.wait() == 0, f"exit {tap.popen.returncode}: {tap.err[-300:]!r}")
    check(f"chosen {len(told)}" in tap.err, f"{len(told)} requests, but: {tap.err[-300:]!r}")
    for path in directory.iterdir():
        check(path.stat().st_mode & WORLD == 0, f"{path.name} is open to the world")


def ordinary_user_reads_files(lab):
    """No capability at all: files are read, mirrored and recorded as ever."""
    need_program("setpriv")
    ns = lab.namespace()
    directory = lab.directory / "user"
    directory.mkdir()
    os.chown(directory, NOBODY, NOBODY)
    capture = directory / "in.pcap"
    shutil.copy(lab.pcap("curl-small"), capture)
    os.chown(capture, NOBODY, NOBODY)
    done = subprocess.run([*TO_NOBODY, "--bounding-set=-all", "--inh-caps=-all", lab.binary, "-r", capture, "-t", "sink:",
                           "-x", "max", "-m", "10s", "-w", directory / "w.pcapng"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    check(done.returncode == 0 and "failed 0" in done.stderr, f"exit {done.returncode}: {done.stderr[-300:]!r}")


CASES = [powerless_and_at_work, no_core_no_debugger, stays_root, without_sandbox, names_that_need_dns, sandboxed_files,
         violation_is_reported, loops_get_no_ring, kernel_without_filters, doctor_tries_the_sandbox, nothing_on_the_wire,
         sockets_only_listen, only_cap_net_raw, ordinary_user_reads_files]
