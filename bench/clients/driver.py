"""Driver of kazoo. Requests in flight at once are its asynchronous calls; the next one is made by the callback of the last."""
import gc, json, logging, resource, sys, threading, time
from kazoo.client import KazooClient
from kazoo.exceptions import NodeExistsError

logging.disable(logging.CRITICAL)
ZNODES = 1000
DATA = b"x" * 100
PATHS = ["/bench/n%05d" % i for i in range(ZNODES)]
zk = KazooClient("127.0.0.1:" + sys.argv[1], timeout=30.0)


def watched_path(i):
    return "/bench/watched/w%07d" % i


def cpu_us():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e6


def request(kind, path):
    return zk.set_async(path, DATA) if kind == "set" else zk.get_async(path)


def run_all(count, window, call):
    """`count` calls that return an asynchronous result, at most `window` at once."""
    lock = threading.Lock()
    state = {"next": 0, "left": count, "failure": None}
    over = threading.Event()

    def start():
        with lock:
            i = state["next"]
            state["next"] += 1
        if i < count:
            call(i).rawlink(done)

    def done(result):
        if not result.successful():
            state["failure"] = result.exception
            over.set()
            return
        with lock:
            state["left"] -= 1
            is_last = state["left"] == 0
        if is_last:
            over.set()
        else:
            start()

    for _ in range(min(window, count)):
        start()
    over.wait()
    if state["failure"] is not None:
        raise state["failure"]


def percentiles(latencies):
    latencies.sort()
    at = lambda share: latencies[min(len(latencies) - 1, int(len(latencies) * share))]
    return {"p50": at(0.5), "p99": at(0.99)}


def resident():
    gc.collect()
    time.sleep(0.1)
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))


def prepare(o):
    def create(path):
        try:
            zk.create(path, DATA)
        except NodeExistsError:
            pass
    create("/bench")
    for path in PATHS:
        create(path)
    return {}


def do_sequential(kind, seconds):
    latencies = []
    until = time.perf_counter() + seconds
    call = (lambda path: zk.set(path, DATA)) if kind == "set" else zk.get
    i = 0
    while True:
        sent_at = time.perf_counter()
        call(PATHS[i % ZNODES])
        now = time.perf_counter()
        latencies.append((now - sent_at) * 1e6)
        i += 1
        if now >= until:
            return latencies


def sequential(o):
    do_sequential(o["kind"], o["warmUp"])
    cpu = cpu_us()
    latencies = do_sequential(o["kind"], o["seconds"])
    count = len(latencies)
    return {"count": count, "perSecond": count / o["seconds"], "cpuPerOpUs": (cpu_us() - cpu) / count, **percentiles(latencies)}


def do_pipelined(kind, window, seconds):
    until = time.perf_counter() + seconds
    state = {"count": 0, "open": window, "failure": None}
    over = threading.Event()

    # All callbacks run on one thread of kazoo's, so the counts need no lock.
    def worker(i):
        at = [i]

        def done(result):
            if not result.successful():
                state["failure"] = result.exception
                over.set()
                return
            state["count"] += 1
            if time.perf_counter() >= until:
                state["open"] -= 1
                if state["open"] == 0:
                    over.set()
                return
            at[0] = (at[0] + window) % ZNODES
            request(kind, PATHS[at[0]]).rawlink(done)

        request(kind, PATHS[i % ZNODES]).rawlink(done)

    for i in range(window):
        worker(i)
    over.wait()
    if state["failure"] is not None:
        raise state["failure"]
    return state["count"]


def pipelined(o):
    do_pipelined(o["kind"], o["window"], o["warmUp"])
    cpu = cpu_us()
    started_at = time.perf_counter()
    count = do_pipelined(o["kind"], o["window"], o["seconds"])
    elapsed = time.perf_counter() - started_at
    return {"count": count, "perSecond": count / elapsed, "cpuPerOpUs": (cpu_us() - cpu) / count}


heard = 0
wanted = 0
all_heard = threading.Event()


def on_event(event):
    global heard
    if event.type != "CHANGED":
        return
    heard += 1
    if heard >= wanted:
        all_heard.set()


def expect(count):
    global heard, wanted
    heard, wanted = 0, count
    all_heard.clear()


def deliver(o):
    count, elapsed, cpu, spent, is_warm = 0, 0.0, 0.0, 0.0, False
    while spent < o["seconds"] or not is_warm:
        if not is_warm and spent >= o["warmUp"]:
            is_warm = True
            count, elapsed, cpu, spent = 0, 0.0, 0.0, 0.0
        begun = time.perf_counter()
        run_all(o["watches"], 1000, lambda i: zk.get_async(watched_path(i), watch=on_event))
        expect(o["watches"])
        cpu_at = cpu_us()
        started_at = time.perf_counter()
        told = zk.set_async("/fire", DATA)
        if not all_heard.wait(30):
            raise RuntimeError("%d of %d events came" % (heard, o["watches"]))
        elapsed += time.perf_counter() - started_at
        cpu += cpu_us() - cpu_at
        told.get()
        count += o["watches"]
        spent += time.perf_counter() - begun
    return {"count": count, "perSecond": count / elapsed, "cpuPerOpUs": cpu / count}


def notify(o):
    run_all(o["watches"], 1000, lambda i: zk.get_async(PATHS[i], watch=on_event))
    latencies, is_warm, i = [], False, 0
    begun = time.perf_counter()
    while True:
        spent = time.perf_counter() - begun
        if not is_warm and spent >= o["warmUp"]:
            is_warm, latencies = True, []
        if spent >= o["warmUp"] + o["seconds"]:
            return {"count": len(latencies), **percentiles(latencies)}
        expect(1)
        sent_at = time.perf_counter()
        told = zk.set_async(PATHS[i], DATA)
        if not all_heard.wait(10):
            raise RuntimeError("no event for " + PATHS[i])
        latencies.append((time.perf_counter() - sent_at) * 1e6)
        told.get()
        zk.get(PATHS[i], watch=on_event)
        i = (i + 1) % o["watches"]


def watches(o):
    run_all(5000, 1000, lambda i: zk.get_async(PATHS[i % ZNODES]))
    before = resident()
    run_all(o["count"], 1000, lambda i: zk.get_async(watched_path(i), watch=on_event))
    return {"residentBytes": (resident() - before) / o["count"]}


def rearm(o):
    cut_at = time.perf_counter()
    cut = zk.set_async("/cut", DATA)
    cut.wait(2)
    usable_after = None
    while usable_after is None and time.perf_counter() - cut_at < o["patience"]:
        try:
            zk.get_async("/bench").get(timeout=2)
            usable_after = time.perf_counter() - cut_at
        except Exception:
            time.sleep(0.002)
    if usable_after is None:
        return {"usable": False}
    time.sleep(0.2)
    stats = json.loads(zk.get("/stats")[0])
    expect(o["count"])
    zk.set_async("/fire", DATA)
    all_heard.wait(5)
    return {"usable": True, "usableAfterMs": usable_after * 1e3, "heard": heard, **stats}


def pending(o):
    run_all(20000, 1000, lambda i: zk.get_async(PATHS[i % ZNODES]))
    before = resident()
    results = [zk.get_async("/hold" + PATHS[i % ZNODES]) for i in range(o["count"])]
    time.sleep(1 + o["count"] / 20000)
    after = resident()
    zk.get("/release")
    for result in results:
        result.get()
    return {"residentBytes": (after - before) / o["count"]}


COMMANDS = {f.__name__: f for f in (prepare, sequential, pipelined, deliver, notify, watches, rearm, pending)}


def say(answer):
    print(json.dumps(answer), flush=True)


zk.start(10)
say({"ok": True})
for line in sys.stdin:
    order = json.loads(line)
    try:
        say({"ok": True, **COMMANDS[order["command"]](order)})
    except Exception as error:
        say({"ok": False, "reason": repr(error)})
