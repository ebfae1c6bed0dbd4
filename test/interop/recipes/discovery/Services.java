// Services through a Java library: Services curator|spring|dubbo HOSTS BASE. Reads `id verb arguments…`, writes {"id", "value"} or {"id", "error"}.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Arrays;

public class Services {
  /** What a library does with services. Lists are `id address port weight`, a semicolon between two, in the order of the ids. */
  interface Registry {
    void register(String name, String id, String address, int port, int weight) throws Exception;

    void unregister(String name, String id) throws Exception;

    /** Read now. */
    String list(String name) throws Exception;

    /** As the library's own cache has it, from the first call on. */
    String follow(String name) throws Exception;
  }

  static Registry open(String kind, String hosts, String base) throws Exception {
    // By name: what the other kinds need may not be there.
    String library = kind.equals("dubbo") ? "DubboServices" : kind.equals("spring") ? "SpringServices" : "CuratorServices";
    return (Registry) Class.forName(library).getConstructor(String.class, String.class).newInstance(hosts, base);
  }

  static String call(Registry registry, String[] words) throws Exception {
    switch (words[1]) {
      case "register":
        registry.register(words[2], words[3], words[4], Integer.parseInt(words[5]), Integer.parseInt(words[6]));
        return "";
      case "unregister":
        registry.unregister(words[2], words[3]);
        return "";
      case "list":
        return registry.list(words[2]);
      case "follow":
        return registry.follow(words[2]);
      default:
        throw new IllegalArgumentException(words[1]);
    }
  }

  public static void main(String[] args) throws Exception {
    Registry registry = open(args[0], args[1], args[2]);
    BufferedReader reader = new BufferedReader(new InputStreamReader(System.in));
    for (String line = reader.readLine(); line != null; line = reader.readLine()) {
      String[] words = line.split(" ");
      String kind = "value";
      String said;
      try {
        said = call(registry, words);
      } catch (Exception error) {
        kind = "error";
        said = String.valueOf(error) + " " + Arrays.toString(error.getStackTrace());
      }
      System.out.println("{\"id\":" + words[0] + ",\"" + kind + "\":\"" + said.replaceAll("[\"\\\\\\s]+", " ") + "\"}");
    }
    System.exit(0);
  }
}
