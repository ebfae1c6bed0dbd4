/*
 * Preloaded into a server: while the file named by FAULT_FILE exists, writes to transaction logs fail with the errno in it. With -1 in
 * it the disk stands still instead: writes to logs and snapshots wait until the file is gone, and the first of them makes a file of
 * the same name with .reached behind it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static void stand_still(const char *control) {
  char reached[4096];
  int mark;
  snprintf(reached, sizeof reached, "%s.reached", control);
  mark = open(reached, O_CREAT | O_WRONLY, 0600);
  if (mark >= 0) close(mark);
  while (access(control, F_OK) == 0) usleep(10000);
}

static int fault(int fd) {
  const char *control = getenv("FAULT_FILE");
  char link[64], path[4096];
  FILE *file;
  ssize_t length;
  int number = 0;
  if (control == NULL || (file = fopen(control, "r")) == NULL) return 0;
  if (fscanf(file, "%d", &number) != 1) number = 0;
  fclose(file);
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  if (number < 0) {
    if (strstr(path, "/log.") != NULL || strstr(path, "snapshot.") != NULL) stand_still(control);
    return 0;
  }
  return strstr(path, "/log.") != NULL ? number : 0;
}

typedef ssize_t (*pwrite_type)(int, const void *, size_t, off_t);

static ssize_t forward(const char *name, int fd, const void *bytes, size_t count, off_t offset) {
  int number = fault(fd);
  if (number != 0) {
    errno = number;
    return -1;
  }
  return ((pwrite_type)dlsym(RTLD_NEXT, name))(fd, bytes, count, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return forward("pwrite", fd, bytes, count, offset); }
ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) { return forward("pwrite64", fd, bytes, count, offset); }
