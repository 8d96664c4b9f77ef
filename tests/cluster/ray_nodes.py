"""Real Ray nodes on this machine, each its own processes with its own resources, behind a token."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

RAY = str(Path(sys.executable).parent / "ray")
START_SECONDS = 90


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Nodes:
    """A head of one CPU and any number of further nodes; `kill` takes one away as a power cut would."""

    def __init__(self, scratch: Path) -> None:
        self.environment = os.environ | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(16),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1",
            "RAY_health_check_period_ms": "500",
            "RAY_health_check_failure_threshold": "4",
        }
        self.address = f"127.0.0.1:{free_port()}"
        self._scratch = scratch
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, cpus: int = 1, *, without: Path | None = None) -> None:
        """Start a node with a resource of its name; the first is the head.

        Args:
            without: a folder that is empty to the node, as if it were another machine.
        """
        head = not self._processes
        port = self.address.split(":")[1]
        where = ["--head", f"--port={port}", "--include-dashboard=false"] if head else [f"--address={self.address}"]
        if head:
            where.append(f"--temp-dir={self._scratch}")
        options = ["--node-ip-address=127.0.0.1", f"--num-cpus={cpus}", f"--resources={json.dumps({name: 1})}"]
        private = ["-m"] if os.geteuid() == 0 else ["-m", "-r"]
        hide = 'mount -t tmpfs none "$0" && exec "$@"'
        elsewhere = ["unshare", *private, "sh", "-c", hide, str(without)] if without is not None else []
        self._processes[name] = subprocess.Popen(
            [*elsewhere, RAY, "start", *where, *options, "--block"],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        code = (
            f"import ray; ray.init(address={self.address!r}, log_to_driver=False, logging_level='ERROR');"
            f"import sys; sys.exit(0 if ray.cluster_resources().get({name!r}) else 1)"
        )
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run([sys.executable, "-c", code], env=self.environment, capture_output=True).returncode:
            assert time.monotonic() < deadline, f"node {name} did not start"

    def kill(self, name: str) -> None:
        """SIGKILL to all processes of a node at once."""
        process = self._processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """Kill what is left."""
        for name in list(self._processes):
            self.kill(name)
