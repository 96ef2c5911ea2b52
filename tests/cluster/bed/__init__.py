"""Pods of real processes: each on its own loopback address, with its own volume and plan directory."""
from .bed import Bed, Pod
from .client import Writer, call

__all__ = ["Bed", "Pod", "Writer", "call"]
