import Exposition
import ProtoWire
import SeriesStore
import Telemetry

/// Reads `io.prometheus.write.v2.Request`, the message of remote write 2.0: series name their labels by numbers of a
/// table of strings that comes with each request.
///
/// Those numbers change from request to request, so each string that a label uses gets a number that stays
/// (`symbols`), and a series is remembered by the numbers of its labels.
/// (Fields: prometheus/prompb/io/prometheus/write/v2/types.proto.)
struct RemoteWriteV2: Sendable {
    var cache: SeriesCache
    private var symbols: ByteTable
    private let limits: IngestLimits
    private let seed: UInt64
    /// Of the request: where its strings lie, and the number that stays, or -1 before a label used it.
    private var strings: [Range<Int>] = []
    private var numbers: [Int32] = []
    private var references: [UInt32] = []
    private var key: [UInt8] = []

    init(limits: IngestLimits, seed: UInt64) {
        self.limits = limits
        self.seed = seed
        cache = SeriesCache(limits: limits, seed: seed)
        symbols = ByteTable(seed: seed)
    }

    mutating func read(_ bytes: Span<UInt8>) throws(IngestError) -> IngestBatch {
        do throws(WireError) {
            return try readMessage(bytes)
        } catch {
            throw IngestError(400, "\(error)")
        }
    }

    private mutating func readMessage(_ bytes: Span<UInt8>) throws(WireError) -> IngestBatch {
        var batch = IngestBatch()
        cache.begin()
        if symbols.byteCount > limits.rememberedBytes {
            // Keys are made of the symbols' numbers, so both go.
            symbols.removeAll()
            cache = SeriesCache(limits: limits, seed: seed)
            cache.begin()
        }
        strings.removeAll(keepingCapacity: true)
        // The strings may lie behind the series.
        var reader = WireReader(bytes)
        while try reader.next(bytes) {
            if reader.number == 4 {
                try reader.expect(.bytes)
                strings.append(try reader.range(bytes))
            } else {
                try reader.skip(bytes)
            }
        }
        numbers = Array(repeating: -1, count: strings.count)
        reader = WireReader(bytes)
        while try reader.next(bytes) {
            if reader.number == 5 {
                try reader.expect(.bytes)
                try series(bytes, try reader.range(bytes), &batch)
            } else {
                try reader.skip(bytes)
            }
        }
        return batch
    }

    /// A `TimeSeries`: label references 1, samples 2, histograms 3, exemplars 4, metadata 5.
    private mutating func series(_ bytes: Span<UInt8>, _ range: Range<Int>, _ batch: inout IngestBatch) throws(WireError) {
        references.removeAll(keepingCapacity: true)
        var reader = WireReader(range)
        while try reader.next(bytes) {
            if reader.number == 1 {
                try reader.repeated(bytes, .varint) { (r, b) throws(WireError) in
                    references.append(UInt32(truncatingIfNeeded: try r.varint(b)))
                }
            } else {
                try reader.skip(bytes)
            }
        }
        let position = try place(bytes, at: range.lowerBound, &batch)
        reader = WireReader(range)
        while try reader.next(bytes) {
            switch reader.number {
            case 2:
                try reader.expect(.bytes)
                let sample = try sample(bytes, try reader.message(bytes))
                batch.samples += 1
                if let position { batch.batches[position].samples.append(sample) } else { batch.invalid += 1 }
            case 3:
                try reader.expect(.bytes)
                let (histogram, timestamp) = try NativeHistogram.decode(bytes, try reader.range(bytes))
                RemoteWriteV1.add(histogram, timestamp, position, &batch)
            case 4:
                try reader.expect(.bytes)
                let exemplar = try exemplar(bytes, try reader.message(bytes))
                batch.exemplars += 1
                if let position { batch.batches[position].exemplars.append(exemplar) }
            case 5:
                try reader.expect(.bytes)
                try metadata(bytes, try reader.message(bytes), position, &batch)
            default: try reader.skip(bytes)
            }
        }
    }

    /// The batch of the series that the references name; nil if it may not come in.
    private mutating func place(_ bytes: Span<UInt8>, at offset: Int, _ batch: inout IngestBatch) throws(WireError) -> Int? {
        guard references.count % 2 == 0 else {
            batch.note("a series has a label without a value: its references are \(references.count) in number")
            return nil
        }
        if self.key.count < references.count * 4 { self.key = Array(repeating: 0, count: references.count * 8) }
        for (position, reference) in references.enumerated() {
            guard Int(reference) < strings.count else {
                batch.note("a series refers to symbol \(reference), but there are \(strings.count)")
                return nil
            }
            let number = UInt32(bitPattern: number(bytes, Int(reference)))
            // Four bytes are there: the key is at least four times as long as the references.
            unsafe self.key.withUnsafeMutableBytes { unsafe $0.storeBytes(of: number, toByteOffset: position * 4, as: UInt32.self) }
        }
        // Only for a series that is new are the labels looked at.
        let key = key
        let number = cache.number(key.span, 0..<references.count * 4) { [references, strings] in Self.labels(bytes, references, strings) }
        return cache.position(number, in: &batch)
    }

    private mutating func number(_ bytes: Span<UInt8>, _ reference: Int) -> Int32 {
        if numbers[reference] >= 0 { return numbers[reference] }
        let range = strings[reference]
        let hash = symbols.hash(bytes, range)
        let number = Int32(truncatingIfNeeded: symbols.find(bytes, range, hash: hash) ?? symbols.insert(bytes, range, hash: hash))
        numbers[reference] = number
        return number
    }

    private static func labels(_ bytes: Span<UInt8>, _ references: [UInt32], _ strings: [Range<Int>]) -> Labels {
        var list: [Labels.Label] = []
        for pair in stride(from: 0, to: references.count, by: 2) {
            list.append(.init(String(copying: bytes, strings[Int(references[pair])]), String(copying: bytes, strings[Int(references[pair + 1])])))
        }
        return Labels(sorting: list)
    }

    private func sample(_ bytes: Span<UInt8>, _ message: WireReader) throws(WireError) -> SeriesBatch.Sample {
        var reader = message
        var sample = SeriesBatch.Sample(0, 0)
        while try reader.next(bytes) {
            switch reader.number {
            case 1: sample.value = try reader.double(bytes)
            case 2: sample.timestamp = Int64(bitPattern: try reader.varint(bytes))
            default: try reader.skip(bytes)
            }
        }
        return sample
    }

    private func text(_ bytes: Span<UInt8>, _ reference: UInt64) -> String {
        reference < UInt64(strings.count) ? String(copying: bytes, strings[Int(reference)]) : ""
    }

    private func exemplar(_ bytes: Span<UInt8>, _ message: WireReader) throws(WireError) -> SeriesBatch.Exemplar {
        var reader = message
        var exemplar = SeriesBatch.Exemplar(labels: [:], timestamp: 0, value: 0)
        var references: [UInt64] = []
        while try reader.next(bytes) {
            switch reader.number {
            case 1: try reader.repeated(bytes, .varint) { (r, b) throws(WireError) in references.append(try r.varint(b)) }
            case 2: exemplar.value = try reader.double(bytes)
            case 3: exemplar.timestamp = Int64(bitPattern: try reader.varint(bytes))
            default: try reader.skip(bytes)
            }
        }
        var pairs: [(String, String)] = []
        for pair in stride(from: 0, to: references.count - 1, by: 2) { pairs.append((text(bytes, references[pair]), text(bytes, references[pair + 1]))) }
        exemplar.labels = Labels(pairs)
        return exemplar
    }

    /// `Metadata` of a series, kept once a request for its metric.
    private func metadata(_ bytes: Span<UInt8>, _ message: WireReader, _ position: Int?, _ batch: inout IngestBatch) throws(WireError) {
        var reader = message
        var type: UInt64 = 0
        var help: UInt64 = 0
        var unit: UInt64 = 0
        while try reader.next(bytes) {
            switch reader.number {
            case 1: type = try reader.varint(bytes)
            case 3: help = try reader.varint(bytes)
            case 4: unit = try reader.varint(bytes)
            default: try reader.skip(bytes)
            }
        }
        guard let position, type != 0 || help != 0 || unit != 0 else { return }
        let name = batch.batches[position].series.labels.name
        guard batch.metadata.last?.metric != name else { return }
        batch.metadata.append(
            MetricMetadata(metric: name, type: RemoteWriteV1.metricType(type), help: text(bytes, help), unit: text(bytes, unit)).cut(to: limits))
    }
}
