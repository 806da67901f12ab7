# VP8 payload descriptors (RFC 7741 4.2): read, and renumbered so that a receiver sees one unbroken row of pictures
# however often its layer changes and whichever frames are left out.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint64_t

from media.forwarder.native.sequence cimport (
    Numbering, numbering_forward, numbering_leave_out, numbering_restart,
)
from media.forwarder.native.wire cimport read16, write16

cdef enum:
    MAX_DESCRIPTOR_BYTES = 6
    ALL_TEMPORAL = 4                # more than any TID

# Where the numbers of a descriptor stand, in bytes from the start of the payload; 0: absent.
ctypedef struct Vp8Descriptor:
    int length
    int picture_at
    bint long_picture               # 15 bits, else 7
    uint16_t picture
    int tl0_at                      # TL0PICIDX
    uint8_t tl0
    int tid_at                      # TID, Y and KEYIDX in one byte
    bint has_tid
    uint8_t tid
    bint sync                       # Y: needs nothing but the base layer
    bint has_key
    uint8_t key                     # KEYIDX
    bint starts_keyframe

# The numbers a receiver sees, and which of its frames go by frame rate.
ctypedef struct Vp8Numbers:
    Numbering pictures              # by the publisher's extended picture id
    int64_t highest                 # that came, extended
    uint64_t sent                   # of the 64 pictures up to it, the newest in the lowest bit
    bint begun                      # something was sent before
    bint fresh                      # the next frame comes from another layer
    uint8_t tl0_shift
    uint8_t last_tl0                # sent
    uint8_t key_shift
    uint8_t last_key                # sent
    int temporal                    # highest TID sent now
    int wanted_temporal

ctypedef enum Vp8Verdict:
    VP8_AS_IT_IS                    # no picture id: nothing to rewrite
    VP8_FORWARD
    VP8_LEAVE_OUT                   # a frame above the wanted rate
    VP8_TOO_OLD                     # its numbers are forgotten


cdef inline bint vp8_parse(const uint8_t *payload, int length, Vp8Descriptor *found) noexcept nogil:
    # False: cut off.
    cdef int at = 1
    cdef uint8_t first, present
    found[0] = Vp8Descriptor(0, 0, False, 0, 0, 0, 0, False, 0, False, False, 0, False)
    if length < 1:
        return False
    first = payload[0]
    if first & 0x80:
        if length < 2:
            return False
        present = payload[1]
        at = 2
        if present & 0x80:
            if at >= length:
                return False
            found.picture_at = at
            found.long_picture = payload[at] >> 7
            if found.long_picture and at + 2 > length:
                return False
            found.picture = read16(payload + at) & 0x7FFF if found.long_picture else payload[at]
            at += 2 if found.long_picture else 1
        if present & 0x40:
            if at >= length:
                return False
            found.tl0_at = at
            found.tl0 = payload[at]
            at += 1
        if present & 0x30:
            if at >= length:
                return False
            found.tid_at = at
            found.has_tid = (present >> 5) & 1
            found.tid = payload[at] >> 6
            found.sync = (payload[at] >> 5) & 1
            found.has_key = (present >> 4) & 1
            found.key = payload[at] & 31
            at += 1
    found.length = at
    found.starts_keyframe = first & 0x17 == 0x10 and at < length and not payload[at] & 1
    return True


cdef inline int64_t nearest_picture(int64_t near, const Vp8Descriptor *descriptor) noexcept nogil:
    # The extended picture id with these low 15 (or 7) bits that lies nearest to `near`.
    cdef int64_t cycle = 0x8000 if descriptor.long_picture else 0x80
    cdef int64_t guess = (near & -cycle) | descriptor.picture
    if guess >= near + cycle // 2:
        guess -= cycle
    elif guess < near - cycle // 2:
        guess += cycle
    return guess


cdef inline bint is_left_out(const Numbering *pictures, int64_t picture) noexcept nogil:
    # Whether this frame, not newer than the newest, was left out: it lies in a hole before the next step.
    cdef int i = pictures.n_steps - 1
    while i > 0 and picture < pictures.steps[i].first:
        i -= 1
    if picture < pictures.steps[i].first:
        return False
    if i + 1 < pictures.n_steps:
        return picture - pictures.steps[i].offset >= pictures.steps[i + 1].first - pictures.steps[i + 1].offset
    return False


cdef inline bint was_sent(const Vp8Numbers *numbers, int64_t picture) noexcept nogil:
    # Whether packets of this frame, not newer than the newest, were forwarded.
    return numbers.highest - picture < 64 and numbers.sent >> (numbers.highest - picture) & 1


cdef inline void vp8_restart(Vp8Numbers *numbers) noexcept nogil:
    # The next frame follows the last one sent, whatever layer it is from.
    numbering_restart(&numbers.pictures)
    numbers.fresh = True


cdef inline bint rises_to(Vp8Numbers *numbers, const Vp8Descriptor *descriptor) noexcept nogil:
    # A higher rate begins at a frame that needs nothing of what was left out, one temporal layer at a time.
    if descriptor.sync and descriptor.tid == numbers.temporal + 1 and descriptor.tid <= numbers.wanted_temporal:
        numbers.temporal = descriptor.tid
        return True
    return False


cdef inline Vp8Verdict vp8_judge(Vp8Numbers *numbers, const Vp8Descriptor *descriptor, bint newest,
                                 int64_t *out) noexcept nogil:
    # What is to be done with a packet, and the picture id it gets. `newest`: all others judged came before it.
    cdef int64_t picture
    if not descriptor.picture_at:
        return VP8_AS_IT_IS
    if descriptor.starts_keyframe and newest and numbers.pictures.n_steps and nearest_picture(
            numbers.highest, descriptor) <= numbers.highest:
        vp8_restart(numbers)        # an encoder that counts anew
    if numbers.pictures.n_steps == 0:
        numbers.highest = descriptor.picture + 0x8000   # a cycle up, so that earlier ones stay positive
        numbers.sent = 0
        if not numbers.begun:
            numbers.pictures.next_out = numbers.highest
        take_over_indices(numbers, descriptor)
    picture = nearest_picture(numbers.highest, descriptor)
    if descriptor.starts_keyframe:
        numbers.temporal = numbers.wanted_temporal
    if numbers.pictures.n_steps == 0 or picture > numbers.highest:
        if numbers.wanted_temporal < numbers.temporal:
            numbers.temporal = numbers.wanted_temporal
        numbers.sent = numbers.sent << (picture - numbers.highest) if picture - numbers.highest < 64 else 0
        numbers.highest = picture
        if (descriptor.has_tid and descriptor.tid > numbers.temporal and numbers.pictures.n_steps
                and not rises_to(numbers, descriptor)):
            numbering_leave_out(&numbers.pictures, picture)
            return VP8_LEAVE_OUT
        if descriptor.tl0_at:
            numbers.last_tl0 = <uint8_t>(descriptor.tl0 + numbers.tl0_shift)
        if descriptor.has_key:
            numbers.last_key = (descriptor.key + numbers.key_shift) & 31
    elif is_left_out(&numbers.pictures, picture) or (
            descriptor.has_tid and descriptor.tid > numbers.temporal and not was_sent(numbers, picture)):
        return VP8_LEAVE_OUT
    numbers.begun = True
    if numbers.highest - picture < 64:
        numbers.sent |= <uint64_t>1 << (numbers.highest - picture)
    out[0] = numbering_forward(&numbers.pictures, picture)
    return VP8_FORWARD if out[0] >= 0 else VP8_TOO_OLD


cdef inline void take_over_indices(Vp8Numbers *numbers, const Vp8Descriptor *descriptor) noexcept nogil:
    # A new layer's TL0PICIDX and KEYIDX go on from the last ones sent.
    if not numbers.fresh or not numbers.begun:
        return
    numbers.fresh = False
    if descriptor.tl0_at:
        numbers.tl0_shift = <uint8_t>(numbers.last_tl0 + 1 - descriptor.tl0)
    if descriptor.has_key:
        numbers.key_shift = (numbers.last_key + 1 - descriptor.key) & 31


cdef inline Vp8Verdict vp8_look_up(const Vp8Numbers *numbers, const Vp8Descriptor *descriptor,
                                   int64_t *out) noexcept nogil:
    # As `vp8_judge` for a packet judged before; changes nothing.
    cdef const Numbering *pictures = &numbers.pictures
    cdef int64_t picture
    cdef int i = pictures.n_steps - 1
    if not descriptor.picture_at:
        return VP8_AS_IT_IS
    if i < 0:
        return VP8_TOO_OLD
    picture = nearest_picture(numbers.highest, descriptor)
    if is_left_out(pictures, picture):
        return VP8_LEAVE_OUT
    while i and picture < pictures.steps[i].first:
        i -= 1
    if picture < pictures.steps[i].first:
        return VP8_TOO_OLD
    out[0] = picture - pictures.steps[i].offset
    return VP8_FORWARD


cdef inline void vp8_write(uint8_t *payload, const Vp8Descriptor *descriptor, const Vp8Numbers *numbers,
                           int64_t picture) noexcept nogil:
    # The receiver's numbers in place of the publisher's; the descriptor keeps its length.
    if descriptor.long_picture:
        write16(payload + descriptor.picture_at, <uint16_t>(0x8000 | (picture & 0x7FFF)))
    else:
        payload[descriptor.picture_at] = picture & 0x7F
    if descriptor.tl0_at:
        payload[descriptor.tl0_at] = <uint8_t>(descriptor.tl0 + numbers.tl0_shift)
    if descriptor.has_key:
        payload[descriptor.tid_at] = (payload[descriptor.tid_at] & 0xE0) | ((descriptor.key + numbers.key_shift) & 31)
