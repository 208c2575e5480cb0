import java.util.LinkedHashMap;
import org.neo4j.configuration.Config;
import org.neo4j.configuration.GraphDatabaseSettings;

/** Reads NAME=VALUE arguments as a server reads neo4j.conf under strict validation: fails for a name or value that it does not know. */
public class Settings {
    public static void main(String[] arguments) {
        var raw = new LinkedHashMap<String, String>();
        for (var argument : arguments) {
            var at = argument.indexOf('=');
            raw.put(argument.substring(0, at), argument.substring(at + 1));
        }
        var config = Config.newBuilder().setRaw(raw).set(GraphDatabaseSettings.strict_config_validation, true).build();
        raw.keySet().forEach(name -> System.out.println(name + "=" + config.get(config.getSetting(name))));
    }
}
