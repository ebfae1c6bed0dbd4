"""Builds one of each of kazoo's recipes, held and waited for, and keeps it until its input ends: python3 trees.py HOSTS"""
import datetime
import logging
import os
import sys
import threading
import time

from kazoo.client import KazooClient

logging.disable(logging.CRITICAL)


def connect():
    client = KazooClient(sys.argv[1], timeout=30.0)
    client.start(20)
    return client


a = connect()
b = connect()


def waiting(path, children, step):
    """In a thread of its own, since what waits there waits for ever."""
    threading.Thread(target=step, daemon=True).start()
    while not a.exists(path) or len(a.get_children(path)) < children:
        time.sleep(0.005)


a.Lock("/kazoo/lock", "a").acquire()
waiting("/kazoo/lock", 2, b.Lock("/kazoo/lock", "b").acquire)

a.ReadLock("/kazoo/read-write", "a").acquire()
waiting("/kazoo/read-write", 2, b.WriteLock("/kazoo/read-write", "b").acquire)
waiting("/kazoo/read-write", 3, a.ReadLock("/kazoo/read-write", "c").acquire)

a.Semaphore("/kazoo/semaphore", "a", max_leases=2).acquire()
b.Semaphore("/kazoo/semaphore", "b", max_leases=2).acquire()
waiting("/kazoo/semaphore-__lock__", 1, a.Semaphore("/kazoo/semaphore", "c", max_leases=2).acquire)

waiting("/kazoo/election", 1, lambda: a.Election("/kazoo/election", "a").run(lambda: time.sleep(3600)))
waiting("/kazoo/election", 2, lambda: b.Election("/kazoo/election", "b").run(lambda: None))

a.Queue("/kazoo/queue").put(b"item", 7)
locking = a.LockingQueue("/kazoo/locking-queue")
locking.put(b"one")
locking.put(b"two")
locking.get(timeout=5)

waiting("/kazoo/gathering", 1, a.DoubleBarrier("/kazoo/gathering", 2, "a").enter)
waiting("/kazoo/inside", 1, a.DoubleBarrier("/kazoo/inside", 2, "a").enter)
b.DoubleBarrier("/kazoo/inside", 2, "b").enter()

a.Party("/kazoo/party", "a").join()
b.Party("/kazoo/party", "b").join()
a.ShallowParty("/kazoo/shallow", "a").join()

partitioners = [
    client.SetPartitioner("/kazoo/partitioner", ("x", "y", "z"), identifier=name, time_boundary=0.5)
    for client, name in ((a, "a"), (b, "b"))
]
while not all(each.acquired for each in partitioners):
    for each in partitioners:
        if each.release:
            each.release_set()
    time.sleep(0.01)

a.NonBlockingLease("/kazoo/lease", datetime.timedelta(hours=1), "a")
for client, name in ((a, "a"), (b, "b")):
    client.MultiNonBlockingLease(2, "/kazoo/leases", datetime.timedelta(hours=1), name)

# These are one znode each, which looks like any other.
a.Barrier("/kazoo/single/barrier").create()
counter = a.Counter("/kazoo/single/counter")
counter += 7

print("ready", flush=True)
sys.stdin.read()
os._exit(0)
