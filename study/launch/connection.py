"""The connection to Ray: what is set before Ray is imported, the cluster, and whether it can hold a trial."""

import ipaddress
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, nullcontext, suppress
from importlib.util import find_spec
from resource import RLIM_INFINITY, RLIMIT_AS, getrlimit
from typing import Any

from binarygan.errors import UserError
from study.launch.devices import usable_cpus
from study.store.provenance import SOURCES

CONNECT_SECONDS, ASKED_SECONDS, END_SECONDS, START_SECONDS = 15, 10, 60, 180
LEAST_SPACE, SMALL_SPACE = 4e9, 8e9
"""Bytes of address space: with less Ray's client library ends the process with a dump of its stack, or workers may die
(torch's libraries alone map five of them)."""
LONGEST = 35
"""Letters of a temporary folder in which Ray's sockets are named: the system allows a path of 107."""
STORE_BYTES = 512 << 20
"""Of the memory that processes share: trials pass on little. Ray's own choice, a third of the machine's memory, is more
than a process may map where `ulimit -v` limits it.
"""
RETRIES = 2
"""How often a trial whose worker or node died is started again, from its last whole epoch."""
REFUSED = ("RAY_AIR_LOCAL_CACHE_DIR", "TUNE_RESULT_DIR", "RAY_TUNE_CALLBACKS", "TUNE_RESULT_BUFFER_LENGTH")
"""Environment variables at which Tune gives up, runs code of others, or keeps reports back."""
OF_A_CLUSTER = ("RAY_RUNTIME_ENV_HOOK", "RAY_OVERRIDE_RESOURCES")
"""Those by which a cluster's owner decides what runs in workers, and how many; of this machine the command does."""
NAMES = {"cpu": "CPU", "gpu": "GPU"}
"""Ray's names of resources, where they differ from those of its Tune."""


def before_ray(address: str | None) -> None:
    """Set what Ray reads from the environment when it is imported, and warn of a public address.

    Raises:
        UserError: `ulimit -v` leaves too little for Ray.
    """
    if (limit := getrlimit(RLIMIT_AS)[0]) != RLIM_INFINITY and limit < SMALL_SPACE:
        said = f"ulimit -v limits the address space to {limit / 1e9:.1f} GB"
        if limit < LEAST_SPACE:
            raise UserError(f"{said}: Ray cannot start; raise it, or use --executor local")
        print(f"warning: {said}: workers may die of it", file=sys.stderr)
    for name in REFUSED:
        os.environ.pop(name, None)
    os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"  # `uv run` would have Ray send the working folder to workers
    if not address:  # to Ray this means that there is no cluster: its services listen on loopback alone
        for name in OF_A_CLUSTER:
            os.environ.pop(name, None)
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        if "RAY_AUTH_TOKEN_PATH" not in os.environ:  # Ray would write one into the home, which may be read-only
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(16))
    elif warning := exposure(address):
        print(f"warning: {warning}", file=sys.stderr)


def exposure(address: str) -> str | None:
    """A warning, in one line, if the host of `[ray://]host[:port]` has a public address; None if not, or if unknown.

    Ray runs code for whoever reaches its ports (see study/cluster/README.md).
    """
    host = address.rpartition("://")[2]
    host = host[1:].partition("]")[0] if host.startswith("[") else host.rpartition(":")[0] or host
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return None
    public = sorted(a for a in found if ipaddress.ip_address(a.partition("%")[0]).is_global)
    if not public:
        return None
    where = f"{host} ({public[0]})" if host != public[0] else host
    token = "" if os.environ.get("RAY_AUTH_MODE") == "token" else ", and RAY_AUTH_MODE=token is not set"
    return (
        f"--address {where} is public: Ray runs code for whoever reaches its ports{token}; "
        "use a private network or SSH (study/cluster/README.md)"
    )


@contextmanager
def connected(address: str | None, resources: Mapping[str, float]) -> Iterator[None]:
    """Connect to the Ray cluster at `address`, or start one on this machine; a trial with these resources fits.

    Raises:
        UserError: no cluster answers, or none of its nodes can hold a trial.
    """
    import ray

    if address:
        _check_answers(address)
    terminated = signal.getsignal(signal.SIGTERM)
    with nullcontext() if address else _short_folder() as folder:
        # "local" starts a cluster of this command's own, whatever RAY_ADDRESS says and whichever cluster runs here
        own = {"address": "local", "include_dashboard": False, "num_cpus": usable_cpus()}
        own |= {"_temp_dir": folder, "object_store_memory": STORE_BYTES}
        where: dict[str, Any] = {"address": address} if address else own
        try:
            # Workers import first from the folder in which this starts: from there they have these packages, none of
            # their names in the user's folder, and no other copy that is installed. Ray would print the stack of each
            # error in a trial; the store has the errors, and the summary a line for each.
            with chdir(SOURCES), _in_time(START_SECONDS):
                ray.init(**where, log_to_driver=False, logging_level=logging.CRITICAL)
        except Exception as error:  # Ray raises a bare Exception where its services start too slowly
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise UserError(_not_started(reason)) from None
        signal.signal(signal.SIGTERM, terminated)  # Ray has put its own in place, which exits at once with status 1
        try:
            with _in_time(START_SECONDS):
                _check_resources(resources)
                _wait_for_a_worker()
            with nullcontext() if address else _answering():
                yield
        finally:
            with _in_time(END_SECONDS, "end"):
                ray.shutdown()


@contextmanager
def _short_folder() -> Iterator[str | None]:
    """A folder for Ray's sockets where the usual one has too long a name for them; None where it has not."""
    if len(os.fsencode(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir())) <= LONGEST:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield folder


@contextmanager
def _in_time(seconds: float, what: str = "start") -> Iterator[None]:
    """End this process where the block takes longer: Ray waits for ever, deaf to signals, for a service that died."""

    def watch() -> None:
        ended.wait(seconds)
        with one_speaks:
            if not ended.is_set():
                reason = f"it is not ready after {seconds:.0f} s"
                print(f"error: {_not_started(reason, what)}", file=sys.stderr, flush=True)
                os._exit(2 if what == "start" else 1)

    ended, one_speaks = threading.Event(), threading.Lock()
    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        with one_speaks:  # the block may fail in the same moment, and its error be printed too
            ended.set()


@contextmanager
def _answering() -> Iterator[None]:
    """End this process where this machine's Ray stands still during the block: trials would wait for it for ever.

    On a cluster, which another node may join, they are to wait.
    """
    import ray

    def watch() -> None:
        while not ended.wait(ASKED_SECONDS):
            with suppress(Exception), _in_time(START_SECONDS, "answer"):
                while not any(node["Alive"] for node in ray.nodes()) and not ended.wait(1):
                    pass

    ended = threading.Event()
    asking = threading.Thread(target=watch, daemon=True)
    asking.start()
    try:
        yield
    finally:
        ended.set()
        asking.join(ASKED_SECONDS)


def _not_started(reason: str, what: str = "start") -> str:
    limit = getrlimit(RLIMIT_AS)[0]
    limited = "" if limit == RLIM_INFINITY else f" (ulimit -v limits its address space to {limit / 1e9:.1f} GB)"
    return f"Ray does not {what}: {reason}{limited}; run the command again, or with --executor local"


def _wait_for_a_worker() -> None:
    """Until a worker has done something: Tune would wait for the first one for ever, without a word.

    Or was ended: where memory is nearly full Ray would start another without end, and the trials' rows say why.
    """
    import ray

    ray.wait([ray.remote(num_cpus=0, max_retries=0)(lambda: None).remote()])


def why(error: object) -> str:
    """What the user can do about it, if Ray's error tells why a trial's worker died; else empty."""
    if "low on memory" in str(error):
        return ", ended by Ray since the node's memory was nearly full (RAY_memory_usage_threshold)"
    return ""


def slots(resources: Mapping[str, float]) -> int:
    """How many trials with these resources the cluster holds at a time, with the nodes that it has now."""
    import ray

    total = ray.cluster_resources()
    return max(1, int(min(total.get(NAMES.get(k, k), 0) / v for k, v in resources.items() if v > 0)))


def _check_resources(resources: Mapping[str, float]) -> None:
    """A UserError if no node has these resources: Ray would wait for one for ever."""
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for resource, amount in resources.items():
        most = max((node.get(NAMES.get(resource, resource), 0.0) for node in nodes), default=0.0)
        if most < amount:
            hint = "; use --device cpu" if resource == "gpu" else ""
            raise UserError(f"no node of the Ray cluster has {amount:g} {resource} (the most: {most:g}){hint}")
    if not any(all(n.get(NAMES.get(k, k), 0.0) >= v for k, v in resources.items()) for n in nodes):
        wanted = ", ".join(f"{v:g} {k}" for k, v in resources.items())
        raise UserError(f"no node of the Ray cluster has {wanted} together")


def _check_answers(address: str) -> None:
    """A UserError if no Ray cluster answers at `address`. Another process asks, since ray.init may never return."""
    if address.startswith("ray://") and find_spec("grpc") is None:
        raise UserError(f"--address {address} needs a package that is not installed: pip install 'ray[client]'")
    code = f"import ray; ray.init(address={address!r}, log_to_driver=False)"
    try:
        outcome = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, timeout=CONNECT_SECONDS)
        reached = outcome.returncode == 0
    except subprocess.TimeoutExpired:
        reached = False
    if not reached:  # Ray fails in the same way if nothing is there and if the token is not the cluster's
        raise UserError(
            f"no Ray cluster answers at --address {address}, or it refuses this machine's token (RAY_AUTH_TOKEN); "
            "start one with `ray start --head`"
        )
