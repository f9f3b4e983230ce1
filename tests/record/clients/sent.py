"""sent.py - a client's own word on what it sent: one JSON object a line on stdout"""
import hashlib
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))


def sent(method, target, body=b"", content_type=None, complete=True, version="1.1", **more):
    """Tell that a request went out. @more: client="ip:port", headers=[[name, value], ...] when known."""
    print(json.dumps({
        "method": method, "target": target, "version": version, "content_type": content_type,
        "complete": complete,
        "body_len": len(body), "body_sha256": hashlib.sha256(body).hexdigest(), **more}), flush=True)
