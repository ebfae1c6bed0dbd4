// Barriers, queues, counters and shared values.
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.atomic.CachedAtomicLong;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicInteger;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicValue;
import org.apache.curator.framework.recipes.atomic.PromotedToLock;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.queue.DistributedDelayQueue;
import org.apache.curator.framework.recipes.queue.DistributedIdQueue;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.recipes.shared.SharedCountListener;
import org.apache.curator.framework.recipes.shared.SharedCountReader;
import org.apache.curator.framework.recipes.shared.SharedValue;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryNTimes;

public class Shared extends Lane {
  static void run(CuratorFramework a, CuratorFramework b) throws Exception {
    barriers(a, b);
    queues(a, b);
    counters(a, b);
    values(a, b);
  }

  private static void barriers(CuratorFramework a, CuratorFramework b) throws Exception {
    DistributedBarrier mine = new DistributedBarrier(a, ROOT + "/barrier");
    DistributedBarrier theirs = new DistributedBarrier(b, ROOT + "/barrier");
    mine.setBarrier();
    step("barrier: holds", !theirs.waitOnBarrier(200, TimeUnit.MILLISECONDS), "");
    Future<Boolean> waiting = spawn(() -> theirs.waitOnBarrier(20, TimeUnit.SECONDS));
    mine.removeBarrier();
    step("barrier: opens", within(waiting), "");
    DistributedDoubleBarrier first = new DistributedDoubleBarrier(a, ROOT + "/double", 2);
    DistributedDoubleBarrier second = new DistributedDoubleBarrier(b, ROOT + "/double", 2);
    Future<Boolean> entering = spawn(() -> first.enter(20, TimeUnit.SECONDS));
    until(() -> a.checkExists().forPath(ROOT + "/double") != null);
    step("double barrier: waits", !entering.isDone(), "");
    step("double barrier: all in", second.enter(20, TimeUnit.SECONDS) && within(entering), "");
    Future<Boolean> leaving = spawn(() -> first.leave(20, TimeUnit.SECONDS));
    step("double barrier: all out", second.leave(20, TimeUnit.SECONDS) && within(leaving), "");
  }

  private static final QueueSerializer<String> strings = new QueueSerializer<>() {
    public byte[] serialize(String item) {
      return item.getBytes();
    }

    public String deserialize(byte[] bytes) {
      return new String(bytes);
    }
  };

  /** Keeps what it consumes; fails once on each item that begins with "bad". */
  private static class Consumer implements QueueConsumer<String> {
    final List<String> items = new CopyOnWriteArrayList<>();
    final AtomicInteger failures = new AtomicInteger();

    public void consumeMessage(String message) throws Exception {
      if (message.startsWith("bad") && failures.incrementAndGet() == 1) throw new IllegalStateException("once");
      items.add(message);
    }

    public void stateChanged(CuratorFramework client, ConnectionState state) {
    }
  }

  private static QueueBuilder<String> builder(CuratorFramework client, QueueConsumer<String> consumer, String path) {
    return QueueBuilder.builder(client, consumer, strings, path).executor(Runnable::run);
  }

  private static void queues(CuratorFramework a, CuratorFramework b) throws Exception {
    Consumer consumer = new Consumer();
    try (DistributedQueue<String> in = builder(a, null, ROOT + "/queue").lockPath(ROOT + "/queue-lock").buildQueue();
        DistributedQueue<String> out = builder(b, consumer, ROOT + "/queue").lockPath(ROOT + "/queue-lock").buildQueue()) {
      in.start();
      for (String each : List.of("one", "two", "bad", "three")) in.put(each);
      in.flushPuts(20, TimeUnit.SECONDS);
      out.start();
      step("queue: in order, failed items again", until(() -> consumer.items.size() == 4) && consumer.items.containsAll(List.of("one", "two", "bad", "three")) && consumer.items.indexOf("one") < consumer.items.indexOf("two"), consumer.items);
    }
    Consumer ids = new Consumer();
    try (DistributedIdQueue<String> in = builder(a, null, ROOT + "/id-queue").buildIdQueue();
        DistributedIdQueue<String> out = builder(b, ids, ROOT + "/id-queue").buildIdQueue()) {
      in.start();
      in.put("stays", "s");
      in.put("goes", "g");
      in.flushPuts(20, TimeUnit.SECONDS);
      until(() -> in.remove("g") == 1);
      out.start();
      step("id queue: removed by id", until(() -> ids.items.equals(List.of("stays"))), ids.items);
    }
    Consumer ranked = new Consumer();
    try (DistributedPriorityQueue<String> in = builder(a, null, ROOT + "/priority").buildPriorityQueue(0)) {
      in.start();
      in.put("late", 9);
      in.put("early", -3);
      in.put("middle", 2);
      in.flushPuts(20, TimeUnit.SECONDS);
    }
    try (DistributedPriorityQueue<String> out = builder(b, ranked, ROOT + "/priority").buildPriorityQueue(0)) {
      out.start();
      step("priority queue: in order", until(() -> ranked.items.equals(List.of("early", "middle", "late"))), ranked.items);
    }
    Consumer delayed = new Consumer();
    try (DistributedDelayQueue<String> queue = builder(a, delayed, ROOT + "/delay").buildDelayQueue()) {
      queue.start();
      long now = System.currentTimeMillis();
      queue.put("second", now + 600);
      queue.put("first", now + 200);
      step("delay queue: by time", until(() -> delayed.items.equals(List.of("first", "second"))) && System.currentTimeMillis() >= now + 600, delayed.items);
    }
    SimpleDistributedQueue mine = new SimpleDistributedQueue(a, ROOT + "/simple");
    SimpleDistributedQueue theirs = new SimpleDistributedQueue(b, ROOT + "/simple");
    mine.offer(bytes("x"));
    step("simple queue: peek and take", new String(theirs.peek()).equals("x") && new String(theirs.take()).equals("x") && theirs.poll() == null, "");
    Future<byte[]> waiting = spawn(theirs::take);
    mine.offer(bytes("y"));
    step("simple queue: waits", new String(within(waiting)).equals("y"), "");
  }

  private static void counters(CuratorFramework a, CuratorFramework b) throws Exception {
    RetryNTimes often = new RetryNTimes(500, 2);
    List<Future<Integer>> all = new ArrayList<>();
    for (CuratorFramework each : List.of(a, b)) {
      all.add(spawn(() -> {
        DistributedAtomicLong own = new DistributedAtomicLong(each, ROOT + "/long", often);
        int done = 0;
        for (int i = 0; i < 20; i++) if (own.increment().succeeded()) done++;
        return done;
      }));
    }
    int done = 0;
    for (Future<Integer> each : all) done += within(each);
    DistributedAtomicLong total = new DistributedAtomicLong(a, ROOT + "/long", often);
    step("atomic long: together", done == 40 && total.get().postValue() == 40, total.get().postValue());
    step("atomic long: compare", total.compareAndSet(40L, -1L).succeeded() && !total.compareAndSet(40L, 5L).succeeded() && total.subtract(1L).postValue() == -2, "");
    DistributedAtomicInteger locked = new DistributedAtomicInteger(b, ROOT + "/int", new RetryNTimes(0, 0),
        PromotedToLock.builder().lockPath(ROOT + "/int-lock").retryPolicy(often).build());
    step("atomic integer: promoted to a lock", locked.initialize(7) && locked.trySet(9).succeeded() && locked.decrement().postValue() == 8, "");
    DistributedAtomicValue value = new DistributedAtomicValue(a, ROOT + "/any", often);
    value.forceSet(bytes("v"));
    step("atomic value: forced", new String(value.get().postValue()).equals("v"), "");
    CachedAtomicLong cached = new CachedAtomicLong(new DistributedAtomicLong(a, ROOT + "/ids", often), 10);
    long first = cached.next().postValue();
    for (int i = 0; i < 10; i++) cached.next();
    step("cached long: a block at a time", cached.next().postValue() == first + 11 && new DistributedAtomicLong(b, ROOT + "/ids", often).get().postValue() == 20, first);
  }

  private static void values(CuratorFramework a, CuratorFramework b) throws Exception {
    try (SharedCount mine = new SharedCount(a, ROOT + "/count", 5); SharedCount theirs = new SharedCount(b, ROOT + "/count", 0)) {
      mine.start();
      theirs.start();
      CountDownLatch heard = new CountDownLatch(1);
      theirs.addListener(new SharedCountListener() {
        public void countHasChanged(SharedCountReader reader, int count) {
          if (count == 6) heard.countDown();
        }

        public void stateChanged(CuratorFramework client, ConnectionState state) {
        }
      });
      step("shared count: seeded", theirs.getCount() == 5, theirs.getCount());
      mine.setCount(6);
      step("shared count: heard", heard.await(20, TimeUnit.SECONDS) && theirs.getCount() == 6, "");
      step("shared count: by version", theirs.trySetCount(theirs.getVersionedValue(), 7) && until(() -> mine.getCount() == 7), "");
    }
    try (SharedValue mine = new SharedValue(a, ROOT + "/value", bytes("seed")); SharedValue theirs = new SharedValue(b, ROOT + "/value", bytes("other"))) {
      mine.start();
      theirs.start();
      theirs.setValue(bytes("set"));
      step("shared value: seen", until(() -> new String(mine.getValue()).equals("set")), "");
    }
  }
}
