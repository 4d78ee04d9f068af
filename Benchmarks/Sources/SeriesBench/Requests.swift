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

    /// `steps` steps of 15 s that end a few seconds ago. Prints the number of samples.
    static func remoteWrite(_ path: String, steps: Int) {
        let file = Requests(path)
        let cluster = MadeCluster()
        var samples = 0
        let start = SystemClock().now.milliseconds - Int64(steps) * 15_000 - 2000
        var values: [Double] = []
        for step in 0..<steps {
            if step > 0, step % 240 == 0 { cluster.churn() }
            let time = start + Int64(step) * 15_000
            var writer = WireWriter(reserving: 2 << 20)
            var pending = 0
            for target in cluster.targets {
                values.removeAll(keepingCapacity: true)
                target.step(15, at: time + target.offset, into: &values)
                for (labels, value) in zip(target.seriesLabels, values) {
                    writer.message(1) { series in
                        for label in labels.list {
                            series.message(1) {
                                $0.string(1, label.name)
                                $0.string(2, label.value)
                            }
                        }
                        series.message(2) {
                            $0.double(1, value)
                            $0.int64(2, time + target.offset)
                        }
                    }
                    pending += 1
                    if pending == 5000 {
                        file.add(Snappy.compress(writer.bytes))
                        writer = WireWriter(reserving: 2 << 20)
                        samples += pending
                        pending = 0
                    }
                }
            }
            if pending > 0 { file.add(Snappy.compress(writer.bytes)) }
            samples += pending
        }
        print("\(samples) \(cluster.seriesCount)")
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
