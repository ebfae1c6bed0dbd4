// Curator's counter and queue for bench/counters-queues.mjs: Load HOSTS; orders on stdin, `counter THREADS SECONDS` or `queue COUNT`, answers
// in JSON: operations a second.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryNTimes;

public class Load {
  static CuratorFramework client;

  static double counter(int threads, int seconds) throws Exception {
    String path = "/bench/long-" + System.nanoTime();
    AtomicLong done = new AtomicLong();
    var pool = Executors.newFixedThreadPool(threads);
    for (int round = 0; round < 2; round++) {
      // The first round warms up.
      done.set(0);
      long until = System.nanoTime() + (round == 0 ? 2_000_000_000L : seconds * 1_000_000_000L);
      CountDownLatch ended = new CountDownLatch(threads);
      for (int i = 0; i < threads; i++) {
        pool.submit(() -> {
          try {
            DistributedAtomicLong counter = new DistributedAtomicLong(client, path, new RetryNTimes(10_000, 0));
            while (System.nanoTime() < until) if (counter.increment().succeeded()) done.incrementAndGet();
          } catch (Exception error) {
            error.printStackTrace();
          }
          ended.countDown();
        });
      }
      ended.await();
    }
    pool.shutdown();
    return done.get() / (double) seconds;
  }

  static double[] queue(int count) throws Exception {
    String path = "/bench/queue-" + System.nanoTime();
    QueueSerializer<byte[]> bytes = new QueueSerializer<byte[]>() {
      public byte[] serialize(byte[] item) {
        return item;
      }

      public byte[] deserialize(byte[] item) {
        return item;
      }
    };
    long start = System.nanoTime();
    try (DistributedQueue<byte[]> producer = QueueBuilder.builder(client, null, bytes, path).buildQueue()) {
      producer.start();
      for (int i = 0; i < count; i++) producer.put(new byte[100]);
      producer.flushPuts(120, TimeUnit.SECONDS);
    }
    double put = count / ((System.nanoTime() - start) / 1e9);
    CountDownLatch taken = new CountDownLatch(count);
    QueueConsumer<byte[]> consumer = new QueueConsumer<byte[]>() {
      public void consumeMessage(byte[] message) {
        taken.countDown();
      }

      public void stateChanged(CuratorFramework client, ConnectionState state) {
      }
    };
    start = System.nanoTime();
    try (DistributedQueue<byte[]> queue = QueueBuilder.builder(client, consumer, bytes, path).lockPath(path + "-locks").buildQueue()) {
      queue.start();
      taken.await();
    }
    return new double[] {put, count / ((System.nanoTime() - start) / 1e9)};
  }

  public static void main(String[] args) throws Exception {
    client = CuratorFrameworkFactory.newClient(args[0], 30_000, 10_000, new RetryNTimes(5, 100));
    client.start();
    client.blockUntilConnected(20, TimeUnit.SECONDS);
    System.out.println("{\"ready\": true}");
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] order = line.split(" ");
      if (order[0].equals("counter")) {
        double increments = counter(Integer.parseInt(order[1]), Integer.parseInt(order[2]));
        System.out.println("{\"increments\": " + increments + "}");
      } else {
        int count = Integer.parseInt(order[1]);
        queue(count / 4);
        double[] each = queue(count);
        System.out.println("{\"puts\": " + each[0] + ", \"takes\": " + each[1] + "}");
      }
    }
    System.exit(0);
  }
}
