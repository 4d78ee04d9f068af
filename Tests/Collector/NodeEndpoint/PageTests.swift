import HTTP
import JSON
import NodeEndpoint
import Testing

/// Pages for people, and what an evil name can do to them: nothing.
@Suite struct PageTests {
    private let fixture = Fixture()

    @Test(arguments: [
        "/containers/", "/containers/docker/0123456789abcdef", "/docker/", "/docker/0123", "/validate/", "/", "/containers/nope/<script>", "/docker/<b>",
    ])
    func `no name becomes markup`(path: String) async {
        let answer = await fixture.get(path)
        #expect(answer.fields["Content-Type"] == "text/html; charset=utf-8")
        #expect(answer.status == (path.contains("<") ? 404 : 200))
        #expect(!answer.text.contains("<script>alert") && !answer.text.contains("<script></") && !answer.text.contains("<b>"))
        #expect(answer.fields["Content-Security-Policy"]?.contains("default-src 'none'") == true)
        if path.hasPrefix("/docker/0") { #expect(answer.text.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;")) }
    }

    @Test func `names are escaped on the metrics page`() async {
        let page = await fixture.get("/metrics/cadvisor").text
        #expect(page.contains(#"name="<script>alert(\"1\")</script>\n'&\\""#))
        // One sample a line, whatever a name holds.
        for line in page.split(separator: "\n") where !line.hasPrefix("#") {
            #expect(line.hasPrefix("container_") || line.hasPrefix("machine_") || line.hasPrefix("cadvisor_"), "\(line)")
        }
    }

    @Test func `the page is there only where it was asked for`() async {
        #expect(await fixture.get("/", on: fixture.router(page: false)).status == 404)
        let answer = await fixture.get("/")
        #expect(answer.text.contains("<script src=\"status.js\" defer></script>") && answer.text.contains("lang=\"en\""))
        #expect(await fixture.get("/status.js").fields["Content-Type"] == "text/javascript; charset=utf-8")
        #expect(await fixture.get("/status.css").fields["Content-Type"] == "text/css; charset=utf-8")
        // The script sets text, never markup.
        let script = await fixture.get("/status.js").text
        #expect(!script.contains("innerHTML") && !script.contains("insertAdjacentHTML") && !script.contains("document.write"))
    }

    @Test func `the page's data can be filtered, sorted and cut`() async {
        let all = await fixture.get("/status.json").json
        #expect(all["matching"] == 3 && all["hidden"] == 1 && all["owners"][0]["message"] == "no socket")
        #expect(await fixture.get("/status.json?all=1").json["matching"] == 4)
        let one = await fixture.get("/status.json?filter=NGINX").json
        #expect(one["matching"] == 1 && one["containers"][0]["title"] == "nginx")
        #expect(await fixture.get("/status.json?limit=1").json["containers"].elements.count == 1)
        let points = await fixture.get("/status.json?points=60&filter=nginx").json["containers"][0]["past"].elements
        #expect(points.count == 60 && points.last?[1] == 0.5)
        #expect(await fixture.get("/status.json?points=-5&limit=x&sort=y").json["containers"].elements.count == 3)
    }
}
