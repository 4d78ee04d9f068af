import ChunkCodec
import Telemetry

/// The number of a series, for ever: its place in the catalog. Ascending in the order in which they were first seen.
typealias SeriesID = UInt32

/// All series within the retention, found by their labels: about a hundred bytes of memory each.
///
/// Labels are numbers of symbols; postings are ascending numbers of series by name and value.
struct SeriesIndex: Sendable {
    var symbols = SymbolTable()
    /// A chunk of which all series are gone is nil.
    private(set) var chunks: [SeriesChunk?] = []
    /// An open hash table of series numbers plus one, by their labels.
    private var table: [UInt32] = Array(repeating: 0, count: 64)
    private var postings: [UInt64: [SeriesID]] = [:]
    private var valuesOfName: [UInt32: [UInt32]] = [:]
    /// How many series have each hour as their last.
    private var lastHourCounts: [Int32: Int] = [:]
    private(set) var count = 0
    private var used = 0

    var nextID: SeriesID { SeriesID((chunks.count == 0 ? 0 : (chunks.count - 1) * SeriesChunk.size + lastChunkCount)) }
    private var lastChunkCount = 0

    // MARK: Series

    func id(of labels: Labels) -> SeriesID? {
        guard let key = key(of: labels) else { return nil }
        return find(key)
    }

    func labels(of id: SeriesID) -> Labels {
        guard let chunk = chunk(id) else { return Labels() }
        var list: [Labels.Label] = []
        SeriesChunk.forEachLabel(chunk.labels, in: chunk.labelRange(Int(id) % SeriesChunk.size)) { list.append(Labels.Label(symbols[$0], symbols[$1])) }
        return Labels(sortedUnchecked: list)
    }

    func isAlive(_ id: SeriesID) -> Bool {
        let (number, offset) = (Int(id) / SeriesChunk.size, Int(id) % SeriesChunk.size)
        guard number < chunks.count, offset < chunks[number]?.count ?? 0 else { return false }
        return chunks[number]?.isAlive(offset) ?? false
    }

    /// The metric's name.
    func name(of id: SeriesID) -> String { value(of: Labels.metricName, of: id) ?? "" }

    /// Series with samples at or after the hour.
    func active(since hour: Int32) -> Int { lastHourCounts.reduce(0) { $1.key >= hour ? $0 + $1.value : $0 } }

    /// Adds a series that is not there; gives its number.
    mutating func add(_ labels: Labels, hour: Int32) -> SeriesID {
        var key: [UInt8] = []
        for label in labels.list {
            key.appendVarint(UInt64(symbols.add(label.name)))
            key.appendVarint(UInt64(symbols.add(label.value)))
        }
        if chunks.isEmpty || lastChunkCount == SeriesChunk.size {
            chunks.append(SeriesChunk())
            lastChunkCount = 0
        }
        if chunks[chunks.count - 1] == nil {
            // The last chunk died whole; its numbers stay used.
            chunks.append(SeriesChunk())
            lastChunkCount = 0
        }
        let id = nextID
        chunks[chunks.count - 1]!.append(key, firstHour: hour, lastHour: hour)
        lastChunkCount += 1
        register(id, key, lastHour: hour)
        if (used + 1) * 2 > table.count {
            rehash(table.count * 2)
        } else {
            insert(id, SeriesIndex.hash(key))
            used += 1
        }
        return id
    }

    /// Adds a series under the number that it had; false if that number cannot be given any more.
    mutating func restore(_ id: SeriesID, _ labels: Labels, hour: Int32) -> Bool {
        // Numbers between were given to series whose records are lost: they stay unused.
        while nextID < id {
            if chunks.isEmpty || chunks[chunks.count - 1] == nil || lastChunkCount == SeriesChunk.size {
                chunks.append(SeriesChunk())
                lastChunkCount = 0
            }
            chunks[chunks.count - 1]!.append([], firstHour: 1, lastHour: 0)
            lastChunkCount += 1
        }
        guard nextID == id else { return false }
        return add(labels, hour: hour) == id
    }

    /// Adds chunks as the catalog has them, in order; nil for one that is missing. `finishAppending` must follow.
    mutating func append(chunk: SeriesChunk?) {
        chunks.append(chunk.flatMap { $0.alive > 0 || $0.count < SeriesChunk.size ? $0 : nil })
        lastChunkCount = chunk?.count ?? SeriesChunk.size
        guard let chunk else { return }
        let base = SeriesID((chunks.count - 1) * SeriesChunk.size)
        for offset in 0..<chunk.count where chunk.isAlive(offset) {
            register(base + SeriesID(offset), Array(chunk.labels[chunk.labelRange(offset)]), lastHour: chunk.lastHours[offset])
        }
    }

    /// Makes the series of appended chunks known by their labels.
    mutating func finishAppending() {
        var size = 64
        while size < count * 2 + 2 { size *= 2 }
        rehash(size)
    }

    private mutating func register(_ id: SeriesID, _ key: [UInt8], lastHour: Int32) {
        count += 1
        lastHourCounts[lastHour, default: 0] += 1
        SeriesChunk.forEachLabel(key, in: key.indices) { name, value in
            let pair = UInt64(name) << 32 | UInt64(value)
            if postings[pair]?.append(id) == nil {
                postings[pair] = [id]
                valuesOfName[name, default: []].append(value)
            }
        }
    }

    /// Widens the hours of a series; whether that changed anything.
    mutating func touch(_ id: SeriesID, hour: Int32) -> Bool {
        let (number, offset) = (Int(id) / SeriesChunk.size, Int(id) % SeriesChunk.size)
        // In place: a copy of the chunk would be one of its arrays too, once one is changed.
        guard isAlive(id), let first = chunks[number]?.firstHours[offset], let last = chunks[number]?.lastHours[offset] else { return false }
        guard hour < first || hour > last else { return false }
        chunks[number]!.widen(offset, hour)
        if hour > last {
            lastHourCounts[last]! -= 1
            if lastHourCounts[last] == 0 { lastHourCounts[last] = nil }
            lastHourCounts[hour, default: 0] += 1
        }
        return true
    }

    /// The series whose last samples are older than `hour`.
    func ended(before hour: Int32) -> [SeriesID] {
        var result: [SeriesID] = []
        for (number, chunk) in chunks.enumerated() {
            guard let chunk else { continue }
            for offset in 0..<chunk.count where chunk.isAlive(offset) && chunk.lastHours[offset] < hour {
                result.append(SeriesID(number * SeriesChunk.size + offset))
            }
        }
        return result
    }

    /// Forgets series.
    mutating func remove(_ ids: Set<SeriesID>) {
        var touched = Set<UInt64>()
        for id in ids {
            let (number, offset) = (Int(id) / SeriesChunk.size, Int(id) % SeriesChunk.size)
            guard number < chunks.count, let chunk = chunks[number], offset < chunk.count, chunk.isAlive(offset) else { continue }
            SeriesChunk.forEachLabel(chunk.labels, in: chunk.labelRange(offset)) { touched.insert(UInt64($0) << 32 | UInt64($1)) }
            let last = chunk.lastHours[offset]
            lastHourCounts[last]! -= 1
            if lastHourCounts[last] == 0 { lastHourCounts[last] = nil }
            chunks[number]!.kill(offset)
            count -= 1
            if chunks[number]!.alive == 0, chunks[number]!.count == SeriesChunk.size { chunks[number] = nil }
        }
        for pair in touched {
            postings[pair]?.removeAll { ids.contains($0) }
            if postings[pair]?.isEmpty == true {
                postings[pair] = nil
                valuesOfName[UInt32(pair >> 32)]?.removeAll { $0 == UInt32(truncatingIfNeeded: pair) }
            }
        }
        rehash(table.count)
    }

    private func chunk(_ id: SeriesID) -> SeriesChunk? {
        let number = Int(id) / SeriesChunk.size
        guard number < chunks.count, let chunk = chunks[number], Int(id) % SeriesChunk.size < chunk.count else { return nil }
        return chunk
    }

    // MARK: The hash table

    /// Nil if a symbol is unknown: then no series has these labels.
    private func key(of labels: Labels) -> [UInt8]? {
        var key: [UInt8] = []
        key.reserveCapacity(labels.count * 5)
        for label in labels.list {
            guard let name = symbols.number(of: label.name), let value = symbols.number(of: label.value) else { return nil }
            key.appendVarint(UInt64(name))
            key.appendVarint(UInt64(value))
        }
        return key
    }

    private func find(_ key: [UInt8]) -> SeriesID? {
        var place = SeriesIndex.hash(key) & (table.count - 1)
        while table[place] != 0 {
            let id = table[place] - 1
            if let chunk = chunks[Int(id) / SeriesChunk.size] {
                let range = chunk.labelRange(Int(id) % SeriesChunk.size)
                if range.count == key.count, chunk.labels[range].elementsEqual(key), chunk.isAlive(Int(id) % SeriesChunk.size) { return id }
            }
            place = (place + 1) & (table.count - 1)
        }
        return nil
    }

    private mutating func insert(_ id: SeriesID, _ hash: Int) {
        var place = hash & (table.count - 1)
        while table[place] != 0 { place = (place + 1) & (table.count - 1) }
        table[place] = id + 1
    }

    private mutating func rehash(_ size: Int) {
        table = Array(repeating: 0, count: size)
        used = 0
        for (number, chunk) in chunks.enumerated() {
            guard let chunk else { continue }
            for offset in 0..<chunk.count where chunk.isAlive(offset) {
                insert(SeriesID(number * SeriesChunk.size + offset), SeriesIndex.hash(Array(chunk.labels[chunk.labelRange(offset)])))
                used += 1
            }
        }
    }

    /// FNV-1a with a last mixing: the table uses the low bits.
    private static func hash(_ key: [UInt8]) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash ^= hash >> 32
        hash = hash &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: hash >> 20)
    }

    // MARK: Postings, for `SeriesIndex+Select`.

    func values(of name: UInt32) -> [UInt32] { valuesOfName[name] ?? [] }
    func series(_ name: UInt32, _ value: UInt32) -> [SeriesID] { postings[UInt64(name) << 32 | UInt64(value)] ?? [] }
    var labelNames: some Sequence<UInt32> { valuesOfName.lazy.filter { !$0.value.isEmpty }.map(\.key) }

    /// Whether the series may have samples in the hours.
    func isWithin(_ id: SeriesID, _ hours: ClosedRange<Int32>) -> Bool {
        guard let chunk = chunk(id) else { return false }
        let offset = Int(id) % SeriesChunk.size
        return chunk.firstHours[offset] <= chunk.lastHours[offset] && chunk.firstHours[offset] <= hours.upperBound
            && chunk.lastHours[offset] >= hours.lowerBound
    }

    /// Whether all hours of the series are inside the span.
    func isInside(_ id: SeriesID, from: Int64, through: Int64) -> Bool {
        guard let chunk = chunk(id) else { return false }
        let offset = Int(id) % SeriesChunk.size
        return Int64(chunk.firstHours[offset]) * 3_600_000 >= from && (Int64(chunk.lastHours[offset]) + 1) * 3_600_000 - 1 <= through
    }

    /// The value of one label of a series.
    func value(of name: String, of id: SeriesID) -> String? {
        guard let wanted = symbols.number(of: name), let chunk = chunk(id) else { return nil }
        var found: UInt32?
        SeriesChunk.forEachLabel(chunk.labels, in: chunk.labelRange(Int(id) % SeriesChunk.size)) { if $0 == wanted { found = $1 } }
        return found.map { symbols[$0] }
    }

    /// The symbols of the names of a series' labels.
    func names(of id: SeriesID) -> [UInt32] {
        guard let chunk = chunk(id) else { return [] }
        var names: [UInt32] = []
        SeriesChunk.forEachLabel(chunk.labels, in: chunk.labelRange(Int(id) % SeriesChunk.size)) { name, _ in names.append(name) }
        return names
    }

    /// All series, ascending.
    var all: [SeriesID] {
        var result: [SeriesID] = []
        for (number, chunk) in chunks.enumerated() {
            guard let chunk else { continue }
            for offset in 0..<chunk.count where chunk.isAlive(offset) { result.append(SeriesID(number * SeriesChunk.size + offset)) }
        }
        return result
    }
}

/// The hours since 1970 that a span of milliseconds touches.
func hours(_ from: Int64, _ through: Int64) -> ClosedRange<Int32> {
    let first = hour(from)
    return first...max(first, hour(through))
}

/// The hour since 1970 of a time in milliseconds.
func hour(_ time: Int64) -> Int32 { Int32(clamping: time.floorDivided(by: 3_600_000)) }
