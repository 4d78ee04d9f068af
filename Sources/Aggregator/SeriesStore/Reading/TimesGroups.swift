import ChunkCodec

/// Samples of one series from one place.
struct Piece {
    /// Where the times are from: pieces with one token have the same times.
    struct Token: Hashable {
        var day: Int64
        var part: Int64
        var lane: Int
    }

    /// nil for samples of the head.
    var token: Token?
    var times: ContiguousArray<Int64>
    var values: ContiguousArray<Double>
}

/// Puts the pieces of series together so that series with the same times get one array of them.
struct TimesGroups {
    private var byTokens: [[Piece.Token]: (times: ContiguousArray<Int64>, group: Int)] = [:]
    /// Groups that end in the head, whose pieces have no tokens: the last few are compared.
    private var recent: [(times: ContiguousArray<Int64>, group: Int)] = []
    private var nextGroup = 0

    private static let maxRecent = 4

    /// Pieces of one series: a later one counts for more.
    mutating func combine(_ pieces: [Piece]) -> (times: ContiguousArray<Int64>, values: ContiguousArray<Double>, group: Int) {
        let tokens = pieces.compactMap(\.token)
        let isTokened = tokens.count == pieces.count
        if isTokened, let known = byTokens[tokens], let values = TimesGroups.inOrder(pieces) { return (known.times, values, known.group) }
        let (times, values, _) = SampleMerger.combine(pieces.map { ($0.times, $0.values) })
        if let known = recent.first(where: { $0.times == times }) { return (known.times, values, known.group) }
        let group = nextGroup
        nextGroup += 1
        if isTokened, TimesGroups.inOrder(pieces) != nil { byTokens[tokens] = (times, group) }
        if recent.count == TimesGroups.maxRecent { recent.removeFirst() }
        recent.append((times, group))
        return (times, values, group)
    }

    /// The values one after the other, if the pieces follow each other in time.
    private static func inOrder(_ pieces: [Piece]) -> ContiguousArray<Double>? {
        if pieces.count == 1 { return pieces[0].values }
        for index in 1..<pieces.count where pieces[index - 1].times[pieces[index - 1].times.count - 1] >= pieces[index].times[0] { return nil }
        var values = ContiguousArray<Double>()
        values.reserveCapacity(pieces.reduce(0) { $0 + $1.values.count })
        for piece in pieces { values.append(contentsOf: piece.values) }
        return values
    }
}
