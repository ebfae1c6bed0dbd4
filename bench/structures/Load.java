// Curator's counter and queue under load: Load HOSTS counter THREADS SECONDS | HOSTS queue COUNT. Prints operations a second.
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
    if (args[1].equals("counter")) System.out.println("result " + counter(Integer.parseInt(args[2]), Integer.parseInt(args[3])));
    else {
      int count = Integer.parseInt(args[2]);
      queue(count / 4);
      double[] each = queue(count);
      System.out.println("result " + each[0] + " " + each[1]);
    }
    System.exit(0);
  }
}
