"""nats_jwt.py - an operator, an account and its users, as NATS knows them by signed tokens: what --creds is for

A token is a JWT whose algorithm is "ed25519-nkey": the account's is signed by the operator, the user's by the account. The
server is given the first two; the third, with the user's seed, is the file of credentials.
"""
import base64
import importlib.machinery
import importlib.util
import json
import subprocess
import time

from lab import HERE

NKEY = HERE.parent.parent / "packaging/nats/nkey"
PREFIX = {"operator": 14 << 3, "account": 0, "user": 20 << 3}
WITHOUT_LIMIT = {name: -1 for name in ("subs", "data", "payload", "imports", "exports", "conn", "leaf")}
WITH_STREAMS = {**WITHOUT_LIMIT, **{name: -1 for name in ("mem_storage", "disk_storage", "streams", "consumer")}}


def maker():
    """packaging/nats/nkey, which is a program, as a module."""
    loader = importlib.machinery.SourceFileLoader("nkey", str(NKEY))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("nkey", loader))
    loader.exec_module(module)
    return module


class Key:
    def __init__(self, directory, kind, name):
        nkey = maker()
        self.path, self.name = directory / f"{name}.der", name
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-outform", "DER", "-out", self.path], check=True)
        public = subprocess.run(["openssl", "pkey", "-inform", "DER", "-in", self.path, "-pubout", "-outform", "DER"], check=True,
                                stdout=subprocess.PIPE).stdout
        self.public = nkey.text(bytes([PREFIX[kind]]), public[-32:])
        self.seed = nkey.text(bytes([nkey.SEED | PREFIX[kind] >> 5, (PREFIX[kind] & 31) << 3]), self.path.read_bytes()[-32:])

    def sign(self, subject, claims):
        """A token about @subject."""
        said = {"jti": "X", "iat": int(time.time()), "iss": self.public, "sub": subject.public, "name": subject.name, "nats": claims}
        text = ".".join(encoded(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, said))
        path = self.path.with_suffix(".said")
        path.write_text(text)
        signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", self.path, "-in", path],
                                   check=True, stdout=subprocess.PIPE).stdout
        return f"{text}.{encoded(signature)}"


def encoded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def credentials(token, seed):
    """The file, as nsc writes it."""
    return "".join(f"-----BEGIN {what}-----\n{value}\n------END {what}------\n\n" for what, value in (("NATS USER JWT", token),
                                                                                                 ("USER NKEY SEED", seed)))


def make(directory, names):
    """(lines of a server's configuration, {name of a user: file of credentials})"""
    operator, account, system = Key(directory, "operator", "operator"), Key(directory, "account", "account"), Key(directory, "account", "system")
    tokens = {one.public: operator.sign(one, {"type": "account", "version": 2, "limits": limits})
              for one, limits in ((account, WITH_STREAMS), (system, WITHOUT_LIMIT))} # the server's own account may have none
    preload = ", ".join(f'{public}: "{token}"' for public, token in tokens.items())
    files = {}
    for name in names:
        user = Key(directory, "user", name)
        token = account.sign(user, {"type": "user", "version": 2, "pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1})
        files[name] = directory / f"{name}.creds"
        files[name].write_text(credentials(token, user.seed))
    said = operator.sign(operator, {"type": "operator", "version": 2})
    return f'operator: "{said}"\nsystem_account: {system.public}\nresolver: MEMORY\nresolver_preload: {{ {preload} }}\n', files
