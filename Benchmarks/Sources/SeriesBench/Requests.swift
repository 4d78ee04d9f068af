import Glibc
import ProtoWire
import Runtime
import Snappy
import Telemetry

/// Writes the made-up cluster as what is sent to any server: remote write 1.0 requests of 5,000 samples, and pages of text.
///
/// Each file is a sequence of a length (32 bits, little-endian) and as many bytes.
struct Requests {
    private var descriptor: Int32
    private var writer = WireWriter(reserving: 2 << 20)
    private var pending = 0
    private var samples = 0

    init(_ path: String) {
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        precondition(descriptor >= 0, "cannot write \(path)")
    }

    private func add(_ bytes: [UInt8]) {
        let count = UInt32(bytes.count)
        let all = [UInt8(truncatingIfNeeded: count), UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count >> 16), UInt8(count >> 24)] + bytes
        let written = unsafe all.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        precondition(written == all.count, "the disk is full")
    }

    /// `steps` steps of `interval` seconds that end a few seconds ago. Prints the numbers of samples and of series.
    static func remoteWrite(_ path: String, steps: Int, interval: Int = 15, idleShare: Double = 0) {
        var file = Requests(path)
        let cluster = MadeCluster(idleShare: idleShare)
        let start = SystemClock().now.milliseconds - Int64(steps * interval) * 1000 - 2000
        var values: [Double] = []
        for step in 0..<steps {
            if step > 0, step * interval % 3600 == 0 { cluster.churn() }
            let time = start + Int64(step * interval) * 1000
            for target in cluster.targets {
                values.removeAll(keepingCapacity: true)
                target.step(Double(interval), at: time + target.offset, into: &values)
                for (labels, value) in zip(target.seriesLabels, values) { file.add(labels, time + target.offset, value) }
            }
            file.finishRequest()
        }
        print("\(file.samples) \(cluster.seriesCount)")
    }

    /// Recorded scrapes as requests, moved in time so that they end now. Prints the numbers of samples and of series in the last scrape.
    static func recorded(_ path: String, scrapes: String) throws {
        var file = Requests(path)
        let scrapes = try RecordedScrapes(scrapes)
        let shift = SystemClock().now.milliseconds - scrapes.last - 2000
        var labels: [Substring: Labels] = [:]
        var series = 0
        scrapes.forEach { time, samples in
            for (key, value) in samples {
                let known = labels[key] ?? RecordedScrapes.labels(key)
                labels[key] = known
                file.add(known, time + shift, value)
            }
            series = samples.count
            file.finishRequest()
        }
        print("\(file.samples) \(series)")
    }

    private mutating func add(_ labels: Labels, _ time: Int64, _ value: Double) {
        writer.message(1) { series in
            for label in labels.list {
                series.message(1) {
                    $0.string(1, label.name)
                    $0.string(2, label.value)
                }
            }
            series.message(2) {
                $0.double(1, value)
                $0.int64(2, time)
            }
        }
        pending += 1
        if pending == 5000 { finishRequest() }
    }

    private mutating func finishRequest() {
        guard pending > 0 else { return }
        add(Snappy.compress(writer.bytes))
        writer = WireWriter(reserving: 2 << 20)
        samples += pending
        pending = 0
    }

    /// `count` pages of all series, a second apart. Prints the samples of a page.
    static func pages(_ path: String, count: Int) {
        let file = Requests(path)
        let cluster = MadeCluster()
        var values: [Double] = []
        for _ in 0..<count {
            var text = ""
            for target in cluster.targets {
                values.removeAll(keepingCapacity: true)
                target.step(1, at: SystemClock().now.milliseconds, into: &values)
                for (labels, value) in zip(target.seriesLabels, values) {
                    let pairs = labels.list.lazy.filter { $0.name != Labels.metricName }.map { "\($0.name)=\"\($0.value)\"" }
                    let number = value == value.rounded() && value.magnitude < 1e15 ? "\(Int(value))" : "\(value)"
                    text += "\(labels.name){\(pairs.joined(separator: ","))} \(number)\n"
                }
            }
            file.add(Array(text.utf8))
        }
        print("\(cluster.seriesCount)")
    }
}
