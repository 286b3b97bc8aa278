import java.io.IOException;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Tests named as sentences about behaviour; one line each on standard output, fields separated by tabs: "ok", sentence
 * or "FAILED", sentence, why. Once all have run: "end".
 */
final class Behaviours {
  private static final int SECONDS_PER_BEHAVIOUR = 20;

  /** A test. */
  interface Test {
    void run(ClientTest client) throws Exception;
  }

  private record Behaviour(String sentence, Test test) {}

  private final List<Behaviour> behaviours = new ArrayList<>();

  void add(String sentence, Test test) {
    behaviours.add(new Behaviour(sentence, test));
  }

  /** Runs each behaviour with a client of its own; the number of those that failed. */
  int run(Callable<ClientTest> setUp) {
    int failures = 0;
    ExecutorService executor = Executors.newCachedThreadPool(task -> {
      Thread thread = new Thread(task);
      thread.setDaemon(true);
      return thread;
    });
    for (Behaviour behaviour : behaviours) {
      try {
        executor.submit(() -> {
          try (ClientTest client = setUp.call()) {
            behaviour.test.run(client);
          }
          return null;
        }).get(SECONDS_PER_BEHAVIOUR, TimeUnit.SECONDS);
        System.out.println("ok\t" + behaviour.sentence);
      } catch (Exception thrown) {
        failures += 1;
        Throwable error = thrown instanceof ExecutionException ? thrown.getCause() : thrown;
        error.printStackTrace();
        System.out.println("FAILED\t" + behaviour.sentence + "\t" + error.toString().replaceAll("\\s+", " "));
      }
    }
    System.out.println("end");
    return failures;
  }

  static void expect(Object actual, Object expected) {
    if (!java.util.Objects.deepEquals(actual, expected)) {
      throw new AssertionError("got " + actual + ", expected " + expected);
    }
  }

  static void expectPart(String whole, String part) {
    if (whole == null || !whole.contains(part)) {
      throw new AssertionError("\"" + part + "\" is missing in \"" + whole + "\"");
    }
  }

  /** The exception of class {@code kind} that {@code action} throws. */
  static <E extends Throwable> E expectThrown(Class<E> kind, Callable<?> action) {
    try {
      action.call();
    } catch (Throwable error) {
      if (kind.isInstance(error)) {
        return kind.cast(error);
      }
      throw new AssertionError("threw " + error + ", expected " + kind.getName(), error);
    }
    throw new AssertionError("did not throw " + kind.getName());
  }

  /** A name for a queue or exchange that no other test and no earlier run has used. */
  static String unique(String name) {
    return "interop.java." + name + "." + UUID.randomUUID().toString().substring(0, 8);
  }

  /** Cuts every connection through the proxy; returns once it is done. */
  static void cutConnections() throws IOException {
    try (Socket control = new Socket("127.0.0.1", Integer.parseInt(System.getenv("AMQP_PROXY_CONTROL_PORT")))) {
      control.getInputStream().readAllBytes();
    }
  }
}
