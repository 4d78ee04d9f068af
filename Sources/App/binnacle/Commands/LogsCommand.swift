import ArgumentParser
import HTTP
import JSON
import Serving
import Telemetry
import Terminal

struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Search the logs of all pods, also of those that are gone.",
        discussion: """
            Prints the newest matches, oldest first. A word without flags is looked for as it stands.

            EXAMPLES
              binnacle logs -n shop --since 10m 'checkout failed'
              binnacle logs -f -n shop --level warn
              binnacle logs -e 'status":5..' -C 3
              binnacle logs -n shop --count
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case `default`, json, raw }

    @Argument(help: "Text that a line must contain; several are all needed.") var text: [String] = []
    @Option(name: [.short, .long], help: "Only this namespace.") var namespace: String?
    @Option(help: ArgumentHelp("Only pods whose name matches (a regular expression).", valueName: "regexp")) var pod: String?
    @Option(name: [.short, .long], help: "Only this container.") var container: String?
    @Option(name: [.customShort("e"), .customLong("regexp")], help: ArgumentHelp("Lines that match; repeatable.", valueName: "regexp"))
    var expressions: [String] = []
    @Option(name: [.customShort("E"), .customLong("exclude")], help: ArgumentHelp("Leave out lines that contain the text.", valueName: "text"))
    var exclusions: [String] = []
    @Flag(name: [.customShort("i"), .long], help: "Ignore case.") var ignoreCase = false
    @Option(help: ArgumentHelp("Only lines of this severity or worse: debug, info, warn, error.", valueName: "level")) var level: String?
    @Option(name: [.short, .long], help: ArgumentHelp("From when: 10m, 2h, or a time.", valueName: "time")) var since: String = "1h"
    @Option(name: [.short, .long], help: ArgumentHelp("Until when.", valueName: "time")) var until: String?
    @Option(help: ArgumentHelp("At most so many matches, the newest; 0 is all.", valueName: "n")) var limit: Int = 1000
    @Flag(name: [.short, .long], help: "Go on with new lines as they come.") var follow = false
    @Option(name: [.customShort("C"), .customLong("context")], help: ArgumentHelp("Lines around each match.", valueName: "n")) var context: Int = 0
    @Option(name: [.customShort("B"), .customLong("before")], help: ArgumentHelp("Lines before each match.", valueName: "n")) var before: Int?
    @Option(name: [.customShort("A"), .customLong("after")], help: ArgumentHelp("Lines after each match.", valueName: "n")) var after: Int?
    @Flag(help: "Print only how many lines match, by pod.") var count = false
    @Flag(help: "Group the lines by pattern instead of printing them.") var patterns = false
    @Option(name: .shortAndLong, help: "How to print: with time and pod, as JSON lines, or the bodies alone.") var output: Format = .default
    @Option(help: "Colours.") var color: ColorChoice = .auto
    @Flag(help: "Print what the search cost to standard error.") var stats = false
    @OptionGroup var client: ClientOptions

    func run() async throws {
        if count { return try await runCount() }
        if patterns { return try await runPatterns() }
        var printer = LogPrinter(format: output, palette: Output.palette(color), needles: text, ignoreCase: ignoreCase)
        let last = limit == 0 ? try await printAll(&printer) : try await printNewest(&printer)
        if follow {
            try await runFollow(&printer, after: last)
        } else if last == nil {
            throw CommandFailure(message: "no line matches", hint: "the search went back to --since \(since)", exitCode: 1)
        }
    }

    private var hasContext: Bool { (before ?? context) + (after ?? context) > 0 }

    private func page(_ direction: String, limit: Int) throws -> [(String, String)] {
        try parameters() + [
            ("before", "\(before ?? context)"), ("after", "\(after ?? context)"), ("limit", "\(limit)"), ("format", "ndjson"), ("direction", direction),
        ]
    }

    /// The newest matches in the order of time. Returns the time of the last line; nil if nothing matched.
    private func printNewest(_ printer: inout LogPrinter) async throws -> Int64? {
        // Lines, or with context groups of lines, the newest first; a group's own lines are in order.
        var groups: [[JSON]] = [[]]
        var trailer = JSON.null
        try await stream("/api/logs", try page("newest", limit: limit)) { line in
            if !line["stats"].isNull {
                trailer = line
            } else if line["gap"] == true {
                groups.append([])
            } else if hasContext {
                groups[groups.count - 1].append(line)
            } else {
                groups.append([line])
            }
        }
        let lines = groups.reversed().filter { !$0.isEmpty }
        for (position, group) in lines.enumerated() {
            if position > 0, hasContext { try printer.print(["gap": true]) }
            for line in group { try printer.print(line) }
        }
        if stats { Output.error(trailer["stats"].description) }
        if !trailer["cursor"].isNull { Output.error("note: the newest \(limit) matches only; --limit 0 gives all") }
        return lines.last?.last.flatMap(Self.time)
    }

    /// Every match, page by page, from the oldest on.
    private func printAll(_ printer: inout LogPrinter) async throws -> Int64? {
        var last: Int64?
        var cursor: String?
        repeat {
            var trailer = JSON.null
            let more = cursor.map { [("cursor", $0)] } ?? []
            try await stream("/api/logs", try page("oldest", limit: 10_000) + more) { line in
                if !line["stats"].isNull {
                    trailer = line
                } else {
                    try printer.print(line)
                    last = Self.time(line) ?? last
                }
            }
            if stats { Output.error(trailer["stats"].description) }
            cursor = trailer["cursor"].string
        } while cursor != nil
        return last
    }

    private static func time(_ line: JSON) -> Int64? { line["time"].string.flatMap { CivilTime.parse($0) }?.nanosecondsSinceEpoch }

    private func runFollow(_ printer: inout LogPrinter, after last: Int64?) async throws {
        var query = try parameters().filter { $0.0 != "from" && $0.0 != "to" }
        if let last { query.append(("from", CivilTime(nanosecondsSinceEpoch: last + 1).rfc3339(fractionDigits: 9))) }
        var printer = printer
        try await stream("/api/logs/tail", query) { line in try printer.print(line) }
    }

    private func runCount() async throws {
        let answer = try await get("/api/logs/count", try parameters() + [("by", "namespace,pod")])
        var table = TextTable([.init("namespace"), .init("pod"), .init("lines", .right)])
        let rows = answer["counts"].elements.sorted { ($0["count"].int ?? 0) > ($1["count"].int ?? 0) }
        for row in rows {
            table.rows.append([row["namespace"].string ?? "", row["pod"].string ?? "", "\(row["count"].int ?? 0)"])
        }
        if output == .json {
            try Output.write(answer.bytes(indented: true) + [0x0A])
        } else {
            try Output.write(table.render(width: Output.width))
            try Output.write("\n\(rows.reduce(0) { $0 + ($1["count"].int ?? 0) }) lines\n")
        }
    }

    private func runPatterns() async throws {
        let answer = try await get("/api/logs/patterns", try parameters())
        if output == .json { return try Output.write(answer.bytes(indented: true) + [0x0A]) }
        var table = TextTable([.init("count", .right), .init("pattern", mayShrink: true)])
        for row in answer["patterns"].elements {
            table.rows.append(["\(row["count"].int ?? 0)", TerminalText.escaped(row["template"].string ?? "")])
        }
        try Output.write(table.render(width: Output.width))
    }

    /// What is searched for, in the API's words.
    private func parameters() throws -> [(String, String)] {
        var query: [(String, String)] = text.map { ("q", $0) } + expressions.map { ("regex", $0) } + exclusions.map { ("exclude", $0) }
        for (name, value) in [("namespace", namespace), ("pod", pod), ("container", container), ("level", level)] {
            if let value { query.append((name, value)) }
        }
        if ignoreCase { query.append(("ignore_case", "true")) }
        query.append(("from", CivilTime(try TimeArgument.moment(since, flag: "--since")).rfc3339(fractionDigits: 3)))
        if let until { query.append(("to", CivilTime(try TimeArgument.moment(until, flag: "--until")).rfc3339(fractionDigits: 3))) }
        return query
    }

    private func target(_ path: String, _ query: [(String, String)]) -> String {
        path + "?" + query.map { "\($0.0)=\($0.1.percentEncoded)" }.joined(separator: "&")
    }

    private func get(_ path: String, _ query: [(String, String)]) async throws -> JSON {
        let answer = try await client.reaching { try await HTTPClient().send("GET", try client.address(target(path, query))) }
        let document = (try? JSON.parse(answer.body)) ?? .null
        guard answer.status == 200 else { throw Self.failure(document, answer.status) }
        return document
    }

    /// Hands over each line of an NDJSON answer.
    private func stream(_ path: String, _ query: [(String, String)], _ body: (JSON) throws -> Void) async throws {
        var status = 200
        var rest: [UInt8] = []
        try await client.reaching {
            try await HTTPClient().stream("GET", try client.address(target(path, query))) { answer in
                status = answer.status
            } onBody: { bytes in
                rest += bytes
                guard status == 200 else { return }
                while let end = rest.firstIndex(of: 0x0A) {
                    if let line = try? JSON.parse(Array(rest[..<end])) { try body(line) }
                    rest.removeSubrange(...end)
                }
            }
        }
        if status != 200 { throw Self.failure((try? JSON.parse(rest)) ?? .null, status) }
    }

    private static func failure(_ document: JSON, _ status: Int) -> CommandFailure {
        CommandFailure(
            message: document["error"].string ?? "the server answered \(status)", hint: document["hint"].string, exitCode: status == 400 ? 2 : 1)
    }
}

/// Prints log lines as a person or a program wants them.
struct LogPrinter {
    var format: LogsCommand.Format
    var palette: Palette
    var needles: [String]
    var ignoreCase: Bool
    private var last: JSON?

    init(format: LogsCommand.Format, palette: Palette, needles: [String], ignoreCase: Bool) {
        self.format = format
        self.palette = palette
        self.needles = needles
        self.ignoreCase = ignoreCase
    }

    mutating func print(_ line: JSON) throws {
        switch format {
        case .json: try Output.write(line.bytes() + [0x0A])
        case .raw: try Output.write((line["line"].string ?? "") + "\n")
        case .default:
            // A gap in the surroundings of matches, as grep marks it.
            if line["gap"] == true { return try Output.write(palette.style("--", .dim) + "\n") }
            try Output.write(text(of: line) + "\n")
        }
    }

    private func text(of line: JSON) -> String {
        let time = line["time"].string ?? ""
        // To the millisecond: `2026-11-24T08:48:41.123`.
        let short = time.count > 23 ? String(time.prefix(23)) : time
        let pod = "\(line["namespace"].string ?? "")/\(line["pod"].string ?? "")"
        let container = line["container"].string ?? ""
        var body = TerminalText.escaped(line["line"].string ?? "")
        let isMatch = line["match"] != false
        if palette.isOn {
            switch line["severity"].string {
            case "error", "fatal": body = palette.style(body, .red)
            case "warning": body = palette.style(body, .yellow)
            default: if isMatch { body = highlighted(body) }
            }
            if !isMatch { body = palette.style(body, .dim) }
        }
        return "\(palette.style(short, .dim)) \(palette.identity("\(pod)[\(container)]", of: pod)) \(body)"
    }

    private func highlighted(_ body: String) -> String {
        var body = body
        for needle in needles where !needle.isEmpty && !ignoreCase { body = body.replacing(needle, with: palette.style(needle, .bold)) }
        return body
    }
}
