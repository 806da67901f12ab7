# From a stream's cache to its receivers: packets under each receiver's own numbers, ids and keys, once or again.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc
from libc.string cimport memcpy

from media.forwarder.native.outbox cimport outbox_append, outbox_room
from media.forwarder.native.packet_cache cimport (
    EVEN_WITHIN_BYTES, OSN_BYTES, Packet, cache_find, cache_pad, cache_payload,
)
from media.forwarder.native.red cimport red_rename
from media.forwarder.native.resend cimport resend_allow, resend_earn
from media.forwarder.native.rtp cimport Extensions, write_element, write_rtp_header
from media.forwarder.native.sequence cimport (
    nearest, numbering_forward, numbering_leave_out, numbering_place, numbering_restart,
)
from media.forwarder.native.events cimport EVENT_LAYER_SWITCHED, tell_layer
from media.forwarder.native.line cimport Line
from media.forwarder.native.pacer cimport (
    Waiting, must_wait, pacer_fill, pacer_forget, pacer_push, pacer_take,
)
from media.forwarder.native.sent_log cimport sent_log_note
from media.forwarder.native.shaping cimport NOTHING_AWAITED, Shaping, note_sent
from media.forwarder.native.srtp cimport protection_foresee, seal_rtcp, seal_rtp
from media.forwarder.native.state cimport (
    OPUS, PEER_LINES, RED, SENT_NUMBERS, SINK_LINES, VP8, Peer, SentNumber, Sink, State, Stream, sink_of_ssrc,
    want_keyframe,
)
from media.forwarder.native.vp8 cimport (
    MAX_DESCRIPTOR_BYTES, VP8_AS_IT_IS, VP8_FORWARD, VP8_LEAVE_OUT, VP8_TOO_OLD, Vp8Descriptor, Vp8Numbers, Vp8Verdict,
    vp8_judge, vp8_look_up, vp8_parse, vp8_write,
)
from media.forwarder.native.wire cimport prefetch, prefetch_lines, write16, write24

cdef enum:
    REPEAT_AFTER = 3                # packets: a burst of losses is over by then, RED's copy too, and the receiver waits
    NAMED_PACKETS = 200             # the first of a sink carry its mid: by then the receiver has surely bound the SSRC
    LAST_SRTCP_INDEX = 0x7FFFFFFF
    LOSSY_US = 20_000_000           # so long after a loss a receiver is sent its sound several times over


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


cdef inline int send_packet(State *state, const Sink *sink, const Packet *packet, uint32_t ssrc, int payload_type,
                            int64_t number, bint named, uint16_t transport_number, const uint8_t *payload,
                            int payload_bytes, bint padded) noexcept nogil:
    # Writes, seals and appends; returns the datagram's bytes, 0 if that could not be.
    cdef Peer *peer = state.peers[sink.peer]
    cdef uint8_t *out = outbox_room(&state.outbox)
    cdef int header_bytes, sealed
    if out == NULL:
        return 0
    header_bytes = 12 + write_extension_block(sink, packet, named, transport_number, out + 12)
    write_rtp_header(out, padded, header_bytes > 12, packet.marker, payload_type, <uint16_t>number, packet.timestamp,
                     ssrc)
    sealed = seal_rtp(&peer.rtp_out, ssrc, <uint64_t>number, out, header_bytes, payload, payload_bytes)
    if sealed < 0:
        state.drops.seal_failed += 1
        return 0
    outbox_append(&state.outbox, sink.peer, peer.address, sealed)
    return sealed


cdef inline void note_on_line(State *state, const Sink *sink, uint16_t transport_number, int bytes) noexcept nogil:
    # A datagram left for a receiver.
    cdef Peer *peer = state.peers[sink.peer]
    if peer.line == NULL:
        return
    if state.streams[sink.stream].video:
        peer.line.pacer.budget_bytes -= bytes
    if sink.extensions.transport_cc:
        sent_log_note(&peer.line.log, <uint32_t>nearest(peer.transport_number, transport_number), bytes, False,
                      state.now_us)


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
    if peer.line != NULL and stream.video and sink.sent_numbers == NULL and must_wait(
            &peer.line.pacer, state.now_us):
        let_wait(state, sink, packet, payload_type, out, payload)
        return
    send_now(state, sink, packet, payload_type, out, payload)


cdef inline void send_now(State *state, Sink *sink, const Packet *packet, int payload_type, int64_t out,
                          const uint8_t *payload) noexcept nogil:
    cdef Peer *peer = state.peers[sink.peer]
    cdef int sealed
    if sink.extensions.transport_cc:
        peer.transport_number += 1
    if sink.sent_numbers != NULL and sink.sent_numbers[out & (SENT_NUMBERS - 1)].out < out:
        sink.sent_numbers[out & (SENT_NUMBERS - 1)] = SentNumber(out, <uint16_t>peer.transport_number,
                                                                    packet.codec == RED)
    sealed = send_packet(state, sink, packet, sink.ssrc, payload_type, out, out < sink.first_out + NAMED_PACKETS,
                         <uint16_t>peer.transport_number, payload, packet.payload_bytes + packet.pad_bytes,
                         packet.pad_bytes != 0)
    if sealed:
        if peer.line != NULL:
            note_on_line(state, sink, <uint16_t>peer.transport_number, sealed)
        sink.packets += 1
        sink.bytes += packet.payload_bytes
        resend_earn(&sink.limiter, packet.payload_bytes)


# --- sound that carries earlier sound (RED) -----------------------------------------------------------------------------

cdef inline bint has_red(const Sink *sink) noexcept nogil:
    return sink.payload_types[RED] >= 0 and sink.payload_types[OPUS] >= 0


cdef inline bint needs_red(const Sink *sink, int64_t now_us) noexcept nogil:
    # Whoever loses nothing is spared the bytes, where it is known afterwards who was sent what (`send_same`).
    return has_red(sink) and (sink.sent_numbers == NULL or now_us - sink.lossy_us < LOSSY_US)


cdef inline bint was_red(const Sink *sink, int64_t out) noexcept nogil:
    # Whether a packet was sent as RED.
    return has_red(sink) if sink.sent_numbers == NULL else sink.sent_numbers[out & (SENT_NUMBERS - 1)].red


cdef inline uint8_t *as_told(const Sink *sink, Packet *packet, uint8_t *payload, bint red) noexcept nogil:
    # Under the receiver's payload types, or only the newest sound; changes the packet and returns its payload.
    if red:
        red_rename(payload, sink.payload_types[OPUS])
        packet.codec = RED
        return payload
    packet.payload_bytes -= packet.newest_at
    return payload + packet.newest_at


cdef inline void send_first_of_red(State *state, Sink *sink, const Stream *stream, const Packet *packet) noexcept nogil:
    cdef Packet negotiated = packet[0]
    cdef const uint8_t *payload = as_told(sink, &negotiated, cache_payload(&stream.cache, packet),
                                          needs_red(sink, state.now_us))
    send_first(state, sink, stream, &negotiated, payload)


# --- pictures that wait for a narrow line -----------------------------------------------------------------------------

cdef inline void let_wait(State *state, Sink *sink, const Packet *packet, int payload_type, int64_t out,
                          const uint8_t *payload) noexcept nogil:
    # Everything is written but the transport-wide number, whose order is that of leaving. Without room it is lost.
    cdef bint named = out < sink.first_out + NAMED_PACKETS
    cdef uint8_t header[640]
    cdef Waiting waiting = Waiting(out, sink.ssrc, 0, <uint16_t>(packet.payload_bytes + packet.pad_bytes), 0)
    waiting.header_bytes = 12 + write_extension_block(sink, packet, named, 0, header + 12)
    write_rtp_header(header, packet.pad_bytes != 0, waiting.header_bytes > 12, packet.marker, payload_type,
                     <uint16_t>out, packet.timestamp, sink.ssrc)
    if sink.extensions.transport_cc:
        waiting.transport_at = 17 + sink.two_byte
        if sink.extensions.mid and named and sink.mid_bytes:
            waiting.transport_at += 1 + sink.two_byte + sink.mid_bytes
    if sink.waiting_timestamp != packet.timestamp:
        sink.waiting_timestamp = packet.timestamp
        sink.waiting_bytes = 0
    if not pacer_push(&state.peers[sink.peer].line.pacer, &waiting, header, payload, &sink.waiting_bytes):
        state.drops.pacing_full += 1
        if sink.shaping == NULL or sink.shaping.awaited == NOTHING_AWAITED:     # else it has been asked for one already
            want_keyframe(state, sink.stream)
        return
    state.peers_due_us[sink.peer] = 0


cdef inline void release_waiting(State *state, int p, int64_t now_us) noexcept nogil:
    # Sends what may go by now.
    cdef Peer *peer = state.peers[p]
    cdef Line *line = peer.line
    cdef Waiting waiting
    cdef const uint8_t *header
    cdef uint8_t *out
    cdef int sealed
    pacer_fill(&line.pacer, now_us)
    while line.pacer.begin < line.pacer.end and (line.pacer.budget_bytes > 0 or line.pacer.bits_per_second == 0):
        header = pacer_take(&line.pacer, &waiting)
        out = outbox_room(&state.outbox)
        if out == NULL or not peer.has_address:
            continue
        memcpy(out, header, waiting.header_bytes)
        if waiting.transport_at:
            peer.transport_number += 1
            write16(out + waiting.transport_at, <uint16_t>peer.transport_number)
        sealed = seal_rtp(&peer.rtp_out, waiting.ssrc, <uint64_t>waiting.number, out, waiting.header_bytes,
                          header + waiting.header_bytes, waiting.payload_bytes)
        if sealed < 0:
            state.drops.seal_failed += 1
            continue
        outbox_append(&state.outbox, p, peer.address, sealed)
        note_left(state, peer, &waiting, header)
        line.pacer.budget_bytes -= sealed
        if waiting.transport_at:
            sent_log_note(&line.log, peer.transport_number, sealed, False, now_us)


cdef inline void note_left(State *state, const Peer *peer, const Waiting *waiting, const uint8_t *header) noexcept nogil:
    # Counts a packet that had to wait, once it has left.
    cdef Sink *sink = sink_of_ssrc(state, peer, waiting.ssrc)
    cdef int payload_bytes = waiting.payload_bytes
    if sink == NULL:
        return
    if header[0] & 0x20:
        payload_bytes -= header[waiting.header_bytes + payload_bytes - 1]
    sink.packets += 1
    sink.bytes += payload_bytes
    resend_earn(&sink.limiter, payload_bytes)


# --- once more --------------------------------------------------------------------------------------------------------

cdef inline bint may_resend(State *state, Sink *sink, int64_t out, int bytes, int64_t now_us) noexcept nogil:
    # Whether sink and line allow it; if so, takes note of it.
    cdef Line *line = state.peers[sink.peer].line
    if line != NULL and line.pacer.bits_per_second:
        pacer_fill(&line.pacer, now_us)
        if line.pacer.resend_bytes < bytes:
            return False
    if not resend_allow(&sink.limiter, out, bytes, sink.rtt_s, now_us):
        return False
    if line != NULL:
        line.pacer.resend_bytes -= bytes
    return True


cdef inline void send_by_rtx(State *state, Sink *sink, const Packet *packet, uint8_t *payload,
                             int64_t out) noexcept nogil:
    # RFC 4588 4: own SSRC, own numbers, the original number first in the payload (the cache has room for it).
    write16(payload - OSN_BYTES, <uint32_t>(out & 0xFFFF))
    if send_beside(state, sink, packet, sink.rtx_payload_types[packet.codec], payload - OSN_BYTES,
                   packet.payload_bytes + OSN_BYTES, False):
        sink.resent += 1


cdef inline bint send_beside(State *state, Sink *sink, const Packet *packet, int payload_type, const uint8_t *payload,
                             int payload_bytes, bint padded) noexcept nogil:
    # Under the SSRC and numbers of the sink's retransmissions.
    cdef int64_t number = sink.rtx_next
    cdef Peer *peer = state.peers[sink.peer]
    sink.rtx_next += 1
    peer.transport_number += sink.extensions.transport_cc != 0
    number = send_packet(state, sink, packet, sink.rtx_ssrc, payload_type, number, True,
                         <uint16_t>peer.transport_number, payload, payload_bytes, padded)
    if number:
        note_on_line(state, sink, <uint16_t>peer.transport_number, <int>number)
    return number != 0


cdef inline void send_same(State *state, Sink *sink, const Packet *packet, const uint8_t *payload,
                           int64_t out) noexcept nogil:
    # The very datagram once more: an index must never seal two different texts (RFC 7714 8.4). All that went into it
    # is still known: the packet, and the transport-wide number it had.
    cdef SentNumber sent = SentNumber(out, 0, False)
    cdef int sealed
    if sink.sent_numbers != NULL:
        sent = sink.sent_numbers[out & (SENT_NUMBERS - 1)]
    if sent.out != out:
        return
    sealed = send_packet(state, sink, packet, sink.ssrc, sink.payload_types[packet.codec], out,
                         out < sink.first_out + NAMED_PACKETS, sent.number, payload,
                         packet.payload_bytes + packet.pad_bytes, packet.pad_bytes != 0)
    if sealed:
        note_on_line(state, sink, sent.number, sealed)
        sink.resent += 1


cdef inline uint8_t *sent_before(const Sink *sink, const Stream *stream, int64_t place, int64_t out,
                                 Packet *packet) noexcept nogil:
    # What went to the receiver under `out`, in the form it had then; NULL if it is known no more or would not go today.
    cdef const Packet *found = cache_find(&stream.cache, place)
    cdef uint8_t *payload = NULL if found == NULL else cache_payload(&stream.cache, found)
    if payload == NULL:
        return NULL
    packet[0] = found[0]
    if packet.newest_at:
        payload = as_told(sink, packet, payload, was_red(sink, out))
    return payload if sink.payload_types[packet.codec] >= 0 else NULL


cdef inline void answer_nack(State *state, Sink *sink, uint16_t seq, int64_t now_us) noexcept nogil:
    # Send again what the receiver misses; what we miss ourselves is forwarded when it comes.
    cdef Stream *stream = state.streams[sink.stream]
    cdef int64_t out = nearest(sink.numbering.next_out - 1, seq)
    cdef int64_t place = numbering_place(&sink.numbering, out)
    cdef Packet packet
    cdef uint8_t *payload
    sink.nacks_received += 1
    sink.lossy_us = now_us
    if sink.shaping != NULL:
        resend_shaped(state, sink, out, now_us)
        return
    if place < 0 or not sink.active or not state.peers[sink.peer].has_address:
        return
    payload = sent_before(sink, stream, place, out, &packet)
    if payload == NULL:
        return
    if sink.has_rtx and sink.rtx_payload_types[packet.codec] >= 0:
        if may_resend(state, sink, out, packet.payload_bytes, now_us):
            send_by_rtx(state, sink, &packet, payload, out)
    elif not sink.has_rtx and may_resend(state, sink, out, packet.payload_bytes, now_us):
        send_same(state, sink, &packet, payload, out)


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


# --- sinks whose layer or frame rate is chosen: timestamps and VP8's numbers are rewritten ----------------------------

# A packet as one receiver gets it, while its payload is rewritten where it lies in the cache.
ctypedef struct Shaped:
    Packet packet
    uint8_t *payload                # NULL: it does not get it
    int rewritten_bytes
    uint8_t saved[MAX_DESCRIPTOR_BYTES]
    uint8_t padding


cdef inline void shape(State *state, Sink *sink, const Stream *stream, const Packet *packet,
                       Shaped *shaped) noexcept nogil:
    cdef Shaping *shaping = sink.shaping
    cdef Vp8Descriptor descriptor
    cdef Vp8Verdict verdict = VP8_AS_IT_IS
    cdef int temporal = shaping.vp8.temporal
    cdef int64_t picture = 0
    shaped.packet = packet[0]
    shaped.packet.timestamp += shaping.timestamp_shift
    shaped.payload = cache_payload(&stream.cache, packet)
    shaped.rewritten_bytes = 0
    if packet.codec == VP8 and vp8_parse(shaped.payload, packet.payload_bytes, &descriptor):
        verdict = vp8_judge(&shaping.vp8, &descriptor, packet.place > sink.numbering.highest, &picture)
    if shaping.vp8.temporal != temporal:
        tell_layer(state, EVENT_LAYER_SWITCHED, sink.id, stream.layer, shaping.vp8.temporal)
    if verdict == VP8_LEAVE_OUT or verdict == VP8_TOO_OLD:
        leave_out(sink, shaped)
        return
    if verdict == VP8_FORWARD:
        rewrite(shaped, &descriptor, &shaping.vp8, picture)
    note_sent(shaping, shaped.packet.timestamp, packet.arrival_us)


cdef inline void leave_out(Sink *sink, Shaped *shaped) noexcept nogil:
    # Where later numbers went out already, padding takes the packet's place, so that it is not asked for in vain.
    shaped.payload = NULL
    if not numbering_leave_out(&sink.numbering, shaped.packet.place):
        shaped.packet.payload_bytes = 0
        shaped.packet.pad_bytes = shaped.padding = 1
        shaped.payload = &shaped.padding


cdef inline void rewrite(Shaped *shaped, const Vp8Descriptor *descriptor, const Vp8Numbers *vp8,
                         int64_t picture) noexcept nogil:
    shaped.rewritten_bytes = descriptor.length
    memcpy(shaped.saved, shaped.payload, descriptor.length)
    vp8_write(shaped.payload, descriptor, vp8, picture)


cdef inline void put_back(Shaped *shaped) noexcept nogil:
    memcpy(shaped.payload, shaped.saved, shaped.rewritten_bytes)


cdef inline void resend_shaped(State *state, Sink *sink, int64_t out, int64_t now_us) noexcept nogil:
    # By RTX only, from the layer the sink is on or the one before it.
    cdef Shaping *shaping = sink.shaping
    cdef Stream *stream = state.streams[sink.stream]
    cdef int64_t place = numbering_place(&sink.numbering, out)
    cdef const Vp8Numbers *vp8 = &shaping.vp8
    cdef uint32_t shift = shaping.timestamp_shift
    cdef Packet *packet
    cdef Packet shifted
    cdef uint8_t *payload
    if place < 0 and shaping.has_past:
        stream = state.streams[shaping.past.stream]
        place = numbering_place(&shaping.past.numbering, out)
        vp8 = &shaping.past.vp8
        shift = shaping.past.timestamp_shift
    if place < 0 or not sink.active or not sink.has_rtx or not state.peers[sink.peer].has_address:
        return
    packet = cache_find(&stream.cache, place)
    payload = NULL if packet == NULL else cache_payload(&stream.cache, packet)
    if payload == NULL or sink.rtx_payload_types[packet.codec] < 0:
        return
    shifted = packet[0]
    shifted.timestamp += shift
    resend_rewritten(state, sink, vp8, &shifted, payload, out, now_us)


cdef inline void resend_rewritten(State *state, Sink *sink, const Vp8Numbers *vp8, const Packet *packet,
                                  uint8_t *payload, int64_t out, int64_t now_us) noexcept nogil:
    cdef Shaped shaped
    cdef Vp8Descriptor descriptor
    cdef Vp8Verdict verdict = VP8_AS_IT_IS
    cdef int64_t picture = 0
    shaped.payload = payload
    shaped.rewritten_bytes = 0
    if packet.codec == VP8 and vp8_parse(payload, packet.payload_bytes, &descriptor):
        verdict = vp8_look_up(vp8, &descriptor, &picture)
    if verdict == VP8_LEAVE_OUT or verdict == VP8_TOO_OLD or not may_resend(
            state, sink, out, packet.payload_bytes, now_us):
        return
    if verdict == VP8_FORWARD:
        rewrite(&shaped, &descriptor, vp8, picture)
    send_by_rtx(state, sink, packet, payload, out)
    put_back(&shaped)


# --- twice ------------------------------------------------------------------------------------------------------------

cdef inline void repeat_earlier(State *state, Sink *sink, const Stream *stream, int64_t place) noexcept nogil:
    # After the packet at `place`, if none newer went out: an earlier one once more, found by its number.
    cdef int64_t out = sink.numbering.next_out - 1 - REPEAT_AFTER
    cdef int64_t earlier
    cdef Packet packet
    cdef uint8_t *payload
    if sink.has_rtx or place < sink.numbering.highest or out < sink.first_out:
        return
    earlier = numbering_place(&sink.numbering, out)
    payload = NULL if earlier < 0 else sent_before(sink, stream, earlier, out, &packet)
    if payload != NULL:
        send_same(state, sink, &packet, payload, out)


# --- receiver by receiver ---------------------------------------------------------------------------------------------

cdef inline void send_pending(State *state, Sink *sink, const Stream *stream) noexcept nogil:
    cdef int k
    cdef Packet *packet
    if sink.shaping != NULL:
        send_pending_shaped(state, sink, stream)
        return
    for k in range(stream.n_pending):
        packet = &stream.cache.packets[stream.pending[k]]
        if packet.newest_at:
            send_first_of_red(state, sink, stream, packet)
        else:
            send_first(state, sink, stream, packet, cache_payload(&stream.cache, packet))
        if sink.repeats:            # RED too: what it repeats comes so soon that a burst takes both
            repeat_earlier(state, sink, stream, packet.place)


cdef inline void send_pending_shaped(State *state, Sink *sink, const Stream *stream) noexcept nogil:
    cdef int k
    cdef Shaped shaped
    for k in range(stream.n_pending):
        shape(state, sink, stream, &stream.cache.packets[stream.pending[k]], &shaped)
        if shaped.payload != NULL:
            send_first(state, sink, stream, &shaped.packet, shaped.payload)
            put_back(&shaped)


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
    # Its own lines are there already.
    cdef const Sink *sink = peer.due
    protection_foresee(&peer.rtp_out)
    while sink != NULL:
        prefetch_lines(&sink.bytes, SINK_LINES)
        sink = sink.next_due


cdef inline void forward_due(State *state) noexcept nogil:
    # Receiver by receiver, of each sink after sink. What the next ones need is fetched meanwhile, step by step: each
    # step's pointers stand in what the step before fetched.
    cdef Peer *peer = state.due_peers
    cdef Peer *second = following(peer)
    cdef Peer *third = following(second)
    cdef Peer *fourth
    cdef Sink *sink
    while peer != NULL:
        fourth = following(third)
        if fourth != NULL:
            prefetch_lines(fourth, PEER_LINES)
        if third != NULL:
            prefetch(third.due)
        if second != NULL:
            foresee_sending(second)
        sink = peer.due
        while sink != NULL:
            if peer.has_address:
                send_pending(state, sink, state.streams[sink.stream])
            sink = sink.next_due
        peer.due = NULL
        peer = second
        second = third
        third = fourth
    state.due_peers = NULL


cdef inline Peer *following(const Peer *peer) noexcept nogil:
    return NULL if peer == NULL else peer.next_due


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


cdef inline void forget_waiting(State *state, Sink *sink) noexcept nogil:
    # What waits for the line is of no use to the receiver any more.
    cdef Line *line = state.peers[sink.peer].line
    if line != NULL and line.pacer.begin < line.pacer.end:
        pacer_forget(&line.pacer, sink.ssrc, &sink.numbering.next_out)


cdef inline void pause_sink(State *state, Sink *sink) noexcept nogil:
    forget_waiting(state, sink)
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
