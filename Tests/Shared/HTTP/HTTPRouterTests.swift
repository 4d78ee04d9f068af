import HTTP
import Testing

@Suite struct HTTPRouterTests {
    private func router() -> HTTPRouter {
        var router = HTTPRouter()
        router.on("GET", "/stats/{rest...}") { _, p in .text("rest \(p["rest"] ?? "")") }
        router.on("GET", "/stats/{name}") { _, p in .text("one \(p["name"] ?? "")") }
        router.on("GET POST", "/stats/summary") { _, _ in .text("summary") }
        return router
    }

    @Test(arguments: [("/stats/summary", "summary"), ("/stats/x", "one x"), ("/stats/x/y", "rest x/y")])
    func `prefers the literal, then the parameter, then the rest`(path: String, expected: String) async {
        let response = await router().respond(to: HTTPRequest(path: path))
        guard case .bytes(let bytes) = response.body else { return }
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test func `answers 404 and 405 with Allow`() async {
        #expect(await router().respond(to: HTTPRequest(path: "/no")).status == 404)
        let refused = await router().respond(to: HTTPRequest(method: "DELETE", path: "/stats/summary"))
        #expect(refused.status == 405)
        #expect(refused.fields["allow"] == "GET, HEAD, POST")
    }
}
