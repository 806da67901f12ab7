# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The packet core: opens, renumbers, seals and answers RTP and RTCP for all peers of one relay, without I/O.

Datagrams go in through `take`, time passes through `run_timers`, sealed datagrams gather in an arena that `flush`
sends (with a socket) or leaves to be taken (without). Everything here runs without the GIL on memory whose size is
bounded by the number of peers, streams and sinks.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy, memmove, memset

from media.forwarder.native.h264_vp8 cimport starts_h264_keyframe, starts_vp8_keyframe
from media.forwarder.native.rtp cimport (
    Element, Extensions, Header, find_extension, padding_bytes, parse_header, write_element,
)
from media.forwarder.native.srtp cimport (
    Protection, ReplayWindow, guess_index, is_replayed, open_rtcp, open_rtp, protection_free, protection_init,
    remember_index, replay_init, seal_rtcp, seal_rtp,
)
from media.forwarder.native.tables cimport EMPTY, table_find, table_free, table_init, table_put, table_remove
from media.forwarder.native.wire cimport read16, read32, read64, write16, write24, write32, write64

import random

cdef enum:
    OPUS = 0
    VP8 = 1
    H264 = 2
    EVENT_STARTED = 1
    EVENT_STALLED = 2
    EVENT_RESUMED = 3
    EVENT_TAPPED = 4
    EVENT_REPORT = 5
    EVENT_PEER_GONE = 6
    MAX_SEGMENTS = 60               # the kernel takes 64 (UDP_MAX_SEGMENTS) and 65,507 bytes
    MAX_MESSAGE_BYTES = 60000
    EVEN_WITHIN_BYTES = 32          # sizes that differ by less are padded to be equal
    HEADROOM_BYTES = 2048           # what one sealed packet may need in the arena
    SR = 200
    RR = 201
    SDES = 202
    BYE = 203
    RTPFB = 205
    PSFB = 206

cdef int64_t PLI_INTERVAL_US = 300_000
cdef int64_t STALL_US = 2_000_000
cdef int64_t REPORT_INTERVAL_US = 1_000_000
cdef int64_t TWCC_INTERVAL_US = 80_000
cdef int64_t NACK_REPEAT_US = 60_000
cdef int64_t NACK_GIVE_UP_US = 1_000_000
cdef int NACK_TRIES = 8
cdef int64_t RESEND_SPACING_US = 30_000
cdef int RESEND_TIMES = 3
cdef int64_t RESEND_BYTES_PER_S = 100_000
cdef int64_t RESEND_BURST_BYTES = 60_000
cdef int64_t NTP_EPOCH_S = 2_208_988_800
cdef int64_t MAX_EVENT_BYTES = 32 * 1024 * 1024


class UnknownNumberError(KeyError):
    """A command names a peer or stream that does not exist."""


cdef class Core:
    """State and logic of the packet core; see `media.forwarder.native.forwarder` for its use from Python."""

    def __cinit__(self, double wall_minus_monotonic, int64_t arena_bytes=4 * 1024 * 1024):
        self.wall_minus_monotonic = wall_minus_monotonic
        self.fd = -1
        self.gso = True
        self.peer_numbers, self.stream_numbers, self.sink_numbers = {}, {}, {}
        self.arena_bytes = arena_bytes
        self.arena = <uint8_t *>calloc(arena_bytes, 1)
        self.room_messages = 4096
        self.messages = <Message *>calloc(self.room_messages, sizeof(Message))
        self.events_bytes = 65536
        self.events = <uint8_t *>calloc(self.events_bytes, 1)
        if self.arena == NULL or self.messages == NULL or self.events == NULL or not table_init(&self.addresses, 1024):
            raise MemoryError

    def __dealloc__(self):
        cdef int i
        for i in range(self.room_sinks):
            free(self.sinks[i])
        for i in range(self.room_streams):
            if self.streams[i] != NULL:
                free_stream(self.streams[i])
        for i in range(self.room_peers):
            if self.peers[i] != NULL:
                free_peer(self.peers[i])
        free(self.sinks)
        free(self.streams)
        free(self.peers)
        free(self.arena)
        free(self.messages)
        free(self.events)
        table_free(&self.addresses)

    # --- commands (with the GIL; the caller holds the lock when a thread runs) -------------------------------------

    def add_peer(self, int64_t peer_id, int profile, bytes send_keys, bytes receive_keys, bytes cname):
        """Add a peer. The keys are session keys in a row: RTP cipher, RTP auth, RTP salt, RTCP cipher, auth, salt."""
        cdef int at = free_place(<void ***>&self.peers, &self.room_peers)
        cdef Peer *peer = <Peer *>calloc(1, sizeof(Peer))
        if at < 0 or peer == NULL:
            raise MemoryError
        peer.id = peer_id
        peer.report_ssrc = random.getrandbits(32)
        peer.cname_bytes = min(len(cname), 63)
        memcpy(peer.cname, <const char *>cname, peer.cname_bytes)
        peer.twcc_arrivals = <int64_t *>calloc(TWCC_RING, sizeof(int64_t))
        peer.twcc_highest = -1
        if (
            peer.twcc_arrivals == NULL
            or not key_pair(&peer.rtp_out, &peer.rtcp_out, profile, send_keys, True)
            or not key_pair(&peer.rtp_in, &peer.rtcp_in, profile, receive_keys, False)
        ):
            free_peer(peer)
            raise MemoryError
        self.peers[at] = peer
        self.peer_numbers[peer_id] = at

    def set_peer_address(self, int64_t peer_id, bytes address):
        """Datagrams of this 18-byte address (IPv6 or v4-mapped, port in network order) are the peer's, and its go there."""
        cdef int at = self.number(self.peer_numbers, peer_id)
        cdef Peer *peer = self.peers[at]
        if peer.has_address:
            table_remove(&self.addresses, peer.address)
        memcpy(peer.address, <const uint8_t *><const char *>address, 18)
        peer.has_address = True
        if not table_put(&self.addresses, peer.address, at):
            raise MemoryError

    def remove_peer(self, int64_t peer_id):
        """Forget a peer, its streams and its sinks; nothing if it is gone."""
        cdef int i, at = self.peer_numbers.pop(peer_id, -1)
        if at < 0:
            return
        for i in range(self.room_sinks):
            if self.sinks[i] != NULL and self.sinks[i].peer == at:
                self.drop_sink(i)
        for i in range(self.room_streams):
            if self.streams[i] != NULL and self.streams[i].peer == at:
                self.remove_stream(self.streams[i].id)
        if self.peers[at].has_address and table_find(&self.addresses, self.peers[at].address) == at:
            table_remove(&self.addresses, self.peers[at].address)
        free_peer(self.peers[at])
        self.peers[at] = NULL

    def add_stream(self, int64_t stream_id, int64_t peer_id, bint video, bytes mid, codecs, extensions, ssrcs):
        """Add a stream; codecs are tuples in the order of `Codec`'s fields, extensions of `Extensions`'s."""
        cdef int peer = self.number(self.peer_numbers, peer_id)
        cdef int at = free_place(<void ***>&self.streams, &self.room_streams)
        cdef Stream *stream = <Stream *>calloc(1, sizeof(Stream))
        cdef int i
        if at < 0 or stream == NULL:
            raise MemoryError
        stream.id, stream.peer, stream.video = stream_id, peer, video
        stream.mid_bytes = min(len(mid), 16)
        memcpy(stream.mid, <const uint8_t *><const char *>mid, stream.mid_bytes)
        stream.n_slots = VIDEO_SLOTS if video else AUDIO_SLOTS
        stream.slots = <Slot *>calloc(stream.n_slots, sizeof(Slot))
        if stream.slots == NULL:
            free(stream)
            raise MemoryError
        for i in range(stream.n_slots):
            stream.slots[i].fwd_seq = -1
        stream.n_codecs = min(len(codecs), MAX_CODECS)
        for i in range(stream.n_codecs):
            stream.codecs[i] = codec_of(codecs[i])
        stream.extensions = extensions_of(extensions)
        stream.n_declared = min(len(ssrcs), MAX_DECLARED)
        for i in range(stream.n_declared):
            stream.declared[i] = ssrcs[i]
        stream.highest = -1
        stream.last_packet_us = -1
        stream.last_pli_us = -PLI_INTERVAL_US
        self.streams[at] = stream
        self.stream_numbers[stream_id] = at

    def remove_stream(self, int64_t stream_id):
        """Forget a stream and its sinks; nothing if it is gone."""
        cdef int i, at = self.stream_numbers.pop(stream_id, -1)
        cdef Peer *peer
        if at < 0:
            return
        while self.streams[at].n_sinks:
            self.drop_sink(self.streams[at].sinks[self.streams[at].n_sinks - 1])
        peer = self.peers[self.streams[at].peer]
        i = 0
        while i < peer.n_bindings:
            if peer.bindings[i].stream == at:
                peer.n_bindings -= 1
                peer.bindings[i] = peer.bindings[peer.n_bindings]
            else:
                i += 1
        peer.last_binding = 0
        if self.streams[at].started:
            peer.started_streams -= 1
            peer.said_bye -= self.streams[at].said_bye
        free_stream(self.streams[at])
        self.streams[at] = NULL

    def add_sink(self, int64_t sink_id, int64_t stream_id, int64_t peer_id, uint32_t ssrc, rtx_ssrc, payload_types,
                 extensions, bytes mid, bint active):
        """Add a sink; payload_types has for opus, vp8 and h264 a pair (media, retransmission), -1 where there is none."""
        cdef int stream = self.number(self.stream_numbers, stream_id)
        cdef int peer = self.number(self.peer_numbers, peer_id)
        cdef int at = free_place(<void ***>&self.sinks, &self.room_sinks)
        cdef Sink *sink = <Sink *>calloc(1, sizeof(Sink))
        cdef Stream *source = self.streams[stream]
        cdef int i
        if at < 0 or sink == NULL:
            raise MemoryError
        if source.n_sinks == source.room_sinks and not grow_sinks(source):
            free(sink)
            raise MemoryError
        sink.id, sink.stream, sink.peer, sink.ssrc, sink.active = sink_id, stream, peer, ssrc, active
        sink.has_rtx = rtx_ssrc is not None
        sink.rtx_ssrc = rtx_ssrc or 0
        for i in range(CODEC_NAMES):
            sink.payload_types[i], sink.rtx_payload_types[i] = payload_types[i]
        sink.extensions = extensions_of(extensions)
        sink.mid_bytes = min(len(mid), 16)
        memcpy(sink.mid, <const uint8_t *><const char *>mid, sink.mid_bytes)
        # A sequence that starts below 2^15 leaves no doubt about the rollover counter (RFC 3711 3.3.1).
        sink.next_out = next_index(self.peers[peer], ssrc, random.randrange(1, 1 << 14))
        sink.first_out = sink.next_out
        sink.rtx_next = next_index(self.peers[peer], sink.rtx_ssrc, random.randrange(1, 1 << 14))
        sink.last_rr_us = -1
        sink.rtt = -1
        for i in range(RESEND_RING):
            sink.resend_seq[i] = -1
        sink.budget_bytes = RESEND_BURST_BYTES
        self.sinks[at] = sink
        self.sink_numbers[sink_id] = at
        source.sinks[source.n_sinks] = at
        source.n_sinks += 1
        if active:
            self.want_keyframe(source)

    def set_sink_active(self, int64_t sink_id, bint active):
        """Pause or continue a sink; nothing if it is gone."""
        cdef int at = self.sink_numbers.get(sink_id, -1)
        if at < 0 or self.sinks[at].active == active:
            return
        self.sinks[at].active = active
        self.sinks[at].anchored = False
        if active:
            self.want_keyframe(self.streams[self.sinks[at].stream])

    def remove_sink(self, int64_t sink_id, int64_t now_us):
        """Stop sending and say BYE; nothing if it is gone."""
        cdef int at = self.sink_numbers.get(sink_id, -1)
        if at < 0:
            return
        self.send_bye(self.sinks[at])
        self.drop_sink(at)

    def request_keyframe(self, int64_t stream_id):
        """Ask for a key frame at the next occasion; nothing if the stream is gone."""
        cdef int at = self.stream_numbers.get(stream_id, -1)
        if at >= 0:
            self.want_keyframe(self.streams[at])

    def set_tap(self, int64_t stream_id, bint on):
        """Turn the recorder's events on or off; nothing if the stream is gone."""
        cdef int at = self.stream_numbers.get(stream_id, -1)
        if at < 0:
            return
        self.streams[at].tapped = on
        if on:
            self.want_keyframe(self.streams[at])

    def has_peer(self, int64_t peer_id):
        """Whether that peer lives."""
        return peer_id in self.peer_numbers

    def has_stream(self, int64_t stream_id):
        """Whether that stream lives."""
        return stream_id in self.stream_numbers

    def has_sink(self, int64_t sink_id):
        """Whether that sink lives."""
        return sink_id in self.sink_numbers

    cdef int number(self, dict numbers, int64_t wanted) except -1:
        found = numbers.get(wanted)
        if found is None:
            raise UnknownNumberError(wanted)
        return found

    cdef void drop_sink(self, int at):
        cdef Sink *sink = self.sinks[at]
        cdef Stream *stream = self.streams[sink.stream]
        cdef int i
        for i in range(stream.n_sinks):
            if stream.sinks[i] == at:
                stream.n_sinks -= 1
                memmove(stream.sinks + i, stream.sinks + i + 1, (stream.n_sinks - i) * sizeof(int))
                break
        remember_spent(self.peers[sink.peer], sink.ssrc, sink.next_out)
        if sink.has_rtx:
            remember_spent(self.peers[sink.peer], sink.rtx_ssrc, sink.rtx_next)
        self.sink_numbers.pop(sink.id, None)
        free(sink)
        self.sinks[at] = NULL

    # --- taking in -------------------------------------------------------------------------------------------------

    cdef void take(self, const uint8_t *data, int length, const uint8_t *address, int64_t now_us) noexcept nogil:
        cdef int peer = table_find(&self.addresses, address)
        self.datagrams_in += 1
        if peer < 0:
            self.drops.unknown_peer += 1
        elif length < 12 or length > MAX_PACKET_BYTES:
            self.drops.malformed += 1
        elif 192 <= data[1] <= 223:  # RFC 5761 4
            self.take_rtcp(peer, data, length, now_us)
        else:
            self.take_rtp(peer, data, length, now_us)

    cdef void take_rtp(self, int p, const uint8_t *data, int length, int64_t now_us) noexcept nogil:
        cdef Peer *peer = self.peers[p]
        cdef Header header
        cdef Binding fresh
        cdef Binding *binding
        cdef Stream *stream
        cdef Element element
        cdef int64_t index
        cdef int payload, padding, i, codec
        cdef bint is_new = False
        if not parse_header(data, length, &header):
            self.drops.malformed += 1
            return
        binding = find_binding(peer, header.ssrc)
        if binding == NULL:
            fresh.stream = self.find_stream(p, data, &header)
            if fresh.stream < 0:
                self.drops.unknown_ssrc += 1
                return
            if peer.n_bindings == MAX_SSRCS:
                self.drops.too_many_ssrcs += 1
                return
            fresh.ssrc = header.ssrc
            replay_init(&fresh.window)
            binding = &fresh
            is_new = True
        index = guess_index(&binding.window, header.seq)
        if index < 0 or is_replayed(&binding.window, index):
            self.drops.replayed += 1
            return
        payload = open_rtp(&peer.rtp_in, header.ssrc, index, data, header.header_bytes, length,
                           self.scratch + header.header_bytes)
        if payload < 0:
            self.drops.auth_failed += 1
            return
        memcpy(self.scratch, data, header.header_bytes)
        remember_index(&binding.window, index)
        if is_new:
            peer.bindings[peer.n_bindings] = fresh
            peer.n_bindings += 1
        stream = self.streams[binding.stream]
        element = find_extension(self.scratch, &header, stream.extensions.transport_cc)
        if element.value != NULL and element.length == 2:
            note_transport_number(peer, read16(element.value), header.ssrc, now_us)
        padding = 0
        if header.padded:
            padding = padding_bytes(self.scratch + header.header_bytes, payload)
            if padding < 0:
                self.drops.malformed += 1
                return
        for codec in range(stream.n_codecs):
            if stream.codecs[codec].payload_type == header.payload_type:
                self.take_media(binding.stream, codec, &header, index, payload, padding, is_new, now_us)
                return
            if stream.codecs[codec].rtx_payload_type == header.payload_type:
                self.take_rtx(binding.stream, codec, &header, payload - padding, now_us)
                return
        self.drops.unknown_payload_type += 1

    cdef int find_stream(self, int peer, const uint8_t *packet, const Header *header) noexcept nogil:
        # By declared SSRC, else by the mid extension (RFC 8843 9.2); -1 if neither tells.
        cdef int i, k
        cdef Stream *stream
        cdef Element mid
        for i in range(self.room_streams):
            stream = self.streams[i]
            if stream == NULL or stream.peer != peer:
                continue
            for k in range(stream.n_declared):
                if stream.declared[k] == header.ssrc:
                    return i
        for i in range(self.room_streams):
            stream = self.streams[i]
            if stream == NULL or stream.peer != peer or stream.mid_bytes == 0:
                continue
            mid = find_extension(packet, header, stream.extensions.mid)
            if mid.value != NULL and mid.length == stream.mid_bytes and same_bytes(mid.value, stream.mid, mid.length):
                return i
        return -1

    cdef void take_rtx(self, int at, int codec, const Header *header, int payload, int64_t now_us) noexcept nogil:
        # RFC 4588 4: the payload is the original sequence number and the original payload.
        cdef Stream *stream = self.streams[at]
        cdef Header original = header[0]
        cdef uint8_t *body = self.scratch + header.header_bytes
        cdef int64_t ext_seq
        if payload < 2:
            return  # padding that probes the line
        if not stream.started:
            return
        original.seq = read16(body)
        original.ssrc = stream.ssrc
        original.payload_type = <uint8_t>stream.codecs[codec].payload_type
        original.padded = False
        ext_seq = nearest(stream.highest, original.seq)
        if not is_missing(stream, ext_seq):
            self.drops.duplicate += 1
            return
        memmove(body, body + 2, payload - 2)
        self.scratch[0] &= 0xDF
        self.scratch[1] = <uint8_t>((header.marker << 7) | original.payload_type)
        write16(self.scratch + 2, original.seq)
        write32(self.scratch + 8, original.ssrc)
        self.take_media(at, codec, &original, ext_seq, payload - 2, 0, False, now_us)

    cdef void take_media(self, int at, int codec, const Header *header, int64_t ext_seq, int payload, int padding,
                         bint new_ssrc, int64_t now_us) noexcept nogil:
        cdef Stream *stream = self.streams[at]
        cdef bint in_order
        cdef int length = header.header_bytes + payload
        if not stream.started or header.ssrc != stream.ssrc:
            if stream.started and not new_ssrc and not stream.stalled:
                self.drops.late += 1  # what is left of an SSRC that its publisher gave up
                return
            self.start_stream(at, codec, header, ext_seq, now_us)
        elif codec != stream.codec:
            stream.codec = codec
            self.event_started(stream)
        if stream.stalled:
            stream.stalled = False
            self.event(EVENT_RESUMED, stream.id, NULL, 0, NULL, 0)
        stream.last_packet_us = now_us
        in_order = ext_seq > stream.highest
        if in_order:
            self.note_gap(stream, ext_seq, now_us)
            stream.highest = ext_seq
        elif forget_missing(stream, ext_seq):
            stream.recovered += 1
        elif stream.highest - ext_seq >= stream.n_slots:
            self.drops.late += 1
            return
        stream.packets += 1
        stream.rr_received += 1
        stream.bytes += payload - padding
        note_jitter(stream, header.timestamp, stream.codecs[codec].clock_rate, now_us)
        if stream.tapped:
            self.event_tapped(stream, length, now_us)
        if payload == padding and in_order:
            note_dropped(stream, ext_seq)
            return
        self.store(at, codec, header, ext_seq, payload - padding, now_us)

    cdef void store(self, int at, int codec, const Header *header, int64_t ext_seq, int payload,
                    int64_t now_us) noexcept nogil:
        # Keeps the opened packet for forwarding at the end of the batch and for retransmission.
        cdef Stream *stream = self.streams[at]
        cdef int64_t fwd = forwarded_number(stream, ext_seq)
        cdef int place = <int>(fwd & (stream.n_slots - 1))
        cdef Slot *slot = &stream.slots[place]
        cdef Element element
        if fwd < 0 or slot.fwd_seq >= fwd:
            self.drops.duplicate += 1
            return
        slot.fwd_seq = fwd
        slot.arrival_us = now_us
        slot.header_bytes = header.header_bytes
        slot.payload_bytes = payload
        slot.pad_bytes = 0
        slot.length = header.header_bytes + payload
        slot.timestamp = header.timestamp + stream.timestamp_offset
        slot.codec = codec
        slot.marker = header.marker
        memcpy(slot.bytes, self.scratch, slot.length)
        element = find_extension(self.scratch, header, stream.extensions.audio_level)
        slot.audio_level = element.value[0] if element.value != NULL else -1
        element = find_extension(self.scratch, header, stream.extensions.video_orientation)
        slot.video_orientation = element.value[0] if element.value != NULL else -1
        stream.last_timestamp_out = slot.timestamp
        if stream.keyframe_wanted and stream.pli_tries and self.is_keyframe(stream, slot):
            stream.keyframe_wanted = False
        if stream.n_pending == 0:
            if self.n_batch_streams == 1024:
                self.forward_all()
            self.batch_streams[self.n_batch_streams] = at
            self.n_batch_streams += 1
        stream.pending[stream.n_pending] = place
        stream.n_pending += 1
        if stream.n_pending == MAX_PENDING or stream.n_pending * 2 >= stream.n_slots:
            self.forward_stream(stream)

    cdef bint is_keyframe(self, Stream *stream, Slot *slot) noexcept nogil:
        cdef int name = stream.codecs[slot.codec].name
        if name == VP8:
            return starts_vp8_keyframe(slot.bytes + slot.header_bytes, slot.payload_bytes)
        if name == H264:
            return starts_h264_keyframe(slot.bytes + slot.header_bytes, slot.payload_bytes)
        return True

    cdef void start_stream(self, int at, int codec, const Header *header, int64_t ext_seq,
                           int64_t now_us) noexcept nogil:
        # The first packet, or a new SSRC: numbers and timestamps towards the sinks go on where they were.
        cdef Stream *stream = self.streams[at]
        cdef Peer *peer = self.peers[stream.peer]
        cdef int64_t elapsed_us
        if stream.started:
            stream.fwd_base = forwarded_number(stream, stream.highest) + 1
            elapsed_us = now_us - stream.last_packet_us
            stream.timestamp_offset = stream.last_timestamp_out - header.timestamp + <uint32_t>(
                elapsed_us * stream.codecs[codec].clock_rate // 1_000_000 + 1)
        else:
            stream.fwd_base = 1
            peer.started_streams += 1
        if stream.said_bye:
            stream.said_bye = False
            peer.said_bye -= 1
        stream.started = True
        stream.ssrc = header.ssrc
        stream.codec = codec
        stream.first = ext_seq
        stream.highest = ext_seq - 1
        stream.n_missing = 0
        stream.n_drops = 0
        stream.total_drops = 0
        stream.has_sr = False
        stream.rr_first = ext_seq
        stream.rr_received = 0
        stream.rr_expected_prior = 0
        stream.rr_received_prior = 0
        stream.jitter = 0
        stream.last_transit = 0
        self.event_started(stream)

    cdef void note_gap(self, Stream *stream, int64_t ext_seq, int64_t now_us) noexcept nogil:
        # Packets between the highest and this one are missing: to be asked for at once, by the next timer run.
        cdef int64_t gap = ext_seq - stream.highest - 1
        cdef int64_t seq = stream.highest + 1
        if gap <= 0:
            return
        stream.lost += gap
        if gap > MAX_MISSING or stream.n_missing + gap > MAX_MISSING:
            stream.n_missing = 0
            self.want_keyframe(stream)
            return
        while seq < ext_seq:
            stream.missing[stream.n_missing] = Missing(seq, now_us, now_us, 0)
            stream.n_missing += 1
            seq += 1

    cdef void want_keyframe(self, Stream *stream) noexcept nogil:
        if stream.video and not stream.keyframe_wanted:
            stream.keyframe_wanted = True
            stream.pli_tries = 0

    # --- sending on ------------------------------------------------------------------------------------------------

    cdef void end_batch(self, int64_t now_us) noexcept nogil:
        """Forward what the batch brought and send it."""
        self.forward_all()
        self.flush()

    cdef void forward_all(self) noexcept nogil:
        cdef int i
        for i in range(self.n_batch_streams):
            if self.streams[self.batch_streams[i]] != NULL:
                self.forward_stream(self.streams[self.batch_streams[i]])
        self.n_batch_streams = 0

    cdef void forward_stream(self, Stream *stream) noexcept nogil:
        # One receiver after the other, so that the packets of a frame for one receiver lie together (GSO).
        cdef int i, k
        cdef Sink *sink
        even_sizes(stream)
        for i in range(stream.n_sinks):
            sink = self.sinks[stream.sinks[i]]
            if not sink.active or not self.peers[sink.peer].has_address:
                continue
            for k in range(stream.n_pending):
                self.send_first(sink, stream, &stream.slots[stream.pending[k]])
        stream.n_pending = 0

    cdef void send_first(self, Sink *sink, Stream *stream, Slot *slot) noexcept nogil:
        cdef int name = stream.codecs[slot.codec].name
        cdef int64_t out
        if sink.payload_types[name] < 0:
            return
        if not sink.anchored:
            sink.anchored = True
            sink.offset = slot.fwd_seq - sink.next_out
            sink.anchor_out = sink.next_out
        out = slot.fwd_seq - sink.offset
        if out < sink.anchor_out:
            return  # older than the moment the sink was opened
        if out >= sink.next_out:
            sink.next_out = out + 1
        if self.send_packet(sink, slot, sink.ssrc, sink.payload_types[name], out, NULL, slot.pad_bytes):
            sink.packets += 1
            sink.bytes += slot.payload_bytes

    cdef void send_again(self, Sink *sink, Stream *stream, Slot *slot, int64_t out) noexcept nogil:
        # Over RTX (RFC 4588) where negotiated, else the very packet once more (same index: same bytes, no new nonce).
        cdef int name = stream.codecs[slot.codec].name
        cdef uint8_t osn[2]
        if sink.has_rtx and sink.rtx_payload_types[name] >= 0:
            write16(osn, <uint32_t>(out & 0xFFFF))
            if self.send_packet(sink, slot, sink.rtx_ssrc, sink.rtx_payload_types[name], sink.rtx_next, osn, 0):
                sink.resent += 1
            sink.rtx_next += 1
        elif sink.payload_types[name] >= 0 and not (sink.extensions.transport_cc or sink.extensions.abs_send_time):
            # An index must never seal two different texts (RFC 7714 8.4): all that is written depends on `out` alone.
            if self.send_packet(sink, slot, sink.ssrc, sink.payload_types[name], out, NULL, slot.pad_bytes):
                sink.resent += 1

    cdef bint send_packet(self, Sink *sink, Slot *slot, uint32_t ssrc, int payload_type, int64_t out,
                          const uint8_t *osn, int pad_bytes) noexcept nogil:
        cdef Peer *peer = self.peers[sink.peer]
        cdef uint8_t *packet
        cdef uint8_t *payload = slot.bytes + slot.header_bytes
        cdef int payload_bytes = slot.payload_bytes + pad_bytes
        cdef int header_bytes, sealed
        if self.arena_used + HEADROOM_BYTES > self.arena_bytes and not self.make_room():
            return False
        packet = self.arena + self.arena_used
        packet[0] = 0x80 | (0x20 if pad_bytes else 0)
        packet[1] = <uint8_t>((slot.marker << 7) | payload_type)
        write16(packet + 2, <uint32_t>(out & 0xFFFF))
        write32(packet + 4, slot.timestamp)
        write32(packet + 8, ssrc)
        header_bytes = 12 + self.write_extensions(sink, slot, peer, out, packet + 12)
        if header_bytes > 12:
            packet[0] |= 0x10
        if osn != NULL:  # the packet's own header is not needed any more; its last bytes give room
            payload -= 2
            payload_bytes += 2
            payload[0] = osn[0]
            payload[1] = osn[1]
        sealed = seal_rtp(&peer.rtp_out, ssrc, <uint64_t>out, packet, header_bytes, payload, payload_bytes)
        if sealed < 0:
            return False
        self.append(sink.peer, sealed)
        return True

    cdef int write_extensions(self, Sink *sink, Slot *slot, Peer *peer, int64_t number, uint8_t *out) noexcept nogil:
        # The extension block with the receiver's own ids (RFC 8285 4.2); 0 if there is nothing to say.
        cdef int at = 4
        cdef uint8_t value[3]
        cdef Extensions *ids = &sink.extensions
        cdef bint two_byte = ids.mid > 14 or ids.audio_level > 14 or ids.video_orientation > 14 \
            or ids.transport_cc > 14 or ids.abs_send_time > 14
        if ids.mid and number < sink.first_out + 200:  # until the receiver has surely bound the SSRC
            at += write_element(out + at, ids.mid, sink.mid, sink.mid_bytes, two_byte)
        if ids.audio_level and slot.audio_level >= 0:
            value[0] = <uint8_t>slot.audio_level
            at += write_element(out + at, ids.audio_level, value, 1, two_byte)
        if ids.video_orientation and slot.video_orientation >= 0:
            value[0] = <uint8_t>slot.video_orientation
            at += write_element(out + at, ids.video_orientation, value, 1, two_byte)
        if ids.transport_cc:
            peer.twcc_out += 1
            write16(value, peer.twcc_out & 0xFFFF)
            at += write_element(out + at, ids.transport_cc, value, 2, two_byte)
        if ids.abs_send_time:
            write24(value, <uint32_t>((slot.arrival_us << 18) // 1_000_000))
            at += write_element(out + at, ids.abs_send_time, value, 3, two_byte)
        if at == 4:
            return 0
        while at % 4:
            out[at] = 0
            at += 1
        write16(out, 0x1000 if two_byte else 0xBEDE)
        write16(out + 2, (at - 4) // 4)
        return at

    cdef void append(self, int peer, int length) noexcept nogil:
        # The datagram at the arena's end is complete: to the last message if GSO can carry it, else a message of its own.
        cdef Message *message
        if self.n_messages:
            message = &self.messages[self.n_messages - 1]
            if (message.peer == peer and not message.closed and length <= message.segment_bytes
                    and message.segments < MAX_SEGMENTS and message.length + length <= MAX_MESSAGE_BYTES):
                message.length += length
                message.segments += 1
                message.closed = length < message.segment_bytes
                self.arena_used += length
                return
        if self.n_messages == self.room_messages and not self.make_room():
            return
        message = &self.messages[self.n_messages]
        message.peer = peer
        memcpy(message.address, self.peers[peer].address, 18)
        message.at = self.arena_used
        message.length = length
        message.segment_bytes = length
        message.segments = 1
        message.closed = False
        self.n_messages += 1
        self.arena_used += length

    cdef bint make_room(self) noexcept nogil:
        # With a socket: send what is there. Without: grow, so that nothing is lost between two calls of a test.
        cdef uint8_t *arena
        cdef Message *messages
        if self.fd >= 0:
            # The packet being built stands behind arena_used; its callers check for room before they build it.
            self.flush()
            return True
        arena = <uint8_t *>realloc(self.arena, self.arena_bytes * 2)
        if arena == NULL:
            return False
        self.arena = arena
        self.arena_bytes *= 2
        messages = <Message *>realloc(self.messages, 2 * self.room_messages * sizeof(Message))
        if messages == NULL:
            return False
        self.messages = messages
        self.room_messages *= 2
        return True

    cdef void flush(self) noexcept nogil:
        """Overridden by the core with a socket; without one the messages wait to be taken."""
        pass

    # --- RTCP coming in ----------------------------------------------------------------------------------------------

    cdef void take_rtcp(self, int p, const uint8_t *data, int length, int64_t now_us) noexcept nogil:
        cdef Peer *peer = self.peers[p]
        cdef RtcpBinding *binding
        cdef uint32_t index = 0
        cdef int plain
        cdef uint32_t ssrc = read32(data + 4)
        plain = open_rtcp(&peer.rtcp_in, data, length, &index, self.scratch)
        if plain < 0:
            self.drops.auth_failed += 1
            return
        binding = find_rtcp_binding(peer, ssrc)
        if binding == NULL:
            if peer.n_rtcp_bindings == MAX_RTCP_SSRCS:
                self.drops.too_many_ssrcs += 1
                return
            binding = &peer.rtcp_bindings[peer.n_rtcp_bindings]
            peer.n_rtcp_bindings += 1
            binding.ssrc = ssrc
            replay_init(&binding.window)
        if is_replayed(&binding.window, index):
            self.drops.replayed += 1
            return
        remember_index(&binding.window, index)
        self.take_compound(p, plain, now_us)

    cdef void take_compound(self, int p, int length, int64_t now_us) noexcept nogil:
        # Packets of a compound stand on their own: what we do not know is stepped over (RFC 3550 6.1, RFC 5506).
        cdef int at = 0
        cdef int size
        cdef const uint8_t *packet
        while at + 4 <= length:
            packet = self.scratch + at
            size = 4 * (read16(packet + 2) + 1)
            if packet[0] >> 6 != 2 or at + size > length:
                self.drops.rtcp_malformed += 1
                return
            if packet[1] == SR and size >= 28:
                self.take_sender_report(p, packet, now_us)
                self.take_report_blocks(p, packet + 28, size - 28, packet[0] & 31, now_us)
            elif packet[1] == RR and size >= 8:
                self.take_report_blocks(p, packet + 8, size - 8, packet[0] & 31, now_us)
            elif packet[1] == BYE:
                self.take_bye(p, packet, size)
            elif packet[1] == RTPFB and size >= 16 and packet[0] & 31 == 1:
                self.take_nack(p, packet, size, now_us)
            elif packet[1] == PSFB and size >= 12:
                self.take_keyframe_request(p, packet, size)
            at += size

    cdef void take_sender_report(self, int p, const uint8_t *packet, int64_t now_us) noexcept nogil:
        cdef Peer *peer = self.peers[p]
        cdef uint32_t ssrc = read32(packet + 4)
        cdef Stream *stream = NULL
        cdef int i
        cdef int64_t offset
        for i in range(peer.n_bindings):
            if peer.bindings[i].ssrc == ssrc:
                stream = self.streams[peer.bindings[i].stream]
        if stream == NULL or not stream.started or stream.ssrc != ssrc:
            return
        stream.has_sr = True
        stream.sr_ntp = read64(packet + 8)
        stream.sr_rtp = read32(packet + 16)
        stream.sr_us = now_us
        offset = <int64_t>(self.ntp(now_us) - stream.sr_ntp)
        if not peer.has_clock_offset or iabs(offset - peer.clock_offset_ntp) > <int64_t>1 << 31:
            # One offset for all of a publisher's streams keeps lips in sync; a jump of its clock over 0.5 s is followed.
            peer.has_clock_offset = True
            peer.clock_offset_ntp = offset
        if stream.tapped:
            self.event_report(stream, now_us)

    cdef void take_report_blocks(self, int p, const uint8_t *block, int length, int count,
                                 int64_t now_us) noexcept nogil:
        cdef Sink *sink
        cdef uint32_t lsr, delay
        cdef int i, number
        cdef int32_t lost
        for number in range(count):
            if length < 24:
                return
            sink = self.sink_by_ssrc(p, read32(block))
            if sink != NULL:
                sink.fraction_lost = block[4] / 256.0
                lost = <int32_t>((<uint32_t>block[5] << 24) | (<uint32_t>block[6] << 16) | (<uint32_t>block[7] << 8)) >> 8
                sink.packets_lost = lost
                sink.last_rr_us = now_us
                lsr = read32(block + 16)
                delay = read32(block + 20)
                for i in range(8):
                    if lsr and sink.last_sr_mid[i] == lsr:
                        sink.rtt = (now_us - sink.last_sr_us[i]) / 1e6 - delay / 65536.0
                        if sink.rtt < 0:
                            sink.rtt = 0
            block += 24
            length -= 24

    cdef void take_bye(self, int p, const uint8_t *packet, int size) noexcept nogil:
        cdef Peer *peer = self.peers[p]
        cdef Stream *stream
        cdef int i, k
        for i in range(packet[0] & 31):
            if 8 + 4 * i > size:
                return
            for k in range(self.room_streams):
                stream = self.streams[k]
                if (stream != NULL and stream.peer == p and stream.started and not stream.said_bye
                        and stream.ssrc == read32(packet + 4 + 4 * i)):
                    stream.said_bye = True
                    peer.said_bye += 1
                    if not stream.stalled:
                        stream.stalled = True
                        self.event(EVENT_STALLED, stream.id, NULL, 0, NULL, 0)
                    if peer.said_bye == peer.started_streams:
                        self.event(EVENT_PEER_GONE, peer.id, NULL, 0, NULL, 0)

    cdef void take_nack(self, int p, const uint8_t *packet, int size, int64_t now_us) noexcept nogil:
        # Generic NACK, RFC 4585 6.2.1.
        cdef Sink *sink = self.sink_by_ssrc(p, read32(packet + 8))
        cdef int at, bit
        cdef uint16_t first, mask
        if sink == NULL:
            return
        at = 12
        while at + 4 <= size:
            first = read16(packet + at)
            mask = read16(packet + at + 2)
            self.answer_nack(sink, first, now_us)
            for bit in range(16):
                if mask >> bit & 1:
                    self.answer_nack(sink, <uint16_t>(first + bit + 1), now_us)
            at += 4

    cdef void answer_nack(self, Sink *sink, uint16_t seq, int64_t now_us) noexcept nogil:
        cdef Stream *stream = self.streams[sink.stream]
        cdef Slot *slot
        cdef int64_t out = nearest(sink.next_out - 1, seq)
        cdef int64_t fwd
        sink.nacks_received += 1
        if not sink.anchored or not sink.active or out < sink.anchor_out or out >= sink.next_out:
            return
        fwd = out + sink.offset
        slot = &stream.slots[fwd & (stream.n_slots - 1)]
        if slot.fwd_seq != fwd:
            return  # we miss it ourselves (it is forwarded when it comes), or it is too old
        if not may_resend(sink, out, slot.payload_bytes, now_us):
            return
        self.send_again(sink, stream, slot, out)

    cdef void take_keyframe_request(self, int p, const uint8_t *packet, int size) noexcept nogil:
        # PLI (RFC 4585 6.3.1) names the stream in its header, FIR (RFC 5104 4.3.1) in its entries.
        cdef Sink *sink
        cdef int at = 12
        if packet[0] & 31 == 1:
            sink = self.sink_by_ssrc(p, read32(packet + 8))
            if sink != NULL:
                sink.plis_received += 1
                self.want_keyframe(self.streams[sink.stream])
        elif packet[0] & 31 == 4:
            while at + 8 <= size:
                sink = self.sink_by_ssrc(p, read32(packet + at))
                if sink != NULL:
                    sink.plis_received += 1
                    self.want_keyframe(self.streams[sink.stream])
                at += 8

    cdef Sink *sink_by_ssrc(self, int p, uint32_t ssrc) noexcept nogil:
        cdef int i
        for i in range(self.room_sinks):
            if self.sinks[i] != NULL and self.sinks[i].peer == p and self.sinks[i].ssrc == ssrc:
                return self.sinks[i]
        return NULL

    # --- what is due by time -------------------------------------------------------------------------------------------

    cdef void run_timers(self, int64_t now_us) noexcept nogil:
        """NACKs, key frame requests, stalls, transport feedback and reports; to be called every 10 to 20 ms."""
        cdef int i
        for i in range(self.room_streams):
            if self.streams[i] != NULL and self.streams[i].started:
                self.watch_stream(self.streams[i], now_us)
        for i in range(self.room_sinks):
            if self.sinks[i] != NULL and now_us >= self.sinks[i].sr_due_us:
                self.send_sender_report(self.sinks[i], now_us)
        for i in range(self.room_peers):
            if self.peers[i] == NULL or not self.peers[i].has_address:
                continue
            if self.peers[i].twcc_any and now_us >= self.peers[i].twcc_due_us:
                self.send_transport_feedback(i, now_us)
            if self.peers[i].n_bindings and now_us >= self.peers[i].rr_due_us:
                self.send_receiver_report(i, now_us)
        self.flush()

    cdef void watch_stream(self, Stream *stream, int64_t now_us) noexcept nogil:
        if stream.n_missing:
            self.ask_for_missing(stream, now_us)
        if not stream.stalled and now_us - stream.last_packet_us >= STALL_US:
            stream.stalled = True
            self.event(EVENT_STALLED, stream.id, NULL, 0, NULL, 0)
        if (stream.keyframe_wanted and stream.codecs[stream.codec].pli and not stream.stalled
                and now_us - stream.last_pli_us >= PLI_INTERVAL_US):
            self.send_pli(stream, now_us)

    cdef void ask_for_missing(self, Stream *stream, int64_t now_us) noexcept nogil:
        cdef int64_t asked[64]
        cdef int n_asked = 0
        cdef int i = 0
        cdef Missing *missing
        cdef bint given_up = False
        while i < stream.n_missing:
            missing = &stream.missing[i]
            if now_us - missing.since_us > NACK_GIVE_UP_US or missing.asked >= NACK_TRIES:
                memmove(missing, missing + 1, (stream.n_missing - i - 1) * sizeof(Missing))
                stream.n_missing -= 1
                given_up = True
                continue
            if now_us >= missing.due_us and n_asked < 64 and stream.codecs[stream.codec].nack:
                missing.asked += 1
                missing.due_us = now_us + NACK_REPEAT_US
                asked[n_asked] = missing.ext_seq
                n_asked += 1
            i += 1
        if given_up:
            self.want_keyframe(stream)
        if n_asked:
            stream.nacks_sent += n_asked
            self.send_nack(stream, asked, n_asked)

    cdef void send_nack(self, Stream *stream, const int64_t *asked, int n_asked) noexcept nogil:
        # asked is in growing order, so each entry carries up to 17 numbers (RFC 4585 6.2.1).
        cdef uint8_t *out = self.report
        cdef int at = 12
        cdef int i = 0
        cdef int64_t first
        cdef uint32_t mask
        while i < n_asked:
            first = asked[i]
            mask = 0
            i += 1
            while i < n_asked and asked[i] - first <= 16:
                mask |= 1 << (asked[i] - first - 1)
                i += 1
            write16(out + at, <uint32_t>(first & 0xFFFF))
            write16(out + at + 2, mask)
            at += 4
        rtcp_header(out, 1, RTPFB, at)
        write32(out + 4, self.peers[stream.peer].report_ssrc)
        write32(out + 8, stream.ssrc)
        self.send_report(stream.peer, at)

    cdef void send_pli(self, Stream *stream, int64_t now_us) noexcept nogil:
        rtcp_header(self.report, 1, PSFB, 12)
        write32(self.report + 4, self.peers[stream.peer].report_ssrc)
        write32(self.report + 8, stream.ssrc)
        stream.last_pli_us = now_us
        stream.plis_sent += 1
        stream.pli_tries += 1
        self.send_report(stream.peer, 12)

    cdef void send_receiver_report(self, int p, int64_t now_us) noexcept nogil:
        # Loss and jitter of what the peer publishes (RFC 3550 6.4.2), and our name.
        cdef Peer *peer = self.peers[p]
        cdef uint8_t *out = self.report
        cdef int at = 8
        cdef int i, blocks = 0
        peer.rr_due_us = now_us + REPORT_INTERVAL_US
        for i in range(self.room_streams):
            if self.streams[i] != NULL and self.streams[i].peer == p and self.streams[i].started and blocks < 31:
                write_report_block(self.streams[i], out + at, now_us)
                at += 24
                blocks += 1
        rtcp_header(out, blocks, RR, at)
        write32(out + 4, peer.report_ssrc)
        at += write_sdes(out + at, peer.report_ssrc, b"relay", 5)
        self.send_report(p, at)

    cdef void send_sender_report(self, Sink *sink, int64_t now_us) noexcept nogil:
        # The publisher's clock moved by one constant offset, carried on to now (RFC 3550 6.4.1).
        cdef Stream *stream = self.streams[sink.stream]
        cdef Peer *publisher = self.peers[stream.peer]
        cdef uint8_t *out = self.report
        cdef uint64_t ntp, elapsed_us
        cdef int at
        sink.sr_due_us = now_us + REPORT_INTERVAL_US
        if not sink.active or not sink.packets or not stream.has_sr or not self.peers[sink.peer].has_address:
            if sink.active:
                sink.sr_due_us = now_us + 50_000
            return
        elapsed_us = now_us - stream.sr_us
        ntp = stream.sr_ntp + <uint64_t>publisher.clock_offset_ntp + (elapsed_us << 32) // 1_000_000
        rtcp_header(out, 0, SR, 28)
        write32(out + 4, sink.ssrc)
        write64(out + 8, ntp)
        write32(out + 16, stream.sr_rtp + stream.timestamp_offset + <uint32_t>(
            elapsed_us * stream.codecs[stream.codec].clock_rate // 1_000_000))
        write32(out + 20, <uint32_t>sink.packets)
        write32(out + 24, <uint32_t>sink.bytes)
        at = 28 + write_sdes(out + 28, sink.ssrc, publisher.cname, publisher.cname_bytes)
        sink.last_sr = (sink.last_sr + 1) & 7
        sink.last_sr_mid[sink.last_sr] = <uint32_t>(ntp >> 16)
        sink.last_sr_us[sink.last_sr] = now_us
        self.send_report(sink.peer, at)

    cdef void send_bye(self, Sink *sink) noexcept nogil:
        cdef int at
        if not sink.packets or not self.peers[sink.peer].has_address:
            return
        rtcp_header(self.report, 0, RR, 8)
        write32(self.report + 4, sink.ssrc)
        at = 8 + write_sdes(self.report + 8, sink.ssrc, self.peers[self.streams[sink.stream].peer].cname,
                            self.peers[self.streams[sink.stream].peer].cname_bytes)
        rtcp_header(self.report + at, 1, BYE, 8)
        write32(self.report + at + 4, sink.ssrc)
        self.send_report(sink.peer, at + 8)

    cdef void send_transport_feedback(self, int p, int64_t now_us) noexcept nogil:
        # draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1: arrival times of all packets since the last report.
        cdef Peer *peer = self.peers[p]
        cdef int length
        peer.twcc_due_us = now_us + TWCC_INTERVAL_US
        while peer.twcc_base <= peer.twcc_highest:
            length = write_transport_feedback(peer, self.report)
            if length == 0:
                return
            self.send_report(p, length)

    cdef void send_report(self, int p, int length) noexcept nogil:
        # Seals what stands in `report` and appends it.
        cdef int sealed
        cdef Peer *peer = self.peers[p]
        if not peer.has_address or (self.arena_used + HEADROOM_BYTES > self.arena_bytes and not self.make_room()):
            return
        memcpy(self.arena + self.arena_used, self.report, length)
        peer.srtcp_index += 1
        sealed = seal_rtcp(&peer.rtcp_out, peer.srtcp_index, self.arena + self.arena_used, length)
        if sealed > 0:
            self.append(p, sealed)
            self.messages[self.n_messages - 1].closed = True

    cdef uint64_t ntp(self, int64_t now_us) noexcept nogil:
        cdef double wall = self.wall_minus_monotonic + now_us / 1e6 + NTP_EPOCH_S
        cdef uint64_t seconds = <uint64_t>wall
        return (seconds << 32) | <uint64_t>((wall - seconds) * 4294967296.0)

    # --- events for Python -----------------------------------------------------------------------------------------

    cdef void event(self, uint8_t kind, int64_t number, const void *body, int body_bytes, const void *more,
                    int more_bytes) noexcept nogil:
        # u32 length | u8 kind | i64 number | body | more, native byte order.
        cdef int64_t length = 13 + body_bytes + more_bytes
        cdef int64_t wanted
        cdef uint32_t size = <uint32_t>length
        cdef uint8_t *grown
        cdef uint8_t *at
        if self.events_used + length > self.events_bytes:
            wanted = self.events_bytes * 2
            grown = NULL if wanted > MAX_EVENT_BYTES else <uint8_t *>realloc(self.events, wanted)
            if grown == NULL:
                self.drops.events_full += 1
                return
            self.events = grown
            self.events_bytes = wanted
        at = self.events + self.events_used
        memcpy(at, &size, 4)
        at[4] = kind
        memcpy(at + 5, &number, 8)
        if body_bytes:
            memcpy(at + 13, body, body_bytes)
        if more_bytes:
            memcpy(at + 13 + body_bytes, more, more_bytes)
        self.events_used += length

    cdef void event_started(self, Stream *stream) noexcept nogil:
        cdef uint8_t body[6]
        memcpy(body, &stream.ssrc, 4)
        body[4] = <uint8_t>stream.codecs[stream.codec].name
        body[5] = <uint8_t>stream.codecs[stream.codec].payload_type
        self.event(EVENT_STARTED, stream.id, body, 6, NULL, 0)

    cdef void event_tapped(self, Stream *stream, int length, int64_t now_us) noexcept nogil:
        self.event(EVENT_TAPPED, stream.id, &now_us, 8, self.scratch, length)

    cdef void event_report(self, Stream *stream, int64_t now_us) noexcept nogil:
        cdef uint8_t body[20]
        memcpy(body, &now_us, 8)
        memcpy(body + 8, &stream.sr_ntp, 8)
        memcpy(body + 16, &stream.sr_rtp, 4)
        self.event(EVENT_REPORT, stream.id, body, 20, NULL, 0)

    # --- for Python --------------------------------------------------------------------------------------------------

    def receive(self, const unsigned char[::1] data, bytes address, int64_t now_us):
        """Take one RTP or RTCP datagram from an 18-byte address, and forward it."""
        if data.shape[0] == 0 or len(address) != 18:
            self.drops.malformed += 1
            return
        self.take(&data[0], <int>min(data.shape[0], 65535), <const uint8_t *><const char *>address, now_us)
        self.end_batch(now_us)

    def tick(self, int64_t now_us):
        """Do what is due by time."""
        self.run_timers(now_us)

    def take_outgoing(self):
        """Take what waits to be sent: a list of (datagram, 18-byte address), GSO messages taken apart."""
        cdef int i, k, length
        cdef int64_t at
        cdef Message *message
        taken = []
        for i in range(self.n_messages):
            message = &self.messages[i]
            address = (<const char *>message.address)[:18]
            at = message.at
            for k in range(message.segments):
                length = <int>min(message.segment_bytes, message.at + message.length - at)
                taken.append(((<const char *>(self.arena + at))[:length], address))
                at += length
        self.n_messages = 0
        self.arena_used = 0
        return taken

    def take_events(self):
        """Take the events as bytes: records of u32 length, u8 kind, i64 number, body."""
        taken = (<const char *>self.events)[:self.events_used]
        self.events_used = 0
        return taken

    def read_statistics(self):
        """All counters: ({stream: tuple}, {sink: tuple}, {cause: count})."""
        cdef int i
        cdef Stream *stream
        cdef Sink *sink
        streams, sinks = {}, {}
        for i in range(self.room_streams):
            stream = self.streams[i]
            if stream != NULL:
                streams[stream.id] = (stream.packets, stream.bytes, stream.lost, stream.recovered, stream.nacks_sent,
                                      stream.plis_sent, stream.last_packet_us)
        for i in range(self.room_sinks):
            sink = self.sinks[i]
            if sink != NULL:
                sinks[sink.id] = (sink.packets, sink.bytes, sink.resent, sink.nacks_received, sink.plis_received,
                                  sink.fraction_lost, sink.packets_lost, sink.last_rr_us, sink.rtt)
        return streams, sinks, self.drops


# --- small functions -----------------------------------------------------------------------------------------------

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


cdef void free_peer(Peer *peer) noexcept:
    protection_free(&peer.rtp_in)
    protection_free(&peer.rtp_out)
    protection_free(&peer.rtcp_in)
    protection_free(&peer.rtcp_out)
    free(peer.twcc_arrivals)
    free(peer.spent)
    free(peer)


cdef void free_stream(Stream *stream) noexcept:
    free(stream.slots)
    free(stream.sinks)
    free(stream)


cdef int free_place(void ***places, int *room) noexcept:
    # The first empty place of a table of pointers, which grows by half when it is full; -1 without memory.
    cdef int i, wanted
    cdef void **grown
    for i in range(room[0]):
        if places[0][i] == NULL:
            return i
    wanted = room[0] + room[0] // 2 + 16
    grown = <void **>realloc(places[0], wanted * sizeof(void *))
    if grown == NULL:
        return -1
    memset(grown + room[0], 0, (wanted - room[0]) * sizeof(void *))
    i = room[0]
    places[0] = grown
    room[0] = wanted
    return i


cdef bint grow_sinks(Stream *stream) noexcept:
    cdef int wanted = stream.room_sinks * 2 + 8
    cdef int *grown = <int *>realloc(stream.sinks, wanted * sizeof(int))
    if grown == NULL:
        return False
    stream.sinks = grown
    stream.room_sinks = wanted
    return True


cdef int64_t next_index(Peer *peer, uint32_t ssrc, int64_t fresh) noexcept:
    cdef int i
    for i in range(peer.n_spent):
        if peer.spent[i].ssrc == ssrc:
            return peer.spent[i].next_index
    return fresh


cdef void remember_spent(Peer *peer, uint32_t ssrc, int64_t next_) noexcept:
    # What was used under an SSRC is never used again with the same keys (RFC 3711 9.1).
    cdef int i
    cdef Spent *grown
    for i in range(peer.n_spent):
        if peer.spent[i].ssrc == ssrc:
            peer.spent[i].next_index = next_
            return
    if peer.n_spent == peer.room_spent:
        grown = <Spent *>realloc(peer.spent, (peer.room_spent * 2 + 8) * sizeof(Spent))
        if grown == NULL:
            return
        peer.spent = grown
        peer.room_spent = peer.room_spent * 2 + 8
    peer.spent[peer.n_spent] = Spent(ssrc, next_)
    peer.n_spent += 1


cdef Binding *find_binding(Peer *peer, uint32_t ssrc) noexcept nogil:
    cdef int i = peer.last_binding
    if i < peer.n_bindings and peer.bindings[i].ssrc == ssrc:
        return &peer.bindings[i]
    for i in range(peer.n_bindings):
        if peer.bindings[i].ssrc == ssrc:
            peer.last_binding = i
            return &peer.bindings[i]
    return NULL


cdef RtcpBinding *find_rtcp_binding(Peer *peer, uint32_t ssrc) noexcept nogil:
    cdef int i
    for i in range(peer.n_rtcp_bindings):
        if peer.rtcp_bindings[i].ssrc == ssrc:
            return &peer.rtcp_bindings[i]
    return NULL


cdef bint same_bytes(const uint8_t *a, const uint8_t *b, int length) noexcept nogil:
    cdef int i
    for i in range(length):
        if a[i] != b[i]:
            return False
    return True


cdef int64_t iabs(int64_t value) noexcept nogil:
    return -value if value < 0 else value


cdef int64_t nearest(int64_t near, uint16_t seq) noexcept nogil:
    # The extended number with these low 16 bits that lies nearest to `near`.
    cdef int64_t guess = (near & <int64_t>-65536) | seq
    if guess > near + 0x8000:
        guess -= 0x10000
    elif guess < near - 0x8000:
        guess += 0x10000
    return guess


cdef bint is_missing(const Stream *stream, int64_t ext_seq) noexcept nogil:
    cdef int i
    for i in range(stream.n_missing):
        if stream.missing[i].ext_seq == ext_seq:
            return True
    return False


cdef bint forget_missing(Stream *stream, int64_t ext_seq) noexcept nogil:
    # Whether it was missing; it is not any more.
    cdef int i
    for i in range(stream.n_missing):
        if stream.missing[i].ext_seq == ext_seq:
            stream.n_missing -= 1
            memmove(&stream.missing[i], &stream.missing[i + 1], (stream.n_missing - i) * sizeof(Missing))
            return True
    return False


cdef void note_dropped(Stream *stream, int64_t ext_seq) noexcept nogil:
    # A padding-only packet leaves the forwarded order without a gap.
    if stream.n_drops == MAX_DROPS:
        memmove(&stream.drops[0], &stream.drops[1], (MAX_DROPS - 1) * sizeof(int64_t))
        stream.n_drops -= 1
    stream.drops[stream.n_drops] = ext_seq
    stream.n_drops += 1
    stream.total_drops += 1


cdef int64_t forwarded_number(const Stream *stream, int64_t ext_seq) noexcept nogil:
    # Place in the stream's gapless order; below 0 for what came before its beginning.
    cdef int64_t dropped = stream.total_drops
    cdef int i = stream.n_drops
    while i and stream.drops[i - 1] > ext_seq:
        dropped -= 1
        i -= 1
    if ext_seq < stream.first:
        return -1
    return ext_seq - stream.first + stream.fwd_base - dropped


cdef void note_jitter(Stream *stream, uint32_t timestamp, uint32_t clock_rate, int64_t now_us) noexcept nogil:
    # RFC 3550 A.8, in units of the RTP clock.
    cdef uint32_t transit = <uint32_t>(now_us * clock_rate // 1_000_000) - timestamp
    cdef int32_t change = <int32_t>(transit - <uint32_t>stream.last_transit)
    if stream.last_transit:
        stream.jitter += ((-change if change < 0 else change) - stream.jitter) / 16.0
    stream.last_transit = transit


cdef void note_transport_number(Peer *peer, uint16_t number, uint32_t ssrc, int64_t now_us) noexcept nogil:
    cdef int64_t extended
    if not peer.twcc_any:
        peer.twcc_any = True
        peer.twcc_highest = number - 1
        peer.twcc_base = number
        peer.twcc_media_ssrc = ssrc
    extended = nearest(peer.twcc_highest, number)
    if extended < peer.twcc_base or extended - peer.twcc_base >= TWCC_RING:
        if extended < peer.twcc_base:
            return
        # So much was lost at once that older numbers are given up.
        memset(peer.twcc_arrivals, 0, TWCC_RING * sizeof(int64_t))
        peer.twcc_base = extended
    if extended > peer.twcc_highest:
        peer.twcc_highest = extended
    peer.twcc_arrivals[extended & (TWCC_RING - 1)] = now_us


cdef int write_transport_feedback(Peer *peer, uint8_t *out) noexcept nogil:
    # Up to 400 numbers in two-bit status vectors; returns the length, 0 if there is nothing to say. Moves twcc_base.
    cdef int64_t first = peer.twcc_base
    cdef int64_t count, i, reference, previous, delta, ticks
    cdef int at, chunks, k, symbol, deltas_at
    cdef uint32_t word
    cdef int64_t *arrivals = peer.twcc_arrivals
    while first <= peer.twcc_highest and arrivals[first & (TWCC_RING - 1)] == 0:
        first += 1
    if first > peer.twcc_highest:
        peer.twcc_base = first
        return 0
    count = peer.twcc_highest - first + 1
    if count > 400:
        count = 400
    reference = arrivals[first & (TWCC_RING - 1)] // 64_000
    chunks = <int>((count + 6) // 7)
    deltas_at = 20 + 2 * chunks
    at = deltas_at
    previous = reference * 256          # in ticks of 250 us
    for k in range(chunks):
        word = 0xC000                   # status vector of seven two-bit symbols
        for i in range(7):
            symbol = 0
            if k * 7 + i < count and arrivals[(first + k * 7 + i) & (TWCC_RING - 1)]:
                ticks = arrivals[(first + k * 7 + i) & (TWCC_RING - 1)] // 250
                delta = ticks - previous
                if -32768 <= delta <= 32767:
                    if 0 <= delta <= 255:
                        symbol = 1
                        out[at] = <uint8_t>delta
                        at += 1
                    else:
                        symbol = 2
                        write16(out + at, <uint32_t>(delta & 0xFFFF))
                        at += 2
                    previous = ticks
                arrivals[(first + k * 7 + i) & (TWCC_RING - 1)] = 0
            word |= symbol << (12 - 2 * i)
        write16(out + 20 + 2 * k, word)
    while at % 4:
        out[at] = 0
        at += 1
    rtcp_header(out, 15, RTPFB, at)
    write32(out + 4, peer.report_ssrc)
    write32(out + 8, peer.twcc_media_ssrc)
    write16(out + 12, <uint32_t>(first & 0xFFFF))
    write16(out + 14, <uint32_t>count)
    write24(out + 16, <uint32_t>(reference & 0xFFFFFF))
    out[19] = peer.twcc_count
    peer.twcc_count += 1
    peer.twcc_base = first + count
    return at


cdef void even_sizes(Stream *stream) noexcept nogil:
    # Neighbours that differ by little are padded to the largest, so that GSO sends them in one call (RFC 3550 5.1).
    cdef int i = 0
    cdef int k, first, low, high, size
    cdef Slot *slot
    while i < stream.n_pending:
        first = i
        low = high = stream.slots[stream.pending[i]].payload_bytes
        i += 1
        while i < stream.n_pending:
            size = stream.slots[stream.pending[i]].payload_bytes
            if max(high, size) - min(low, size) > EVEN_WITHIN_BYTES:
                break
            low = min(low, size)
            high = max(high, size)
            i += 1
        if not stream.video or i - first < 2:
            continue
        for k in range(first, i):
            slot = &stream.slots[stream.pending[k]]
            size = high - slot.payload_bytes
            if size and slot.header_bytes + high <= SLOT_BYTES:
                slot.pad_bytes = size
                memset(slot.bytes + slot.header_bytes + slot.payload_bytes, 0, size - 1)
                slot.bytes[slot.header_bytes + high - 1] = <uint8_t>size


cdef bint may_resend(Sink *sink, int64_t out, int payload_bytes, int64_t now_us) noexcept nogil:
    # At most RESEND_TIMES, RESEND_SPACING_US apart, and within the sink's budget of bytes.
    cdef int place = <int>(out & (RESEND_RING - 1))
    sink.budget_bytes = min(RESEND_BURST_BYTES,
                            sink.budget_bytes + (now_us - sink.budget_us) * RESEND_BYTES_PER_S // 1_000_000)
    sink.budget_us = now_us
    if sink.budget_bytes < payload_bytes:
        return False
    if sink.resend_seq[place] != out:
        sink.resend_seq[place] = out
        sink.resend_count[place] = 0
    elif sink.resend_count[place] >= RESEND_TIMES or now_us - sink.resend_us[place] < RESEND_SPACING_US:
        return False
    sink.resend_count[place] += 1
    sink.resend_us[place] = now_us
    sink.budget_bytes -= payload_bytes
    return True


cdef void rtcp_header(uint8_t *out, int count, int kind, int length) noexcept nogil:
    out[0] = <uint8_t>(0x80 | count)
    out[1] = <uint8_t>kind
    write16(out + 2, length // 4 - 1)


cdef int write_sdes(uint8_t *out, uint32_t ssrc, const char *cname, int cname_bytes) noexcept nogil:
    # One chunk with the canonical name (RFC 3550 6.5), ended by one to four zero bytes.
    cdef int at = 10
    write32(out + 4, ssrc)
    out[8] = 1
    out[9] = <uint8_t>cname_bytes
    memcpy(out + at, cname, cname_bytes)
    at += cname_bytes
    out[at] = 0
    at += 1
    while at % 4:
        out[at] = 0
        at += 1
    rtcp_header(out, 1, SDES, at)
    return at


cdef void write_report_block(Stream *stream, uint8_t *out, int64_t now_us) noexcept nogil:
    # RFC 3550 6.4.1 and A.3.
    cdef int64_t expected = stream.highest - stream.rr_first + 1
    cdef int64_t lost = expected - stream.rr_received
    cdef int64_t expected_now = expected - stream.rr_expected_prior
    cdef int64_t lost_now = expected_now - (stream.rr_received - stream.rr_received_prior)
    stream.rr_expected_prior = expected
    stream.rr_received_prior = stream.rr_received
    write32(out, stream.ssrc)
    out[4] = <uint8_t>((lost_now << 8) // expected_now) if expected_now > 0 and 0 < lost_now < expected_now else 0
    write24(out + 5, <uint32_t>(max(-0x800000, min(0x7FFFFF, lost)) & 0xFFFFFF))
    write32(out + 8, <uint32_t>stream.highest)
    write32(out + 12, <uint32_t>stream.jitter)
    if stream.has_sr:
        write32(out + 16, <uint32_t>(stream.sr_ntp >> 16))
        write32(out + 20, <uint32_t>((now_us - stream.sr_us) * 65536 // 1_000_000))
    else:
        write32(out + 16, 0)
        write32(out + 20, 0)
