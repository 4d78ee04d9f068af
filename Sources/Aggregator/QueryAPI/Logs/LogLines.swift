import LogQL
import LogStore
import Telemetry

extension LogRows {
    /// The rows one by one, with their text.
    func lines() throws -> [LogLine] {
        let text = try text()
        return (0..<count).map { row in
            LogLine(
                position: LogCursor(time: times[row], sequence: sequences[row]), stream: streams[Int(stream[row])], severity: severities[row],
                body: Array(text.bytes[text.starts[row]..<text.ends[row]]), fields: fields.isEmpty ? Labels() : fields[row])
        }
    }

    /// One row by itself.
    init(_ line: LogLine) {
        self.init(
            streams: [line.stream], stream: [0], times: [line.time], sequences: [line.position.sequence], severities: [line.severity],
            fields: line.fields.isEmpty ? [] : [line.fields], text: { LogText(bytes: line.body, starts: [0], ends: [line.body.count]) })
    }
}

/// A line among its neighbours: those that the same container wrote, whatever their output, severity or text.
struct LogNeighbourhood: Sendable {
    let source: any LogSource

    /// The line itself; nil if there is none at the place.
    func line(at cursor: LogCursor) async throws -> LogLine? {
        guard cursor.time < .max else { return nil }
        let page = try await source.page(
            LogSelection([], in: cursor.time..<cursor.time + 1), direction: .forward, after: LogCursor(time: cursor.time, sequence: cursor.sequence - 1),
            limit: 1)
        guard let line = try page.rows.lines().first, line.position == cursor else { return nil }
        return line
    }

    /// The line with those before and after it, in order.
    func around(_ line: LogLine, before: Int, after: Int) async throws -> [LogLine] {
        async let earlier = neighbours(of: line, .backward, before)
        async let later = neighbours(of: line, .forward, after)
        return try await earlier.reversed() + [line] + later
    }

    private func neighbours(of line: LogLine, _ direction: LogDirection, _ count: Int) async throws -> [LogLine] {
        guard count > 0 else { return [] }
        let container = line.stream.filter { $0.name != "stream" }
        let selection = LogSelection(container.list.map { Matcher($0.name, equals: $0.value) }, in: Int64.min..<Int64.max)
        var found: [LogLine] = []
        var cursor: LogCursor? = line.position
        while found.count < count, let after = cursor {
            let page = try await source.page(selection, direction: direction, after: after, limit: count - found.count)
            // A stream with labels beyond these is another container's.
            found += try page.rows.lines().filter { $0.stream.filter { $0.name != "stream" } == container }
            cursor = page.next
        }
        return found
    }
}
