import Exposition
import ProtoWire
import Telemetry

/// What one target's pages mean, from scrape to scrape: which text is which series, who was there last time.
///
/// Pages repeat themselves, so a line is first compared with what followed its predecessor last time; labels are made and
/// relabelled once for a series. The result is one frame whose set of series changes only when series come or go.
struct ScrapePage: Sendable {
    struct Outcome: Sendable {
        var scraped = 0
        var kept = 0
        var added = 0
        /// Of the same series and time as an earlier line: the first counts.
        var duplicates = 0
        var timed: [SeriesSamples] = []
        var exemplars: [ScrapeResult.Exemplar] = []
        var histograms: [ScrapeResult.Histogram] = []
        var metadata: [ScrapeResult.Metadata] = []
    }

    private let configuration: ScrapeConfiguration
    private let target: Labels
    /// By the series' text in the page; a slot each, or -1 if relabelling dropped it.
    private var table: ByteTable
    private var slots: [Int32] = []
    private var successors: [Int32] = []
    /// Under which `# TYPE` a text was read decides how its bounds are written.
    private var wasBounded: [Bool] = []
    /// By slot.
    private(set) var labels: [Labels] = []
    private(set) var values: [Double] = []
    private var seen: [UInt32] = []
    private var isPresent: [Bool] = []
    private var byLabels: [Labels: Int] = [:]
    private var scrape: UInt32 = 0
    private(set) var metadata: [String: ScrapeResult.Metadata] = [:]
    private(set) var generation = 0

    init(_ configuration: ScrapeConfiguration, target: Labels, seed: UInt64) {
        self.configuration = configuration
        self.target = target
        table = ByteTable(seed: seed)
    }

    /// How many series the newest page had.
    var presentCount: Int { isPresent.count { $0 } }
    var byteCount: Int { table.byteCount }

    // MARK: A page

    /// Reads a page into `values`. If it throws, `fail` must follow.
    mutating func read(_ bytes: [UInt8], _ format: PageFormat, at timestamp: Int64) throws(ScrapeFailure) -> Outcome {
        var outcome = Outcome()
        begin()
        do throws(ExpositionError) {
            if format == .protobuf {
                try readProtobuf(bytes.span, timestamp, &outcome)
            } else {
                try readText(bytes.span, format == .openMetrics ? .openMetrics : .prometheus, timestamp, &outcome)
            }
        } catch {
            if let limit = limitReached { throw limit }
            throw .page("\(error)")
        }
        finish()
        return outcome
    }

    /// The scrape failed: every series that was there ends.
    mutating func fail() {
        begin()
        finish()
    }

    private var limitReached: ScrapeFailure?

    private mutating func begin() {
        scrape &+= 1
        limitReached = nil
        if scrape == 0 {
            // After four thousand million scrapes; marks of the first must not be taken for new ones.
            seen = Array(repeating: 0, count: seen.count)
            scrape = 1
        }
        for slot in values.indices { values[slot] = .absent }
    }

    /// Series that are missing get a stale marker, once.
    private mutating func finish() {
        for slot in values.indices {
            if seen[slot] == scrape {
                isPresent[slot] = true
            } else if isPresent[slot] {
                values[slot] = .stale
                isPresent[slot] = false
            }
        }
    }

    /// Forgets series that ended, once they are many. To be called after the values were used.
    mutating func compact() {
        let ended = isPresent.count { !$0 }
        guard ended > 256, ended * 2 > isPresent.count else { return }
        let kept = isPresent.indices.filter { isPresent[$0] }
        labels = kept.map { labels[$0] }
        seen = kept.map { seen[$0] }
        values = Array(repeating: .absent, count: kept.count)
        isPresent = Array(repeating: true, count: kept.count)
        byLabels = Dictionary(uniqueKeysWithValues: labels.enumerated().map { ($1, $0) })
        // The texts are learnt again with the next page.
        table.removeAll()
        slots = []
        successors = []
        wasBounded = []
        generation += 1
    }

    private mutating func readText(_ bytes: Span<UInt8>, _ format: TextFormat, _ timestamp: Int64, _ outcome: inout Outcome) throws(ExpositionError) {
        var reader = PageReader(format)
        var last = -1
        while true {
            var guess: Int?
            if last >= 0, successors[last] >= 0 { guess = Int(successors[last]) } else if last < 0, !slots.isEmpty { guess = 0 }
            guard let entry = try reader.next(bytes, guess: guess, in: table) else { break }
            guard entry == .sample else {
                describe(entry, reader, bytes, &outcome)
                continue
            }
            let isBounded = reader.kind == "histogram" || reader.kind == "summary"
            var number = reader.known ?? -1
            if number < 0 || wasBounded[number] != isBounded { number = try self.number(reader, bytes, isBounded) }
            if last >= 0 { successors[last] = Int32(truncatingIfNeeded: number) }
            last = number
            outcome.scraped += 1
            let slot = Int(slots[number])
            guard slot >= 0 else { continue }
            try keep(slot, reader.value, reader.timestamp, timestamp, &outcome)
            if reader.exemplar != nil, let exemplar = try reader.readExemplar(bytes), outcome.exemplars.count < 10_000 {
                outcome.exemplars.append(
                    .init(series: labels[slot], labels: exemplar.labels, value: exemplar.value, timestamp: exemplar.timestamp ?? timestamp))
            }
        }
    }

    /// The number of the text that the reader found; learns it if it is new.
    private mutating func number(_ reader: PageReader, _ bytes: Span<UInt8>, _ isBounded: Bool) throws(ExpositionError) -> Int {
        let hash = table.hash(bytes, reader.series)
        if let known = table.find(bytes, reader.series, hash: hash) {
            if wasBounded[known] != isBounded {
                // The same text under another type: its labels may be written in another way.
                slots[known] = Int32(try slot(try reader.labels(bytes), line: reader.line))
                wasBounded[known] = isBounded
            }
            return known
        }
        let slot = try slot(try reader.labels(bytes), line: reader.line)
        slots.append(Int32(slot))
        successors.append(-1)
        wasBounded.append(isBounded)
        return table.insert(bytes, reader.series, hash: hash)
    }

    private mutating func readProtobuf(_ bytes: Span<UInt8>, _ timestamp: Int64, _ outcome: inout Outcome) throws(ExpositionError) {
        var families: [ProtobufPage.Family] = []
        var samples: [ProtobufPage.Sample] = []
        try ProtobufPage.read(bytes) {
            families.append($0)
        } onSample: { sample throws(ExpositionError) in
            samples.append(sample)
        }
        for family in families { note(.init(metric: family.name, type: family.type, help: family.help, unit: family.unit), &outcome) }
        for sample in samples {
            outcome.scraped += 1
            let slot = try slot(sample.labels, line: 0)
            guard slot >= 0 else { continue }
            if let histogram = sample.histogram {
                guard histogram.problem == nil else { throw ExpositionError(line: 0, problem: histogram.problem ?? "") }
                outcome.kept += 1
                outcome.histograms.append(.init(series: labels[slot], timestamp: sample.timestamp ?? timestamp, histogram: histogram))
            } else {
                try keep(slot, sample.value, sample.timestamp, timestamp, &outcome)
            }
            for exemplar in sample.exemplars {
                outcome.exemplars.append(
                    .init(series: labels[slot], labels: exemplar.labels, value: exemplar.value, timestamp: exemplar.timestamp ?? timestamp))
            }
        }
    }

    @inline(__always)
    private mutating func keep(_ slot: Int, _ value: Double, _ own: Int64?, _ timestamp: Int64, _ outcome: inout Outcome) throws(ExpositionError) {
        outcome.kept += 1
        if configuration.sampleLimit > 0, outcome.kept > configuration.sampleLimit {
            limitReached = .sampleLimit(configuration.sampleLimit)
            throw ExpositionError(line: 0, problem: "")
        }
        if let own, configuration.honorTimestamps {
            outcome.timed.append(SeriesSamples(labels: labels[slot], timestamps: [own], values: [value]))
            guard configuration.tracksTimestampStaleness else { return }
            if !isPresent[slot], seen[slot] != scrape { outcome.added += 1 }
            seen[slot] = scrape
            return
        }
        if seen[slot] == scrape {
            outcome.duplicates += 1
            return
        }
        seen[slot] = scrape
        if !isPresent[slot] { outcome.added += 1 }
        values[slot] = value
    }

    // MARK: Series

    /// The slot of a series after the target's labels and relabelling; -1 if it is dropped.
    private mutating func slot(_ scraped: Labels, line: Int) throws(ExpositionError) -> Int {
        try check(scraped)
        guard let kept = configuration.metricRelabelling.apply(to: merged(scraped)) else { return -1 }
        let final = kept.filter { !$0.name.hasPrefix("__") || $0.name == Labels.metricName }
        guard !final.name.isEmpty else { throw ExpositionError(line: line, problem: "a series has no name after relabelling") }
        if let known = byLabels[final] { return known }
        let slot = labels.count
        labels.append(final)
        values.append(.absent)
        seen.append(0)
        isPresent.append(false)
        byLabels[final] = slot
        generation += 1
        return slot
    }

    /// With the target's labels. Who wins where both have one is what `honor_labels` says; the loser is `exported_…`.
    private func merged(_ scraped: Labels) -> Labels {
        var result = scraped
        for label in target.list {
            let own = scraped[label.name]
            if own.isEmpty {
                result[label.name] = label.value
            } else if !configuration.honorLabels {
                var name = "exported_" + label.name
                while !scraped[name].isEmpty || !target[name].isEmpty { name = "exported_" + name }
                result[name] = own
                result[label.name] = label.value
            }
        }
        return result
    }

    private mutating func check(_ labels: Labels) throws(ExpositionError) {
        func refuse(_ problem: String) throws(ExpositionError) {
            limitReached = .labelLimit(problem)
            throw ExpositionError(line: 0, problem: problem)
        }
        // Without a limit of its own, what no honest program sends is refused all the same.
        let count = configuration.labelLimit > 0 ? configuration.labelLimit : 256
        let nameBytes = configuration.labelNameLengthLimit > 0 ? configuration.labelNameLengthLimit : 4096
        let valueBytes = configuration.labelValueLengthLimit > 0 ? configuration.labelValueLengthLimit : 64 << 10
        if labels.count > count { try refuse("a series of \(labels.name.prefix(80)) has \(labels.count) labels, label_limit is \(count)") }
        for label in labels.list {
            if label.name.utf8.count > nameBytes {
                try refuse("a label name of \(labels.name.prefix(80)) has \(label.name.utf8.count) bytes, label_name_length_limit is \(nameBytes)")
            }
            if label.value.utf8.count > valueBytes {
                try refuse(
                    "the label \(label.name) of \(labels.name.prefix(80)) has \(label.value.utf8.count) bytes, label_value_length_limit is \(valueBytes)")
            }
        }
    }

    // MARK: Metadata

    private mutating func describe(_ entry: PageReader.Entry, _ reader: PageReader, _ bytes: Span<UInt8>, _ outcome: inout Outcome) {
        let name = reader.metricName(bytes)
        var known = metadata[name] ?? .init(metric: name, type: "unknown", help: "", unit: "")
        switch entry {
        case .help: known.help = reader.metricText(bytes)
        case .type: known.type = reader.kind
        case .unit: known.unit = reader.metricText(bytes)
        case .sample: break
        }
        note(known, &outcome)
    }

    private mutating func note(_ new: ScrapeResult.Metadata, _ outcome: inout Outcome) {
        guard new.metric.utf8.count <= 1024, metadata[new.metric] != new, metadata.count < 20_000 || metadata[new.metric] != nil else { return }
        var cut = new
        if cut.help.utf8.count > 4096 { cut.help = String(cut.help.prefix(1024)) }
        guard metadata[new.metric] != cut else { return }
        metadata[new.metric] = cut
        outcome.metadata.removeAll { $0.metric == new.metric }
        outcome.metadata.append(cut)
    }
}
