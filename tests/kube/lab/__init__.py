"""Whole Kubernetes clusters on this machine: real parts of Kubernetes in machines made of namespaces, gone without a trace after down().

    with Lab(domain="east.example") as east, Lab(domain="west.example") as west:
        east.up(nodes=3); west.up()          # seconds; RBAC, storage class, DNS, kube-proxy; the first run builds Kubernetes
        east.load_usual_images()             # etcd-usher:test, etcd, usher-lab-tools:1; load_image(make_image(...)) for others
        east.kubectl("apply", "-f", "-", input=text); east.helm("install", ...); east.get("pods")["items"]
        east.power_off(2); east.power_on(2); east.cut_cable(1); east.mend_cable(1); east.api_stop(); east.api_start()
        link = connect(east, west); link.cut(); link.mend()   # pods, and names of the other's domain
        east.pod_ip("etcd-0")                # reachable from here, too
"""
from .image import etcd_image, image_id, make_image, tools_image, usher_image, with_libraries
from .lab import Lab, connect

__all__ = ["Lab", "connect", "etcd_image", "image_id", "make_image", "tools_image", "usher_image", "with_libraries"]
