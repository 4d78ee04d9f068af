import Glibc
import HTTP
import Runtime
import Serving
import Telemetry
import Terminal

/// A command line as the API's parameters.
struct LogsRequest {
    /// Without time, limit, direction and context.
    private(set) var conditions: [(String, String)] = []
    let range: Range<Int64>
    let before: Int
    let after: Int
    let now: Int64

    init(targets: LogsTargets, selection: LogsSelectionOptions, filter: LogsFilterOptions) throws {
        now = SystemClock().nanoseconds
        // Files are searched whole, and an earlier run may have ended long ago.
        range = try Self.range(selection, now, isWhole: !targets.files.isEmpty || selection.previous)
        guard selection.namespace.isEmpty || !selection.allNamespaces else {
            throw CommandFailure(message: "-n and --all-namespaces cannot stand together", hint: "leave one out", exitCode: 2)
        }
        try filter.check()
        before = max(0, filter.before ?? filter.context)
        after = max(0, filter.after ?? filter.context)
        if let query = filter.query {
            guard targets.words.isEmpty else {
                throw CommandFailure(message: "words and -q cannot stand together", hint: "write the words into the query, such as |= \"text\"", exitCode: 2)
            }
            conditions += [("lang", "logql"), ("q", query)]
        } else if targets.needsLanguage {
            conditions += [("lang", "text"), ("q", targets.text)]
        } else {
            conditions += targets.words.map { ("q", $0) }
        }
        conditions += filter.exclusions.map { ("exclude", $0) }
        if let expression = filter.expression { conditions.append((filter.inverts ? "exclude_regex" : "regex", expression)) }
        if filter.ignoreCase { conditions.append(("ignore_case", "true")) }
        if let level = filter.level { conditions.append(("level", level)) }
        addStreams(targets, selection)
    }

    mutating func add(_ condition: (String, String)) { conditions.append(condition) }

    private mutating func addStreams(_ targets: LogsTargets, _ selection: LogsSelectionOptions) {
        for namespace in Set(selection.namespace).union(targets.namespaces).sorted() { conditions.append(("namespace", namespace)) }
        for container in Set(selection.container).union(targets.containers).sorted() { conditions.append(("container", container)) }
        for (name, values) in [
            ("node", selection.node), ("exclude_pod", selection.excludePod), ("exclude_container", selection.excludeContainer),
            ("selector", selection.selector),
        ] { conditions += values.map { (name, $0) } }
        if let pod = selection.pod { conditions.append(("pod", pod)) }
        if !targets.pods.isEmpty { conditions.append(("pod", targets.pods.joined(separator: "|"))) }
    }

    /// Half-open; nothing said is the last hour.
    private static func range(_ selection: LogsSelectionOptions, _ now: Int64, isWhole: Bool) throws -> Range<Int64> {
        let zone = LocalZone.offset
        func moment(_ text: String, _ flag: String) throws -> Int64 {
            guard let time = HumanTime.parse(text, now: now, zone: zone) else {
                throw CommandFailure(
                    message: "\(flag) is \"\(text)\", which is no time",
                    hint: "write 10m, \"2h ago\", yesterday, 14:30, or 2026-11-24T08:00:00Z", exitCode: 2)
            }
            return time
        }
        if let around = selection.around {
            let parts = around.split(separator: "±", maxSplits: 1)
            let time = try moment(String(parts[0]), "--around")
            guard let width = parts.count > 1 ? HumanTime.duration(String(parts[1])) : 300_000_000_000 else {
                throw CommandFailure(message: "--around has \"\(parts[1])\" behind ±, which is no duration", hint: "write 14:30±5m", exitCode: 2)
            }
            return time - width..<time + width
        }
        let from = try selection.since.map { try moment($0, "--since") } ?? (isWhole ? Int64.min : now - 3_600_000_000_000)
        let to = try selection.until.map { try moment($0, "--until") } ?? Int64.max
        guard from < to else { throw CommandFailure(message: "--since lies after --until", hint: "exchange the two", exitCode: 2) }
        return from..<to
    }

    /// The ends of a range as `from` and `to`, which includes its end.
    static func times(_ range: Range<Int64>, _ prefix: String = "") -> [(String, String)] {
        func text(_ time: Int64) -> String { CivilTime(nanosecondsSinceEpoch: time).rfc3339(fractionDigits: 9) }
        return (range.lowerBound == .min ? [] : [(prefix + "from", text(range.lowerBound))])
            + (range.upperBound == .max ? [] : [(prefix + "to", text(range.upperBound - 1))])
    }

    var parameters: [(String, String)] { conditions + Self.times(range) }

    /// With what a page of lines needs.
    func page(_ direction: String, limit: Int) -> [(String, String)] {
        parameters + [("before", "\(before)"), ("after", "\(after)"), ("limit", "\(limit)"), ("direction", direction)]
    }
}

/// This machine's zone.
enum LocalZone {
    /// Nanoseconds east of Greenwich, now.
    static var offset: Int64 {
        var now = time(nil)
        var parts = unsafe tm()
        guard unsafe localtime_r(&now, &parts) != nil else { return 0 }
        return Int64(unsafe parts.tm_gmtoff) * 1_000_000_000
    }
}
