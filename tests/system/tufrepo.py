# SPDX-License-Identifier: Apache-2.0
"""A TUF repository as other tools write one: PEM keys, indented JSON in another order of names, any key type.
A server of its files, in this process, writes down what it was asked for. Nothing of Rota's is in here."""
import copy
import datetime
import hashlib
import http.server
import json
import threading
import urllib.parse

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

TOP = ("root", "timestamp", "snapshot", "targets")


def canonical(value):
    """OLPC canonical JSON, as the specification's reference implementation writes it."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, dict):
        return "{" + ",".join(canonical(k) + ":" + canonical(v) for k, v in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value)


class Key:
    """A key pair of one of the four algorithms. `legacy`: the key type spelled as the scheme."""

    def __init__(self, kind, legacy=False):
        self.kind = kind
        self.private = {
            "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
            "ed25519": ed25519.Ed25519PrivateKey.generate,
            "rsa": lambda: rsa.generate_private_key(65537, 2048),
            "rsa1024": lambda: rsa.generate_private_key(65537, 1024),
        }[kind]()
        public = self.private.public_key()
        pem = public.public_bytes(serialization.Encoding.PEM,
                                  serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        scheme = {"p256": "ecdsa-sha2-nistp256", "p384": "ecdsa-sha2-nistp384", "ed25519": "ed25519",
                  "rsa": "rsassa-pss-sha256", "rsa1024": "rsassa-pss-sha256"}[kind]
        keytype = {"p256": "ecdsa", "p384": "ecdsa", "ed25519": "ed25519", "rsa": "rsa", "rsa1024": "rsa"}[kind]
        if kind == "ed25519":
            pem = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex()
        self.object = {"keytype": scheme if legacy else keytype, "scheme": scheme, "keyval": {"public": pem}}
        self.id = hashlib.sha256(canonical(self.object).encode()).hexdigest()

    def sign(self, data):
        if self.kind == "ed25519":
            return self.private.sign(data).hex()
        if self.kind.startswith("rsa"):
            return self.private.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32),
                                     hashes.SHA256()).hex()
        return self.private.sign(data, ec.ECDSA(hashes.SHA384() if self.kind == "p384" else hashes.SHA256())).hex()


def expires(days):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


class Repo:
    """Knobs are the `signed` parts in self.md, the signers in self.signers, and what is listed of files."""

    def __init__(self, kind="p256", consistent=True, list_hashes=False, spelled_canonically=False):
        self.files = {}  # URL path -> bytes
        self.raw = {}  # as published, to be put in place of what publish() writes
        self.list_hashes, self.spelled_canonically = list_hashes, spelled_canonically
        self.keys = {role: Key(kind) for role in TOP}
        self.signers = {role: [self.keys[role]] for role in TOP}
        self.md = {}
        for role in TOP:
            self.md[role] = {"_type": role, "spec_version": "1.0.34", "version": 1, "expires": expires(10)}
        self.md["root"].update(consistent_snapshot=consistent, keys={k.id: k.object for k in self.keys.values()},
                               roles={r: {"keyids": [self.keys[r].id], "threshold": 1} for r in TOP})
        self.md["targets"]["targets"] = {}
        self.delegates = {}  # role -> its parent
        self.publish(root=True)

    @property
    def consistent(self):
        return self.md["root"].get("consistent_snapshot", False)

    # ---- knobs ----

    def delegate(self, parent, name, key, terminating=False, threshold=1, **paths):
        """A delegated role without targets. paths: paths= or path_hash_prefixes=."""
        delegations = self.md[parent].setdefault("delegations", {"keys": {}, "roles": []})
        delegations["keys"][key.id] = key.object
        delegations["roles"].append({"name": name, "keyids": [key.id], "threshold": threshold,
                                     "terminating": terminating, **paths})
        if name not in self.md:
            self.md[name] = {"_type": "targets", "spec_version": "1.0.34", "version": 1,
                             "expires": expires(10), "targets": {}}
            self.signers[name] = [key]
            self.delegates[name] = parent

    def delegate_bins(self, bits, prefix, key, parent="targets"):
        """All targets to hash bins (TAP 15), which are made too."""
        self.md[parent]["delegations"] = {"keys": {key.id: key.object}, "succinct_roles": {
            "bit_length": bits, "name_prefix": prefix, "keyids": [key.id], "threshold": 1}}
        digits = len(f"{2 ** bits - 1:x}")
        for number in range(2 ** bits):
            name = f"{prefix}-{number:0{digits}x}"
            self.md[name] = {"_type": "targets", "spec_version": "1.0.34", "version": 1,
                             "expires": expires(10), "targets": {}}
            self.signers[name] = [key]
            self.delegates[name] = parent

    def bin_of(self, path, parent="targets"):
        succinct = self.md[parent]["delegations"]["succinct_roles"]
        bits, prefix = succinct["bit_length"], succinct["name_prefix"]
        number = int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "big") >> (32 - bits)
        return f"{prefix}-{number:0{len(f'{2 ** bits - 1:x}')}x}"

    def add_target(self, role, path, content):
        digest = hashlib.sha256(content).hexdigest()
        self.md[role]["targets"][path] = {"length": len(content), "hashes": {"sha256": digest}}
        head, _, name = path.rpartition("/")
        self.files["targets/" + (head + "/" if head else "") + f"{digest}.{name}"] = content
        self.files["targets/" + path] = content

    def rotate(self, role, key):
        """Another key for a top-level role, in the next root, which publish(root=True) then writes."""
        root = self.md["root"]
        root["keys"][key.id] = key.object
        root["roles"][role]["keyids"] = [key.id]
        old = self.keys[role]
        self.keys[role] = key
        self.signers[role] = [old, key] if role == "root" else [key]
        root["version"] += 1

    # ---- writing ----

    def envelope(self, role):
        signed = self.md[role]
        data = canonical(signed).encode()
        signatures = [{"sig": key.sign(data), "keyid": key.id} for key in self.signers[role]]
        if self.spelled_canonically:
            return json.dumps({"signatures": signatures, "signed": signed}, sort_keys=True, separators=(",", ":"),
                              ensure_ascii=False).encode()
        order = dict(reversed(list(signed.items())))  # no reader may lean on an order
        return json.dumps({"signed": order, "signatures": signatures}, indent=2).encode()

    def put(self, role, body):
        version = self.md[role]["version"]
        name = role.replace("%", "%25").replace("/", "%2F").replace("?", "%3F")
        if role == "root" or (self.consistent and role != "timestamp"):
            name = f"{version}.{name}"
        self.files[f"metadata/{name}.json"] = body

    def meta(self, role, body):
        entry = {"version": self.md[role]["version"]}
        if self.list_hashes:
            entry.update(length=len(body), hashes={"sha256": hashlib.sha256(body).hexdigest()})
        return entry

    def publish(self, root=False, bump=True):
        """All but root anew, timestamp and snapshot with a new version."""
        if root:
            self.put("root", self.envelope("root"))
        listed = {}
        for role in ["targets", *self.delegates]:
            body = self.envelope(role)
            self.put(role, body)
            listed[role + ".json"] = self.meta(role, body)
        if bump and "meta" in self.md["snapshot"]:
            self.md["snapshot"]["version"] += 1
            self.md["timestamp"]["version"] += 1
        self.md["snapshot"]["meta"] = listed
        self.write_online()

    def write_online(self):
        """Snapshot and timestamp as their knobs are."""
        body = self.envelope("snapshot")
        self.put("snapshot", body)
        self.md["timestamp"]["meta"] = {"snapshot.json": self.meta("snapshot", body)}
        self.put("timestamp", self.envelope("timestamp"))

    def copy(self):
        return copy.deepcopy(self.files), copy.deepcopy(self.md)


def bump(repo, *roles):
    for role in roles:
        repo.md[role]["version"] += 1


def republish(repo):
    """Version 2 of everything."""
    bump(repo, "root", "targets")
    repo.publish(root=True)


def set_keys(repo, role, keys, threshold, signers):
    root = repo.md["root"]
    root["keys"].update({key.id: key.object for key in keys})
    root["roles"][role] = {"keyids": [key.id for key in keys], "threshold": threshold}
    repo.signers[role] = signers


class Server:
    """Serves repo.files on loopback; self.asked is what it was asked for since the last clear()."""

    def __init__(self, repo):
        self.repo, self.asked = repo, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body are two writes

            def do_GET(self):
                path = self.path.lstrip("/")
                outer.asked.append(path)
                body = outer.repo.files.get(path, outer.repo.files.get(urllib.parse.unquote(path)))
                status = 200 if body is not None else 404
                if callable(body):
                    body(self)
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


def asked(server, base="metadata/"):
    return [path.removeprefix(base) for path in server.asked if path.startswith(base)]
