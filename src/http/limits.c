#include "http/limits.h"

const struct http_limits http_default_limits = {
    .request_line = 4096,
    .header_bytes = 16384,
    .header_count = 64,
    .body = 65536,
    .request_memory = (size_t)16 << 20,
    .connections = 8192,
    .connections_per_peer = 0,
    .requests_per_connection = 100000,
    .handshake_time = 10000,
    .idle_time = 75000,
    .header_time = 10000,
    .body_time = 60000,
    .answer_time = 120000,
    .write_time = 60000,
    .linger_time = 2000,
    .requests_per_second = 0,
    .burst = 0,
};
