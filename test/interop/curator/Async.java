// x-async, models and migrations, and transactions of both interfaces.
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.transaction.CuratorOp;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreMutex;
import org.apache.curator.x.async.AsyncCuratorFramework;
import org.apache.curator.x.async.AsyncStage;
import org.apache.curator.x.async.AsyncWrappers;
import org.apache.curator.x.async.WatchMode;
import org.apache.curator.x.async.api.CreateOption;
import org.apache.curator.x.async.api.DeleteOption;
import org.apache.curator.x.async.api.ExistsOption;
import org.apache.curator.x.async.migrations.Migration;
import org.apache.curator.x.async.migrations.MigrationManager;
import org.apache.curator.x.async.migrations.MigrationSet;
import org.apache.curator.x.async.modeled.JacksonModelSerializer;
import org.apache.curator.x.async.modeled.ModelSpec;
import org.apache.curator.x.async.modeled.ModeledFramework;
import org.apache.curator.x.async.modeled.ZPath;
import org.apache.curator.x.async.modeled.cached.CachedModeledFramework;
import org.apache.curator.x.async.modeled.versioned.Versioned;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.data.Stat;

public class Async extends Lane {
  public static class Person {
    public String name;
    public int age;

    public Person() {
    }

    Person(String name, int age) {
      this.name = name;
      this.age = age;
    }
  }

  static void run(CuratorFramework a, CuratorFramework b) throws Exception {
    async(a, b);
    models(a, b);
    transactions(a, b);
  }

  private static <T> T done(CompletionStage<T> stage) throws Exception {
    return stage.toCompletableFuture().get(20, TimeUnit.SECONDS);
  }

  private static KeeperException.Code codeOf(CompletionStage<?> stage) throws Exception {
    try {
      done(stage);
    } catch (ExecutionException error) {
      if (error.getCause() instanceof KeeperException) return ((KeeperException) error.getCause()).code();
      throw error;
    }
    return KeeperException.Code.OK;
  }

  private static void async(CuratorFramework a, CuratorFramework b) throws Exception {
    String path = ROOT + "/async";
    AsyncCuratorFramework mine = AsyncCuratorFramework.wrap(a);
    Stat stat = new Stat();
    String made = done(mine.create().withOptions(EnumSet.of(CreateOption.createParentsIfNeeded, CreateOption.doProtected), CreateMode.EPHEMERAL_SEQUENTIAL).forPath(path + "/p-", bytes("x")));
    step("async: created, protected", made.startsWith(path + "/_c_") && made.endsWith("-p-0000000000"), made);
    step("async: created again or set", done(mine.create().withOptions(EnumSet.of(CreateOption.setDataIfExists)).forPath(path, bytes("set"))).equals(path) && new String(done(mine.getData().storingStatIn(stat).forPath(path))).equals("set") && stat.getVersion() == 1, stat);
    step("async: errors", codeOf(mine.create().forPath(path)) == KeeperException.Code.NODEEXISTS && codeOf(mine.setData().withVersion(9).forPath(path, bytes(""))) == KeeperException.Code.BADVERSION && codeOf(mine.delete().forPath(path)) == KeeperException.Code.NOTEMPTY, "");
    AsyncStage<byte[]> watched = mine.with(WatchMode.stateChangeAndSuccess).watched().getData().forPath(path);
    done(watched);
    b.setData().forPath(path, bytes("other"));
    WatchedEvent event = done(watched.event());
    step("async: watched", event.getType() == EventType.NodeDataChanged, event);
    step("async: parents made", done(mine.checkExists().withOptions(EnumSet.of(ExistsOption.createParentsAsContainers)).forPath(path + "/x/y/z")) == null && b.checkExists().forPath(path + "/x/y") != null, "");
    // Of a kind that another thread may release.
    InterProcessSemaphoreMutex lock = new InterProcessSemaphoreMutex(a, path + "/lock");
    done(AsyncWrappers.lockAsync(lock, 20, TimeUnit.SECONDS, pool));
    InterProcessSemaphoreMutex other = new InterProcessSemaphoreMutex(b, path + "/lock");
    boolean isHeld = !other.acquire(200, TimeUnit.MILLISECONDS);
    AsyncWrappers.release(lock);
    step("async: lock", isHeld && other.acquire(20, TimeUnit.SECONDS), isHeld);
    other.release();
    step("async: children deep", done(AsyncWrappers.childrenWithData(mine, path)).containsKey(made), "");
    step("async: deleted", done(mine.delete().withOptions(EnumSet.of(DeleteOption.guaranteed, DeleteOption.quietly, DeleteOption.deletingChildrenIfNeeded)).forPath(path + "/x")) == null && b.checkExists().forPath(path + "/x") == null, "");
    List<CuratorTransactionResult> results = done(mine.transaction().forOperations(List.of(
        mine.transactionOp().create().withMode(CreateMode.EPHEMERAL).forPath(path + "/t", bytes("1")),
        mine.transactionOp().setData().withVersion(0).forPath(path + "/t", bytes("2")),
        mine.transactionOp().check().withVersion(1).forPath(path + "/t"),
        mine.transactionOp().delete().forPath(path + "/t"))));
    step("async: transaction", results.size() == 4 && results.get(1).getResultStat().getVersion() == 1, results.size());
    step("async: transaction fails", codeOf(mine.transaction().forOperations(List.of(mine.transactionOp().create().forPath(path + "/u"), mine.transactionOp().check().withVersion(99).forPath(path)))) == KeeperException.Code.BADVERSION && b.checkExists().forPath(path + "/u") == null, "");
    CuratorOp first = a.transactionOp().create().forPath(path + "/migrated", bytes("first"));
    CuratorOp second = a.transactionOp().setData().forPath(path + "/migrated", bytes("second"));
    List<Migration> migrations = List.of(() -> List.of(first), () -> List.of(second));
    MigrationSet set = MigrationSet.build("m", migrations);
    MigrationManager manager = new MigrationManager(mine, path + "/migration-lock", path + "/migrations", pool, java.time.Duration.ofSeconds(20));
    done(manager.migrate(set));
    done(manager.migrate(set));
    step("async: migrated once", new String(b.getData().forPath(path + "/migrated")).equals("second") && b.checkExists().forPath(path + "/migrated").getVersion() == 1, "");
  }

  private static void models(CuratorFramework a, CuratorFramework b) throws Exception {
    ModelSpec<Person> spec = ModelSpec.builder(ZPath.parseWithIds(ROOT + "/people/{id}"), JacksonModelSerializer.build(Person.class)).build();
    String id = UUID.randomUUID().toString();
    ModeledFramework<Person> mine = ModeledFramework.wrap(AsyncCuratorFramework.wrap(a), spec.resolved(id));
    done(mine.set(new Person("ann", 30)));
    step("modelled: read", done(mine.read()).name.equals("ann"), "");
    Versioned<Person> version = done(mine.versioned().read());
    done(mine.versioned().set(Versioned.from(new Person("ann", 31), version.version())));
    step("modelled: versions", codeOf(mine.versioned().set(Versioned.from(new Person("ann", 99), version.version()))) == KeeperException.Code.BADVERSION && done(mine.read()).age == 31, "");
    CachedModeledFramework<Person> cached = ModeledFramework.wrap(AsyncCuratorFramework.wrap(b), spec.resolved(id)).cached();
    cached.start();
    step("modelled: cached", done(cached.readThrough()).age == 31, "");
    done(mine.update(new Person("ann", 32)));
    step("modelled: cached follows", until(() -> done(cached.read()).age == 32), "");
    cached.close();
  }

  private static void transactions(CuratorFramework a, CuratorFramework b) throws Exception {
    String path = ROOT + "/multi-op";
    a.create().forPath(path, bytes("0"));
    List<CuratorTransactionResult> results = new ArrayList<>(a.transaction().forOperations(
        a.transactionOp().create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).forPath(path + "/s-"),
        a.transactionOp().create().withMode(CreateMode.CONTAINER).forPath(path + "/c"),
        a.transactionOp().create().withTtl(100_000).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath(path + "/ttl"),
        a.transactionOp().setData().compressed().forPath(path, bytes("packed")),
        a.transactionOp().check().withVersion(1).forPath(path)));
    step("transaction: whole", results.size() == 5 && results.get(0).getResultPath().equals(path + "/s-0000000000") && new String(b.getData().decompressed().forPath(path)).equals("packed"), results.size());
    step("transaction: rolled back", raises(KeeperException.Code.NOTEMPTY, () -> a.transaction().forOperations(a.transactionOp().create().forPath(path + "/d"), a.transactionOp().delete().forPath(path))) && b.checkExists().forPath(path + "/d") == null, "");
    step("transaction: parents by one call", a.create().orSetData().creatingParentsIfNeeded().forPath(path + "/e/f/g", bytes("1")).equals(path + "/e/f/g") && b.checkExists().forPath(path + "/e/f/g") != null, "");
  }
}
