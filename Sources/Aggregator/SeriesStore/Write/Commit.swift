import ChunkCodec
import Runtime
import Synchronization
import Telemetry

/// One commit as it is put together: what of the waiting requests is to be stored, and what became of it.
struct Commit {
    /// Samples of one item (a frame, a batch) of a request; or of several batches of one sample each.
    private struct Run {
        var request: Int
        var item: Int
        var samples: Range<Int>
        var isOneEach = false
    }

    private let shared: Shared
    private let now: Int64
    private let oldestAllowed: Int64
    private let newestAllowed: Int64
    private let window: Int64
    private(set) var newest: Int64
    var record = CommitRecord()
    private var runs: [Run] = []
    private var requests: [Intake.Request] = []
    private var results: [Intake.Outcome] = []
    private var histograms: [(series: SeriesID, item: SeriesBatch.Histogram)] = []
    private var exemplars: [(series: SeriesID, item: SeriesBatch.Exemplar)] = []
    private var metadata: [MetricMetadata] = []

    private static let maxReasons = 8
    /// A hundred years: a window of this is no bound.
    private static let lifetime: Int64 = 3_155_760_000_000
    /// The last millisecond of the year 9999.
    private static let endOfTime: Int64 = 253_402_300_799_999

    init(shared: Shared, now: Int64, newest: Int64) {
        self.shared = shared
        self.now = now
        self.newest = newest
        let configuration = shared.configuration
        window = configuration.outOfOrderWindow.wholeMilliseconds
        oldestAllowed = max(0, now - configuration.retention.wholeMilliseconds)
        // Where anything old may come, nothing that is far ahead can make it too old.
        newestAllowed = window >= Commit.lifetime ? Commit.endOfTime : min(Commit.endOfTime, now + configuration.futureWindow.wholeMilliseconds)
    }

    private enum Place { case fits, tooOld, tooNew }

    private func place(_ time: Int64) -> Place {
        if time > newestAllowed { return .tooNew }
        if time < oldestAllowed || (newest > .min + window && time < newest - window) { return .tooOld }
        return .fits
    }

    mutating func add(_ request: Intake.Request, _ registrar: inout Registrar) {
        let number = requests.count
        requests.append(request)
        results.append(Intake.Outcome())
        switch request.content {
        case .frames(let frames): for (item, frame) in frames.enumerated() { add(frame, number, item, &registrar) }
        case .batches(let batches, let metadata):
            for item in batches.indices where !addOne(batches[item], number, item, registrar.epoch) { add(batches[item], number, item, &registrar) }
            self.metadata += metadata
        }
    }

    private mutating func add(_ frame: SampleFrame, _ request: Int, _ item: Int, _ registrar: inout Registrar) {
        let time = frame.timestamp.milliseconds
        switch place(time) {
        case .tooNew:
            results[request].append.futureFrames += 1
            shared.metrics.futureFrames.increment()
            return
        case .tooOld:
            results[request].append.tooOldFrames += 1
            shared.metrics.tooOldFrames.increment()
            return
        case .fits: break
        }
        let resolved = registrar.resolve(frame.series, time: time, now: now, shared)
        if resolved.refused > 0 {
            shared.metrics.refusedSeries.increment(by: UInt64(resolved.refused))
            results[request].error = .seriesLimit(limit: shared.configuration.maxSeries)
        }
        let start = record.ids.count
        for (position, id) in resolved.ids.enumerated() where id != Registrar.none && !frame.values[position].isAbsent {
            record.ids.append(id)
            record.times.append(time)
            record.values.append(frame.values[position])
        }
        if record.ids.count > start { newest = max(newest, time) }
        runs.append(Run(request: request, item: item, samples: start..<record.ids.count))
    }

    /// The common case, a batch of one sample of a series that is known; false if it is another.
    @inline(__always)
    private mutating func addOne(_ batch: SeriesBatch, _ request: Int, _ item: Int, _ epoch: UInt32) -> Bool {
        guard batch.samples.count == 1, batch.isPlain, let id = batch.series.id(epoch) else { return false }
        let sample = batch.samples[0]
        guard !sample.value.isAbsent, case .fits = place(sample.timestamp) else { return false }
        newest = max(newest, sample.timestamp)
        let start = record.ids.count
        record.ids.append(id)
        record.times.append(sample.timestamp)
        record.values.append(sample.value)
        if let last = runs.last, last.isOneEach, last.request == request, last.item + last.samples.count == item {
            runs[runs.count - 1].samples = last.samples.lowerBound..<start + 1
        } else {
            runs.append(Run(request: request, item: item, samples: start..<start + 1, isOneEach: true))
        }
        return true
    }

    private mutating func add(_ batch: SeriesBatch, _ request: Int, _ item: Int, _ registrar: inout Registrar) {
        var outcome = WriteOutcome()
        let start = record.ids.count
        defer {
            results[request].write.total += outcome
            if outcome != WriteOutcome() { results[request].write.exceptions[item] = outcome }
            runs.append(Run(request: request, item: item, samples: start..<record.ids.count))
        }
        var known: SeriesID?
        for sample in batch.samples where !sample.value.isAbsent {
            switch place(sample.timestamp) {
            case .tooNew: refuse(&outcome.tooNew, request, batch, "is too far ahead of the clock", sample.timestamp)
            case .tooOld: refuse(&outcome.tooOld, request, batch, "is older than the retention or the out-of-order window", sample.timestamp)
            case .fits:
                guard let id = known ?? resolve(batch, sample.timestamp, request, &outcome, &registrar) else { return }
                known = id
                newest = max(newest, sample.timestamp)
                record.ids.append(id)
                record.times.append(sample.timestamp)
                record.values.append(sample.value)
            }
        }
        guard !batch.isPlain else { return }
        for histogram in batch.histograms {
            switch place(histogram.timestamp) {
            case .tooNew: refuse(&outcome.tooNew, request, batch, "is too far ahead of the clock", histogram.timestamp)
            case .tooOld: refuse(&outcome.tooOld, request, batch, "is older than the retention or the out-of-order window", histogram.timestamp)
            case .fits:
                guard let id = known ?? resolve(batch, histogram.timestamp, request, &outcome, &registrar) else { return }
                known = id
                histograms.append((id, histogram))
                outcome.written += 1
            }
        }
        for exemplar in batch.exemplars {
            guard case .fits = place(exemplar.timestamp), let id = known ?? registrar.known(batch.series, shared) else {
                outcome.refusedExemplars += 1
                continue
            }
            exemplars.append((id, exemplar))
            outcome.exemplars += 1
        }
    }

    private mutating func resolve(
        _ batch: SeriesBatch, _ time: Int64, _ request: Int, _ outcome: inout WriteOutcome, _ registrar: inout Registrar
    ) -> SeriesID? {
        switch registrar.resolve(batch.series, time: time, now: now, shared) {
        case .success(let id): return id
        case .failure(let error):
            let count = batch.samples.count + batch.histograms.count - outcome.refused - outcome.written
            outcome.refusedExemplars += batch.exemplars.count
            if case .invalid = error.refusal { outcome.invalid += count } else { outcome.overLimit += count }
            shared.metrics.refusedSeries.increment()
            note(error.refusal.text(batch.series.labels), request)
            return nil
        }
    }

    private mutating func refuse(_ count: inout Int, _ request: Int, _ batch: SeriesBatch, _ reason: String, _ time: Int64) {
        count += 1
        // One example of each kind is enough.
        if count == 1 { note("\(batch.series.labels): a sample of \(CivilTime(Timestamp(milliseconds: time)).rfc3339(fractionDigits: 3)) \(reason)", request) }
    }

    private mutating func note(_ reason: String, _ request: Int) {
        if results[request].write.reasons.count < Commit.maxReasons { results[request].write.reasons.append(reason) }
    }

    /// Writes what does not go through the log: it is rare, and has files of its own.
    func storeSideData(_ writer: isolated Writer) throws {
        if !metadata.isEmpty || !exemplars.isEmpty {
            try writer.catalog.store(metadata: metadata, exemplars: exemplars, maxExemplars: shared.configuration.maxExemplars)
        }
        let byDay = Dictionary(grouping: histograms) { Day(of: $0.item.timestamp) }
        for (day, items) in byDay {
            let file = try writer.file(day)
            try file.transaction {
                for item in items { try file.insert(histogram: item.item.encoded, series: item.series, time: item.item.timestamp) }
            }
            shared.days.withLock { $0.add(day, samples: 0, bytes: 0) }
        }
    }

    /// The record is durable: the samples may be seen.
    mutating func addToHead(_ registrar: inout Registrar) {
        let record = record
        let results = shared.head.write { table, frozen in
            var kinds = [UInt8](repeating: 0, count: record.ids.count)
            var hint = -1
            let frozenNewest = frozen?.newest ?? .min
            for index in record.ids.indices {
                let (id, time, value) = (record.ids[index], record.times[index], record.values[index])
                var isOverwrite = false
                if time <= frozenNewest, let old = frozen?.value(of: id, at: time) {
                    if old.bitPattern == value.bitPattern, table.value(of: id, at: time) == nil {
                        kinds[index] = 1
                        continue
                    }
                    isOverwrite = true
                }
                switch table.add(id, time, value, hint: &hint) {
                case .written: kinds[index] = isOverwrite ? 2 : 0
                case .duplicate: kinds[index] = 1
                case .overwritten: kinds[index] = 2
                }
            }
            return kinds
        }
        var lastTime: Int64 = .min
        var lastHour: Int32 = .min
        for index in record.ids.indices {
            if record.times[index] != lastTime {
                lastTime = record.times[index]
                lastHour = hour(lastTime)
            }
            registrar.touch(record.ids[index], lastHour, shared)
        }
        for run in runs {
            var counts = (0, 0, 0)
            for kind in results[run.samples] {
                switch kind {
                case 0: counts.0 += 1
                case 1: counts.1 += 1
                default: counts.2 += 1
                }
            }
            note(run, written: counts.0, duplicates: counts.1, overwritten: counts.2)
            guard run.isOneEach, counts.1 + counts.2 > 0 else { continue }
            for (offset, kind) in results[run.samples].enumerated() where kind > 0 {
                var outcome = WriteOutcome()
                if kind == 1 { outcome.duplicates = 1 } else { outcome.overwritten = 1 }
                self.results[run.request].write.exceptions[run.item + offset] = outcome
            }
        }
        runs = []
    }

    private mutating func note(_ run: Run, written: Int, duplicates: Int, overwritten: Int) {
        switch requests[run.request].content {
        case .frames:
            if written + overwritten > 0 || run.samples.isEmpty {
                results[run.request].append.storedFrames += 1
                results[run.request].append.storedSamples += written + overwritten
                shared.metrics.appendedSamples.increment(by: UInt64(written + overwritten))
            } else {
                results[run.request].append.duplicateFrames += 1
                shared.metrics.duplicateFrames.increment()
            }
        case .batches:
            var outcome = WriteOutcome()
            outcome.written = written
            outcome.duplicates = duplicates
            outcome.overwritten = overwritten
            results[run.request].write.total += outcome
            if run.isOneEach { return }
            if duplicates + overwritten > 0 || results[run.request].write.exceptions[run.item] != nil {
                results[run.request].write.exceptions[run.item, default: WriteOutcome()] += outcome
            }
        }
    }

    /// By ticket.
    func outcomes() -> [(ticket: UInt64, outcome: Intake.Outcome)] { zip(requests, results).map { ($0.ticket, $1) } }
}
