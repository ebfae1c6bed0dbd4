// A contender with Curator's InterProcessMutex, or its LeaderLatch: Contender HOSTS ROOT NAMES lock|election. Its steps are those of contender.mjs.
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.data.Stat;

public class Contender {
  static class Mutex extends InterProcessMutex {
    Mutex(CuratorFramework client, String path) {
      super(client, path);
    }

    String node() {
      return getLockPath();
    }
  }

  /** A turn, and the znode that stands for it. */
  interface Turn {
    String node() throws Exception;

    void end() throws Exception;
  }

  /** Null where it does not come within 20 s. */
  static Turn turn(CuratorFramework client, String path, String recipe) throws Exception {
    if (recipe.equals("lock")) {
      Mutex mutex = new Mutex(client, path);
      if (!mutex.acquire(20, TimeUnit.SECONDS)) return null;
      return new Turn() {
        public String node() {
          return mutex.node();
        }

        public void end() throws Exception {
          mutex.release();
        }
      };
    }
    LeaderLatch latch = new LeaderLatch(client, path, "curator");
    latch.start();
    if (!latch.await(20, TimeUnit.SECONDS)) {
      latch.close();
      return null;
    }
    return new Turn() {
      public String node() throws Exception {
        // The latch keeps its path to itself; a session has one of them.
        for (String name : client.getChildren().forPath(path)) {
          Stat stat = client.checkExists().forPath(path + "/" + name);
          if (stat != null && stat.getEphemeralOwner() == session(client)) return path + "/" + name;
        }
        return path + "/gone";
      }

      public void end() throws Exception {
        latch.close();
      }
    };
  }

  static void say(String step, Object detail) {
    System.out.println("{\"step\": \"" + step + "\", \"detail\": \"" + String.valueOf(detail).replaceAll("[\"\\\\\\s]+", " ") + "\"}");
  }

  static CuratorFramework client(String hosts) throws Exception {
    CuratorFramework client = CuratorFrameworkFactory.newClient(hosts, 2000, 2000, new RetryNTimes(30, 100));
    client.start();
    client.blockUntilConnected(20, TimeUnit.SECONDS);
    return client;
  }

  static volatile boolean isOver = false;

  public static void main(String[] args) throws Exception {
    Thread reader = new Thread(() -> {
      try {
        while (System.in.read() != -1) {}
      } catch (Exception error) {
        // The runner is gone: that is the end too.
      }
      isOver = true;
    });
    reader.setDaemon(true);
    reader.start();
    CuratorFramework client = client(args[0]);
    say("started", ProcessHandle.current().pid());
    while (!isOver) {
      try {
        Turn turn = turn(client, args[1] + "/lock", args[3]);
        if (turn == null) {
          say("failed", "no turn within 20 s");
          continue;
        }
        try {
          work(client, args[1], turn.node());
        } finally {
          turn.end();
        }
      } catch (Exception error) {
        say("lost", error);
        // Ends the session: whatever it has left goes with it.
        client.close();
        client = client(args[0]);
      }
      Thread.sleep(ThreadLocalRandom.current().nextInt(3));
    }
    client.close();
    say("ended", "");
  }

  static long session(CuratorFramework client) throws Exception {
    return client.getZookeeperClient().getZooKeeper().getSessionId();
  }

  static void work(CuratorFramework client, String root, String node) throws Exception {
    try {
      client.transaction().forOperations(
          client.transactionOp().check().forPath(node),
          client.transactionOp().create().withMode(CreateMode.EPHEMERAL).forPath(root + "/witness", new byte[0]));
    } catch (KeeperException.NoNodeException error) {
      say("refused", "to enter");
      return;
    } catch (KeeperException.NodeExistsException error) {
      Stat stat = client.checkExists().forPath(root + "/witness");
      if (stat == null || stat.getEphemeralOwner() != session(client)) {
        say("violation", node + " and session " + (stat == null ? "?" : stat.getEphemeralOwner()) + " are inside");
        return;
      }
    }
    say("inside", "");
    int n = Integer.parseInt(new String(client.getData().forPath(root + "/count"))) + 1;
    Thread.sleep(ThreadLocalRandom.current().nextInt(5, 15));
    try {
      client.transaction().forOperations(
          client.transactionOp().check().forPath(node),
          client.transactionOp().setData().forPath(root + "/count", String.valueOf(n).getBytes()),
          client.transactionOp().create().forPath(root + "/log/" + n, "curator".getBytes()),
          client.transactionOp().delete().forPath(root + "/witness"));
      say("in", n);
    } catch (KeeperException.NoNodeException error) {
      say("refused", "to count");
    } catch (KeeperException.NodeExistsException error) {
      // Curator sends a transaction again whose reply was lost: its own effect is no other's.
      byte[] by = client.getData().forPath(root + "/log/" + n);
      if (!new String(by).equals("curator")) say("violation", n + " was counted by " + new String(by));
      throw error;
    }
  }
}
