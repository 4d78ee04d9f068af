import Runtime
import Telemetry

/// A file of scrapes, as `scripts/bench-series --record` writes it: lines `# TIME ms`, each followed by a page of text.
struct RecordedScrapes {
    private let text: String
    /// The time of the last scrape, in ms.
    let last: Int64

    init(_ path: String) throws {
        text = String(decoding: try HostFileSystem().read(path), as: UTF8.self)
        let line = text.split(separator: "\n").last { $0.hasPrefix("# TIME ") }
        last = line.flatMap { Int64($0.dropFirst(7)) } ?? 0
    }

    /// Each scrape's time and samples, by the text before the value.
    func forEach(_ body: (_ time: Int64, _ samples: [(key: Substring, value: Double)]) throws -> Void) rethrows {
        var time: Int64 = 0
        var samples: [(key: Substring, value: Double)] = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# TIME ") {
                if !samples.isEmpty { try body(time, samples) }
                samples = []
                time = Int64(line.dropFirst(7)) ?? 0
            } else if !line.hasPrefix("#"), let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) {
                samples.append((line[..<space], value))
            }
        }
        if !samples.isEmpty { try body(time, samples) }
    }

    /// `name{a="b",c="d"}`; escapes are left as they are, which is enough to tell series apart.
    static func labels(_ text: Substring) -> Labels {
        guard let brace = text.firstIndex(of: "{") else { return Labels(name: String(text), ["instance": "127.0.0.1:9100", "job": "node"]) }
        var map: [String: String] = ["instance": "127.0.0.1:9100", "job": "node"]
        var rest = text[text.index(after: brace)...].dropLast()
        while let equals = rest.firstIndex(of: "=") {
            let name = String(rest[..<equals])
            let start = rest.index(equals, offsetBy: 2)
            var end = start
            while rest[end] != "\"" || rest[rest.index(before: end)] == "\\" { end = rest.index(after: end) }
            map[name] = String(rest[start..<end])
            rest = rest[rest.index(after: end)...].drop { $0 == "," || $0 == " " }
        }
        return Labels(name: String(text[..<brace]), map)
    }
}
