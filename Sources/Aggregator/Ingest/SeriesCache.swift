import Exposition
import ProtoWire
import SeriesStore
import Telemetry

/// The series of one way in, by the bytes by which their senders call them: labels become strings once, not each time.
///
/// It also gathers a request's samples by series. A `begin` starts a request; samples then go to the batch that the
/// series has in it. Bounded: at the bound everything is forgotten between two requests, and counted.
struct SeriesCache: Sendable {
    private struct Entry: Sendable {
        /// Nil if the series may not come in.
        var identity: SeriesIdentity?
        var problem: String?
        /// The series that came after this one the last time: senders keep their order.
        var next: Int32 = -1
        /// The request in which the series was last seen, and its batch there.
        var request: UInt32 = 0
        var position: Int32 = 0
    }

    private(set) var table: ByteTable
    private var entries: [Entry] = []
    private var request: UInt32 = 0
    /// The last one that was asked for in this request.
    private var previous = -1
    private let limits: IngestLimits
    private(set) var forgotten = 0

    init(limits: IngestLimits, seed: UInt64) {
        self.limits = limits
        table = ByteTable(seed: seed)
    }

    var count: Int { entries.count }

    /// Starts a request.
    mutating func begin() {
        request &+= 1
        previous = -1
        if entries.count > limits.rememberedSeries || table.byteCount > limits.rememberedBytes || request == .max {
            forgotten += entries.count
            table.removeAll()
            entries = []
            request = 1
        }
    }

    /// The number of the series that is called by these bytes. `labels` is asked once for it.
    mutating func number<E: Error>(_ bytes: Span<UInt8>, _ range: Range<Int>, labels: () throws(E) -> Labels) throws(E) -> Int {
        let expected = previous < 0 ? -1 : Int(entries[previous].next)
        if expected >= 0, table.matches(expected, bytes, range) {
            previous = expected
            return expected
        }
        let hash = table.hash(bytes, range)
        let number: Int
        if let known = table.find(bytes, range, hash: hash) {
            number = known
        } else {
            let made = try labels()
            let problem = limits.problem(made)
            entries.append(Entry(identity: problem == nil ? SeriesIdentity(made) : nil, problem: problem))
            number = table.insert(bytes, range, hash: hash)
        }
        if previous >= 0 { entries[previous].next = Int32(truncatingIfNeeded: number) }
        previous = number
        return number
    }

    func labels(_ number: Int) -> Labels? { entries[number].identity?.labels }

    /// The series' place among the request's batches; nil if it may not come in, which is noted.
    mutating func position(_ number: Int, in batch: inout IngestBatch) -> Int? {
        if entries[number].request == request { return Int(entries[number].position) }
        guard let identity = entries[number].identity else {
            batch.note(entries[number].problem ?? "")
            return nil
        }
        let position = batch.batches.count
        batch.batches.append(SeriesBatch(identity))
        entries[number].request = request
        entries[number].position = Int32(truncatingIfNeeded: position)
        return position
    }

    /// Adds one sample to the series' batch.
    mutating func add(_ number: Int, _ timestamp: Int64, _ value: Double, to batch: inout IngestBatch) {
        batch.samples += 1
        guard let position = position(number, in: &batch) else {
            batch.invalid += 1
            return
        }
        batch.batches[position].samples.append(.init(timestamp, value))
    }
}
