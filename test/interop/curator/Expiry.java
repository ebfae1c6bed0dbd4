// Ends a client's session at the server: another connection takes it over and closes it.
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;

public class Expiry {
  static void of(CuratorFramework client) throws Exception {
    ZooKeeper zk = client.getZookeeperClient().getZooKeeper();
    CountDownLatch connected = new CountDownLatch(1);
    ZooKeeper thief = new ZooKeeper(client.getZookeeperClient().getCurrentConnectionString(), 8000, (event) -> {
      if (event.getState() == KeeperState.SyncConnected) connected.countDown();
    }, zk.getSessionId(), zk.getSessionPasswd());
    connected.await(20, TimeUnit.SECONDS);
    thief.close();
  }
}
