"""Holds kazoo's locks as it is told on stdin: `acquire ID KIND PATH [N]`, `release ID`."""
import json
import logging
import os
import sys
import threading

from kazoo.client import KazooClient

logging.disable(logging.CRITICAL)
zk = KazooClient(sys.argv[1], timeout=5.0)
zk.start(timeout=20)
held = {}


def say(step, detail=""):
    print(json.dumps({"step": step, "detail": str(detail)}), flush=True)


def acquire(name, kind, path, count="1"):
    try:
        if kind == "semaphore":
            lock = zk.Semaphore(path, max_leases=int(count))
        else:
            lock = {"lock": zk.Lock, "read": zk.ReadLock, "write": zk.WriteLock}[kind](path)
        lock.acquire()
        held[name] = lock
        say("got", name)
    except Exception as error:
        say("failed", "%s: %r" % (name, error))


say("started")
for line in sys.stdin:
    order = line.split()
    if order[0] == "acquire":
        threading.Thread(target=acquire, args=order[1:], daemon=True).start()
    else:
        held.pop(order[1]).release()
        say("released", order[1])
os._exit(0)
