import ChunkCodec
import Telemetry

/// Puts what parts and the head have of a query's series together, so that series with the same times share them.
///
/// What a part has of a series is a hit; its times are a lane, one array for many series. The lanes that a series
/// has, in the order of their finding, are a chain; series of one chain make a block. All is in flat arrays: a query may touch
/// a hundred thousand hits.
struct BlockGatherer {
    struct Block {
        var timestamps: [Int64]
        /// Positions in the query's list.
        var series: [Int]
        var values: [SampleColumn]
    }

    /// A column that has to be decoded.
    struct Need {
        var hit: Int
        var position: Int
    }

    private struct Lane {
        var times: [Int64]
        /// Those in the span; not empty.
        var range: Range<Int>
    }

    private struct Hit {
        var series: Int
        var lane: Int
        /// Of all the lane's times; empty if values are not wanted and all are ordinary.
        var values: [Double]
    }

    private let from: Int64
    private let through: Int64
    private let needsValues: Bool
    private var lanes: [Lane] = []
    private var hits: [Hit] = []
    /// Lanes of the head, newest last: a few are compared.
    private var headLanes: [Int] = []
    private let seriesCount: Int
    /// In the span, those of several parts not yet reckoned as one.
    private(set) var samples = 0

    private static let maxHeadLanes = 4

    init(seriesCount: Int, from: Int64, through: Int64, needsValues: Bool) {
        self.seriesCount = seriesCount
        self.from = from
        self.through = through
        self.needsValues = needsValues
    }

    // MARK: Gathering

    struct Mark: Equatable {
        var hits: Int
        var samples: Int
    }

    var mark: Mark { Mark(hits: hits.count, samples: samples) }

    /// Forgets what came after the mark.
    mutating func drop(since mark: Mark) {
        hits.removeSubrange(mark.hits...)
        samples = mark.samples
    }

    /// Notes what the part has of the series `ids`, which ascend; gives the columns to be decoded for it.
    mutating func add(_ part: CachedPart, _ ids: [SeriesID]) -> [Need] {
        let directory = part.directory
        var needs: [Need] = []
        var laneOf: [Int: Int] = [:]
        var last = (number: -1, lane: -1)
        var position = 0
        var series = BlockGatherer.first(ids, notBelow: directory.ids.first ?? 0)
        while series < ids.count {
            let id = UInt64(ids[series])
            while position < directory.ids.count, directory.ids[position] < id { position += 1 }
            guard position < directory.ids.count else { break }
            if directory.ids[position] == id {
                let number = directory.timesNumber(at: position)
                if number != last.number { last = (number, laneOf[number] ?? lane(part.times(number: number), number, &laneOf)) }
                if last.lane >= 0 {
                    samples += lanes[last.lane].range.count
                    if needsValues {
                        needs.append(Need(hit: hits.count, position: position))
                        hits.append(Hit(series: series, lane: last.lane, values: []))
                    } else {
                        hits.append(Hit(series: series, lane: last.lane, values: directory.hasStale(at: position) ? directory.marks(at: position) : []))
                    }
                }
            }
            series += 1
        }
        return needs
    }

    mutating func set(_ need: Need, _ values: [Double]) { hits[need.hit].values = values }

    /// Samples of the head, all in the span.
    mutating func add(_ series: Int, _ times: ContiguousArray<Int64>, _ values: ContiguousArray<Double>) {
        guard !times.isEmpty else { return }
        var lane = headLanes.last { lanes[$0].times.count == times.count && lanes[$0].times.elementsEqual(times) } ?? -1
        if lane < 0 {
            lane = lanes.count
            lanes.append(Lane(times: Array(times), range: 0..<times.count))
            if headLanes.count == BlockGatherer.maxHeadLanes { headLanes.removeFirst() }
            headLanes.append(lane)
        }
        samples += times.count
        let isPlain = !needsValues && !values.contains { $0.isStale }
        hits.append(Hit(series: series, lane: lane, values: isPlain ? [] : Array(values)))
    }

    /// -1 if it has nothing in the span.
    private mutating func lane(_ times: [Int64], _ number: Int, _ laneOf: inout [Int: Int]) -> Int {
        let start = times.firstPosition(notBefore: from)
        let end = through == .max ? times.count : times.firstPosition(notBefore: through + 1)
        let lane = start < end ? lanes.count : -1
        if start < end { lanes.append(Lane(times: times, range: start..<end)) }
        laneOf[number] = lane
        return lane
    }

    private static func first(_ ids: [SeriesID], notBelow id: UInt64) -> Int {
        var low = 0
        var high = ids.count
        while low < high {
            let middle = (low + high) / 2
            if UInt64(ids[middle]) < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: Blocks

    private struct Link: Hashable {
        var chain: Int
        var lane: Int
    }

    /// The blocks; this can be asked once.
    mutating func blocks() -> [Block] {
        // The chain of each series, and its hits as a list: the last one, and from each the one before.
        var chainOf = Array(repeating: 0, count: seriesCount)
        var lastHit = Array(repeating: -1, count: seriesCount)
        var previousHit = Array(repeating: -1, count: hits.count)
        var chains: [Link] = [Link(chain: -1, lane: -1)]
        var numbers: [Link: Int] = [:]
        var last = (link: chains[0], chain: 0)
        for index in hits.indices {
            let series = hits[index].series
            let link = Link(chain: chainOf[series], lane: hits[index].lane)
            if link != last.link {
                let known = numbers[link]
                last = (link, known ?? chains.count)
                if known == nil {
                    numbers[link] = chains.count
                    chains.append(link)
                }
            }
            chainOf[series] = last.chain
            previousHit[index] = lastHit[series]
            lastHit[series] = index
        }
        var members: [[Int]] = Array(repeating: [], count: chains.count)
        for series in 0..<seriesCount where chainOf[series] > 0 { members[chainOf[series]].append(series) }
        var blocks: [Block] = []
        var odd: [(series: Int, hits: [Int])] = []
        for (chain, series) in members.enumerated() where !series.isEmpty {
            var path: [Int] = []
            var link = chains[chain]
            while link.lane >= 0 {
                path.append(link.lane)
                link = chains[link.chain]
            }
            // `path` and the lists of hits both run from the last to the first.
            let order = path.indices.sorted { (start(path[$0]), -$0) < (start(path[$1]), -$1) }
            if zip(order, order.dropFirst()).allSatisfy({ end(path[$0]) < start(path[$1]) }) {
                blocks.append(block(series, path, order, lastHit, previousHit))
            } else {
                for one in series { odd.append((one, BlockGatherer.list(lastHit[one], previousHit))) }
            }
        }
        return blocks + merged(odd)
    }

    private func start(_ lane: Int) -> Int64 { lanes[lane].times[lanes[lane].range.lowerBound] }
    private func end(_ lane: Int) -> Int64 { lanes[lane].times[lanes[lane].range.upperBound - 1] }

    /// From the last hit to the first.
    private static func list(_ last: Int, _ previous: [Int]) -> [Int] {
        var list: [Int] = []
        var hit = last
        while hit >= 0 {
            list.append(hit)
            hit = previous[hit]
        }
        return list
    }

    /// Series whose lanes follow each other in time.
    private func block(_ series: [Int], _ path: [Int], _ order: [Int], _ lastHit: [Int], _ previousHit: [Int]) -> Block {
        if path.count == 1 {
            let lane = lanes[path[0]]
            // Most of it: as it is. Little: that alone is copied, so that the rest need not be held.
            if lane.range.count * 2 >= lane.times.count {
                return Block(timestamps: lane.times, series: series, values: series.map { .whole(hits[lastHit[$0]].values) })
            }
            return Block(
                timestamps: Array(lane.times[lane.range]), series: series,
                values: series.map { one in
                    let values = hits[lastHit[one]].values
                    return .whole(values.isEmpty ? [] : Array(values[lane.range]))
                })
        }
        let count = path.reduce(0) { $0 + lanes[$1].range.count }
        var timestamps: [Int64] = []
        timestamps.reserveCapacity(count)
        for place in order { timestamps.append(contentsOf: lanes[path[place]].times[lanes[path[place]].range]) }
        // Not if that would hold much of which little is wanted.
        let mayShare = path.reduce(0, { $0 + lanes[$1].times.count }) <= count * 2
        var values: [SampleColumn] = []
        values.reserveCapacity(series.count)
        var list = Array(repeating: 0, count: path.count)
        for one in series {
            var hit = lastHit[one]
            var isPlain = true
            var isWhole = true
            for place in list.indices {
                list[place] = hit
                isPlain = isPlain && hits[hit].values.isEmpty
                isWhole = isWhole && !hits[hit].values.isEmpty
                hit = previousHit[hit]
            }
            if isWhole, mayShare {
                values.append(.runs(order.map { hits[list[$0]].values[lanes[path[$0]].range] }))
            } else {
                values.append(.whole(isPlain ? [] : column(list, order, count)))
            }
        }
        return Block(timestamps: timestamps, series: series, values: values)
    }

    /// The values of several hits, one after the other.
    private func column(_ list: [Int], _ order: [Int], _ count: Int) -> [Double] {
        unsafe [Double](unsafeUninitializedCapacity: count) { output, filled in
            for place in order {
                let hit = list[place]
                let range = lanes[hits[hit].lane].range
                // The ranges of a chain's lanes add up to `count`, the capacity, and each column is as long as its lane.
                if hits[hit].values.isEmpty {
                    for index in 0..<range.count { unsafe output[filled + index] = 1 }
                } else {
                    unsafe hits[hit].values.withUnsafeBufferPointer { values in
                        let part = unsafe UnsafeBufferPointer(rebasing: values[range])
                        _ = unsafe UnsafeMutableBufferPointer(rebasing: output[filled..<filled + range.count]).initialize(fromContentsOf: part)
                    }
                }
                filled += range.count
            }
        }
    }

    /// Series whose hits overlap in time: late samples, or a flush that went on meanwhile. Of a time that is twice there the later
    /// part counts, the head most.
    private func merged(_ odd: [(series: Int, hits: [Int])]) -> [Block] {
        var blocks: [Block] = []
        for (series, list) in odd {
            let pieces = list.reversed().map { hit -> SampleMerger.Samples in
                let lane = lanes[hits[hit].lane]
                let values = hits[hit].values
                return (
                    ContiguousArray(lane.times[lane.range]),
                    values.isEmpty ? ContiguousArray(repeating: 1, count: lane.range.count) : ContiguousArray(values[lane.range])
                )
            }
            let (times, values, _) = SampleMerger.combine(pieces)
            if let place = blocks.indices.suffix(BlockGatherer.maxHeadLanes).last(where: { blocks[$0].timestamps.elementsEqual(times) }) {
                blocks[place].series.append(series)
                blocks[place].values.append(.whole(Array(values)))
            } else {
                blocks.append(Block(timestamps: Array(times), series: [series], values: [.whole(Array(values))]))
            }
        }
        return blocks
    }
}
