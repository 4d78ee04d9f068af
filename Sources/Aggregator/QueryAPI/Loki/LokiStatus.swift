import HTTP
import JSON

/// What clients ask besides lines: what this is, whether it works, its rules.
extension LokiAPI {
    func registerStatus(on router: inout HTTPRouter) {
        let version = options.version
        router.on("GET", "/loki/api/v1/status/buildinfo") { _, _ in
            .json(["version": JSON(version), "revision": "binnacle", "branch": "", "buildDate": "", "buildUser": "", "goVersion": ""])
        }
        router.on("GET", "/ready") { _, _ in .text("ready\n") }
        router.on("GET", "/services") { _, _ in .text("querier => Running\n") }
        // Grafana asks for this first and takes an error of 400 as a hint that an older API is spoken.
        router.on("GET", "/loki/api/v2alpha/tail") { _, _ in .text("404 page not found\n", status: 404) }
        // Rules over logs are not evaluated here yet: an empty list, in both forms.
        router.on("GET", "/loki/api/v1/rules") { _, _ in HTTPResponse(fields: ["Content-Type": "application/yaml"], body: .bytes(Array("{}\n".utf8))) }
        router.on("GET", "/prometheus/api/v1/rules") { _, _ in Self.success(["groups": []]) }
        router.on("GET", "/prometheus/api/v1/alerts") { _, _ in Self.success(["alerts": []]) }
    }
}
