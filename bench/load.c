// Holds thousands of readers, posts messages, and proves that each message reached each reader once and in order.
//
//   cc -O2 -o load load.c
//   ./load --port 8000 --stream /rooms/lobby/stream --post /rooms/lobby/messages --form --readers 1000 --posters 1
//
// Every message carries a mark, @@<poster>.<number>.<CLOCK_MONOTONIC nanoseconds>@@, so that the time of each delivery
// is known from the message itself. A lost, doubled or reordered delivery, a reader that is closed, or a POST that is
// refused makes the run invalid. Prints one JSON line; exit code 0 when valid, 1 when not, 2 for wrong usage.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef uint64_t Nanoseconds;
#define SECOND 1000000000ull
#define MILLISECOND 1000000ull

// ---- what was asked for ---------------------------------------------------------------------------------------------

static struct {
    const char *host, *stream, *post, *pages;
    int port, readers, posters, clients, size, warmup, ramp;
    double seconds, rate, drain;
    bool websocket, form, lockstep, wait, reconnect, any_order;
} asked = {.host = "127.0.0.1", .stream = "/stream", .post = "/post", .size = 100, .warmup = 5, .ramp = 64,
           .seconds = 5, .drain = 30};

// ---- the books ------------------------------------------------------------------------------------------------------

typedef struct {
    Nanoseconds clock, last;  // what the mark says; when the last reader had it
    int seen;                 // by how many readers
    bool acknowledged, measured;
} Message;

typedef struct {
    Message *messages;
    int count, room;
} Log;  // of one poster

static Log *logs;
static bool measuring;
static unsigned long posts, deliveries, reads, bytes, pages, page_bytes, lost, doubled, reordered, reconnects;
static long incomplete;  // acknowledged messages that have not reached every reader
static long unanswered;  // posted, not yet acknowledged
static Nanoseconds begun, first_sent, last_delivered, ready_at;
static char problem[200];

#define BUCKET (MILLISECOND / 20)
#define BUCKETS 1200000  // a minute, in steps of 50 us
typedef struct { uint32_t *buckets; unsigned long count; Nanoseconds most; } Histogram;
static Histogram delivery_times, post_times, page_times, last_times;

static Nanoseconds now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static void invalid(const char *format, ...) {
    if (*problem) return;  // the first reason is the one to look at
    va_list args;
    va_start(args, format);
    vsnprintf(problem, sizeof problem, format, args);
    va_end(args);
}

static void note(Histogram *h, Nanoseconds value) {
    if (!h->buckets) h->buckets = calloc(BUCKETS + 1, sizeof *h->buckets);
    uint64_t bucket = value / BUCKET;
    h->buckets[bucket > BUCKETS ? BUCKETS : bucket]++;
    h->count++;
    if (value > h->most) h->most = value;
}

static double percentile(const Histogram *h, double share) {  // in ms, the upper end of its bucket
    unsigned long seen = 0;
    for (int b = 0; h->count && b <= BUCKETS; b++)
        if ((seen += h->buckets[b]) >= h->count * share) return (b + 1) * (BUCKET / 1e6);
    return 0;
}

static Message *message_of(int poster, int number) {
    Log *log = &logs[poster];
    return number < log->count ? &log->messages[number] : NULL;
}

// ---- connections ----------------------------------------------------------------------------------------------------

typedef enum { READER, POSTER, CLIENT, INPUT } Kind;
typedef enum { DOWN, CONNECTING, ASKED, OPEN } State;

typedef struct {
    Kind kind;
    State state;
    int fd;
    Nanoseconds again;  // when to try again, while DOWN
} Connection;

static int poll_fd, connected, in_flight;

static void watch(Connection *c, uint32_t events, int operation) {
    epoll_ctl(poll_fd, operation, c->fd, &(struct epoll_event){.events = events, .data.ptr = c});
}

static bool start_connecting(Connection *c) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(asked.port)};
    inet_pton(AF_INET, asked.host, &to.sin_addr);
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        invalid("no more sockets: %s", strerror(errno));
        return false;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->state = CONNECTING;
    if (connect(c->fd, (void *)&to, sizeof to) && errno != EINPROGRESS) {
        close(c->fd);
        c->state = DOWN;
        return false;
    }
    watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
    return true;
}

static void hang_up(Connection *c) {
    if (c->state != DOWN) close(c->fd);
    c->state = DOWN;
}

static bool send_all(Connection *c, const char *text, int length) {
    // Requests are far smaller than a socket's buffer, and there is never a second one on its way.
    return send(c->fd, text, length, MSG_NOSIGNAL) == length;
}

// ---- readers --------------------------------------------------------------------------------------------------------

#define ID 64

typedef struct {
    Connection c;
    enum { HEADERS, SIZE, DATA, AFTER } part;  // of a chunked body; DATA for ever where it is not chunked
    bool chunked, was_open;
    long left;           // bytes of the chunk at hand
    char *rest;          // an unfinished line, header or frame
    int rest_length;
    char id[ID], next_id[ID];    // of the last event that was dispatched, and of the one being read
    bool marked;                 // the event being read holds a mark:
    int poster, number;
    Nanoseconds clock;
    int *expected;               // by poster: the number that must come next
    uint64_t order;              // a hash of everything seen, in its order
} Reader;

static Reader *readers;
static long behind;  // readers that were open once and are not now
static Nanoseconds lost_at, up_at, back_at;

static void deliver(Reader *r, Nanoseconds arrived) {
    r->marked = false;
    Message *m = r->poster < asked.posters ? message_of(r->poster, r->number) : NULL;
    if (!m) {
        invalid("a reader was sent a message that nobody posted");
        return;
    }
    int expected = r->expected[r->poster];
    if (r->number != expected) {
        // What is skipped here is late if it comes after all, and lost if it does not: the end of the run knows.
        if (r->number < expected) doubled++;
        else reordered++;
        invalid("a reader was sent message %d of poster %d, not %d", r->number, r->poster, expected);
        if (r->number < expected) return;
    }
    r->expected[r->poster] = r->number + 1;
    r->order = (r->order ^ ((uint64_t)r->poster << 32 | (uint32_t)r->number)) * 0x100000001b3ull;
    if (++m->seen == asked.readers && m->acknowledged) incomplete--;
    m->last = arrived;
    if (!m->measured) return;
    deliveries++;
    last_delivered = arrived;
    note(&delivery_times, arrived > m->clock ? arrived - m->clock : 0);
}

static void find_mark(Reader *r, const char *text, int length) {
    const char *at = memmem(text, length, "@@", 2);
    if (!at) return;
    char digits[64];
    int size = text + length - (at + 2);
    if (size > (int)sizeof digits - 1) size = sizeof digits - 1;
    memcpy(digits, at + 2, size);
    digits[size] = 0;
    unsigned long long clock;
    int end = 0;
    if (sscanf(digits, "%d.%d.%llu@@%n", &r->poster, &r->number, &clock, &end) == 3 && end) {
        r->marked = true;
        r->clock = clock;
    }
}

// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
static void read_line(Reader *r, const char *line, int length, Nanoseconds arrived) {
    if (length && line[length - 1] == '\r') length--;
    if (!length) {
        // Only a whole event counts: one that was cut off comes again after a reconnect.
        if (*r->next_id) memcpy(r->id, r->next_id, ID);
        *r->next_id = 0;
        if (r->marked) deliver(r, arrived);
    } else if (*line == 'd') {
        find_mark(r, line, length);
    } else if (length > 3 && length < ID && !memcmp(line, "id:", 3)) {
        int skip = line[3] == ' ' ? 4 : 3;
        memcpy(r->next_id, line + skip, length - skip);
        r->next_id[length - skip] = 0;
    }
}

static void keep(Reader *r, const char *text, int length) {
    if (!length) {
        free(r->rest);
        r->rest = NULL;
    } else {
        char *kept = malloc(length);
        memcpy(kept, text, length);
        free(r->rest);
        r->rest = kept;
    }
    r->rest_length = length;
}

static void reader_open(Reader *r) {
    if (r->c.state == OPEN) return;
    r->c.state = OPEN;
    connected++;
    in_flight--;
    if (r->was_open) {
        reconnects++;
        behind--;
        if (!up_at) up_at = now();
    }
    r->was_open = true;
}

#define BUFFER (1 << 20)
static char raw[BUFFER * 2], text[BUFFER * 3];

// Lines of the event stream out of `length` bytes at `from`, behind what was left of the last read.
static void read_events(Reader *r, const char *from, int length, Nanoseconds arrived) {
    char *start = text, *end = text;
    if (r->rest_length) {
        memcpy(end, r->rest, r->rest_length);
        end += r->rest_length;
    }
    for (const char *stop = from + length; from < stop;) {
        long size = stop - from;
        switch (r->part) {
        case SIZE:
            if (*from == '\n') r->part = r->left ? DATA : HEADERS;
            else if (isxdigit((unsigned char)*from))
                r->left = r->left * 16 + (isdigit((unsigned char)*from) ? *from - '0' : (*from | 32) - 'a' + 10);
            from++;
            if (r->part == HEADERS) from = stop;  // the last chunk: the stream is over
            break;
        case DATA:
            if (r->chunked && size > r->left) size = r->left;
            memcpy(end, from, size);
            end += size;
            from += size;
            if (r->chunked && !(r->left -= size)) r->part = AFTER;
            break;
        case AFTER:
            if (*from++ == '\n') r->part = SIZE;
            break;
        case HEADERS:
            return;
        }
    }
    for (char *stop; (stop = memchr(start, '\n', end - start)); start = stop + 1)
        read_line(r, start, stop - start, arrived);
    keep(r, start, end - start);
    reader_open(r);
}

static void pong(Reader *r, const char *payload, int length) {
    char frame[6 + 125] = {(char)0x8a, (char)(0x80 | length)};  // masked with zeros
    memcpy(frame + 6, payload, length);
    send_all(&r->c, frame, 6 + length);
}

// https://www.rfc-editor.org/rfc/rfc6455#section-5.2
static void read_frames(Reader *r, const char *from, int length, Nanoseconds arrived) {
    char *at = text, *end = text;
    if (r->rest_length) {
        memcpy(end, r->rest, r->rest_length);
        end += r->rest_length;
    }
    memcpy(end, from, length);
    end += length;
    while (end - at >= 2) {
        unsigned char *head = (unsigned char *)at;
        uint64_t size = head[1] & 127, skip = 2;
        if (size == 126) {
            if (end - at < 4) break;
            size = head[2] << 8 | head[3];
            skip = 4;
        } else if (size == 127) {
            if (end - at < 10) break;
            for (size = 0; skip < 10; skip++) size = size << 8 | head[skip];
        }
        if ((uint64_t)(end - at) < skip + size) break;
        if ((head[0] & 15) == 9 && size < 126) pong(r, at + skip, size);
        if ((head[0] & 15) <= 2) find_mark(r, at + skip, size);
        if (r->marked) deliver(r, arrived);
        at += skip + size;
    }
    keep(r, at, end - at);
}

static void reader_lost(Reader *r, const char *why) {
    if (r->c.state == OPEN) {
        connected--;
        behind++;
        if (!lost_at) lost_at = now();
        back_at = 0;
    } else {
        in_flight--;
    }
    hang_up(&r->c);
    keep(r, NULL, 0);
    r->marked = false;
    *r->next_id = 0;
    r->part = HEADERS;
    if (!asked.reconnect) {
        invalid("a reader was closed: %s", why);
        return;
    }
    // A whole second for all to come back in, as after a server's stop; then the pace of a patient client.
    r->c.again = now() + (r->was_open ? random() % 1000 : 250 + random() % 750) * MILLISECOND;
}

static void ask_for_stream(Reader *r) {
    char request[1024], resume[ID + 32] = "";
    if (*r->id) snprintf(resume, sizeof resume, "Last-Event-ID: %s\r\n", r->id);
    const char *upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%d\r\n%s%s\r\n", asked.stream,
                          asked.host, asked.port, asked.websocket ? upgrade : "Accept: text/event-stream\r\n", resume);
    r->c.state = ASKED;
    if (!send_all(&r->c, request, length)) reader_lost(r, strerror(errno));
}

static void reader_headers(Reader *r, int length, Nanoseconds arrived) {
    memmove(raw + r->rest_length, raw, length);
    memcpy(raw, r->rest, r->rest_length);
    length += r->rest_length;
    char *end = memmem(raw, length, "\r\n\r\n", 4);
    if (!end) {
        keep(r, raw, length);
        return;
    }
    keep(r, NULL, 0);
    *end = 0;
    if (atoi(raw + 9) != (asked.websocket ? 101 : 200)) {
        if (!asked.reconnect) invalid("a stream was answered with %.40s", raw);
        reader_lost(r, "refused");
        return;
    }
    r->chunked = strcasestr(raw, "transfer-encoding: chunked");
    r->part = r->chunked ? SIZE : DATA;
    r->left = 0;
    int rest = length - (end + 4 - raw);
    if (asked.websocket) {
        reader_open(r);
        read_frames(r, end + 4, rest, arrived);
    } else if (rest) {
        read_events(r, end + 4, rest, arrived);
    }
}

static void reader_event(Reader *r, uint32_t events) {
    if (r->c.state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(r->c.fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) {
            reader_lost(r, strerror(error));
        } else if (events & EPOLLOUT) {
            watch(&r->c, EPOLLIN, EPOLL_CTL_MOD);
            ask_for_stream(r);
        }
        return;
    }
    ssize_t got = read(r->c.fd, raw, BUFFER);
    if (got < 0 && errno == EAGAIN) return;
    Nanoseconds arrived = now();
    if (got <= 0) {
        reader_lost(r, got ? strerror(errno) : "the server ended it");
        return;
    }
    if (measuring) {
        reads++;
        bytes += got;
    }
    if (r->part == HEADERS) reader_headers(r, got, arrived);
    else if (asked.websocket) read_frames(r, raw, got, arrived);
    else read_events(r, raw, got, arrived);
}

// ---- posters, and clients who load a page -----------------------------------------------------------------------------

#define ANSWER (1 << 19)

typedef struct {
    Connection c;
    int who, number;     // the message on its way; number -1 for none
    Nanoseconds sent;    // when this attempt went out
    char *request, *answer, cookie[512];
    int request_length, answer_length;
} Asker;

static Asker *posters, *clients;
static uint64_t salt;

static int write_text(char *to, int poster, int number, Nanoseconds clock) {
    int n = sprintf(to, "@@%d.%d.%llu@@ ", poster, number, (unsigned long long)clock);
    while (n < asked.size) {
        to[n] = n % 7 ? 'a' + n % 26 : ' ';
        n++;
    }
    if (to[n - 1] == ' ') to[n - 1] = '.';
    return n;
}

static int write_form(char *to, const char *body, int length, const Asker *p) {
    char *start = to;
    to += sprintf(to, "text=");
    for (int i = 0; i < length; i++) {
        if (isalnum((unsigned char)body[i]) || body[i] == '.') *to++ = body[i];
        else if (body[i] == ' ') *to++ = '+';
        else to += sprintf(to, "%%%02X", (unsigned char)body[i]);
    }
    to += sprintf(to, "&key=%016llx%08x%08x", (unsigned long long)salt, p->who, p->number);
    // As the page does: whoever is known to the server does not send a name.
    if (!*p->cookie) to += sprintf(to, "&name=Poster+%d", p->who);
    return to - start;
}

static void write_request(Asker *p, Nanoseconds clock) {
    char *body = malloc(asked.size * 3 + 400), *encoded = malloc(asked.size * 3 + 400);
    int length = write_text(body, p->who, p->number, clock);
    if (asked.form) {
        length = write_form(encoded, body, length, p);
        char *spare = body;
        body = encoded;
        encoded = spare;
    }
    char kind[300] = "Content-Type: text/plain\r\n";
    if (asked.form)
        snprintf(kind, sizeof kind, "Content-Type: application/x-www-form-urlencoded\r\nHX-Request: true\r\n"
                 "Origin: http://%s:%d\r\nSec-Fetch-Site: same-origin\r\n", asked.host, asked.port);
    p->request_length = sprintf(p->request, "POST %s HTTP/1.1\r\nHost: %s:%d\r\n%s%s%s%sContent-Length: %d\r\n\r\n",
        asked.post, asked.host, asked.port, kind, *p->cookie ? "Cookie: " : "", p->cookie, *p->cookie ? "\r\n" : "", length);
    memcpy(p->request + p->request_length, body, length);
    p->request_length += length;
    free(body);
    free(encoded);
}

static void asker_failed(Asker *p, const char *why) {
    hang_up(&p->c);
    p->answer_length = 0;
    if (!asked.reconnect || p->c.kind == CLIENT) invalid("a %s failed: %s", p->c.kind == POSTER ? "POST" : "GET", why);
    p->c.again = now() + 250 * MILLISECOND;
}

static void send_request(Asker *p) {
    if (p->c.state == DOWN) return;  // it goes out as soon as there is a connection
    p->sent = now();
    if (!send_all(&p->c, p->request, p->request_length)) asker_failed(p, strerror(errno));
}

static void post_next(Asker *p, Nanoseconds clock) {
    Log *log = &logs[p->who];
    if (log->count == log->room) log->messages = realloc(log->messages, (log->room = log->room * 2 + 64) * sizeof(Message));
    log->messages[log->count] = (Message){.clock = clock, .measured = measuring};
    p->number = log->count++;
    unanswered++;
    if (measuring && !first_sent) first_sent = clock;
    write_request(p, clock);
    send_request(p);
}

static void posted(Asker *p, Nanoseconds arrived) {
    Message *m = message_of(p->who, p->number);
    m->acknowledged = true;
    unanswered--;
    if (m->seen < asked.readers) incomplete++;
    p->number = -1;
    if (!m->measured) return;
    posts++;
    note(&post_times, arrived - p->sent);
}

static void keep_cookie(Asker *p, const char *headers) {
    const char *found = strcasestr(headers, "\r\nset-cookie:");
    if (!found) return;
    found += strspn(found + 13, " ") + 13;
    snprintf(p->cookie, sizeof p->cookie, "%.*s", (int)strcspn(found, ";\r"), found);
}

// Whether a whole answer is there: by its length, or by the last of its chunks.
static int whole_answer(const Asker *p, const char *end) {
    const char *length = strcasestr(p->answer, "\r\ncontent-length:");
    int head = end + 4 - p->answer;
    if (length && length < end) return p->answer_length >= head + atoi(length + 17) ? head + atoi(length + 17) : 0;
    const char *chunked = strcasestr(p->answer, "transfer-encoding: chunked");
    if (!chunked || chunked > end) return head;
    const char *last = memmem(end, p->answer_length - (end - p->answer), "\r\n0\r\n\r\n", 7);
    return last ? last + 7 - p->answer : 0;
}

static void asker_event(Asker *p, uint32_t events) {
    if (p->c.state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(p->c.fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) asker_failed(p, strerror(error));
        else if (events & EPOLLOUT) {
            watch(&p->c, EPOLLIN, EPOLL_CTL_MOD);
            p->c.state = OPEN;
            if (p->number >= 0) send_request(p);
        }
        return;
    }
    ssize_t got = read(p->c.fd, p->answer + p->answer_length, ANSWER - 1 - p->answer_length);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        asker_failed(p, got ? strerror(errno) : "the server closed the connection");
        return;
    }
    Nanoseconds arrived = now();
    p->answer_length += got;
    p->answer[p->answer_length] = 0;
    char *end = strstr(p->answer, "\r\n\r\n");
    int whole = end ? whole_answer(p, end) : 0;
    if (!whole) return;
    *end = 0;
    int status = atoi(p->answer + 9);
    p->answer_length = 0;
    if (status < 200 || status > 299) {
        p->answer[40] = 0;
        asker_failed(p, p->answer);
        return;
    }
    keep_cookie(p, p->answer);
    if (p->c.kind == POSTER) {
        posted(p, arrived);
        return;
    }
    p->number = -1;
    if (!measuring) return;
    pages++;
    page_bytes = whole;
    note(&page_times, arrived - p->sent);
}

static void make_askers(Asker **all, int count, Kind kind) {
    *all = calloc(count, sizeof **all);
    for (int i = 0; i < count; i++)
        (*all)[i] = (Asker){.c = {.kind = kind}, .who = i, .number = -1, .answer = malloc(ANSWER),
                            .request = malloc(asked.size * 3 + 2000)};
}

// ---- the run --------------------------------------------------------------------------------------------------------

static Connection input = {.kind = INPUT, .fd = 0};
static bool told;

static void reconnect_due(Nanoseconds time) {
    for (int i = 0; i < asked.posters; i++)
        if (posters[i].c.state == DOWN && time >= posters[i].c.again) start_connecting(&posters[i].c);
    if (behind)
        for (int i = 0; i < asked.readers; i++)
            if (readers[i].c.state == DOWN && time >= readers[i].c.again) {
                if (start_connecting(&readers[i].c)) in_flight++;
                else readers[i].c.again = time + 250 * MILLISECOND;
            }
    if (lost_at && !behind && !incomplete && !back_at) back_at = time;
}

// Handles what happens within `wait` ms.
static void turn(int wait) {
    struct epoll_event events[512];
    int count = epoll_wait(poll_fd, events, 512, wait);
    for (int e = 0; e < count; e++) {
        Connection *c = events[e].data.ptr;
        if (c->kind == INPUT) {
            char line[256];
            if (read(0, line, sizeof line) <= 0 || true) told = true;
            epoll_ctl(poll_fd, EPOLL_CTL_DEL, 0, NULL);
        } else if (c->state == DOWN) {
            continue;  // hung up earlier in this very turn
        } else if (c->kind == READER) {
            reader_event((Reader *)c, events[e].events);
        } else {
            asker_event((Asker *)c, events[e].events);
        }
    }
    if (asked.reconnect) reconnect_due(now());
}

static void connect_readers(void) {
    bool show = isatty(2);
    Nanoseconds shown = now();
    for (int next = 0; connected < asked.readers && !*problem;) {
        while (next < asked.readers && in_flight < asked.ramp && !*problem) {
            if (start_connecting(&readers[next].c)) in_flight++;
            else invalid("cannot connect: %s", strerror(errno));
            next++;
        }
        turn(100);
        if (show && now() - shown > SECOND) {
            fprintf(stderr, "connected %d of %d\n", connected, asked.readers);
            shown = now();
        }
    }
}

static void connect_askers(Asker *all, int count) {
    for (int i = 0; i < count && !*problem; i++) {
        if (!start_connecting(&all[i].c)) invalid("cannot connect: %s", strerror(errno));
        while (all[i].c.state == CONNECTING && !*problem) turn(100);
    }
}

static void wait_for_word(void) {
    printf("{\"ready\": true, \"connect_s\": %.3f}\n", (ready_at - begun) / 1e9);
    fflush(stdout);
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
    watch(&input, EPOLLIN, EPOLL_CTL_ADD);
    while (!told && !*problem) turn(100);
}

// One after the other, each seen by everybody before the next: every poster is known to the server then.
static void warm_up(void) {
    int count = asked.warmup > asked.posters ? asked.warmup : asked.posters;
    for (int i = 0; asked.posters && i < count && !*problem; i++) {
        Nanoseconds limit = now() + (Nanoseconds)(asked.drain * SECOND);
        post_next(&posters[i % asked.posters], now());
        while ((unanswered || incomplete) && !*problem) {
            turn(10);
            if (now() > limit) invalid("a message did not reach every reader within %g s", asked.drain);
        }
    }
}

static void post_due(Nanoseconds start, Nanoseconds time, long *scheduled) {
    if (asked.rate > 0) {
        for (int i = 0; i < asked.posters; i++) {
            Nanoseconds due = start + (Nanoseconds)(*scheduled * (SECOND / asked.rate));
            if (time < due) break;
            if (posters[i].number >= 0) continue;
            post_next(&posters[i], due);
            ++*scheduled;
        }
        return;
    }
    if (asked.lockstep && incomplete) return;
    for (int i = 0; i < asked.posters; i++)
        if (posters[i].number < 0) post_next(&posters[i], time);
}

static void get_next(void) {
    for (int i = 0; i < asked.clients; i++)
        if (clients[i].number < 0) {
            clients[i].number = 0;
            send_request(&clients[i]);
        }
}

static void measure(void) {
    Nanoseconds start = now(), end = start + (Nanoseconds)(asked.seconds * SECOND), time;
    long scheduled = 0;
    measuring = true;
    for (time = start; time < end && !*problem; time = now()) {
        post_due(start, time, &scheduled);
        get_next();
        // Not later than the next message of the schedule, and no sooner than something happens.
        turn(asked.rate > 0 || asked.reconnect ? 1 : 10);
    }
    Nanoseconds limit = now() + (Nanoseconds)(asked.drain * SECOND);
    while ((unanswered || incomplete || behind) && !*problem && now() < limit) turn(10);
    if (!*problem && behind) invalid("%ld readers did not come back", behind);
}

// ---- the end --------------------------------------------------------------------------------------------------------

static int verify(void) {
    int orders = asked.readers ? 1 : 0;
    for (int p = 0; p < asked.posters; p++)
        for (int i = 0; i < logs[p].count; i++) {
            Message *m = &logs[p].messages[i];
            if (m->acknowledged && m->seen < asked.readers) lost += asked.readers - m->seen;
            if (m->measured && m->seen == asked.readers && asked.readers) note(&last_times, m->last > m->clock ? m->last - m->clock : 0);
        }
    if (lost) invalid("%lu deliveries are missing", lost);
    if (unanswered) invalid("%ld messages were not acknowledged", unanswered);
    for (int i = 1; i < asked.readers; i++)
        if (readers[i].order != readers[i - 1].order) orders++;
    if (orders > 1 && !asked.any_order) invalid("readers have seen different orders");
    return orders;
}

static void print_times(const char *name, const Histogram *h) {
    printf("\"%s\": {\"p50\": %.2f, \"p99\": %.2f, \"p999\": %.2f, \"max\": %.2f}, ", name, percentile(h, .5),
           percentile(h, .99), percentile(h, .999), h->most / 1e6);
}

static void report(double busy, double measured) {
    int orders = verify();
    double window = asked.readers && last_delivered > first_sent ? (last_delivered - first_sent) / 1e9 : measured;
    for (char *c = problem; *c; c++)
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ') *c = ' ';
    printf("{\"readers\": %d, \"posters\": %d, \"valid\": %s, \"problem\": \"%s\", \"connect_s\": %.3f, ",
           asked.readers, asked.posters, *problem ? "false" : "true", problem, (ready_at - begun) / 1e9);
    printf("\"posts\": %lu, \"posts_per_s\": %.1f, \"deliveries\": %lu, \"window_s\": %.3f, \"deliveries_per_s\": %.0f, ",
           posts, posts / measured, deliveries, window, deliveries / window);
    printf("\"reads\": %lu, \"deliveries_per_read\": %.2f, \"bytes\": %lu, \"bytes_per_delivery\": %.0f, ", reads,
           reads ? (double)deliveries / reads : 0, bytes, deliveries ? (double)bytes / deliveries : 0);
    print_times("delivery_ms", &delivery_times);
    print_times("last_ms", &last_times);
    print_times("post_ms", &post_times);
    print_times("page_ms", &page_times);
    printf("\"pages\": %lu, \"pages_per_s\": %.1f, \"page_bytes\": %lu, \"loader_busy\": %.2f, ", pages,
           pages / measured, page_bytes, busy);
    printf("\"lost\": %lu, \"doubled\": %lu, \"reordered\": %lu, \"orders\": %d, \"reconnects\": %lu, ", lost, doubled,
           reordered, orders, reconnects);
    printf("\"back_s\": %.3f, \"back_after_up_s\": %.3f}\n", back_at ? (back_at - lost_at) / 1e9 : 0,
           back_at ? (back_at - up_at) / 1e9 : 0);
}

static double cpu_seconds(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void prepare(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if ((long)limit.rlim_cur < asked.readers + asked.posters + asked.clients + 20) {
        fprintf(stderr, "load: this process may open %ld files, too few: raise it with `ulimit -n`\n", (long)limit.rlim_cur);
        exit(2);
    }
    begun = now();
    srandom(begun ^ getpid());
    salt = begun * 0x9e3779b97f4a7c15ull + getpid();
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    logs = calloc(asked.posters + 1, sizeof *logs);
    readers = calloc(asked.readers + 1, sizeof *readers);
    for (int i = 0; i < asked.readers; i++) {
        readers[i].c.kind = READER;
        readers[i].expected = calloc(asked.posters + 1, sizeof(int));
    }
    make_askers(&posters, asked.posters, POSTER);
    make_askers(&clients, asked.clients, CLIENT);
    for (int i = 0; i < asked.clients; i++)
        clients[i].request_length = sprintf(clients[i].request, "GET %s HTTP/1.1\r\nHost: %s:%d\r\nAccept: text/html\r\n\r\n",
                                            asked.pages, asked.host, asked.port);
}

static void read_arguments(int argc, char **argv) {
    static const struct option options[] = {
        {"host", 1, 0, 'h'}, {"port", 1, 0, 'p'}, {"readers", 1, 0, 'r'}, {"posters", 1, 0, 'k'}, {"seconds", 1, 0, 's'},
        {"stream", 1, 0, 't'}, {"post", 1, 0, 'o'}, {"size", 1, 0, 'z'}, {"rate", 1, 0, 'a'}, {"warmup", 1, 0, 'u'},
        {"ramp", 1, 0, 'm'}, {"drain", 1, 0, 'd'}, {"pages", 1, 0, 'g'}, {"clients", 1, 0, 'c'}, {"websocket", 0, 0, 'W'},
        {"form", 0, 0, 'F'}, {"lockstep", 0, 0, 'L'}, {"wait", 0, 0, 'I'}, {"reconnect", 0, 0, 'R'}, {"any-order", 0, 0, 'A'},
        {0, 0, 0, 0}};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) >= 0;)
        switch (c) {
        case 'h': asked.host = optarg; break;
        case 'p': asked.port = atoi(optarg); break;
        case 'r': asked.readers = atoi(optarg); break;
        case 'k': asked.posters = atoi(optarg); break;
        case 's': asked.seconds = atof(optarg); break;
        case 't': asked.stream = optarg; break;
        case 'o': asked.post = optarg; break;
        case 'z': asked.size = atoi(optarg); break;
        case 'a': asked.rate = atof(optarg); break;
        case 'u': asked.warmup = atoi(optarg); break;
        case 'm': asked.ramp = atoi(optarg); break;
        case 'd': asked.drain = atof(optarg); break;
        case 'g': asked.pages = optarg; break;
        case 'c': asked.clients = atoi(optarg); break;
        case 'W': asked.websocket = true; break;
        case 'F': asked.form = true; break;
        case 'L': asked.lockstep = true; break;
        case 'I': asked.wait = true; break;
        case 'R': asked.reconnect = true; break;
        case 'A': asked.any_order = true; break;
        default: exit(2);
        }
    if (!asked.port || optind < argc || asked.size < 60 || asked.size > 100000 || asked.ramp < 1 || (asked.lockstep && asked.posters > 1)) {
        fprintf(stderr, "usage: load --port P [--readers N] [--posters K] [--seconds S] [--stream PATH] [--post PATH]\n"
                "  [--form] [--websocket] [--size 60..100000] [--lockstep (one poster) | --rate PER_SECOND] [--warmup N]\n"
                "  [--ramp N] [--wait] [--reconnect] [--pages PATH --clients C] [--any-order] [--drain SECONDS]\n");
        exit(2);
    }
}

int main(int argc, char **argv) {
    read_arguments(argc, argv);
    prepare();
    connect_readers();
    connect_askers(posters, asked.posters);
    connect_askers(clients, asked.clients);
    ready_at = now();
    if (asked.wait && !*problem) wait_for_word();
    warm_up();
    double cpu = cpu_seconds();
    Nanoseconds start = now();
    if (!*problem) measure();
    double measured = (now() - start) / 1e9;
    report((cpu_seconds() - cpu) / measured, measured);
    return *problem ? 1 : 0;
}
