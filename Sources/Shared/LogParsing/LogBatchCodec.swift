public import Telemetry

/// Why bytes are no batches.
public struct LogBatchCodecError: Error, Hashable, Sendable, CustomStringConvertible {
    public var offset: Int
    public var problem: String
    public var description: String { "log batches: \(problem) at byte \(offset)" }
}

/// Batches of log records as bytes, with their origins: what the spool keeps and one Binnacle sends another.
///
///     1 (format), number of batches, then each batch:
///       labels; 0 or 1 and node, file, start, length; number of records, then each record:
///         time - time of the record before, severity, end - end of the record before + 1 (0 if not known), body, fields
///
/// Numbers are LEB128, signed ones in zigzag; texts and bodies have their length before them; labels and fields are a number
/// and as many names and values.
public enum LogBatchCodec {
    private static let format: UInt8 = 1

    public static func encode(_ batches: [LogBatch]) -> [UInt8] {
        var writer = Writer()
        writer.bytes.append(format)
        writer.number(batches.count)
        for batch in batches {
            writer.labels(batch.stream)
            if let origin = batch.origin {
                writer.bytes.append(1)
                writer.text(origin.node)
                writer.text(origin.file)
                writer.signed(origin.start)
                writer.signed(origin.end &- origin.start)
            } else {
                writer.bytes.append(0)
            }
            writer.number(batch.records.count)
            var (time, end): (Int64, Int64) = (0, batch.origin?.start ?? 0)
            for (index, record) in batch.records.enumerated() {
                writer.signed(record.time &- time)
                time = record.time
                writer.bytes.append(record.severity.rawValue)
                if index < batch.ends.count {
                    writer.signed(batch.ends[index] &- end &+ 1)
                    end = batch.ends[index]
                } else {
                    writer.signed(0)
                }
                writer.number(record.body.count)
                writer.bytes += record.body
                writer.labels(record.fields)
            }
        }
        return writer.bytes
    }

    /// Reads what `encode` wrote. Counts are checked against the bytes that are there before anything is allocated.
    public static func decode(_ bytes: [UInt8]) throws(LogBatchCodecError) -> [LogBatch] {
        var reader = Reader(bytes: bytes)
        guard try reader.byte() == format else { throw LogBatchCodecError(offset: 0, problem: "the format is not known") }
        var batches: [LogBatch] = []
        for _ in 0..<(try reader.count(least: 3)) { batches.append(try reader.batch()) }
        guard reader.offset == bytes.count else { throw LogBatchCodecError(offset: reader.offset, problem: "there is more than the batches") }
        return batches
    }

    private struct Writer {
        var bytes: [UInt8] = []

        mutating func unsigned(_ value: UInt64) {
            var rest = value
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
        mutating func number(_ value: Int) { unsigned(UInt64(value)) }
        mutating func signed(_ value: Int64) { unsigned(UInt64(bitPattern: value << 1 ^ value >> 63)) }
        mutating func text(_ text: String) {
            number(text.utf8.count)
            bytes += text.utf8
        }
        mutating func labels(_ labels: Labels) {
            number(labels.count)
            for label in labels.list {
                text(label.name)
                text(label.value)
            }
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        var offset = 0

        func failure(_ problem: String) -> LogBatchCodecError { LogBatchCodecError(offset: offset, problem: problem) }

        mutating func byte() throws(LogBatchCodecError) -> UInt8 {
            guard offset < bytes.count else { throw failure("cut off") }
            defer { offset += 1 }
            return bytes[offset]
        }

        mutating func unsigned() throws(LogBatchCodecError) -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), through: 63, by: 7) {
                let next = try byte()
                guard shift < 63 || next <= 1 else { throw failure("a number is too long") }
                value |= UInt64(next & 0x7F) << shift
                if next < 0x80 { return value }
            }
            throw failure("a number is too long")
        }

        mutating func signed() throws(LogBatchCodecError) -> Int64 {
            let value = try unsigned()
            return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
        }

        /// How many things follow that have at least `least` bytes each.
        mutating func count(least: Int) throws(LogBatchCodecError) -> Int {
            let value = try unsigned()
            guard value <= UInt64((bytes.count - offset) / least) else { throw failure("a count is larger than what follows") }
            return Int(value)
        }

        mutating func data() throws(LogBatchCodecError) -> [UInt8] {
            let size = try count(least: 1)
            defer { offset += size }
            return Array(bytes[offset..<offset + size])
        }

        mutating func text() throws(LogBatchCodecError) -> String { String(decoding: try data(), as: UTF8.self) }

        mutating func labels() throws(LogBatchCodecError) -> Labels {
            let count = try count(least: 2)
            guard count > 0 else { return Labels() }
            var pairs: [(String, String)] = []
            for _ in 0..<count { pairs.append((try text(), try text())) }
            return Labels(pairs)
        }

        mutating func batch() throws(LogBatchCodecError) -> LogBatch {
            let stream = try labels()
            var origin: LogBatch.Origin?
            if try byte() == 1 {
                let (node, file, start, length) = (try text(), try text(), try signed(), try signed())
                let (end, overflow) = start.addingReportingOverflow(length)
                guard !overflow, length >= 0 else { throw failure("an origin's range is wrong") }
                origin = .init(node: node, file: file, start: start, end: end)
            }
            var batch = LogBatch(stream: stream, records: [], origin: origin)
            var (time, end): (Int64, Int64) = (0, origin?.start ?? 0)
            for _ in 0..<(try count(least: 5)) {
                time &+= try signed()
                guard let severity = LogRecord.Severity(rawValue: try byte()) else { throw failure("a severity is not known") }
                let step = try signed()
                if step != 0 {
                    end &+= step &- 1
                    batch.ends.append(end)
                }
                let body = try data()
                batch.records.append(LogRecord(time: time, severity: severity, body: body, fields: try labels()))
            }
            guard batch.ends.isEmpty || batch.ends.count == batch.records.count else { throw failure("only some records have an end") }
            return batch
        }
    }
}
