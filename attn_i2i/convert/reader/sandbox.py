"""The process that reads foreign files: its limits, its start and its answer.

The child is a bare interpreter with the standard library alone. It parses, and answers with an index of byte ranges;
the parent fetches the bytes. So whatever a file does to its reader, it does it to a process with little memory and
time.
"""

from __future__ import annotations

import json
import mmap
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any


def run_reader(path: Path, kind: str, spill: Path, *, memory_limit: int, seconds: float) -> dict[str, Any]:
    """Parse ``path`` in a child process: its index as JSON values, or {"error": what was found}.

    The child may use ``memory_limit`` bytes beyond three times the file's size, and ``seconds`` of time. Bytes that
    stand in no file as they are go to ``spill``; OSError where that cannot be written. Where the system knows no memory
    limit, time alone is limited.
    """
    request = {"path": _hex(path), "kind": kind, "spill": _hex(spill), "memory": memory_limit, "seconds": seconds}
    command = [sys.executable, "-I", "-S", "-B", str(Path(__file__).resolve())]
    try:
        done = subprocess.run(command, input=json.dumps(request).encode(), capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return {"error": f"something that takes more than {seconds:g} seconds to read"}
    try:
        reply = json.loads(done.stdout)
    except ValueError:
        reply = None
    if isinstance(reply, dict) and "unwritten" in reply:
        raise OSError(reply["unwritten"], os.strerror(reply["unwritten"]), str(spill))
    if done.returncode != 0 or not isinstance(reply, dict):
        return {"error": f"something that its reader did not survive (exit status {done.returncode})"}
    reply["files"] = [str(_path(file)) for file in reply.get("files", ())]
    return reply


def _hex(path: str | Path) -> str:
    """A path as text that survives any encoding: the other process may use another."""
    return os.fsencode(path).hex()


def _path(text: str) -> Path:
    return Path(os.fsdecode(bytes.fromhex(text)))


def main() -> None:
    """Answer one request from standard input on standard output."""
    _stub_packages()
    from attn_i2i.convert.reader.tensor_index import DamagedError, shown

    request = json.load(sys.stdin)
    path = _path(request["path"])
    try:
        _limit(request["memory"] + 3 * path.stat().st_size, request["seconds"])
        reply = _read(path, request["kind"], _path(request["spill"]))
        answer = json.dumps(reply)
    except DamagedError as error:
        answer = json.dumps({"error": str(error)})
    except MemoryError:
        answer = json.dumps({"error": "something that takes more memory to read than it may"})
    except RecursionError:
        answer = json.dumps({"error": "something nested too deeply"})
    except Exception as error:  # whatever a broken file causes is one line to its user
        answer = json.dumps({"error": f"a damaged file ({type(error).__name__}: {shown(str(error))})"})
    sys.stdout.write(answer)
    sys.stdout.flush()
    os._exit(0)  # deeply nested rubbish takes long to tear down, and nothing is left to do


def _read(path: Path, kind: str, spill: Path) -> dict[str, object]:
    from attn_i2i.convert.reader.tensorflow import read_bundle
    from attn_i2i.convert.reader.torch_files import read_torch

    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as view:
        if kind == "tensorflow":
            index = read_bundle(view, path)
        else:
            index = read_torch(view, kind)
            index.files = [str(path)]
        if index.spill:
            try:
                with spill.open("xb") as out:
                    out.writelines(index.spill)
            except OSError as error:
                return {"unwritten": error.errno}
        index.files = [_hex(file) for file in index.files]
        return index.reply()


def _limit(memory: int, seconds: float) -> None:
    """Bound this process; Windows has no such limits, and some systems refuse the one on memory."""
    try:
        import resource
    except ImportError:
        return
    for what, amount in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, max(1, int(seconds))),
        (resource.RLIMIT_FSIZE, memory),
        (resource.RLIMIT_AS, memory),
    ):
        try:
            resource.setrlimit(what, (amount, amount))
        except (ValueError, OSError):
            continue


def _stub_packages() -> None:
    """Let the parsers be imported without the packages' own __init__, which may want torch."""
    folder = Path(__file__).resolve().parent
    places = {"attn_i2i.convert.reader": folder, "attn_i2i.convert": folder.parent, "attn_i2i": folder.parents[1]}
    for name, place in places.items():
        package = types.ModuleType(name)
        package.__path__ = [str(place)]
        sys.modules[name] = package


if __name__ == "__main__":
    main()
