import HTTP
import JSON
import LogQL
import LogStore
import Telemetry

/// Following what is written, as lines of JSON, as server-sent events, or over a WebSocket.
extension LogsAPI {
    /// How far back a resumed tail looks for lines that came late.
    private static let lateness: Int64 = 3_600_000_000_000

    /// The place in a tail that a client has reached: behind which line, and whether it had caught up with what was stored.
    struct TailPlace: Hashable, Sendable {
        var cursor: LogCursor
        var isLive: Bool

        /// `TIME-SEQUENCE`, with a `+` once the tail is live.
        var text: String { "\(cursor)\(isLive ? "+" : "")" }

        init(_ cursor: LogCursor, isLive: Bool) {
            self.cursor = cursor
            self.isLive = isLive
        }

        init?(_ text: String) {
            isLive = text.hasSuffix("+")
            guard let cursor = LogCursor(isLive ? String(text.dropLast()) : text) else { return nil }
            self.cursor = cursor
        }

        /// Whether the client has not had the line yet. The stored lines came in order of time, the live ones as they were stored.
        func isBefore(_ line: LogCursor) -> Bool { isLive ? line.sequence > cursor.sequence : line > cursor }
    }

    func tail(_ request: HTTPRequest) async throws -> HTTPResponse {
        guard let feed else {
            throw LogsRequestError(parameter: "tail", problem: "is not possible here", hint: "what is searched does not grow; search it again")
        }
        let parameters = try LogsParameters(request, now: now(), also: ["after"])
        var query = try parameters.query()
        let text = request.fields["Last-Event-ID"] ?? request.parameter("after") ?? ""
        var place: TailPlace?
        if !text.isEmpty {
            guard let known = TailPlace(text) else {
                throw LogsRequestError(
                    parameter: "after", problem: "\"\(text)\" was not given out by this server", hint: "take it unchanged from a tail's event")
            }
            place = known
            let lower = known.isLive ? known.cursor.time - Self.lateness : known.cursor.time
            query.selection.range = lower..<Int64.max
        } else if query.selection.range.lowerBound == .min {
            // Without a beginning only what is new.
            query.selection.range = now()..<Int64.max
        }
        let reader = TailReader(feed: feed, query: query, place: place)
        if request.fields["Accept"]?.contains("text/event-stream") == true { return Self.events(reader) }
        var response = Self.stream("application/x-ndjson") { writer in
            try await reader.run { event, _ in try await writer.write(event + [0x0A]) }
        }
        response.webSocket = { socket in try await reader.run { event, _ in try await socket.send(event) } }
        return response
    }

    private static func events(_ reader: TailReader) -> HTTPResponse {
        stream("text/event-stream") { writer in
            // Proxies and browsers see at once that the stream is open.
            try await writer.write(Array(": tail\n\n".utf8))
            try await reader.run { event, place in
                var bytes: [UInt8] = []
                if let place { bytes += Array("id: \(place.text)\n".utf8) }
                try await writer.write(bytes + Array("data: ".utf8) + event + Array("\n\n".utf8))
            }
        }
    }
}

/// Reads a feed, leaves out what is not asked for, and writes what is.
private struct TailReader: Sendable {
    let feed: any LogFeed
    let query: LogsQuery
    let place: LogsAPI.TailPlace?

    /// - Parameter write: takes an object without a line feed, and the place behind it.
    func run(_ write: ([UInt8], LogsAPI.TailPlace?) async throws -> Void) async throws {
        for try await event in feed.follow(query.selection) {
            switch event {
            case .line(let line, let isLive):
                guard place?.isBefore(line.position) ?? true, query.selection.filters.allSatisfy({ $0.accepts(line.body.span) }),
                    line.severity >= query.selection.minimumSeverity, let shown = try query.runner == nil ? line : query.lines(LogRows(line)).first
                else { continue }
                let place = LogsAPI.TailPlace(line.position, isLive: isLive)
                var text: [UInt8] = []
                LogsEncoding.append(shown, isMatch: true, to: &text)
                // Where to go on, for clients that do not read events.
                text.removeLast()
                text += Array(",\"place\":\"\(place.text)\"}".utf8)
                try await write(text, place)
            case .dropped(let count): try await write(JSON.object([("dropped", JSON(count))]).bytes(), nil)
            }
        }
    }
}
