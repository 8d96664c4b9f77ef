"""Ray started or reached, and whether it can hold a trial."""

import logging
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import ray

from binarygan.errors import UserError

CONNECT_SECONDS = 15
RETRIES = 2
"""How often a trial whose worker or node died is started again, from its last whole epoch."""


@contextmanager
def connected(address: str | None, resources: Mapping[str, float]) -> Iterator[None]:
    """A Ray cluster in which a trial with these resources fits: the one at `address`, or one of this machine's own.

    Raises:
        UserError: no cluster answers, or none of its nodes can hold a trial.
    """
    if address:
        _check(address)
    # "local": whatever RAY_ADDRESS says or runs on this machine, a cluster is joined where one is named alone
    where: dict[str, Any] = {"address": address} if address else {"address": "local", "include_dashboard": False}
    terminated = signal.getsignal(signal.SIGTERM)
    try:
        # what goes wrong with trials is told by the store, a line each; Ray would print stacks
        ray.init(**where, log_to_driver=False, logging_level=logging.CRITICAL)
    except Exception as error:  # a bare Exception where its daemons are too slow
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"Ray does not start: {reason}; run the command again, or with --executor local") from None
    signal.signal(signal.SIGTERM, terminated)  # Ray's own exits at once, with status 1
    try:
        _check_resources(resources)
        yield
    finally:
        ray.shutdown()


def why(error: object) -> str:
    """What Ray's last error of a trial says beside that its worker died; empty where that is nothing to mend."""
    if "low on memory" in str(error):
        return ", ended by Ray since the node's memory was nearly full (RAY_memory_usage_threshold)"
    return ""


def places(resources: Mapping[str, float]) -> int:
    """How many such trials the cluster holds at a time, as it stands."""
    total = ray.cluster_resources()
    names = {"cpu": "CPU", "gpu": "GPU"}
    return max(1, int(min(total.get(names.get(k, k), 0) / v for k, v in resources.items() if v > 0)))


def _check_resources(resources: Mapping[str, float]) -> None:
    """A UserError where no node has them: Ray would wait for ever."""
    names = {"cpu": "CPU", "gpu": "GPU"}
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for resource, amount in resources.items():
        most = max((node.get(names.get(resource, resource), 0.0) for node in nodes), default=0.0)
        if most < amount:
            hint = "; use --device cpu" if resource == "gpu" else ""
            raise UserError(f"no node of the Ray cluster has {amount:g} {resource} (the most: {most:g}){hint}")
    if not any(all(n.get(names.get(k, k), 0.0) >= v for k, v in resources.items()) for n in nodes):
        wanted = ", ".join(f"{v:g} {k}" for k, v in resources.items())
        raise UserError(f"no node of the Ray cluster has {wanted} together")


def _check(address: str) -> None:
    """A UserError where no Ray cluster answers at `address`; asked of another process, since ray.init may hang."""
    code = f"import ray; ray.init(address={address!r}, log_to_driver=False)"
    try:
        outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=CONNECT_SECONDS)
        reached = outcome.returncode == 0
    except subprocess.TimeoutExpired:
        reached = False
    if not reached:  # Ray says the same of a port where nothing is and of a token that is not the cluster's
        raise UserError(
            f"no Ray cluster answers at --address {address}, or it refuses this machine's token (RAY_AUTH_TOKEN); "
            "start one with `ray start --head`"
        )
