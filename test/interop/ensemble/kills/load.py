"""kazoo's part of the load, which executes commands line by line: load.py HOSTS ROOT SESSION_TIMEOUT_MS. Its verbs are those of loads.ts."""
import json, logging, sys, threading, time
from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol.states import KazooState

logging.disable(logging.CRITICAL)
hosts, root, timeout = sys.argv[1], sys.argv[2], int(sys.argv[3]) / 1000
# It tries the next server soon, as do the others.
retry = {"max_tries": -1, "delay": 0.05, "backoff": 1, "max_delay": 0.2}
zk = KazooClient(hosts, timeout=timeout, connection_retry=retry)
lost, names = [], []
counts = {"sent": 0, "acked": 0, "writes": 0}
gap = {"last": 0.0, "longest": 0.0}
over = threading.Event()


def listen(state):
    if state == KazooState.LOST and not over.is_set():
        lost.append("LOST")


def acknowledged():
    now = time.monotonic()
    gap["longest"] = max(gap["longest"], now - gap["last"])
    gap["last"] = now
    counts["writes"] += 1


def write():
    while not over.is_set():
        try:
            counts["sent"] += 1
            n = counts["sent"]
            zk.set(root + "/key", str(n).encode())
            counts["acked"] = n
            acknowledged()
            names.append(zk.create(root + "/names/n-", sequence=True)[-10:])
            acknowledged()
        except (KazooException, KazooTimeoutError):
            time.sleep(0.005)
        time.sleep(0.002)


def begin():
    zk.add_listener(listen)
    zk.start(20)
    zk.create(root + "/held", ephemeral=True)
    lock = zk.Lock(root + "/lock", "kazoo")
    lock.acquire(timeout=20)
    gap["last"] = time.monotonic()
    writer.start()
    return session()


def session():
    return "%x" % zk.client_id[0]


def longest():
    """In milliseconds, since the last question."""
    found = max(gap["longest"], time.monotonic() - gap["last"])
    gap["longest"] = 0.0
    return round(found * 1000)


def end():
    over.set()
    writer.join(30)
    return "%s %d %d %s" % (session(), counts["acked"], counts["sent"], ",".join(lost) or "none")


writer = threading.Thread(target=write, daemon=True)
verbs = {
    "begin": begin,
    "writes": lambda: counts["writes"],
    "gap": longest,
    "names": lambda: ",".join(list(names)),
    "end": end,
}
for line in sys.stdin:
    number, verb = line.split()
    try:
        answer = {"id": int(number), "value": str(verbs[verb]())}
    except Exception as error:
        answer = {"id": int(number), "error": repr(error)}
    print(json.dumps(answer), flush=True)
