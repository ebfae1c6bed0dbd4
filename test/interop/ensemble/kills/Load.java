// Curator's part of the load, which executes commands line by line: Load HOSTS ROOT SESSION_TIMEOUT_MS. Its verbs are those of loads.ts.
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryForever;
import org.apache.zookeeper.CreateMode;

public class Load {
  static CuratorFramework client;
  static String root;
  static final List<String> lost = new CopyOnWriteArrayList<>();
  static final StringBuffer names = new StringBuffer();
  static volatile int sent = 0;
  static volatile int acked = 0;
  static volatile int writes = 0;
  static volatile boolean isOver = false;
  static long last;
  static long longest = 0;
  static Thread writer;

  static synchronized void acknowledged() {
    long now = System.nanoTime();
    longest = Math.max(longest, now - last);
    last = now;
    writes++;
  }

  /** In milliseconds, since the last question. */
  static synchronized long gap() {
    long found = Math.max(longest, System.nanoTime() - last);
    longest = 0;
    return Math.round(found / 1e6);
  }

  static void write() {
    while (!isOver) {
      try {
        int n = ++sent;
        client.setData().forPath(root + "/key", String.valueOf(n).getBytes());
        acked = n;
        acknowledged();
        String path = client.create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).forPath(root + "/names/n-");
        if (names.length() > 0) names.append(',');
        names.append(path.substring(path.length() - 10));
        acknowledged();
        Thread.sleep(2);
      } catch (Exception error) {
        // Curator goes on trying, so this is one that it does not try again.
        lost.add(error.toString());
      }
    }
  }

  static String session() throws Exception {
    return Long.toHexString(client.getZookeeperClient().getZooKeeper().getSessionId());
  }

  static String begin() throws Exception {
    client.create().withMode(CreateMode.EPHEMERAL).forPath(root + "/held");
    // Its thread holds it until the process ends.
    Thread holder = new Thread(() -> {
      try {
        if (!new InterProcessMutex(client, root + "/lock").acquire(20, TimeUnit.SECONDS)) lost.add("no lock");
      } catch (Exception error) {
        lost.add(error.toString());
      }
    });
    holder.start();
    holder.join();
    last = System.nanoTime();
    writer = new Thread(Load::write);
    writer.start();
    return session();
  }

  static String end() throws Exception {
    isOver = true;
    writer.join();
    return session() + " " + acked + " " + sent + " " + (lost.isEmpty() ? "none" : String.join(",", lost).replace(' ', '_'));
  }

  public static void main(String[] args) throws Exception {
    root = args[1];
    client = CuratorFrameworkFactory.newClient(args[0], Integer.parseInt(args[2]), 2000, new RetryForever(20));
    client.getConnectionStateListenable().addListener((of, state) -> {
      if (state == ConnectionState.LOST && !isOver) lost.add("LOST");
    });
    client.start();
    client.blockUntilConnected(20, TimeUnit.SECONDS);
    Commands.serve(words -> {
      switch (words[1]) {
        case "begin": return begin();
        case "writes": return String.valueOf(writes);
        case "gap": return String.valueOf(gap());
        case "names": return names.toString();
        default: return end();
      }
    });
    System.exit(0);
  }
}
