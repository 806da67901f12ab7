# From a stream's cache to its receivers: packets under each receiver's own numbers, ids and keys, once or again.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc
from libc.string cimport memcpy

from media.forwarder.native.outbox cimport outbox_append, outbox_room
from media.forwarder.native.packet_cache cimport (
    EVEN_WITHIN_BYTES, OSN_BYTES, Packet, cache_find, cache_pad, cache_payload,
)
from media.forwarder.native.resend cimport resend_allow, resend_earn
from media.forwarder.native.rtp cimport Extensions, write_element, write_rtp_header
from media.forwarder.native.sequence cimport (
    nearest, numbering_forward, numbering_leave_out, numbering_place, numbering_restart,
)
from media.forwarder.native.srtp cimport protection_foresee, seal_rtcp, seal_rtp
from media.forwarder.native.state cimport (
    PEER_LINES, SENT_NUMBERS, SINK_LINES, Peer, SentNumber, Sink, State, Stream,
)
from media.forwarder.native.wire cimport prefetch, prefetch_lines, write16, write24

cdef enum:
    NAMED_PACKETS = 200             # the first of a sink carry its mid: by then the receiver has surely bound the SSRC
    LAST_SRTCP_INDEX = 0x7FFFFFFF


cdef inline int write_extension_block(const Sink *sink, const Packet *packet, bint named, uint16_t transport_number,
                                      uint8_t *out) noexcept nogil:
    # With the receiver's own ids (RFC 8285 4.2, 4.3); returns its bytes, 0 if there is nothing to say.
    cdef const Extensions *ids = &sink.extensions
    cdef uint8_t value[3]
    cdef int at = 4
    if ids.mid and named and sink.mid_bytes:
        at += write_element(out + at, ids.mid, sink.mid, sink.mid_bytes, sink.two_byte)
    if ids.transport_cc:
        write16(value, transport_number)
        at += write_element(out + at, ids.transport_cc, value, 2, sink.two_byte)
    if ids.abs_send_time:
        write24(value, <uint32_t>((packet.arrival_us << 18) // 1_000_000))
        at += write_element(out + at, ids.abs_send_time, value, 3, sink.two_byte)
    if ids.audio_level and packet.audio_level >= 0:
        value[0] = <uint8_t>packet.audio_level
        at += write_element(out + at, ids.audio_level, value, 1, sink.two_byte)
    if ids.video_orientation and packet.video_orientation >= 0:
        value[0] = <uint8_t>packet.video_orientation
        at += write_element(out + at, ids.video_orientation, value, 1, sink.two_byte)
    if at == 4:
        return 0
    while at % 4:
        out[at] = 0
        at += 1
    write16(out, 0x1000 if sink.two_byte else 0xBEDE)
    write16(out + 2, (at - 4) // 4)
    return at


cdef inline bint send_packet(State *state, const Sink *sink, const Packet *packet, uint32_t ssrc, int payload_type,
                             int64_t number, bint named, uint16_t transport_number, const uint8_t *payload,
                             int payload_bytes, bint padded) noexcept nogil:
    # Writes, seals and appends; False if that could not be.
    cdef Peer *peer = state.peers[sink.peer]
    cdef uint8_t *out = outbox_room(&state.outbox)
    cdef int header_bytes, sealed
    if out == NULL:
        return False
    header_bytes = 12 + write_extension_block(sink, packet, named, transport_number, out + 12)
    write_rtp_header(out, padded, header_bytes > 12, packet.marker, payload_type, <uint16_t>number, packet.timestamp,
                     ssrc)
    sealed = seal_rtp(&peer.rtp_out, ssrc, <uint64_t>number, out, header_bytes, payload, payload_bytes)
    if sealed < 0:
        state.drops.seal_failed += 1
        return False
    outbox_append(&state.outbox, sink.peer, peer.address, sealed)
    return True


cdef inline void send_first(State *state, Sink *sink, const Stream *stream, const Packet *packet,
                            const uint8_t *payload) noexcept nogil:
    cdef int payload_type = sink.payload_types[packet.codec]
    cdef Peer *peer = state.peers[sink.peer]
    cdef int64_t out
    if payload_type < 0:
        numbering_leave_out(&sink.numbering, packet.place)
        return
    out = numbering_forward(&sink.numbering, packet.place)
    if out < 0:
        return                      # older than the moment the sink was opened
    if sink.extensions.transport_cc:
        peer.transport_number += 1
    if sink.sent_numbers != NULL and sink.sent_numbers[out & (SENT_NUMBERS - 1)].out < out:
        sink.sent_numbers[out & (SENT_NUMBERS - 1)] = SentNumber(out, <uint16_t>peer.transport_number)
    if send_packet(state, sink, packet, sink.ssrc, payload_type, out, out < sink.first_out + NAMED_PACKETS,
                   <uint16_t>peer.transport_number, payload, packet.payload_bytes + packet.pad_bytes,
                   packet.pad_bytes != 0):
        sink.packets += 1
        sink.bytes += packet.payload_bytes
        resend_earn(&sink.limiter, packet.payload_bytes)


cdef inline void send_by_rtx(State *state, Sink *sink, const Packet *packet, uint8_t *payload,
                             int64_t out) noexcept nogil:
    # RFC 4588 4: own SSRC, own numbers, the original number first in the payload (the cache has room for it).
    cdef int64_t number = sink.rtx_next
    cdef Peer *peer = state.peers[sink.peer]
    sink.rtx_next += 1
    peer.transport_number += sink.extensions.transport_cc != 0
    write16(payload - OSN_BYTES, <uint32_t>(out & 0xFFFF))
    if send_packet(state, sink, packet, sink.rtx_ssrc, sink.rtx_payload_types[packet.codec], number, True,
                   <uint16_t>peer.transport_number, payload - OSN_BYTES, packet.payload_bytes + OSN_BYTES, False):
        sink.resent += 1


cdef inline void send_same(State *state, Sink *sink, const Packet *packet, const uint8_t *payload,
                           int64_t out) noexcept nogil:
    # The very datagram once more: an index must never seal two different texts (RFC 7714 8.4). All that went into it
    # is still known: the packet, and the transport-wide number it had.
    cdef SentNumber sent = SentNumber(out, 0)
    if sink.sent_numbers != NULL:
        sent = sink.sent_numbers[out & (SENT_NUMBERS - 1)]
    if sent.out != out:
        return
    if send_packet(state, sink, packet, sink.ssrc, sink.payload_types[packet.codec], out,
                   out < sink.first_out + NAMED_PACKETS, sent.number, payload,
                   packet.payload_bytes + packet.pad_bytes, packet.pad_bytes != 0):
        sink.resent += 1


cdef inline void answer_nack(State *state, Sink *sink, uint16_t seq, int64_t now_us) noexcept nogil:
    # Send again what the receiver misses; what we miss ourselves is forwarded when it comes.
    cdef Stream *stream = state.streams[sink.stream]
    cdef int64_t out = nearest(sink.numbering.next_out - 1, seq)
    cdef int64_t place = numbering_place(&sink.numbering, out)
    cdef Packet *packet
    cdef uint8_t *payload
    sink.nacks_received += 1
    if place < 0 or not sink.active or not state.peers[sink.peer].has_address:
        return
    packet = cache_find(&stream.cache, place)
    payload = NULL if packet == NULL else cache_payload(&stream.cache, packet)
    if payload == NULL or sink.payload_types[packet.codec] < 0:
        return
    if sink.has_rtx and sink.rtx_payload_types[packet.codec] >= 0:
        if resend_allow(&sink.limiter, out, packet.payload_bytes, sink.rtt_s, now_us):
            send_by_rtx(state, sink, packet, payload, out)
    elif not sink.has_rtx and resend_allow(&sink.limiter, out, packet.payload_bytes, sink.rtt_s, now_us):
        send_same(state, sink, packet, payload, out)


cdef inline void even_sizes(Stream *stream) noexcept nogil:
    # Neighbours that differ by little are padded to the largest, so that GSO sends them in one call (RFC 3550 5.1).
    cdef Packet *packets = stream.cache.packets
    cdef int first = 0
    cdef int end, low, high, size, i
    while first < stream.n_pending:
        low = high = packets[stream.pending[first]].payload_bytes
        end = first + 1
        while end < stream.n_pending:
            size = packets[stream.pending[end]].payload_bytes
            if max(high, size) - min(low, size) > EVEN_WITHIN_BYTES:
                break
            low = min(low, size)
            high = max(high, size)
            end += 1
        for i in range(first, end):
            size = high - packets[stream.pending[i]].payload_bytes
            if size:
                cache_pad(&stream.cache, &packets[stream.pending[i]], size)
        first = end


cdef inline void send_pending(State *state, Sink *sink, const Stream *stream) noexcept nogil:
    cdef int k
    cdef Packet *packet
    for k in range(stream.n_pending):
        packet = &stream.cache.packets[stream.pending[k]]
        send_first(state, sink, stream, packet, cache_payload(&stream.cache, packet))


cdef inline void forward_stream(State *state, Stream *stream) noexcept nogil:
    # One receiver after the other, so that the packets of a frame for one receiver lie together (GSO).
    cdef int i
    cdef Sink *sink
    if stream.video and stream.n_pending > 1:
        even_sizes(stream)
    for i in range(stream.sinks.n):
        sink = state.sinks[stream.sinks.at[i]]
        if sink.active and state.peers[sink.peer].has_address:
            send_pending(state, sink, stream)
    stream.n_pending = 0


cdef inline void foresee_sinks(State *state, const Stream *stream) noexcept nogil:
    cdef int i
    for i in range(stream.sinks.n):
        prefetch(state.sinks[stream.sinks.at[i]])


cdef inline void note_due(State *state, Stream *stream) noexcept nogil:
    # Puts the stream's sinks first among those that are due at their receivers.
    cdef int i
    cdef Sink *sink
    cdef Peer *peer
    for i in range(stream.sinks.n):
        sink = state.sinks[stream.sinks.at[i]]
        if not sink.active:
            continue
        peer = state.peers[sink.peer]
        if peer.due == NULL:
            peer.next_due = state.due_peers
            state.due_peers = peer
        sink.next_due = peer.due
        peer.due = sink


cdef inline void foresee_sending(const Peer *peer) noexcept nogil:
    cdef const Sink *sink = peer.due
    prefetch_lines(peer, PEER_LINES)
    protection_foresee(&peer.rtp_out)
    while sink != NULL:
        prefetch_lines(&sink.bytes, SINK_LINES)
        sink = sink.next_due


cdef inline void forward_due(State *state) noexcept nogil:
    # Receiver by receiver, of each sink after sink.
    cdef Peer *peer = state.due_peers
    cdef Sink *sink
    while peer != NULL:
        if peer.next_due != NULL:
            foresee_sending(peer.next_due)
        sink = peer.due
        while sink != NULL:
            if peer.has_address:
                send_pending(state, sink, state.streams[sink.stream])
            sink = sink.next_due
        peer.due = NULL
        peer = peer.next_due
    state.due_peers = NULL


cdef inline void forward_all(State *state) noexcept nogil:
    # All that a receiver gets of the batch lies together, pictures before sound: a GSO call carries equal sizes, and
    # one last datagram that is shorter.
    cdef int i
    cdef bint video
    cdef Stream *stream
    for video in range(2):
        for i in range(state.n_batch_streams):
            stream = state.streams[state.batch_streams[i]]
            if stream.video != video or stream.n_pending == 0:
                continue
            if state.n_batch_streams == 1:
                forward_stream(state, stream)
                continue
            if i + 1 < state.n_batch_streams:
                foresee_sinks(state, state.streams[state.batch_streams[i + 1]])
            if video and stream.n_pending > 1:
                even_sizes(stream)
            note_due(state, stream)
    forward_due(state)
    for i in range(state.n_batch_streams):
        stream = state.streams[state.batch_streams[i]]
        stream.n_pending = 0
        stream.in_batch = False
    state.n_batch_streams = 0


cdef inline void pause_sink(Sink *sink) noexcept nogil:
    sink.active = False
    numbering_restart(&sink.numbering)      # the receiver sees no gap when it goes on


cdef inline void send_report(State *state, int p, int length) noexcept nogil:
    # Seals the RTCP that stands in `report` and appends it as a datagram of its own.
    cdef Peer *peer = state.peers[p]
    cdef uint8_t *out
    cdef int sealed
    if not peer.has_address or peer.srtcp_index == LAST_SRTCP_INDEX:
        return
    out = outbox_room(&state.outbox)
    if out == NULL:
        return
    memcpy(out, state.report, length)
    peer.srtcp_index += 1
    sealed = seal_rtcp(&peer.rtcp_out, peer.srtcp_index, out, length)
    if sealed < 0:
        state.drops.seal_failed += 1
        return
    outbox_append(&state.outbox, p, peer.address, sealed)


cdef inline bint remember_sent_numbers(Sink *sink) noexcept nogil:
    # For sinks that send the same datagram again, transport-wide number included. False without memory.
    if sink.has_rtx or not sink.extensions.transport_cc:
        return True
    sink.sent_numbers = <SentNumber *>calloc(SENT_NUMBERS, sizeof(SentNumber))
    return sink.sent_numbers != NULL
