/* The C client against a server: program HOSTS main | HOSTS hold PATH */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zookeeper/zookeeper.h>

static volatile int connected = 0, losses = 0;
static volatile int event_type = 0;

static void step(const char *name, int ok, int detail) {
  printf("{\"step\": \"%s\", \"ok\": %s, \"detail\": %d}\n", name, ok ? "true" : "false", detail);
  fflush(stdout);
}

static void on_session(zhandle_t *zh, int type, int state, const char *path, void *context) {
  (void)zh; (void)path; (void)context;
  if (type != ZOO_SESSION_EVENT) return;
  if (connected && state != ZOO_CONNECTED_STATE) losses++;
  connected = state == ZOO_CONNECTED_STATE;
}

static void on_event(zhandle_t *zh, int type, int state, const char *path, void *context) {
  (void)zh; (void)state; (void)path; (void)context;
  if (type != ZOO_SESSION_EVENT) event_type = type;
}

static int heard(int wanted) {
  for (int i = 0; i < 500 && event_type != wanted; i++) usleep(10000);
  int got = event_type == wanted;
  event_type = 0;
  return got;
}

static zhandle_t *open_session(const char *hosts) {
  zhandle_t *zh = zookeeper_init(hosts, on_session, 2000, 0, NULL, 0);
  for (int i = 0; i < 1000 && !connected; i++) usleep(10000);
  return zh;
}

int main(int argc, char **argv) {
  char buffer[256], path[256];
  int length = sizeof buffer, rc;
  struct Stat stat;
  struct String_vector names;
  zoo_set_debug_level(0);
  zhandle_t *zh = open_session(argv[1]);
  if (argc > 3 && strcmp(argv[2], "hold") == 0) {
    rc = zoo_create(zh, argv[3], "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, path, sizeof path);
    step("holding", rc == ZOK, rc);
    sleep(60);
  }
  step("connect", connected, 0);
  rc = zoo_create(zh, "/c", "x", 1, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path);
  step("create", rc == ZOK && strcmp(path, "/c") == 0, rc);
  rc = zoo_get(zh, "/c", 0, buffer, &length, &stat);
  step("get", rc == ZOK && length == 1 && buffer[0] == 'x' && stat.version == 0, rc);
  rc = zoo_set2(zh, "/c", "yy", 2, 0, &stat);
  step("set", rc == ZOK && stat.version == 1 && stat.dataLength == 2, rc);
  rc = zoo_create(zh, "/c/s-", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, path, sizeof path);
  step("sequence", rc == ZOK && strcmp(path, "/c/s-0000000000") == 0, rc);
  rc = zoo_get_children(zh, "/c", 0, &names);
  step("children", rc == ZOK && names.count == 1, names.count);
  int exists = zoo_create(zh, "/c", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path);
  int missing = zoo_exists(zh, "/nowhere", 0, &stat), version = zoo_set(zh, "/c", "", 0, 9);
  step("errors", exists == ZNODEEXISTS && missing == ZNONODE && version == ZBADVERSION, version);
  length = sizeof buffer;
  zoo_wget(zh, "/c", on_event, NULL, buffer, &length, &stat);
  zoo_set(zh, "/c", "z", 1, -1);
  step("data-watch", heard(ZOO_CHANGED_EVENT), 0);
  zoo_wget_children(zh, "/c", on_event, NULL, &names);
  zoo_create(zh, "/c/new", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path);
  step("child-watch", heard(ZOO_CHILD_EVENT), 0);
  zoo_wexists(zh, "/c/later", on_event, NULL, &stat);
  zoo_create(zh, "/c/later", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, path, sizeof path);
  step("exists-watch", heard(ZOO_CREATED_EVENT), 0);
  zoo_op_t ops[3];
  zoo_op_result_t results[3];
  zoo_create_op_init(&ops[0], "/c/m", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path);
  zoo_check_op_init(&ops[1], "/c/m", 0);
  zoo_delete_op_init(&ops[2], "/c/m", 0);
  rc = zoo_multi(zh, 3, ops, results);
  step("multi", rc == ZOK, rc);
  zoo_check_op_init(&ops[1], "/c", 99);
  rc = zoo_multi(zh, 2, ops, results);
  step("multi-fails", rc == ZBADVERSION && zoo_exists(zh, "/c/m", 0, &stat) == ZNONODE, rc);
  const clientid_t *id = zoo_client_id(zh);
  long long session = id->client_id;
  length = sizeof buffer;
  zoo_wget(zh, "/c", on_event, NULL, buffer, &length, &stat);
  step("cut", 1, 0);
  for (int i = 0; i < 2000 && (losses == 0 || !connected); i++) usleep(10000);
  rc = zoo_exists(zh, "/c/later", 0, &stat);
  step("reconnect", losses > 0 && rc == ZOK && zoo_client_id(zh)->client_id == session, rc);
  zoo_set(zh, "/c", "after", 5, -1);
  step("watch-after-reconnect", heard(ZOO_CHANGED_EVENT), 0);
  rc = zookeeper_close(zh);
  step("close", rc == ZOK, rc);
  return 0;
}
