# Which packets of a source are missing, when to ask for them (again), and when to give up (RFC 4585 6.2.1).
from libc.stdint cimport int64_t
from libc.string cimport memmove

from media.forwarder.native.sequence cimport MAX_GAP

cdef enum:
    MAX_MISSING = 256
    NACK_FIRST_RETRY_US = 60_000
    NACK_LONGEST_RETRY_US = 200_000     # the wait grows by 1.3 up to this
    NACK_SPACING_US = 30_000            # between two NACKs of a stream: a loss of ours must not make us busier still
    NACK_TRIES_AUDIO = 4                # sound that comes later is of no use
    NACK_TRIES_VIDEO = 10

ctypedef struct Missing:
    int64_t ext_seq
    int64_t due_us
    int wait_us
    int tries

ctypedef struct MissingList:
    int n
    int64_t asked_us                    # when the last NACK was due
    Missing entries[MAX_MISSING]        # ascending


cdef inline bint note_gap(MissingList *missing, int64_t first, int64_t end, int64_t now_us) noexcept nogil:
    # Numbers first <= n < end are missing, due at once. False if it is too much to be asked for.
    cdef int64_t ext_seq = max(first, end - MAX_MISSING)
    cdef int spare
    if end - first > MAX_GAP:
        missing.n = 0
        return False
    spare = MAX_MISSING - missing.n - <int>(end - ext_seq)
    if spare < 0:                       # the oldest make room
        missing.n += spare
        memmove(&missing.entries[0], &missing.entries[-spare], missing.n * sizeof(Missing))
    while ext_seq < end:
        missing.entries[missing.n] = Missing(ext_seq, now_us, NACK_FIRST_RETRY_US, 0)
        missing.n += 1
        ext_seq += 1
    return spare >= 0 and end - first <= MAX_MISSING


cdef inline void forget_missing(MissingList *missing, int64_t ext_seq) noexcept nogil:
    cdef int i
    for i in range(missing.n):
        if missing.entries[i].ext_seq == ext_seq:
            missing.n -= 1
            memmove(&missing.entries[i], &missing.entries[i + 1], (missing.n - i) * sizeof(Missing))
            return


cdef inline int take_due_missing(MissingList *missing, int max_tries, int64_t now_us, int64_t *due,
                                 bint *gave_up) noexcept nogil:
    # Writes the numbers to ask for now to `due` (room for MAX_MISSING), ascending; forgets what was asked for in vain.
    cdef int i, kept = 0, n_due = 0
    cdef Missing *entry
    gave_up[0] = False
    if now_us - missing.asked_us < NACK_SPACING_US:
        return 0
    for i in range(missing.n):
        entry = &missing.entries[i]
        if entry.due_us <= now_us:
            if entry.tries >= max_tries:
                gave_up[0] = True
                continue
            entry.tries += 1
            entry.due_us = now_us + entry.wait_us
            entry.wait_us = min(entry.wait_us * 13 // 10, NACK_LONGEST_RETRY_US)
            due[n_due] = entry.ext_seq
            n_due += 1
        if kept != i:
            missing.entries[kept] = entry[0]
        kept += 1
    missing.n = kept
    if n_due:
        missing.asked_us = now_us
    return n_due
