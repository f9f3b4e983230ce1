"""cases_schema.py - reports are as docs/report.schema.json says: every member is named there, and nothing else is written"""
import copy
import json
import subprocess

from lab import HERE, Failed, Skip, check

DOCS = HERE.parent.parent / "docs"
EXAMPLE = HERE.parent / "data" / "comparison.example.json"

# Runs that fill different members: a replay, a paced one, a dry run, a recording, targets that fail, nothing on the port.
RUNS = [
    ("demo", "-t", "sink:", "-x", "max"),
    ("demo", "-t", "sink:", "-x", "50"),
    ("demo", "--dry-run", "--show-query"),
    ("demo", "-t", "sink:", "-x", "max", "-w", "flows.pcapng", "-S", "50%", "-o", "events.ndjson"),
    ("demo", "-t", "one=http://127.0.0.1:1", "-t", "two=sink:", "-x", "max"),
    ("ab-keepalive", "-p", "1", "-t", "sink:", "-x", "max"),
]


def validator():
    try:
        import jsonschema
    except ImportError:
        raise Skip("python3 has no module jsonschema; see tests/packages.txt") from None
    schema = json.loads((DOCS / "report.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def validate(against, report, what):
    for error in against.iter_errors(report):
        raise Failed(f"{what}: {'.'.join(map(str, error.absolute_path)) or 'the report'}: {error.message[:300]}")


def run(lab, capture, *options):
    path = lab.directory / "report.json"
    done = subprocess.run([lab.binary, "-r", str(lab.pcap(capture)), *options, "-q", "--report", str(path)],
                          capture_output=True, text=True, timeout=60, cwd=lab.directory)
    check(done.returncode == 0, f"{options}: exit {done.returncode}: {done.stderr[-300:]}")
    return json.loads(path.read_text())


def with_example(report):
    example = json.loads(EXAMPLE.read_text())
    return {**report, "comparison": example["comparison"], "gate": example["gate"]}


def report_schema(lab):
    """Real reports, and the example of a comparison, are valid; nothing that is required may be missing from a real one."""
    against = validator()
    for capture, *options in RUNS:
        report = run(lab, capture, *options)
        validate(against, report, f"{capture} {' '.join(options)}")
        validate(against, with_example(report), "the example")
    check_against(lab, against, with_example(report))


def check_against(lab, schema, report):
    """A report held against another has one member more, which says that nothing has changed since the same."""
    path, drawn = lab.directory / "example.json", lab.directory / "against.json"
    path.write_text(json.dumps(report))
    done = subprocess.run([lab.binary, "report", path, "--against", path, "-o", drawn], capture_output=True, text=True, timeout=60)
    check(done.returncode == 0, f"report --against: exit {done.returncode}: {done.stderr[-300:]}")
    told = json.loads(drawn.read_text())
    validate(schema, told, "a report against another")
    default = told["against"]["targets"]["default"]
    names = {v["name"] for v in default["values"]}
    check({"mismatch", "decision_agreement", "shadow_errors", "production_p50"} <= names, f"values: {names}")
    check(all(v["change"] is None and v["difference"] == 0 for v in default["values"]), f"changed: {default['values']}")
    check(default["paths"] == [] and default["paths_alike"] > 0, f"paths: {default['paths']}")


def members(value, path=()):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield path, name
            yield from members(inner, (*path, name))
    elif isinstance(value, list) and value:
        yield from members(value[0], (*path, 0))


def shortened(value):
    """The same shape with one element in each list but those of plain values, since one is as good as all."""
    if isinstance(value, dict):
        return {name: shortened(inner) for name, inner in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], (dict, list)):
        return [shortened(value[0])]
    return value


def report_schema_notices(lab):
    """A member with another name is refused wherever it stands: the schema is not one that lets anything pass."""
    against = validator()
    report = shortened(with_example(run(lab, "demo", "-t", "sink:", "-x", "max")))
    validate(against, report, "the shortened one")
    free = {("targets",), ("comparison", "targets"), ("comparison", "options")}  # names of targets; options may grow
    for path, name in list(members(report)):
        if path in free or path[-1:] in (("errors",), ("not_comparable",)):
            continue
        changed = copy.deepcopy(report)
        at = changed
        for step in path:
            at = at[step]
        at["another_" + name] = at.pop(name)
        check(not against.is_valid(changed), f"{'.'.join(map(str, path))}: {name} may be called anything")


def names_in(schema):
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for inner in schema.values():
            yield from names_in(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from names_in(inner)


def report_documented(lab):
    """docs/report.md says of every member what it means."""
    text = (DOCS / "report.md").read_text()
    options = {"rtol", "atol", "preset", "rules", "ignore", "unordered", "max_answer", "slice_by", "show_bodies"}  # as the options
    missing = sorted({name for name in names_in(json.loads((DOCS / "report.schema.json").read_text()))
                      if f"`{name}`" not in text} - options)
    check(not missing, f"docs/report.md does not say what these are: {', '.join(missing)}")


CASES = [report_schema, report_schema_notices, report_documented]
