import Runtime

/// The last minutes of every container, second by second, in bounded memory.
///
/// Not Sendable: the collector owns it.
final class ReadingRings {
    /// Nanoseconds that are kept.
    let span: Int64
    /// Bytes of all rings together; beyond it the oldest blocks go, whosever they are.
    let byteLimit: Int
    private(set) var byteCount = 0
    private let dropped: Counter

    private struct Ring {
        /// Whole blocks, oldest first, and the one that grows.
        var blocks: [ReadingBlock] = []
        var open: ReadingBlock
        var last: [UInt64]
        var presence: [UInt64]
        var step: Int64 = 0
        var size: Int { blocks.reduce(open.size) { $0 + $1.size } }
    }
    private var rings: [String: Ring] = [:]
    private var collector = FieldCollector()

    /// Readings in a block: an older block goes as a whole.
    static let blockReadings = 60

    init(span: Int64, byteLimit: Int, metrics: MetricRegistry) {
        self.span = span
        self.byteLimit = byteLimit
        dropped = metrics.counter(
            "binnacle_collector_history_dropped_total", "Readings that left the history before their time, since it had grown too large.")
    }

    var count: Int { rings.count }

    func append(_ reading: Reading, path: String) {
        var reading = reading
        collector.begin()
        reading.visitFields(&collector)
        let time = reading.sample.time
        guard var ring = rings.removeValue(forKey: path) else {
            let ring = Ring(open: ReadingBlock(reading), last: collector.values, presence: collector.presence)
            byteCount += ring.size
            rings[path] = ring
            return
        }
        byteCount -= ring.size
        guard time > ring.open.lastTime else {
            // The clock was set back: what is said to be later than now is not true any more. It happens seldom.
            for kept in (ring.blocks + [ring.open]).flatMap({ $0.readings() }) where kept.sample.time < time { append(kept, path: path) }
            return append(reading, path: path)
        }
        if ring.open.count < ReadingRings.blockReadings, ring.presence == collector.presence, ring.last.count == collector.values.count,
            ring.open.hasShape(of: reading)
        {
            let last = ring.open.lastTime
            ring.open.append(collector.values, after: ring.last, step: ring.step, time: time)
            ring.step = time &- last
        } else {
            ring.blocks.append(ring.open)
            ring.open = ReadingBlock(reading)
            ring.step = 0
        }
        ring.last = collector.values
        ring.presence = collector.presence
        // A reading is kept at least for the span, and at most for a block more.
        if let kept = ring.blocks.firstIndex(where: { $0.lastTime >= time - span }) {
            if kept > 0 { ring.blocks.removeFirst(kept) }
        } else {
            ring.blocks.removeAll()
        }
        byteCount += ring.size
        rings[path] = ring
    }

    /// Takes away the oldest blocks until all fit. Called once a round.
    func trim() {
        while byteCount > byteLimit {
            var oldest: (path: String, time: Int64)?
            for (path, ring) in rings {
                guard let time = ring.blocks.first?.firstTime else { continue }
                if oldest.map({ time < $0.time }) ?? true { oldest = (path, time) }
            }
            // Only the blocks that grow are left: shorten those.
            guard let oldest else { return shorten() }
            let block = rings[oldest.path]!.blocks.removeFirst()
            byteCount -= block.size
            dropped.increment(by: UInt64(block.count))
        }
    }

    private func shorten() {
        for (path, ring) in rings where byteCount > byteLimit && ring.open.count > 1 {
            var reading = ring.open.readings().last ?? ring.open.readings()[0]
            var collector = FieldCollector()
            reading.visitFields(&collector)
            dropped.increment(by: UInt64(ring.open.count - 1))
            byteCount -= ring.open.size
            rings[path]?.open = ReadingBlock(reading)
            rings[path]?.step = 0
            byteCount += rings[path]?.open.size ?? 0
        }
    }

    func forget(_ path: String) {
        guard let ring = rings.removeValue(forKey: path) else { return }
        byteCount -= ring.size
    }

    /// The newest `limit` readings between the two moments (nanoseconds, both included), oldest first, each with the one
    /// before it.
    func readings(_ path: String, from: Int64, through: Int64, limit: Int) -> [(reading: Reading, previous: Reading?)] {
        guard let ring = rings[path], limit > 0 else { return [] }
        var found: [(Reading, Reading?)] = []
        var previous: Reading?
        for block in ring.blocks + [ring.open] {
            guard block.firstTime <= through else { break }
            guard block.lastTime >= from else {
                // Only its last reading is of use, as what came before.
                previous = block.readings().last
                continue
            }
            for reading in block.readings() {
                if reading.sample.time >= from, reading.sample.time <= through { found.append((reading, previous)) }
                previous = reading
            }
        }
        return Array(found.suffix(limit))
    }
}
