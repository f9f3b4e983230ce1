"""hardening.py - what the default build asks of the compiler and the linker, read in the program that came out

A Debian package has these by its own flags; the README's `./run` builds a
program that parses strangers' packets as root, and should have them too.
"""
import pathlib
import re
import subprocess

from lab import Skip, check, need_program


def read(*command):
    done = subprocess.run(list(map(str, command)), check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    check(done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr}")
    return done.stdout


def offers(option, directory):
    """What the compiler marks an object with that it made with this option; None if it has no such option."""
    source, made = directory / "offer.c", directory / "offer.o"
    source.write_text("int f(void) { return 0; }\n")
    done = subprocess.run(["cc", option, "-c", source, "-o", made], check=False, stderr=subprocess.PIPE)
    return marks(made) if done.returncode == 0 else None


def marks(made):
    return set(re.findall(r"\b(IBT|SHSTK|BTI|PAC)\b", read("readelf", "-nW", made)))


def hardened(binary, directory):
    """Position-independent, all relocations read-only and bound at the start, fortified calls, no stack that is executed."""
    need_program("readelf", "cc", "nm")
    if "asan" in read("readelf", "-dW", binary):
        raise Skip("a build with sanitizers")
    segments, dynamic = read("readelf", "-lW", binary), read("readelf", "-dW", binary)
    check(re.search(r"Elf file type is DYN", segments) and "INTERP" in segments, "not position-independent")
    check("GNU_RELRO" in segments, "relocations stay writable")
    check(re.search(r"\bBIND_NOW\b|Flags:.*\bNOW\b", dynamic), "functions are bound when they are called, in writable memory")
    check(re.search(r"GNU_STACK\s+\S+\s+\S+\s+\S+\s+\S+\s+\S+\s+RW\s", segments), "the stack can be executed")
    symbols = read("nm", "-D", binary)
    check("__stack_chk_fail" in symbols, "no guard on the stack")
    check(re.search(r"__\w+_chk\b(?<!__stack_chk)", symbols.replace("__stack_chk_fail", "")), "no fortified function is called")
    # the linker keeps the mark only if libc's own objects have it, so it is looked for in ours
    ours = pathlib.Path(binary).parent / "shadowtap.p" / "app_main.c.o"
    if not ours.exists():
        raise Skip("this is no build directory")
    for option in ("-fcf-protection=full", "-mbranch-protection=standard"):
        offered = offers(option, directory)
        check(offered is None or offered <= marks(ours), f"{option} is offered, and {ours.name} has {marks(ours)}, not {offered}")


CASES = [hardened]
