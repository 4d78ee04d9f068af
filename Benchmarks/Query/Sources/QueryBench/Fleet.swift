import Glibc
import Telemetry

/// The made-up cluster that is queried: containers with counters, gauges and a histogram of twelve buckets, sampled at
/// the same moments, and one info series a pod. The same arguments give the same samples.
struct Fleet: Sendable {
    /// One block a container.
    var blocks: [SampleSeries]

    struct SampleSeries: Sendable {
        var timestamps: [Int64]
        var labels: [Labels]
        var columns: [[Double]]
    }

    static let bounds = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"]

    /// `end` is in milliseconds; samples lie at `end - hours` and on, each `interval`.
    init(containers: Int, from start: Int64, through end: Int64, interval: Int64) {
        var random = SplitMix(state: 42)
        let times = Array(stride(from: start, through: end, by: Int(interval))).map { Int64($0) }
        blocks = (0..<containers).map { number in
            let pod = [
                "container": "app", "namespace": "ns-\(number % 10)", "pod": "web-\(number)-7d9f8b6c5d-x2x\(number)",
                "id": "/kubepods/burstable/pod\(number)", "image": "docker.io/library/nginx:1.27", "node": "node-1", "job": "cadvisor",
            ]
            var labels = [
                Labels(name: "container_cpu_usage_seconds_total", pod), Labels(name: "container_memory_working_set_bytes", pod),
                Labels(name: "kube_pod_info", ["pod": pod["pod"] ?? "", "namespace": pod["namespace"] ?? "", "host_ip": "10.0.0.\(number % 20)"]),
            ]
            var columns: [[Double]] = [[], [], []]
            for bound in Fleet.bounds {
                labels.append(
                    Labels(
                        name: "http_request_duration_seconds_bucket",
                        ["pod": pod["pod"] ?? "", "namespace": pod["namespace"] ?? "", "le": bound, "job": "web"]))
                columns.append([])
            }
            var cpu = 0.0, memory = 20_000.0
            var buckets = Array(repeating: 0.0, count: Fleet.bounds.count)
            for _ in times {
                cpu += Double.random(in: 0..<0.6, using: &random)
                memory += Double(Int.random(in: -20...20, using: &random))
                columns[0].append((cpu * 1e6).rounded() / 1e6)
                columns[1].append(memory * 4096)
                columns[2].append(1)
                var total = 0.0
                for bucket in buckets.indices {
                    total += Double(Int.random(in: 0...(bucket < 6 ? 5 : 1), using: &random))
                    buckets[bucket] += total
                    columns[3 + bucket].append(buckets[bucket])
                }
            }
            return SampleSeries(timestamps: times, labels: labels, columns: columns)
        }
    }

    /// As OpenMetrics, for `promtool tsdb create-blocks-from openmetrics`.
    func writeOpenMetrics(to path: String) throws {
        guard let file = unsafe fopen(path, "w") else { throw BenchError("cannot write \(path)") }
        defer { unsafe fclose(file) }
        var names: [String: [(Int, Int)]] = [:]
        for (number, block) in blocks.enumerated() {
            for (index, labels) in block.labels.enumerated() { names[labels.name, default: []].append((number, index)) }
        }
        for (_, places) in names.sorted(by: { $0.key < $1.key }) {
            for (number, index) in places {
                let block = blocks[number]
                let labels = block.labels[index]
                // OpenMetrics allows no space between labels.
                let pairs = labels.list.filter { $0.name != Labels.metricName }.map { "\($0.name)=\"\($0.value.escapedForLabel)\"" }
                let series = "\(labels.name){\(pairs.joined(separator: ","))}"
                var text = ""
                for (time, value) in zip(block.timestamps, block.columns[index]) { text += "\(series) \(value) \(time / 1000)\n" }
                unsafe fputs(text, file)
            }
        }
        unsafe fputs("# EOF\n", file)
    }
}

struct BenchError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Steele, Lea and Flood's SplitMix64: small, seeded, good enough for noise.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
