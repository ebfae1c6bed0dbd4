// Executes commands from standard input, a line each, several at a time: `ID WORD…`, answered by a line of JSON with the id.
import java.io.BufferedReader;
import java.io.InputStreamReader;

public class Commands {
  interface Command {
    /** The first word is the id. */
    String run(String[] words) throws Exception;
  }

  static void serve(Command command) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ");
      new Thread(() -> {
        String answer;
        try {
          answer = "\"value\": " + quoted(command.run(words));
        } catch (Throwable error) {
          answer = "\"error\": " + quoted(String.valueOf(error));
        }
        synchronized (System.out) {
          System.out.println("{\"id\": " + words[0] + ", " + answer + "}");
          System.out.flush();
        }
      }).start();
    }
  }

  static String quoted(String text) {
    return "\"" + text.replaceAll("[\"\\\\\\s]+", " ") + "\"";
  }
}
