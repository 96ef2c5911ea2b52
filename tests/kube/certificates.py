"""Certificates as the chart's README asks for them, by openssl."""
import ssl

from lab.machine import command
from lab.pki import KEY


class Authority:
    """One authority, and a certificate of it for all members of a release."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        command("openssl", "req", "-x509", *KEY, "-keyout", folder / "ca.key", "-out", folder / "ca.crt", "-days", 30, "-subj",
                f"/CN={folder.name}", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def secret(self, release, name, believed=None):
        """Made in the release's namespace, of the form that cert-manager writes; its ca.crt may be that of another authority."""
        domain = f"{release.namespace}.svc.{release.lab.domain}"
        names = (f"*.{release.name}-headless.{domain}", f"{release.name}-headless.{domain}", f"{release.name}.{domain}", "localhost")
        crt, key = self.folder / "tls.crt", self.folder / "tls.key"
        command("openssl", "req", "-x509", *KEY, "-CA", self.folder / "ca.crt", "-CAkey", self.folder / "ca.key", "-keyout", key, "-out", crt,
                "-days", 30, "-subj", "/CN=etcd", "-addext", "basicConstraints=critical,CA:FALSE", "-addext",
                "extendedKeyUsage=serverAuth,clientAuth", "-addext",
                "subjectAltName=" + ",".join([*(f"DNS:{found}" for found in names), "IP:127.0.0.1"]))
        release.kubectl("create", "secret", "generic", name, "--type=kubernetes.io/tls", f"--from-file=tls.crt={crt}",
                        f"--from-file=tls.key={key}", f"--from-file=ca.crt={(believed or self).folder / 'ca.crt'}")

    def client(self):
        """For a client that shows its certificate, and asks members by their addresses, which are not in theirs."""
        context = ssl.create_default_context(cafile=self.folder / "ca.crt")
        context.check_hostname = False
        context.load_cert_chain(self.folder / "tls.crt", self.folder / "tls.key")
        return context
