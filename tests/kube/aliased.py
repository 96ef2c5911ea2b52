"""A lab whose pods have a name that means the same on both sides of a move."""
from lab import Lab, config


class AliasedLab(Lab):
    """Its own domain is cluster.local, as everywhere; its pods have names in the domain `alias` as well, which both sides resolve: what
    people do with a forward zone, or with external-dns."""

    def __init__(self, alias):
        super().__init__()
        self.alias = alias

    def _start_dns(self):
        corefile, bind = self.folder / "control/Corefile", f"bind {self.addresses.control}"
        zones = [f"{self.alias} {{\n  {bind}\n  kubernetes {self.alias} {{\n    kubeconfig {self.kubeconfig}\n    ttl 1\n  }}\n}}\n"]
        zones += [f"{other.alias} {{\n  {bind}\n  forward . {other.addresses.control}\n}}\n" for other in self.linked]
        corefile.write_text(config.corefile(self, self.kubeconfig) + "".join(zones))
        self.control.kill("coredns")
        self.control.start("coredns", self.bin / "coredns", "-conf", corefile)
