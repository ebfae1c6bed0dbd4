"""A contender with kazoo's Lock, or its Election: contender.py HOSTS ROOT NAMES lock|election. Its steps are those of contender.mjs."""
import json
import logging
import os
import random
import sys
import threading
import time

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError, NodeExistsError

logging.disable(logging.CRITICAL)
hosts, root, names, recipe = sys.argv[1:5]
over = threading.Event()


def say(step, detail=""):
    print(json.dumps({"step": step, "detail": str(detail)}), flush=True)


def listen():
    while sys.stdin.readline():
        pass
    over.set()


def client():
    zk = KazooClient(hosts, timeout=2.0)
    zk.start(timeout=20)
    return zk


def commit(zk, node, fill):
    transaction = zk.transaction()
    transaction.check(node, -1)
    fill(transaction)
    return transaction.commit()


def work(zk, lock):
    node = lock.path + "/" + lock.node
    witness = root + "/witness"
    results = commit(zk, node, lambda t: t.create(witness, b"", ephemeral=True))
    if isinstance(results[0], NoNodeError):
        return say("refused", "to enter")
    if isinstance(results[1], NodeExistsError):
        stat = zk.exists(witness)
        if stat is None or stat.ephemeralOwner != zk.client_id[0]:
            return say("violation", "%s and session %s are inside" % (node, stat and stat.ephemeralOwner))
    say("inside")
    n = int(zk.get(root + "/count")[0]) + 1
    time.sleep(0.005 + random.random() * 0.01)

    def fill(transaction):
        transaction.set_data(root + "/count", str(n).encode())
        transaction.create(root + "/log/%d" % n, b"kazoo")
        transaction.delete(witness)

    results = commit(zk, node, fill)
    if isinstance(results[0], NoNodeError):
        return say("refused", "to count")
    failed = [each for each in results if isinstance(each, Exception)]
    if failed:
        return say("violation", "%d: %s" % (n, failed))
    say("in", n)


threading.Thread(target=listen, daemon=True).start()
zk = client()
say("started", os.getpid())
while not over.is_set():
    try:
        if recipe == "election":
            election = zk.Election(root + "/lock", "kazoo")
            election.run(lambda: work(zk, election.lock))
        else:
            lock = zk.Lock(root + "/lock")
            lock.acquire(timeout=20)
            try:
                work(zk, lock)
            finally:
                lock.release()
    except Exception as error:
        say("lost", repr(error))
        # Ends the session: whatever it has left goes with it.
        try:
            zk.stop()
            zk.close()
        except Exception as failure:
            say("lost", repr(failure))
        zk = client()
    time.sleep(random.random() * 0.003)
zk.stop()
say("ended")
os._exit(0)
