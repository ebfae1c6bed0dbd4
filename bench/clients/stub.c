/*
 * A ZooKeeper server that remembers nothing but watches and answers as fast as one core can, so that a benchmark measures the
 * client and not the server. One thread, epoll; all frames of one read are answered by one write. Prints the port it listens on.
 *
 * Every znode exists with the same data and stat. One-shot watches fire as on a real server: at a setData of their path, before
 * its reply. A frame above jute.maxbuffer ends the connection, as Apache's does. Some paths are orders to the stub itself:
 *   set /fire      fires all data watches of the connection at once
 *   get /hold…     replies are kept back from here on, pings aside …
 *   get /release   … until this one, which sends them all, itself last
 *   set /cut       closes the connection instead of a reply, once a session
 *   get /stats     data is JSON: watches of this connection; since the last new session the largest frame,
 *                  frames refused and setWatches frames
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { frame_bytes_max = 0xfffff, data_bytes_max = 1 << 16 };

/* Opcodes, special xids and errors, by ZooKeeper's names (ZooDefs.java, ClientCnxn.java, KeeperException.java). */
enum {
  op_create = 1, op_delete = 2, op_exists = 3, op_getData = 4, op_setData = 5, op_getACL = 6, op_getChildren = 8,
  op_sync = 9, op_ping = 11, op_getChildren2 = 12, op_create2 = 15, op_removeWatches = 18, op_createContainer = 19,
  op_auth = 100, op_setWatches = 101, op_setWatches2 = 105, op_addWatch = 106, op_closeSession = -11
};
enum { xid_event = -1 };
enum { err_unimplemented = -6, err_no_watcher = -121 };

typedef struct { uint8_t *bytes; size_t length, capacity; } Buffer;

/* Open addressing; a fired watch leaves its slot marked, so that probing goes on behind it. */
typedef struct { char *path; uint32_t length, hash; uint8_t state, is_persistent; } Watch;
enum { slot_free, slot_used, slot_dead };
typedef struct { Watch *slots; size_t capacity, used, filled; } Watches;

typedef struct {
  int fd;
  int has_session, is_holding, is_closing, wants_write;
  Buffer in, out, held;
  size_t sent;
  Watches watches;
} Connection;

static uint8_t znode_data[data_bytes_max];
static uint32_t znode_bytes = 100;
static uint64_t zxid = 1, sessions = 1;
static size_t frame_largest, frames_refused, set_watches_frames, cuts;

static void *or_die(void *memory) {
  if (memory == NULL) { fputs("stub: out of memory\n", stderr); exit(1); }
  return memory;
}

static uint8_t *room(Buffer *buffer, size_t count) {
  if (buffer->length + count > buffer->capacity) {
    size_t capacity = buffer->capacity < 65536 ? 65536 : buffer->capacity;
    while (capacity < buffer->length + count) capacity *= 2;
    buffer->bytes = or_die(realloc(buffer->bytes, capacity));
    buffer->capacity = capacity;
  }
  return buffer->bytes + buffer->length;
}

static uint32_t load32(const uint8_t *at) { uint32_t value; memcpy(&value, at, 4); return ntohl(value); }
static void store32(uint8_t *at, uint32_t value) { value = htonl(value); memcpy(at, &value, 4); }
static void put32(Buffer *to, uint32_t value) { store32(room(to, 4), value); to->length += 4; }
static void put64(Buffer *to, uint64_t value) { put32(to, value >> 32); put32(to, (uint32_t)value); }
static void put_raw(Buffer *to, const void *bytes, size_t length) {
  memcpy(room(to, length), bytes, length);
  to->length += length;
}
static void put_buffer(Buffer *to, const void *bytes, uint32_t length) { put32(to, length); put_raw(to, bytes, length); }

static void put_stat(Buffer *to) {
  put64(to, 1); put64(to, 1); put64(to, 1700000000000); put64(to, 1700000000000);
  put32(to, 0); put32(to, 0); put32(to, 0); put64(to, 0);
  put32(to, znode_bytes); put32(to, 0); put64(to, 1);
}

/* -- watches ------------------------------------------------------------------------------------------------------------- */

static uint32_t hash_of(const uint8_t *path, uint32_t length) {
  uint32_t hash = 2166136261u;
  for (uint32_t i = 0; i < length; i++) hash = (hash ^ path[i]) * 16777619u;
  return hash;
}

static Watch *find_watch(Watches *set, const uint8_t *path, uint32_t length) {
  if (set->used == 0) return NULL;
  uint32_t hash = hash_of(path, length);
  for (size_t i = hash & (set->capacity - 1);; i = (i + 1) & (set->capacity - 1)) {
    Watch *slot = &set->slots[i];
    if (slot->state == slot_free) return NULL;
    if (slot->state == slot_used && slot->hash == hash && slot->length == length && !memcmp(slot->path, path, length)) return slot;
  }
}

static void insert_watch(Watches *set, Watch watch) {
  size_t i = watch.hash & (set->capacity - 1);
  while (set->slots[i].state != slot_free) i = (i + 1) & (set->capacity - 1);
  set->slots[i] = watch;
  set->used++;
  set->filled++;
}

static void add_watch(Watches *set, const uint8_t *path, uint32_t length, int is_persistent) {
  Watch *known = find_watch(set, path, length);
  if (known != NULL) { known->is_persistent |= is_persistent; return; }
  if ((set->filled + 1) * 2 > set->capacity) {
    Watches old = *set;
    set->capacity = 1024;
    while (set->capacity < (old.used + 1) * 4) set->capacity *= 2;
    set->slots = or_die(calloc(set->capacity, sizeof(Watch)));
    set->used = set->filled = 0;
    for (size_t i = 0; i < old.capacity; i++) if (old.slots[i].state == slot_used) insert_watch(set, old.slots[i]);
    free(old.slots);
  }
  Watch watch = { or_die(malloc(length + 1)), length, hash_of(path, length), slot_used, (uint8_t)is_persistent };
  memcpy(watch.path, path, length);
  insert_watch(set, watch);
}

static void drop_watch(Watches *set, Watch *watch) {
  free(watch->path);
  watch->path = NULL;
  watch->state = slot_dead;
  set->used--;
}

static void put_event(Connection *connection, const void *path, uint32_t length) {
  Buffer *to = &connection->out;
  put32(to, 16 + 12 + length);
  put32(to, (uint32_t)xid_event); put64(to, (uint64_t)-1); put32(to, 0);
  put32(to, 3 /* NodeDataChanged */); put32(to, 3 /* SyncConnected */);
  put_buffer(to, path, length);
}

static void fire(Connection *connection, Watch *watch) {
  put_event(connection, watch->path, watch->length);
  if (!watch->is_persistent) drop_watch(&connection->watches, watch);
}

static void fire_all(Connection *connection) {
  Watches *set = &connection->watches;
  for (size_t i = 0; i < set->capacity; i++) if (set->slots[i].state == slot_used) fire(connection, &set->slots[i]);
}

static void clear_watches(Watches *set) {
  for (size_t i = 0; i < set->capacity; i++) free(set->slots[i].path);
  free(set->slots);
  memset(set, 0, sizeof *set);
}

/* -- requests ------------------------------------------------------------------------------------------------------------ */

typedef struct { const uint8_t *at, *end; int is_malformed; } Cursor;

static uint32_t take32(Cursor *cursor) {
  if (cursor->end - cursor->at < 4) { cursor->is_malformed = 1; return 0; }
  uint32_t value = load32(cursor->at);
  cursor->at += 4;
  return value;
}

static const uint8_t *take_bytes(Cursor *cursor, uint32_t *length) {
  *length = take32(cursor);
  if (*length == UINT32_MAX) *length = 0;
  if ((size_t)(cursor->end - cursor->at) < *length) { cursor->is_malformed = 1; *length = 0; }
  const uint8_t *bytes = cursor->at;
  cursor->at += *length;
  return bytes;
}

static int is_path(const uint8_t *path, uint32_t length, const char *wanted) {
  return length == strlen(wanted) && memcmp(path, wanted, length) == 0;
}

static void connect_session(Connection *connection, Cursor *cursor) {
  uint8_t password[16] = { 1, 2, 3 };
  cursor->at += 12;
  uint32_t timeout = take32(cursor);
  uint64_t session = (uint64_t)take32(cursor) << 32;
  session |= take32(cursor);
  uint32_t length;
  take_bytes(cursor, &length);
  int has_read_only = cursor->at < cursor->end;
  if (session == 0) {
    session = 0x100000000000000ull + sessions++;
    frame_largest = frames_refused = set_watches_frames = cuts = 0;
  }
  Buffer *to = &connection->out;
  put32(to, 36 + has_read_only);
  put32(to, 0); put32(to, timeout); put64(to, session); put_buffer(to, password, 16);
  if (has_read_only) put_raw(to, "", 1);
  connection->has_session = 1;
}

/* Answers one frame. Returns 0 when the connection is to be closed. */
static int answer(Connection *connection, const uint8_t *frame, uint32_t bytes) {
  Cursor cursor = { frame, frame + bytes, 0 };
  if (!connection->has_session) {
    if (bytes < 44) return 0;
    connect_session(connection, &cursor);
    return 1;
  }
  uint32_t xid = take32(&cursor);
  int32_t op = (int32_t)take32(&cursor);
  const uint8_t *path = NULL;
  uint32_t length = 0;
  if (op > 0 && op < 100 && op != op_ping) path = take_bytes(&cursor, &length);
  Buffer *to = connection->is_holding && op != op_ping ? &connection->held : &connection->out;
  int is_read = op == op_getData || op == op_exists || op == op_getChildren || op == op_getChildren2;
  if (length > 4 && path[0] == '/') {
    if (op == op_getData && length >= 5 && !memcmp(path, "/hold", 5)) {
      connection->is_holding = 1;
      to = &connection->held;
    } else if (op == op_getData && is_path(path, length, "/release")) {
      connection->is_holding = 0;
      put_raw(&connection->out, connection->held.bytes, connection->held.length);
      connection->held.length = 0;
      to = &connection->out;
    }
  }
  if (op == op_setData) {
    /* Once a session: a client that sends it again because the reply was lost is not to be cut again. */
    if (is_path(path, length, "/cut") && cuts++ == 0) return 0;
    if (is_path(path, length, "/fire")) fire_all(connection);
    Watch *watch = find_watch(&connection->watches, path, length);
    if (watch != NULL) fire(connection, watch);
  }
  if (is_read && cursor.at < cursor.end && *cursor.at != 0) add_watch(&connection->watches, path, length, 0);
  if (op == op_setData || op == op_create || op == op_create2 || op == op_createContainer || op == op_delete) zxid++;
  size_t mark = to->length;
  room(to, 512 + length + znode_bytes);
  to->length += 4;
  put32(to, xid); put64(to, zxid); put32(to, 0);
  uint32_t error = 0;
  switch (op) {
    case op_getData:
      if (is_path(path, length, "/stats")) {
        char text[256];
        int count = snprintf(text, sizeof text,
          "{\"watches\":%zu,\"frameLargest\":%zu,\"framesRefused\":%zu,\"setWatchesFrames\":%zu}",
          connection->watches.used, frame_largest, frames_refused, set_watches_frames);
        put_buffer(to, text, (uint32_t)count);
      } else put_buffer(to, znode_data, znode_bytes);
      put_stat(to);
      break;
    case op_exists: case op_setData:
      put_stat(to);
      break;
    case op_create: case op_sync:
      put_buffer(to, path, length);
      break;
    case op_create2: case op_createContainer:
      put_buffer(to, path, length);
      put_stat(to);
      break;
    case op_getACL:
      put32(to, 1); put32(to, 31); put_buffer(to, "world", 5); put_buffer(to, "anyone", 6);
      put_stat(to);
      break;
    case op_getChildren: case op_getChildren2:
      put32(to, 2); put_buffer(to, "a", 1); put_buffer(to, "b", 1);
      if (op == op_getChildren2) put_stat(to);
      break;
    case op_addWatch:
      path = take_bytes(&cursor, &length);
      add_watch(&connection->watches, path, length, 1);
      put32(to, 0);
      break;
    case op_removeWatches: {
      Watch *watch = find_watch(&connection->watches, path, length);
      if (watch == NULL) error = (uint32_t)err_no_watcher;
      else drop_watch(&connection->watches, watch);
      break;
    }
    case op_setWatches: case op_setWatches2: {
      set_watches_frames++;
      cursor.at += 8;
      for (int list = 0; list < (op == op_setWatches ? 3 : 5) && !cursor.is_malformed; list++) {
        uint32_t count = take32(&cursor);
        for (uint32_t i = 0; count != UINT32_MAX && i < count && !cursor.is_malformed; i++) {
          path = take_bytes(&cursor, &length);
          if (!cursor.is_malformed) add_watch(&connection->watches, path, length, list > 2);
        }
      }
      break;
    }
    case op_ping: case op_auth: case op_delete: case op_closeSession:
      break;
    default:
      error = (uint32_t)err_unimplemented;
  }
  if (cursor.is_malformed) return 0;
  store32(to->bytes + mark + 16, error);
  store32(to->bytes + mark, (uint32_t)(to->length - mark - 4));
  if (op == op_closeSession) connection->is_closing = 1;
  return 1;
}

/* -- connections --------------------------------------------------------------------------------------------------------- */

static int poller;

static void close_connection(Connection *connection) {
  close(connection->fd);
  clear_watches(&connection->watches);
  free(connection->in.bytes); free(connection->out.bytes); free(connection->held.bytes);
  free(connection);
}

static void want(Connection *connection, int wants_write) {
  if (connection->wants_write == wants_write) return;
  connection->wants_write = wants_write;
  struct epoll_event event = { EPOLLIN | (wants_write ? EPOLLOUT : 0), { .ptr = connection } };
  epoll_ctl(poller, EPOLL_CTL_MOD, connection->fd, &event);
}

/* Returns 0 when the connection is done with. */
static int flush(Connection *connection) {
  Buffer *out = &connection->out;
  while (connection->sent < out->length) {
    ssize_t count = send(connection->fd, out->bytes + connection->sent, out->length - connection->sent, MSG_NOSIGNAL);
    if (count < 0) {
      if (errno != EAGAIN && errno != EINTR) return 0;
      if (errno == EAGAIN) { want(connection, 1); return 1; }
      continue;
    }
    connection->sent += (size_t)count;
  }
  connection->sent = out->length = 0;
  want(connection, 0);
  return !connection->is_closing;
}

static int receive(Connection *connection) {
  Buffer *in = &connection->in;
  room(in, 1 << 18);
  ssize_t count = recv(connection->fd, in->bytes + in->length, in->capacity - in->length, 0);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return 0;
  if (count < 0) return 1;
  in->length += (size_t)count;
  size_t at = 0;
  while (in->length - at >= 4) {
    uint32_t bytes = load32(in->bytes + at);
    if (bytes > frame_largest) frame_largest = bytes;
    if (bytes > frame_bytes_max) { frames_refused++; return 0; }
    if (in->length - at < 4 + (size_t)bytes) break;
    if (!answer(connection, in->bytes + at + 4, bytes)) return 0;
    at += 4 + bytes;
  }
  memmove(in->bytes, in->bytes + at, in->length - at);
  in->length -= at;
  return flush(connection);
}

int main(int count, char **arguments) {
  if (count > 1) znode_bytes = (uint32_t)atoi(arguments[1]);
  if (znode_bytes > data_bytes_max) return 2;
  memset(znode_data, 'x', sizeof znode_data);
  /* The runner may die; nothing of it may stay behind. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 128) < 0) {
    perror("stub");
    return 1;
  }
  getsockname(listener, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  poller = epoll_create1(0);
  struct epoll_event listening = { EPOLLIN, { .ptr = NULL } };
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &listening);
  for (;;) {
    struct epoll_event events[64];
    int ready = epoll_wait(poller, events, 64, -1);
    for (int i = 0; i < ready; i++) {
      Connection *connection = events[i].data.ptr;
      if (connection == NULL) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) continue;
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        connection = or_die(calloc(1, sizeof *connection));
        connection->fd = fd;
        struct epoll_event event = { EPOLLIN, { .ptr = connection } };
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
        continue;
      }
      int is_alive = (events[i].events & EPOLLOUT) ? flush(connection) : 1;
      if (is_alive && (events[i].events & ~(uint32_t)EPOLLOUT)) is_alive = receive(connection);
      if (!is_alive) close_connection(connection);
    }
  }
}
