/* When each stream sends: two timetables, of video and of audio, in each of which all streams have the same period. */
#include "generator.h"

#include <stdlib.h>

static const Stream *sorting;
static int by_phase(const void *a, const void *b) {
    int64_t x = sorting[*(const int *)a].phase_ns, y = sorting[*(const int *)b].phase_ns;
    return x < y ? -1 : x > y;
}

/* Two timetables, of video and of audio; within each all streams have the same period. */
void make_timetable(Generator *g, int active) {
    g->active = active;
    g->order_count[0] = g->order_count[1] = 0;
    for (int i = 0; i < active; i++) {
        int kind = g->stream[i].video;
        g->orders[kind][g->order_count[kind]++] = i;
    }
    sorting = g->stream;
    for (int kind = 0; kind < 2; kind++) {
        qsort(g->orders[kind], g->order_count[kind], sizeof(int), by_phase);
        g->next_event[kind] = 0;
    }
}

static int64_t due_ns(const Generator *g, int kind, Stream **stream) {
    if (!g->order_count[kind]) return INT64_MAX;
    uint64_t count = g->order_count[kind], event = g->next_event[kind];
    *stream = &g->stream[g->orders[kind][event % count]];
    return (int64_t)(event / count) * SECOND_NS / (*stream)->fps + (*stream)->phase_ns;
}

/* Sends what is due until `until_ns` of the timetable, at most `budget` frames; returns how many. */
int send_due(Generator *g, int64_t until_ns, int budget) {
    int sent = 0;
    while (sent < budget) {
        Stream *video = NULL, *audio = NULL;
        int64_t video_ns = due_ns(g, 1, &video), audio_ns = due_ns(g, 0, &audio);
        int kind = video_ns <= audio_ns;
        if ((kind ? video_ns : audio_ns) > until_ns) break;
        send_frame(g, kind ? video : audio);
        g->next_event[kind]++;
        sent++;
    }
    if (sent) flush_messages(g);
    return sent;
}

void reports_due(Generator *g, int64_t now) {
    int most = 8;
    while (most-- && now >= g->next_report_ns) {
        if (g->leg[g->next_report_leg].ready) send_reports(g, g->next_report_leg);
        g->next_report_leg = (g->next_report_leg + 1) % g->legs;
        g->next_report_ns += SECOND_NS / g->legs;
        if (now - g->next_report_ns > SECOND_NS) g->next_report_ns = now;
    }
    if (g->out_count) flush_messages(g);
}

void checks_due(Generator *g, int64_t now) {
    int most = 8;
    while (most-- && now >= g->next_check_ns) {
        if (g->leg[g->next_check_leg].check_bytes) send_check(g, g->next_check_leg);
        g->next_check_leg = (g->next_check_leg + 1) % g->legs;
        g->next_check_ns += CHECK_EVERY_NS / g->legs;
        if (now - g->next_check_ns > SECOND_NS) g->next_check_ns = now;
    }
    if (g->out_count) flush_messages(g);
}
