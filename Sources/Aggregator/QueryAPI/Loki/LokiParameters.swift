import HTTP
import LogQL
import Telemetry

/// What is wrong with a request to Loki's API: a status and a line of text, which is how Loki answers.
struct LokiError: Error {
    var status: Int
    var message: String

    init(_ status: Int, _ message: String) {
        self.status = status
        self.message = message
    }

    static func bad(_ parameter: String, _ problem: String) -> LokiError { LokiError(400, "invalid parameter \"\(parameter)\": \(problem)") }

    var response: HTTPResponse { .text(message + "\n", status: status) }
}

/// The parameters of Loki's requests, read as Loki reads them.
struct LokiParameters {
    let request: HTTPRequest
    /// Nanoseconds since 1970, the moment of the request.
    let now: Int64

    /// Integers of up to ten digits are seconds, longer ones nanoseconds; numbers with a point are seconds; the rest is RFC 3339.
    func time(_ name: String) throws(LokiError) -> Int64? {
        guard let text = request.parameter(name), !text.isEmpty else { return nil }
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        if let number = Int64(text), digits.utf8.count > 10 { return number }
        if let seconds = Double(text), seconds.magnitude < 9e9, !text.contains("x") { return Int64((seconds * 1e9).rounded()) }
        if let civil = CivilTime.parse(text), (1678...2261).contains(civil.year) { return civil.nanosecondsSinceEpoch }
        throw .bad(name, "\"\(text)\" is no time; write nanoseconds since 1970, seconds with a point, or RFC 3339")
    }

    /// A number of seconds, or a duration such as `1m30s` or `250ms`; in nanoseconds.
    func duration(_ name: String) throws(LokiError) -> Int64? {
        guard let text = request.parameter(name), !text.isEmpty else { return nil }
        if let seconds = Double(text), seconds >= 0, seconds < 9e9 { return Int64((seconds * 1e9).rounded()) }
        guard let length = Self.parseDuration(text) else {
            throw .bad(name, "\"\(text)\" is no duration; write seconds or, for example, 1m30s")
        }
        return length
    }

    /// Whole or fractional numbers with units from ns to y, as Prometheus and Go write them; in nanoseconds.
    static func parseDuration(_ text: String) -> Int64? {
        let units: [(String, Double)] = [
            ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9), ("d", 86_400e9), ("w", 604_800e9),
            ("y", 31_536_000e9),
        ]
        var rest = text[...]
        var total = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0 == "." || ("0"..."9").contains($0) }
            let letters = rest.dropFirst(digits.count).prefix { $0 != "." && !("0"..."9").contains($0) }
            guard let number = Double(digits), let unit = units.first(where: { $0.0 == letters }) else { return nil }
            total += number * unit.1
            rest = rest.dropFirst(digits.count + letters.count)
        }
        return total < 9e18 && !text.isEmpty ? Int64(total) : nil
    }

    /// `start` to `end`, half-open; `since` counts back from the end where there is no start.
    func range(back: Int64 = 3_600_000_000_000) throws(LokiError) -> Range<Int64> {
        let end = try time("end") ?? now
        var start = end - back
        if let given = try time("start") { start = given } else if let since = try duration("since") { start = end - since }
        guard start <= end else { throw .bad("end", "it lies before the start") }
        return start..<end
    }

    /// Loki's default: 250 steps, but at least a second.
    func step(_ range: Range<Int64>) throws(LokiError) -> Int64 {
        let step = try duration("step") ?? max(1, (range.upperBound - range.lowerBound) / 250_000_000_000) * 1_000_000_000
        guard step > 0 else { throw .bad("step", "it must be longer than nothing") }
        guard (range.upperBound - range.lowerBound) / step <= 11_000 else {
            throw LokiError(400, "exceeded maximum resolution of 11,000 points per timeseries; ask for a longer step or a shorter time")
        }
        return step
    }

    func limit(_ fallback: Int, maximum: Int, _ name: String = "limit") throws(LokiError) -> Int {
        guard let text = request.parameter(name), !text.isEmpty else { return min(fallback, maximum) }
        guard let value = Int(text), value >= 0 else { throw .bad(name, "\"\(text)\" is no whole number") }
        guard value <= maximum else { throw LokiError(400, "max entries limit per query exceeded, limit > max_entries_limit (\(value) > \(maximum))") }
        return value == 0 ? min(fallback, maximum) : value
    }

    func direction() throws(LokiError) -> LogDirection {
        switch request.parameter("direction")?.lowercased() {
        case nil, "", "backward": return .backward
        case "forward": return .forward
        case let text?: throw .bad("direction", "\"\(text)\" is neither forward nor backward")
        }
    }

    func query(_ name: String = "query") throws(LokiError) -> String {
        guard let text = request.parameter(name), !text.isEmpty else { throw .bad(name, "it is missing") }
        return text
    }

    /// The conditions on streams of a query; its stages, if any, are left aside. Without a query every stream.
    func matchers(_ name: String = "query") throws(LokiError) -> [Matcher] {
        guard let text = request.parameter(name), !text.isEmpty else { return [] }
        return try Self.matchers(text)
    }

    static func matchers(_ text: String) throws(LokiError) -> [Matcher] {
        do throws(LogQLError) {
            guard case .lines(let pipeline) = try LogExpression.parse(text) else {
                throw LogQLError(.syntax, "only a selector is wanted here, such as {namespace=\"shop\"}")
            }
            return pipeline.matchers
        } catch {
            throw LokiError(error.kind.status, error.message)
        }
    }

    /// Names separated by commas.
    func names(_ name: String) -> [String] {
        request.parameters(name).flatMap { $0.split(separator: ",").map { $0.filter { $0 != " " } } }
    }
}
