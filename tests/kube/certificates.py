"""Certificates as the chart's README asks for them, by openssl."""
from lab.machine import command
from lab.pki import KEY


class Authority:
    """One authority, and a certificate of it for all members of a release."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        command("openssl", "req", "-x509", *KEY, "-keyout", folder / "ca.key", "-out", folder / "ca.crt", "-days", 30, "-subj",
                f"/CN={folder.name}", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def secret(self, release, name):
        """Made in the release's namespace, of the form that cert-manager writes."""
        domain = f"{release.namespace}.svc.{release.lab.domain}"
        names = (f"*.{release.name}-headless.{domain}", f"{release.name}-headless.{domain}", f"{release.name}.{domain}", "localhost")
        crt, key = self.folder / "tls.crt", self.folder / "tls.key"
        command("openssl", "req", "-x509", *KEY, "-CA", self.folder / "ca.crt", "-CAkey", self.folder / "ca.key", "-keyout", key, "-out", crt,
                "-days", 30, "-subj", "/CN=etcd", "-addext", "basicConstraints=critical,CA:FALSE", "-addext",
                "extendedKeyUsage=serverAuth,clientAuth", "-addext",
                "subjectAltName=" + ",".join([*(f"DNS:{found}" for found in names), "IP:127.0.0.1"]))
        release.kubectl("create", "secret", "generic", name, "--type=kubernetes.io/tls", f"--from-file=tls.crt={crt}",
                        f"--from-file=tls.key={key}", f"--from-file=ca.crt={self.folder / 'ca.crt'}")
