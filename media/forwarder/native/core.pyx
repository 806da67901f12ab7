"""The packet core for Python: commands and counters around the C state that the other files work on without the GIL.

`Core` has no I/O: datagrams go in by `receive`, out by `take_outgoing`. `SocketCore` owns UDP sockets and a thread.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from media.forwarder.native.events cimport tap_codec
from media.forwarder.native.huge_pages cimport pool_give, pool_take
from media.forwarder.native.libcrypto cimport EVP_MAC_CTX_free
from media.forwarder.native.outbox cimport outbox_flush
from media.forwarder.native.layers cimport await_nothing, best_layer, choose_again, choose_layer, hold_sink
from media.forwarder.native.line_reports cimport line_of, start_probe
from media.forwarder.native.pacer cimport pacer_set
from media.forwarder.native.packet_cache cimport AUDIO_BYTES, AUDIO_PACKETS, VIDEO_BYTES, VIDEO_PACKETS, cache_init
from media.forwarder.native.port cimport (
    CONTROL_HEADER_BYTES, MAX_SOCKETS, Port, end_batch, port_add_socket, port_free, port_init, port_lock, port_run,
    port_stop, is_answered, take_datagram,
)
from media.forwarder.native.reporting cimport run_timers, send_bye
from media.forwarder.native.resend cimport RESEND_BURST_BYTES
from media.forwarder.native.rtp cimport Extensions
from media.forwarder.native.sending cimport forget_waiting, pause_sink, remember_sent_numbers
from media.forwarder.native.shaping cimport NOTHING_AWAITED, Shaping
from media.forwarder.native.sockets cimport prefer_thread, pthread_mutex_unlock, read
from media.forwarder.native.srtp cimport Protection, protection_init
from media.forwarder.native.state cimport (
    ADDRESS, CODEC_NAMES, MAX_ADDRESSES, MAX_CODECS, MAX_CREDENTIAL, MAX_DECLARED, MAX_LAYERS, MAX_RID, Codec, Indices,
    Message, Peer, Simulcast, Sink, State, Stream, add_index, free_peer, free_place, free_sink, free_stream,
    next_index, remember_spent, remove_index, reserve_index, reserve_spent, want_keyframe,
)
from media.forwarder.native.tables cimport table_find, table_free, table_init, table_put, table_remove
from media.forwarder.native.tap cimport PacketTap
from media.forwarder.native.vp8 cimport ALL_TEMPORAL
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
    cdef dict peer_places, stream_places, sink_places, taps
    cdef object random

    def __cinit__(self, double wall_minus_monotonic, *, seed=None, **_others):
        self.peer_places, self.stream_places, self.sink_places, self.taps = {}, {}, {}, {}
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
                if self.state.streams[i].simulcast != NULL and self.state.streams[i].layer == 0:
                    free(self.state.streams[i].simulcast.members.at)
                    free(self.state.streams[i].simulcast)
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
        cdef Peer *peer = <Peer *>pool_take(sizeof(Peer))
        if at < 0 or peer == NULL:
            pool_give(peer, sizeof(Peer))
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

    def set_peer_rate(self, int64_t peer_id, int64_t bits_per_second, int64_t now_us):
        """What the peer's line carries, 0 for no limit; nothing if it is gone."""
        cdef int at = self.peer_places.get(peer_id, -1)
        if at < 0 or (bits_per_second == 0 and self.state.peers[at].line == NULL):
            return
        if line_of(self.state.peers[at]) == NULL:
            raise MemoryError
        pacer_set(&self.state.peers[at].line.pacer, bits_per_second, now_us)
        self.state.peers_due_us[at] = 0

    def probe(self, int64_t peer_id, int64_t bits_per_second, int64_t duration_us, int64_t now_us):
        """Probe the peer's line; nothing if it is gone."""
        cdef int at = self.peer_places.get(peer_id, -1)
        if at < 0:
            return
        if line_of(self.state.peers[at]) == NULL:
            raise MemoryError
        start_probe(self.state, at, bits_per_second, duration_us, now_us)

    # --- streams ---------------------------------------------------------------------------------------------------

    def add_stream(self, int64_t stream_id, int64_t peer_id, bint video, bytes mid, codecs, extensions, ssrcs, rids=()):
        """Add a stream; codecs are tuples in the order of `Codec`'s fields, extensions of `Extensions`'s.

        rids: of its simulcast layers, lowest first; empty for a stream without.
        """
        cdef Simulcast *track
        cdef int first, i
        if len(codecs) > MAX_CODECS or len(ssrcs) > MAX_DECLARED or len(mid) > 255:
            raise FullError(f"a stream has at most {MAX_CODECS} codecs and {MAX_DECLARED} SSRCs")
        if len(rids) > MAX_LAYERS or any(len(rid) > MAX_RID for rid in rids):
            raise FullError(f"a stream has at most {MAX_LAYERS} layers, whose rids have at most {MAX_RID} bytes")
        first = self.make_stream(stream_id, peer_id, video, mid, codecs, extensions, ssrcs)
        self.stream_places[stream_id] = first
        if not rids:
            return
        track = <Simulcast *>calloc(1, sizeof(Simulcast))
        if track == NULL:
            self.remove_stream(stream_id)
            raise MemoryError
        track.id, track.tap_place, track.tap.awaited = stream_id, -1, NOTHING_AWAITED
        track.asked_us = -1_000_000_000
        self.join_track(track, first, rids[0])
        try:
            for i in range(1, len(rids)):
                self.join_track(track, self.make_stream(stream_id, peer_id, video, mid, codecs, extensions, ()),
                                rids[i])
        except MemoryError:
            self.remove_stream(stream_id)
            raise

    cdef void join_track(self, Simulcast *track, int at, bytes rid) except *:
        cdef Stream *stream = self.state.streams[at]
        stream.simulcast = track
        stream.layer = track.n
        stream.rid_bytes = len(rid)
        memcpy(stream.rid, <const char *>rid, stream.rid_bytes)
        track.places[track.n] = at
        track.n += 1

    cdef int make_stream(self, int64_t stream_id, int64_t peer_id, bint video, bytes mid, codecs, extensions,
                         ssrcs) except -1:
        # One source: a stream, or a layer of one.
        cdef int peer = self.place(self.peer_places, peer_id)
        cdef int at, i
        cdef Stream *stream
        at = free_place(<void ***>&self.state.streams, &self.state.streams_due_us, &self.state.room_streams)
        stream = <Stream *>pool_take(sizeof(Stream))
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
        stream.last_keyframe_us = -1
        stream.wish.last_us = -1_000_000_000
        self.state.streams[at] = stream
        self.state.streams_due_us[at] = 0
        return at

    def remove_stream(self, int64_t stream_id):
        """Forget a stream and its sinks, whose receivers hear BYE; nothing if it is gone."""
        cdef int at = self.stream_places.pop(stream_id, -1)
        cdef int i
        cdef Simulcast *track
        self.taps.pop(stream_id, None)
        if at < 0:
            return
        track = self.state.streams[at].simulcast
        if track == NULL:
            self.drop_sinks(&self.state.streams[at].sinks)
            self.drop_sinks(&self.state.streams[at].waiting)
            self.drop_stream(at)
            return
        self.drop_sinks(&track.members)
        for i in range(track.n):
            self.drop_stream(track.places[i])
        free(track.members.at)
        free(track)

    cdef void drop_sinks(self, Indices *sinks):
        while sinks.n:
            send_bye(self.state, self.state.sinks[sinks.at[0]])
            self.drop_sink(sinks.at[0])

    cdef void drop_stream(self, int at):
        cdef Stream *stream = self.state.streams[at]
        windows_unbind(&self.state.peers[stream.peer].rtp_windows, at)
        remove_index(&self.state.peers[stream.peer].streams, at)
        free_stream(stream)
        self.state.streams[at] = NULL

    def request_keyframe(self, int64_t stream_id):
        """Ask for a key frame at the next occasion; nothing if the stream is gone."""
        cdef int at = self.stream_places.get(stream_id, -1)
        cdef Simulcast *track
        cdef int i
        if at < 0:
            return
        track = self.state.streams[at].simulcast
        if track == NULL:
            want_keyframe(self.state, at)
            return
        for i in range(track.n):
            if self.state.streams[track.places[i]].sinks.n or track.tap_place == track.places[i]:
                want_keyframe(self.state, track.places[i])

    def set_tap(self, int64_t stream_id, bint on, into, int64_t now_us):
        """Turn the recorder's events on or off; `into`: an object that gets what they would tell, None for events.

        Nothing if the stream is gone.
        """
        cdef int at = self.stream_places.get(stream_id, -1)
        cdef PacketTap *tap = NULL
        cdef Stream *stream
        if at < 0:
            return
        if on and into is not None:
            tap = <PacketTap *>PyCapsule_GetPointer(into.packet_tap, "media.forwarder.PacketTap")
        stream = self.state.streams[at]
        if stream.simulcast != NULL:
            self.set_track_tap(stream.simulcast, on, tap, now_us)
        else:
            if on and not stream.tapped:
                want_keyframe(self.state, at)
            stream.tapped, stream.tap_into = on, tap
            if stream.started:
                tap_codec(self.state, tap, &stream.codecs[stream.codec], now_us)
        # Only now may what was tapped into before go.
        self.taps[stream_id] = into if on else None

    cdef void set_track_tap(self, Simulcast *track, bint on, PacketTap *into, int64_t now_us):
        # It begins at a key frame of the best layer, with numbers that go on where they were.
        cdef const Stream *best
        track.tap_into = into
        if on == track.tapped:
            return
        track.tapped = on
        track.tap_place = -1
        track.tap.awaited = NOTHING_AWAITED
        if on:
            if track.started:
                best = self.state.streams[best_layer(self.state, track, track.n - 1)]
                tap_codec(self.state, into, &best.codecs[best.codec], now_us)
            choose_again(self.state, track)

    # --- sinks -----------------------------------------------------------------------------------------------------

    def add_sink(self, int64_t sink_id, int64_t stream_id, int64_t peer_id, uint32_t ssrc, rtx_ssrc, payload_types,
                 extensions, bytes mid, bint active):
        """Add a sink; payload_types: for opus, vp8, h264 and red a pair (media, retransmission), -1 where there is none."""
        cdef int stream = self.place(self.stream_places, stream_id)
        cdef int p = self.place(self.peer_places, peer_id)
        cdef Peer *peer = self.state.peers[p]
        cdef int at = free_place(<void ***>&self.state.sinks, &self.state.sinks_due_us, &self.state.room_sinks)
        cdef Sink *sink = <Sink *>pool_take(sizeof(Sink))
        cdef Simulcast *track = self.state.streams[stream].simulcast
        cdef int i
        if at < 0 or sink == NULL:
            pool_give(sink, sizeof(Sink))
            raise MemoryError
        if track != NULL:
            stream = best_layer(self.state, track, 0)
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
        sink.lossy_us = -1_000_000_000
        sink.rtt_s = -1
        sink.limiter.budget_bytes = RESEND_BURST_BYTES
        if not self.enlist_sink(at, sink):
            free_sink(sink)
            raise MemoryError
        self.sink_places[sink_id] = at
        if track != NULL:
            choose_layer(self.state, at)
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
        if stream.simulcast != NULL and not self.join_members(stream.simulcast, at, sink):
            return False
        if stream.simulcast == NULL and not add_index(&stream.sinks, at):
            return False
        if not add_index(&peer.sinks, at):
            remove_index(&stream.sinks, at)
            if stream.simulcast != NULL:
                remove_index(&stream.simulcast.members, at)
            return False
        forget_waiting(self.state, sink)
        remember_spent(peer, sink.ssrc, sink.numbering.next_out)
        remember_spent(peer, sink.rtx_ssrc, sink.rtx_next)
        self.state.sinks[at] = sink
        self.state.sinks_due_us[at] = 0
        return True

    cdef bint join_members(self, Simulcast *track, int at, Sink *sink):
        # Among those that get one of the layers, with room to wait for and be on each. False without memory.
        cdef int i
        for i in range(track.n):
            if not self.room_for_shaped(self.state.streams[track.places[i]], track.members.n + 1):
                return False
        return self.shape(sink) and add_index(&track.members, at)

    cdef bint room_for_shaped(self, Stream *stream, int n):
        return reserve_index(&stream.sinks, n) and reserve_index(&stream.waiting, n)

    cdef bint shape(self, Sink *sink):
        # False without memory.
        sink.shaping = <Shaping *>calloc(1, sizeof(Shaping))
        if sink.shaping == NULL:
            return False
        sink.shaping.awaited = NOTHING_AWAITED
        sink.shaping.vp8.temporal = sink.shaping.vp8.wanted_temporal = ALL_TEMPORAL
        return True

    def set_sink_layer(self, int64_t sink_id, int layer, int temporal):
        """Choose what a sink gets, temporal 4 for all frames; nothing if it is gone or sound."""
        cdef int at = self.sink_places.get(sink_id, -1)
        cdef Sink *sink
        cdef Stream *stream
        if at < 0:
            return
        sink = self.state.sinks[at]
        stream = self.state.streams[sink.stream]
        if sink.shaping == NULL:
            if temporal == ALL_TEMPORAL or not stream.video:
                return
            if not self.room_for_shaped(stream, stream.sinks.n + stream.waiting.n) or not self.shape(sink):
                raise MemoryError
            sink.shaping.on = True
        sink.shaping.vp8.wanted_temporal = temporal
        sink.shaping.wanted_layer = layer
        choose_layer(self.state, at)

    def layers_of(self, int64_t sink_id):
        """How many layers the stream of a living sink has, 1 without simulcast; 0 if the sink is gone."""
        cdef int at = self.sink_places.get(sink_id, -1)
        cdef Simulcast *track
        if at < 0:
            return 0
        track = self.state.streams[self.state.sinks[at].stream].simulcast
        return 1 if track == NULL else track.n

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

    def set_sink_repeat(self, int64_t sink_id, bint on):
        """Begin or end repeating a sound's packets; nothing if the sink is gone or picture."""
        cdef int at = self.sink_places.get(sink_id, -1)
        if at >= 0 and not self.state.streams[self.state.sinks[at].stream].video:
            self.state.sinks[at].repeats = on

    def set_sink_active(self, int64_t sink_id, bint active):
        """Pause or continue a sink; nothing if it is gone."""
        cdef int at = self.sink_places.get(sink_id, -1)
        if at < 0 or self.state.sinks[at].active == active:
            return
        if not active:
            pause_sink(self.state, self.state.sinks[at])
            return
        self.state.sinks[at].active = True
        self.state.sinks_due_us[at] = 0
        if self.state.sinks[at].shaping != NULL:
            hold_sink(self.state, at)
        else:
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
        cdef Simulcast *track = self.state.streams[sink.stream].simulcast
        if sink.shaping != NULL:
            await_nothing(self.state, at)
        if track != NULL:
            remove_index(&track.members, at)
        remove_index(&self.state.streams[sink.stream].sinks, at)
        remove_index(&peer.sinks, at)
        forget_waiting(self.state, sink)
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
        """Streams' counters as packed records: id, in the order of StreamStatistics, then layer and last key frame.

        Each simulcast layer has a record of its own, a stream without has layer -1; times in us.
        """
        cdef int i
        cdef Stream *stream
        cdef int64_t fields[10]
        cdef char *begin
        cdef char *at
        first, end = max(first, 0), min(end, self.state.room_streams)
        out = bytearray(max(end - first, 0) * sizeof(fields))
        begin = at = out
        for i in range(first, end):
            stream = self.state.streams[i]
            if stream != NULL:
                fields = [stream.id, stream.packets, stream.bytes, stream.lost, stream.recovered, stream.nacks_sent,
                          stream.plis_sent, stream.last_packet_us,
                          -1 if stream.simulcast == NULL else stream.layer, stream.last_keyframe_us]
                memcpy(at, fields, sizeof(fields))
                at += sizeof(fields)
        return bytes(out[:at - begin])

    def read_sinks(self, int first, int end):
        """Sinks' counters as packed records: id, then in the order of SinkStatistics; layer, then two doubles."""
        cdef int i
        cdef Sink *sink
        cdef int64_t fields[9]
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
                          sink.packets_lost, sink.last_rr_us, self.state.streams[sink.stream].layer]
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

    All other methods need the lock, which holds the thread between two batches, but for `stop` and those that read
    counters: the tables they walk change by commands alone, and each counter is read in one piece.
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
        """Wait until the thread is between two batches and hold it there.

        With the GIL: who had to wait for that again would hold the thread meanwhile, for milliseconds.
        """
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
        """The fields of `Traffic`, in their order."""
        return (self.port.datagrams_in, self.port.datagrams_out, self.port.sends, self.port.unsent,
                self.port.control_dropped, self.port.gso, self.port.pace.window_us)


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
