import java.util.concurrent.CountDownLatch;
import org.codelibs.opensearch.runner.OpenSearchRunner;
import org.codelibs.opensearch.runner.OpenSearchRunner.Configs;

/**
 * One OpenSearch node on loopback, run from source: {@code java -cp 'jars/*' SearchNode.java FOLDER PORT}.
 *
 * <p>It keeps its indices in FOLDER and closes them in order on SIGTERM.
 */
public final class SearchNode {
    public static void main(String[] arguments) throws InterruptedException {
        String folder = arguments[0];
        String port = arguments[1];
        OpenSearchRunner runner = new OpenSearchRunner();
        runner.onBuild((number, settings) -> {
            settings.put("network.host", "127.0.0.1");
            settings.put("http.port", port);
            // Nobody joins this node, so any free port will do for other nodes to call on.
            settings.put("transport.port", "0");
            settings.put("discovery.type", "single-node");
            // A disk that is 90 % full must not make the indices of a test read-only.
            settings.put("cluster.routing.allocation.disk.threshold_enabled", false);
        });
        Configs configs = OpenSearchRunner.newConfigs()
                .basePath(folder)
                .clusterName("lms-tests")
                .numOfNode(1)
                .disableESLogger();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(runner)));
        runner.build(configs);
        runner.ensureYellow();
        new CountDownLatch(1).await();
    }

    private static void close(OpenSearchRunner runner) {
        try {
            runner.close();
        } catch (java.io.IOException error) {
            throw new java.io.UncheckedIOException(error);
        }
    }
}
