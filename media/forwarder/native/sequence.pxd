# Sequence numbers: extended beyond 16 bits, put in a stream's gapless order, and renumbered for each receiver.
from libc.stdint cimport int64_t, uint16_t
from libc.string cimport memmove

cdef enum:
    MAX_GAP = 1000          # a wider one is a new start: passed on it would break the receiver's rollover guess
    MAX_LEFT_OUT = 64       # numbers left out of the order that are remembered for packets that come late
    MAX_STEPS = 24          # renumberings of one receiver that are remembered for packets that come late


cdef inline int64_t nearest(int64_t near, uint16_t seq) noexcept nogil:
    # The extended number with these low 16 bits that lies nearest to `near`.
    cdef int64_t guess = (near & <int64_t>-65536) | seq
    if guess >= near + 0x8000:
        guess -= 0x10000
    elif guess < near - 0x8000:
        guess += 0x10000
    return guess


# --- the stream's own order: what was lost leaves a gap, what is left out on purpose (padding) leaves none ------------

ctypedef struct Order:
    bint started
    int64_t floor           # lowest ext_seq that still has a place
    int64_t shift           # place = ext_seq + shift, for numbers above all that were left out
    int64_t highest         # ext_seq
    int n_left_out
    int64_t left_out[MAX_LEFT_OUT]      # ext_seqs, ascending


cdef inline void order_start(Order *order, int64_t ext_seq) noexcept nogil:
    # The next packet is this one, whatever came before: places go on without a gap, earlier numbers have none.
    cdef int64_t next_place = order.highest + order.shift + 1 if order.started else 1
    order.started = True
    order.floor = ext_seq
    order.shift = next_place - ext_seq
    order.highest = ext_seq - 1
    order.n_left_out = 0


cdef inline int64_t order_place(const Order *order, int64_t ext_seq) noexcept nogil:
    # Place in the gapless order, -1 for what has none.
    cdef int i = order.n_left_out
    if ext_seq < order.floor:
        return -1
    while i and order.left_out[i - 1] > ext_seq:
        i -= 1
    if i and order.left_out[i - 1] == ext_seq:
        return -1
    return ext_seq + order.shift + (order.n_left_out - i)


cdef inline void order_leave_out(Order *order, int64_t ext_seq) noexcept nogil:
    # To be called for the highest number only.
    if order.n_left_out == MAX_LEFT_OUT:
        # Where the oldest is forgotten, numbers before it can no longer be placed.
        order.floor = max(order.floor, order.left_out[0] + 1)
        order.n_left_out -= 1
        memmove(&order.left_out[0], &order.left_out[1], order.n_left_out * sizeof(int64_t))
    order.left_out[order.n_left_out] = ext_seq
    order.n_left_out += 1
    order.shift -= 1


# --- a receiver's numbers: out = place - offset, with a step in the offset for each thing left out --------------------

ctypedef struct Step:
    int64_t first           # place from which on it holds
    int64_t offset

ctypedef struct Numbering:
    int n_steps
    int64_t next_out        # one more than the highest number used
    int64_t highest         # place that was forwarded or left out last
    Step steps[MAX_STEPS]   # oldest first


cdef inline void numbering_restart(Numbering *numbering) noexcept nogil:
    # The next packet follows the last one sent; older ones are no longer mapped.
    numbering.n_steps = 0


cdef inline int64_t numbering_forward(Numbering *numbering, int64_t place) noexcept nogil:
    # The receiver's number, -1 for a packet from before the start. Each place is asked for only once.
    cdef int i = numbering.n_steps - 1
    cdef int64_t out
    if i < 0:
        numbering.steps[0] = Step(place, place - numbering.next_out)
        numbering.n_steps = 1
        numbering.highest = place
        i = 0
    while place < numbering.steps[i].first:
        i -= 1
        if i < 0:
            return -1
    out = place - numbering.steps[i].offset
    if place > numbering.highest:
        numbering.highest = place
    if out >= numbering.next_out:
        numbering.next_out = out + 1
    return out


cdef inline bint numbering_leave_out(Numbering *numbering, int64_t place) noexcept nogil:
    # Close the gap a packet would leave; False if later ones went out already and it must be forwarded.
    cdef Step *last
    if numbering.n_steps == 0:
        return True
    if place <= numbering.highest:
        return place < numbering.steps[0].first
    last = &numbering.steps[numbering.n_steps - 1]
    numbering.highest = place
    if last.first == place:         # nothing was sent since the step before
        last.first += 1
        last.offset += 1
        return True
    if numbering.n_steps == MAX_STEPS:
        numbering.n_steps -= 1
        memmove(&numbering.steps[0], &numbering.steps[1], numbering.n_steps * sizeof(Step))
        last -= 1
    numbering.steps[numbering.n_steps] = Step(place + 1, last.offset + 1)
    numbering.n_steps += 1
    return True


cdef inline int64_t numbering_place(const Numbering *numbering, int64_t out) noexcept nogil:
    # The place of a packet sent under `out`, -1 if there is none or it is forgotten.
    cdef int i = numbering.n_steps - 1
    cdef int64_t place
    if out >= numbering.next_out:
        return -1
    while i >= 0:
        place = out + numbering.steps[i].offset
        if place >= numbering.steps[i].first:
            return place
        i -= 1
    return -1
