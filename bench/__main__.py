"""Run the measurements, all or those named, and print them as one table.

make bench
make bench ARGS="fanout webhooks latency"
make bench ARGS="history --messages 1000000"
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from bench.figures import measure, table

# Each is a function of its own module that returns figures.
BENCHES = {
    "fanout": ["figures"],
    "webhooks": ["on_sqlite", "on_postgresql"],
    "latency": ["figures"],
    "export": ["on_postgresql"],
    "history": ["on_sqlite", "on_postgresql"],
}


def main(arguments: list[str]) -> int:
    asked = argparse.ArgumentParser(prog="make bench")
    asked.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHES))
    asked.add_argument("--messages", type=int, help="how many `history` loads, at most")
    names, messages = vars(asked.parse_args(arguments)).values()
    unknown = set(names) - set(BENCHES)
    if unknown:
        print(f"There is no {', '.join(sorted(unknown))} here, only {', '.join(BENCHES)}.", file=sys.stderr)
        return 2
    if messages:
        os.environ["BENCH_MESSAGES"] = str(messages)
    figures = []
    # A process for each: Django is set up once in a process, and each wants a database of its own.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as processes:
        for name in names or BENCHES:
            for part in BENCHES[name]:
                began = time.monotonic()
                measured = processes.submit(measure, name, part).result()
                outcome = f"took {time.monotonic() - began:.0f} s" if measured else "skipped: its database is not installed"
                print(f"{name} ({part.replace('_', ' ')}) {outcome}", file=sys.stderr)
                figures += measured
    print(table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
