// Services in Dubbo's interface registry, through its own ZookeeperRegistry.
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.apache.dubbo.common.URL;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.registry.Registry;
import org.apache.dubbo.registry.RegistryFactory;
import org.apache.dubbo.rpc.model.ApplicationModel;

public class DubboServices implements Services.Registry {
  /** Of a provider that says none, which everybody else calls 1. */
  private static final int normalWeight = 100;

  private final Registry registry;
  private final Map<String, URL> own = new HashMap<>();
  private final Map<String, List<URL>> followed = new ConcurrentHashMap<>();

  public DubboServices(String hosts, String base) {
    ApplicationModel application = ApplicationModel.defaultModel();
    application.getApplicationConfigManager().setApplication(new ApplicationConfig("peer"));
    RegistryFactory factory = application.getExtensionLoader(RegistryFactory.class).getAdaptiveExtension();
    String group = base.substring(1);
    URL url = URL.valueOf("zookeeper://" + hosts + "/org.apache.dubbo.registry.RegistryService?application=peer&session=3000&delay-notification=10&group=" + group);
    registry = factory.getRegistry(url.setScopeModel(application));
  }

  private static URL consumer(String name) {
    String url = "consumer://127.0.0.1/" + name + "?application=peer&category=providers&interface=" + name + "&version=*&group=*";
    return URL.valueOf(url).setScopeModel(ApplicationModel.defaultModel().newModule());
  }

  private static String said(Collection<URL> urls) {
    return urls.stream()
        .filter(each -> !each.getProtocol().equals("empty"))
        .map(each -> each.getAddress() + " " + each.getHost() + " " + each.getPort() + " " + each.getParameter("weight", normalWeight) / normalWeight)
        .sorted()
        .collect(Collectors.joining(";"));
  }

  @Override
  public void register(String name, String id, String address, int port, int weight) {
    URL url = URL.valueOf("dubbo://" + address + ":" + port + "/" + name + "?application=peer&interface=" + name + "&side=provider&weight=" + normalWeight * weight);
    registry.register(url);
    URL before = own.put(id, url);
    // As Dubbo does when an override changes a provider.
    if (before != null) registry.unregister(before);
  }

  @Override
  public void unregister(String name, String id) {
    registry.unregister(own.remove(id));
  }

  @Override
  public String list(String name) {
    return said(registry.lookup(consumer(name)));
  }

  @Override
  public String follow(String name) {
    if (!followed.containsKey(name)) {
      followed.put(name, List.of());
      registry.subscribe(consumer(name), urls -> followed.put(name, urls));
    }
    return said(followed.get(name));
  }
}
