import Exposition
import Glibc
import NodeEndpoint
import NodeStats

/// The node part of the Collector by itself: a page, or what a round and a page cost.
///
///     NodeBench page [ROOT [COLLECTOR...]]     prints /metrics/node, of a recorded tree and with more collectors
///     NodeBench measure [ROUNDS [COLLECTOR...]] prints CPU time a round (one reading and one page), by collector too
@main struct NodeBench {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "page":
            var options = NodeOptions()
            options.enabled = Set(arguments.dropFirst(2))
            options.textFileDirectory = arguments.count > 1 && !arguments[1].isEmpty ? arguments[1] + "/textfile" : ""
            let reader = NodeReader(root: arguments.count > 1 ? arguments[1] : "", options: options)
            write(NodePage.print(reader.sample().metrics, format: .prometheus))
        case "measure":
            var options = NodeOptions()
            options.enabled = Set(arguments.dropFirst(2))
            measure(rounds: arguments.count > 1 ? Int(arguments[1]) ?? 100 : 100, options)
        default:
            write(Array("usage: NodeBench page [ROOT [COLLECTOR...]] | measure [ROUNDS [COLLECTOR...]]\n".utf8))
            exit(2)
        }
    }

    private static func measure(rounds: Int, _ options: NodeOptions) {
        let reader = NodeReader(options: options)
        var series = 0
        var bytes = 0
        func round() {
            let metrics = reader.sample().metrics
            series = metrics.values.count
            bytes = NodePage.print(metrics, format: .prometheus).count
        }
        let beforeFirst = cpuNanoseconds()
        round()
        let first = cpuNanoseconds() - beforeFirst
        var reading: UInt64 = 0
        var printing: UInt64 = 0
        var costs: [UInt64] = []
        for _ in 0..<rounds {
            let start = cpuNanoseconds()
            let metrics = reader.sample().metrics
            let read = cpuNanoseconds()
            bytes = NodePage.print(metrics, format: .prometheus).count
            let end = cpuNanoseconds()
            reading += read - start
            printing += end - read
            costs.append(end - start)
            // A pause, as between scrapes: caches are as cold as they would be.
            usleep(20_000)
        }
        costs.sort()
        func micro(_ nanoseconds: UInt64) -> String { "\(nanoseconds / 1000) us" }
        let mean = costs.reduce(0, +) / UInt64(costs.count)
        let text = """
            series \(series), page \(bytes) bytes, \(rounds) rounds
            first round      \(micro(first))
            mean             \(micro(mean)) CPU a round (reading \(micro(reading / UInt64(rounds))), printing \(micro(printing / UInt64(rounds))))
            median           \(micro(costs[costs.count / 2]))
            largest          \(micro(costs[costs.count - 1]))

            """
        write(Array(text.utf8))
        let metrics = reader.sample().metrics
        for group in metrics.layout.groups where group.family.name == "node_scrape_collector_duration_seconds" {
            let rows = group.members.map { (metrics.layout.series[$0].labels[0].value, metrics.values[$0].double) }.sorted { $0.1 > $1.1 }
            for (name, seconds) in rows.prefix(12) { write(Array("  \(name) \(Int(seconds * 1e6)) us\n".utf8)) }
        }
    }

    /// User and system time of this process.
    private static func cpuNanoseconds() -> UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }

    private static func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let wrote = unsafe rest.withUnsafeBytes { unsafe Glibc.write(1, $0.baseAddress!, $0.count) }
            guard wrote > 0 else { return }
            rest = rest.dropFirst(wrote)
        }
    }
}
