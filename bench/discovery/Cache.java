// Curator's ServiceCache for bench/discovery.mjs: Cache HOSTS COUNT. Writes a line when it is full, and one when it sees one more.
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryOneTime;
import org.apache.curator.x.discovery.ServiceCache;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceProvider;
import org.apache.curator.x.discovery.details.InstanceProvider;
import org.apache.curator.x.discovery.details.JsonInstanceSerializer;
import org.apache.curator.x.discovery.details.ServiceCacheListener;
import org.apache.curator.x.discovery.strategies.RandomStrategy;

public class Cache {
  static double usedMb() throws Exception {
    for (int i = 0; i < 3; i++) {
      System.gc();
      Thread.sleep(50);
    }
    for (String line : java.nio.file.Files.readAllLines(java.nio.file.Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) return Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1000;
    }
    return 0;
  }

  public static void main(String[] args) throws Exception {
    int count = Integer.parseInt(args[1]);
    CuratorFramework client = CuratorFrameworkFactory.newClient(args[0], 30_000, 10_000, new RetryOneTime(100));
    client.start();
    client.blockUntilConnected(10, TimeUnit.SECONDS);
    ServiceDiscovery<Object> discovery = ServiceDiscoveryBuilder.builder(Object.class)
        .client(client)
        .basePath("/services")
        .serializer(new JsonInstanceSerializer<>(Object.class))
        .build();
    discovery.start();
    double before = usedMb();
    long start = System.nanoTime();
    ServiceCache<Object> cache = discovery.serviceCacheBuilder().name("users").build();
    CountDownLatch seen = new CountDownLatch(1);
    cache.addListener(new ServiceCacheListener() {
      public void cacheChanged() {
        if (cache.getInstances().size() > count) seen.countDown();
      }

      public void stateChanged(CuratorFramework same, ConnectionState state) {}
    });
    cache.start();
    while (cache.getInstances().size() < count) Thread.sleep(1);
    double filled = (System.nanoTime() - start) / 1e6;
    double memory = usedMb() - before;
    RandomStrategy<Object> strategy = new RandomStrategy<>();
    InstanceProvider<Object> provider = () -> cache.getInstances();
    int picks = 2_000;
    for (int i = 0; i < picks; i++) strategy.getInstance(provider);
    start = System.nanoTime();
    for (int i = 0; i < picks; i++) strategy.getInstance(provider);
    double random = (double) (System.nanoTime() - start) / picks;
    System.out.println("{\"filledMs\": " + filled + ", \"memoryMb\": " + memory + ", \"randomNs\": " + random + "}");
    seen.await();
    System.out.println("{\"seen\": 1}");
  }
}
