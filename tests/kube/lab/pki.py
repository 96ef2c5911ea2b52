"""Certificates and kubeconfigs of one cluster, by openssl: one authority for all."""
import base64
import json

from .machine import command

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def embed(path):
    return base64.b64encode(path.read_bytes()).decode()


class Pki:
    def __init__(self, folder, server):
        self.folder, self.server = folder, server
        folder.mkdir(mode=0o700)
        self.ca = self.cert("ca")
        command("openssl", "req", "-x509", *KEY, "-keyout", self.key("ca"), "-out", self.ca, "-days", 30, "-subj", "/CN=usher-lab",
                "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        command("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.key("accounts"))

    def cert(self, name):
        return self.folder / f"{name}.crt"

    def key(self, name):
        return self.folder / f"{name}.key"

    def issue(self, name, user, group="", hosts=()):
        """A certificate for both ends of TLS; `hosts` are names and addresses."""
        names = ",".join(("IP:" if host.replace(".", "").isdigit() else "DNS:") + host for host in hosts)
        extra = ["-addext", f"subjectAltName={names}"] if names else []
        command("openssl", "req", "-x509", *KEY, "-CA", self.ca, "-CAkey", self.key("ca"), "-keyout", self.key(name), "-out",
                self.cert(name), "-days", 30, "-subj", (f"/O={group}" if group else "") + f"/CN={user}",
                "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth,clientAuth", *extra)

    def kubeconfig(self, name, user, group=""):
        """A user's certificate and the kubeconfig that holds it; returns its path."""
        self.issue(name, user, group)
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "lab",
            "clusters": [{"name": "lab", "cluster": {"server": self.server, "certificate-authority-data": embed(self.ca)}}],
            "users": [{"name": user, "user": {
                "client-certificate-data": embed(self.cert(name)), "client-key-data": embed(self.key(name))}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user}}],
        }))
        path.chmod(0o600)
        return path
