import Exposition
import Glibc
import Runtime

/// Reads the node's own files each round. Not Sendable: whoever measures owns it.
public final class NodeReader {
    private static let duration = NodeFamily(
        "node_scrape_collector_duration_seconds", .gauge, "Seconds that a collector took when it last read.")
    private static let success = NodeFamily("node_scrape_collector_success", .gauge, "1 if a collector had something to show, else 0.")
    private static let reasons = ["absent", "denied", "error", "malformed"]

    private final class Entry {
        let row: NodeCollectorTable.Row
        let source: any NodeSource
        let key: UInt64
        var wait = 0
        /// What it gave when it last read, if it does not read each round.
        var kept: [(NodeSeries, MetricValue)] = []
        var nanoseconds: UInt64 = 0
        var failure: NodeReadError?

        init(row: NodeCollectorTable.Row, source: any NodeSource) {
            self.row = row
            self.source = source
            key = KernelText.key(of: row.name)
        }
    }

    private let entries: [Entry]
    private var text = KernelText()
    private var recorder = SeriesRecorder()
    private var round = 0
    private let skipped: [String: Counter]

    /// `root` is put before `/proc` and `/sys`, for recorded trees. A source that gives nothing is counted in `metrics`.
    public convenience init(root: String = "", options: NodeOptions = NodeOptions(), metrics: MetricRegistry? = nil) {
        self.init(root: root, options: options, metrics: metrics, prober: MountProber(root: root, metrics: metrics ?? MetricRegistry()))
    }

    init(root: String, options: NodeOptions, metrics: MetricRegistry?, prober: MountProber) {
        let environment = NodeCollectorTable.Environment(
            tree: SysTree(root: root), options: options, stat: ProcStat(root: root), prober: prober, metrics: metrics ?? MetricRegistry())
        // Without a directory there is nothing that could fail, so the collector of text files is not there either.
        let rows = NodeCollectorTable.all.filter { $0.name != "textfile" || !options.textFileDirectory.isEmpty }
        entries = rows.filter { options.isOn($0.name, byDefault: $0.isOnByDefault) }.map {
            Entry(row: $0, source: $0.make(environment))
        }
        skipped = Dictionary(
            uniqueKeysWithValues: Self.reasons.compactMap { reason in
                metrics.map {
                    (
                        reason,
                        $0.counter(
                            "binnacle_collector_node_skipped_total", "Readings of the node that gave nothing.", ["reason": reason])
                    )
                }
            })
    }

    /// Reads everything that is due.
    public func sample() -> NodeSample {
        var sample = NodeSample()
        sample.round = round
        round += 1
        recorder.begin()
        for entry in entries {
            guard entry.wait == 0 else {
                entry.wait -= 1
                for (series, value) in entry.kept { recorder.add(series, value) }
                continue
            }
            entry.wait = entry.row.rounds - 1
            read(entry, &sample)
        }
        for entry in entries {
            let labels = { [NodeSeries.Label("collector", entry.row.name)] }
            recorder.add(Self.duration, .nanoseconds(entry.nanoseconds), key: entry.key, labels: labels)
            recorder.add(Self.success, .flag(entry.failure == nil), key: entry.key, labels: labels)
        }
        sample.metrics = recorder.finish()
        return sample
    }

    private func read(_ entry: Entry, _ sample: inout NodeSample) {
        let before = recorder.count
        let start = ContinuousClock.now
        do throws(NodeReadError) {
            try entry.source.collect(&text, &recorder, &sample)
            entry.failure = nil
        } catch {
            recorder.drop(after: before)
            entry.failure = error
            skipped[error.reason]?.increment()
        }
        let taken = (ContinuousClock.now - start).components
        entry.nanoseconds = UInt64(taken.seconds) &* 1_000_000_000 &+ UInt64(taken.attoseconds / 1_000_000_000)
        if entry.row.rounds > 1 { entry.kept = recorder.recorded(after: before) }
    }
}
