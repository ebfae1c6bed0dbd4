// Mutexes, read-write locks, semaphores, multi locks, leader selectors and leader latches.
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.CancelLeadershipException;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderLatchListener;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessLock;
import org.apache.curator.framework.recipes.locks.InterProcessMultiLock;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreMutex;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.locks.Revoker;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.state.ConnectionState;

public class Locks extends Lane {
  static void run(CuratorFramework a, CuratorFramework b, String hosts) throws Exception {
    turns("mutex", new InterProcessMutex(a, ROOT + "/mutex"), new InterProcessMutex(b, ROOT + "/mutex"));
    turns("semaphore mutex", new InterProcessSemaphoreMutex(a, ROOT + "/s-mutex"), new InterProcessSemaphoreMutex(b, ROOT + "/s-mutex"));
    mutex(a, b);
    readWrite(a, b);
    semaphores(a, b);
    multi(a, b);
    selector(a, b);
    latch(a, b, hosts);
  }

  private static void turns(String name, InterProcessLock... locks) throws Exception {
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    List<Future<Integer>> all = new ArrayList<>();
    for (InterProcessLock lock : locks) {
      all.add(spawn(() -> {
        for (int i = 0; i < 5; i++) {
          if (!lock.acquire(20, TimeUnit.SECONDS)) return i;
          most.accumulateAndGet(inside.incrementAndGet(), Math::max);
          Thread.sleep(2);
          inside.decrementAndGet();
          lock.release();
        }
        return 5;
      }));
    }
    int done = 0;
    for (Future<Integer> each : all) done += within(each);
    step(name + ": turns", done == 5 * locks.length && most.get() == 1, done + " " + most);
  }

  private static void mutex(CuratorFramework a, CuratorFramework b) throws Exception {
    String path = ROOT + "/mutex";
    InterProcessMutex held = new InterProcessMutex(a, path);
    InterProcessMutex other = new InterProcessMutex(b, path);
    CountDownLatch asked = new CountDownLatch(1);
    held.makeRevocable((lock) -> asked.countDown());
    held.acquire();
    held.acquire();
    held.release();
    step("mutex: reentrant", held.isAcquiredInThisProcess() && held.isOwnedByCurrentThread(), "");
    step("mutex: timeout", !other.acquire(200, TimeUnit.MILLISECONDS) && held.getParticipantNodes().size() == 1, "");
    Revoker.attemptRevoke(b, held.getParticipantNodes().iterator().next());
    step("mutex: revoked", asked.await(20, TimeUnit.SECONDS), "");
    Future<Boolean> waiting = spawn(() -> {
      boolean got = other.acquire(20, TimeUnit.SECONDS);
      other.release();
      return got;
    });
    until(() -> held.getParticipantNodes().size() == 2);
    held.release();
    step("mutex: handed on", within(waiting), "");
    step("mutex: not held", raises(IllegalMonitorStateException.class, held::release), "");
  }

  private static void readWrite(CuratorFramework a, CuratorFramework b) throws Exception {
    InterProcessReadWriteLock mine = new InterProcessReadWriteLock(a, ROOT + "/rw");
    InterProcessReadWriteLock theirs = new InterProcessReadWriteLock(b, ROOT + "/rw");
    mine.readLock().acquire();
    step("read lock: shared", theirs.readLock().acquire(20, TimeUnit.SECONDS), "");
    Future<Boolean> writing = spawn(() -> {
      boolean got = theirs.writeLock().acquire(20, TimeUnit.SECONDS);
      theirs.writeLock().release();
      return got;
    });
    until(() -> mine.writeLock().getParticipantNodes().size() == 1);
    step("write lock: waits for readers", !writing.isDone(), "");
    mine.readLock().release();
    theirs.readLock().release();
    step("write lock: follows the readers", within(writing), "");
    mine.writeLock().acquire();
    step("write lock: read inside", mine.readLock().acquire(20, TimeUnit.SECONDS), "");
    mine.writeLock().release();
    step("write lock: downgraded", theirs.readLock().acquire(20, TimeUnit.SECONDS), "");
    mine.readLock().release();
    theirs.readLock().release();
  }

  private static void semaphores(CuratorFramework a, CuratorFramework b) throws Exception {
    InterProcessSemaphoreV2 mine = new InterProcessSemaphoreV2(a, ROOT + "/semaphore", 3);
    InterProcessSemaphoreV2 theirs = new InterProcessSemaphoreV2(b, ROOT + "/semaphore", 3);
    mine.setNodeData(bytes("mine"));
    Collection<Lease> two = mine.acquire(2, 20, TimeUnit.SECONDS);
    Lease third = theirs.acquire(20, TimeUnit.SECONDS);
    step("semaphore: three leases", two.size() == 2 && third != null && theirs.getParticipantNodes().size() == 3, theirs.getParticipantNodes());
    step("semaphore: data", new String(two.iterator().next().getData()).equals("mine"), "");
    step("semaphore: no fourth", theirs.acquire(200, TimeUnit.MILLISECONDS) == null, "");
    Future<Lease> waiting = spawn(() -> theirs.acquire(20, TimeUnit.SECONDS));
    mine.returnAll(two);
    Lease fourth = within(waiting);
    step("semaphore: handed on", fourth != null, "");
    theirs.returnLease(third);
    theirs.returnLease(fourth);
    try (SharedCount limit = new SharedCount(a, ROOT + "/limit", 1)) {
      limit.start();
      InterProcessSemaphoreV2 bound = new InterProcessSemaphoreV2(a, ROOT + "/bound", limit);
      Lease first = bound.acquire(20, TimeUnit.SECONDS);
      Future<Lease> second = spawn(() -> bound.acquire(20, TimeUnit.SECONDS));
      until(() -> bound.getParticipantNodes().size() == 2);
      limit.setCount(2);
      Lease late = within(second);
      step("semaphore: its limit grows", first != null && late != null, "");
      bound.returnLease(first);
      bound.returnLease(late);
    }
  }

  private static void multi(CuratorFramework a, CuratorFramework b) throws Exception {
    List<String> paths = List.of(ROOT + "/multi/1", ROOT + "/multi/2");
    InterProcessMultiLock both = new InterProcessMultiLock(a, paths);
    InterProcessMutex second = new InterProcessMutex(b, paths.get(1));
    second.acquire();
    step("multi lock: all or none", !both.acquire(200, TimeUnit.MILLISECONDS) && new InterProcessMutex(a, paths.get(0)).getParticipantNodes().isEmpty(), "");
    second.release();
    step("multi lock: all", both.acquire(20, TimeUnit.SECONDS) && !second.acquire(200, TimeUnit.MILLISECONDS), "");
    both.release();
    step("multi lock: released", second.acquire(20, TimeUnit.SECONDS), "");
    second.release();
  }

  private static void selector(CuratorFramework a, CuratorFramework b) throws Exception {
    List<String> led = new CopyOnWriteArrayList<>();
    AtomicBoolean isOver = new AtomicBoolean();
    class Leader extends LeaderSelectorListenerAdapter {
      final String name;

      Leader(String name) {
        this.name = name;
      }

      public void takeLeadership(CuratorFramework client) throws Exception {
        led.add(name);
        while (!isOver.get()) Thread.sleep(20);
      }
    }
    LeaderSelector first = new LeaderSelector(a, ROOT + "/selector", new Leader("first"));
    LeaderSelector second = new LeaderSelector(b, ROOT + "/selector", new Leader("second"));
    first.setId("first");
    second.setId("second");
    first.autoRequeue();
    first.start();
    until(() -> led.equals(List.of("first")));
    second.start();
    step("selector: participants", until(() -> second.getParticipants().size() == 2) && second.getLeader().getId().equals("first"), second.getParticipants());
    first.interruptLeadership();
    step("selector: interrupted", until(() -> led.equals(List.of("first", "second"))), led);
    step("selector: queued again", until(() -> second.getParticipants().size() == 2), "");
    second.close();
    step("selector: closed", until(() -> led.equals(List.of("first", "second", "first"))), led);
    isOver.set(true);
    first.close();
    step("selector: on suspension", raises(CancelLeadershipException.class, () -> new Leader("x").stateChanged(a, ConnectionState.SUSPENDED)), "");
  }

  private static void latch(CuratorFramework a, CuratorFramework b, String hosts) throws Exception {
    AtomicInteger heard = new AtomicInteger();
    LeaderLatchListener listener = new LeaderLatchListener() {
      public void isLeader() {
        heard.incrementAndGet();
      }

      public void notLeader() {
        heard.addAndGet(10);
      }
    };
    LeaderLatch first = new LeaderLatch(a, ROOT + "/latch", "first", LeaderLatch.CloseMode.NOTIFY_LEADER);
    first.addListener(listener);
    first.start();
    first.await(20, TimeUnit.SECONDS);
    LeaderLatch second = new LeaderLatch(b, ROOT + "/latch", "second");
    second.start();
    step("latch: participants", until(() -> second.getParticipants().size() == 2) && second.getLeader().getId().equals("first"), second.getParticipants());
    first.close();
    step("latch: notified", until(() -> heard.get() == 11), heard);
    step("latch: the next", second.await(20, TimeUnit.SECONDS) && second.hasLeadership(), "");
    CuratorFramework short1 = client(hosts);
    LeaderLatch third = new LeaderLatch(short1, ROOT + "/latch", "third");
    third.start();
    until(() -> second.getParticipants().size() == 2);
    short1.close();
    step("latch: a session ends", until(() -> second.getParticipants().size() == 1), second.getParticipants());
    second.close();
  }
}
