import ArgumentParser
import JSON
import Terminal

struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Search the logs of all pods, also of those that are gone.",
        discussion: """
            Prints the newest matches, oldest first. TARGETs choose whose lines: deploy/NAME, sts/NAME, ds/NAME, job/NAME,
            pod/NAME, NAMESPACE/POD/CONTAINER, a file's path, or - for standard input. Every other word must stand in a
            line as it is; pod:NAME, level:warn+ and -word (behind --) are conditions of their own (docs/logql.md).

            EXAMPLES
              binnacle logs -n shop --since 10m 'checkout failed'
              binnacle logs deploy/api -f --level warn+
              binnacle logs -e 'status":5..' -C 3
              binnacle logs -n shop --patterns --diff yesterday
              binnacle logs -q '{namespace="shop"} | json | status >= 500' -o csv --fields time,pod,status
              binnacle logs -q 'sum by (pod) (rate({namespace="shop"} |= "error" [1m]))' --since 2h
              binnacle logs /var/log/syslog --hist

            EXIT CODES
              0 found   1 nothing found   2 wrong use   4 the answer lacks lines that cannot be read   5 server unreachable
            """)

    @Argument(help: "TARGETs and words.") var words: [String] = []
    @OptionGroup var selection: LogsSelectionOptions
    @OptionGroup var filter: LogsFilterOptions
    @OptionGroup var printing: LogsPrintOptions
    @OptionGroup var client: ClientOptions

    @Flag(name: [.short, .long], help: "Go on with new lines as they come; survives a server that goes and comes back.") var follow = false
    @Option(name: [.customLong("limit"), .customLong("tail")], help: ArgumentHelp("At most so many matches, the newest; 0 is all.", valueName: "n"))
    var limit: Int = 1000
    @Flag(help: "The oldest matches first in the search too, from the beginning of the time on.") var forward = false
    @Flag(help: "Print the newest line first.") var reverse = false
    @Flag(help: "Print only how many lines match, by pod.") var count = false
    @Option(help: ArgumentHelp("With --count: by these labels, or by minute, hour, day, severity.", valueName: "names")) var by: String?
    @Flag(help: "Group the lines by pattern instead of printing them.") var patterns = false
    @Option(
        help: ArgumentHelp("What is new, gone or changed in the patterns against an earlier time: yesterday, or FROM..TO.", valueName: "span"))
    var diff: String?
    @Flag(name: [.long, .customLong("histogram")], help: "Draw the lines over time, by severity.") var hist = false
    @Option(help: ArgumentHelp("With --hist the time of a row, with -q the time between two points, such as 1m.", valueName: "time")) var every: String?
    @Option(help: ArgumentHelp("The most frequent values of a field.", valueName: "field")) var top: String?
    @Flag(help: "Print which fields the lines have.") var listFields = false
    @Flag(help: "Print how the query is understood and what it reads, not its lines.") var explain = false
    @Flag(help: "Exit with 0 also when nothing was found.") var exitZero = false

    func run() async throws {
        let targets = try LogsTargets(words)
        var request = try LogsRequest(targets: targets, selection: selection, filter: filter)
        guard !follow || targets.files.isEmpty && selection.dataDir == nil else {
            throw CommandFailure(message: "-f follows a server; files and --data-dir are read as they are now", hint: "leave out -f", exitCode: 2)
        }
        let transport = try LogsTransport.open(targets, selection, client)
        // Before anything is printed, and never where lines come until somebody ends it.
        let pager = printing.noPager || follow ? nil : Pager.start()
        do {
            if selection.previous { request.add(try await LogsPrevious.condition(request, transport)) }
            var found = try await run(request, targets, transport)
            found.warnings += transport.warnings
            await transport.close()
            for warning in found.warnings { Output.error("warning: \(warning)") }
            if printing.stats, !found.statistics.isNull { Output.error(LogsStatisticsText.text(found.statistics)) }
            await pager?.finish()
            try finish(found, isWhole: (!targets.files.isEmpty || selection.previous) && selection.since == nil)
        } catch {
            await transport.close()
            await pager?.finish()
            throw error
        }
    }

    /// A query for numbers says itself which lines it counts.
    private func numbers(_ query: String, _ request: LogsRequest, _ transport: LogsTransport) async throws -> LogsOutcome {
        guard request.conditions.count == 2, !follow else {
            throw CommandFailure(
                message: "a query for numbers goes with no conditions beside it, and cannot be followed",
                hint: "write them into the query, such as {namespace=\"shop\"} |= \"text\"", exitCode: 2)
        }
        guard let step = every.map({ HumanTime.duration($0) }) ?? .some(nil) else {
            throw CommandFailure(message: "--every is \"\(every ?? "")\", which is no duration", hint: "write 30s or 5m", exitCode: 2)
        }
        let isOverTime = selection.since != nil || selection.around != nil || every != nil
        return try await LogsNumbers(
            transport: transport, range: request.range, now: request.now, isOverTime: isOverTime, step: step, format: printing.output,
            palette: Output.palette(printing.color), isASCII: !Output.isUTF8
        ).ask(query)
    }

    private func run(_ request: LogsRequest, _ targets: LogsTargets, _ transport: LogsTransport) async throws -> LogsOutcome {
        if let query = filter.query, LogsNumbers.isMetric(query) { return try await numbers(query, request, transport) }
        let figures = LogsFigures(transport: transport, request: request, palette: Output.palette(printing.color), isJSON: printing.isJSON)
        if explain { return try await figures.explain() }
        if let diff { return try await figures.difference(diff) }
        if patterns { return try await figures.patterns(limit: limit == 1000 ? 50 : limit) }
        if hist { return try await figures.histogram(every: every) }
        if let top { return try await figures.top(top, limit: limit == 1000 ? 10 : limit) }
        if listFields { return try await figures.fields() }
        if count { return try await figures.count(by: by) }
        guard limit >= 0 else { throw CommandFailure(message: "--limit is \(limit)", hint: "write a number from 0 on; 0 is all", exitCode: 2) }
        guard limit <= 100_000 || forward else {
            throw CommandFailure(
                message: "--limit is \(limit), and at most the newest 100000 lines are turned round to be printed in order",
                hint: "--limit 0 prints all, --forward --limit \(limit) the oldest", exitCode: 2)
        }
        var session = LogsSession(
            transport: transport, request: request, writer: try printing.writer(needles: filter.needles(targets), ignoresCase: filter.ignoreCase),
            limit: limit, isForward: forward, isReversed: reverse, showsStatistics: printing.stats)
        return try await session.run(follow: follow)
    }

    private func finish(_ outcome: LogsOutcome, isWhole: Bool) throws {
        if !outcome.warnings.isEmpty { throw ExitCode(4) }
        guard outcome.matched == 0, !exitZero, !follow else { return }
        throw CommandFailure(
            message: outcome.nothing,
            hint: isWhole ? nil : "the search went back to --since \(selection.sinceText)", exitCode: 1)
    }
}

/// What a run came to.
struct LogsOutcome {
    /// What is said if nothing was found.
    var nothing = "no line matches"
    var matched = 0
    /// What the answer lacks.
    var warnings: [String] = []
    var statistics = JSON.null

    /// From the last line of a stream, or a document with figures.
    mutating func take(_ document: JSON) {
        if !document["stats"].isNull { statistics = document["stats"] }
        warnings += document["warnings"].elements.compactMap(\.string)
    }
}
