"""kazoo's counters, queues and barriers, which execute commands line by line: python3 kazoo_peer.py HOSTS"""
import json, sys, threading
from kazoo.client import KazooClient

zk = KazooClient(sys.argv[1], timeout=10.0)
zk.start(20)
doubles = {}
parties = {}
out = threading.Lock()


def double(path, count):
    if path not in doubles:
        doubles[path] = zk.DoubleBarrier(path, int(count))
    return doubles[path]


def locking_take(path, wanted):
    queue = zk.LockingQueue(path)
    items = []
    while len(items) < int(wanted):
        item = queue.get(timeout=10)
        if item is None:
            break
        items.append(item.decode())
        queue.consume()
    return ",".join(items)


def queue_take(path, wanted):
    queue = zk.Queue(path)
    return ",".join(queue.get().decode() for _ in range(int(wanted)))


def counter(path, **options):
    return zk.Counter(path, **options)


def add(path, by):
    n = counter(path, default=0)
    n += int(by)
    return n.value


def add_int32(path, by):
    n = counter(path, support_curator=True)
    n += int(by)
    return n.value


def party_join(kind, path, who):
    parties[path + who] = getattr(zk, kind)(path, who)
    parties[path + who].join()


verbs = {
    "counter-get": lambda path: counter(path, default=0).value,
    "counter-add": add,
    "int32-add": add_int32,
    "barrier-create": lambda path: zk.Barrier(path).create(),
    "barrier-remove": lambda path: zk.Barrier(path).remove(),
    "barrier-wait": lambda path: zk.Barrier(path).wait(20),
    "double-enter": lambda path, count: double(path, count).enter(),
    "double-leave": lambda path: double(path, 0).leave(),
    "locking-put": lambda path, item, priority: zk.LockingQueue(path).put(item.encode(), int(priority)),
    "locking-take": locking_take,
    "queue-put": lambda path, item: zk.Queue(path).put(item.encode()),
    "queue-take": queue_take,
    "party-join": party_join,
    "party-leave": lambda path, who: parties[path + who].leave(),
    "party-list": lambda kind, path: ",".join(sorted(getattr(zk, kind)(path))),
}


def answer(words):
    try:
        result = {"id": int(words[0]), "value": str(verbs[words[1]](*words[2:]))}
    except BaseException as error:
        result = {"id": int(words[0]), "error": repr(error)}
    with out:
        print(json.dumps(result), flush=True)


for line in sys.stdin:
    threading.Thread(target=answer, args=(line.split(),), daemon=True).start()
