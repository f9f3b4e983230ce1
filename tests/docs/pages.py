"""pages.py - what a reader could copy from our pages

A page of Markdown gives its fenced blocks: ```sh are commands to run, ```console
are commands after "$ " with what they print, ```conf are configuration files,
which a comment in their first line may name; ```rules are files for --rules. The man page gives the commands
of its EXAMPLES.
"""
import collections
import re

# lines: of the page, for messages; shown: what a ```console block prints, else None
Command = collections.namedtuple("Command", "line text shown")
Config = collections.namedtuple("Config", "line name text")
# One fenced block, or one example: commands that are meant to be typed one after the other.
Block = collections.namedtuple("Block", "commands")
Page = collections.namedtuple("Page", "name blocks configs rules")

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def joined(text, first):
    """(line number, command) of each command, continued lines joined, comments and empty lines left out."""
    number, command = first, ""
    for offset, line in enumerate(text.splitlines()):
        if not command:
            number = first + offset
        command += line
        if command.endswith("\\"):
            command = command[:-1]
            continue
        # a comment begins at a "#" after white space, as in a shell; none of our commands has one in quotes
        command = re.sub(r"(^|\s)#\s.*$", "", command).strip()
        if command:
            yield number, command
        command = ""


def console(text, first):
    """The commands of a ```console block, each with the lines below it."""
    commands = []
    for offset, line in enumerate(text.splitlines()):
        if re.match(r"[$#] ", line):
            commands.append(Command(first + offset, line[2:], []))
        elif commands:
            commands[-1].shown.append(line)
    return commands


def markdown(name, text):
    blocks, configs, rules = [], [], []
    for match in FENCE.finditer(text):
        first = text.count("\n", 0, match.start()) + 2
        kind, body = match[1], match[2]
        if kind == "sh":
            blocks.append(Block([Command(line, command, None) for line, command in joined(body, first)]))
        elif kind == "console":
            blocks.append(Block(console(body, first)))
        elif kind == "conf":
            named = re.match(r"# (/etc/shadowtap/[\w.@-]+)", body)
            configs.append(Config(first, named and named[1], body))
        elif kind == "rules":
            rules.append(Config(first, None, body))
    return Page(name, blocks, configs, rules)


def unroff(line):
    return re.sub(r"\\&|\\f.", "", line).replace("\\-", "-").replace("\\e", "\\")


def man(name, text):
    """The examples of an mdoc page: .Dl lines, and literal displays."""
    begin = text.index(".Sh EXAMPLES")
    end = text.index(".Sh ", begin + 4)
    line = text.count("\n", 0, begin) + 1
    blocks, display = [], None
    for number, source in enumerate(text[begin:end].splitlines(), line):
        if source.startswith(".Dl "):
            blocks.append(Block([Command(number, unroff(source[4:])[2:], None)]))
        elif source.startswith(".Bd -literal"):
            display = []
        elif source.startswith(".Ed"):
            body = re.sub(r"^[$#] ", "", "\n".join(display), flags=re.MULTILINE)
            blocks.append(Block([Command(n, c, None) for n, c in joined(body, number - len(display))]))
            display = None
        elif display is not None:
            display.append(unroff(source))
    return Page(name, blocks, [], [])


def links(text):
    """Relative links of a Markdown page, without their anchors."""
    found = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))
    return [link.split("#")[0] for link in found if not re.match(r"[a-z]+:|#", link)]
