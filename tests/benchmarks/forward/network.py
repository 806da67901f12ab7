"""An address for servers that hide loopback from their clients: the machine's own, which the kernel routes over `lo`."""

import ipaddress

import ifaddr


def own_address() -> str:
    """An IPv4 address of this machine that is not loopback; raises SystemExit when there is none."""
    for adapter in ifaddr.get_adapters():
        for address in adapter.ips:
            if isinstance(address.ip, str) and not ipaddress.ip_address(address.ip).is_loopback:
                return address.ip
    raise SystemExit(
        "bench-forward needs an IPv4 address besides loopback (Janus offers no loopback candidates), for example: "
        "ip link add bench0 type veth peer name bench1 && ip addr add 198.18.0.1/32 dev bench0 && ip link set bench0 up"
    )
