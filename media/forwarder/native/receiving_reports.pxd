# RTCP that clients send: compounds taken apart packet by packet, so that one odd packet costs only itself.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from media.forwarder.native.clock cimport ntp_of, to_our_clock
from media.forwarder.native.events cimport EVENT_PEER_GONE, EVENT_STALLED, tell, tell_report
from media.forwarder.native.line_reports cimport take_line_feedback, take_remb
from media.forwarder.native.layers cimport layer_stalled, note_layer_report
from media.forwarder.native.rtcp cimport (
    BYE, FIR_FORMAT, NACK_FORMAT, PLI_FORMAT, PSFB, REMB_FORMAT, RR, RTPFB, SR, TRANSPORT_CC_FORMAT,
)
from media.forwarder.native.sending cimport answer_nack
from media.forwarder.native.srtp cimport is_replayed, open_rtcp, remember_index
from media.forwarder.native.state cimport Peer, Sink, State, Stream, sink_of_ssrc, want_keyframe
from media.forwarder.native.windows cimport NO_STREAM, Window, windows_add, windows_find
from media.forwarder.native.wire cimport read16, read32, read64

cdef enum:
    REPORT_BLOCK_BYTES = 24
    MAX_BELIEVED_RTT = 10 << 16     # in 1/65536 s


cdef inline void take_rtcp(State *state, int p, const uint8_t *data, int length, int64_t now_us) noexcept nogil:
    cdef Peer *peer = state.peers[p]
    cdef Window *window
    cdef uint32_t index = 0
    cdef int plain
    if length < 8:
        state.drops.malformed += 1
        return
    plain = open_rtcp(&peer.rtcp_in, data, length, &index, state.compound)
    if plain < 0:
        state.drops.auth_failed += 1
        return
    window = windows_find(&peer.rtcp_windows, read32(data + 4))
    if window == NULL:
        window = windows_add(&peer.rtcp_windows, read32(data + 4), NO_STREAM)
        if window == NULL:
            state.drops.too_many_ssrcs += 1
            return
    if is_replayed(&window.replay, index):
        state.drops.replayed += 1
        return
    remember_index(&window.replay, index)
    take_compound(state, p, plain, now_us)


cdef inline void take_compound(State *state, int p, int length, int64_t now_us) noexcept nogil:
    # What we do not know is stepped over (RFC 3550 6.1, RFC 5506); a broken header ends the compound.
    cdef int at = 0
    cdef int size
    cdef const uint8_t *packet
    while at + 4 <= length:
        packet = state.compound + at
        size = 4 * (read16(packet + 2) + 1)
        if packet[0] >> 6 != 2 or at + size > length:
            break
        at += size
        if packet[0] & 0x20:
            if size == 4 or packet[size - 1] == 0 or packet[size - 1] > size - 4:
                at = length + 1
                break
            size -= packet[size - 1]
        if not take_report(state, p, packet, size, now_us):
            state.drops.malformed_rtcp += 1
    if at != length:
        state.drops.malformed_rtcp += 1


cdef inline bint take_report(State *state, int p, const uint8_t *packet, int size, int64_t now_us) noexcept nogil:
    # One packet; False if it is cut off.
    cdef int kind = packet[1]
    cdef int count = packet[0] & 31
    if kind == SR:
        if size < 28:
            return False
        take_sender_report(state, p, packet, now_us)
        take_report_blocks(state, p, packet + 28, size - 28, count, now_us)
    elif kind == RR and size >= 8:
        take_report_blocks(state, p, packet + 8, size - 8, count, now_us)
    elif kind == BYE:
        take_bye(state, p, packet, size)
    elif kind == RTPFB and count == NACK_FORMAT:
        if size < 16:
            return False
        take_nack(state, p, packet, size, now_us)
    elif kind == RTPFB and count == TRANSPORT_CC_FORMAT:
        return take_line_feedback(state, p, packet, size, now_us)
    elif kind == PSFB and count == REMB_FORMAT:
        take_remb(state, p, packet, size, now_us)
    elif kind == PSFB and size >= 12:
        take_keyframe_request(state, p, packet, size)
    return True


cdef inline void take_sender_report(State *state, int p, const uint8_t *packet, int64_t now_us) noexcept nogil:
    cdef Peer *peer = state.peers[p]
    cdef Window *window = windows_find(&peer.rtp_windows, read32(packet + 4))
    cdef Stream *stream
    cdef int i
    if window == NULL or window.stream < 0:
        return
    stream = state.streams[window.stream]
    if not stream.started or stream.ssrc != window.ssrc:
        return
    stream.sr_ntp = read64(packet + 8)
    stream.sr_rtp = read32(packet + 16)
    stream.sr_our_ntp = to_our_clock(&peer.clock, stream.sr_ntp, ntp_of(state.wall_minus_monotonic, now_us))
    stream.reception.sr_ntp = stream.sr_ntp
    stream.reception.sr_us = now_us
    if not stream.has_sr:
        stream.has_sr = True
        for i in range(stream.sinks.n):
            state.sinks_due_us[stream.sinks.at[i]] = 0      # now they can be told, too
    if stream.simulcast != NULL:
        note_layer_report(state, window.stream, now_us)
    elif stream.tapped:
        tell_report(state, stream.tap_into, stream.id, now_us, stream.sr_ntp, stream.sr_rtp)


cdef inline void take_report_blocks(State *state, int p, const uint8_t *block, int length, int count,
                                    int64_t now_us) noexcept nogil:
    cdef Sink *sink
    cdef uint32_t last_sr, rtt
    cdef int number
    for number in range(count):
        if length < REPORT_BLOCK_BYTES:
            return
        sink = sink_of_ssrc(state, state.peers[p], read32(block))
        if sink != NULL:
            sink.fraction_lost = block[4] / 256.0
            sink.packets_lost = <int32_t>(read32(block + 4) << 8) >> 8      # 24 bits with a sign
            sink.last_rr_us = now_us
            if block[4]:
                sink.lossy_us = now_us
            last_sr = read32(block + 16)
            rtt = <uint32_t>(ntp_of(state.wall_minus_monotonic, now_us) >> 16) - last_sr - read32(block + 20)
            if last_sr and rtt < MAX_BELIEVED_RTT:
                sink.rtt_s = rtt / 65536.0
        block += REPORT_BLOCK_BYTES
        length -= REPORT_BLOCK_BYTES


cdef inline void take_bye(State *state, int p, const uint8_t *packet, int size) noexcept nogil:
    cdef Peer *peer = state.peers[p]
    cdef Window *window
    cdef Stream *stream
    cdef int i
    for i in range(packet[0] & 31):
        if 8 + 4 * i > size:
            return
        window = windows_find(&peer.rtp_windows, read32(packet + 4 + 4 * i))
        if window == NULL or window.stream < 0:
            continue
        stream = state.streams[window.stream]
        if stream.started and stream.ssrc == window.ssrc and not stream.stalled:
            if stream.simulcast != NULL:
                layer_stalled(state, stream)
            else:
                stream.stalled = True
                tell(state, EVENT_STALLED, stream.id)
            if is_silent(state, peer):
                tell(state, EVENT_PEER_GONE, peer.id)


cdef inline bint is_silent(State *state, const Peer *peer) noexcept nogil:
    # Whether all streams that had started have ended.
    cdef int i
    cdef Stream *stream
    for i in range(peer.streams.n):
        stream = state.streams[peer.streams.at[i]]
        if stream.started and not stream.stalled:
            return False
    return True


cdef inline void take_nack(State *state, int p, const uint8_t *packet, int size, int64_t now_us) noexcept nogil:
    # Generic NACK, RFC 4585 6.2.1.
    cdef Sink *sink = sink_of_ssrc(state, state.peers[p], read32(packet + 8))
    cdef int at = 12
    cdef int bit
    cdef uint16_t first, mask
    if sink == NULL:
        return
    while at + 4 <= size:
        first = read16(packet + at)
        mask = read16(packet + at + 2)
        answer_nack(state, sink, first, now_us)
        for bit in range(16):
            if mask >> bit & 1:
                answer_nack(state, sink, <uint16_t>(first + bit + 1), now_us)
        at += 4


cdef inline void take_keyframe_request(State *state, int p, const uint8_t *packet, int size) noexcept nogil:
    # PLI (RFC 4585 6.3.1) names the stream in its header, FIR (RFC 5104 4.3.1) in its entries.
    cdef int at = 12
    if packet[0] & 31 == PLI_FORMAT:
        wish_for(state, p, read32(packet + 8))
    elif packet[0] & 31 == FIR_FORMAT:
        while at + 8 <= size:
            wish_for(state, p, read32(packet + at))
            at += 8


cdef inline void wish_for(State *state, int p, uint32_t ssrc) noexcept nogil:
    cdef Sink *sink = sink_of_ssrc(state, state.peers[p], ssrc)
    if sink != NULL:
        sink.plis_received += 1
        if sink.active and (sink.shaping == NULL or sink.shaping.on):
            want_keyframe(state, sink.stream)
