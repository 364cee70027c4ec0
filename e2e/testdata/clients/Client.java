// Sends an update: java Client.java URL STYLE NAME VALUE...
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

public class Client {
    static String form(String[] args) {
        List<String> pairs = new ArrayList<>();
        for (int i = 2; i < args.length; i += 2) {
            pairs.add(encode(args[i]) + "=" + encode(args[i + 1]));
        }
        return String.join("&", pairs);
    }

    static String encode(String s) { return URLEncoder.encode(s, StandardCharsets.UTF_8); }

    static String json(String[] args) {
        List<String> members = new ArrayList<>();
        for (int i = 2; i < args.length; i += 2) {
            String value = args[i + 1].matches("0|[1-9][0-9]*") ? args[i + 1] : quote(args[i + 1]);
            members.add(quote(args[i]) + ":" + value);
        }
        return "{" + String.join(",", members) + "}";
    }

    static String quote(String s) { return '"' + s.replace("\\", "\\\\").replace("\"", "\\\"") + '"'; }

    /** The lines between the name and the value, as each library writes them. */
    static String extra(String style, String value) {
        if (style.equals("okhttp")) {
            return "Content-Length: " + value.getBytes(StandardCharsets.UTF_8).length + "\r\n";
        }
        boolean ascii = StandardCharsets.US_ASCII.newEncoder().canEncode(value);
        return switch (style) {
            case "apache" -> "Content-Type: text/plain; charset=" + (ascii ? "ISO-8859-1" : "UTF-8") + "\r\nContent-Transfer-Encoding: 8bit\r\n";
            default -> "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: " + value.getBytes(StandardCharsets.UTF_8).length + "\r\n"; // Spring
        };
    }

    static String multipart(String[] args, String boundary) {
        StringBuilder body = new StringBuilder();
        for (int i = 2; i < args.length; i += 2) {
            body.append("--").append(boundary).append("\r\nContent-Disposition: form-data; name=\"").append(args[i]).append("\"\r\n");
            body.append(extra(args[1], args[i + 1])).append("\r\n").append(args[i + 1]).append("\r\n");
        }
        return body.append("--").append(boundary).append("--\r\n").toString();
    }

    public static void main(String[] args) throws Exception {
        String boundary = UUID.randomUUID().toString();
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(args[0]));
        switch (args[1]) {
            case "query" -> request.uri(URI.create(args[0] + "?" + form(args))).POST(BodyPublishers.noBody());
            case "form" -> request.header("Content-Type", "application/x-www-form-urlencoded").POST(BodyPublishers.ofString(form(args)));
            case "json" -> request.header("Content-Type", "application/json; charset=UTF-8").POST(BodyPublishers.ofString(json(args)));
            case "okhttp" -> request.header("Content-Type", "multipart/form-data; boundary=" + boundary).POST(BodyPublishers.ofString(multipart(args, boundary)));
            case "apache" -> request.header("Content-Type", "multipart/form-data; boundary=" + boundary + "; charset=UTF-8").POST(BodyPublishers.ofString(multipart(args, boundary)));
            case "spring" -> request.header("Content-Type", "multipart/form-data;charset=UTF-8;boundary=" + boundary).POST(BodyPublishers.ofString(multipart(args, boundary)));
        }
        // The default is HTTP/2, asked for by an Upgrade.
        System.out.println(HttpClient.newHttpClient().send(request.build(), BodyHandlers.ofString()).body());
    }
}
