# What waits to be sent: sealed datagrams in one arena, those of one receiver joined to what a GSO call can carry.
from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport realloc
from libc.string cimport memcpy

from media.forwarder.native.state cimport ADDRESS, Message, Outbox, Peer

cdef enum:
    MAX_SEGMENTS = 60               # the kernel takes 64 (UDP_MAX_SEGMENTS) and 65,507 bytes
    MAX_MESSAGE_BYTES = 60_000
    HEADROOM_BYTES = 2560           # what one sealed packet may need


cdef inline void outbox_flush(Outbox *outbox) noexcept nogil:
    if outbox.n and outbox.flush != NULL:
        outbox.flush(outbox.socket)
        outbox.n = 0
        outbox.used = 0


cdef inline bint outbox_grow(Outbox *outbox) noexcept nogil:
    cdef uint8_t *arena = <uint8_t *>realloc(outbox.arena, outbox.arena_bytes * 2)
    cdef Message *messages
    if arena == NULL:
        return False
    outbox.arena = arena
    outbox.arena_bytes *= 2
    messages = <Message *>realloc(outbox.messages, 2 * outbox.room * sizeof(Message))
    if messages == NULL:
        return False
    outbox.messages = messages
    outbox.room *= 2
    return True


cdef inline uint8_t *outbox_room(Outbox *outbox) noexcept nogil:
    # Where the next packet may be written and sealed (HEADROOM_BYTES), NULL without memory.
    if outbox.used + HEADROOM_BYTES > outbox.arena_bytes or outbox.n == outbox.room:
        outbox_flush(outbox)
        if outbox.n and not outbox_grow(outbox):
            return NULL
    return outbox.arena + outbox.used


cdef inline void outbox_append(Outbox *outbox, int peer, const uint8_t *address, int length) noexcept nogil:
    # The datagram at `outbox_room` is complete: to the last message if GSO can carry it, else a message of its own.
    cdef Message *message
    if outbox.n:
        message = &outbox.messages[outbox.n - 1]
        if (message.peer == peer and not message.closed and length <= message.segment_bytes
                and message.segments < MAX_SEGMENTS and message.length + length <= MAX_MESSAGE_BYTES):
            message.length += length
            message.segments += 1
            message.closed = length < message.segment_bytes
            outbox.used += length
            return
    message = &outbox.messages[outbox.n]
    message.peer = peer
    memcpy(message.address, address, ADDRESS)
    message.at = outbox.used
    message.length = length
    message.segment_bytes = length
    message.segments = 1
    message.closed = False
    outbox.n += 1
    outbox.used += length
