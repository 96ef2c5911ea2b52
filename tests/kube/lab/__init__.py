"""Whole Kubernetes clusters on this machine: real parts of Kubernetes in machines made of namespaces, gone without a trace after down()."""
from .image import etcd_image, make_image, program_image, tools_image, usher_image, with_libraries
from .lab import Lab, connect

__all__ = ["Lab", "connect", "etcd_image", "make_image", "program_image", "tools_image", "usher_image", "with_libraries"]
