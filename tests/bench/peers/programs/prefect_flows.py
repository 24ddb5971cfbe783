"""Prefect's flows: `prefect_flows.py ANSWER chain N | fan_out N | many COUNT N THREADS SECONDS`.

Writes the time of the request, and the start and end of each `true`, to the file ANSWER.
"""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from prefect import flow, task

spans = []


@task
def step(before=None):
    start = time.time()
    subprocess.run(["bash", "-c", "true"], check=True)
    spans.append((start, time.time()))
    return True


@flow
def chain(length):
    before = None
    for _ in range(length):
        before = step(before)


@flow
def fan_out(width):
    first = step.submit()
    middle = [step.submit(wait_for=[first]) for _ in range(width)]
    step.submit(wait_for=middle).wait()


def many(count, length, threads, seconds):
    deadline = time.time() + seconds

    def one(_):
        if time.time() < deadline:
            chain(length)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, range(count)))


if __name__ == "__main__":
    answer, name, *numbers = sys.argv[1:]
    run = {"chain": chain, "fan_out": fan_out, "many": many}[name]
    requested_at = time.time()
    run(*map(int, numbers))
    Path(answer).write_text(json.dumps({"requested_at": requested_at, "spans": spans}))
