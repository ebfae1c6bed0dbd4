// Services as Spring Cloud ZooKeeper has them: Curator's, with a class of Spring's for payload.
import java.util.Collection;
import java.util.HashMap;
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
import org.apache.curator.x.discovery.UriSpec;
import org.apache.curator.x.discovery.details.JsonInstanceSerializer;
import org.springframework.cloud.zookeeper.discovery.ZookeeperInstance;

public class SpringServices implements Services.Registry {
  private final ServiceDiscovery<ZookeeperInstance> discovery;
  private final Map<String, ServiceInstance<ZookeeperInstance>> own = new HashMap<>();
  private final Map<String, ServiceCache<ZookeeperInstance>> caches = new HashMap<>();

  public SpringServices(String hosts, String base) throws Exception {
    CuratorFramework client = CuratorFrameworkFactory.newClient(hosts, 3000, 5000, new RetryNTimes(30, 100));
    client.start();
    client.blockUntilConnected(20, TimeUnit.SECONDS);
    discovery = ServiceDiscoveryBuilder.builder(ZookeeperInstance.class)
        .client(client)
        .basePath(base)
        .serializer(new JsonInstanceSerializer<>(ZookeeperInstance.class))
        .build();
    discovery.start();
  }

  private static String said(Collection<ServiceInstance<ZookeeperInstance>> instances) {
    return instances.stream()
        .map(each -> {
          String weight = each.getPayload().getMetadata().getOrDefault("weight", "1");
          // The URI is what Spring's own balancer calls.
          return each.getId() + " " + each.getAddress() + " " + each.getPort() + " " + weight + " " + each.buildUriSpec();
        })
        .sorted()
        .collect(Collectors.joining(";"));
  }

  @Override
  public void register(String name, String id, String address, int port, int weight) throws Exception {
    Map<String, String> metadata = new HashMap<>();
    metadata.put("instance_status", "UP");
    metadata.put("weight", String.valueOf(weight));
    ServiceInstance<ZookeeperInstance> instance = ServiceInstance.<ZookeeperInstance>builder()
        .name(name)
        .id(id)
        .address(address)
        .port(port)
        .payload(new ZookeeperInstance(id, name, metadata))
        .uriSpec(new UriSpec("{scheme}://{address}:{port}"))
        .build();
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
    ServiceCache<ZookeeperInstance> cache = caches.get(name);
    if (cache == null) {
      cache = discovery.serviceCacheBuilder().name(name).build();
      cache.start();
      caches.put(name, cache);
    }
    return said(cache.getInstances());
  }
}
