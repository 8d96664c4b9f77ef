"""Whether an address of a Ray cluster is one that the whole internet may reach."""

import ipaddress
import os
import socket


def exposure(address: str) -> str | None:
    """A warning in one line where the host of `[ray://]host[:port]` has a public address; None where not, or not known.

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
