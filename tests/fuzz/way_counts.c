/* Counts which steps from one place of the instrumented core to the next were taken; loaded before it.
   GCC calls the function at each basic block (-fsanitize-coverage=trace-pc); no thread but Python's runs the core here. */
#include <stdint.h>

#define PLACES (1 << 16)
uint8_t way_counts[PLACES];
static uintptr_t before;

void __sanitizer_cov_trace_pc(void)
{
    uintptr_t here = (uintptr_t)__builtin_return_address(0);
    here = (here >> 4) ^ (here << 8);
    uint8_t *count = &way_counts[(here ^ before) & (PLACES - 1)];
    *count += *count < 255;
    before = here >> 1;
}
