// Apache's Java client and Curator against a server: Program HOSTS main | HOSTS hold PATH
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryOneTime;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

public class Program {
  static void step(String name, boolean ok, Object detail) {
    System.out.println("{\"step\": \"" + name + "\", \"ok\": " + ok + ", \"detail\": \"" + String.valueOf(detail).replaceAll("[\"\\s]+", " ") + "\"}");
    System.out.flush();
  }

  interface Call {
    void run() throws Exception;
  }

  static boolean raises(KeeperException.Code code, Call call) throws Exception {
    try {
      call.run();
    } catch (KeeperException error) {
      return error.code() == code;
    }
    return false;
  }

  // With one server in its list, Java's client waits 1.1 to 2.1 s before it connects again: a cut needs a longer session than that.
  static final int CUT = 8000;
  static final int HOLD = 2000;

  static CuratorFramework curator(String hosts, int sessionTimeout) throws Exception {
    CuratorFramework client = CuratorFrameworkFactory.newClient(hosts, sessionTimeout, 5000, new RetryOneTime(100));
    client.start();
    client.blockUntilConnected(10, TimeUnit.SECONDS);
    return client;
  }

  public static void main(String[] args) throws Exception {
    CuratorFramework client = curator(args[0], args[1].equals("hold") ? HOLD : CUT);
    ZooKeeper zk = client.getZookeeperClient().getZooKeeper();
    if (args[1].equals("hold")) {
      zk.create(args[2], new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
      step("holding", true, "");
      Thread.sleep(60_000);
    }
    String root = "/java";
    step("connect", zk.getSessionId() != 0, "");
    step("create", zk.create(root, "x".getBytes(), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT).equals(root), "");
    step("set", zk.setData(root, "yy".getBytes(), 0).getVersion() == 1 && new String(zk.getData(root, false, null)).equals("yy"), "");
    Stat stat = new Stat();
    zk.create(root + "/two", new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.CONTAINER, stat);
    step("create2", stat.getCzxid() > 0 && zk.getAllChildrenNumber(root) == 1 && zk.getChildren(root, false).size() == 1, stat);
    step("errors",
        raises(KeeperException.Code.NODEEXISTS, () -> zk.create(root, null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT))
            && raises(KeeperException.Code.NONODE, () -> zk.getData("/nowhere", false, null))
            && raises(KeeperException.Code.BADVERSION, () -> zk.setData(root, null, 9))
            && raises(KeeperException.Code.NOTEMPTY, () -> zk.delete(root, -1)), "");
    BlockingQueue<WatchedEvent> events = new LinkedBlockingQueue<>();
    zk.getData(root, events::add, null);
    zk.setData(root, "z".getBytes(), -1);
    step("data-watch", events.poll(5, TimeUnit.SECONDS).getType() == EventType.NodeDataChanged, "");
    zk.addWatch(root, events::add, AddWatchMode.PERSISTENT_RECURSIVE);
    zk.create(root + "/two/three", null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
    WatchedEvent deep = events.poll(5, TimeUnit.SECONDS);
    step("recursive-watch", deep.getType() == EventType.NodeCreated && deep.getPath().equals(root + "/two/three"), deep);
    zk.multi(List.of(Op.create(root + "/m", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT), Op.check(root + "/m", 0), Op.delete(root + "/m", 0)));
    step("multi", zk.exists(root + "/m", false) == null, "");
    step("multi-fails", raises(KeeperException.Code.BADVERSION, () -> zk.multi(List.of(Op.delete(root + "/two/three", -1), Op.check(root, 99)))), "");
    step("multi-read", zk.multi(List.of(Op.getData(root), Op.getChildren(root))).size() == 2, "");

    CuratorFramework other = curator(args[0], CUT);
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    CountDownLatch done = new CountDownLatch(2);
    for (CuratorFramework each : List.of(client, other)) {
      new Thread(() -> {
        InterProcessMutex mutex = new InterProcessMutex(each, root + "/lock");
        try {
          for (int i = 0; i < 5; i++) {
            mutex.acquire();
            most.accumulateAndGet(inside.incrementAndGet(), Math::max);
            Thread.sleep(5);
            inside.decrementAndGet();
            mutex.release();
          }
        } catch (Exception error) {
          most.set(100);
        }
        done.countDown();
      }).start();
    }
    done.await(30, TimeUnit.SECONDS);
    step("lock", most.get() == 1, most);

    LeaderLatch first = new LeaderLatch(client, root + "/latch", "first");
    LeaderLatch second = new LeaderLatch(other, root + "/latch", "second");
    first.start();
    first.await(10, TimeUnit.SECONDS);
    second.start();
    first.close();
    step("leader-latch", second.await(10, TimeUnit.SECONDS) && second.hasLeadership(), "");
    second.close();

    CuratorCache cache = CuratorCache.build(other, root + "/cached");
    CountDownLatch cached = new CountDownLatch(2);
    cache.listenable().addListener((type, before, after) -> cached.countDown());
    cache.start();
    client.create().creatingParentsIfNeeded().forPath(root + "/cached/a", "1".getBytes());
    step("cache", cached.await(10, TimeUnit.SECONDS) && cache.get(root + "/cached/a").isPresent(), "");
    cache.close();

    ServiceDiscovery<Void> discovery = ServiceDiscoveryBuilder.builder(Void.class).client(client).basePath(root + "/services").build();
    discovery.start();
    discovery.registerService(ServiceInstance.<Void>builder().name("users").address("10.0.0.7").port(8080).build());
    step("discovery", discovery.queryForInstances("users").iterator().next().getPort() == 8080, "");

    CountDownLatch lost = new CountDownLatch(1);
    CountDownLatch back = new CountDownLatch(1);
    client.getConnectionStateListenable().addListener((c, state) -> {
      if (state == ConnectionState.SUSPENDED) lost.countDown();
      if (state == ConnectionState.RECONNECTED) back.countDown();
    });
    long session = zk.getSessionId();
    events.clear();
    step("cut", true, "");
    boolean again = lost.await(20, TimeUnit.SECONDS) && back.await(20, TimeUnit.SECONDS);
    step("reconnect", again && zk.getSessionId() == session && zk.exists(root + "/two/three", false) != null, "");
    zk.create(root + "/after", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
    // The recipes go on below the same root; the event of ours is among theirs.
    WatchedEvent event = events.poll(10, TimeUnit.SECONDS);
    while (event != null && !(root + "/after").equals(event.getPath())) event = events.poll(10, TimeUnit.SECONDS);
    step("watch-after-reconnect", event != null && event.getType() == EventType.NodeCreated, event);
    discovery.close();
    other.close();
    client.close();
    step("close", true, "");
    System.exit(0);
  }
}
