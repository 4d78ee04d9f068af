import JSON

/// The run of a container before its present one, as `kubectl logs -p` means it.
enum LogsPrevious {
    /// What chooses streams, and not lines.
    private static let streamNames: Set<String> = ["namespace", "pod", "container", "node", "exclude_pod", "exclude_container", "selector"]

    /// The condition on the streams' label, from the runs that have lines in the time, whatever these say.
    static func condition(_ request: LogsRequest, _ transport: LogsTransport) async throws -> (String, String) {
        let streams = request.conditions.filter { streamNames.contains($0.0) } + LogsRequest.times(request.range)
        let answer = try await transport.get("/api/logs/count", streams + [("by", "namespace,pod,container,restart")])
        var runs: [String: Set<Int>] = [:]
        for row in answer["counts"].elements {
            guard let run = row["restart"].string.flatMap({ Int($0) }) else { continue }
            runs["\(row["namespace"].string ?? "")/\(row["pod"].string ?? "")/\(row["container"].string ?? "")", default: []].insert(run)
        }
        let earlier = runs.compactMapValues { $0.sorted().dropLast().last }
        guard let run = earlier.values.first else {
            throw CommandFailure(
                message: "no container has lines of an earlier run in this time",
                hint: runs.isEmpty ? "nor of any run; -n, -c and a TARGET say whose" : "all of them are in their first run, as far as lines are kept",
                exitCode: 1)
        }
        guard Set(earlier.values).count == 1 else {
            let names = earlier.keys.sorted().prefix(3).joined(separator: ", ")
            throw CommandFailure(
                message: "\(earlier.count) containers have earlier runs, and not the same one: \(names)…", hint: "name one as NAMESPACE/POD/CONTAINER",
                exitCode: 2)
        }
        return ("selector", "restart=\(run)")
    }
}
