// Curator's recipes for bench/recipes.mjs: Curator HOSTS; orders on stdin, `WORKLOAD CONTENDERS SECONDS WARM_UP PATH`, answers in JSON.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.shared.SharedValue;
import org.apache.curator.retry.RetryOneTime;
import org.apache.zookeeper.CreateMode;

public class Curator {
  interface Turn {
    void take() throws Exception;
  }

  static final List<CuratorFramework> clients = new ArrayList<>();

  static CuratorFramework client(String hosts, int i) throws Exception {
    while (clients.size() <= i) {
      CuratorFramework client = CuratorFrameworkFactory.newClient(hosts, 30_000, 10_000, new RetryOneTime(100));
      client.start();
      client.blockUntilConnected(10, TimeUnit.SECONDS);
      clients.add(client);
    }
    return clients.get(i);
  }

  static Turn turn(String workload, CuratorFramework client, String path) throws Exception {
    if (workload.equals("lock")) {
      InterProcessMutex mutex = new InterProcessMutex(client, path);
      return () -> {
        mutex.acquire();
        mutex.release();
      };
    }
    if (workload.equals("read-lock")) {
      InterProcessMutex mutex = new InterProcessReadWriteLock(client, path).readLock();
      return () -> {
        mutex.acquire();
        mutex.release();
      };
    }
    if (workload.equals("semaphore")) {
      InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(client, path, 2);
      return () -> semaphore.returnLease(semaphore.acquire());
    }
    if (workload.equals("double-barrier")) {
      // As many go through it as there are contenders, and alone it is one.
      DistributedDoubleBarrier barrier = new DistributedDoubleBarrier(client, path, 1);
      return () -> {
        barrier.enter();
        barrier.leave();
      };
    }
    if (workload.equals("persistent-node")) {
      return () -> {
        try (PersistentNode node = new PersistentNode(client, CreateMode.EPHEMERAL, false, path, new byte[10])) {
          node.start();
          node.waitForInitialCreate(10, TimeUnit.SECONDS);
        }
      };
    }
    if (workload.equals("shared-value")) {
      SharedValue value = new SharedValue(client, path, new byte[10]);
      value.start();
      return () -> value.setValue(new byte[10]);
    }
    if (workload.equals("election")) {
      return () -> {
        // A latch is elected once: the next term takes another.
        try (LeaderLatch latch = new LeaderLatch(client, path)) {
          latch.start();
          latch.await();
        }
      };
    }
    throw new IllegalArgumentException(workload);
  }

  public static void main(String[] args) throws Exception {
    client(args[0], 0);
    System.out.println("{\"ready\": true}");
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] order = line.split(" ");
      int contenders = Integer.parseInt(order[1]);
      long warm = (long) (Double.parseDouble(order[3]) * 1e9);
      long length = (long) (Double.parseDouble(order[2]) * 1e9);
      List<Turn> turns = new ArrayList<>();
      for (int i = 0; i < contenders; i++) turns.add(turn(order[0], client(args[0], i), order[4]));
      long start = System.nanoTime() + warm;
      long end = start + length;
      AtomicLong taken = new AtomicLong();
      List<Thread> threads = new ArrayList<>();
      for (Turn turn : turns) {
        Thread thread = new Thread(() -> {
          try {
            for (long now = System.nanoTime(); now < end; now = System.nanoTime()) {
              turn.take();
              long done = System.nanoTime();
              if (done >= start && done < end) taken.incrementAndGet();
            }
          } catch (Exception error) {
            error.printStackTrace();
            System.exit(1);
          }
        });
        thread.start();
        threads.add(thread);
      }
      for (Thread thread : threads) thread.join();
      System.out.println("{\"turns\": " + taken.get() + "}");
    }
    System.exit(0);
  }
}
