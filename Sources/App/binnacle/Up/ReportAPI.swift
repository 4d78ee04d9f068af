import HTTP
import JSON
import Reports
import Runtime
import Telemetry

/// `/api/report?format=html&start=&end=&namespace=`.
struct ReportAPI: Sendable {
    let data: any ReportData
    let nodeName: String
    let clock: any WallClock

    func register(on router: inout HTTPRouter) {
        router.on("GET", "/api/report") { request, _ in await respond(to: request) }
    }

    private func respond(to request: HTTPRequest) async -> HTTPResponse {
        guard let form = ReportForm(rawValue: request.parameter("format") ?? "html") else {
            return problem("format is \"\(request.parameter("format") ?? "")\"", "use one of " + ReportForm.allCases.map(\.rawValue).joined(separator: ", "))
        }
        let now = clock.now
        guard let end = moment(request.parameter("end"), or: now), let start = moment(request.parameter("start"), or: end - .seconds(3600)) else {
            return problem("start or end is no time", "write Unix seconds or RFC 3339")
        }
        guard start < end else { return problem("the period ends before it starts", "give start before end") }
        let namespace = request.parameter("namespace").flatMap { $0.isEmpty ? nil : $0 }
        do {
            let builder = ReportBuilder(data: data, from: start, through: end, namespace: namespace, nodeName: nodeName)
            let report = try await builder.build(now: now)
            return HTTPResponse(fields: ["Content-Type": form.contentType], body: .bytes(form.render(report)))
        } catch {
            return .json(["error": .string("the report could not be made: \(error)")], status: 500)
        }
    }

    private func moment(_ text: String?, or fallback: Timestamp) -> Timestamp? {
        guard let text else { return fallback }
        return Double(text).map { Timestamp(seconds: $0) } ?? CivilTime.parse(text)?.timestamp
    }

    private func problem(_ error: String, _ hint: String) -> HTTPResponse {
        .json(["error": .string(error), "hint": .string(hint)], status: 400)
    }
}
