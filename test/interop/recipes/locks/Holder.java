// Holds Curator's locks as it is told on stdin: `acquire ID KIND PATH [N]`, `release ID`, `revoke PATH`, `count PATH N`.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.locks.Revoker;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.retry.RetryOneTime;

public class Holder {
  interface Release {
    void run() throws Exception;
  }

  static synchronized void say(String step, Object detail) {
    System.out.println("{\"step\": \"" + step + "\", \"detail\": \"" + String.valueOf(detail).replaceAll("[\"\\\\\\s]+", " ") + "\"}");
  }

  static Release mutex(InterProcessMutex mutex, String id) throws Exception {
    mutex.makeRevocable((each) -> say("revoked", id));
    mutex.acquire();
    return mutex::release;
  }

  static Release acquire(CuratorFramework client, String[] order) throws Exception {
    String path = order[3];
    switch (order[2]) {
      case "lock":
        return mutex(new InterProcessMutex(client, path), order[1]);
      case "read":
        return mutex(new InterProcessReadWriteLock(client, path).readLock(), order[1]);
      case "write":
        return mutex(new InterProcessReadWriteLock(client, path).writeLock(), order[1]);
      default:
        Lease lease = new InterProcessSemaphoreV2(client, path, Integer.parseInt(order[4])).acquire();
        return lease::close;
    }
  }

  public static void main(String[] args) throws Exception {
    CuratorFramework client = CuratorFrameworkFactory.newClient(args[0], 5000, 5000, new RetryOneTime(100));
    client.start();
    client.blockUntilConnected(10, TimeUnit.SECONDS);
    say("started", "");
    // A thread for each, since mutexes belong to threads.
    Map<String, ExecutorService> threads = new HashMap<>();
    Map<String, Release> held = new java.util.concurrent.ConcurrentHashMap<>();
    Map<String, SharedCount> counts = new HashMap<>();
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] order = line.split(" ");
      if (order[0].equals("revoke")) {
        Revoker.attemptRevoke(client, order[1]);
        continue;
      }
      if (order[0].equals("count")) {
        SharedCount count = new SharedCount(client, order[1], 0);
        count.start();
        count.setCount(Integer.parseInt(order[2]));
        count.close();
        say("counted", order[1]);
        continue;
      }
      threads.computeIfAbsent(order[1], (id) -> Executors.newSingleThreadExecutor()).submit(() -> {
        try {
          if (order[0].equals("acquire")) {
            held.put(order[1], acquire(client, order));
            say("got", order[1]);
          } else {
            held.remove(order[1]).run();
            say("released", order[1]);
          }
        } catch (Exception error) {
          say("failed", order[1] + ": " + error);
        }
      });
    }
    client.close();
    System.exit(0);
  }
}
