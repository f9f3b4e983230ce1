"""cases_report.py - reports as people see them: in a browser, at two widths; drawn again from their JSON"""
import html
import json
import re
import shutil
import subprocess

from lab import HERE, Skip, check

EXAMPLE = HERE.parent / "data" / "comparison.example.json"


def browse(lab, page, *flags):
    """The document after a headless browser has laid it out."""
    chromium = shutil.which("chromium")
    if not chromium:
        raise Skip("chromium is not installed")
    done = subprocess.run([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
                           f"--user-data-dir={lab.directory / 'browser'}", *flags, "--dump-dom", page.as_uri()],
                          capture_output=True, text=True, timeout=120, cwd=lab.directory)
    check(done.returncode == 0 and "</html>" in done.stdout, f"the browser failed: {done.stderr[-300:]!r}")
    return done.stdout


def text_of(dom, pattern):
    found = re.search(pattern, dom, re.S)
    check(found, f"nothing matches {pattern} in the page")
    return html.unescape(re.sub(r"<[^>]+>", "", found.group(1))).replace("\u00a0", " ").strip()


def figure(dom, name):
    return text_of(dom, rf'id="{name}">(.*?)</')


def run(lab, *args):
    return subprocess.run([lab.binary, *map(str, args)], capture_output=True, text=True, timeout=60, cwd=lab.directory)


def report_with_comparison(lab):
    """A real run's report, with the comparison of the documented example put into it."""
    path = lab.directory / "run.json"
    done = run(lab, "-r", lab.pcap("demo"), "-t", "sink:", "-x", "max", "-q", "--report", path)
    check(done.returncode == 0, f"exit {done.returncode}: {done.stderr[-300:]}")
    report, example = json.loads(path.read_text()), json.loads(EXAMPLE.read_text())
    report["comparison"], report["gate"] = example["comparison"], example["gate"]
    path.write_text(json.dumps(report))
    return path, report


def report_in_a_browser(lab):
    """The figures on the page are those of the JSON, and nothing sticks out at the width of a phone."""
    path, report = report_with_comparison(lab)
    page = lab.directory / "page.html"
    done = run(lab, "report", path, "-o", page)
    check(done.returncode == 0 and not done.stderr, f"exit {done.returncode}: {done.stderr[-300:]}")
    text = page.read_text()
    check("<script" not in text and not re.search(r"(?:src|href)=|url\(|@import", text), "the page loads or runs something")
    dom = browse(lab, page)
    target = report["comparison"]["targets"]["default"]
    check(figure(dom, "compared") == f'{target["compared"]:,}', f'compared: {figure(dom, "compared")}')
    agree = f'{target["decision"]["rate"] * 100:.2f} %'
    check(figure(dom, "decision-agreement") == agree, f'{figure(dom, "decision-agreement")} is not {agree}')
    check(figure(dom, "shadow-p99") == "2.29 ms", figure(dom, "shadow-p99"))
    verdict = text_of(dom, r'id="verdict"><h1>(.*?)</h1>')
    check(verdict == "The gate failed: reject", f"another verdict: {verdict}")
    for section in ("funnel", "answers", "decisions", "over-time", "latency", "streams", "slices", "paths", "examples", "capture",
                    "configuration"):
        check(f'<section id="{section}">' in dom, f"no section {section}")
    check(dom.count("<svg") == 6, f"{dom.count('<svg')} plots")
    check_widths(lab, page)


def check_widths(lab, page):
    """The page in a frame, measured from outside: the page itself runs no scripts."""
    outer = lab.directory / "outer.html"
    for width in (390, 1280):
        outer.write_text(f'<iframe id="f" style="width:{width}px;height:900px;border:0" src="{page.name}"></iframe><p id="wide"></p>'
                         '<script>f.onload=()=>{wide.textContent=f.contentDocument.documentElement.scrollWidth}</script>')
        dom = browse(lab, outer, "--allow-file-access-from-files")
        wide = figure(dom, "wide")
        check(0 < int(wide) <= width, f"at {width} pixels the page is {wide} wide")


def report_again(lab):
    """What --report draws at exit, the report command draws from the JSON, to the byte; and it says what is wrong."""
    names = [lab.directory / f"now.{suffix}" for suffix in ("json", "html", "md")]
    done = run(lab, "-r", lab.pcap("demo"), "-t", "sink:", "-x", "max", "-q", *[x for n in names for x in ("--report", n)])
    check(done.returncode == 0, f"exit {done.returncode}: {done.stderr[-300:]}")
    later = [lab.directory / f"later.{suffix}" for suffix in ("json", "html", "md")]
    done = run(lab, "report", names[0], *[x for n in later for x in ("-o", n)])
    check(done.returncode == 0, f"exit {done.returncode}: {done.stderr[-300:]}")
    for now, then in zip(names, later):
        check(now.read_bytes() == then.read_bytes(), f"{now.name} and {then.name} differ")
    check("39 requests mirrored: 39 answered, 0 failed" in names[2].read_text(), "the Markdown lacks its headline")
    done = run(lab, "report", names[0])
    check(done.returncode == 0 and done.stdout == names[2].read_text(), "standard output is not the Markdown")
    check_merged(lab, names[0])
    (lab.directory / "no.json").write_text('{"packets": {}}')
    (lab.directory / "half.json").write_text(names[0].read_text()[:300])
    for args, status, words in (
            ([], 2, "name the JSON file"),
            (["no-such.json"], 1, "no-such.json"),
            (["half.json"], 1, "at byte"),
            (["no.json"], 1, "no report of shadowtap"),
            ([names[0], "-o", "x.pdf"], 2, ".json, .html and .md"),
            ([names[0], "-o", "no/such/x.md"], 1, "no/such/x.md"),
            ([names[0], "--bogus"], 2, "--bogus"),
            ([names[0], names[0], "-o", "x.json", "--fail-on", "sent <"], 2, "--fail-on"),
            (["no.json", "no.json"], 1, "no report of shadowtap"),
            (["--help"], 0, "")):
        done = run(lab, "report", *args)
        check(done.returncode == status and words in done.stderr, f"report {args}: exit {done.returncode}, {done.stderr!r}")


def check_merged(lab, name):
    """Two reports as one: the counts add up, and a gate judges the sum."""
    both = lab.directory / "both.json"
    done = run(lab, "report", name, name, "-o", both, "--fail-on", "sent > 77 or failed > 50%")
    check(done.returncode == 3 and "sent > 77" in done.stderr, f"exit {done.returncode}: {done.stderr!r}")
    merged = json.loads(both.read_text())
    check(merged["targets"]["default"]["sent"] == 78 and merged["requests"]["seen"] == 96, f"sums: {merged['requests']}")
    check(merged["gate"]["passed"] is False, "the gate is not told")
    done = run(lab, "report", name, name, "--fail-on=sent > 78")
    check(done.returncode == 0 and "# The gate passed" in done.stdout, f"exit {done.returncode}: {done.stdout[:200]}")


CASES = [report_in_a_browser, report_again]
