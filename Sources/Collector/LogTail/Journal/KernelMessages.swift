import Glibc
public import Runtime
import Telemetry

/// One record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg): `priority,number,microseconds,flags;text`, then lines of ` KEY=value`.
struct KernelMessage: Hashable, Sendable {
    var level: Int
    var facility: Int
    var sequence: Int64
    /// Nanoseconds since the machine started.
    var sinceBoot: Int64
    var text: [UInt8]
    var fields: [(String, String)]

    static func == (left: KernelMessage, right: KernelMessage) -> Bool { left.sequence == right.sequence && left.text == right.text }
    func hash(into hasher: inout Hasher) { hasher.combine(sequence) }

    init?(_ bytes: ArraySlice<UInt8>) {
        guard let semicolon = bytes.firstIndex(of: UInt8(ascii: ";")) else { return nil }
        let head = bytes[..<semicolon].split(separator: UInt8(ascii: ",")).map { String(decoding: $0, as: UTF8.self) }
        guard head.count >= 3, let priority = Int(head[0]), let sequence = Int64(head[1]), let micros = Int64(head[2]), micros < Int64.max / 1000 else {
            return nil
        }
        (level, facility, self.sequence, sinceBoot) = (priority & 7, priority >> 3, sequence, micros * 1000)
        let lines = bytes[(semicolon + 1)...].split(separator: 0x0A)
        text = Self.unescaped(lines.first ?? [])
        fields = lines.dropFirst().compactMap { line in
            guard line.first == 0x20, let equals = line.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            return (String(decoding: line[..<equals].dropFirst(), as: UTF8.self).lowercased(), String(decoding: line[(equals + 1)...], as: UTF8.self))
        }
    }

    /// The kernel writes bytes that are not printable as `\x0a`.
    private static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            if text[index] == UInt8(ascii: "\\"), index + 3 < text.endIndex, text[index + 1] == UInt8(ascii: "x"),
                let value = UInt8(String(decoding: text[(index + 2)...(index + 3)], as: UTF8.self), radix: 16)
            {
                result.append(value)
                index += 4
            } else {
                result.append(text[index])
                index += 1
            }
        }
        return result
    }
}

/// Follows the kernel's messages. What the kernel overwrote before it was read is told in a record.
public actor KernelTailer {
    private let node: String
    private let sink: any LogSink
    private let path: String
    private let trouble: Trouble
    private let clock: any WallClock
    private var filter: RecordFilter
    private let filterMetrics: RecordFilterMetrics
    private let records: Counter
    private let overwritten: Counter

    public init(
        node: String, path: String = "/dev/kmsg", configuration: LogTailConfiguration = LogTailConfiguration(), sink: any LogSink,
        metrics registry: MetricRegistry, trouble: Trouble = Trouble(), clock: any WallClock = SystemClock()
    ) {
        self.trouble = trouble
        self.clock = clock
        filter = RecordFilter { configuration.options(labels: $0, annotations: [:]).options }
        filterMetrics = RecordFilterMetrics(registry)
        self.node = node
        self.sink = sink
        self.path = path
        records = registry.counter("binnacle_log_kernel_records_total", "Messages of the kernel handed over and acknowledged.")
        overwritten = registry.counter("binnacle_log_kernel_overwritten_total", "Messages of the kernel that it overwrote before they were read.")
    }

    /// Follows until it is cancelled. All that the kernel still has is sent; the store knows by their numbers what it has.
    public func run() async {
        let file: HostFile
        do { file = try HostFile(path, flags: O_RDONLY | O_NONBLOCK) } catch { return trouble.set("kernel", "\(error)") }
        let boot = (try? HostFileSystem().text("/proc/sys/kernel/random/boot_id"))?.filter { $0 != "\n" } ?? "unknown"
        var last: Int64?
        var buffer = [UInt8](repeating: 0, count: 16_384)
        var waiting: [KernelMessage] = []
        var backoff = Backoff(first: .milliseconds(500), limit: .seconds(30))
        while !Task.isCancelled {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(file.descriptor, $0.baseAddress, $0.count) }
            if count > 0, let message = KernelMessage(buffer[..<count]) { waiting.append(message) }
            let isQuiet = count <= 0 && errno != EPIPE
            guard waiting.count >= 500 || (isQuiet && !waiting.isEmpty) else {
                if isQuiet { try? await Task.sleep(for: .milliseconds(500)) }
                continue
            }
            let before = filter
            do {
                let batch = self.batch(waiting, after: last, boot: boot)
                if !batch.records.isEmpty { try await sink.append([batch]) }
                records.increment(by: UInt64(waiting.count))
                last = waiting.last?.sequence
                waiting = []
                backoff.reset()
            } catch {
                filter = before
                try? await Task.sleep(for: backoff.next() * Double.random(in: 0.5...1))
            }
        }
    }

    func batch(_ messages: [KernelMessage], after last: Int64?, boot: String) -> LogBatch {
        // The time of day at which the machine started.
        let started = Self.nanoseconds(CLOCK_REALTIME) - Self.nanoseconds(CLOCK_MONOTONIC)
        var batch = LogBatch(
            stream: ["job": "kernel", "node": node], records: [],
            origin: .init(
                node: node, file: "kmsg/\(boot)", start: last.map { $0 + 1 } ?? messages.first?.sequence ?? 0, end: (messages.last?.sequence ?? 0) + 1))
        var previous = last
        for message in messages {
            var fields = message.fields
            if let previous, message.sequence > previous + 1 {
                overwritten.increment(by: UInt64(message.sequence - previous - 1))
                fields.append(("missing_before", "\(message.sequence - previous - 1)"))
            }
            previous = message.sequence
            let record = LogRecord(
                time: started + message.sinceBoot,
                severity: [.fatal, .fatal, .fatal, .error, .warning, .info, .info, .debug][message.level], body: message.text, fields: Labels(fields))
            guard let kept = filter.pass(record, of: batch.stream, now: clock.nanoseconds, filterMetrics) else { continue }
            batch.records.append(kept)
            batch.ends.append(message.sequence + 1)
        }
        return batch
    }

    private static func nanoseconds(_ clock: Int32) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
