import JSON
import LogQL
import LogStore
import Telemetry

/// Writes lines and figures as the logs API shows them.
enum LogsEncoding {
    private static let named = ["namespace", "pod", "container", "stream", "restart"]
    /// Of use to the store only.
    private static let hidden: Set<String> = ["pod_uid"]

    /// One line as a JSON object. Text that is no UTF-8 has U+FFFD in its place, and the bytes as they are beside it, in base64.
    static func append(_ line: LogLine, isMatch: Bool, to text: inout [UInt8]) {
        text.append(contentsOf: "{\"time\":\"".utf8)
        CivilTime(nanosecondsSinceEpoch: line.time).appendRFC3339(to: &text, fractionDigits: 9)
        text.append(UInt8(ascii: "\""))
        for name in named { member(name, line.stream[name], to: &text) }
        member("severity", "\(line.severity)", to: &text)
        if let valid = String(validating: line.body, as: UTF8.self) {
            member("line", valid, to: &text)
        } else {
            member("line", String(decoding: line.body, as: UTF8.self), to: &text)
            member("bytes", Base64.encode(line.body), to: &text)
        }
        let others = line.stream.list.filter { !named.contains($0.name) && !hidden.contains($0.name) }
        for (name, labels) in [("labels", others), ("fields", line.fields.list)] where !labels.isEmpty {
            text.append(contentsOf: ",\"\(name)\":".utf8)
            JSON.object(labels.map { ($0.name, JSON($0.value)) }).write(to: &text)
        }
        text.append(contentsOf: (isMatch ? ",\"match\":true" : ",\"match\":false").utf8)
        member("id", line.position.description, to: &text)
        text.append(UInt8(ascii: "}"))
    }

    private static func member(_ name: String, _ value: String, to text: inout [UInt8]) {
        text.append(UInt8(ascii: ","))
        JSON.write(name, to: &text)
        text.append(UInt8(ascii: ":"))
        JSON.write(value, to: &text)
    }

    static func statistics(_ statistics: LogStatistics, matched: Int, seconds: Double) -> JSON {
        [
            "chunks": JSON(statistics.chunks), "chunksSkipped": JSON(statistics.chunksSkipped), "chunksDamaged": JSON(statistics.damaged.count),
            "bytesSearched": JSON(statistics.bytes), "linesSearched": JSON(statistics.lines), "linesMatched": JSON(matched), "seconds": JSON(seconds),
        ]
    }

    /// What an answer lacks, in words.
    static func warnings(_ statistics: LogStatistics) -> [JSON] { statistics.damaged.map { JSON("lines are missing: \($0)") } }

    static func trailer(_ end: LogsAnswer.End) -> JSON {
        var trailer = JSONObject([
            ("stats", statistics(end.statistics, matched: end.matched, seconds: end.seconds)), ("cursor", end.cursor.map { JSON($0.description) } ?? .null),
        ])
        let warnings = warnings(end.statistics)
        if !warnings.isEmpty { trailer["warnings"] = .array(warnings) }
        return .object(trailer)
    }

    static func time(_ nanoseconds: Int64) -> JSON { JSON(CivilTime(nanosecondsSinceEpoch: nanoseconds).rfc3339(fractionDigits: 9)) }
}
