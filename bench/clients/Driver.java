/** Driver of Apache's own client: its asynchronous calls, each callback making the next one on the client's event thread. */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;

public final class Driver {
  static final int ZNODES = 1000;
  static final byte[] DATA = "x".repeat(100).getBytes(StandardCharsets.US_ASCII);
  static final String[] PATHS = new String[ZNODES];
  static ZooKeeper zk;

  /** Settles with 0 or the code of an error. */
  interface Done { void done(int code); }
  interface Call { void start(int i, Done done); }

  static String watchedPath(int i) { return String.format("/bench/watched/w%07d", i); }

  static double cpuUs() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() / 1e3;
  }

  static void request(String kind, String path, Done done) {
    if (kind.equals("set")) zk.setData(path, DATA, -1, (code, at, context, stat) -> done.done(code), null);
    else zk.getData(path, false, (code, at, context, data, stat) -> {
      if (code == 0 && data.length == 0) throw new IllegalStateException("no data at " + at);
      done.done(code);
    }, null);
  }

  static void check(int code) throws KeeperException {
    if (code != 0) throw KeeperException.create(KeeperException.Code.get(code));
  }

  /** One call, waited for. */
  static void one(BiConsumer<Integer, Done> call) throws Exception {
    CompletableFuture<Integer> told = new CompletableFuture<>();
    call.accept(0, told::complete);
    check(told.get());
  }

  /** `count` calls, at most `window` at once. */
  static void all(int count, int window, Call call) throws Exception {
    AtomicInteger next = new AtomicInteger();
    AtomicInteger left = new AtomicInteger(count);
    CompletableFuture<Integer> over = new CompletableFuture<>();
    Done[] done = new Done[1];
    Runnable start = () -> {
      int i = next.getAndIncrement();
      if (i < count) call.start(i, done[0]);
    };
    done[0] = code -> {
      if (code != 0) over.complete(code);
      else if (left.decrementAndGet() == 0) over.complete(0);
      else start.run();
    };
    for (int i = 0; i < window; i++) start.run();
    check(over.get());
  }

  static String percentiles(double[] latencies, int count) {
    Arrays.sort(latencies, 0, count);
    return String.format("\"p50\":%f,\"p99\":%f", latencies[Math.min(count - 1, (int) (count * 0.5))], latencies[Math.min(count - 1, (int) (count * 0.99))]);
  }

  static long heap, resident;
  static void memory() throws Exception {
    for (int i = 0; i < 3; i++) { System.gc(); Thread.sleep(100); }
    heap = Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) resident = Long.parseLong(line.replaceAll("\\D", "")) * 1024;
    }
  }
  static String each(long heapBefore, long residentBefore, int count) {
    return String.format("\"heapBytes\":%f,\"residentBytes\":%f", (heap - heapBefore) / (double) count, (resident - residentBefore) / (double) count);
  }

  static String prepare() throws Exception {
    BiConsumer<String, Done> create = (path, done) -> zk.create(path, DATA, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT,
        (code, at, context, name) -> done.done(code == KeeperException.Code.NODEEXISTS.intValue() ? 0 : code), null);
    one((i, done) -> create.accept("/bench", done));
    all(ZNODES, 100, (i, done) -> create.accept(PATHS[i], done));
    return "";
  }

  static double[] latencies = new double[1 << 20];
  static int sequential(String kind, double seconds) throws Exception {
    int count = 0;
    long until = System.nanoTime() + (long) (seconds * 1e9);
    while (count < latencies.length) {
      String path = PATHS[count % ZNODES];
      long sentAt = System.nanoTime();
      if (kind.equals("set")) zk.setData(path, DATA, -1);
      else zk.getData(path, false, null);
      long now = System.nanoTime();
      latencies[count++] = (now - sentAt) / 1e3;
      if (now >= until) break;
    }
    return count;
  }

  static final class Worker implements Done {
    static volatile boolean isOver;
    static AtomicInteger open;
    static CountDownLatch closed;
    static volatile int failure;
    final String kind;
    final int window;
    int at;
    int count;
    Worker(String kind, int window, int at) { this.kind = kind; this.window = window; this.at = at; }
    @Override public void done(int code) {
      if (code != 0) failure = code;
      else count++;
      if (isOver || code != 0) closed.countDown();
      else start();
    }
    void start() {
      String path = PATHS[at % ZNODES];
      at += window;
      request(kind, path, this);
    }
  }

  static long pipelined(String kind, int window, double seconds) throws Exception {
    Worker.isOver = false;
    Worker.failure = 0;
    Worker.closed = new CountDownLatch(window);
    Worker[] workers = new Worker[window];
    for (int i = 0; i < window; i++) workers[i] = new Worker(kind, window, i);
    for (Worker worker : workers) worker.start();
    Thread.sleep((long) (seconds * 1000));
    Worker.isOver = true;
    Worker.closed.await();
    check(Worker.failure);
    long count = 0;
    for (Worker worker : workers) count += worker.count;
    return count;
  }

  /** A permit for each event heard. */
  static final Semaphore events = new Semaphore(0);
  static final Watcher onEvent = event -> {
    if (event.getType() == Watcher.Event.EventType.NodeDataChanged) events.release();
  };
  static void watch(String path, Done done) {
    zk.getData(path, onEvent, (code, at, context, data, stat) -> done.done(code), null);
  }

  static String deliver(int watches, double seconds, double warmUp) throws Exception {
    long count = 0;
    double elapsed = 0, cpu = 0, spent = 0;
    boolean isWarm = false;
    while (spent < seconds || !isWarm) {
      if (!isWarm && spent >= warmUp) {
        isWarm = true;
        count = 0;
        elapsed = cpu = spent = 0;
      }
      long begun = System.nanoTime();
      events.drainPermits();
      all(watches, 1000, (i, done) -> watch(watchedPath(i), done));
      double cpuAt = cpuUs();
      long startedAt = System.nanoTime();
      CompletableFuture<Integer> told = new CompletableFuture<>();
      request("set", "/fire", told::complete);
      if (!events.tryAcquire(watches, 30, TimeUnit.SECONDS)) throw new IllegalStateException("only " + events.availablePermits() + " events came");
      elapsed += (System.nanoTime() - startedAt) / 1e9;
      cpu += cpuUs() - cpuAt;
      check(told.get());
      count += watches;
      spent += (System.nanoTime() - begun) / 1e9;
    }
    return String.format("\"count\":%d,\"perSecond\":%f,\"cpuPerOpUs\":%f", count, count / elapsed, cpu / count);
  }

  static String notify(int watches, double seconds, double warmUp) throws Exception {
    all(watches, 1000, (i, done) -> watch(PATHS[i], done));
    int count = 0;
    boolean isWarm = false;
    long begun = System.nanoTime();
    for (int i = 0;; i = (i + 1) % watches) {
      double spent = (System.nanoTime() - begun) / 1e9;
      if (!isWarm && spent >= warmUp) {
        isWarm = true;
        count = 0;
      }
      if (spent >= warmUp + seconds || count == latencies.length) break;
      String path = PATHS[i];
      events.drainPermits();
      CompletableFuture<Integer> told = new CompletableFuture<>();
      long sentAt = System.nanoTime();
      request("set", path, told::complete);
      if (!events.tryAcquire(10, TimeUnit.SECONDS)) throw new IllegalStateException("no event for " + path);
      latencies[count++] = (System.nanoTime() - sentAt) / 1e3;
      check(told.get());
      zk.getData(path, onEvent, null);
    }
    return "\"count\":" + count + "," + percentiles(latencies, count);
  }

  static String watches(int count) throws Exception {
    all(5000, 1000, (i, done) -> request("get", PATHS[i % ZNODES], done));
    memory();
    long heapBefore = heap, residentBefore = resident;
    all(count, 1000, (i, done) -> watch(watchedPath(i), done));
    memory();
    return each(heapBefore, residentBefore, count);
  }

  static String rearm(int count, double patience) throws Exception {
    long cutAt = System.nanoTime();
    CompletableFuture<Integer> cut = new CompletableFuture<>();
    request("set", "/cut", cut::complete);
    cut.completeOnTimeout(-1, 2, TimeUnit.SECONDS).get();
    double usableAfter = -1;
    while (usableAfter < 0 && System.nanoTime() - cutAt < patience * 1e9) {
      CompletableFuture<Integer> told = new CompletableFuture<>();
      request("get", "/bench", told::complete);
      Integer code = told.completeOnTimeout(-1, 2, TimeUnit.SECONDS).get();
      if (code == 0) usableAfter = (System.nanoTime() - cutAt) / 1e6;
      else Thread.sleep(2);
    }
    if (usableAfter < 0) return "\"usable\":false";
    Thread.sleep(200);
    String stats = new String(zk.getData("/stats", false, null), StandardCharsets.UTF_8);
    events.drainPermits();
    request("set", "/fire", code -> {});
    boolean hasAll = events.tryAcquire(count, 5, TimeUnit.SECONDS);
    int heard = (hasAll ? count : 0) + events.availablePermits();
    return "\"usable\":true,\"usableAfterMs\":" + usableAfter + ",\"heard\":" + heard + "," + stats.substring(1, stats.length() - 1);
  }

  static String pending(int count) throws Exception {
    all(20000, 1000, (i, done) -> request("get", PATHS[i % ZNODES], done));
    memory();
    long heapBefore = heap, residentBefore = resident;
    CountDownLatch left = new CountDownLatch(count);
    for (int i = 0; i < count; i++) request("get", "/hold" + PATHS[i % ZNODES], code -> left.countDown());
    Thread.sleep(1000);
    memory();
    zk.getData("/release", false, null);
    left.await();
    return each(heapBefore, residentBefore, count);
  }

  static String text(String line, String name) {
    Matcher found = Pattern.compile("\"" + name + "\":\"?([^,\"}]*)").matcher(line);
    return found.find() ? found.group(1) : "0";
  }

  static String run(String line) throws Exception {
    String kind = text(line, "kind");
    double seconds = Double.parseDouble(text(line, "seconds"));
    double warmUp = Double.parseDouble(text(line, "warmUp"));
    int count = Integer.parseInt(text(line, "count"));
    int window = Integer.parseInt(text(line, "window"));
    int watches = Integer.parseInt(text(line, "watches"));
    switch (text(line, "command")) {
      case "prepare": return prepare();
      case "sequential": {
        sequential(kind, warmUp);
        double cpu = cpuUs();
        int done = sequential(kind, seconds);
        double each = (cpuUs() - cpu) / done;
        return String.format("\"count\":%d,\"perSecond\":%f,\"cpuPerOpUs\":%f,", done, done / seconds, each) + percentiles(latencies, done);
      }
      case "pipelined": {
        pipelined(kind, window, warmUp);
        double cpu = cpuUs();
        long startedAt = System.nanoTime();
        long done = pipelined(kind, window, seconds);
        double elapsed = (System.nanoTime() - startedAt) / 1e9;
        return String.format("\"count\":%d,\"perSecond\":%f,\"cpuPerOpUs\":%f", done, done / elapsed, (cpuUs() - cpu) / done);
      }
      case "deliver": return deliver(watches, seconds, warmUp);
      case "notify": return notify(watches, seconds, warmUp);
      case "watches": return watches(count);
      case "rearm": return rearm(count, Double.parseDouble(text(line, "patience")));
      case "pending": return pending(count);
      default: throw new IllegalArgumentException("no command " + line);
    }
  }

  public static void main(String[] arguments) throws Exception {
    for (int i = 0; i < ZNODES; i++) PATHS[i] = String.format("/bench/n%05d", i);
    CountDownLatch connected = new CountDownLatch(1);
    zk = new ZooKeeper("127.0.0.1:" + arguments[0], 30_000, event -> {
      if (event.getState() == Watcher.Event.KeeperState.SyncConnected) connected.countDown();
    });
    connected.await();
    System.out.println("{\"ok\":true}");
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      try {
        String told = run(line);
        System.out.println("{\"ok\":true" + (told.isEmpty() ? "" : ",") + told + "}");
      } catch (Exception error) {
        System.out.println("{\"ok\":false,\"reason\":\"" + error.toString().replace('"', '\'') + "\"}");
      }
    }
    System.exit(0);
  }
}
