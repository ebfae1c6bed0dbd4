// Service discovery: instances, caches, providers and their strategies.
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.x.discovery.DownInstancePolicy;
import org.apache.curator.x.discovery.ServiceCache;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceProvider;
import org.apache.curator.x.discovery.ServiceType;
import org.apache.curator.x.discovery.UriSpec;
import org.apache.curator.x.discovery.details.JsonInstanceSerializer;
import org.apache.curator.x.discovery.details.ServiceCacheListener;
import org.apache.curator.x.discovery.strategies.RandomStrategy;
import org.apache.curator.x.discovery.strategies.RoundRobinStrategy;
import org.apache.curator.x.discovery.strategies.StickyStrategy;

public class Discovery extends Lane {
  private static ServiceDiscovery<String> open(CuratorFramework client) throws Exception {
    ServiceDiscovery<String> discovery = ServiceDiscoveryBuilder.builder(String.class)
        .client(client)
        .basePath(ROOT + "/services")
        .serializer(new JsonInstanceSerializer<>(String.class))
        .watchInstances(true)
        .build();
    discovery.start();
    return discovery;
  }

  private static ServiceInstance<String> instance(String id, int port, String payload) throws Exception {
    return ServiceInstance.<String>builder()
        .name("users")
        .id(id)
        .address("10.0.0.1")
        .port(port)
        .payload(payload)
        .serviceType(ServiceType.DYNAMIC)
        .uriSpec(new UriSpec("{scheme}://{address}:{port}"))
        .build();
  }

  private static Set<Integer> picks(ServiceProvider<String> provider, int times) throws Exception {
    Set<Integer> ports = new HashSet<>();
    for (int i = 0; i < times; i++) ports.add(provider.getInstance().getPort());
    return ports;
  }

  static void run(CuratorFramework a, CuratorFramework b) throws Exception {
    ServiceDiscovery<String> mine = open(a);
    ServiceDiscovery<String> theirs = open(b);
    AtomicInteger changes = new AtomicInteger();
    ServiceCache<String> cache = theirs.serviceCacheBuilder().name("users").build();
    cache.addListener(new ServiceCacheListener() {
      public void cacheChanged() {
        changes.incrementAndGet();
      }

      public void stateChanged(CuratorFramework client, ConnectionState state) {
      }
    });
    cache.start();
    mine.registerService(instance("one", 100, "first"));
    mine.registerService(instance("two", 200, "second"));
    mine.registerService(instance("three", 300, "third"));
    step("discovery: names", theirs.queryForNames().contains("users"), "");
    ServiceInstance<String> read = theirs.queryForInstance("users", "one");
    step("discovery: an instance", read.getId().equals("one") && read.getPort() == 100 && read.getServiceType() == ServiceType.DYNAMIC && read.getPayload().equals("first") && read.buildUriSpec().equals("http://10.0.0.1:100"), read.buildUriSpec());
    step("discovery: cache", until(() -> cache.getInstances().size() == 3) && changes.get() > 0, changes);
    ServiceProvider<String> round = theirs.serviceProviderBuilder().serviceName("users").providerStrategy(new RoundRobinStrategy<>()).build();
    round.start();
    until(() -> round.getAllInstances().size() == 3);
    step("provider: round robin", picks(round, 3).size() == 3, picks(round, 3));
    ServiceProvider<String> random = theirs.serviceProviderBuilder().serviceName("users").providerStrategy(new RandomStrategy<>()).build();
    random.start();
    until(() -> random.getAllInstances().size() == 3);
    step("provider: random", until(() -> picks(random, 20).size() == 3), "");
    StickyStrategy<String> sticks = new StickyStrategy<>(new RoundRobinStrategy<>());
    ServiceProvider<String> sticky = theirs.serviceProviderBuilder().serviceName("users").providerStrategy(sticks).build();
    sticky.start();
    until(() -> sticky.getAllInstances().size() == 3);
    ServiceInstance<String> stuck = sticky.getInstance();
    step("provider: sticky", picks(sticky, 10).equals(Set.of(stuck.getPort())), stuck.getPort());
    mine.unregisterService(stuck);
    step("provider: sticky moves on", until(() -> sticky.getInstance().getPort() != stuck.getPort()) && sticks.getInstanceNumber() == 1, sticks.getInstanceNumber());
    mine.registerService(stuck);
    ServiceProvider<String> filtered = theirs.serviceProviderBuilder().serviceName("users").additionalFilter((each) -> each.getPort() > 150).downInstancePolicy(new DownInstancePolicy(1, TimeUnit.HOURS, 1)).build();
    filtered.start();
    step("provider: filtered", until(() -> filtered.getAllInstances().size() == 2), filtered.getAllInstances().size());
    ServiceInstance<String> bad = filtered.getInstance();
    filtered.noteError(bad);
    step("provider: one that is down", until(() -> filtered.getAllInstances().size() == 1), filtered.getAllInstances().size());
    mine.updateService(instance("one", 100, "changed"));
    step("discovery: updated", until(() -> cache.getInstances().stream().anyMatch((each) -> "changed".equals(each.getPayload()))), "");
    b.delete().forPath(ROOT + "/services/users/two");
    step("discovery: deleted by another", until(() -> cache.getInstances().size() == 2) && theirs.queryForInstances("users").size() == 2, cache.getInstances().size());
    for (ServiceProvider<String> each : List.of(round, random, sticky, filtered)) each.close();
    cache.close();
    mine.close();
    step("discovery: closed", until(() -> theirs.queryForInstances("users").isEmpty()), "");
    theirs.close();
  }
}
