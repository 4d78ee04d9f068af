import HTTP
import JSON
import NodeStats
import Telemetry

/// The built-in page of `binnacle collect`: the node and its containers, live, without the aggregator.
///
/// A document, a style and a script of its own, and a small JSON that the script asks for every two seconds. Names come
/// as JSON and become text nodes, so no name is ever markup; the policy forbids every other source of script.
struct StatusPage: Sendable {
    let readings: any NodeReadings
    let options: NodeEndpoint.Options

    func register(on router: inout HTTPRouter) {
        router.on("GET", "/") { _, _ in Self.asset(StatusMarkup.text, "text/html; charset=utf-8") }
        router.on("GET", "/status.css") { _, _ in Self.asset(StatusStyle.text, "text/css; charset=utf-8") }
        router.on("GET", "/status.js") { _, _ in Self.asset(StatusScript.text, "text/javascript; charset=utf-8") }
        router.on("GET", "/status.json") { request, _ in await data(request) }
    }

    private static func asset(_ text: String, _ type: String) -> HTTPResponse {
        HTTPResponse(
            fields: [
                "Content-Type": type, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
                "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'",
            ], body: .bytes(Array(text.utf8)))
    }

    private func data(_ request: HTTPRequest) async -> HTTPResponse {
        let wanted = StatusRequest(request)
        let snapshot = await readings.snapshot(maximumAge: nil)
        let chosen = StatusDocument.choose(snapshot.rows, wanted)
        var past: [String: [NodeSnapshot.Row]] = [:]
        if wanted.points > 0 {
            let from = snapshot.timestamp - .seconds(wanted.points + 1)
            for path in ["/"] + chosen.rows.map(\.reference.cgroupPath) {
                past[path] = await readings.history(of: path, from: from, through: nil, limit: Int(wanted.points) + 1)
            }
        }
        var response = HTTPResponse.json(
            StatusDocument.document(snapshot, chosen, past, owners: await options.owners(), version: options.version))
        response.fields["Cache-Control"] = "no-store"
        return response
    }
}

/// What of the containers the page wants to see.
struct StatusRequest: Sendable {
    enum Order: String, Sendable { case cpu, memory, name }
    var order = Order.cpu
    var filter = ""
    /// Rows; more than these are only counted.
    var limit = 100
    /// Seconds of the past for the sparklines; 0 is only now.
    var points: Int64 = 0
    /// Whether cgroups without an owner are shown too.
    var showsAll = false

    init() {}
    init(_ request: HTTPRequest) {
        order = request.parameter("sort").flatMap { Order(rawValue: $0) } ?? .cpu
        filter = request.parameter("filter") ?? ""
        limit = min(500, max(1, request.parameter("limit").flatMap { Int($0) } ?? 100))
        points = min(600, max(0, request.parameter("points").flatMap { Int64($0) } ?? 0))
        showsAll = request.parameter("all") == "1"
    }
}
