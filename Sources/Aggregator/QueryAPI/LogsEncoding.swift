import JSON
import LogQL
import LogStore
import Telemetry

/// Writes lines and figures as the logs API shows them.
enum LogsEncoding {
    /// One line as a JSON object. Text that is no UTF-8 has U+FFFD in its place; `format=raw` gives the bytes as they are.
    static func append(_ line: LogLine, isMatch: Bool, to text: inout [UInt8]) {
        text.append(contentsOf: "{\"time\":\"".utf8)
        CivilTime(nanosecondsSinceEpoch: line.time).appendRFC3339(to: &text, fractionDigits: 9)
        text.append(UInt8(ascii: "\""))
        for name in ["namespace", "pod", "container", "stream", "restart"] { member(name, line.stream[name], to: &text) }
        member("severity", "\(line.severity)", to: &text)
        member("line", String(decoding: line.body, as: UTF8.self), to: &text)
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
            "bytesSearched": JSON(statistics.bytes), "linesMatched": JSON(matched), "seconds": JSON(seconds),
        ]
    }

    static func trailer(_ statistics: LogStatistics, matched: Int, seconds: Double, cursor: LogCursor?) -> JSON {
        ["stats": Self.statistics(statistics, matched: matched, seconds: seconds), "cursor": cursor.map { JSON($0.description) } ?? .null]
    }

    static func time(_ nanoseconds: Int64) -> JSON { JSON(CivilTime(nanosecondsSinceEpoch: nanoseconds).rfc3339(fractionDigits: 9)) }
}
