"""kazoo's recipes against a server, a function a recipe: python3 recipes.py HOSTS main"""
import datetime, sys, threading, time
from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError, ConnectionLoss, LockTimeout, NoNodeError, RolledBackError, RuntimeInconsistency
from kazoo.protocol.connection import _SESSION_EXPIRED
from kazoo.protocol.states import KazooState
from kazoo.recipe.cache import TreeCache, TreeEvent
from kazoo.recipe.watchers import PatientChildrenWatch
from kazoo.retry import KazooRetry, RetryFailedError
from steps import raises, step

hosts = sys.argv[1]
root = "/kazoo-recipes"


def client():
    zk = KazooClient(hosts, timeout=8.0)
    zk.start(20)
    return zk


def until(find, seconds=20):
    """What `find` returns, as soon as it is true, else what it returned last."""
    deadline = time.time() + seconds
    found = find()
    while not found and time.time() < deadline:
        time.sleep(0.02)
        found = find()
    return found


def together(*calls):
    """Runs the calls at the same time; their results, or what they raised, in order."""
    results = [None] * len(calls)

    def run(index):
        try:
            results[index] = calls[index]()
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(len(calls))]
    [each.start() for each in threads]
    [each.join(30) for each in threads]
    return results


def spawn(call):
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def lock(a, b):
    path = root + "/lock"
    inside, most, guard = [0], [0], threading.Lock()

    def work(zk, name):
        for _ in range(5):
            with zk.Lock(path, name):
                with guard:
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                time.sleep(0.002)
                with guard:
                    inside[0] -= 1
        return name

    done = together(lambda: work(a, "a"), lambda: work(b, "b"), lambda: work(b, "c"))
    step("lock: turns", done == ["a", "b", "c"] and most[0] == 1, [done, most])
    held, other = a.Lock(path, "holder"), b.Lock(path, "waiter")
    held.acquire()
    step("lock: not blocking", other.acquire(blocking=False) is False)
    step("lock: timeout", raises(LockTimeout, lambda: other.acquire(timeout=0.2)))
    waiting = b.Lock(path, "waiter")
    got = []
    thread = spawn(lambda: got.append(waiting.acquire()))
    step("lock: contenders", until(lambda: held.contenders() == ["holder", "waiter"]), held.contenders())
    held.release()
    thread.join(10)
    step("lock: handed on", got == [True] and waiting.is_acquired, got)
    waiting.release()
    lasting = a.Lock(path, "lasting")
    lasting.acquire(ephemeral=False)
    stat = a.exists(path + "/" + a.get_children(path)[0])
    step("lock: of a persistent znode", stat.ephemeralOwner == 0, stat)
    lasting.release()


def read_write(a, b):
    path = root + "/rw"
    first, second, writer = a.ReadLock(path, "r1"), b.ReadLock(path, "r2"), b.WriteLock(path, "w")
    step("read lock: shared", first.acquire(timeout=10) and second.acquire(timeout=10))
    step("write lock: waits for readers", writer.acquire(blocking=False) is False)
    got = []
    thread = spawn(lambda: got.append(writer.acquire()))
    until(lambda: len(a.get_children(path)) == 3)
    late = a.ReadLock(path, "r3")
    step("read lock: waits behind a writer", late.acquire(blocking=False) is False)
    first.release()
    second.release()
    thread.join(10)
    step("write lock: follows the readers", got == [True], got)
    step("read lock: waits for the writer", late.acquire(blocking=False) is False)
    writer.release()
    step("read lock: follows the writer", late.acquire(timeout=10))
    late.release()


def semaphore(a, b):
    path = root + "/semaphore"
    leases = [a.Semaphore(path, "one", 2), b.Semaphore(path, "two", 2)]
    step("semaphore: two leases", all(each.acquire(timeout=10) for each in leases))
    step("semaphore: holders", sorted(leases[0].lease_holders()) == ["one", "two"], leases[0].lease_holders())
    third = b.Semaphore(path, "three", 2)
    step("semaphore: no third", third.acquire(blocking=False) is False)
    step("semaphore: timeout", raises(LockTimeout, lambda: third.acquire(timeout=0.2)))
    step("semaphore: another number", raises(ValueError, lambda: a.Semaphore(path, "four", 3).acquire(timeout=1)))
    got = []
    waiting = b.Semaphore(path, "five", 2)
    thread = spawn(lambda: got.append(waiting.acquire()))
    leases[0].release()
    thread.join(10)
    step("semaphore: handed on", got == [True], got)
    waiting.release()
    leases[1].release()


def election(a, b):
    path = root + "/election"
    led, release = [], threading.Event()

    def lead(name):
        led.append(name)
        release.wait(20)

    first, second = a.Election(path, "first"), b.Election(path, "second")
    one = spawn(lambda: first.run(lead, "first"))
    until(lambda: led == ["first"])
    two = spawn(lambda: second.run(lead, "second"))
    step("election: contenders", until(lambda: first.contenders() == ["first", "second"]), first.contenders())
    third = a.Election(path, "third")
    three = spawn(lambda: third.run(lead, "third"))
    until(lambda: len(first.contenders()) == 3)
    third.cancel()
    three.join(10)
    step("election: cancelled", not three.is_alive() and until(lambda: first.contenders() == ["first", "second"]))
    release.set()
    one.join(10)
    two.join(10)
    step("election: each led once", led == ["first", "second"], led)


def parties(a, b):
    for kind in ("Party", "ShallowParty"):
        path = root + "/" + kind
        mine, theirs = getattr(a, kind)(path, "mine"), getattr(b, kind)(path, "theirs")
        mine.join()
        theirs.join()
        step(kind + ": members", sorted(mine) == ["mine", "theirs"] and len(theirs) == 2, sorted(mine))
        step(kind + ": leaves", theirs.leave() and not theirs.leave() and list(mine) == ["mine"], list(mine))
        short = client()
        getattr(short, kind)(path, "short").join()
        until(lambda: len(mine) == 2)
        short.stop()
        step(kind + ": a session ends", until(lambda: list(mine) == ["mine"]), list(mine))
        mine.leave()


def queue(a, b):
    queue = a.Queue(root + "/queue")
    for item, priority in ((b"late", 900), (b"first", 5), (b"second", 5), (b"usual", 100)):
        queue.put(item, priority)
    step("queue: length", len(b.Queue(root + "/queue")) == 4)
    taken = [b.Queue(root + "/queue").get() for _ in range(4)]
    step("queue: by priority", taken == [b"first", b"second", b"usual", b"late"], taken)
    step("queue: empty", queue.get() is None)
    for i in range(40):
        queue.put(b"%d" % i)

    def drain(zk):
        mine, own = [], zk.Queue(root + "/queue")
        item = own.get()
        while item is not None:
            mine.append(int(item))
            item = own.get()
        return mine

    parts = together(lambda: drain(a), lambda: drain(b))
    step("queue: each item once", sorted(parts[0] + parts[1]) == list(range(40)), parts)


def locking_queue(a, b):
    path = root + "/locking-queue"
    first, second = a.LockingQueue(path), b.LockingQueue(path)
    first.put_all([b"one", b"two"], priority=200)
    first.put(b"urgent", priority=1)
    step("locking queue: length", len(second) == 3)
    step("locking queue: gets", first.get(5) == b"urgent" and second.get(5) == b"one")
    step("locking queue: the same again", first.get(5) == b"urgent")
    step("locking queue: consumes", first.holds_lock() and first.consume() and not first.consume())
    step("locking queue: puts back", second.release() and first.get(5) == b"one")
    short = client()
    step("locking queue: a third", short.LockingQueue(path).get(5) == b"two")
    step("locking queue: nothing free", second.get(0.3) is None)
    got = []
    thread = spawn(lambda: got.append(second.get(20)))
    short.stop()
    thread.join(25)
    step("locking queue: a consumer is gone", got == [b"two"], got)
    step("locking queue: empty", first.consume() and second.consume() and len(first) == 0)


def counter(a, b):
    path = root + "/counter"

    def count(zk):
        own = zk.Counter(path)
        for _ in range(10):
            own += 1
        return own.value

    together(lambda: count(a), lambda: count(b))
    total = a.Counter(path)
    step("counter: together", total.value == 20, total.value)
    total -= 25
    step("counter: below zero", b.Counter(path).value == -5, b.Counter(path).value)
    broken = a.Counter(root + "/float", default=1.5)
    broken += 2.25
    step("counter: fractions", b.Counter(root + "/float", default=0.0).value == 3.75)


def barriers(a, b):
    gate = a.Barrier(root + "/barrier")
    gate.create()
    other = b.Barrier(root + "/barrier")
    step("barrier: holds", other.wait(0.2) is False)
    got = []
    thread = spawn(lambda: got.append(other.wait(20)))
    step("barrier: removed", gate.remove() and not gate.remove())
    thread.join(20)
    step("barrier: opens", got == [True] and other.wait(1), got)
    doors = [zk.DoubleBarrier(root + "/double", 2, name) for zk, name in ((a, "a"), (b, "b"))]
    order = []

    def through(door, name):
        door.enter()
        order.append("in")
        inside = door.participating
        door.leave()
        order.append("out")
        return inside

    lonely = spawn(lambda: together(lambda: through(doors[0], "a")))
    until(lambda: a.exists(root + "/double/a"))
    step("double barrier: waits for the other", order == [], order)
    through(doors[1], "b")
    lonely.join(20)
    step("double barrier: all in, all out", sorted(order) == ["in", "in", "out", "out"] and order[0] == "in", order)
    step("double barrier: is empty", until(lambda: a.get_children(root + "/double") == []), a.get_children(root + "/double"))


def leases(a, b):
    path, hour = root + "/lease", datetime.timedelta(hours=1)
    first = a.NonBlockingLease(path, hour, identifier="one")
    step("lease: obtained", bool(first))
    step("lease: of another", not b.NonBlockingLease(path, hour, identifier="two"))
    step("lease: renewed", bool(b.NonBlockingLease(path, hour, identifier="one")))
    later = lambda: datetime.datetime.utcnow() + datetime.timedelta(hours=3)
    step("lease: over", bool(b.NonBlockingLease(path, hour, identifier="two", utcnow=later)))
    several = [bool(a.MultiNonBlockingLease(2, root + "/leases", hour, identifier=name)) for name in ("x", "y", "z")]
    step("leases: two of three", several == [True, True, False], several)


def partitioner(a, b):
    path, items = root + "/partitioner", tuple("abcde")

    def member(zk, name):
        return zk.SetPartitioner(path, items, identifier=name, time_boundary=0.3)

    def settle(*members):
        def is_settled():
            for each in members:
                if each.release:
                    each.release_set()
                elif each.allocating:
                    each.wait_for_acquire(0.1)
            return all(each.acquired for each in members)

        until(is_settled)
        parts = [sorted(each) for each in members]
        return all(each.acquired for each in members) and sorted(sum(parts, [])) == list(items) and parts

    alone = member(a, "one")
    step("partitioner: alone", settle(alone))
    two = member(b, "two")
    until(lambda: alone.release)
    shared = settle(alone, two)
    step("partitioner: shared", shared and all(shared), shared)
    two.finish()
    until(lambda: alone.release)
    step("partitioner: alone again", settle(alone), list(alone))
    alone.finish()


def transactions(a, b):
    path = root + "/multi"
    a.create(path, b"0")
    with a.transaction() as t:
        t.create(path + "/a", b"1", ephemeral=True)
        t.create(path + "/s-", b"", sequence=True)
        t.set_data(path, b"1", version=0)
        t.check(path, 1)
        t.delete(path + "/a", version=0)
    step("transaction: whole", b.get(path)[0] == b"1" and b.get_children(path) == ["s-0000000001"], b.get_children(path))
    t = a.transaction()
    t.create(path + "/b")
    t.set_data(path, b"2")
    t.check(path, 77)
    t.delete(path)
    kinds = [type(each) for each in t.commit()]
    step("transaction: rolled back", kinds == [RolledBackError, RolledBackError, BadVersionError, RuntimeInconsistency], kinds)
    step("transaction: left nothing", a.exists(path + "/b") is None and b.get(path)[0] == b"1")
    step("transaction: empty", a.transaction().commit() == [])


def retries(a):
    tries = []

    def lose(times):
        tries.append(1)
        if len(tries) <= times:
            raise ConnectionLoss()
        return "done"

    step("retry: until it works", KazooRetry(max_tries=5, delay=0.01)(lose, 2) == "done" and len(tries) == 3, tries)
    del tries[:]
    step("retry: gives up", raises(RetryFailedError, lambda: KazooRetry(max_tries=2, delay=0.01)(lose, 9)) and len(tries) == 3, tries)
    step("retry: not for an answer", raises(NoNodeError, lambda: a.retry(a.get, root + "/nowhere")))


class Followed:
    """Everything that follows a path, and what each has seen last."""

    def __init__(self, zk, path):
        self.zk, self.path = zk, path
        self.data, self.children, self.events = [], [], []
        zk.ensure_path(path)
        zk.DataWatch(path + "/value", lambda data, stat, event: self.data.append((data, stat and stat.version, event and event.type)))
        zk.ChildrenWatch(path, lambda children: self.children.append(sorted(children)))
        self.cache = TreeCache(zk, path)
        self.cache.listen(lambda event: self.events.append((event.event_type, event.event_data and event.event_data.path)))
        self.cache.start()
        until(lambda: any(kind == TreeEvent.INITIALIZED for kind, _ in self.events))

    def sees(self, name, data):
        """Whether all three come to see that `value` holds `data` and that a child `name` is there."""
        value, child = self.path + "/value", self.path + "/" + name
        return until(lambda: self.data and self.data[-1][0] == data
                     and self.children and name in self.children[-1]
                     and self.cache.get_data(value) is not None and self.cache.get_data(value).data == data
                     and self.cache.get_data(child) is not None)


def watchers(a, b):
    path = root + "/followed"
    followed = Followed(a, path)
    step("data watch: nothing yet", followed.data == [(None, None, None)], followed.data)
    b.create(path + "/value", b"1")
    until(lambda: followed.data[-1][0] == b"1")
    b.set(path + "/value", b"2")
    until(lambda: followed.data[-1][0] == b"2")
    b.delete(path + "/value")
    until(lambda: len(followed.data) == 4)
    seen = [each[2] for each in followed.data]
    step("data watch: each change", seen == [None, "CREATED", "CHANGED", "DELETED"], followed.data)
    once = []

    @a.DataWatch(path)
    def only_once(data, stat):
        once.append(data)
        return False

    b.set(path, b"unseen")
    b.create(path + "/value", b"3")
    b.create(path + "/one/two", b"deep", makepath=True)
    step("all watchers see it", followed.sees("one", b"3"), [followed.data, followed.children])
    step("data watch: stopped", once == [b""], once)
    step("tree cache: below", until(lambda: followed.cache.get_children(path + "/one") == frozenset(["two"]))
         and followed.cache.get_data(path + "/one/two").data == b"deep")
    b.delete(path + "/one", recursive=True)
    step("tree cache: deleted", until(lambda: followed.cache.get_data(path + "/one/two") is None and (TreeEvent.NODE_REMOVED, path + "/one") in followed.events), followed.events)
    patient = PatientChildrenWatch(b, path, time_boundary=0.3).start()
    spawn(lambda: a.create(path + "/patient"))
    children, _ = patient.get(timeout=20)
    step("patient watch: settled", "patient" in children or until(lambda: "patient" in b.get_children(path)), children)
    return followed


a, b = client(), client()
a.create(root)
lock(a, b)
read_write(a, b)
semaphore(a, b)
election(a, b)
parties(a, b)
queue(a, b)
locking_queue(a, b)
counter(a, b)
barriers(a, b)
leases(a, b)
partitioner(a, b)
transactions(a, b)
retries(a)
followed = watchers(a, b)

# What is held and followed, through a connection that is cut and then through the end of a session.
held = a.Lock(root + "/kept", "kept")
held.acquire()
own = client()
party = own.Party(root + "/kept-party", "kept")
party.join()
states = []
a.add_listener(states.append)
session = a.client_id[0]
step("cut", True)
until(lambda: len(states) >= 2 and a.connected)
step("after a cut: the session is the same", states[:2] == [KazooState.SUSPENDED, KazooState.CONNECTED] and a.client_id[0] == session, states)
b.retry(b.set, root + "/followed/value", b"after the cut")
b.retry(b.create, root + "/followed/after-cut", b"")
step("after a cut: all watchers see it", followed.sees("after-cut", b"after the cut"), [followed.data, followed.children])
step("after a cut: the lock is held", b.retry(b.Lock(root + "/kept", "other").contenders) == ["kept"])
step("after a cut: the member is there", list(b.Party(root + "/kept-party")) == ["kept"])

del states[:]
a._call(_SESSION_EXPIRED, None)
until(lambda: KazooState.LOST in states and a.connected and a.client_id[0] != session)
step("after the session: a new one", KazooState.LOST in states and a.client_id[0] != session, states)
b.set(root + "/followed/value", b"in a new session")
b.create(root + "/followed/after-session", b"")
step("after the session: all watchers see it", followed.sees("after-session", b"in a new session"), [followed.data, followed.children])
follower = b.Lock(root + "/kept", "next")
step("after the session: the lock goes on", follower.acquire(timeout=20))
follower.release()

followed.cache.close()
for each in (own, b):
    each.stop()
    each.close()
a.delete(root, recursive=True)
step("delete", a.exists(root) is None)
a.stop()
step("close", True)
