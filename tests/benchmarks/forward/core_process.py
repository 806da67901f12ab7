"""The relay's packet core on its own socket and thread, without ICE, DTLS and lessons around it."""

import sys
import threading
import time
from typing import Any

from benchmarks.forward.keyed_process import announce, open_socket, read_task

from media.forwarder import api
from media.forwarder.native.packet_thread import PacketThread

POLL_S = 0.1


def main() -> None:
    """Forward until the input closes."""
    task = read_task()
    bound = open_socket(task["address"])
    packets = PacketThread([bound], time.time() - time.monotonic())
    set_up(packets, task)
    ended = threading.Event()
    watcher = threading.Thread(target=watch, args=(packets, ended))
    watcher.start()
    announce(port=bound.getsockname()[1])
    sys.stdin.read()
    ended.set()
    watcher.join()
    print(f"core: {packets.traffic()} dropped {packets.statistics().dropped}", file=sys.stderr)
    packets.stop()


def watch(packets: PacketThread, ended: threading.Event) -> None:
    """Take the core's events, as the relay would."""
    while not ended.wait(POLL_S):
        packets.take()


def set_up(packets: PacketThread, task: dict[str, Any]) -> None:
    """Make peers, streams and sinks."""
    obey = packets.command
    for leg in task["legs"]:
        up, down = ([bytes.fromhex(part) for part in leg[way]] for way in ("up", "down"))
        obey(api.AddPeer(leg["leg"], api.SrtpProfile.AEAD_AES_128_GCM, *down, *up, cname="bench"))
        obey(api.SetPeerAddress(leg["leg"], (leg["ip"], task["port"])))
    sink = 0
    for number, stream in enumerate(task["streams"]):
        name, clock_rate = ("vp8", 90000) if stream["video"] else ("opus", 48000)
        codec = api.StreamCodec(stream["payload_type"], name, clock_rate, nack=True, pli=stream["video"])
        kind = "video" if stream["video"] else "audio"
        mid = "0" if stream["video"] else "1"
        extensions = api.ExtensionIds(mid=1)
        obey(api.AddStream(number, stream["leg"], kind, mid, (codec,), extensions, (stream["ssrc"],)))
        for receiver in stream["to"]:
            sink += 1
            payload_types = {name: (stream["payload_type"], None)}
            obey(api.AddSink(sink, number, receiver, 1000 + sink, None, payload_types, extensions, str(sink)))


main()
