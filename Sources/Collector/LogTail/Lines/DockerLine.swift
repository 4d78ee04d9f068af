import JSON
import Telemetry

/// One physical line of Docker's json-file driver:
///
///     {"log":"text\n","stream":"stdout","time":"2026-11-24T08:48:41.123456789Z","attrs":{"tag":"x"}}
struct DockerLine: Hashable {
    var time: Int64
    var stream: CRILine.Stream
    /// The text does not end in a line feed: more of the line follows.
    var isPartial: Bool
    var text: [UInt8]
    var attributes: [String: String]

    static func parse(_ line: ArraySlice<UInt8>) -> DockerLine? {
        guard line.first == UInt8(ascii: "{"), let object = try? JSON.parse(Array(line)), let log = object["log"].string,
            let time = object["time"].string.flatMap({ CivilTime.parse($0) })
        else { return nil }
        let stream: CRILine.Stream
        switch object["stream"].string {
        case "stdout": stream = .stdout
        case "stderr": stream = .stderr
        default: return nil
        }
        var text = Array(log.utf8)
        let isPartial = text.last != 0x0A
        if !isPartial {
            text.removeLast()
            if text.last == 0x0D { text.removeLast() }
        }
        return DockerLine(time: time.nanosecondsSinceEpoch, stream: stream, isPartial: isPartial, text: text, attributes: object["attrs"].stringMap)
    }
}
