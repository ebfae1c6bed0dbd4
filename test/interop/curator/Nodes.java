// Caches, persistent nodes and TTL nodes, group membership and persistent watchers.
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheBridge;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.cache.NodeCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.cache.TreeCacheEvent;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher.Event.EventType;

@SuppressWarnings("deprecation")
public class Nodes extends Lane {
  static void run(CuratorFramework a, CuratorFramework b, String hosts) throws Exception {
    curatorCache(a, b);
    olderCaches(a, b);
    persistent(a, b);
    group(a, b, hosts);
    watcher(a, b);
  }

  private static void curatorCache(CuratorFramework a, CuratorFramework b) throws Exception {
    String path = ROOT + "/cache";
    a.create().creatingParentsIfNeeded().forPath(path + "/a/deep", bytes("1"));
    List<String> events = new CopyOnWriteArrayList<>();
    CountDownLatch initialized = new CountDownLatch(1);
    CuratorCache cache = CuratorCache.build(b, path);
    cache.listenable().addListener(CuratorCacheListener.builder()
        .forCreates((node) -> events.add("+" + node.getPath().substring(path.length())))
        .forChanges((before, after) -> events.add(new String(before.getData()) + ">" + new String(after.getData())))
        .forDeletes((node) -> events.add("-" + node.getPath().substring(path.length())))
        .forInitialized(initialized::countDown)
        .build());
    cache.start();
    step("cache: initialized", initialized.await(20, TimeUnit.SECONDS) && cache.size() == 3, cache.size());
    events.clear();
    a.setData().forPath(path + "/a/deep", bytes("2"));
    a.create().forPath(path + "/b", bytes("new"));
    a.delete().deletingChildrenIfNeeded().forPath(path + "/a");
    step("cache: each change", until(() -> events.equals(List.of("1>2", "+/b", "-/a/deep", "-/a"))), events);
    step("cache: as it is", cache.get(path + "/b").isPresent() && !cache.get(path + "/a").isPresent(), "");
    cache.close();
    try (CuratorCacheBridge bridge = CuratorCache.bridgeBuilder(b, path).build()) {
      bridge.start();
      step("cache bridge", until(() -> bridge.get(path + "/b").isPresent()), "");
    }
    try (CuratorCache single = CuratorCache.build(b, path + "/b", CuratorCache.Options.SINGLE_NODE_CACHE, CuratorCache.Options.COMPRESSED_DATA)) {
      single.start();
      a.setData().compressed().forPath(path + "/b", bytes("packed"));
      a.create().forPath(path + "/b/below");
      step("cache: one node, compressed", until(() -> single.get(path + "/b").map((node) -> new String(node.getData()).equals("packed")).orElse(false)) && single.size() == 1, single.size());
    }
  }

  private static void olderCaches(CuratorFramework a, CuratorFramework b) throws Exception {
    String path = ROOT + "/older";
    a.create().creatingParentsIfNeeded().forPath(path + "/one", bytes("1"));
    try (PathChildrenCache children = new PathChildrenCache(b, path, true);
        NodeCache node = new NodeCache(b, path + "/one");
        TreeCache tree = new TreeCache(b, path)) {
      CountDownLatch initialized = new CountDownLatch(1);
      List<TreeCacheEvent.Type> events = new CopyOnWriteArrayList<>();
      tree.getListenable().addListener((client, event) -> {
        events.add(event.getType());
        if (event.getType() == TreeCacheEvent.Type.INITIALIZED) initialized.countDown();
      });
      children.start(PathChildrenCache.StartMode.BUILD_INITIAL_CACHE);
      node.start(true);
      tree.start();
      step("older caches: begin", children.getCurrentData().size() == 1 && new String(node.getCurrentData().getData()).equals("1") && initialized.await(20, TimeUnit.SECONDS), "");
      a.setData().forPath(path + "/one", bytes("2"));
      a.create().forPath(path + "/two");
      step("path children cache", until(() -> children.getCurrentData().size() == 2 && new String(children.getCurrentData(path + "/one").getData()).equals("2")), "");
      step("node cache", until(() -> new String(node.getCurrentData().getData()).equals("2")), "");
      step("tree cache", until(() -> tree.getCurrentChildren(path).size() == 2 && events.contains(TreeCacheEvent.Type.NODE_UPDATED)), events);
      a.delete().forPath(path + "/one");
      step("node cache: deleted", until(() -> node.getCurrentData() == null), "");
    }
  }

  private static void persistent(CuratorFramework a, CuratorFramework b) throws Exception {
    String path = ROOT + "/persistent";
    try (PersistentNode node = new PersistentNode(a, CreateMode.EPHEMERAL, false, path + "/e", bytes("mine"))) {
      node.start();
      step("persistent node: there", node.waitForInitialCreate(20, TimeUnit.SECONDS) && b.checkExists().forPath(path + "/e").getEphemeralOwner() != 0, "");
      b.delete().forPath(path + "/e");
      step("persistent node: again", until(() -> b.checkExists().forPath(path + "/e") != null), "");
      node.setData(bytes("newer"));
      step("persistent node: data", until(() -> new String(b.getData().forPath(path + "/e")).equals("newer")), "");
    }
    step("persistent node: closed", until(() -> b.checkExists().forPath(path + "/e") == null), "");
    try (PersistentNode node = new PersistentNode(a, CreateMode.EPHEMERAL_SEQUENTIAL, true, path + "/s-", bytes(""))) {
      node.start();
      node.waitForInitialCreate(20, TimeUnit.SECONDS);
      step("persistent node: protected and sequential", node.getActualPath().matches(".*/_c_[0-9a-f-]{36}-s-[0-9]{10}"), node.getActualPath());
    }
    PersistentTtlNode ttl = new PersistentTtlNode(a, path + "/ttl", 800, bytes("touched"));
    ttl.start();
    step("TTL node: there", ttl.waitForInitialCreate(20, TimeUnit.SECONDS), "");
    // It is touched every half of its time: after five of these it would be gone twice over.
    step("TTL node: kept while it is touched", until(() -> {
      var touched = b.checkExists().forPath(path + "/ttl/touch");
      return touched != null && touched.getVersion() >= 5;
    }), "");
    ttl.close();
    step("TTL node: goes", until(() -> b.checkExists().forPath(path + "/ttl") == null), "");
    b.create().withTtl(400).creatingParentContainersIfNeeded().withMode(CreateMode.PERSISTENT_WITH_TTL).forPath(path + "/c/plain");
    step("TTL node and its container: go", until(() -> b.checkExists().forPath(path + "/c") == null), "");
  }

  private static void group(CuratorFramework a, CuratorFramework b, String hosts) throws Exception {
    GroupMember first = new GroupMember(a, ROOT + "/group", "first", bytes("1"));
    GroupMember second = new GroupMember(b, ROOT + "/group", "second", bytes("2"));
    first.start();
    second.start();
    step("group: members", until(() -> first.getCurrentMembers().size() == 2) && until(() -> new String(first.getCurrentMembers().getOrDefault("second", bytes(""))).equals("2")), first.getCurrentMembers().keySet());
    second.setThisData(bytes("3"));
    step("group: data", until(() -> new String(first.getCurrentMembers().get("second")).equals("3")), "");
    CuratorFramework brief = client(hosts);
    new GroupMember(brief, ROOT + "/group", "brief").start();
    until(() -> first.getCurrentMembers().containsKey("brief"));
    brief.close();
    step("group: a session ends", until(() -> first.getCurrentMembers().size() == 2), first.getCurrentMembers().keySet());
    second.close();
    step("group: leaves", until(() -> first.getCurrentMembers().keySet().equals(java.util.Set.of("first"))), first.getCurrentMembers().keySet());
    first.close();
  }

  private static void watcher(CuratorFramework a, CuratorFramework b) throws Exception {
    String path = ROOT + "/watched";
    a.create().forPath(path);
    BlockingQueue<WatchedEvent> deep = new LinkedBlockingQueue<>();
    BlockingQueue<WatchedEvent> flat = new LinkedBlockingQueue<>();
    CountDownLatch set = new CountDownLatch(2);
    try (PersistentWatcher recursive = new PersistentWatcher(b, path, true); PersistentWatcher plain = new PersistentWatcher(b, path, false)) {
      for (PersistentWatcher each : List.of(recursive, plain)) each.getResetListenable().addListener(set::countDown);
      recursive.getListenable().addListener(deep::add);
      plain.getListenable().addListener(flat::add);
      recursive.start();
      plain.start();
      set.await(20, TimeUnit.SECONDS);
      a.create().forPath(path + "/x");
      a.setData().forPath(path + "/x", bytes("1"));
      a.delete().forPath(path + "/x");
      step("persistent watcher: recursive", until(() -> deep.stream().map(WatchedEvent::getType).toList().equals(List.of(EventType.NodeCreated, EventType.NodeDataChanged, EventType.NodeDeleted))), deep);
      step("persistent watcher: one node", until(() -> flat.stream().map(WatchedEvent::getType).toList().equals(List.of(EventType.NodeChildrenChanged, EventType.NodeChildrenChanged))), flat);
    }
  }
}
