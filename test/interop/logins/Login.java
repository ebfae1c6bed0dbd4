import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.data.Id;

/** Logs in with the JAAS file of its JVM, does one thing, and says in one line what became of it. Arguments: servers, path. */
public class Login {
    public static void main(String[] args) throws Exception {
        CountDownLatch settled = new CountDownLatch(1);
        String[] said = {"nothing"};
        boolean[] isLoggedIn = {false};
        ZooKeeper zk = new ZooKeeper(args[0], 10000, event -> {
            KeeperState state = event.getState();
            if (state == KeeperState.SaslAuthenticated) isLoggedIn[0] = true;
            if (state == KeeperState.AuthFailed) {
                said[0] = "AuthFailed";
                settled.countDown();
            }
            if (state == KeeperState.SaslAuthenticated || state == KeeperState.Closed) settled.countDown();
        });
        settled.await(15, TimeUnit.SECONDS);
        if (isLoggedIn[0]) {
            try {
                zk.create(args[1], "x".getBytes(), Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
                Id owner = zk.getACL(args[1], null).get(0).getId();
                said[0] = "logged in " + owner.getScheme() + " " + owner.getId();
            } catch (KeeperException error) {
                said[0] = error.code().toString();
            }
        }
        System.out.println("said: " + said[0]);
        System.exit(0);
    }
}
