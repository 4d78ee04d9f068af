import ProtoWire

/// A made-up cluster of containers: always the same series and values.
struct Cluster {
    let series: [[(String, String)]]
    private var state: UInt64 = 88_172_645_463_325_252

    init(count: Int) {
        let names = [
            "container_cpu_usage_seconds_total", "container_memory_working_set_bytes", "container_memory_rss", "container_network_receive_bytes_total",
            "container_fs_reads_bytes_total", "container_spec_memory_limit_bytes",
        ]
        series = (0..<count).map { index in
            let pod = index / names.count
            return [
                ("__name__", names[index % names.count]), ("container", "app-\(pod % 7)"), ("endpoint", "https-metrics"),
                ("id", "/kubepods/burstable/pod0b5b7a5e-\(pod)/8d7c3c1f0a\(pod)"), ("image", "registry.example/shop/app-\(pod % 7):v1.\(pod % 3)"),
                ("instance", "10.0.0.\(pod % 20):10250"), ("job", "kubelet"), ("namespace", "shop-\(pod % 11)"), ("node", "node-\(pod % 20)"),
                ("pod", "app-\(pod % 7)-5d4f8c7b9-\(pod)"), ("service", "kubelet"),
            ]
        }
    }

    mutating func number(_ limit: UInt64) -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state % limit
    }

    /// The value of a series at a round: counters with noise, gauges in pages, constants.
    mutating func value(_ index: Int, _ round: Int) -> Double {
        switch index % 6 {
        case 0: Double(round) * 0.31 + Double(number(1000)) / 1e6
        case 1, 2: Double(4096 * (20_000 + number(500)))
        case 3, 4: Double(round * 9000 + Int(number(4000)))
        default: 536_870_912
        }
    }

    /// Requests of remote write 1.0 of one round, some series each.
    mutating func first(round: Int, time: Int64, perRequest: Int) -> [[UInt8]] {
        stride(from: 0, to: series.count, by: perRequest).map { start in
            var writer = WireWriter(reserving: perRequest * 320)
            for index in start..<min(start + perRequest, series.count) {
                let value = value(index, round)
                writer.message(1) { message in
                    for (name, text) in series[index] {
                        message.message(1) {
                            $0.string(1, name)
                            $0.string(2, text)
                        }
                    }
                    message.message(2) {
                        $0.double(1, value)
                        $0.int64(2, time)
                    }
                }
            }
            return writer.bytes
        }
    }

    /// The same in remote write 2.0.
    mutating func second(round: Int, time: Int64, perRequest: Int) -> [[UInt8]] {
        stride(from: 0, to: series.count, by: perRequest).map { start in
            var numbers: [String: UInt64] = ["": 0]
            var symbols = [""]
            func number(_ text: String) -> UInt64 {
                if let known = numbers[text] { return known }
                numbers[text] = UInt64(symbols.count)
                symbols.append(text)
                return UInt64(symbols.count - 1)
            }
            var body = WireWriter()
            for index in start..<min(start + perRequest, series.count) {
                let value = value(index, round)
                let references = series[index].flatMap { [number($0.0), number($0.1)] }
                body.message(5) { message in
                    message.packed(1, references)
                    message.message(2) {
                        $0.double(1, value)
                        $0.int64(2, time)
                    }
                }
            }
            var writer = WireWriter()
            for symbol in symbols { writer.string(4, symbol) }
            return writer.bytes + body.bytes
        }
    }

    /// The cluster as a page of text.
    mutating func page(round: Int) -> [UInt8] {
        var page: [UInt8] = []
        for (index, labels) in series.enumerated() {
            let rest = labels.dropFirst().map { "\($0.0)=\"\($0.1)\"" }.joined(separator: ",")
            let value = value(index, round)
            page += Array("\(labels[0].1){\(rest)} \(value == value.rounded() && value < 1e15 ? "\(Int(value))" : "\(value)")\n".utf8)
        }
        return page
    }
}
