#!/usr/bin/python3
"""provisioner.py SERVER PKI-FOLDER VOLUMES-FOLDER: a volume for each claim that waits for its pod's node, and its end with the claim.

A volume is a folder of this machine, as a PersistentVolume of type `local` (on `hostPath` the kubelet would not apply fsGroup). It follows
its pod to any node, like a disk in the network.
"""
import http.client
import json
import shutil
import ssl
import sys
import threading
import time
from pathlib import Path

SERVER, PKI, VOLUMES = sys.argv[1].removeprefix("https://"), Path(sys.argv[2]), Path(sys.argv[3])
PROVISIONER = "usher-lab/folder"
SELECTED, OWN = "volume.kubernetes.io/selected-node", "pv.kubernetes.io/provisioned-by"
changed = threading.Event()


def ask(method, path, body=None, timeout=15.0):
    context = ssl.create_default_context(cafile=PKI / "ca.crt")
    context.load_cert_chain(PKI / "admin.crt", PKI / "admin.key")
    connection = http.client.HTTPSConnection(SERVER, context=context, timeout=timeout)
    connection.request(method, path, body=json.dumps(body) if body else None, headers={"Content-Type": "application/json"})
    reply = connection.getresponse()
    if reply.status not in (200, 201, 202, 404, 409):
        raise OSError(f"{method} {path}: {reply.status} {reply.read()[:300]}")
    return reply


def items(kind):
    return json.load(ask("GET", f"/api/v1/{kind}"))["items"]


def watch(kind):
    """Any change of these objects is a reason to look; so is the end of a watch."""
    while True:
        try:
            reply = ask("GET", f"/api/v1/{kind}?watch=1&timeoutSeconds=60", timeout=90)
            while reply.readline():
                changed.set()
        except (OSError, http.client.HTTPException) as error:
            print(f"watch {kind}: {error}", file=sys.stderr, flush=True)
            time.sleep(0.5)
        changed.set()


def volume_for(claim):
    meta, spec = claim["metadata"], claim["spec"]
    name = f"pvc-{meta['uid']}"
    reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **{key: meta[key] for key in ("name", "namespace", "uid")}}
    anywhere = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "Exists"}]}]
    return name, {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name, "annotations": {OWN: PROVISIONER}},
        "spec": {"capacity": spec["resources"]["requests"], "accessModes": spec["accessModes"], "claimRef": reference,
                 "volumeMode": "Filesystem", "storageClassName": spec["storageClassName"], "persistentVolumeReclaimPolicy": "Delete",
                 "local": {"path": str(VOLUMES / name)}, "nodeAffinity": {"required": {"nodeSelectorTerms": anywhere}}}}


def turn(own_classes):
    for claim in items("persistentvolumeclaims"):
        waits = claim["status"].get("phase") == "Pending" and SELECTED in claim["metadata"].get("annotations", {})
        if waits and claim["spec"].get("storageClassName") in own_classes:
            name, volume = volume_for(claim)
            (VOLUMES / name).mkdir(exist_ok=True)
            ask("POST", "/api/v1/persistentvolumes", volume)
    for volume in items("persistentvolumes"):
        meta = volume["metadata"]
        if meta.get("annotations", {}).get(OWN) != PROVISIONER or volume["spec"]["persistentVolumeReclaimPolicy"] != "Delete":
            continue
        if volume["status"].get("phase") in ("Released", "Failed"):
            shutil.rmtree(VOLUMES / meta["name"], ignore_errors=True)
            ask("DELETE", f"/api/v1/persistentvolumes/{meta['name']}")


def main():
    for kind in ("persistentvolumeclaims", "persistentvolumes"):
        threading.Thread(target=watch, args=(kind,), daemon=True).start()
    while True:
        changed.wait()
        changed.clear()
        try:
            classes = json.load(ask("GET", "/apis/storage.k8s.io/v1/storageclasses"))["items"]
            turn({found["metadata"]["name"] for found in classes if found["provisioner"] == PROVISIONER})
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            time.sleep(0.5)
            changed.set()


main()
