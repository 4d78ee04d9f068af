import HTTP
import PromQL
import Runtime
import Telemetry

/// Reading of requests' parameters; each error names the parameter.
extension PrometheusAPI {
    /// Times beyond these years would overflow somewhere below, and no sample lies there.
    private static let earliest = Timestamp(milliseconds: -62_135_596_800_000)
    private static let latest = Timestamp(milliseconds: 253_402_300_799_999)

    func required(_ request: HTTPRequest, _ name: String) throws(QueryError) -> String {
        guard let text = request.parameter(name) else { throw QueryError(.badData, "invalid parameter \"\(name)\": it is missing") }
        return text
    }

    /// Unix seconds with a fraction, or RFC 3339; nil if absent.
    func time(_ request: HTTPRequest, _ name: String) throws(QueryError) -> Timestamp? {
        guard let text = request.parameter(name), !text.isEmpty else { return nil }
        if let seconds = Double(text), seconds.isFinite {
            guard seconds.magnitude < 1e15 else { throw QueryError(.badData, "invalid parameter \"\(name)\": \(text) is out of range") }
            return min(max(Timestamp(seconds: seconds), Self.earliest), Self.latest)
        }
        guard let civil = CivilTime.parse(text) else {
            throw QueryError(.badData, "invalid parameter \"\(name)\": cannot parse \"\(text)\" to a valid timestamp; write Unix seconds or RFC 3339")
        }
        return civil.timestamp
    }

    /// Seconds with a fraction, or a duration such as `1m30s`; nil if absent.
    func duration(_ request: HTTPRequest, _ name: String) throws(QueryError) -> Duration? {
        guard let text = request.parameter(name), !text.isEmpty else { return nil }
        if let seconds = Double(text), seconds.isFinite, seconds.magnitude < 1e9 { return .milliseconds(Int64((seconds * 1000).rounded())) }
        guard let milliseconds = NumberText.parseDuration(Array(text.utf8)) else {
            throw QueryError(.badData, "invalid parameter \"\(name)\": cannot parse \"\(text)\" to a valid duration; write seconds or, for example, 1m30s")
        }
        return .milliseconds(milliseconds)
    }

    /// 0 is no limit.
    func limit(_ request: HTTPRequest, _ name: String = "limit") throws(QueryError) -> Int {
        guard let text = request.parameter(name), !text.isEmpty else { return 0 }
        guard let value = Int(text) else { throw QueryError(.badData, "invalid parameter \"\(name)\": \"\(text)\" is no whole number") }
        guard value >= 0 else { throw QueryError(.badData, "invalid parameter \"\(name)\": limit must be non-negative") }
        return value
    }

    /// `start` and `end`; without them all that is stored, and a day of clocks that run ahead.
    func span(_ request: HTTPRequest) throws(QueryError) -> (from: Timestamp, through: Timestamp) {
        let from = try time(request, "start") ?? Timestamp(milliseconds: 0)
        let through = try time(request, "end") ?? clock.now + .seconds(86_400)
        guard through >= from else { throw QueryError(.badData, "invalid parameter \"end\": end timestamp must not be before start time") }
        return (from, through)
    }

    /// The conditions of each `match[]`; one empty set, which all series meet, if there is none.
    func selectors(_ request: HTTPRequest, isRequired: Bool) throws(QueryError) -> [[Matcher]] {
        let texts = request.parameters("match[]")
        guard !texts.isEmpty else {
            if isRequired { throw QueryError(.badData, "no match[] parameter provided") }
            return [[]]
        }
        var sets: [[Matcher]] = []
        for text in texts {
            do throws(QueryError) {
                sets.append(try Parser.parseSelector(text))
            } catch {
                throw QueryError(.badData, "invalid parameter \"match[]\": \(error.message)")
            }
        }
        return sets
    }
}

/// The escape by which names that are not `[a-zA-Z_][a-zA-Z0-9_]*` travel in paths: `U__`, then `__` for an
/// underscore and `_HEX_` for any other character.
enum LabelEscape {
    /// Nil if the escape is broken.
    static func decoded(_ name: String) -> String? {
        guard name.hasPrefix("U__") else { return name }
        var result = String.UnicodeScalarView()
        var rest = Array(name.unicodeScalars)[3...]
        while let scalar = rest.popFirst() {
            guard scalar == "_" else {
                result.append(scalar)
                continue
            }
            guard let end = rest.firstIndex(of: "_") else { return nil }
            if end == rest.startIndex {
                result.append("_")
            } else {
                var text = String.UnicodeScalarView()
                text.append(contentsOf: rest[..<end])
                guard let value = UInt32(String(text), radix: 16), let decoded = Unicode.Scalar(value) else { return nil }
                result.append(decoded)
            }
            rest = rest[(end + 1)...]
        }
        return String(result)
    }
}
