import Exposition
import SeriesStore
import Telemetry

/// Points of InfluxDB's line protocol as samples.
///
/// The field `value` of `cpu/usage_rate` becomes `cpu_usage_rate`, the field `idle` of `cpu` becomes `cpu_idle`: as
/// Prometheus' influxdb_exporter does. Tags become labels; the database and the retention policy too, if they are said.
struct InfluxImport: Sendable {
    private var cache: SeriesCache
    private var key: [UInt8] = []

    init(limits: IngestLimits, seed: UInt64) { cache = SeriesCache(limits: limits, seed: seed) }

    var forgotten: Int { cache.forgotten }

    /// Milliseconds of one unit, or units of one millisecond.
    enum Precision: Sendable, Hashable {
        case multiply(Int64)
        case divide(Int64)

        /// By the name that the interface of InfluxDB 1 or 2 gives it; nil for none of them.
        init?(_ name: String) {
            switch name {
            case "", "n", "ns": self = .divide(1_000_000)
            case "u", "us", "µ": self = .divide(1000)
            case "ms": self = .multiply(1)
            case "s": self = .multiply(1000)
            case "m": self = .multiply(60_000)
            case "h": self = .multiply(3_600_000)
            default: return nil
            }
        }

        func milliseconds(_ time: Int64) -> Int64? {
            switch self {
            case .divide(let units): return time.floorDivided(units)
            case .multiply(let factor):
                let (product, overflows) = time.multipliedReportingOverflow(by: factor)
                return overflows ? nil : product
            }
        }
    }

    /// Lines that cannot be read are refused one by one, as InfluxDB does.
    mutating func read(
        _ bytes: Span<UInt8>, precision: Precision, now: Int64, extra: [(String, String)]
    ) -> IngestBatch {
        var batch = IngestBatch()
        cache.begin()
        // Two databases must not share a series.
        let prefix = Array(extra.map { "\($0.0)=\($0.1)" }.joined(separator: ",").utf8) + [0]
        var parser = LineProtocol()
        var offset = 0
        var line = 0
        while offset < bytes.count {
            line += 1
            let end = InfluxImport.lineEnd(bytes, offset)
            do throws(IngestError) {
                if try parser.read(bytes, offset..<end) { try add(parser, bytes, precision, now, prefix, extra, &batch) }
            } catch {
                batch.samples += 1
                batch.refuse(1, "line \(line): \(error.reason)")
            }
            offset = end + 1
        }
        return batch
    }

    private mutating func add(
        _ point: LineProtocol, _ bytes: Span<UInt8>, _ precision: Precision, _ now: Int64, _ prefix: [UInt8], _ extra: [(String, String)],
        _ batch: inout IngestBatch
    ) throws(IngestError) {
        var time = now
        if let given = point.timestamp {
            guard let moment = precision.milliseconds(given) else { throw IngestError(400, "timestamp out of range") }
            time = moment
        }
        for field in point.fields {
            guard case .number(let value) = field.value else {
                batch.note("fields that hold text are left out")
                continue
            }
            key.removeAll(keepingCapacity: true)
            key += prefix
            for place in point.head { key.append(bytes[place]) }
            key.append(0)
            for place in field.name { key.append(bytes[place]) }
            let name = key
            let number = try cache.number(name.span, 0..<name.count) { () throws(IngestError) in
                try InfluxImport.labels(bytes, point.head, field.name, extra)
            }
            cache.add(number, time, value, to: &batch)
        }
    }

    private static func labels(
        _ bytes: Span<UInt8>, _ head: Range<Int>, _ field: Range<Int>, _ extra: [(String, String)]
    ) throws(IngestError) -> Labels {
        let (measurement, tags) = try LineProtocol.names(bytes, head)
        let name = LineProtocol.fieldName(bytes, field)
        var pairs = extra
        for (tag, value) in tags { pairs.append((MetricName.label(tag), value)) }
        pairs.append((Labels.metricName, MetricName.metric(name == "value" ? measurement : "\(measurement)_\(name)")))
        return Labels(pairs)
    }

    /// The line feed that ends the line at `offset`, or the end; those within quotes belong to a text.
    private static func lineEnd(_ bytes: Span<UInt8>, _ offset: Int) -> Int {
        var place = offset
        var isQuoted = false
        var hasFields = false
        while place < bytes.count {
            switch bytes[place] {
            case 0x5C: place += 1
            case 0x20: hasFields = true
            // Quotes mean something only in the fields.
            case 0x22 where hasFields: isQuoted.toggle()
            case 0x0A where !isQuoted: return place
            default: break
            }
            place += 1
        }
        return bytes.count
    }
}
