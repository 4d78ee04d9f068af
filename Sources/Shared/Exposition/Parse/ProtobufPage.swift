import ProtoWire
import Telemetry

/// Reads the binary exposition: `MetricFamily` messages of io.prometheus.client, each behind its length.
///
/// (Field numbers: github.com/prometheus/client_model, io/prometheus/client/metrics.proto.)
public struct ProtobufPage {
    public struct Exemplar: Hashable, Sendable {
        public var labels: Labels
        public var value: Double
        /// Milliseconds since 1970.
        public var timestamp: Int64?
    }

    /// A sample, or a native histogram with the value of its count.
    public struct Sample: Sendable {
        public var labels: Labels
        public var value: Double
        /// Milliseconds since 1970; nil if it has none.
        public var timestamp: Int64?
        public var exemplars: [Exemplar] = []
        public var histogram: NativeHistogram?
    }

    /// What a family says of itself, before its samples.
    public struct Family: Hashable, Sendable {
        public var name = ""
        public var help = ""
        public var type = "counter"
        public var unit = ""
    }

    /// Reads all families. A histogram with native buckets gives a native histogram, and its classic buckets if it has some.
    public static func read(
        _ bytes: Span<UInt8>, onFamily: (Family) -> Void, onSample: (Sample) throws(ExpositionError) -> Void
    ) throws(ExpositionError) {
        var offset = 0
        while offset < bytes.count {
            var samples: [Sample] = []
            do throws(WireError) {
                var outer = WireReader(offset..<bytes.count)
                let range = try outer.range(bytes)
                offset = range.upperBound
                let family = try header(bytes, range)
                onFamily(family)
                var reader = WireReader(range)
                while try reader.next(bytes) {
                    guard reader.number == 4 else {
                        try reader.skip(bytes)
                        continue
                    }
                    try reader.expect(.bytes)
                    var builder = MetricBuilder(family: family)
                    try builder.read(bytes, try reader.range(bytes))
                    samples += builder.samples
                }
            } catch {
                throw ExpositionError(line: 0, problem: "\(error)")
            }
            for sample in samples { try onSample(sample) }
        }
    }

    private static func header(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(WireError) -> Family {
        var family = Family()
        var reader = WireReader(range)
        while try reader.next(bytes) {
            switch reader.number {
            case 1: family.name = try reader.string(bytes)
            case 2: family.help = try reader.string(bytes)
            case 3:
                let type = try reader.varint(bytes)
                family.type = types.indices.contains(Int(truncatingIfNeeded: type)) ? types[Int(type)] : "unknown"
            case 5: family.unit = try reader.string(bytes)
            default: try reader.skip(bytes)
            }
        }
        return family
    }

    private static let types = ["counter", "gauge", "summary", "unknown", "histogram", "gaugehistogram"]
}
