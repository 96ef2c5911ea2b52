#!/usr/bin/env python3
"""make bench: how fast and how small, side by side with what one would use instead, in one run. `--quick` takes fewer samples; `--only=a,d`
takes some figures. The last lines are the table; it is written to build/bench.json as well. Numbers are for reading: a missed goal is no failure."""
import argparse
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/cluster"), str(ROOT / "tests/bench")]
from bed import Bed  # noqa: E402
from bed.bed import BUILD  # noqa: E402
from measure import Table  # noqa: E402
import moves  # noqa: E402
import probes  # noqa: E402
import starts  # noqa: E402


@contextlib.contextmanager
def fresh_bed(version="3.4"):
    bed = Bed(version)
    try:
        yield bed
    except Exception:
        print(bed.tails(), flush=True)
        raise
    finally:
        bed.close()


def build_bare():
    target = BUILD / "bench-bare"
    packages = ["libcurl", "jansson", "libmicrohttpd", "libssl", "libcrypto"]
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", *packages], capture_output=True, text=True, check=True).stdout.split()
    subprocess.run([os.environ.get("CC", "gcc"), "-O2", ROOT / "tests/bench/bare.c", "-o", target, "-Wl,-z,now", *flags], check=True)
    return target


def bench_starts(table, wanted, quick, bare):
    with fresh_bed() as bed:
        joins = starts.Joins(bed)
        if "a" in wanted:
            starts.fresh_join(table, joins, 10 if quick else 40, bare)
        if "h" in wanted:
            starts.black_holes(table, joins, 8 if quick else 30)
        if "b" in wanted:
            starts.data_exists(table, joins, 10 if quick else 40, bare)


def bench_probes(table, wanted, quick, bare):
    # etcd has had /livez and /readyz since 3.4.29 and 3.5.11: newer than Debian's 3.4.23.
    with fresh_bed("3.5") as bed:
        pods = bed.grow(bed.set(3, leave="asked"))
        if "e" in wanted:
            probes.idle(table, pods, 10 if quick else 60, bare)
        if "d" in wanted:
            probes.answers(table, pods, 2 if quick else 4, 3 if quick else 9)
            probes.lost_quorum(table, pods)


def bench_moves(table, wanted, quick):
    if "c" in wanted:
        with fresh_bed() as bed:
            moves.sync_to_voter(table, bed, 6 if quick else 20)
    if "f" in wanted:
        with fresh_bed() as bed:
            moves.one_to_five(table, bed)
    if "g" in wanted:
        moves.house(table, fresh_bed, 1 if quick else 3)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="a,b,c,d,e,f,g,h")
    options = parser.parse_args()
    wanted, table, bare = set(options.only.split(",")), Table(), build_bare()
    if wanted & set("abh"):
        bench_starts(table, wanted, options.quick, bare)
    if wanted & set("de"):
        bench_probes(table, wanted, options.quick, bare)
    bench_moves(table, wanted, options.quick)
    table.show()
    (ROOT / "build/bench.json").write_text(json.dumps(table.rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
