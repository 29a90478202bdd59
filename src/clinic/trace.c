#include "clinic/trace.h"

#include "base/clock.h"

static const struct {
    const char *name, *ja;
} hop_names[HOP_COUNT] = {
    [HOP_SETTINGS] = {"settings", "端末の設定"},
    [HOP_READER] = {"reader", "カードリーダー"},
    [HOP_CARD] = {"card", "カード"},
    [HOP_CHALLENGE] = {"challenge", "認証用乱数"},
    [HOP_SIGNATURE] = {"signature", "カードの署名"},
    [HOP_RESOLVE] = {"resolve", "名前解決"},
    [HOP_CONNECT] = {"connect", "ネットワーク"},
    [HOP_TLS] = {"tls", "サーバーとの相互認証"},
    [HOP_CENTRE] = {"centre", "オンライン資格確認等システム"},
};

const char *hop_name(enum hop hop)
{
    return hop_names[hop].name;
}

const char *hop_name_ja(enum hop hop)
{
    return hop_names[hop].ja;
}

void trace_add(struct trace *trace, enum hop hop, const char *outcome, int64_t since)
{
    trace_add_took(trace, hop, outcome, monotonic_microseconds() - since);
}

void trace_add_took(struct trace *trace, enum hop hop, const char *outcome, int64_t microseconds)
{
    if (trace->count == TRACE_HOPS)
        return;
    trace->hops[trace->count++] =
        (struct traced_hop){.hop = hop, .outcome = outcome, .microseconds = microseconds};
}
