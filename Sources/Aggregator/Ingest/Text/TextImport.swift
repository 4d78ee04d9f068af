import Exposition
import ProtoWire
import SeriesStore
import Telemetry

/// Reads a page of metrics that somebody pushes: Prometheus' text, OpenMetrics or the binary form.
///
/// A page is taken whole or, if it cannot be read, not at all. Samples without a time get the one that is given.
struct TextImport: Sendable {
    /// Series whose bounds are brought into one form are remembered apart: the same text means another series there.
    private var plain: SeriesCache
    private var bounded: SeriesCache
    private let limits: IngestLimits

    init(limits: IngestLimits, seed: UInt64) {
        self.limits = limits
        plain = SeriesCache(limits: limits, seed: seed)
        bounded = SeriesCache(limits: limits, seed: seed)
    }

    var forgotten: Int { plain.forgotten + bounded.forgotten }

    /// - Parameters:
    ///   - timestamp: milliseconds, of samples without one.
    ///   - extra: labels that every series gets; one that it has already is replaced.
    mutating func read(
        _ bytes: Span<UInt8>, _ format: TextFormat, timestamp: Int64, extra: [(String, String)]
    ) throws(ExpositionError) -> IngestBatch {
        var batch = IngestBatch()
        plain.begin()
        bounded.begin()
        var reader = PageReader(format)
        var metadata: [String: MetricMetadata] = [:]
        while let entry = try reader.next(bytes, in: plain.table) {
            guard entry == .sample else {
                describe(entry, reader, bytes, &metadata)
                continue
            }
            let time = reader.timestamp ?? timestamp
            guard extra.isEmpty else {
                try addWithLabels(reader, bytes, time, extra, &batch)
                continue
            }
            if reader.kind == "histogram" || reader.kind == "summary" {
                try add(reader, bytes, time, &bounded, &batch)
            } else {
                try add(reader, bytes, time, &plain, &batch)
            }
        }
        batch.metadata = metadata.values.sorted { $0.metric < $1.metric }
        return batch
    }

    private func add(
        _ reader: PageReader, _ bytes: Span<UInt8>, _ time: Int64, _ cache: inout SeriesCache, _ batch: inout IngestBatch
    ) throws(ExpositionError) {
        let number = try cache.number(bytes, reader.series) { () throws(ExpositionError) in try reader.labels(bytes) }
        cache.add(number, time, reader.value, to: &batch)
        guard let exemplar = try reader.readExemplar(bytes) else { return }
        batch.exemplars += 1
        guard let position = cache.position(number, in: &batch) else { return }
        batch.batches[position].exemplars.append(.init(labels: exemplar.labels, timestamp: exemplar.timestamp ?? time, value: exemplar.value))
    }

    private mutating func addWithLabels(
        _ reader: PageReader, _ bytes: Span<UInt8>, _ time: Int64, _ extra: [(String, String)], _ batch: inout IngestBatch
    ) throws(ExpositionError) {
        var labels = try reader.labels(bytes)
        for (name, value) in extra { labels[name] = value }
        batch.samples += 1
        if let problem = limits.problem(labels) {
            batch.refuse(1, problem)
        } else {
            batch.batches.append(SeriesBatch(labels: labels, samples: [.init(time, reader.value)]))
        }
    }

    private func describe(_ entry: PageReader.Entry, _ reader: PageReader, _ bytes: Span<UInt8>, _ metadata: inout [String: MetricMetadata]) {
        let name = reader.metricName(bytes)
        guard !name.isEmpty, name.utf8.count <= limits.labelValueBytes else { return }
        var known = metadata[name] ?? MetricMetadata(metric: name, type: "unknown", help: "")
        switch entry {
        case .help: known.help = reader.metricText(bytes)
        case .type: known.type = reader.kind
        case .unit: known.unit = reader.metricText(bytes)
        case .sample: break
        }
        metadata[name] = known.cut(to: limits)
    }

    /// Reads the binary form.
    mutating func readProtobuf(_ bytes: Span<UInt8>, timestamp: Int64, extra: [(String, String)]) throws(ExpositionError) -> IngestBatch {
        var batch = IngestBatch()
        var metadata: [MetricMetadata] = []
        let limits = limits
        try ProtobufPage.read(bytes) { family in
            metadata.append(MetricMetadata(metric: family.name, type: family.type, help: family.help, unit: family.unit).cut(to: limits))
        } onSample: { sample throws(ExpositionError) in
            var labels = sample.labels
            for (name, value) in extra { labels[name] = value }
            let time = sample.timestamp ?? timestamp
            let exemplars = sample.exemplars.map { SeriesBatch.Exemplar(labels: $0.labels, timestamp: $0.timestamp ?? time, value: $0.value) }
            if sample.histogram == nil { batch.samples += 1 } else { batch.histograms += 1 }
            batch.exemplars += exemplars.count
            if let problem = limits.problem(labels) ?? sample.histogram?.problem {
                batch.refuse(1, problem)
            } else if let histogram = sample.histogram {
                batch.batches.append(
                    SeriesBatch(labels: labels, samples: [], exemplars: exemplars, histograms: [.init(timestamp: time, encoded: histogram.encoded)]))
            } else {
                batch.batches.append(SeriesBatch(labels: labels, samples: [.init(time, sample.value)], exemplars: exemplars))
            }
        }
        batch.metadata = metadata
        return batch
    }
}
