"""etcd's JSON gateway for the tests, and a client that writes all the time and remembers what was acknowledged."""
import base64
import http.client
import json
import threading
import time


HEADERS = {}  # added to each request: a token, where etcd's auth is on
TLS = []  # at most one ssl.SSLContext: members that speak TLS are asked with it


def call(address, path, body=None, timeout=5.0):
    """POST to one member. Raises OSError when it does not answer, RuntimeError with etcd's words when it refuses."""
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPSConnection(host, int(port), timeout=timeout, context=TLS[0]) if TLS else \
        http.client.HTTPConnection(host, int(port), timeout=timeout)
    try:
        connection.request("POST", path, json.dumps(body or {}), {"Content-Type": "application/json", **HEADERS})
        reply = connection.getresponse()
        text = reply.read()
        if reply.status != 200:
            raise RuntimeError(text.decode(errors="replace"))
        return json.loads(text)
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()


def encode(text):
    return base64.b64encode(text.encode()).decode()


class Writer(threading.Thread):
    """Puts key after key, at any member that answers; `acknowledged` holds what etcd said yes to."""

    def __init__(self, addresses, pause=0.005):
        super().__init__(daemon=True)
        self.addresses, self.pause = addresses, pause  # `addresses` is a function: the pods of the moment
        self.acknowledged, self.failures, self.longest_gap = [], 0, 0.0
        self.stopped = threading.Event()
        self.last = None

    def run(self):
        number = turn = 0
        while not self.stopped.is_set():
            addresses = self.addresses()
            key = f"key-{number:08d}"
            try:
                call(addresses[turn % len(addresses)], "/v3/kv/put", {"key": encode(key), "value": encode(key)}, timeout=2.0)
            except (OSError, RuntimeError, ZeroDivisionError):
                self.failures += 1
                turn += 1
                number += 1  # not acknowledged: it may or may not be there, so its key is not used again
                continue
            now = time.monotonic()
            if self.last is not None:
                self.longest_gap = max(self.longest_gap, now - self.last)
            self.last = now
            self.acknowledged.append(key)
            number += 1
            time.sleep(self.pause)

    def stop(self):
        self.stopped.set()
        self.join(30)


def read_keys(address):
    """All keys, in pages, by quorum reads."""
    keys, start = set(), "\0"
    while True:
        reply = call(address, "/v3/kv/range", {"key": encode(start), "range_end": encode("\0"), "limit": 2000, "keys_only": True}, timeout=20)
        page = [base64.b64decode(item["key"]).decode() for item in reply.get("kvs", [])]
        keys.update(page)
        if not reply.get("more"):
            return keys
        start = page[-1] + "\0"
