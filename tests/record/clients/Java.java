// Java.java BASE_URL COUNT [FIRST] - requests by java.net.http.HttpClient, as it is without any setting
//
// Optional: only recordings use it. Every cleartext request asks for an upgrade to h2c.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.MessageDigest;

public class Java {
    public static void main(String[] args) throws Exception {
        String target = "/v1/models/digits:predict";
        int first = args.length > 2 ? Integer.parseInt(args[2]) : 0;
        HttpClient client = HttpClient.newHttpClient();
        for (int i = 0; i < Integer.parseInt(args[1]); i++) {
            StringBuilder row = new StringBuilder();
            for (int k = 0; k < 64; k++)
                row.append(k == 0 ? "" : ", ").append((k * 3 + first + i) % 17);
            byte[] body = ("{\"instances\": [[" + row + "]]}").getBytes("UTF-8");
            HttpRequest request = HttpRequest.newBuilder(URI.create(args[0] + target))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(body)).build();
            HttpResponse<Void> answer = client.send(request, HttpResponse.BodyHandlers.discarding());
            if (answer.statusCode() != 200)
                throw new IllegalStateException("status " + answer.statusCode());
            StringBuilder sum = new StringBuilder();
            for (byte b : MessageDigest.getInstance("SHA-256").digest(body))
                sum.append(String.format("%02x", b));
            System.out.println("{\"method\": \"POST\", \"target\": \"" + target + "\", \"version\": \"1.1\", \"complete\": true, "
                + "\"content_type\": \"application/json\", \"body_len\": " + body.length
                + ", \"body_sha256\": \"" + sum + "\"}");
        }
    }
}
