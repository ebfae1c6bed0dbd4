// What the programs beside it share: steps that are reported, and clients.
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.KeeperException;

public class Lane {
  static final String ROOT = "/curator-recipes";
  static final ExecutorService pool = Executors.newCachedThreadPool((run) -> {
    Thread thread = new Thread(run);
    thread.setDaemon(true);
    return thread;
  });

  interface Check {
    boolean holds() throws Exception;
  }

  interface Call {
    void run() throws Exception;
  }

  static void step(String name, boolean ok, Object detail) {
    String text = String.valueOf(detail).replaceAll("[\"\\\\\\s\\p{Cntrl}]+", " ");
    System.out.println("{\"step\": \"" + name + "\", \"ok\": " + ok + ", \"detail\": \"" + text + "\"}");
    System.out.flush();
  }

  /** Whether `check` comes to hold within 20 s. */
  static boolean until(Check check) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (System.nanoTime() < end) {
      if (check.holds()) return true;
      Thread.sleep(20);
    }
    return check.holds();
  }

  static boolean raises(Class<? extends Exception> kind, Call call) throws Exception {
    try {
      call.run();
    } catch (Exception error) {
      if (kind.isInstance(error)) return true;
      throw error;
    }
    return false;
  }

  static boolean raises(KeeperException.Code code, Call call) throws Exception {
    try {
      call.run();
    } catch (KeeperException error) {
      return error.code() == code;
    }
    return false;
  }

  static <T> Future<T> spawn(Callable<T> call) {
    return pool.submit(call);
  }

  static <T> T within(Future<T> future) throws Exception {
    return future.get(20, TimeUnit.SECONDS);
  }

  static byte[] bytes(String text) {
    return text.getBytes();
  }

  // With one server in its list, Java's client waits 1.1 to 2.1 s before it connects again: a cut needs a longer session than that.
  static CuratorFramework client(String hosts) throws Exception {
    CuratorFramework client = CuratorFrameworkFactory.newClient(hosts, 8000, 8000, new RetryNTimes(20, 100));
    client.start();
    if (!client.blockUntilConnected(20, TimeUnit.SECONDS)) throw new IllegalStateException("no connection to " + hosts);
    return client;
  }
}
