import Glibc
import JSON
import Serving
import Telemetry
import Terminal

/// Prints lines: the newest matches, all of them, and those that come.
struct LogsSession {
    /// Lines of a page when all are asked for.
    private static let pageLines = 10_000

    let transport: LogsTransport
    let request: LogsRequest
    var writer: LogLineWriter
    let limit: Int
    let isForward: Bool
    let isReversed: Bool
    let showsStatistics: Bool
    private var outcome = LogsOutcome()
    /// Behind which line new ones are followed.
    private var last: String?

    init(
        transport: LogsTransport, request: LogsRequest, writer: LogLineWriter, limit: Int, isForward: Bool, isReversed: Bool, showsStatistics: Bool
    ) {
        self.transport = transport
        self.request = request
        self.writer = writer
        self.limit = limit
        self.isForward = isForward
        self.isReversed = isReversed
        self.showsStatistics = showsStatistics
    }

    mutating func run(follow: Bool) async throws -> LogsOutcome {
        try Output.write(writer.head())
        if limit == 0 || isForward { try await printPages() } else { try await printNewest() }
        if follow { try await self.follow() }
        try Output.write(writer.foot())
        return outcome
    }

    private var hasContext: Bool { request.before + request.after > 0 }

    /// The newest matches, in the order of time unless it is to be reversed.
    private mutating func printNewest() async throws {
        // Lines, or with context groups of lines, the newest first; a group's own lines are in order.
        let groups = LineGroups(together: hasContext)
        try await transport.stream("/api/logs", request.page("newest", limit: limit)) { groups.add($0) }
        outcome.take(groups.trailer)
        // A query that sorts has an order of its own.
        let lines = isReversed || groups.trailer["isSorted"] == true ? groups.groups : groups.groups.reversed()
        for (position, group) in lines.enumerated() {
            if position > 0, hasContext { try Output.write(writer.text(["gap": true])) }
            for line in group { try Output.write(writer.text(line)) }
            outcome.matched += group.count { $0["match"] != false }
        }
        last = groups.groups.first?.last?["id"].string
        if !groups.trailer["cursor"].isNull || groups.trailer["truncated"] == true {
            Output.error("note: the newest \(limit) matches only; --limit 0 gives all")
        }
    }

    /// Every match, page by page, so that nothing is held.
    private mutating func printPages() async throws {
        let printer = LinePrinter(writer: writer)
        let direction = isReversed && !isForward ? "newest" : "oldest"
        var left = limit == 0 ? Int.max : limit
        var cursor: String?
        repeat {
            let size = min(left, Self.pageLines)
            try await transport.stream("/api/logs", request.page(direction, limit: size) + (cursor.map { [("cursor", $0)] } ?? [])) { try printer.take($0) }
            outcome.take(printer.trailer)
            cursor = printer.trailer["cursor"].string
            left -= printer.matched - outcome.matched
            outcome.matched = printer.matched
        } while cursor != nil && left > 0
        writer = printer.writer
        last = printer.last
        if cursor != nil { Output.error("note: the oldest \(limit) matches only; --limit 0 gives all") }
    }

    /// From the last line on, over whatever happens to the connection: the place of the last event is where the next one begins.
    private mutating func follow() async throws {
        let printer = LinePrinter(writer: writer)
        printer.place = last
        var wait = 0.25
        while true {
            var query = request.conditions
            if let place = printer.place { query.append(("after", place)) } else { query += LogsRequest.times(request.now..<Int64.max) }
            let before = printer.count
            do {
                try await transport.stream("/api/logs/tail", query) { try printer.take($0) }
                Output.error("note: the server ended the stream; asking it again")
            } catch let error as CommandFailure where error.exitCode == 5 || error.message.contains("closed the connection") {
                Output.error("note: \(error.message); asking again in \(wait) s")
            }
            outcome.matched = printer.matched
            // What went well for a while is begun at once anew.
            wait = printer.count > before ? 0.25 : min(wait * 2, 10)
            try await Task.sleep(for: .seconds(wait))
        }
    }
}

/// Gathers what comes newest first.
private final class LineGroups {
    private(set) var groups: [[JSON]] = []
    private(set) var trailer = JSON.null
    /// With context the lines between two gaps belong together.
    private let together: Bool
    private var isOpen = false

    init(together: Bool) { self.together = together }

    func add(_ line: JSON) {
        if !line["stats"].isNull {
            trailer = line
        } else if line["gap"] == true {
            isOpen = false
        } else if together, isOpen {
            groups[groups.count - 1].append(line)
        } else {
            groups.append([line])
            isOpen = true
        }
    }
}

/// Prints what comes in order, and knows where it is.
private final class LinePrinter {
    private(set) var writer: LogLineWriter
    private(set) var trailer = JSON.null
    private(set) var matched = 0
    private(set) var count = 0
    private(set) var last: String?
    var place: String?

    init(writer: LogLineWriter) { self.writer = writer }

    func take(_ line: JSON) throws {
        if !line["stats"].isNull {
            trailer = line
        } else if let dropped = line["dropped"].int {
            Output.error("warning: \(dropped) lines came faster than they could be printed and are missing here; a search finds them")
        } else {
            var shown = line
            if let next = line["place"].string {
                place = next
                shown.remove("place")
            }
            try Output.write(writer.text(shown))
            count += 1
            if line["gap"] != true { last = line["id"].string ?? last }
            if line["match"] == true { matched += 1 }
        }
    }
}
