// A client of Kafka that executes commands line by line: KafkaPeer BROKERS
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class KafkaPeer {
  static String brokers;

  static Map<String, Object> settings(Object... more) {
    Map<String, Object> settings = new HashMap<>();
    settings.put("bootstrap.servers", brokers);
    for (int i = 0; i < more.length; i += 2) settings.put((String) more[i], more[i + 1]);
    return settings;
  }

  /** Sends the records `from` to `from + count - 1`, and waits until all in-sync replicas have them. */
  static String produce(String topic, int from, int count) throws Exception {
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(
        settings("acks", "all", "enable.idempotence", true, "delivery.timeout.ms", 60_000, "request.timeout.ms", 10_000, "max.block.ms", 60_000),
        new StringSerializer(), new StringSerializer())) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (int i = from; i < from + count; i++) sent.add(producer.send(new ProducerRecord<>(topic, String.valueOf(i), String.valueOf(i))));
      for (Future<RecordMetadata> each : sent) each.get(70, TimeUnit.SECONDS);
      return String.valueOf(sent.size());
    }
  }

  /** Reads as a member of `group` until `count` different records have come, or a minute is over: how many, and the sum of them. */
  static String consume(String topic, String group, int count) {
    try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(
        settings("group.id", group, "auto.offset.reset", "earliest", "enable.auto.commit", false),
        new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of(topic));
      TreeSet<Integer> seen = new TreeSet<>();
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (seen.size() < count && System.nanoTime() < end) {
        for (ConsumerRecord<String, String> each : consumer.poll(Duration.ofMillis(200))) seen.add(Integer.parseInt(each.value()));
      }
      consumer.commitSync();
      return seen.size() + " " + seen.stream().mapToInt(Integer::intValue).sum();
    }
  }

  /** Each partition's leader and in-sync replicas, "0:1[1,2]". */
  static String partitions(Admin admin, String topic) throws Exception {
    List<String> all = new ArrayList<>();
    for (TopicPartitionInfo each : admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions()) {
      String leader = each.leader() == null ? "none" : String.valueOf(each.leader().id());
      TreeSet<Integer> inSync = new TreeSet<>();
      each.isr().forEach((node) -> inSync.add(node.id()));
      all.add(each.partition() + ":" + leader + inSync.toString().replace(" ", ""));
    }
    return String.join(" ", all);
  }

  static String run(String[] a) throws Exception {
    if (a[1].equals("produce")) return produce(a[2], Integer.parseInt(a[3]), Integer.parseInt(a[4]));
    if (a[1].equals("consume")) return consume(a[2], a[3], Integer.parseInt(a[4]));
    try (Admin admin = Admin.create(settings("default.api.timeout.ms", 60_000))) {
      switch (a[1]) {
        case "brokers": {
          TreeSet<Integer> ids = new TreeSet<>();
          admin.describeCluster().nodes().get().forEach((node) -> ids.add(node.id()));
          return ids.toString();
        }
        case "topics":
          return new TreeSet<>(admin.listTopics().names().get()).toString();
        case "create":
          admin.createTopics(List.of(new NewTopic(a[2], Integer.parseInt(a[3]), Short.parseShort(a[4])))).all().get();
          return "";
        case "grow":
          admin.createPartitions(Map.of(a[2], NewPartitions.increaseTo(Integer.parseInt(a[3])))).all().get();
          return "";
        case "delete":
          admin.deleteTopics(List.of(a[2])).all().get();
          return "";
        case "partitions":
          return partitions(admin, a[2]);
        case "set": {
          ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, a[2]);
          admin.incrementalAlterConfigs(Map.of(topic, List.of(new AlterConfigOp(new ConfigEntry(a[3], a[4]), AlterConfigOp.OpType.SET)))).all().get();
          return "";
        }
        case "setting": {
          ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, a[2]);
          return Optional.ofNullable(admin.describeConfigs(List.of(topic)).all().get().get(topic).get(a[3])).map(ConfigEntry::value).orElse("none");
        }
        default:
          throw new IllegalArgumentException(a[1]);
      }
    }
  }

  public static void main(String[] args) throws Exception {
    brokers = args[0];
    Commands.serve(KafkaPeer::run);
  }
}
