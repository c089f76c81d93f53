"""Random faults of a Hub: ``python -m tests.tools.fuzz_hub --count 500 --seed 0``.

Each case publishes a model on a loopback Hub, lets some requests fail, lie or break off, finds the model, perhaps
damages what is stored, and finds it again once the Hub behaves. Held in every case: what is found holds the bytes
that were published; what is refused is one of the library's own errors, in one line, and leaves no folder that would
be loaded; nothing is written outside the home; a Hub that behaves again is enough to get the model.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ..helpers.fakehub import LIES, FakeHub, Fault
from ..helpers.hub_models import WEIGHTS, model_files, outside, stored
from ..helpers.hub_worker import Answer, Worker

KINDS: list[Fault] = ["corrupt", "drop", "short", "no length"]
OWN = {"HubError", "TransientError", "ChecksumError", "ModelError", "UnreadableFileError"}
HEADERS = ("ETag", "X-Linked-Etag", "X-Repo-Commit", "X-Linked-Size", "Content-Length", "Location", "Accept-Ranges")
VALUES = [*LIES, None, "0", "-1", "1e9", "9" * 30, "0" * 40, "0" * 64, "http://127.0.0.1:9/x", "file:///etc/passwd"]


def random_fault(rng: random.Random) -> Fault:
    """A status, a broken body, or a header that lies or is missing."""
    chosen = rng.random()
    if chosen < 0.3:
        return rng.choice([400, 401, 403, 404, 408, 410, 416, 418, 429, 500, 502, 503, 504, 599])
    return rng.choice(KINDS) if chosen < 0.6 else {rng.choice(HEADERS): rng.choice(VALUES)}


def check(answer: Answer, files: dict[str, bytes], worker: Worker) -> str:
    """ "found" or the error's name; AssertionError where something must not be."""
    if answer.error:
        assert answer.error in OWN, answer
        assert "\n" not in answer.message
        return answer.error
    folder = Path(answer.value)
    assert folder in stored(worker)
    assert {path.name for path in folder.iterdir()} == {"config.json", WEIGHTS, "SHA256SUMS"}
    assert all((folder / name).read_bytes() == files[name] for name in ("config.json", WEIGHTS))
    return "found"


def one_case(rng: random.Random, hub: FakeHub, worker: Worker, number: int) -> str:
    """The outcome under faults."""
    repo = f"acme/case-{number}"
    files = model_files(rng.choice([1, 1000, 100_000]))
    commit = hub.put(repo, files)
    worker.zoo = worker.home / f"zoo-{number}"
    before = outside(worker)
    for _ in range(rng.randint(1, 4)):
        where = rng.choice([repo, f"{repo}/resolve/{commit}/{WEIGHTS}", f"{repo}/resolve/{commit}/config.json"])
        hub.fault(where, random_fault(rng), rng.randint(1, 6), rng.choice(["GET", "HEAD", "HEAD GET"]))
    name = f"hf-hub:{repo}" + rng.choice(["", f"@{commit}"])
    outcome = check(worker.find(name), files, worker)
    hub.forget_faults()
    for folder in stored(worker):
        if rng.random() < 0.5:
            target = folder / rng.choice(["config.json", WEIGHTS, "SHA256SUMS"])
            target.write_bytes(target.read_bytes()[:-1] + b"?")
    assert check(worker.find(name), files, worker) == "found", "a Hub that behaves again is enough"
    assert outside(worker) == before
    return outcome


def main() -> None:
    """Run the cases and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng, outcomes, start = random.Random(asked.seed), Counter[str](), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, FakeHub() as hub:
        worker = Worker(hub.url, Path(folder, "outer", "home"), ATTN_I2I_TEST_PATIENCE="0", HF_HUB_DOWNLOAD_TIMEOUT="1")
        try:
            for number in range(asked.count):
                outcomes[one_case(rng, hub, worker, number)] += 1
        finally:
            worker.close()
    told = ", ".join(f"{name} {count}" for name, count in outcomes.most_common())
    sys.stdout.write(f"{asked.count} cases, {time.monotonic() - start:.0f} s: {told}\n")


if __name__ == "__main__":
    main()
