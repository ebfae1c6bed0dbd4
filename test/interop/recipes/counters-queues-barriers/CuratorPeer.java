// Curator's counters, queues and barriers, which execute commands line by line: CuratorPeer HOSTS
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicInteger;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.cache.ChildData;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.queue.DistributedDelayQueue;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.recipes.shared.SharedValue;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryNTimes;

public class CuratorPeer {
  static final QueueSerializer<String> strings = new QueueSerializer<String>() {
    public byte[] serialize(String item) {
      return item.getBytes();
    }

    public String deserialize(byte[] bytes) {
      return new String(bytes);
    }
  };

  static CuratorFramework client;
  static final Map<String, SharedCount> counts = new ConcurrentHashMap<>();
  static final Map<String, DistributedDoubleBarrier> doubles = new ConcurrentHashMap<>();
  static final Map<String, CuratorCache> caches = new ConcurrentHashMap<>();

  static SharedCount count(String path) throws Exception {
    SharedCount count = counts.get(path);
    if (count == null) {
      count = new SharedCount(client, path, 0);
      count.start();
      counts.put(path, count);
    }
    return count;
  }

  static String after(AtomicValue<?> value) {
    return value.succeeded() ? String.valueOf(value.postValue()) : "failed";
  }

  /** Consumes until `wanted` items have come. */
  static String take(String kind, String path, String lockPath, int wanted) throws Exception {
    List<String> items = new CopyOnWriteArrayList<>();
    CountDownLatch done = new CountDownLatch(wanted);
    QueueConsumer<String> consumer = new QueueConsumer<String>() {
      public void consumeMessage(String message) {
        items.add(message);
        done.countDown();
      }

      public void stateChanged(CuratorFramework client, ConnectionState state) {
      }
    };
    // One at a time, so that their order can be judged.
    QueueBuilder<String> builder = QueueBuilder.builder(client, consumer, strings, path).lockPath(lockPath).executor(Runnable::run);
    if (kind.equals("priority")) {
      try (DistributedPriorityQueue<String> queue = builder.buildPriorityQueue(0)) {
        queue.start();
        done.await(20, TimeUnit.SECONDS);
      }
    } else if (kind.equals("delay")) {
      try (DistributedDelayQueue<String> queue = builder.buildDelayQueue()) {
        queue.start();
        done.await(20, TimeUnit.SECONDS);
      }
    } else {
      try (DistributedQueue<String> queue = builder.buildQueue()) {
        queue.start();
        done.await(20, TimeUnit.SECONDS);
      }
    }
    return String.join(",", items);
  }

  static String put(String kind, String path, String item, String rank) throws Exception {
    QueueBuilder<String> builder = QueueBuilder.builder(client, null, strings, path);
    if (kind.equals("priority")) {
      try (DistributedPriorityQueue<String> queue = builder.buildPriorityQueue(0)) {
        queue.start();
        queue.put(item, Integer.parseInt(rank));
        queue.flushPuts(10, TimeUnit.SECONDS);
      }
    } else if (kind.equals("delay")) {
      try (DistributedDelayQueue<String> queue = builder.buildDelayQueue()) {
        queue.start();
        queue.put(item, Long.parseLong(rank));
        queue.flushPuts(10, TimeUnit.SECONDS);
      }
    } else {
      try (DistributedQueue<String> queue = builder.buildQueue()) {
        queue.start();
        queue.put(item);
        queue.flushPuts(10, TimeUnit.SECONDS);
      }
    }
    return "";
  }

  static String run(String[] a) throws Exception {
    String path = a[2];
    switch (a[1]) {
      case "count-get":
        return String.valueOf(count(path).getCount());
      case "count-set":
        count(path).setCount(Integer.parseInt(a[3]));
        return "";
      case "count-try":
        return String.valueOf(count(path).trySetCount(count(path).getVersionedValue(), Integer.parseInt(a[3])));
      case "value-set": {
        try (SharedValue value = new SharedValue(client, path, "seed".getBytes())) {
          value.start();
          value.setValue(a[3].getBytes());
        }
        return "";
      }
      case "int-add":
        return after(new DistributedAtomicInteger(client, path, new RetryNTimes(50, 5)).add(Integer.parseInt(a[3])));
      case "long-add":
        return after(new DistributedAtomicLong(client, path, new RetryNTimes(50, 5)).add(Long.parseLong(a[3])));
      case "long-many": {
        DistributedAtomicLong counter = new DistributedAtomicLong(client, path, new RetryNTimes(1000, 1));
        int succeeded = 0;
        for (int i = 0; i < Integer.parseInt(a[3]); i++) if (counter.increment().succeeded()) succeeded++;
        return String.valueOf(succeeded);
      }
      case "long-get":
        return String.valueOf(new DistributedAtomicLong(client, path, new RetryNTimes(50, 5)).get().postValue());
      case "barrier-set":
        new DistributedBarrier(client, path).setBarrier();
        return "";
      case "barrier-remove":
        new DistributedBarrier(client, path).removeBarrier();
        return "";
      case "barrier-wait":
        return String.valueOf(new DistributedBarrier(client, path).waitOnBarrier(20, TimeUnit.SECONDS));
      case "double-enter": {
        DistributedDoubleBarrier barrier = new DistributedDoubleBarrier(client, path, Integer.parseInt(a[3]));
        doubles.put(path, barrier);
        return String.valueOf(barrier.enter(20, TimeUnit.SECONDS));
      }
      case "double-leave":
        return String.valueOf(doubles.get(path).leave(20, TimeUnit.SECONDS));
      case "put":
        return put(a[3], path, a[4], a.length > 5 ? a[5] : "");
      case "take":
        return take(a[3], path, a[4], Integer.parseInt(a[5]));
      case "cache-start": {
        CuratorCache cache = CuratorCache.build(client, path);
        CountDownLatch initialized = new CountDownLatch(1);
        cache.listenable().addListener(org.apache.curator.framework.recipes.cache.CuratorCacheListener.builder().forInitialized(initialized::countDown).build());
        cache.start();
        caches.put(path, cache);
        return String.valueOf(initialized.await(10, TimeUnit.SECONDS));
      }
      case "cache-get": {
        // What is told here is told soon.
        for (int i = 0; i < 200; i++) {
          String found = caches.get(path).get(a[3]).map(ChildData::getData).map(String::new).orElse("absent");
          if (found.equals(a[4])) return found;
          Thread.sleep(50);
        }
        return caches.get(path).get(a[3]).map(ChildData::getData).map(String::new).orElse("absent");
      }
      default:
        throw new IllegalArgumentException(a[1]);
    }
  }

  public static void main(String[] args) throws Exception {
    client = CuratorFrameworkFactory.newClient(args[0], 10_000, 10_000, new RetryNTimes(5, 100));
    client.start();
    client.blockUntilConnected(20, TimeUnit.SECONDS);
    Commands.serve(CuratorPeer::run);
  }
}
