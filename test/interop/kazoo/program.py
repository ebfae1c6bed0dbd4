"""kazoo against a server: python3 program.py HOSTS main | HOSTS hold PATH"""
import os, sys, threading, time
from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError, NoAuthError, NodeExistsError, NoNodeError, NotEmptyError
from kazoo.security import make_digest_acl
from steps import raises, step

hosts, mode = sys.argv[1], sys.argv[2]


# With TLS_CA, TLS_CERT and TLS_KEY, names of PEM files, connections speak TLS.
secure = {}
if "TLS_CA" in os.environ:
    secure = {"use_ssl": True, "ca": os.environ["TLS_CA"], "certfile": os.environ["TLS_CERT"], "keyfile": os.environ["TLS_KEY"]}
zk = KazooClient(hosts, timeout=2.0, **secure)
zk.start(10)
if mode == "hold":
    zk.create(sys.argv[3], b"", ephemeral=True)
    step("holding", True)
    time.sleep(60)

root = "/kazoo"
step("connect", zk.client_id[0] != 0)
zk.create(root, b"x")
step("server-version", zk.server_version()[0] == 3 and len(zk.server_version()) == 3, zk.server_version())
step("create", zk.get(root)[0] == b"x")
step("set", zk.set(root, b"yy").version == 1 and zk.exists(root).dataLength == 2)
zk.create(root + "/a/b", b"", makepath=True)
step("children", sorted(zk.get_children(root)) == ["a"])
step("errors", all([
    raises(NodeExistsError, lambda: zk.create(root)),
    raises(NoNodeError, lambda: zk.get("/nowhere")),
    raises(BadVersionError, lambda: zk.set(root, b"", version=9)),
    raises(NotEmptyError, lambda: zk.delete(root)),
]))
names = [zk.create(root + "/s-", b"", sequence=True) for _ in range(2)]
step("sequence", names[1] > names[0] and names[0][-10:].isdigit(), names)

events = []
heard = threading.Event()
zk.get(root, watch=lambda e: (events.append(e.type), heard.set()))
zk.set(root, b"z")
step("data-watch", heard.wait(5) and events == ["CHANGED"], events)
heard.clear()
zk.get_children(root, watch=lambda e: (events.append(e.type), heard.set()))
zk.create(root + "/new")
step("child-watch", heard.wait(5) and events[-1] == "CHILD", events)
heard.clear()
zk.exists(root + "/later", watch=lambda e: (events.append(e.type), heard.set()))
zk.create(root + "/later", ephemeral=True)
step("exists-watch", heard.wait(5) and events[-1] == "CREATED", events)

t = zk.transaction()
t.create(root + "/t", b"1")
t.set_data(root + "/t", b"2")
t.check(root + "/t", 1)
t.delete(root + "/t")
step("multi", len(t.commit()) == 4 and zk.exists(root + "/t") is None)
t = zk.transaction()
t.create(root + "/t")
t.check(root, 99)
results = t.commit()
step("multi-fails", isinstance(results[1], BadVersionError) and zk.exists(root + "/t") is None, results)

zk.add_auth("digest", "joe:pw")
zk.create(root + "/secret", b"s", acl=[make_digest_acl("joe", "pw", all=True)])
other = KazooClient(hosts, timeout=2.0, **secure)
other.start(10)
step("acl", raises(NoAuthError, lambda: other.get(root + "/secret")) and zk.get(root + "/secret")[0] == b"s")

inside, most, guard = [0], [0], threading.Lock()


def work(client):
    for _ in range(5):
        with client.Lock(root + "/lock", str(id(client))):
            with guard:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.005)
            with guard:
                inside[0] -= 1


threads = [threading.Thread(target=work, args=(c,)) for c in (zk, other)]
[each.start() for each in threads]
[each.join() for each in threads]
step("lock", most[0] == 1, most)

views = []
changed = threading.Event()


@zk.ChildrenWatch(root)
def on_children(children):
    views.append(len(children))
    changed.set()


session = zk.client_id[0]
states = []
zk.add_listener(states.append)
step("cut", True)
deadline = time.time() + 20
while (len(states) < 2 or not zk.connected) and time.time() < deadline:
    time.sleep(0.05)
step("reconnect", zk.connected and zk.client_id[0] == session and zk.exists(root + "/later") is not None, states)
changed.clear()
zk.retry(zk.create, root + "/after-cut")
step("watch-after-reconnect", changed.wait(5), views)
other.stop()
zk.delete(root, recursive=True)
step("delete", zk.exists(root) is None)
zk.stop()
step("close", True)
