// Builds one of each of Curator's recipes, held and waited for, and keeps it until its input ends: Trees HOSTS
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessLock;
import org.apache.curator.framework.recipes.locks.InterProcessMultiLock;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreMutex;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.queue.DistributedDelayQueue;
import org.apache.curator.framework.recipes.queue.DistributedIdQueue;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.retry.RetryNTimes;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.zookeeper.CreateMode;

public class Trees {
  interface Step {
    void run() throws Exception;
  }

  static CuratorFramework connect(String hosts) throws Exception {
    CuratorFramework client = CuratorFrameworkFactory.newClient(hosts, 30_000, 20_000, new RetryNTimes(5, 100));
    client.start();
    client.blockUntilConnected(20, TimeUnit.SECONDS);
    return client;
  }

  /** In a thread of its own, since what waits there waits for ever, and mutexes belong to threads. */
  static void waiting(CuratorFramework client, String path, int children, Step step) throws Exception {
    Thread thread = new Thread(() -> {
      try {
        step.run();
      } catch (Exception error) {
        error.printStackTrace();
      }
    });
    thread.setDaemon(true);
    thread.start();
    while (client.checkExists().forPath(path) == null || client.getChildren().forPath(path).size() < children) Thread.sleep(5);
  }

  static void line(CuratorFramework client, String path, InterProcessLock... locks) throws Exception {
    locks[0].acquire();
    for (int i = 1; i < locks.length; i++) waiting(client, path, i + 1, locks[i]::acquire);
  }

  public static void main(String[] args) throws Exception {
    CuratorFramework a = connect(args[0]);
    CuratorFramework b = connect(args[0]);
    line(a, "/curator/lock", new InterProcessMutex(a, "/curator/lock"), new InterProcessMutex(b, "/curator/lock"), new InterProcessMutex(b, "/curator/lock"));
    line(b, "/curator/other-lock", new InterProcessMutex(b, "/curator/other-lock"), new InterProcessMutex(a, "/curator/other-lock"));

    new InterProcessReadWriteLock(a, "/curator/read-write").readLock().acquire();
    line(b, "/curator/read-write", new InterProcessReadWriteLock(b, "/curator/read-write").readLock());
    waiting(a, "/curator/read-write", 3, new InterProcessReadWriteLock(a, "/curator/read-write").writeLock()::acquire);
    waiting(a, "/curator/read-write", 4, new InterProcessReadWriteLock(b, "/curator/read-write").readLock()::acquire);

    new InterProcessSemaphoreV2(a, "/curator/semaphore", 2).acquire();
    new InterProcessSemaphoreV2(b, "/curator/semaphore", 2).acquire();
    // It makes its lease, and waits until another one goes.
    waiting(a, "/curator/semaphore/leases", 3, () -> new InterProcessSemaphoreV2(a, "/curator/semaphore", 2).acquire());
    waiting(a, "/curator/semaphore/locks", 2, () -> new InterProcessSemaphoreV2(b, "/curator/semaphore", 2).acquire());

    LeaderLatch first = new LeaderLatch(a, "/curator/latch", "a");
    first.start();
    first.await();
    waiting(a, "/curator/latch", 2, () -> new LeaderLatch(b, "/curator/latch", "b").start());

    LeaderSelectorListenerAdapter leading = new LeaderSelectorListenerAdapter() {
      public void takeLeadership(CuratorFramework client) throws Exception {
        Thread.sleep(3_600_000);
      }
    };
    int candidates = 0;
    for (CuratorFramework each : new CuratorFramework[] {a, b}) {
      LeaderSelector selector = new LeaderSelector(each, "/curator/selector", leading);
      selector.setId(each == a ? "a" : "b");
      waiting(a, "/curator/selector", ++candidates, selector::start);
    }

    new InterProcessSemaphoreMutex(a, "/curator/mutex").acquire();
    // It makes its lease, and waits until the other one goes.
    waiting(a, "/curator/mutex/leases", 2, () -> new InterProcessSemaphoreMutex(b, "/curator/mutex").acquire());
    new InterProcessMultiLock(a, java.util.Arrays.asList("/curator/multi/one", "/curator/multi/two")).acquire();

    QueueSerializer<String> strings = new QueueSerializer<String>() {
      public byte[] serialize(String item) {
        return item.getBytes();
      }

      public String deserialize(byte[] bytes) {
        return new String(bytes);
      }
    };
    DistributedQueue<String> queue = QueueBuilder.builder(a, null, strings, "/curator/queue").buildQueue();
    queue.start();
    queue.put("one");
    queue.put("two");
    DistributedPriorityQueue<String> priority = QueueBuilder.builder(a, null, strings, "/curator/priority").buildPriorityQueue(0);
    priority.start();
    priority.put("urgent", -5);
    DistributedDelayQueue<String> delay = QueueBuilder.builder(a, null, strings, "/curator/delay").buildDelayQueue();
    delay.start();
    delay.put("later", System.currentTimeMillis() + 3_600_000);
    DistributedIdQueue<String> ids = QueueBuilder.builder(a, null, strings, "/curator/id-queue").buildIdQueue();
    ids.start();
    ids.put("job", "job-1");
    new SimpleDistributedQueue(a, "/curator/simple-queue").offer("simple".getBytes());
    queue.flushPuts(10, TimeUnit.SECONDS);
    ids.flushPuts(10, TimeUnit.SECONDS);
    priority.flushPuts(10, TimeUnit.SECONDS);
    delay.flushPuts(10, TimeUnit.SECONDS);

    waiting(a, "/curator/gathering", 1, () -> new DistributedDoubleBarrier(a, "/curator/gathering", 2).enter());
    CountDownLatch inside = new CountDownLatch(2);
    for (CuratorFramework each : new CuratorFramework[] {a, b}) {
      new Thread(() -> {
        try {
          new DistributedDoubleBarrier(each, "/curator/inside", 2).enter();
          inside.countDown();
        } catch (Exception error) {
          error.printStackTrace();
        }
      }).start();
    }
    inside.await();

    new GroupMember(a, "/curator/group", "node-1").start();
    waiting(a, "/curator/group", 2, () -> new GroupMember(b, "/curator/group", "node-2").start());

    // These are one znode each, which looks like any other.
    new DistributedBarrier(a, "/curator/single/barrier").setBarrier();
    SharedCount count = new SharedCount(a, "/curator/single/count", 7);
    count.start();
    PersistentNode node = new PersistentNode(a, CreateMode.EPHEMERAL, false, "/curator/persistent/node", "here".getBytes());
    node.start();
    node.waitForInitialCreate(10, TimeUnit.SECONDS);

    ServiceDiscovery<Void> discovery = ServiceDiscoveryBuilder.builder(Void.class).client(a).basePath("/curator/services").build();
    discovery.start();
    discovery.registerService(ServiceInstance.<Void>builder().name("web").id("web-1").address("10.0.0.7").port(8080).build());

    System.out.println("ready");
    while (System.in.read() >= 0) continue;
    System.exit(0);
  }
}
