# Memory that every packet walks through, in huge pages where the system has some: with hundreds of lessons a packet would
# miss the TLB a dozen times in pages of 4 KiB. Pieces that are given back serve again for pieces of the same size; the
# system gets nothing back. Only for callers that hold the GIL.
from libc.stddef cimport size_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/mman.h>

    #define HUGE_PAGE_BYTES ((size_t)2 << 20)
    #define POOL_BLOCK_BYTES (16 * HUGE_PAGE_BYTES)     /* reserved at once; only what is touched takes memory */
    #define POOL_SIZES 16
    #define POOL_ALIGN 64                               /* a cache line */

    typedef struct {
        size_t bytes;
        void *free;                                     /* pieces given back, each with the next in its first bytes */
    } PoolSize;

    static PoolSize pool_sizes[POOL_SIZES];
    static uint8_t *pool_at, *pool_end;

    /* Zeroes, beginning at a huge page; NULL without memory. It is never given back. */
    static void *huge_room(size_t bytes) {
        uint8_t *made, *begin;
        bytes = (bytes + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
        made = mmap(NULL, bytes + HUGE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (made == MAP_FAILED) return NULL;
        begin = (uint8_t *)(((uintptr_t)made + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES);
        if (begin > made) munmap(made, begin - made);
        if (made + HUGE_PAGE_BYTES > begin) munmap(begin + bytes, made + HUGE_PAGE_BYTES - begin);
        madvise(begin, bytes, MADV_HUGEPAGE);
        return begin;
    }

    static PoolSize *pool_size(size_t bytes) {
        int i;
        for (i = 0; i < POOL_SIZES; i++) {
            if (pool_sizes[i].bytes == 0) pool_sizes[i].bytes = bytes;
            if (pool_sizes[i].bytes == bytes) return &pool_sizes[i];
        }
        return NULL;
    }

    /* Zeroes that begin at a cache line; NULL without memory. */
    static void *pool_take(size_t bytes) {
        void *made = NULL;
        PoolSize *size = NULL;
        bytes = (bytes + POOL_ALIGN - 1) / POOL_ALIGN * POOL_ALIGN;
    #ifndef __SANITIZE_ADDRESS__                        /* which sees no misuse within a pool */
        size = pool_size(bytes);
    #endif
        if (size == NULL) {
            if (posix_memalign(&made, POOL_ALIGN, bytes) != 0) return NULL;
        } else if (size->free != NULL) {
            made = size->free;
            memcpy(&size->free, made, sizeof(void *));
        } else {
            if ((size_t)(pool_end - pool_at) < bytes) {
                size_t block = bytes > POOL_BLOCK_BYTES ? bytes : POOL_BLOCK_BYTES;
                uint8_t *fresh = huge_room(block);
                if (fresh == NULL) return NULL;
                pool_at = fresh;
                pool_end = fresh + block;
            }
            made = pool_at;
            pool_at += bytes;
            return made;
        }
        memset(made, 0, bytes);
        return made;
    }

    /* Gives a piece back, with the size it was taken for; NULL is none. */
    static void pool_give(void *piece, size_t bytes) {
        PoolSize *size = NULL;
        bytes = (bytes + POOL_ALIGN - 1) / POOL_ALIGN * POOL_ALIGN;
        if (piece == NULL) return;
    #ifndef __SANITIZE_ADDRESS__
        size = pool_size(bytes);
    #endif
        if (size == NULL) {
            free(piece);
            return;
        }
        memcpy(piece, &size->free, sizeof(void *));
        size->free = piece;
    }
    """
    void *pool_take(size_t bytes) nogil
    void pool_give(void *piece, size_t bytes) nogil
