"""The packet core for Python: commands and counters around the C state that the other files work on without the GIL.

`Core` has no I/O: datagrams go in by `receive`, out by `take_outgoing`. `SocketCore` owns UDP sockets and a thread.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from media.forwarder.native.libcrypto cimport EVP_MAC_CTX_free
from media.forwarder.native.outbox cimport outbox_flush
from media.forwarder.native.packet_cache cimport AUDIO_BYTES, AUDIO_PACKETS, VIDEO_BYTES, VIDEO_PACKETS, cache_init
from media.forwarder.native.port cimport (
    CONTROL_HEADER_BYTES, MAX_SOCKETS, Port, end_batch, port_add_socket, port_free, port_init, port_lock, port_run,
    port_stop, is_answered, take_datagram,
)
from media.forwarder.native.reporting cimport run_timers, send_bye
from media.forwarder.native.resend cimport RESEND_BURST_BYTES
from media.forwarder.native.rtp cimport Extensions
from media.forwarder.native.sending cimport pause_sink, remember_sent_numbers
from media.forwarder.native.sockets cimport prefer_thread, pthread_mutex_unlock, read
from media.forwarder.native.srtp cimport Protection, protection_init
from media.forwarder.native.state cimport (
    ADDRESS, CODEC_NAMES, MAX_ADDRESSES, MAX_CODECS, MAX_CREDENTIAL, MAX_DECLARED, Codec, Message, Peer, Sink, State, Stream,
    add_index, free_peer, free_place, free_sink, free_stream, new_struct, next_index, remember_spent, remove_index,
    reserve_spent, want_keyframe,
)
from media.forwarder.native.tables cimport table_find, table_free, table_init, table_put, table_remove
from media.forwarder.native.windows cimport windows_unbind

import random

cdef enum:
    ARENA_BYTES = 384 * 1024        # small enough to stay in the cache of the core that copies it to the kernel
    MESSAGES = 2048
    PACKETS_NICE = -10              # nine parts in ten of a full core; what tells and hears clients needs the tenth
    PACKETS_TURN_NS = 100_000


class UnknownNumberError(KeyError):
    """A command names a peer or stream that does not exist."""


class FullError(Exception):
    """A fixed bound is reached: codecs or declared SSRCs of a stream."""


cdef class Core:
    """State and commands of the packet core; see `media.forwarder.native.forwarder` for its use from Python."""

    cdef State *state
    cdef dict peer_places, stream_places, sink_places
    cdef object random

    def __cinit__(self, double wall_minus_monotonic, *, seed=None, **_others):
        self.peer_places, self.stream_places, self.sink_places = {}, {}, {}
        self.random = random.Random(seed)
        self.state = <State *>calloc(1, sizeof(State))
        if self.state == NULL:
            raise MemoryError
        self.state.wall_minus_monotonic = wall_minus_monotonic
        self.state.outbox.arena_bytes = ARENA_BYTES
        self.state.outbox.arena = <uint8_t *>calloc(ARENA_BYTES, 1)
        self.state.outbox.room = MESSAGES
        self.state.outbox.messages = <Message *>calloc(MESSAGES, sizeof(Message))
        if self.state.outbox.arena == NULL or self.state.outbox.messages == NULL or not table_init(
                &self.state.addresses, 1024):
            raise MemoryError

    def __dealloc__(self):
        cdef int i
        if self.state == NULL:
            return
        for i in range(self.state.room_sinks):
            if self.state.sinks[i] != NULL:
                free_sink(self.state.sinks[i])
        for i in range(self.state.room_streams):
            if self.state.streams[i] != NULL:
                free_stream(self.state.streams[i])
        for i in range(self.state.room_peers):
            if self.state.peers[i] != NULL:
                free_peer(self.state.peers[i])
        free(self.state.sinks)
        free(self.state.sinks_due_us)
        free(self.state.streams)
        free(self.state.streams_due_us)
        free(self.state.peers)
        free(self.state.peers_due_us)
        free(self.state.outbox.arena)
        free(self.state.outbox.messages)
        free(self.state.events.bytes)
        table_free(&self.state.addresses)
        EVP_MAC_CTX_free(self.state.check_mac)
        free(self.state)

    # --- peers -----------------------------------------------------------------------------------------------------

    def add_peer(self, int64_t peer_id, int profile, bytes send_keys, bytes receive_keys, bytes cname, int64_t now_us):
        """Add a peer. The keys are session keys in a row: RTP cipher, RTP auth, RTP salt, RTCP cipher, auth, salt."""
        cdef int at = free_place(<void ***>&self.state.peers, &self.state.peers_due_us, &self.state.room_peers)
        cdef Peer *peer = <Peer *>new_struct(sizeof(Peer))
        if at < 0 or peer == NULL:
            free(peer)
            raise MemoryError
        peer.id = peer_id
        peer.report_ssrc = self.random.getrandbits(32)
        peer.cname_bytes = min(len(cname), 255)
        memcpy(peer.cname, <const char *>cname, peer.cname_bytes)
        if (
            not key_pair(&peer.rtp_out, &peer.rtcp_out, profile, send_keys, True)
            or not key_pair(&peer.rtp_in, &peer.rtcp_in, profile, receive_keys, False)
        ):
            free_peer(peer)
            raise MemoryError
        peer.report_due_us = now_us
        peer.checked_us = -1
        self.state.peers[at] = peer
        self.state.peers_due_us[at] = now_us
        self.peer_places[peer_id] = at

    def set_peer_address(self, int64_t peer_id, bytes address):
        """Datagrams of this 18-byte address (IPv6 or v4-mapped, port) are the peer's, and its go there, no others."""
        cdef int at = self.place(self.peer_places, peer_id)
        self.forget_addresses(at)
        self.learn_address(at, <const uint8_t *><const char *>address)
        memcpy(self.state.peers[at].address, <const char *>address, ADDRESS)
        self.state.peers[at].has_address = True

    def add_peer_address(self, int64_t peer_id, bytes address):
        """Datagrams of this address are the peer's, too; past MAX_ADDRESSES they are not."""
        cdef int at = self.place(self.peer_places, peer_id)
        if table_find(&self.state.addresses, <const uint8_t *><const char *>address) != at:
            self.learn_address(at, <const uint8_t *><const char *>address)

    def set_checks(self, int64_t peer_id, bytes ufrag, bytes password):
        """Answer ICE checks from the peer's addresses that have our user name fragment and password."""
        cdef Peer *peer = self.state.peers[self.place(self.peer_places, peer_id)]
        if not 0 < len(ufrag) <= MAX_CREDENTIAL or not 0 < len(password) <= MAX_CREDENTIAL:
            raise FullError(f"ICE credentials have 1 to {MAX_CREDENTIAL} bytes")
        memcpy(peer.ufrag, <const char *>ufrag, len(ufrag))
        memcpy(peer.password, <const char *>password, len(password))
        peer.ufrag_bytes, peer.password_bytes = len(ufrag), len(password)

    cdef void learn_address(self, int at, const uint8_t *address) except *:
        cdef Peer *peer = self.state.peers[at]
        if peer.n_addresses == MAX_ADDRESSES:
            return
        if not table_put(&self.state.addresses, address, at):
            raise MemoryError
        memcpy(peer.addresses + peer.n_addresses * ADDRESS, address, ADDRESS)
        peer.n_addresses += 1

    cdef void forget_addresses(self, int at):
        cdef Peer *peer = self.state.peers[at]
        cdef int i
        for i in range(peer.n_addresses):
            if table_find(&self.state.addresses, peer.addresses + i * ADDRESS) == at:
                table_remove(&self.state.addresses, peer.addresses + i * ADDRESS)
        peer.n_addresses = 0

    def remove_peer(self, int64_t peer_id):
        """Forget a peer, its streams and its sinks; nothing if it is gone."""
        cdef int at = self.peer_places.pop(peer_id, -1)
        cdef Peer *peer
        if at < 0:
            return
        peer = self.state.peers[at]
        while peer.streams.n:
            self.remove_stream(self.state.streams[peer.streams.at[peer.streams.n - 1]].id)
        while peer.sinks.n:
            self.drop_sink(peer.sinks.at[peer.sinks.n - 1])
        self.forget_addresses(at)
        # What was sealed for it has been sent or waits with an address of its own.
        free_peer(peer)
        self.state.peers[at] = NULL

    # --- streams ---------------------------------------------------------------------------------------------------

    def add_stream(self, int64_t stream_id, int64_t peer_id, bint video, bytes mid, codecs, extensions, ssrcs):
        """Add a stream; codecs are tuples in the order of `Codec`'s fields, extensions of `Extensions`'s."""
        cdef int peer = self.place(self.peer_places, peer_id)
        cdef int at, i
        cdef Stream *stream
        if len(codecs) > MAX_CODECS or len(ssrcs) > MAX_DECLARED or len(mid) > 255:
            raise FullError(f"a stream has at most {MAX_CODECS} codecs and {MAX_DECLARED} SSRCs")
        at = free_place(<void ***>&self.state.streams, &self.state.streams_due_us, &self.state.room_streams)
        stream = <Stream *>new_struct(sizeof(Stream))
        if (
            at < 0
            or stream == NULL
            or not cache_init(&stream.cache, VIDEO_PACKETS if video else AUDIO_PACKETS,
                              VIDEO_BYTES if video else AUDIO_BYTES)
            or not add_index(&self.state.peers[peer].streams, at)
        ):
            if stream != NULL:
                free_stream(stream)
            raise MemoryError
        stream.id, stream.peer, stream.video = stream_id, peer, video
        stream.mid_bytes = len(mid)
        memcpy(stream.mid, <const char *>mid, stream.mid_bytes)
        stream.n_codecs = len(codecs)
        for i in range(stream.n_codecs):
            stream.codecs[i] = codec_of(codecs[i])
            stream.wants_feedback |= stream.codecs[i].twcc
        stream.extensions = extensions_of(extensions)
        stream.n_declared = len(ssrcs)
        for i in range(stream.n_declared):
            stream.declared[i] = ssrcs[i]
        stream.last_packet_us = -1
        stream.wish.last_us = -1_000_000_000
        self.state.streams[at] = stream
        self.state.streams_due_us[at] = 0
        self.stream_places[stream_id] = at

    def remove_stream(self, int64_t stream_id):
        """Forget a stream and its sinks, whose receivers hear BYE; nothing if it is gone."""
        cdef int at = self.stream_places.pop(stream_id, -1)
        cdef Stream *stream
        if at < 0:
            return
        stream = self.state.streams[at]
        while stream.sinks.n:
            send_bye(self.state, self.state.sinks[stream.sinks.at[0]])
            self.drop_sink(stream.sinks.at[0])
        windows_unbind(&self.state.peers[stream.peer].rtp_windows, at)
        remove_index(&self.state.peers[stream.peer].streams, at)
        free_stream(stream)
        self.state.streams[at] = NULL

    def request_keyframe(self, int64_t stream_id):
        """Ask for a key frame at the next occasion; nothing if the stream is gone."""
        cdef int at = self.stream_places.get(stream_id, -1)
        if at >= 0:
            want_keyframe(self.state, at)

    def set_tap(self, int64_t stream_id, bint on):
        """Turn the recorder's events on or off; nothing if the stream is gone."""
        cdef int at = self.stream_places.get(stream_id, -1)
        if at < 0:
            return
        if on and not self.state.streams[at].tapped:
            want_keyframe(self.state, at)
        self.state.streams[at].tapped = on

    # --- sinks -----------------------------------------------------------------------------------------------------

    def add_sink(self, int64_t sink_id, int64_t stream_id, int64_t peer_id, uint32_t ssrc, rtx_ssrc, payload_types,
                 extensions, bytes mid, bint active):
        """Add a sink; payload_types has for opus, vp8 and h264 a pair (media, retransmission), -1 where there is none."""
        cdef int stream = self.place(self.stream_places, stream_id)
        cdef int p = self.place(self.peer_places, peer_id)
        cdef Peer *peer = self.state.peers[p]
        cdef int at = free_place(<void ***>&self.state.sinks, &self.state.sinks_due_us, &self.state.room_sinks)
        cdef Sink *sink = <Sink *>new_struct(sizeof(Sink))
        cdef int i
        if at < 0 or sink == NULL:
            free(sink)
            raise MemoryError
        sink.id, sink.stream, sink.peer, sink.ssrc, sink.active = sink_id, stream, p, ssrc, active
        sink.has_rtx = rtx_ssrc is not None
        sink.rtx_ssrc = rtx_ssrc or 0
        for i in range(CODEC_NAMES):
            sink.payload_types[i], sink.rtx_payload_types[i] = payload_types[i]
        sink.extensions = extensions_of(extensions)
        sink.mid_bytes = len(mid)
        memcpy(sink.mid, <const char *>mid, sink.mid_bytes)
        sink.two_byte = sink.mid_bytes > 16 or any(number > 14 for number in extensions)
        # A sequence that starts below 2^15 leaves no doubt about the rollover counter (RFC 3711 3.3.1).
        sink.numbering.next_out = next_index(peer, ssrc, self.random.randrange(1, 1 << 15))
        sink.first_out = sink.numbering.next_out
        sink.rtx_next = next_index(peer, sink.rtx_ssrc, self.random.randrange(1, 1 << 15))
        sink.last_rr_us = -1
        sink.rtt_s = -1
        sink.limiter.budget_bytes = RESEND_BURST_BYTES
        if not self.enlist_sink(at, sink):
            free_sink(sink)
            raise MemoryError
        self.sink_places[sink_id] = at
        if active:
            want_keyframe(self.state, stream)

    cdef bint enlist_sink(self, int at, Sink *sink):
        # Into the lists of its stream and its receiver; False, and nothing changed, without memory.
        cdef Peer *peer = self.state.peers[sink.peer]
        cdef Stream *stream = self.state.streams[sink.stream]
        if not reserve_spent(peer, sink.ssrc) or (sink.has_rtx and not reserve_spent(peer, sink.rtx_ssrc)):
            return False
        if not remember_sent_numbers(sink):
            return False
        if not add_index(&stream.sinks, at):
            return False
        if not add_index(&peer.sinks, at):
            remove_index(&stream.sinks, at)
            return False
        remember_spent(peer, sink.ssrc, sink.numbering.next_out)
        remember_spent(peer, sink.rtx_ssrc, sink.rtx_next)
        self.state.sinks[at] = sink
        self.state.sinks_due_us[at] = 0
        return True

    def uses_ssrc(self, int64_t peer_id, uint32_t ssrc):
        """Whether a living sink of that peer sends under this SSRC."""
        cdef Peer *peer = self.state.peers[self.place(self.peer_places, peer_id)]
        cdef int i
        cdef Sink *sink
        for i in range(peer.sinks.n):
            sink = self.state.sinks[peer.sinks.at[i]]
            if sink.ssrc == ssrc or (sink.has_rtx and sink.rtx_ssrc == ssrc):
                return True
        return False

    def set_sink_active(self, int64_t sink_id, bint active):
        """Pause or continue a sink; nothing if it is gone."""
        cdef int at = self.sink_places.get(sink_id, -1)
        if at < 0 or self.state.sinks[at].active == active:
            return
        if not active:
            pause_sink(self.state.sinks[at])
            return
        self.state.sinks[at].active = True
        self.state.sinks_due_us[at] = 0
        want_keyframe(self.state, self.state.sinks[at].stream)

    def remove_sink(self, int64_t sink_id):
        """Stop sending and say BYE; nothing if it is gone."""
        cdef int at = self.sink_places.get(sink_id, -1)
        if at < 0:
            return
        send_bye(self.state, self.state.sinks[at])
        self.drop_sink(at)

    cdef void drop_sink(self, int at):
        cdef Sink *sink = self.state.sinks[at]
        cdef Peer *peer = self.state.peers[sink.peer]
        remove_index(&self.state.streams[sink.stream].sinks, at)
        remove_index(&peer.sinks, at)
        remember_spent(peer, sink.ssrc, sink.numbering.next_out)
        if sink.has_rtx:
            remember_spent(peer, sink.rtx_ssrc, sink.rtx_next)
        self.sink_places.pop(sink.id, None)
        free_sink(sink)
        self.state.sinks[at] = NULL

    # --- reading ---------------------------------------------------------------------------------------------------

    def has_peer(self, int64_t peer_id):
        """Whether that peer lives."""
        return peer_id in self.peer_places

    def has_stream(self, int64_t stream_id):
        """Whether that stream lives."""
        return stream_id in self.stream_places

    def has_sink(self, int64_t sink_id):
        """Whether that sink lives."""
        return sink_id in self.sink_places

    cdef int place(self, dict places, int64_t wanted) except -1:
        found = places.get(wanted)
        if found is None:
            raise UnknownNumberError(wanted)
        return found

    def take_events(self):
        """Take the events as bytes: records as `events.pxd` describes them."""
        taken = (<const char *>self.state.events.bytes)[:self.state.events.used] if self.state.events.used else b""
        self.state.events.used = 0
        return taken

    def read_checked(self, int64_t peer_id):
        """When a check of the peer was answered last, in us; -1 before the first, or if it is gone."""
        cdef int at = self.peer_places.get(peer_id, -1)
        return -1 if at < 0 else self.state.peers[at].checked_us

    def read_drops(self):
        """Datagrams dropped, by cause."""
        return self.state.drops

    def places(self):
        """How many places there are for streams and for sinks: `read_streams` and `read_sinks` read ranges of them."""
        return self.state.room_streams, self.state.room_sinks

    def read_streams(self, int first, int end):
        """Streams' counters as packed records: id, then in the order of StreamStatistics, times in us."""
        cdef int i
        cdef Stream *stream
        cdef int64_t fields[8]
        cdef char *begin
        cdef char *at
        first, end = max(first, 0), min(end, self.state.room_streams)
        out = bytearray(max(end - first, 0) * sizeof(fields))
        begin = at = out
        for i in range(first, end):
            stream = self.state.streams[i]
            if stream != NULL:
                fields = [stream.id, stream.packets, stream.bytes, stream.lost, stream.recovered, stream.nacks_sent,
                          stream.plis_sent, stream.last_packet_us]
                memcpy(at, fields, sizeof(fields))
                at += sizeof(fields)
        return bytes(out[:at - begin])

    def read_sinks(self, int first, int end):
        """Sinks' counters as packed records: id, then in the order of SinkStatistics; the last two are doubles."""
        cdef int i
        cdef Sink *sink
        cdef int64_t fields[8]
        cdef double shares[2]
        cdef char *begin
        cdef char *at
        first, end = max(first, 0), min(end, self.state.room_sinks)
        out = bytearray(max(end - first, 0) * (sizeof(fields) + sizeof(shares)))
        begin = at = out
        for i in range(first, end):
            sink = self.state.sinks[i]
            if sink != NULL:
                fields = [sink.id, sink.packets, sink.bytes, sink.resent, sink.nacks_received, sink.plis_received,
                          sink.packets_lost, sink.last_rr_us]
                shares = [sink.fraction_lost, sink.rtt_s]
                memcpy(at, fields, sizeof(fields))
                memcpy(at + sizeof(fields), shares, sizeof(shares))
                at += sizeof(fields) + sizeof(shares)
        return bytes(out[:at - begin])

    # --- without a socket --------------------------------------------------------------------------------------------

    def receive(self, list datagrams, int64_t now_us):
        """Take a batch of RTP, RTCP and ICE checks, each with its sender's 18-byte address, and forward them."""
        cdef bytes data, address
        cdef int peer
        for data, address in datagrams:
            peer = table_find(&self.state.addresses, <const uint8_t *><const char *>address)
            if not is_answered(self.state, peer, <const uint8_t *><const char *>data, <int>min(len(data), 65535),
                               <const uint8_t *><const char *>address, now_us):
                take_datagram(self.state, peer, <const uint8_t *><const char *>data, <int>min(len(data), 65535), now_us)
        end_batch(self.state)

    def tick(self, int64_t now_us):
        """Do what is due by time."""
        run_timers(self.state, now_us)

    def take_outgoing(self):
        """Take what waits to be sent: a list of (datagram, 18-byte address), GSO messages taken apart."""
        cdef int i, k, length
        cdef int64_t at
        cdef Message *message
        taken = []
        for i in range(self.state.outbox.n):
            message = &self.state.outbox.messages[i]
            address = (<const char *>message.address)[:ADDRESS]
            at = message.at
            for k in range(message.segments):
                length = <int>min(message.segment_bytes, message.at + message.length - at)
                taken.append(((<const char *>(self.state.outbox.arena + at))[:length], address))
                at += length
        self.state.outbox.n = 0
        self.state.outbox.used = 0
        return taken


cdef class SocketCore(Core):
    """A packet core that owns the receiving side of UDP sockets; `run` is the body of its thread.

    All other methods but `stop` need the lock, which holds the thread between two batches.
    """

    cdef Port *port

    def __cinit__(self, double wall_minus_monotonic, *, sockets, **_others):
        """`sockets`: (file descriptor, whether it is IPv6) of each, non-blocking and kept open by the caller."""
        if not 1 <= len(sockets) <= MAX_SOCKETS:
            raise FullError(f"a packet core has 1 to {MAX_SOCKETS} sockets")
        self.port = <Port *>calloc(1, sizeof(Port))
        if self.port == NULL:
            raise MemoryError
        if not port_init(self.port, self.state):
            raise OSError("no memory or no eventfd can be had")
        for fd, ipv6 in sockets:
            port_add_socket(self.port, fd, ipv6)

    def __dealloc__(self):
        if self.port != NULL:
            port_free(self.port)

    @property
    def wake_fd(self):
        """Readable when events or control datagrams wait to be taken."""
        return self.port.wake_fd

    def prefer_thread(self):
        """Let the calling thread go before others; False where that takes rights that we do not have."""
        return bool(prefer_thread(PACKETS_NICE, PACKETS_TURN_NS))

    def run(self):
        """Forward until `stop`; releases the GIL for good."""
        with nogil:
            port_run(self.port)

    def stop(self):
        """Ask the thread to end; it does within a batch."""
        port_stop(self.port)

    def lock(self):
        """Wait until the thread is between two batches and hold it there."""
        with nogil:
            port_lock(self.port)

    def unlock(self):
        """Let the thread go on."""
        pthread_mutex_unlock(&self.port.mutex)

    def flush(self):
        """Send what commands caused."""
        outbox_flush(&self.state.outbox)

    def clear_wake(self):
        """Take back the signal of `wake_fd`, before events and control datagrams are taken."""
        cdef uint64_t count
        read(self.port.wake_fd, &count, 8)
        self.port.signalled = False

    def take_control(self):
        """Take the datagrams that are no RTP or RTCP: a list of (datagram, 18-byte address)."""
        cdef int64_t at = 0
        cdef uint16_t length
        cdef uint8_t *record
        taken = []
        while at < self.port.control_used:
            record = self.port.control + at
            memcpy(&length, record, 2)
            taken.append((
                (<const char *>(record + CONTROL_HEADER_BYTES))[:length],
                (<const char *>(record + 2))[:ADDRESS],
            ))
            at += CONTROL_HEADER_BYTES + length
        self.port.control_used = 0
        return taken

    def read_traffic(self):
        """Datagrams in and out, calls that sent them, datagrams not sent, control ones dropped, whether GSO is used."""
        return (self.port.datagrams_in, self.port.datagrams_out, self.port.sends, self.port.unsent,
                self.port.control_dropped, self.port.gso)


cdef Codec codec_of(fields):
    # (payload type, RTX payload type or -1, name, clock rate, nack, pli, twcc)
    cdef Codec codec
    (codec.payload_type, codec.rtx_payload_type, codec.name, codec.clock_rate, codec.nack, codec.pli,
     codec.twcc) = fields
    return codec


cdef Extensions extensions_of(ids):
    # In the order of `Extensions`, 0 where not negotiated.
    cdef Extensions extensions
    (extensions.mid, extensions.rid, extensions.repaired_rid, extensions.transport_cc, extensions.audio_level,
     extensions.video_orientation, extensions.abs_send_time) = ids
    return extensions


cdef bint key_pair(Protection *rtp, Protection *rtcp, int profile, bytes keys, bint sealing):
    # keys: RTP cipher, auth, salt, then the same for RTCP; lengths by profile (auth empty for GCM).
    cdef int key = 32 if profile == 1 else 16
    cdef int auth = 20 if profile == 2 else 0
    cdef int salt = 14 if profile == 2 else 12
    cdef const uint8_t *at = <const uint8_t *><const char *>keys
    if len(keys) != 2 * (key + auth + salt):
        return False
    if not protection_init(rtp, profile, at, at + key, at + key + auth, sealing):
        return False
    at += key + auth + salt
    return protection_init(rtcp, profile, at, at + key, at + key + auth, sealing)
