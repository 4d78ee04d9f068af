import Exposition
import ProtoWire
import SeriesStore
import Telemetry

/// Reads `prometheus.WriteRequest`, the message of remote write 1.0.
///
/// (Fields: prometheus/prompb/remote.proto and types.proto; the rules: prometheus.io, "Remote-Write 1.0".)
enum RemoteWriteV1 {
    static func read(_ bytes: Span<UInt8>, _ cache: inout SeriesCache, limits: IngestLimits) throws(WireError) -> IngestBatch {
        var batch = IngestBatch()
        cache.begin()
        var reader = WireReader(bytes)
        while try reader.next(bytes) {
            switch reader.number {
            case 1:
                try reader.expect(.bytes)
                try series(bytes, try reader.range(bytes), &cache, &batch)
            case 3:
                try reader.expect(.bytes)
                if let metadata = try metadata(bytes, try reader.message(bytes), limits) { batch.metadata.append(metadata) }
            default: try reader.skip(bytes)
            }
        }
        return batch
    }

    /// A `TimeSeries`: labels 1, samples 2, exemplars 3, histograms 4.
    private static func series(
        _ bytes: Span<UInt8>, _ range: Range<Int>, _ cache: inout SeriesCache, _ batch: inout IngestBatch
    ) throws(WireError) {
        var reader = WireReader(range)
        var position: Int?
        var isPlaced = false
        var labelsEnd = range.lowerBound
        while try reader.next(bytes) {
            try reader.expect(.bytes)
            if reader.number == 1, !isPlaced {
                _ = try reader.range(bytes)
                labelsEnd = reader.offset
                continue
            }
            if !isPlaced {
                // All senders write the labels first; their bytes are the series' name here.
                let number = try cache.number(bytes, range.lowerBound..<labelsEnd) { () throws(WireError) in
                    try labels(bytes, WireReader(range.lowerBound..<labelsEnd))
                }
                position = cache.position(number, in: &batch)
                isPlaced = true
            }
            switch reader.number {
            case 1: throw .wrongType(field: 1, offset: reader.start)
            case 2:
                let sample = try sample(bytes, try reader.message(bytes))
                batch.samples += 1
                if let position { batch.batches[position].samples.append(sample) } else { batch.invalid += 1 }
            case 3:
                let exemplar = try exemplar(bytes, try reader.message(bytes))
                batch.exemplars += 1
                if let position { batch.batches[position].exemplars.append(exemplar) }
            case 4:
                let (histogram, timestamp) = try NativeHistogram.decode(bytes, try reader.range(bytes))
                add(histogram, timestamp, position, &batch)
            default: try reader.skip(bytes)
            }
        }
    }

    static func add(_ histogram: NativeHistogram, _ timestamp: Int64, _ position: Int?, _ batch: inout IngestBatch) {
        batch.histograms += 1
        if let problem = histogram.problem {
            batch.refuse(1, problem)
        } else if let position {
            batch.batches[position].histograms.append(.init(timestamp: timestamp, encoded: histogram.encoded))
        } else {
            batch.invalid += 1
        }
    }

    /// `Label` messages one after another, all field 1. A name that comes twice is kept twice, for the rule to find.
    private static func labels(_ bytes: Span<UInt8>, _ message: WireReader) throws(WireError) -> Labels {
        var reader = message
        var list: [Labels.Label] = []
        while try reader.next(bytes) {
            var inner = try reader.message(bytes)
            var label = Labels.Label("", "")
            while try inner.next(bytes) {
                switch inner.number {
                case 1: label.name = try inner.string(bytes)
                case 2: label.value = try inner.string(bytes)
                default: try inner.skip(bytes)
                }
            }
            list.append(label)
        }
        return Labels(sorting: list)
    }

    @inline(__always)
    private static func sample(_ bytes: Span<UInt8>, _ message: WireReader) throws(WireError) -> SeriesBatch.Sample {
        var reader = message
        var sample = SeriesBatch.Sample(0, 0)
        while try reader.next(bytes) {
            switch (reader.number, reader.kind) {
            case (1, .fixed64): sample.value = try reader.double(bytes)
            case (2, .varint): sample.timestamp = Int64(bitPattern: try reader.varint(bytes))
            case (1, _), (2, _): throw .wrongType(field: reader.number, offset: reader.start)
            default: try reader.skip(bytes)
            }
        }
        return sample
    }

    private static func exemplar(_ bytes: Span<UInt8>, _ message: WireReader) throws(WireError) -> SeriesBatch.Exemplar {
        var reader = message
        let start = reader.offset
        var labelsEnd = start
        var exemplar = SeriesBatch.Exemplar(labels: [:], timestamp: 0, value: 0)
        while try reader.next(bytes) {
            switch reader.number {
            case 1:
                try reader.expect(.bytes)
                _ = try reader.range(bytes)
                labelsEnd = reader.offset
            case 2: exemplar.value = try reader.double(bytes)
            case 3: exemplar.timestamp = Int64(bitPattern: try reader.varint(bytes))
            default: try reader.skip(bytes)
            }
        }
        if labelsEnd > start { exemplar.labels = Labels(try labels(bytes, WireReader(start..<labelsEnd)).list.map { ($0.name, $0.value) }) }
        return exemplar
    }

    private static func metadata(_ bytes: Span<UInt8>, _ message: WireReader, _ limits: IngestLimits) throws(WireError) -> MetricMetadata? {
        var reader = message
        var metadata = MetricMetadata(metric: "", type: "unknown", help: "")
        while try reader.next(bytes) {
            switch reader.number {
            case 1: metadata.type = metricType(try reader.varint(bytes))
            case 2: metadata.metric = try reader.string(bytes)
            case 4: metadata.help = try reader.string(bytes)
            case 5: metadata.unit = try reader.string(bytes)
            default: try reader.skip(bytes)
            }
        }
        guard !metadata.metric.isEmpty, metadata.metric.utf8.count <= limits.labelValueBytes else { return nil }
        return metadata.cut(to: limits)
    }

    static func metricType(_ number: UInt64) -> String {
        let types = ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"]
        return number < 8 ? types[Int(number)] : "unknown"
    }
}

extension MetricMetadata {
    /// With a help and a unit that are not longer than they may be.
    func cut(to limits: IngestLimits) -> MetricMetadata {
        guard help.utf8.count > limits.helpBytes || unit.utf8.count > limits.helpBytes else { return self }
        return MetricMetadata(metric: metric, type: type, help: String(help.prefix(limits.helpBytes / 4)), unit: String(unit.prefix(64)))
    }
}

extension Labels {
    /// In order, without those that have no value. A name that comes twice stays twice: `firstDouble` tells.
    init(sorting list: [Label]) {
        var list = list
        if list.contains(where: { $0.value.isEmpty }) { list.removeAll { $0.value.isEmpty } }
        if zip(list, list.dropFirst()).contains(where: { $0.name >= $1.name }) { list.sort { $0.name < $1.name } }
        self.init(sortedUnchecked: list)
    }

    /// The first name that comes twice.
    var firstDouble: String? {
        for position in list.indices.dropFirst() where list[position].name == list[position - 1].name { return list[position].name }
        return nil
    }
}
