// Curator's recipes against a server: Recipes HOSTS main
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.zookeeper.CreateMode;

public class Recipes extends Lane {
  public static void main(String[] args) throws Exception {
    String hosts = args[0];
    try {
      CuratorFramework a = client(hosts);
      CuratorFramework b = client(hosts);
      a.create().forPath(ROOT);
      Locks.run(a, b, hosts);
      Shared.run(a, b);
      Nodes.run(a, b, hosts);
      Discovery.run(a, b);
      Async.run(a, b);
      throughTheCut(a, b);
      a.delete().deletingChildrenIfNeeded().forPath(ROOT);
      b.close();
      a.close();
      step("close", true, "");
      System.exit(0);
    } catch (Throwable error) {
      error.printStackTrace();
      String name = "no exception";
      step(name, false, error);
      System.exit(1);
    }
  }

  /** What is held and followed, through a connection that is cut and then through the end of a session. */
  private static void throughTheCut(CuratorFramework a, CuratorFramework b) throws Exception {
    String path = ROOT + "/kept";
    InterProcessMutex mutex = new InterProcessMutex(a, path + "/mutex");
    mutex.acquire();
    LeaderLatch latch = new LeaderLatch(a, path + "/latch", "kept");
    latch.start();
    latch.await(20, TimeUnit.SECONDS);
    PersistentNode node = new PersistentNode(a, CreateMode.EPHEMERAL, false, path + "/node", bytes("kept"));
    node.start();
    node.waitForInitialCreate(20, TimeUnit.SECONDS);
    GroupMember member = new GroupMember(a, path + "/group", "kept");
    member.start();
    a.create().forPath(path + "/cached");
    CuratorCache cache = CuratorCache.build(a, path + "/cached");
    cache.start();
    until(() -> cache.size() == 1 && member.getCurrentMembers().size() == 1);
    CountDownLatch lost = new CountDownLatch(1);
    CountDownLatch back = new CountDownLatch(1);
    CountDownLatch gone = new CountDownLatch(1);
    CountDownLatch renewed = new CountDownLatch(1);
    a.getConnectionStateListenable().addListener((client, state) -> {
      if (state == ConnectionState.SUSPENDED) lost.countDown();
      if (state == ConnectionState.LOST) gone.countDown();
      if (state == ConnectionState.RECONNECTED) (gone.getCount() == 0 ? renewed : back).countDown();
    });
    long session = a.getZookeeperClient().getZooKeeper().getSessionId();
    step("cut", true, "");
    step("after a cut: the session is the same", lost.await(20, TimeUnit.SECONDS) && back.await(20, TimeUnit.SECONDS) && a.getZookeeperClient().getZooKeeper().getSessionId() == session, "");
    step("after a cut: the mutex is held", !new InterProcessMutex(b, path + "/mutex").acquire(200, TimeUnit.MILLISECONDS) && mutex.isAcquiredInThisProcess(), "");
    step("after a cut: leads again", until(latch::hasLeadership), "");
    b.create().forPath(path + "/cached/after-cut");
    step("after a cut: the cache follows", until(() -> cache.get(path + "/cached/after-cut").isPresent()), "");
    Expiry.of(a);
    step("after the session: lost and renewed", gone.await(30, TimeUnit.SECONDS) && renewed.await(30, TimeUnit.SECONDS) && a.getZookeeperClient().getZooKeeper().getSessionId() != session, "");
    step("after the session: leads again", until(latch::hasLeadership), "");
    step("after the session: the node is there", until(() -> {
      var stat = b.checkExists().forPath(path + "/node");
      return stat != null && stat.getEphemeralOwner() == a.getZookeeperClient().getZooKeeper().getSessionId();
    }), "");
    step("after the session: a member again", until(() -> List.of("kept").equals(List.copyOf(member.getCurrentMembers().keySet())) && b.getChildren().forPath(path + "/group").size() == 1), member.getCurrentMembers().keySet());
    InterProcessMutex next = new InterProcessMutex(b, path + "/mutex");
    step("after the session: the mutex goes on", next.acquire(20, TimeUnit.SECONDS), "");
    next.release();
    b.create().forPath(path + "/cached/after-session");
    step("after the session: the cache follows", until(() -> cache.get(path + "/cached/after-session").isPresent()), "");
    cache.close();
    member.close();
    node.close();
    latch.close();
  }
}
