# Open-addressing hash tables of fixed size: datagram address -> peer, and (peer, SSRC) -> binding.
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy

cdef enum:
    ADDRESS_BYTES = 18      # IPv6 (or v4-mapped) address and port
    EMPTY = -1
    DELETED = -2

# A table from keys of 18 bytes to small non-negative numbers.
ctypedef struct Table:
    int capacity            # a power of two
    int used                # filled and deleted cells
    int *values
    uint8_t *keys


cdef inline bint table_init(Table *table, int capacity) noexcept nogil:
    cdef int i
    table.capacity = capacity
    table.used = 0
    table.values = <int *>calloc(capacity, sizeof(int))
    table.keys = <uint8_t *>calloc(capacity, ADDRESS_BYTES)
    if table.values == NULL or table.keys == NULL:
        return False
    for i in range(capacity):
        table.values[i] = EMPTY
    return True


cdef inline void table_free(Table *table) noexcept nogil:
    free(table.values)
    free(table.keys)
    table.values = NULL
    table.keys = NULL


cdef inline uint64_t hash_key(const uint8_t *key) noexcept nogil:
    # Two 64-bit words and the rest, mixed by multiplication; keys are not chosen against us but by addresses we admitted.
    cdef uint64_t a, b
    cdef uint32_t c = 0
    memcpy(&a, key, 8)
    memcpy(&b, key + 8, 8)
    memcpy(&c, key + 16, 2)
    a = (a ^ <uint64_t>0x9E3779B97F4A7C15) * <uint64_t>0xBF58476D1CE4E5B9
    a = (a ^ (a >> 29) ^ b) * <uint64_t>0x94D049BB133111EB
    a = (a ^ (a >> 32) ^ c) * <uint64_t>0xBF58476D1CE4E5B9
    return a ^ (a >> 31)


cdef inline int table_find(const Table *table, const uint8_t *key) noexcept nogil:
    # The value, or EMPTY.
    cdef int at = <int>(hash_key(key) & <uint64_t>(table.capacity - 1))
    while table.values[at] != EMPTY:
        if table.values[at] != DELETED and memcmp(table.keys + at * ADDRESS_BYTES, key, ADDRESS_BYTES) == 0:
            return table.values[at]
        at = (at + 1) & (table.capacity - 1)
    return EMPTY


cdef inline bint table_rebuild(Table *table, int capacity) noexcept nogil:
    # Moves all entries to a table of another capacity; False without memory (the old one is unchanged).
    cdef Table fresh
    cdef int i, at
    if not table_init(&fresh, capacity):
        table_free(&fresh)
        return False
    for i in range(table.capacity):
        if table.values[i] >= 0:
            at = <int>(hash_key(table.keys + i * ADDRESS_BYTES) & <uint64_t>(capacity - 1))
            while fresh.values[at] != EMPTY:
                at = (at + 1) & (capacity - 1)
            fresh.values[at] = table.values[i]
            memcpy(fresh.keys + at * ADDRESS_BYTES, table.keys + i * ADDRESS_BYTES, ADDRESS_BYTES)
            fresh.used += 1
    table_free(table)
    table[0] = fresh
    return True


cdef inline bint table_put(Table *table, const uint8_t *key, int value) noexcept nogil:
    # Sets or replaces; grows at half load; False without memory.
    cdef int at, live, i
    if table.used * 2 >= table.capacity:
        live = 0
        for i in range(table.capacity):
            live += table.values[i] >= 0
        if not table_rebuild(table, table.capacity * 2 if live * 4 >= table.capacity else table.capacity):
            return False
    at = <int>(hash_key(key) & <uint64_t>(table.capacity - 1))
    while table.values[at] != EMPTY:
        if table.values[at] != DELETED and memcmp(table.keys + at * ADDRESS_BYTES, key, ADDRESS_BYTES) == 0:
            table.values[at] = value
            return True
        at = (at + 1) & (table.capacity - 1)
    table.values[at] = value
    table.used += 1
    memcpy(table.keys + at * ADDRESS_BYTES, key, ADDRESS_BYTES)
    return True


cdef inline void table_remove(Table *table, const uint8_t *key) noexcept nogil:
    cdef int at = <int>(hash_key(key) & <uint64_t>(table.capacity - 1))
    while table.values[at] != EMPTY:
        if table.values[at] != DELETED and memcmp(table.keys + at * ADDRESS_BYTES, key, ADDRESS_BYTES) == 0:
            table.values[at] = DELETED
            return
        at = (at + 1) & (table.capacity - 1)
