import Exposition
import HTTP
import Runtime

/// A part of the program that can say whether it is well.
public struct HealthCheck: Sendable {
    public var name: String
    /// Nil if well, else what is wrong.
    public var problem: @Sendable () async -> String?
    public init(_ name: String, _ problem: @escaping @Sendable () async -> String?) {
        self.name = name
        self.problem = problem
    }
}

/// `/healthz` with its parts, and what came of each check so far for `/metrics/slis`.
struct Health: Sendable {
    let checks: [HealthCheck]
    /// Of its own, since `/metrics/slis` shows these two families and no other.
    private let slis = MetricRegistry()

    init(checks: [HealthCheck]) { self.checks = checks }

    /// `ok`, or 500 with a line a check; `?verbose` always has the lines, `?exclude=` leaves checks out.
    func answer(_ request: HTTPRequest, only name: String? = nil) async -> HTTPResponse {
        let chosen = name.map { name in checks.filter { $0.name == name } } ?? checks
        guard !chosen.isEmpty else { return .text("404 page not found\n", status: 404) }
        let excluded = Set(request.parameters("exclude"))
        var lines = ""
        var isWell = true
        for check in chosen where !excluded.contains(check.name) {
            if let problem = await run(check) {
                isWell = false
                lines += "[-]\(check.name) failed: \(problem)\n"
            } else {
                lines += "[+]\(check.name) ok\n"
            }
        }
        let unknown = excluded.subtracting(chosen.map(\.name)).sorted()
        if !unknown.isEmpty { lines += "warn: some health checks cannot be excluded: no matches for \(unknown.joined(separator: ", "))\n" }
        if isWell, request.parameter("verbose") == nil { return .text("ok") }
        return .text(lines + (isWell ? "healthz check passed\n" : "healthz check failed\n"), status: isWell ? 200 : 500)
    }

    /// Runs every check and shows its state now and how often it was well, so that a scrape is itself a probe.
    func serviceLevels() async -> [MetricFamily] {
        for check in checks { _ = await run(check) }
        return slis.collect()
    }

    private func run(_ check: HealthCheck) async -> String? {
        let problem = await check.problem()
        let status = problem == nil ? "success" : "error"
        slis.counter(
            "kubernetes_healthchecks_total", "Results of all health checks.", ["name": check.name, "type": "healthz", "status": status]
        ).increment()
        slis.gauge("kubernetes_healthcheck", "The result of a health check now: 1 is well.", ["name": check.name, "type": "healthz"]).value =
            problem == nil ? 1 : 0
        return problem
    }
}
