// The floor: what one core can deliver when there is nothing but one send(2) per delivery.
//
//   cc -O2 -o floor floor.c && ./floor 0
//
// GET /stream stays open; POST /post sends its body, encoded once as one event in one chunk, to every open stream and
// is answered when that is done. It keeps nothing, knows no slow readers, and parses no more HTTP than it is sent here.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST 65536

typedef struct {
    int fd, place;          // place among the streams; -1 for none
    int length;             // bytes of an unfinished request
    char *request;
} Peer;

static Peer **streams;
static int open_streams, room_for, poll_fd;
static unsigned long posted;

static void drop(Peer *peer) {
    if (peer->place >= 0) {
        streams[peer->place] = streams[--open_streams];
        streams[peer->place]->place = peer->place;
    }
    close(peer->fd);
    free(peer->request);
    free(peer);
}

static void answer(Peer *peer, const char *text) {
    if (send(peer->fd, text, strlen(text), MSG_NOSIGNAL) < 0) perror("answer");
}

static void open_stream(Peer *peer) {
    answer(peer, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "e\r\ndata: hello\n\n\r\n");
    if (open_streams == room_for) streams = realloc(streams, (room_for = room_for * 2 + 64) * sizeof *streams);
    peer->place = open_streams;
    streams[open_streams++] = peer;
}

// Every line of the text becomes a field, as the specification of event streams wants it.
static int encode(char *chunk, const char *text, int length) {
    static char event[2 * REQUEST];
    int n = sprintf(event, "id: %lu\n", ++posted);
    for (const char *line = text, *end = text + length; line <= end;) {
        const char *stop = memchr(line, '\n', end - line);
        int size = (stop ? stop : end) - line;
        n += sprintf(event + n, "data: %.*s\n", size, line);
        line += size + 1;
    }
    event[n++] = '\n';
    int head = sprintf(chunk, "%x\r\n", n);
    memcpy(chunk + head, event, n);
    memcpy(chunk + head + n, "\r\n", 2);
    return head + n + 2;
}

static void post(const char *text, int length) {
    static char chunk[3 * REQUEST];
    int size = encode(chunk, text, length);
    for (int i = 0; i < open_streams; i++)
        if (send(streams[i]->fd, chunk, size, MSG_DONTWAIT | MSG_NOSIGNAL) != size) {
            fprintf(stderr, "a stream is too slow: %s\n", strerror(errno));
            shutdown(streams[i]->fd, SHUT_RDWR);
        }
}

// Returns the bytes of a whole request at the front, 0 when more must come.
static int take(Peer *peer) {
    peer->request[peer->length] = 0;
    char *end = strstr(peer->request, "\r\n\r\n");
    if (!end) return 0;
    char *field = strcasestr(peer->request, "\r\ncontent-length:");
    int body = field && field < end ? atoi(field + 17) : 0, whole = end + 4 - peer->request + body;
    if (peer->length < whole) return 0;
    if (!strncmp(peer->request, "GET /stream", 11)) {
        open_stream(peer);
    } else if (!strncmp(peer->request, "POST /post", 10)) {
        post(end + 4, body);
        answer(peer, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    } else {
        answer(peer, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n");
    }
    return whole;
}

static void receive(Peer *peer) {
    ssize_t got = read(peer->fd, peer->request + peer->length, REQUEST - 1 - peer->length);
    if (got <= 0) {
        drop(peer);
        return;
    }
    peer->length += got;
    for (int whole; (whole = take(peer)) > 0;) {
        peer->length -= whole;
        memmove(peer->request, peer->request + whole, peer->length);
    }
    if (peer->length == REQUEST - 1) drop(peer);
}

static void accept_all(int listening) {
    int one = 1;
    for (int fd; (fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC)) >= 0;) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        Peer *peer = calloc(1, sizeof *peer);
        *peer = (Peer){.fd = fd, .place = -1, .request = malloc(REQUEST)};
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = peer});
    }
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0)};
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    socklen_t size = sizeof address;
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listening, (void *)&address, size) || listen(listening, 4096)) {
        perror("floor: cannot listen");
        return 1;
    }
    getsockname(listening, (void *)&address, &size);
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listening, &(struct epoll_event){.events = EPOLLIN, .data.ptr = NULL});
    for (;;) {
        // One at a time: a request may end another peer whose event is still waiting in a longer list.
        struct epoll_event event;
        if (epoll_wait(poll_fd, &event, 1, -1) != 1) continue;
        if (event.data.ptr) receive(event.data.ptr);
        else accept_all(listening);
    }
}
