// Services of Curator's x-discovery, whose payload is a map.
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryNTimes;
import org.apache.curator.x.discovery.ServiceCache;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.details.JsonInstanceSerializer;

public class CuratorServices implements Services.Registry {
  private final ServiceDiscovery<Object> discovery;
  private final Map<String, ServiceInstance<Object>> own = new HashMap<>();
  private final Map<String, ServiceCache<Object>> caches = new HashMap<>();

  public CuratorServices(String hosts, String base) throws Exception {
    CuratorFramework client = CuratorFrameworkFactory.newClient(hosts, 3000, 5000, new RetryNTimes(30, 100));
    client.start();
    client.blockUntilConnected(20, TimeUnit.SECONDS);
    discovery = ServiceDiscoveryBuilder.builder(Object.class)
        .client(client)
        .basePath(base)
        .serializer(new JsonInstanceSerializer<>(Object.class))
        .build();
    discovery.start();
  }

  static long weightOf(Object payload) {
    if (!(payload instanceof Map)) return 1;
    Object weight = ((Map<?, ?>) payload).get("weight");
    return weight == null ? 1 : Long.parseLong(String.valueOf(weight));
  }

  private static String said(Collection<ServiceInstance<Object>> instances) {
    return instances.stream()
        .map(each -> each.getId() + " " + each.getAddress() + " " + each.getPort() + " " + weightOf(each.getPayload()))
        .sorted()
        .collect(Collectors.joining(";"));
  }

  @Override
  public void register(String name, String id, String address, int port, int weight) throws Exception {
    Map<String, Object> payload = new LinkedHashMap<>();
    payload.put("weight", weight);
    ServiceInstance<Object> instance =
        ServiceInstance.builder().name(name).id(id).address(address).port(port).payload(payload).build();
    if (own.put(id, instance) == null) discovery.registerService(instance);
    else discovery.updateService(instance);
  }

  @Override
  public void unregister(String name, String id) throws Exception {
    discovery.unregisterService(own.remove(id));
  }

  @Override
  public String list(String name) throws Exception {
    return said(discovery.queryForInstances(name));
  }

  @Override
  public String follow(String name) throws Exception {
    ServiceCache<Object> cache = caches.get(name);
    if (cache == null) {
      cache = discovery.serviceCacheBuilder().name(name).build();
      cache.start();
      caches.put(name, cache);
    }
    return said(cache.getInstances());
  }
}
